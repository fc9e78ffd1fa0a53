"""The notes of many scores as one table: what is asked of every note is asked once, not score by score.

scores       0                    1
tracks       0         1          2        numbered through all scores, those without notes included
notes        .. .. ..  .. ..      .. ..    score by score, track by track, in the order of their track
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stochastic_music.music.signs import Signs, listed, signs_of
from stochastic_music.protocols import BoolArray, IntArray

if TYPE_CHECKING:
    from symusic.core import ScoreTick, TrackTick


class Notes(NamedTuple):
    """Columns of a table: each (n_notes,) int64, times in ticks."""

    score: IntArray
    track: IntArray
    onset: IntArray
    duration: IntArray
    pitch: IntArray
    velocity: IntArray

    def where(self, keep: BoolArray | IntArray) -> Notes:
        """The notes that `keep` picks."""
        chosen = np.flatnonzero(keep) if keep.dtype == bool else keep
        return Notes(*(column[chosen] for column in self))


class NoteTable(NamedTuple):
    """The notes of `n_scores` scores, the `signs` of each score, and the `tracks`.

    Of each track `score_of` tells its score, `counts` how many notes it has, `is_drum` what it is: (n_tracks,).
    """

    n_scores: int
    signs: list[Signs]
    notes: Notes
    tracks: Sequence[TrackTick]
    score_of: IntArray
    counts: IntArray
    is_drum: BoolArray

    @property
    def first_track(self) -> IntArray:
        """The number of each score's first track: (n_scores,)."""
        first: IntArray = np.searchsorted(self.score_of, np.arange(self.n_scores))
        return first

    @property
    def note_counts(self) -> IntArray:
        """Notes in each score: (n_scores,)."""
        total = np.append(0, np.cumsum(self.counts))
        of_scores: IntArray = np.diff(total[np.searchsorted(self.score_of, np.arange(self.n_scores + 1))])
        return of_scores

    def with_several_at_once(self) -> Notes:
        """The notes of those tracks in which some note begins before the one listed before it has ended."""
        notes = self.notes
        early = (notes.onset[1:] < (notes.onset + notes.duration)[:-1]) & (notes.track[1:] == notes.track[:-1])
        crowded = np.zeros(len(self.counts), dtype=bool)
        crowded[notes.track[1:][early]] = True
        return notes.where(crowded[notes.track])

    def without_empty_tracks(self) -> NoteTable:
        """The table of the same scores without their tracks that have no notes."""
        full = np.flatnonzero(self.counts)
        if len(full) == len(self.counts):
            return self
        number = np.zeros(len(self.counts), dtype=np.int64)
        number[full] = np.arange(len(full))
        return NoteTable(
            self.n_scores,
            self.signs,
            self.notes._replace(track=number[self.notes.track]),
            [self.tracks[i] for i in full.tolist()],
            self.score_of[full],
            self.counts[full],
            self.is_drum[full],
        )


def gather(scores: Sequence[ScoreTick]) -> NoteTable:
    """The table of some scores.

    >>> gather([]).notes.pitch.tolist()
    []
    """
    from symusic.core import NoteTickList

    joined = NoteTickList()
    tracks: list[TrackTick] = []
    signs, sizes, drums, per_score = [], [], [], []
    for score in scores:
        before = len(tracks)
        for track in listed(score.tracks):
            notes = track.notes
            joined.extend(notes)
            tracks.append(track)
            sizes.append(len(notes))
            drums.append(track.is_drum)
        per_score.append(len(tracks) - before)
        signs.append(signs_of(score))
    columns = joined.numpy()
    counts = np.array(sizes, dtype=np.int64)
    score_of = np.arange(len(scores)).repeat(per_score)
    return NoteTable(
        len(scores),
        signs,
        Notes(
            score_of.repeat(counts),
            np.arange(len(tracks)).repeat(counts),
            *(columns[name].astype(np.int64) for name in ("time", "duration", "pitch", "velocity")),
        ),
        tracks,
        score_of,
        counts,
        np.array(drums, dtype=bool),
    )
