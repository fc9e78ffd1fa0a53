"""Whether new pieces copy the training pieces, and drawing again those that copy too much.

A limit that was asked for is a constraint (`constraints.MaxCopy`), which samplers condition on. The limit that holds
where nothing was asked is softer: pieces beyond it are drawn again, a few times, then conditioned on the limit, and
the least copying one is kept where that cannot be.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stochastic_music.corpus.lines import Line, lines_of
from stochastic_music.errors import UnsatisfiableError, UsageError, VocabularyError
from stochastic_music.evaluation import OriginalityIndex
from stochastic_music.sampling import Sample
from stochastic_music.tokens import Vocabulary

if TYPE_CHECKING:
    from stochastic_music.pipeline.pipeline import Pipeline

#: how often pieces are drawn again before the least copying ones are kept
ROUNDS = 6


class Drawn(NamedTuple):
    """A sample that was kept, and how many were drawn before it that copied too much."""

    sample: Sample
    redrawn: int = 0


def index_of(pipeline: Pipeline) -> OriginalityIndex | None:
    """The training pieces, ready to be asked; None without sources, and where events are neither notes nor voices."""
    if pipeline.corpus_ is None:
        return None
    try:
        return OriginalityIndex.from_tokens(pipeline.corpus_)
    except VocabularyError:
        return None


def new_lines(vocabulary: Vocabulary, drawn: Sample) -> list[Line]:
    """The notes of a sample that were not given as its start: a line, or one a voice."""
    given = lines_of(vocabulary, drawn.symbols[: drawn.n_given], drawn.header, "")
    whole = lines_of(vocabulary, drawn.symbols, drawn.header, "")
    return [line.since(len(before)) for line, before in zip(whole, given, strict=True)]


def drawn_within(
    draw: Callable[[int, int], Sequence[Sample]],
    n: int,
    *,
    key: int,
    index: OriginalityIndex | None,
    limited: Callable[[int, int], Sequence[Sample]] | None = None,
) -> list[Drawn]:
    """`n` samples that copy no more than the index's `limit`, as far as some are found; without one as they come.

    `draw(key, n)` draws samples of which the first ones do not depend on `n`; each is drawn again under other keys
    until it is within the limit, ROUNDS times at most. Those that are not are drawn by `limited`, which conditions on
    the limit; where that cannot be had the least copying ones are kept.
    """
    kept = [Drawn(sample) for sample in draw(key, n)]
    if index is None or index.limit is None or not kept:
        return kept
    vocabulary = index.vocabulary
    assert vocabulary is not None  # noqa: S101 - an index of tokens has one
    copied = np.array([index.longest_copy(new_lines(vocabulary, now.sample)).length for now in kept])
    for attempt in range(1, ROUNDS + 1):
        beyond = np.flatnonzero(copied > index.limit).tolist()
        if not beyond:
            break
        again = draw(_key_of_round(key, attempt), beyond[-1] + 1)
        for i in beyond:
            length = index.longest_copy(new_lines(vocabulary, again[i])).length
            sample = again[i] if length < copied[i] else kept[i].sample
            kept[i], copied[i] = Drawn(sample, attempt), min(length, copied[i])
    beyond = np.flatnonzero(copied > index.limit).tolist()
    if limited is not None and beyond:
        with contextlib.suppress(UsageError, UnsatisfiableError):
            again = limited(_key_of_round(key, ROUNDS + 1), beyond[-1] + 1)
            for i in beyond:
                kept[i] = Drawn(again[i], ROUNDS + 1)
    return kept


def _key_of_round(key: int, attempt: int) -> int:
    return int(np.random.default_rng([key, 0x434F5059, attempt]).integers(0, 2**63))
