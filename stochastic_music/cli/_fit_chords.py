"""`fit --task chords`: a model that tells chords and keys, learned from scores with labels."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stochastic_music.cli._common import assignments, open_corpus, plural, say
from stochastic_music.cli._fitting import Fitted, Request
from stochastic_music.cli._stores import refuse_stores
from stochastic_music.errors import UnknownNameError

if TYPE_CHECKING:
    from stochastic_music.corpus.chord_labels import LabelledPiece, LeftOut
    from stochastic_music.tasks.chords import ChordLabeller, Figures

#: up to so many pieces the held-out figure is cross-validated, so that it does not hang on one or two of them
_FEW = 60
_SHOWN = 10


def fitted(request: Request) -> Fitted:
    """Fields of chords and keys, fitted on the labelled pieces of a corpus."""
    from stochastic_music.tasks.chords import ChordLabeller

    refuse_stores(request.corpus, "--task chords")
    request.refuse("chords", "model", "encoding", "part", "grid", "transpose")
    labeller = ChordLabeller(**_settings(request.set))
    pieces, out, report = _labelled(request)
    figures, how = _held_out(labeller, pieces, request)
    if request.refit or figures is None:
        labeller.fit(pieces)
    card = labeller.card_
    report |= {
        "model": "relative_crf",
        "n_pieces": card["n_pieces"],
        "n_events": card["n_events"],
        "pieces_left_out": [{"piece": piece.name, "reason": piece.reason} for piece in out],
        "labels_from": dict(Counter(_kind(piece.origin) for piece in pieces)),
        "label_fit": {piece.piece.name: round(piece.fit, 4) for piece in pieces},
        "label_remarks": {piece.piece.name: list(piece.remarks) for piece in pieces if piece.remarks},
        "held_out": None
        if figures is None
        else figures.to_json() | {"protocol": how} | _intervals(figures, request.seed),
        "refitted": request.refit and figures is not None,
        "licences": card["licences"],
    }
    return Fitted(labeller.save, report, _told(report), "Now analyse: stochmusic analyze PIECE -m {}")


def _labelled(request: Request) -> tuple[list[LabelledPiece], list[LeftOut], dict[str, Any]]:
    from stochastic_music.corpus.builtin import BUILTIN
    from stochastic_music.corpus.chord_labels import find_texts, label_pieces

    music = open_corpus(request.corpus, **request.limits or {})
    say(music.report.summary())
    paired = {
        score: text
        for name in request.corpus
        if name in BUILTIN and not Path(name).exists()
        for score, text in BUILTIN[name].analysis_files().items()
    }
    pieces, out = label_pieces(music, csv_file=request.labels, texts=find_texts(request.corpus), paired=paired)
    say(f"Labels: {plural(len(pieces), 'piece')} with chords" + (f", {len(out)} without." if out else "."))
    for piece in out[:_SHOWN]:
        say(f"  left out: {piece.name}: {piece.reason}")
    if len(out) > _SHOWN:
        say(f"  ... and {len(out) - _SHOWN} more")
    for labelled in pieces:
        for remark in labelled.remarks[:3]:
            say(f"  {labelled.piece.name}: {remark}")
    return pieces, out, dict(music.report.to_json())


def _settings(texts: tuple[str, ...]) -> dict[str, Any]:
    """What --set gives; an unknown name names the nearest."""
    from stochastic_music import registry
    from stochastic_music.tasks.chords import ChordLabeller

    known = registry.parameters_of(ChordLabeller)
    given = assignments(texts)
    for name in given:
        if name not in known:
            raise UnknownNameError("parameter of the chord labeller", name, known)
    return {name: registry.parse_value(text, known[name]) for name, text in given.items()}


def _held_out(labeller: ChordLabeller, pieces: list[LabelledPiece], request: Request) -> tuple[Figures | None, str]:
    """Shares of events told rightly in pieces not learned from, and how that was measured."""
    import numpy as np

    from stochastic_music.corpus import folds
    from stochastic_music.tasks.chords import cross_validated, measured

    if request.holdout == 0:
        return None, ""
    if len(pieces) < 2:
        say("One labelled piece leaves none to hold out, so that there is no held-out figure.")
        return None, ""
    if request.refit and len(pieces) <= _FEW:
        k = min(5, len(pieces))
        return cross_validated(labeller, pieces, folds=k, seed=request.seed), f"{k}-fold cross-validation by piece"
    k = max(round(1 / request.holdout), 2)
    fold = folds(len(pieces), min(k, len(pieces)), seed=request.seed)
    kept, held = ([pieces[int(i)] for i in np.flatnonzero(part)] for part in (fold != 0, fold == 0))
    return measured(labeller.fit(kept), held), f"{plural(len(held), 'piece')} held out"


def _intervals(figures: Figures, seed: int) -> dict[str, Any]:
    """95 % intervals of the shares, bootstrapped over pieces."""
    import numpy as np

    from stochastic_music.evaluation.likelihood import Totals, estimate

    columns = {"chord": ("right", "n"), "chord_by_time": ("time_right", "time"), "root": ("roots", "n")}
    if figures.key is not None:
        columns["key"] = ("keys", "n_keys")
    found = {}
    for name, (right, total) in columns.items():
        counts = [
            np.array([getattr(c, which) for c in figures.per_piece], dtype=np.float64) for which in (right, total)
        ]
        found[f"{name}_interval"] = estimate(Totals(*counts), seed=seed).to_json()["interval"]
    return found


def _kind(origin: str) -> str:
    return "Roman-numeral text" if origin.endswith((".rntxt", ".rntext")) else origin


def _told(report: dict[str, Any]) -> list[str]:
    sources = ", ".join(f"{origin} ({n})" for origin, n in report["labels_from"].items())
    told = [
        f"Fitted a chord labeller on {plural(report['n_pieces'], 'piece')}, {plural(report['n_events'], 'event')}; "
        f"labels from {sources}."
    ]
    if (figures := report["held_out"]) is not None:
        low, high = figures["chord_interval"]
        keys = "" if figures["key"] is None else f", key {figures['key']:.1%}"
        again = "then refitted on everything" if report["refitted"] else "not refitted on them"
        told.append(
            f"Held out ({figures['protocol']}): chord {figures['chord']:.1%} of events (95 % interval {low:.1%} to "
            f"{high:.1%}), {figures['chord_by_time']:.1%} of their time; root {figures['root']:.1%}{keys}; {again}."
        )
    return told
