"""Files kept whole: one part of a piece gets other notes, and all else stays as it was.

    kept = open_kept("song.mid")          a `KeptFile`: the score as it stands, for whoever chooses what to change
    new = kept.with_notes(...)            the same file with other notes in one part
    new.midi_bytes()                      as bytes

A MIDI file is changed event by event: whatever is no note of that part (other tracks, tempos, controllers, pitch bend,
program changes, lyrics, markers, system exclusive messages, events that nobody here knows) stays at its tick, byte for
byte. Its parts are the channels of each track that have notes, in the order of the file; a program change within a
channel does not part it. The end of a track moves where new notes come after it.

Files of other kinds, and MIDI files whose events are damaged, are kept as far as the reader keeps them: what is written
is the score that `stochastic_music.io.read` gives.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from symusic.core import (
    KeySignatureTick,
    NoteTickList,
    ScoreTick,
    TempoTick,
    TextMetaTick,
    TimeSignatureTick,
    TrackTick,
    TrackTickList,
)

from stochastic_music.errors import UsageError
from stochastic_music.io import MIDI_SUFFIXES, _contents, read
from stochastic_music.io import _midi_bytes as raw
from stochastic_music.io._midi_tracks import Event, MidiTracks, TrackNote, as_bytes, notes_of, read_tracks, with_notes
from stochastic_music.io._repair import take_pickup_bar, tidy_signs
from stochastic_music.io.midi import midi_bytes, with_provenance
from stochastic_music.protocols import BoolArray, IntArray

_DRUM_CHANNEL = 9
_TRACK_NAME, _MARKER, _TEMPO, _METER, _KEY = 0x03, 0x06, 0x51, 0x58, 0x59
_LARGEST_EXPONENT = 6
_LAST_TICK = 2**31 - 1


class NewNotes(NamedTuple):
    """Notes to put into a part: each (n,), times in ticks."""

    onset: IntArray
    duration: IntArray
    pitch: IntArray
    velocity: IntArray


class _Place(NamedTuple):
    """Where the notes of a part stand in a MIDI file: its chunk, its channel, and the notes themselves."""

    chunk: int
    channel: int
    notes: tuple[TrackNote, ...]


@dataclass(frozen=True)
class KeptFile:
    """A piece of which one part may get other notes; see the module's article.

    `score` shows it as it stands, with a track for each part; times are ticks of the file. `warnings` are sentences
    about what could not be kept.
    """

    score: ScoreTick
    warnings: tuple[str, ...] = ()
    _tracks: MidiTracks | None = None
    _places: tuple[_Place, ...] = ()

    def with_notes(self, part: int, dropped: BoolArray, new: NewNotes) -> KeptFile:
        """The file without the notes of track `part` of `score` where `dropped` (n_notes,) holds, and with `new` ones.

        >>> import numpy as np
        >>> from stochastic_music.corpus.text import score_from_text
        >>> kept = KeptFile(score_from_text("4/4 c4 d e f"))
        >>> new = NewNotes(*(np.array([value]) for value in (960, 960, 72, 90)))
        >>> changed = kept.with_notes(0, np.array([False, False, True, True]), new)
        >>> print(*((note.time, note.pitch) for note in changed.score.tracks[0].notes))
        (0, 60) (480, 62) (960, 72)
        """
        if self._tracks is None:
            return replace(self, score=_score_with(self.score, part, ~dropped, new))
        place = self._places[part]
        gone = [note for note, is_gone in zip(place.notes, dropped.tolist(), strict=True) if is_gone]
        rows = zip(*(column.tolist() for column in _ends(new)), strict=True)
        chunk = self._tracks.chunks[place.chunk]
        events = with_notes(chunk.events, gone, place.channel, rows)
        return _of_tracks(self._tracks.with_events(place.chunk, events))

    def alone(self, part: int, new: NewNotes) -> KeptFile:
        """New notes alone, at their place in time: under this file's meters, tempos and keys, with the part's sound."""
        score = _score_with(self.score, part, np.zeros(len(self.score.tracks[part].notes), dtype=bool), new)
        score.tracks = TrackTickList([score.tracks[part]])
        return KeptFile(score)

    def midi_bytes(self, *, provenance: str = "") -> bytes:
        """A MIDI file; `provenance` tells how it was made, as one text event before all others."""
        if self._tracks is None:
            return midi_bytes(self.score, provenance=provenance)
        return with_provenance(as_bytes(self._tracks), provenance)


def open_kept(path: str | os.PathLike[str]) -> KeptFile:
    """A music file of one piece, to be kept whole.

    Raises UnreadableFileError as `stochastic_music.io.read` does, UsageError where the file holds several pieces.
    """
    pieces = read(path)
    if len(pieces) != 1:
        raise UsageError(f"'{Path(path).name}' holds {len(pieces)} pieces; expected a file of one")
    if Path(path).suffix.lower() in MIDI_SUFFIXES:
        tracks = read_tracks(raw.unwrap_riff(_contents(os.fspath(path), 2**62)[1]))
        if tracks is not None:
            return _of_tracks(tracks)
        damaged = ("the file is damaged: of what is no note, only what its repair keeps is written",)
        return KeptFile(pieces[0].score, (*pieces[0].warnings, *damaged))
    return KeptFile(pieces[0].score, pieces[0].warnings)


def _of_tracks(tracks: MidiTracks) -> KeptFile:
    places = [place for i, chunk in enumerate(tracks.chunks) for place in _places_in(i, chunk.events)]
    score = ScoreTick(raw.head(tracks.head).ticks_per_quarter)
    for place in places:
        score.tracks.append(_track(tracks.chunks[place.chunk].events, place))
    for chunk in tracks.chunks:
        for event in chunk.events:
            _read_sign(score, event)
    tidy_signs(score)
    take_pickup_bar(score)
    return KeptFile(score, (), tracks, tuple(places))


def _places_in(chunk: int, events: Sequence[Event]) -> list[_Place]:
    notes = notes_of(events)
    channels = dict.fromkeys(note.channel for note in notes)
    return [_Place(chunk, channel, tuple(n for n in notes if n.channel == channel)) for channel in channels]


def _track(events: Sequence[Event], place: _Place) -> TrackTick:
    first = place.notes[0].begins
    name = next((event.payload for event in events if event.meta == _TRACK_NAME), b"")
    programs = [e.data[1] for e in events[:first] if e.data[0] == 0xC0 | place.channel]
    track = TrackTick(_text(name), programs[-1] if programs else 0, place.channel == _DRUM_CHANNEL)
    rows = [(note.onset, note.end - note.onset, note.pitch, note.velocity) for note in place.notes]
    track.notes = _note_list(NewNotes(*np.array(rows, dtype=np.int64).T))
    return track


def _read_sign(score: ScoreTick, event: Event) -> None:
    kind = event.meta
    if kind not in (_MARKER, _TEMPO, _METER, _KEY) or event.tick > _LAST_TICK:
        return
    data = event.payload
    if kind == _MARKER:
        score.markers.append(TextMetaTick(event.tick, _text(data)))
    elif kind == _TEMPO and len(data) == 3:
        score.tempos.append(TempoTick(event.tick, mspq=int.from_bytes(data, "big")))
    elif kind == _METER and len(data) >= 2:
        denominator = 2 ** data[1] if data[1] <= _LARGEST_EXPONENT else 0
        score.time_signatures.append(TimeSignatureTick(event.tick, data[0], denominator))
    elif kind == _KEY and len(data) == 2:
        sharps = int.from_bytes(data[:1], "big", signed=True)
        score.key_signatures.append(KeySignatureTick(event.tick, sharps, data[1]))


def _score_with(score: ScoreTick, part: int, keep: BoolArray, new: NewNotes) -> ScoreTick:
    """A copy of a score with other notes in one track, in the order of their onsets."""
    changed = score.copy()
    old = changed.tracks[part].notes.numpy()
    columns = (old["time"], old["duration"], old["pitch"], old["velocity"])
    both = [np.concatenate([a[keep].astype(np.int64), b]) for a, b in zip(columns, new, strict=True)]
    order = np.argsort(both[0], kind="stable")
    changed.tracks[part].notes = _note_list(NewNotes(*(column[order] for column in both)))
    return changed


def _note_list(notes: NewNotes) -> NoteTickList:
    kinds = (np.int32, np.int32, np.int8, np.int8)
    return NoteTickList.from_numpy(*(np.ascontiguousarray(c, dtype=k) for c, k in zip(notes, kinds, strict=True)))


def _ends(notes: NewNotes) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Onset, end, pitch and velocity."""
    return notes.onset, notes.onset + notes.duration, notes.pitch, notes.velocity


def _text(data: bytes) -> str:
    """Text as UTF-8 where it is, else as Latin-1."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


__all__ = ["KeptFile", "NewNotes", "open_kept"]
