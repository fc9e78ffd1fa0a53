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
from stochastic_music.protocols import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from symusic.core import ScoreTick

Runs: TypeAlias = NDArray[np.uint64]

#: intervals in a row that must agree for two places to count as one
RUN = 8

#: the default grid of the encodings: positions are multiples of a sixteenth or of a twelfth of a whole note
GRID = "1/16,1/12"
_POSITIONS = np.array([0, 3, 4, 6, 8, 9, 12]) / 12

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


def measure(scores: Sequence[ScoreTick]) -> list[tuple[Facts, Runs]]:
    """The facts of each score, and the runs of its top line, each once, ascending: (n_runs,)."""
    notes = _gather(scores)
    n = len(scores)
    count = np.bincount(notes.piece, minlength=n)
    off = grid_distances(notes.onset)
    error = np.bincount(notes.piece, off, minlength=n) / np.maximum(count, 1)
    worst = np.zeros(n)
    np.maximum.at(worst, notes.piece, off)
    distances = keys.key_distances(_pitch_class_weights(notes, n))
    runs = interval_runs(*top_lines(notes), n)
    last = np.cumsum(count)
    return [
        (
            Facts(
                n_notes=score.note_num(),
                meters=tuple(dict.fromkeys(f"{m.numerator}/{m.denominator}" for m in score.time_signatures)),
                key=str(finding.key),
                key_source=finding.source,
                key_confidence=round(finding.confidence, 6),
                error=round(float(error[i]), 6),
                worst=round(float(worst[i]), 6),
                without_click=bool(error[i] > _CLICKED) and is_without_click(notes.onset[last[i] - count[i] : last[i]]),
            ),
            runs[i],
        )
        for i, score in enumerate(scores)
        for finding in [keys.key_of(score, distances[i] if count[i] else None)]
    ]


class _Notes(NamedTuple):
    """The pitched notes of some scores, score by score, track by track; all (n,), times in quarter notes."""

    piece: IntArray
    track: IntArray
    onset: FloatArray
    duration: FloatArray
    pitch: IntArray


def _gather(scores: Sequence[ScoreTick]) -> _Notes:
    tracks = [
        (i, score.ticks_per_quarter, track.notes.numpy())
        for i, score in enumerate(scores)
        for track in score.tracks
        if len(track.notes) and not track.is_drum
    ]
    columns = [notes for _, _, notes in tracks]
    counts = [len(notes["time"]) for notes in columns]
    tpq = np.repeat([tpq for _, tpq, _ in tracks], counts)
    empty = np.zeros(0, dtype=np.int32)
    return _Notes(
        np.repeat(np.array([i for i, _, _ in tracks], dtype=np.int64), counts),
        np.repeat(np.arange(len(tracks)), counts),
        np.concatenate([empty, *(notes["time"] for notes in columns)]) / tpq,
        np.concatenate([empty, *(notes["duration"] for notes in columns)]) / tpq,
        np.concatenate([empty, *(notes["pitch"] for notes in columns)]).astype(np.int64),
    )


def _pitch_class_weights(notes: _Notes, n: int) -> FloatArray:
    """How long each pitch class sounds in each of n pieces, as shares: (n, 12)."""
    weights = np.bincount(12 * notes.piece + notes.pitch % 12, notes.duration, minlength=12 * n).reshape(n, 12)
    shares: FloatArray = weights / np.maximum(weights.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    return shares


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
    return all(abs(np.exp(2j * np.pi * k * onsets).mean()) < _OFF_GRID for k in _GRIDS)


def top_lines(notes: _Notes) -> tuple[IntArray, IntArray]:
    """The top line of every piece, one after the other: piece (m,) and pitch (m,)."""
    if not len(notes.piece):
        return notes.piece, notes.pitch
    mean = np.bincount(notes.track, notes.pitch) / np.bincount(notes.track)
    piece_of = notes.piece[np.searchsorted(notes.track, np.arange(len(mean)))]
    order = np.lexsort((-mean, piece_of))
    highest = order[_first_of(piece_of[order])]
    places = np.flatnonzero(np.isin(notes.track, highest))
    places = places[np.lexsort((-notes.pitch[places], notes.onset[places], notes.piece[places]))]
    piece, onset = notes.piece[places], notes.onset[places]
    first = _first_of(piece) | _first_of(onset)
    return piece[first], notes.pitch[places][first]


def _first_of(sorted_values: NDArray[Any]) -> BoolArray:
    """Where a value differs from the one before it: (n,)."""
    return np.concatenate([[True], sorted_values[1:] != sorted_values[:-1]])


def interval_runs(piece: IntArray, pitch: IntArray, n: int) -> list[Runs]:
    """Of each of n pieces every run of eight intervals as one word, each once, ascending.

    >>> scale = np.array([60, 62, 64, 65, 67, 69, 71, 72, 74])
    >>> a, b = interval_runs(np.repeat([0, 1], 9), np.concatenate([scale, scale + 5]), 2)
    >>> len(a), bool((a == b).all())
    (1, True)
    """
    if len(pitch) <= RUN:
        return [np.zeros(0, dtype=np.uint64)] * n
    intervals = (pitch[1:] - pitch[:-1]).astype(np.int8)
    windows = np.lib.stride_tricks.sliding_window_view(intervals, RUN)
    inside = piece[RUN:] == piece[:-RUN]
    words = np.ascontiguousarray(windows[inside]).view("<u8").ravel().astype(np.uint64)
    owner = piece[RUN:][inside]
    order = np.lexsort((words, owner))
    words, owner = words[order], owner[order]
    kept = _first_of(words) | _first_of(owner) if len(words) else np.zeros(0, dtype=bool)
    ends = np.cumsum(np.bincount(owner[kept], minlength=n))
    return np.split(words[kept], ends[:-1])
