"""`fit STORE`: a model that composes, from tokens that are there already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stochastic_music.cli import _fit_compose
from stochastic_music.cli._choices import parse_parameters
from stochastic_music.cli._common import progress, say
from stochastic_music.cli._fitting import COMPOSE, Fitted, Request
from stochastic_music.cli._resuming import Unfinished
from stochastic_music.cli._stores import Wish, refuse_other

if TYPE_CHECKING:
    from stochastic_music.corpus.store import Parts, TokenStore
    from stochastic_music.pipeline import Pipeline


def fitted(request: Request, store: TokenStore) -> Fitted:
    """The encoding of a store and a model of its tokens, as one."""
    from stochastic_music import registry
    from stochastic_music.pipeline import Pipeline

    asked = None if request.transpose == "auto" else request.transpose
    refuse_other(store.path, store.card, Wish(request.encoding, request.part, request.grid, asked))
    encoding = registry.from_json("encodings", list(store.encoding))
    kind = _fit_compose.choose_kind(request, encoding)
    parameters = parse_parameters(kind, request.set)
    pipeline = Pipeline(encoding, registry.create("models", kind, parameters), transpose=store.card.transpose)
    if hasattr(pipeline.model, "check_memory"):
        pipeline.model.check_memory(store.parts, request.memory)
    say(f"{store.path} holds {store.card.in_words()}.\n{store.report.summary()}")
    unfinished = Unfinished.of(pipeline.model, request)
    held_out = _held_out(pipeline, store, request, unfinished)
    if request.refit or held_out is None:
        with progress("fitting") as show, unfinished.told():
            _fit(pipeline, store, request, progress=show, checkpoint=unfinished.whole)
    report = {
        **store.report.to_json(),
        "encoding": store.card.encoding,
        "encoding_losses": [],
        "pieces_not_encoded": [],
        **_fit_compose.learned(pipeline, kind, held_out, refit=request.refit),
    }
    told = _fit_compose.told(report, kind, parameters)
    if not pipeline.has_sources and request.sources is None:
        told.append(f"Its {store.n_symbols:,} training symbols are not put into the file (--sources puts them there).")
    return Fitted(unfinished.clearing(pipeline.save), report, told, COMPOSE)


def _fit(pipeline: Pipeline, store: TokenStore | Parts, request: Request, **ways: Any) -> None:
    pipeline.fit_store(store, memory=request.memory, executor=request.executor, sources=request.sources, **ways)


def _held_out(pipeline: Pipeline, store: TokenStore, request: Request, unfinished: Unfinished) -> dict[str, Any] | None:
    """Fit on the kept pieces, measure those held out part by part; None where there is nothing to hold out."""
    if request.holdout == 0:
        return None
    if store.n_pieces < 2:
        say("One piece leaves none to hold out, so that there is no held-out figure.")
        return None
    train, test = store.split(request.holdout, seed=request.seed)
    identity = {"model": repr(pipeline), "pieces": f"{store.path} {store.n_pieces} {store.n_symbols} {request.seed}"}
    found: dict[str, Any] = unfinished.figure_or(
        identity, lambda: _measured(pipeline, (train, test), request, unfinished)
    )
    return found


def _measured(pipeline: Pipeline, sides: tuple[Parts, Parts], request: Request, unfinished: Unfinished) -> Any:
    from stochastic_music.evaluation.likelihood import Totals, estimate, note_totals

    train, test = sides
    with progress("fitting, some held out") as show, unfinished.told():
        _fit(pipeline, train, request, progress=show, checkpoint=unfinished.held_out)
    said = getattr(pipeline.model, "pseudo_log_probs", pipeline.log_probs)
    return estimate(Totals.joined(note_totals(part, said(part)) for part in test), seed=request.seed).to_json()
