"""Which viewpoints are worth keeping, asked of the training pieces alone.

The pieces are dealt to two halves. Weights are learned from one half and tried on the other, and the other way
round, every event being seen with the counts of the other pieces. The *gain* of a viewpoint, as it was written, all
its orders together, is how much more the events would have surprised had it been silent and the rest as it was: bits
a symbol of the field it predicts. A viewpoint stays if that is above zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Self

import numpy as np

from stochastic_music.models.viewpoints.weights import Problem
from stochastic_music.protocols import BoolArray, FloatArray, IntArray

#: with fewer pieces nothing is left out
LEAST_PIECES = 8


class Gains(NamedTuple):
    """What each viewpoint of a field gains, in bits a symbol, and whether it was kept: (n_parts,) each."""

    parts: tuple[str, ...]
    gain: FloatArray
    kept: BoolArray

    @classmethod
    def of(cls, part: Sequence[str], gain: FloatArray, kept: BoolArray) -> Self:
        """Gains in the order of the parts' names; `part` may name some more than once."""
        return cls(_distinct(part), gain, kept)

    @classmethod
    def unasked(cls, part: Sequence[str]) -> Self:
        """All are kept, and nobody knows what they gain: 0 is said."""
        n = len(_distinct(part))
        return cls.of(part, np.zeros(n), np.ones(n, dtype=bool))

    def rows(self, part: Sequence[str]) -> BoolArray:
        """Whether terms that belong to the parts named are kept: (n_terms,)."""
        kept = dict(zip(self.parts, self.kept.tolist(), strict=True))
        return np.array([kept[name] for name in part], dtype=bool)


def _distinct(part: Sequence[str]) -> tuple[str, ...]:
    """Each part once, in the order in which gains stand."""
    return tuple(sorted(set(part)))


def halves(piece: IntArray) -> IntArray:
    """The half, 0 or 1, of events of pieces numbered by length: (n_events,); both have pieces of all lengths."""
    return piece % 2


def gains(problem: Problem, piece: IntArray, part: Sequence[str]) -> tuple[Gains, FloatArray]:
    """The gains of the parts, and variables from which to search on.

    `part` (n_terms,) names that of each term; `piece` (n_events,) numbers pieces.
    """
    parts = _distinct(part)
    group = np.array([parts.index(name) for name in part], dtype=np.int64)
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda half: problem.solve([half]), range(2)))
    lost = problem.losses(found[0].weights, 1, group) + problem.losses(found[1].weights, 0, group)
    gain = lost / len(piece) / np.log(2)
    middle: FloatArray = (found[0].variables + found[1].variables) / 2
    return Gains.of(part, gain, (gain > 0) | (piece.max() + 1 < LEAST_PIECES)), middle
