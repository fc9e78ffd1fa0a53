"""The notes of many scores as one table: what is asked of every note is asked once, not score by score.

scores       0                    1
tracks       0         1          2        numbered through all scores, those without notes included
notes        .. .. ..  .. ..      .. ..    score by score, track by track, in the order of their track
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stochastic_music.protocols import BoolArray, IntArray

if TYPE_CHECKING:
    from symusic.core import ScoreTick


class Notes(NamedTuple):
    """Columns of a table: each (n_notes,) int64, times in ticks."""

    score: IntArray
    track: IntArray
    onset: IntArray
    duration: IntArray
    pitch: IntArray
    velocity: IntArray

    def where(self, keep: BoolArray) -> Notes:
        """The notes that `keep` picks."""
        return Notes(*(column[keep] for column in self))


class NoteTable(NamedTuple):
    """The notes of `n_scores` scores; `score_of` and `is_drum` are of each track: (n_tracks,)."""

    n_scores: int
    notes: Notes
    score_of: IntArray
    is_drum: BoolArray

    @property
    def first_track(self) -> IntArray:
        """The number of each score's first track: (n_scores,)."""
        first: IntArray = np.searchsorted(self.score_of, np.arange(self.n_scores))
        return first


def gather(scores: Sequence[ScoreTick]) -> NoteTable:
    """The table of some scores.

    >>> gather([]).notes.pitch.tolist()
    []
    """
    tracks = [(i, track.is_drum, track.notes.numpy()) for i, score in enumerate(scores) for track in score.tracks]
    score_of = np.array([i for i, _, _ in tracks], dtype=np.int64)
    counts = [len(columns["time"]) for _, _, columns in tracks]
    none = np.zeros(0, dtype=np.int64)

    def joined(name: str) -> IntArray:
        return np.concatenate([none, *(columns[name] for _, _, columns in tracks)])

    return NoteTable(
        len(scores),
        Notes(
            score_of.repeat(counts),
            np.arange(len(tracks)).repeat(counts),
            joined("time"),
            joined("duration"),
            joined("pitch"),
            joined("velocity"),
        ),
        score_of,
        np.array([is_drum for _, is_drum, _ in tracks], dtype=bool),
    )
