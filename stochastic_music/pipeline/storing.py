"""Fitting from a store of tokens: part by part where the model counts, with everything in memory where it does not."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stochastic_music import registry
from stochastic_music.corpus import Roster, TokenCorpus
from stochastic_music.corpus.store import Card, Parts
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError
from stochastic_music.evaluation.likelihood import begins_note
from stochastic_music.protocols import CountingModel, Progress

if TYPE_CHECKING:
    from stochastic_music.pipeline.pipeline import Pipeline

#: training symbols beyond this many are kept for explanations and the like only when asked for
MOST_KEPT = 50_000_000


def fit_parts(
    pipeline: Pipeline,
    parts: Parts,
    *,
    sources: bool | None,
    memory: int | None,
    **ways: Any,
) -> Pipeline:
    """The pipeline, fitted on parts of a store in `ways` that `learn` takes; see `Pipeline.fit_store`."""
    store = parts.store
    store.card.refuse_other(store.path, Card.of(pipeline.encoding, pipeline.transpose))
    if not len(parts):
        raise EmptyCorpusError(f"no piece to work on: {store.path} holds none.")
    most = MOST_KEPT if memory is None else min(MOST_KEPT, memory // 16)
    kept = parts.n_symbols <= most if sources is None else sources
    learn(pipeline.model, parts, memory=memory, **ways)
    roster = Roster.joined(_roster(part) for part in parts)
    return pipeline.settle(store.vocabulary, roster, parts.together if kept else None)


def learn(
    model: Any,
    parts: Sequence[TokenCorpus],
    *,
    memory: int | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    seconds: float | None = None,
    checkpoint: Path | None = None,
) -> None:
    """Fit a model on parts of a corpus: one by one where it counts and there are several, or a limit on memory.

    `progress`, `seconds` and `checkpoint` are for models that learn in steps (`protocols.TrainedModel`), and mean
    nothing to others. Raises InvalidParameterError for a model that needs everything at once where that is more than
    `memory`.
    """
    if isinstance(model, CountingModel) and (len(parts) > 1 or memory is not None):
        model.fit_parts(parts, memory=memory, executor=executor)
        return
    _refuse_memory(model, parts, memory)
    whole = parts[0] if len(parts) == 1 else TokenCorpus.together(list(parts))
    ways = {"progress": progress, "seconds": seconds, "checkpoint": checkpoint}
    known = inspect.signature(model.fit).parameters
    model.fit(whole, **{name: way for name, way in ways.items() if way is not None and name in known})


def _roster(part: TokenCorpus) -> Roster:
    n_notes = part.sums(begins_note(part.vocabulary, part.symbols)).astype(np.int64)
    return Roster.of(part, n_notes=n_notes, licences=[""] * len(part))


def _refuse_memory(model: Any, parts: Sequence[TokenCorpus], memory: int | None) -> None:
    """Raise InvalidParameterError where the symbols alone, 8 bytes each, do not fit into `memory`."""
    needed = 0 if memory is None else sum(part.symbols.nbytes for part in parts)
    if memory is not None and needed > memory:
        kinds = [kind for kind in registry.names("models") if hasattr(registry.get("models", kind), "fit_parts")]
        raise InvalidParameterError(
            f"memory is {memory:,} bytes, and {type(model).__name__} needs all symbols at once, which take {needed:,}. "
            f"Allow more, or take a kind that counts in parts: {', '.join(kinds)}"
        )
