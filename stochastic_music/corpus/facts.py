"""What a corpus wants to know of each piece, measured once while its file is read.

Onsets are quarter notes. A *run* is eight melodic intervals in a row, in semitones, packed into one 64-bit word: equal
words are equal shapes at any transposition. Runs are taken off the *top line* (the highest note at each onset of
the part that lies highest on average), drums left out.

*Played without a click:* let R(k) be the length of the mean of exp(2 pi i k t) over the onsets t. It is 1 for music
on a grid of k positions a quarter note, and near 0 for onsets that ignore it. Music is off any grid where R stays
below 0.3 for every k of `_GRIDS`, with 48 onsets or more; n random onsets exceed 0.3 for one k by chance with
probability exp(-0.09 n), 0.013 for n = 48 (N. I. Fisher, Statistical analysis of circular data, 1993, chapter 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stochastic_music.music import keys
from stochastic_music.protocols import FloatArray, IntArray

if TYPE_CHECKING:
    from symusic.core import ScoreTick

Notes: TypeAlias = dict[str, NDArray[Any]]
Runs: TypeAlias = NDArray[np.uint64]

#: intervals in a row that must agree for two places to count as one
RUN = 8

#: the default grid of the encodings: positions are multiples of a sixteenth or of a twelfth of a whole note
GRID = "1/16,1/12"
_POSITIONS = np.array([0, 3, 4, 6, 8, 9, 12]) / 12

_GRIDS = np.array([1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24])
_FEWEST_ONSETS = 48
_OFF_GRID = 0.3


class Facts(NamedTuple):
    """One piece.

    `key` is spelled, `key_source` tells where it is known from and `key_confidence` how surely (`music.keys`);
    `error` and `worst` are the mean and largest distance of an onset from GRID, in quarter notes.
    """

    n_notes: int
    meters: tuple[str, ...]
    key: str
    key_source: str
    key_confidence: float
    error: float
    worst: float
    without_click: bool

    @property
    def key_doubtful(self) -> bool:
        """Whether another key fits about as well."""
        return self.key_source == "estimated" and self.key_confidence < keys.DOUBTFUL


def measure(score: ScoreTick) -> tuple[Facts, Runs]:
    """The facts of a score, and the runs of its top line, each once, ascending: (n_runs,)."""
    tracks: list[Notes] = [t.notes.numpy() for t in score.tracks if len(t.notes) and not t.is_drum]
    ticks = np.concatenate([notes["time"] for notes in tracks]) if tracks else np.zeros(0, dtype=np.int32)
    onsets = ticks / score.ticks_per_quarter
    distances = grid_distances(onsets)
    finding = keys.key_of(score)
    facts = Facts(
        n_notes=score.note_num(),
        meters=tuple(dict.fromkeys(f"{m.numerator}/{m.denominator}" for m in score.time_signatures)),
        key=str(finding.key),
        key_source=finding.source,
        key_confidence=round(finding.confidence, 6),
        error=round(float(distances.mean()), 6) if len(distances) else 0.0,
        worst=round(float(distances.max(initial=0.0)), 6),
        without_click=is_without_click(onsets),
    )
    return facts, interval_runs(top_line(tracks))


def grid_distances(onsets: FloatArray) -> FloatArray:
    """How far each onset (quarter notes) lies from GRID, in quarter notes: (n,).

    >>> grid_distances(np.array([0.0, 1 / 3, 0.75, 1.05])).round(3).tolist()
    [0.0, 0.0, 0.0, 0.05]
    """
    phase = onsets - np.floor(onsets)
    above = np.searchsorted(_POSITIONS, phase).clip(1)
    distances: FloatArray = np.minimum(phase - _POSITIONS[above - 1], _POSITIONS[above] - phase).clip(0.0)
    return distances


def is_without_click(onsets: FloatArray) -> bool:
    """Whether these onsets (quarter notes) follow no grid; see the module's article.

    >>> is_without_click(np.arange(64) / 4), is_without_click(np.random.default_rng(0).uniform(0, 64, 64))
    (False, True)
    """
    if len(onsets) < _FEWEST_ONSETS:
        return False
    turns = np.exp(2j * np.pi * np.outer(_GRIDS, onsets))
    return bool((np.abs(turns.mean(axis=1)) < _OFF_GRID).all())


def top_line(tracks: Sequence[Notes]) -> IntArray:
    """The pitches of the top line: (n,); empty where there are no notes."""
    if not tracks:
        return np.zeros(0, dtype=np.int64)
    notes = max(tracks, key=lambda t: float(t["pitch"].mean()))
    order = np.lexsort((-notes["pitch"].astype(np.int64), notes["time"]))
    time, pitch = notes["time"][order], notes["pitch"][order].astype(np.int64)
    return pitch[np.flatnonzero(np.diff(time, prepend=-1))]


def interval_runs(pitches: IntArray) -> Runs:
    """Every run of eight intervals as one word, each once, ascending: (n_runs,).

    >>> scale = np.array([60, 62, 64, 65, 67, 69, 71, 72, 74])
    >>> bool((interval_runs(scale) == interval_runs(scale + 5)).all())
    True
    """
    if len(pitches) <= RUN:
        return np.zeros(0, dtype=np.uint64)
    intervals = np.diff(pitches).astype(np.int8)
    windows = np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(intervals, RUN))
    return np.unique(windows.view("<u8").ravel()).astype(np.uint64)
