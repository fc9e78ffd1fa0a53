"""Scores to and from music21 streams, by MusicXML: what music21 gets is what notation programs open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stochastic_music.io.engrave import to_musicxml
from stochastic_music.io.engraved import read_stream, to_stream

if TYPE_CHECKING:
    from symusic.core import ScoreTick


def to_music21(score: ScoreTick) -> Any:
    """A `music21.stream.Score`: parts in bars, spelled by the key, with ties, tuplets, beams and instruments.

    Carried: notes, meters, key, tempos, programs, drums, names, pickup, phrase ends (as fermatas) and chord symbols.
    Lost: velocities, and the durations of drums (written up to the next stroke or beat); notes that lie on no 64th or
    triplet go to the nearest.

    >>> from symusic import Note, Score, Track
    >>> score = Score(480)
    >>> score.tracks.append(Track(notes=[Note(0, 480, 66, 80)]))
    >>> [note.nameWithOctave for note in to_music21(score).flatten().notes] == ["F#4"]
    True
    """
    return to_stream(to_musicxml(score))


def from_music21(stream: Any) -> ScoreTick:
    """The score of a music21 stream: a Score, a Part, a Measure, or any Stream of notes.

    Carried: as in `to_music21`. Lost: velocities (80), grace notes, lyrics, articulations; repeats are not played out.
    Raises UnreadableFileError where there is no note, or music21 itself stumbles.
    """
    return read_stream(stream).score
