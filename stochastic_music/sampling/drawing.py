"""What a sampler gives, and how it draws one symbol a chain.

A chain's uniform for a step depends on the seed, the step and the chain's number alone (`_random`), and rows
are summed one by one: so a chain plays the same notes whatever the batch it is drawn in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from stochastic_music.errors import NotFittedError, UnsatisfiableError
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.tokens import Header, Vocabulary

#: "exact": a draw from the distribution asked for, conditioned where there are constraints.
#: "particle": constraints hold; how the music fits them approximates conditioning, better with more particles.
#: "metropolis": constraints hold; a chain of small changes has come near to the distribution asked for, the nearer the
#: longer it ran: its diagnostics say how near.
#: "greedy": constraints hold, but were masked step by step, which is not conditioning.
Guarantee: TypeAlias = Literal["exact", "particle", "metropolis", "greedy"]


@dataclass(frozen=True, eq=False)
class Sample:
    """One piece: `symbols` (n,), with END unless `capped`.

    `log_prob` (nats) is under the model as it was fitted, neither reshaped nor conditioned, END included where it
    came. `capped` says that the music was cut at `max_events` before the model ended it. The first `n_given`
    symbols were the start asked for: they are not drawn, and `log_prob` is that of the others after them.

    Of particles, `effective` is the effective sample size of the crowd from which this one was chosen, `log_evidence`
    that crowd's estimate of the log probability (nats) that the model meets the constraint, and `acceptance` the share
    of further crowds that Metropolis accepted; of a Metropolis chain, that of its changes. None where there is nothing
    to tell.
    """

    symbols: IntArray
    log_prob: float
    header: Header | None
    guarantee: Guarantee
    capped: bool
    n_given: int = 0
    effective: float | None = None
    log_evidence: float | None = None
    acceptance: float | None = None


#: the start of pieces that are drawn from the beginning
NO_START: IntArray = np.zeros(0, dtype=np.int64)


def impossible(vocabulary: Vocabulary, symbol: int, place: int) -> UnsatisfiableError:
    """The error for a start whose symbol at `place` the model never plays there."""
    event = place // vocabulary.n_fields + 1
    return UnsatisfiableError(
        f"this model cannot go on from the start: it holds its event {event} ({vocabulary.describe(symbol)}) to be "
        "impossible there. Change it, or use a model that smooths what it counted"
    )


def choose(weights: FloatArray, uniforms: FloatArray) -> IntArray:
    """One column a row by inverse cumulative probability: weights (n, k) need no sum of 1; uniforms (n,) in [0, 1).

    A column of weight 0 is never chosen.

    >>> choose(np.array([[0.0, 1.0, 3.0], [2.0, 2.0, 0.0]]), np.array([0.3, 0.999])).tolist()
    [2, 1]
    """
    cumulative = np.cumsum(weights, axis=1)
    chosen: IntArray = (cumulative <= (uniforms * cumulative[:, -1])[:, None]).sum(axis=1)
    return chosen


def vocabulary_of(model: Any) -> Vocabulary:
    """The vocabulary a model was fitted with; raises NotFittedError where there is none."""
    vocabulary = getattr(model, "vocabulary_", None)
    if vocabulary is None:
        raise NotFittedError(f"this {type(model).__name__} is not fitted: call fit(corpus) first")
    found: Vocabulary = vocabulary
    return found


def as_samples(
    symbols: IntArray,
    scores: FloatArray,
    headers: list[Header | None],
    *,
    end: int,
    most: int,
    guarantee: Guarantee,
    start: IntArray,
) -> list[Sample]:
    """Rows of symbols and of their log probabilities, (n, n_steps), as samples that begin with `start`.

    A row without END is cut after `most` symbols, those of the start among them.
    """
    given = np.tile(start, (len(symbols), 1))
    symbols, scores = np.hstack([given, symbols]), np.hstack([np.zeros(given.shape), scores])
    ends = symbols == end
    ended = ends.any(axis=1)
    lengths = np.where(ended, ends.argmax(axis=1) + 1, most)
    return [
        Sample(symbols[i, :length], float(scores[i, :length].sum()), headers[i], guarantee, not ended[i], len(start))
        for i, length in enumerate(lengths)
    ]
