"""`fit --task compose`: a model that composes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from stochastic_music._checkpoint import digest
from stochastic_music.cli import _fit_store
from stochastic_music.cli._choices import choose_encoding, default_model, parse_parameters, transposition_for
from stochastic_music.cli._common import open_corpus, plural, progress, say
from stochastic_music.cli._fitting import COMPOSE, Fitted, Request, surprise
from stochastic_music.cli._resuming import Unfinished
from stochastic_music.cli._stores import only_store

if TYPE_CHECKING:
    from stochastic_music.corpus import Corpus, TokenCorpus
    from stochastic_music.pipeline import Pipeline
    from stochastic_music.protocols import Progress

    Bar: TypeAlias = contextlib.AbstractContextManager[Progress | None]

#: notes of a corpus of which two models may be fitted at a time
_SMALL = 50_000


def fitted(request: Request) -> Fitted:
    """An encoding and a model, fitted as one."""
    from stochastic_music import registry
    from stochastic_music.pipeline import Pipeline

    request.refuse("compose", "labels")
    if request.model is not None:  # what is wrong is said before anything is read
        registry.create("models", request.model, parse_parameters(request.model, request.set))
    if (store := only_store(request.corpus)) is not None:
        return _fit_store.fitted(request, store)
    music = open_corpus(request.corpus, **request.limits or {})
    say(music.report.summary())
    encoding, why = choose_encoding(music, request.encoding, request.part, request.grid)
    say(why)
    kind = choose_kind(request, encoding)
    parameters = parse_parameters(kind, request.set)
    how = transposition_for(request.transpose, kind, encoding.name)
    pipeline = Pipeline(encoding, registry.create("models", kind, parameters), transpose=how)
    unfinished = Unfinished.of(pipeline.model, request)
    held_out = _fit(pipeline, music, request, unfinished)
    say(pipeline.report_.summary())
    report = {
        **music.report.to_json(),
        **pipeline.report_.to_json(),
        **learned(pipeline, kind, held_out, refit=request.refit),
    }
    save = unfinished.clearing(pipeline.save)
    return Fitted(save, report, told(report, kind, parameters), COMPOSE)


def _fit(pipeline: Pipeline, music: Corpus, request: Request, unfinished: Unfinished) -> dict[str, Any] | None:
    """Learn from all pieces, and tell the held-out figure.

    Of small corpora both are worked out side by side, for models that learn at once.
    """
    if request.refit and unfinished.figure is None and music.report.n_notes <= _SMALL:
        other = type(pipeline)(pipeline.encoding, deepcopy(pipeline.model), transpose=pipeline.transpose)
        with ThreadPoolExecutor(1) as aside, progress("fitting") as show:
            measured = aside.submit(_held_out, other, music, request, unfinished, contextlib.nullcontext)
            pipeline.fit(music, memory=request.memory, progress=show)
            return measured.result()
    held_out = _held_out(pipeline, music, request, unfinished, partial(progress, "fitting, some held out"))
    if request.refit or held_out is None:
        with progress("fitting") as show, unfinished.told():
            pipeline.fit(music, memory=request.memory, progress=show, checkpoint=unfinished.whole)
    return held_out


def choose_kind(request: Request, encoding: Any) -> str:
    """The kind of model that is asked for, or suits, which is then said."""
    if request.model is None:
        say(
            f"Model: {default_model(encoding)}, which suits {encoding.name} best; -m takes another (stochmusic models)."
        )
    return request.model or default_model(encoding)


def learned(pipeline: Pipeline, kind: str, held_out: dict[str, Any] | None, *, refit: bool) -> dict[str, Any]:
    """What the report says of a fitted pipeline, and of its held-out figure."""
    pseudo = hasattr(pipeline.model, "pseudo_log_probs")
    return {
        "model": kind,
        "n_pieces": pipeline.card_["n_pieces"],
        "n_notes": pipeline.card_["n_notes"],
        "vocabulary_size": pipeline.vocabulary_.n_symbols,
        "bits_per_note": None if pseudo else held_out,
        "pseudo_bits_per_note": held_out if pseudo else None,
        "refitted": refit and held_out is not None,
        "remarks": _remarks(pipeline),
        "gains": _gains(pipeline),
        "licences": pipeline.card_["licences"],
    }


def _held_out(
    pipeline: Pipeline, music: Corpus, request: Request, unfinished: Unfinished, bar: Callable[[], Bar]
) -> dict[str, Any] | None:
    """Fit on the kept pieces, measure on those held out; None where there is nothing to hold out."""
    from stochastic_music.errors import EmptyCorpusError

    if request.holdout == 0:
        return None
    if len(music) < 2:
        say("One piece leaves none to hold out, so that there is no held-out figure.")
        return None
    train, test = music.split(request.holdout, seed=request.seed)
    try:
        tokens, _ = pipeline.encode(test)
        known = repr([(piece.name, piece.facts) for piece in music.report.pieces])
        identity = {"model": repr(pipeline), "pieces": digest({"held out": tokens.symbols}, known)}
        found: dict[str, Any] = unfinished.figure_or(
            identity, lambda: _measured(pipeline, train, tokens, request, unfinished, bar)
        )
        return found
    except EmptyCorpusError:
        say("Of the pieces held out, or of those kept, none can be encoded: there is no held-out figure.")
        return None


def _measured(
    pipeline: Pipeline,
    train: Corpus,
    tokens: TokenCorpus,
    request: Request,
    unfinished: Unfinished,
    bar: Callable[[], Bar],
) -> dict[str, Any]:
    from stochastic_music.evaluation import bits_per_note

    with bar() as show, unfinished.told():
        pipeline.fit(train, memory=request.memory, progress=show, checkpoint=unfinished.held_out)
    said = getattr(pipeline.model, "pseudo_log_probs", pipeline.log_probs)
    return bits_per_note(tokens, said(tokens), seed=request.seed).to_json()


def _remarks(pipeline: Pipeline) -> list[str]:
    remarks = getattr(pipeline.model, "remarks", None)
    return list(remarks(pipeline.corpus_)) if remarks and pipeline.has_sources else []


def _gains(pipeline: Pipeline) -> dict[str, list[dict[str, Any]]]:
    """What each viewpoint gains on the training pieces, in bits a symbol, by field, the most telling first."""
    found = {}
    for field, gains in getattr(pipeline.model, "gains_", {}).items():
        rows = zip(gains.parts, gains.gain.tolist(), gains.kept.tolist(), strict=True)
        listed = [{"viewpoint": part, "bits": round(gain, 5), "kept": kept} for part, gain, kept in rows]
        found[field] = sorted(listed, key=lambda row: -row["bits"])
    return found


def told(report: dict[str, Any], model: str, parameters: dict[str, Any]) -> list[str]:
    """What is told of a fitted model, line by line."""
    settings = "".join(f", {name} {value}" for name, value in parameters.items())
    said = [f"Fitted {model}{settings} on {plural(report['n_pieces'], 'piece')}, {plural(report['n_notes'], 'note')}."]
    said += [f"  {remark}" for remark in report["remarks"]]
    said += _told_of_gains(report["gains"])
    again = "then refitted on everything" if report["refitted"] else "not refitted on them"
    if (held_out := report["pseudo_bits_per_note"]) is not None:
        said.append(
            f"Held out, each symbol given all others of its piece: {surprise(held_out, 'bits a note')}; {again}."
        )
        said.append("  That is no surprise of a piece: figures of models that predict are not comparable with it.")
    if (held_out := report["bits_per_note"]) is not None:
        said.append(f"Held-out surprise: {surprise(held_out, 'bits per note')}; {again}.")
    return said


def _told_of_gains(gains: dict[str, list[dict[str, Any]]], shown: int = 4) -> list[str]:
    told = []
    for field, rows in gains.items():
        telling = [f"{row['viewpoint']} {row['bits']:.2f}" for row in rows[:shown] if row["bits"] >= 0.005]
        silent = sum(not row["kept"] for row in rows)
        if telling:
            gone = f"; silent, for gaining nothing: {silent} of {len(rows)}" if silent else ""
            told.append(f"  Most is gained for {field}, in bits, by {', '.join(telling)}{gone}.")
    return told
