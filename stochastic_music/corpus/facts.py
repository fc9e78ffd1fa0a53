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

import itertools
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stochastic_music.music import keys
from stochastic_music.music.notes import Notes, NoteTable, gather
from stochastic_music.protocols import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from symusic.core import ScoreTick

Runs: TypeAlias = NDArray[np.uint64]

#: intervals in a row that must agree for two places to count as one
RUN = 8

#: the default grid of the encodings: positions are multiples of a sixteenth or of a twelfth of a whole note
GRID = "1/16,1/12"
_PARTS_OF_A_QUARTER = (4, 3)

_GRIDS = (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24)
_FEWEST_ONSETS = 48
_OFF_GRID = 0.3
#: onsets nearer to GRID than this on average, in quarter notes, need no further test
_CLICKED = 0.02


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


def measure(scores: Sequence[ScoreTick], table: NoteTable | None = None) -> list[tuple[Facts, Runs]]:
    """The facts of each score, and the runs of its top line, each once, ascending: (n_runs,).

    `table` is that of the scores, where it is known already.
    """
    n = len(scores)
    table = table or gather(scores)
    notes = table.notes.where(~table.is_drum[table.notes.track]) if table.is_drum.any() else table.notes
    onset = notes.onset / np.array([signs.ticks_per_quarter for signs in table.signs], dtype=np.int64)[notes.score]
    ends = np.searchsorted(notes.score, np.arange(n + 1))
    error, worst = _off_grid(onset, ends)
    findings = keys.keys_of(table.signs, _pitch_class_weights(notes, n))
    facts = map(
        Facts,
        table.note_counts.tolist(),
        [_names(signs.meters) for signs in table.signs],
        [keys.format_key(finding.key) for finding in findings],
        [finding.source for finding in findings],
        [round(finding.confidence, 6) for finding in findings],
        [round(value, 6) for value in error.tolist()],
        [round(value, 6) for value in worst.tolist()],
        _without_click(onset, ends, error),
    )
    return list(zip(facts, interval_runs(*top_lines(notes), n), strict=True))


def _off_grid(onsets: FloatArray, ends: IntArray) -> tuple[FloatArray, FloatArray]:
    """Mean and largest distance from GRID of the onsets of each score: (n,) each.

    Score i has the onsets from `ends[i]` to `ends[i + 1]`.
    """
    count = np.diff(ends)
    off = grid_distances(onsets)
    error = np.bincount(np.arange(len(count)).repeat(count), off, minlength=len(count)) / np.maximum(count, 1)
    worst = np.zeros(len(count))
    if len(off):
        worst[count > 0] = np.maximum.reduceat(off, ends[:-1][count > 0])
    return error, worst


def _without_click(onsets: FloatArray, ends: IntArray, error: FloatArray) -> list[bool]:
    answers = [False] * len(error)
    for i in np.flatnonzero(error > _CLICKED).tolist():
        answers[i] = is_without_click(onsets[ends[i] : ends[i + 1]])
    return answers


@lru_cache(maxsize=4096)
def _names(meters: tuple[tuple[int, int, int], ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{numerator}/{denominator}" for _, numerator, denominator in meters))


def _pitch_class_weights(notes: Notes, n: int) -> FloatArray:
    """How long each pitch class sounds in each of n scores, as shares: (n, 12)."""
    weights = np.bincount(12 * notes.score + notes.pitch % 12, notes.duration, minlength=12 * n).reshape(n, 12)
    shares: FloatArray = weights / np.maximum(weights.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    return shares


def grid_distances(onsets: FloatArray) -> FloatArray:
    """How far each onset (quarter notes) lies from GRID, in quarter notes: (n,).

    >>> grid_distances(np.array([0.0, 1 / 3, 0.75, 1.05])).round(3).tolist()
    [0.0, 0.0, 0.0, 0.05]
    """
    phase = onsets - np.floor(onsets)
    distances: FloatArray = np.minimum(*(np.abs(phase - np.rint(phase * n) / n) for n in _PARTS_OF_A_QUARTER))
    return distances


def is_without_click(onsets: FloatArray) -> bool:
    """Whether these onsets (quarter notes) follow no grid; see the module's article.

    >>> is_without_click(np.arange(64) / 4), is_without_click(np.random.default_rng(0).uniform(0, 64, 64))
    (False, True)
    """
    if len(onsets) < _FEWEST_ONSETS:
        return False
    return all(abs(np.exp(2j * np.pi * k * onsets).mean()) < _OFF_GRID for k in _GRIDS)


def top_lines(notes: Notes) -> tuple[IntArray, IntArray]:
    """The top line of every score, one after the other: score (m,) and pitch (m,)."""
    if not len(notes.score):
        return notes.score, notes.pitch
    count = np.bincount(notes.track)
    tracks = np.flatnonzero(count)
    mean = np.bincount(notes.track, notes.pitch)[tracks] / count[tracks]
    score_of = notes.score[np.searchsorted(notes.track, tracks)]
    order = np.lexsort((-mean, score_of))
    highest = np.zeros(len(count), dtype=bool)
    highest[tracks[order[_first_of(score_of[order])]]] = True
    top = notes.where(highest[notes.track])
    time = (top.score << 33) + top.onset  # later scores after all that sounds in earlier ones
    if (time[1:] < time[:-1]).any():
        order = np.argsort(time, kind="stable")
        top, time = top.where(order), time[order]
    first = np.flatnonzero(_first_of(time))
    return top.score[first], np.maximum.reduceat(top.pitch, first)


def _first_of(sorted_values: NDArray[Any]) -> BoolArray:
    """Where a value differs from the one before it: (n,)."""
    return np.concatenate([[True], sorted_values[1:] != sorted_values[:-1]])


def interval_runs(score: IntArray, pitch: IntArray, n: int) -> list[Runs]:
    """Of each of n scores every run of eight intervals as one word, each once, ascending.

    >>> scale = np.array([60, 62, 64, 65, 67, 69, 71, 72, 74])
    >>> a, b = interval_runs(np.repeat([0, 1], 9), np.concatenate([scale, scale + 5]), 2)
    >>> len(a), bool((a == b).all())
    (1, True)
    """
    if len(pitch) <= RUN:
        return [np.zeros(0, dtype=np.uint64)] * n
    intervals = (pitch[1:] - pitch[:-1]).astype(np.int8)
    windows = np.lib.stride_tricks.sliding_window_view(intervals, RUN)
    inside = score[RUN:] == score[:-RUN]
    words = np.ascontiguousarray(windows[inside]).view("<u8").ravel().astype(np.uint64)
    owner = score[RUN:][inside]
    order = np.argsort(words)
    order = order[np.argsort(owner[order].astype(np.min_scalar_type(n)), kind="stable")]  # few bits: quickly sorted
    words, owner = words[order], owner[order]
    kept = _first_of(words) | _first_of(owner) if len(words) else np.zeros(0, dtype=bool)
    words, ends = words[kept], np.searchsorted(owner[kept], np.arange(n + 1)).tolist()
    return [words[start:end] for start, end in itertools.pairwise(ends)]
