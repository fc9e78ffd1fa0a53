"""Standard MIDI files as events at their ticks, byte for byte: for files that are to be kept whole.

An event is what a track says at one moment, as bytes that begin with its status byte: running status is spelled out,
everything else (meta events, system exclusive messages, kinds that nobody here knows) stays as it stands. What is
read and written again holds the same events at the same ticks, in the same order.

    read_tracks(data)    the chunks of a file, None where it is damaged
    as_bytes(file)       the inverse, without running status
    notes_of(events)     which events begin and end the notes of each channel
"""

from __future__ import annotations

import struct
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from stochastic_music.io._midi_bytes import chunks, variable_length

_META, _SYSEX, _ESCAPE = 0xFF, 0xF0, 0xF7
_END_OF_TRACK = 0x2F
#: program changes and channel pressure: one byte after the status
_SHORT = (0xC, 0xD)
_TRACK = b"MTrk"


class Event(NamedTuple):
    """What a track says at `tick`."""

    tick: int
    data: bytes

    @property
    def meta(self) -> int | None:
        """The kind of a meta event, None for any other."""
        return self.data[1] if self.data[0] == _META else None

    @property
    def payload(self) -> bytes:
        """What a meta event says."""
        return self.data[_variable(self.data, 2)[1] :]


class Chunk(NamedTuple):
    """A chunk of a file: a track with its `events`; under any other name `body`, as it stands."""

    name: bytes
    body: bytes
    events: tuple[Event, ...] = ()

    @property
    def is_track(self) -> bool:
        """Whether this chunk is a track."""
        return self.name == _TRACK


class TrackNote(NamedTuple):
    """A note of a track: the places of the events that begin and end it (None: it never ends), and what they say."""

    begins: int
    ends: int | None
    onset: int
    end: int
    channel: int
    pitch: int
    velocity: int


class MidiTracks(NamedTuple):
    """A MIDI file: the chunk `MThd` as it stands, and what follows it."""

    head: bytes
    chunks: tuple[Chunk, ...]

    def with_events(self, chunk: int, events: Iterable[Event]) -> MidiTracks:
        """The file with other events in one of its chunks."""
        changed = self.chunks[chunk]._replace(events=tuple(events))
        return self._replace(chunks=(*self.chunks[:chunk], changed, *self.chunks[chunk + 1 :]))


def read_tracks(data: bytes) -> MidiTracks | None:
    """The chunks of a MIDI file, None where its events make no sense from one end to the other."""
    head = data[: 8 + int.from_bytes(data[4:8], "big")]
    try:
        found = [Chunk(n, b"", tuple(_events(b))) if n == _TRACK else Chunk(n, b) for n, b in chunks(data)]
    except (IndexError, ValueError):
        return None
    return MidiTracks(head, tuple(found))


def as_bytes(file: MidiTracks) -> bytes:
    """The file that `read_tracks` reads so."""
    bodies = [(c.name, _body(c.events) if c.is_track else c.body) for c in file.chunks]
    return file.head + b"".join(name + struct.pack(">I", len(body)) + body for name, body in bodies)


def notes_of(events: Sequence[Event]) -> list[TrackNote]:
    """The notes of a track in the order in which they begin; of equal ones that overlap the first ends first."""
    sounding: dict[tuple[int, int], deque[int]] = defaultdict(deque)
    last = events[-1].tick if events else 0
    notes: list[TrackNote] = []
    for place, (tick, data) in enumerate(events):
        kind, channel = data[0] >> 4, data[0] & 0xF
        if kind == 0x9 and data[2]:
            sounding[channel, data[1]].append(len(notes))
            notes.append(TrackNote(place, None, tick, last, channel, data[1], data[2]))
        elif kind in (0x8, 0x9) and sounding[channel, data[1]]:
            first = sounding[channel, data[1]].popleft()
            notes[first] = notes[first]._replace(ends=place, end=tick)
    return notes


def with_notes(
    events: Sequence[Event], dropped: Iterable[TrackNote], channel: int, new: Iterable[tuple[int, int, int, int]]
) -> list[Event]:
    """A track without some of its notes, and with new ones on `channel`: (onset, end, pitch, velocity), in ticks.

    At one tick new notes end before all else and begin after all else; the track ends no earlier than its last event.
    """
    gone = {place for note in dropped for place in (note.begins, note.ends)}
    kept = [(event.tick, 1, event.data) for i, event in enumerate(events) if i not in gone]
    for onset, end, pitch, velocity in new:
        kept.append((onset, 2, bytes((0x90 | channel, pitch, velocity))))
        kept.append((end, 0, bytes((0x80 | channel, pitch, 0))))
    body = [item for item in kept if not _ends(item[2])]
    last = max((tick for tick, _, _ in kept), default=0)
    ordered = sorted(body, key=lambda item: item[:2])
    return [*(Event(tick, data) for tick, _, data in ordered), *(Event(last, d) for _, _, d in kept if _ends(d))]


def _ends(data: bytes) -> bool:
    return data[0] == _META and data[1] == _END_OF_TRACK


def _events(body: bytes) -> Iterable[Event]:
    """The events of a track; raises IndexError or ValueError where it breaks off or is no MIDI."""
    at = tick = status = 0
    while at < len(body):
        delta, at = _variable(body, at)
        tick += delta
        first, begin = body[at], at
        if first in (_META, _SYSEX, _ESCAPE):
            size, after = _variable(body, at + 1 + (first == _META))
            at = after + size
            data = body[begin:at]
        else:
            status, begin = (first, at + 1) if first & 0x80 else (status, at)
            at = begin + (1 if status >> 4 in _SHORT else 2)
            data = bytes([status]) + body[begin:at]
            if not 0x80 <= status < _SYSEX or max(data[1:]) > 0x7F:
                raise ValueError("this is no event of a track")
        if at > len(body):
            raise IndexError("the track breaks off")
        yield Event(tick, data)


def _body(events: Sequence[Event]) -> bytes:
    ticks = [0, *(event.tick for event in events)]
    return b"".join(
        variable_length(event.tick - before) + event.data for event, before in zip(events, ticks, strict=False)
    )


def _variable(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, and where it ends; raises IndexError where it breaks off."""
    number = 0
    for place in range(at, at + 4):
        number = number << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return number, place + 1
    raise ValueError("a number of more than four bytes")
