"""What is usual: how much the pieces of a corpus copy from each other.

Each piece is held out in turn and looked for in the others, its kin left out: lines of its own name, and its variants
and doubles (`corpus.variants`), which would be found from beginning to end. What it then shares with the rest is what
a composer of this style shares with others without copying. All are asked in one pass over the suffix array.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from stochastic_music.corpus.facts import interval_runs
from stochastic_music.corpus.lines import Line
from stochastic_music.corpus.variants import components, find_variants
from stochastic_music.evaluation.suffixes import Suffixes
from stochastic_music.protocols import BoolArray, FloatArray, IntArray

#: fewer pieces that are no kin of each other say nothing of what is usual
LEAST_PIECES = 10
#: copies of at least so many notes count for shares
NOTABLE = 8


class Spread(NamedTuple):
    """Half of all pieces have no more than `median`, nine in ten no more than `high`."""

    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float] | IntArray | FloatArray) -> Spread:
        """Of values, one a piece: two of these values.

        >>> Spread.of([1, 2, 3, 4, 5, 6, 7, 8, 9, 20])
        Spread(median=5, high=9)
        """
        median, high = np.quantile(values, [0.5, 0.9], method="inverted_cdf").tolist()
        return cls(median, high)

    def to_json(self) -> dict[str, float]:
        """`median` and `q90`."""
        return {"median": round(self.median, 4), "q90": round(self.high, 4)}


class Usual(NamedTuple):
    """Of held-out pieces: the longest copy in notes, the share (0 to 1) of notes in notable copies; how many pieces."""

    longest: Spread
    share: Spread
    n_pieces: int

    def to_json(self) -> dict[str, Any]:
        """Plain numbers."""
        return {"longest": self.longest.to_json(), "share": self.share.to_json(), "n_pieces": self.n_pieces}


class HeldOut:
    """Who is kin to whom among `lines`; lines of one name are one piece."""

    def __init__(self, lines: Sequence[Line]) -> None:
        sizes = [len(line) for line in lines]
        names, piece = np.unique([line.name for line in lines], return_inverse=True)
        kin = _kin(lines, piece)
        self.n_kin = len(np.unique(kin[np.array(sizes, dtype=np.int64) > 0]))
        self._piece, self._kin = np.repeat(piece, sizes), np.repeat(kin, sizes)
        self._n_notes = np.bincount(self._piece, minlength=len(names))

    def usual(self, suffixes: Suffixes) -> Usual | None:
        """What pieces share with those that are no kin of theirs; None where there are too few to tell."""
        if self.n_kin < LEAST_PIECES:
            return None
        lengths = suffixes.elsewhere(self._kin)
        longest = np.zeros(len(self._n_notes), dtype=np.int64)
        np.maximum.at(longest, self._piece, lengths)
        copied = np.bincount(self._piece, covered(lengths), minlength=len(longest))
        asked = self._n_notes > 0
        share = copied[asked] / self._n_notes[asked]
        return Usual(Spread.of(longest[asked]), Spread.of(share), int(asked.sum()))


def covered(lengths: IntArray) -> BoolArray:
    """Which notes lie in a notable copy, where copies of `lengths` notes begin at each of them: (n,)."""
    at = np.arange(len(lengths))
    ends = np.where(lengths >= NOTABLE, at + lengths, 0)
    inside: BoolArray = np.maximum.accumulate(ends) > at
    return inside


def _kin(lines: Sequence[Line], piece: IntArray) -> IntArray:
    """A number for each line, equal for those of one name and for variants."""
    owner = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    alike = find_variants(interval_runs(owner, Line.joined(lines).pitch, len(lines)))
    _, first = np.unique(piece, return_index=True)
    pairs = [*enumerate(first[piece].tolist()), *((group[0], other) for group in alike for other in group[1:])]
    return components(len(lines), np.array(pairs, dtype=np.int64).reshape(-1, 2))
