"""`fit -m crf`: a model that composes over what is given."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from stochastic_music.cli._common import assignments, open_corpus, plural, say
from stochastic_music.cli._fitting import Fitted, Request, surprise
from stochastic_music.cli._stores import refuse_stores

if TYPE_CHECKING:
    from stochastic_music.corpus import Corpus
    from stochastic_music.tasks.given.composer import CRFComposer


def fitted(request: Request) -> Fitted:
    """Conditional random fields of rhythm and pitch, fitted on the melodies of a corpus."""
    from stochastic_music.tasks.given.composer import CRFComposer

    refuse_stores(request.corpus, "-m crf")
    request.refuse("compose with -m crf", "labels", "encoding", "transpose")
    settings = _settings(request.set)
    part = int(request.part) if request.part is not None and request.part.isdigit() else request.part
    composer = CRFComposer(part=part, grid=request.grid, **settings)
    music = open_corpus(request.corpus, **request.limits or {})
    say(music.report.summary())
    held_out = _held_out(composer, music, request.holdout, request.seed)
    if request.refit or held_out is None:
        composer.fit(music)
    card = composer.card_
    report = {
        **music.report.to_json(),
        "model": "crf",
        "n_pieces": card["n_pieces"],
        "n_notes": card["n_notes"],
        "pieces_not_encoded": [piece.to_json() for piece in composer.skipped_],
        "bits_per_pitch": held_out,
        "refitted": request.refit and held_out is not None,
        "pieces_with_chords": card["chords"],
        "pieces_with_phrases": card["phrases"],
        "licences": card["licences"],
    }
    return Fitted(composer.save, report, _told(report), "Now compose: stochmusic generate {} --given " + _example(card))


def _settings(texts: tuple[str, ...]) -> dict[str, Any]:
    """What --set gives; an unknown name names the nearest."""
    from stochastic_music import registry
    from stochastic_music.errors import UnknownNameError
    from stochastic_music.tasks.given.composer import CRFComposer

    known = {k: v for k, v in registry.parameters_of(CRFComposer).items() if k not in ("part", "grid")}
    given = assignments(texts)
    for name in given:
        if name not in known:
            raise UnknownNameError("parameter of crf", name, known)
    return {name: registry.parse_value(text, known[name]) for name, text in given.items()}


def _held_out(composer: CRFComposer, music: Corpus, share: float, seed: int) -> dict[str, Any] | None:
    """Bits a pitch, given rhythm and chords, on pieces held out; None where there is nothing to hold out."""
    import numpy as np

    from stochastic_music.errors import EmptyCorpusError
    from stochastic_music.evaluation.likelihood import Totals, estimate

    if share == 0 or len(music) < 2:
        return None
    train, test = music.split(share, seed=seed)
    try:
        log_probs, n_notes = composer.fit(train).log_probs(test)
    except EmptyCorpusError:
        say("Of the pieces held out, or of those kept, none can be read: there is no held-out figure.")
        return None
    possible = np.isfinite(log_probs)
    if not possible.all():
        say(
            f"{plural(int((~possible).sum()), 'piece')} held out with a pitch, or a way to reach one, that the others "
            "never have: left out of the figure."
        )
    if not possible.any():
        return None
    return estimate(
        Totals(-log_probs[possible] / math.log(2), n_notes[possible].astype(np.float64)), seed=seed
    ).to_json()


def _told(report: dict[str, Any]) -> list[str]:
    told = [
        f"Fitted crf on the melodies of {plural(report['n_pieces'], 'piece')}, "
        f"{plural(report['n_notes'], 'note')}; chords under {report['pieces_with_chords']} of them, phrase marks in "
        f"{report['pieces_with_phrases']}."
    ]
    told += [f"  not read: {piece['file']}: {piece['reason']}" for piece in report["pieces_not_encoded"][:10]]
    if (held_out := report["bits_per_pitch"]) is not None:
        told.append(f"Held-out surprise of pitches, all else given: {surprise(held_out, 'bits per pitch')}.")
    return told


def _example(card: dict[str, Any]) -> str:
    return "'C | F G | C'" if card["chords"] else "rhythm.mid"
