"""Diversity: whether the pieces of a set differ from each other, or all say the same.

Task: a model may compose one good piece over and over, or one note. That shows in the set, not in the piece. Pieces are
compared by the *runs* of their top lines (`top_line`): four intervals in a row, in semitones, so that a tune is
the same in every key and rhythm.

    distance   1 minus the share of runs that two pieces have in common, of all that either has, averaged over all pairs
               of pieces. 0: all have the same runs, 1: no two share any
    distinct   different runs of the set, divided by all its runs: "distinct-n" of [1]
    doubles    share of the pieces whose top line another piece of the set has as well, note for note, from the first to
               the last: the same intervals, onsets and durations, in any key

Longer pieces, and more of them, have fewer distinct runs: compare sets of about equal size, and beside held-out
music. More is not better beyond what held-out music has: random notes are as diverse as can be.

Two pieces without a run (fewer than five notes, silence, drums) are alike: their distance is 0. A set of fewer than two
pieces, or of drums or silence alone, has no distance and no doubles, one without any run no `distinct`: NaN.

[1] J. Li, M. Galley, C. Brockett, J. Gao, B. Dolan. A diversity-promoting objective function for neural conversation
models. NAACL 2016.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stochastic_music.evaluation.music.features import Feature
from stochastic_music.evaluation.music.top_line import TopLine, top_line

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: intervals in a row
_RUN = 4


#: name -> what it is, in the order of `Diversity`
DIVERSITY = {
    "distance": Feature(
        "distance of pieces", "runs of four intervals that two pieces of the set do not share", "share"
    ),
    "distinct": Feature("distinct runs", "different runs of four intervals, of all runs of the set", "share"),
    "doubles": Feature("doubles", "pieces that the set has twice, in any key", "share of pieces"),
}


class Diversity(NamedTuple):
    """Figures of a set of pieces, each 0 to 1, or NaN; see the module's article."""

    distance: float
    distinct: float
    doubles: float


def diversity(scores: Sequence[ScoreTick]) -> Diversity:
    """How much the pieces of a set differ from each other.

    >>> diversity([])
    Diversity(distance=nan, distinct=nan, doubles=nan)
    """
    lines = [top_line(score) for score in scores]
    runs = [_runs(line) for line in lines]
    sets = [set(found) for found in runs]
    n_runs = sum(map(len, runs))
    distinct = len(set().union(*sets)) / n_runs if n_runs else math.nan
    if len(lines) < 2 or not any(len(line.pitch) for line in lines):
        return Diversity(math.nan, distinct, math.nan)
    distance = float(np.mean([_distance(one, other) for one, other in combinations(sets, 2)]))
    times = Counter(map(_shape, lines))
    return Diversity(distance, distinct, sum(n for n in times.values() if n > 1) / len(lines))


def _runs(line: TopLine) -> list[bytes]:
    if len(line.pitch) <= _RUN:
        return []
    return [run.tobytes() for run in np.lib.stride_tricks.sliding_window_view(line.intervals, _RUN)]


def _distance(one: set[bytes], other: set[bytes]) -> float:
    return 1 - len(one & other) / len(one | other) if one or other else 0.0


def _shape(line: TopLine) -> Hashable:
    """Equal for lines that are equal but for their key and their beginning in time."""
    return (
        line.intervals.tobytes(),
        (line.onset - line.onset[:1]).round(6).tobytes(),
        line.duration.round(6).tobytes(),
    )
