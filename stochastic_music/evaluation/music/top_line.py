"""The top line of a score: one note at a time, of any score with pitches.

It is the part that carries the tune (`music.parts`); where several of its notes begin together, the highest. Drums have
no top line: that of drums alone, or of silence, is empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stochastic_music.music.parts import choose_part, sounding_parts
from stochastic_music.protocols import FloatArray, IntArray

if TYPE_CHECKING:
    from symusic.core import ScoreTick


class TopLine(NamedTuple):
    """Notes in order of onset, one at each: times in quarter notes, MIDI pitches, each (n,)."""

    onset: FloatArray
    duration: FloatArray
    pitch: IntArray

    @property
    def intervals(self) -> IntArray:
        """From each note to the next, in semitones: (n - 1,), or (0,)."""
        return np.diff(self.pitch)


def top_line(score: ScoreTick) -> TopLine:
    """The top line of a score.

    >>> from symusic import Note, Score, Track
    >>> score = Score(480)
    >>> score.tracks.append(Track(notes=[Note(0, 480, 64, 80), Note(0, 480, 60, 80), Note(480, 240, 67, 80)]))
    >>> top_line(score).pitch.tolist(), top_line(score).duration.tolist()
    ([64, 67], [1.0, 0.5])
    """
    if not sounding_parts(score, drums=False):
        return TopLine(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64))
    notes = score.tracks[choose_part(score).track].notes.numpy()
    order = np.lexsort((-notes["pitch"].astype(np.int64), notes["time"]))
    onset, duration, pitch = (notes[name].astype(np.int64)[order] for name in ("time", "duration", "pitch"))
    first = np.unique(onset, return_index=True)[1]
    quarter = score.ticks_per_quarter
    return TopLine(onset[first] / quarter, duration[first] / quarter, pitch[first])
