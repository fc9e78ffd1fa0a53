"""The second reader of MIDI: slower, patient with damage, exact about what it finds.

mido gives the events, with data bytes out of range clipped. Notes are paired here: a note that begins while the same
pitch sounds on its channel ends that one; a note that never ends lasts to the next onset of its track, or to the
track's end. Channels and programs within a track become tracks of their own, channel 10 is drums. Controllers
are not kept.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import mido
import numpy as np
from symusic.core import (
    KeySignatureTick,
    NoteTickList,
    ScoreTick,
    TempoTick,
    TextMetaTick,
    TimeSignatureTick,
    TrackTick,
)

from stochastic_music.errors import UnreadableFileError
from stochastic_music.io._midi_bytes import missing_bytes
from stochastic_music.io._repair import count_of
from stochastic_music.music.keys import parse_key

_DRUM_CHANNEL = 9
#: symusic's times are 32-bit
_LAST_TICK = 2**31 - 1
_MOST_BIG = 127


@dataclass
class _Voice:
    """Notes of one channel and program of one track: rows of onset, end (-1: open), pitch, velocity."""

    channel: int
    program: int
    rows: list[list[int]] = field(default_factory=list)


def read_events(data: bytes) -> tuple[ScoreTick, list[str]]:
    """The score of a MIDI file, and what was odd about it; raises UnreadableFileError where nothing can be read."""
    try:
        file = mido.MidiFile(file=io.BytesIO(data), clip=True)
    except Exception as error:  # whatever a damaged file makes of the parser
        raise _unreadable(data, error) from error
    score = ScoreTick(file.ticks_per_beat)
    never_ended = sum(_read_track(score, list(track)) for track in file.tracks)
    return score, [f"{count_of(never_ended)} never ended: closed at the next note of the track"] if never_ended else []


def _unreadable(data: bytes, error: Exception) -> UnreadableFileError:
    missing = missing_bytes(data)
    if missing:
        return UnreadableFileError(f"the file is cut short: {missing} bytes are missing", "Copy or download it again")
    return UnreadableFileError(
        f"the file is damaged ({type(error).__name__} while reading its events)",
        "Open it in a sequencer and export it again",
    )


def _read_track(score: ScoreTick, messages: list[Any]) -> int:
    voices: dict[tuple[int, int], _Voice] = {}
    programs: dict[int, int] = {}
    sounding: dict[tuple[int, int], list[int]] = {}
    name, time = "", 0
    for message in messages:
        time += message.time
        if time > _LAST_TICK:
            raise UnreadableFileError("it lasts longer than 2147483647 ticks", "Remove the silence in it")
        if message.is_meta:
            name = _text(message.name) if message.type == "track_name" and not name else name
            _read_meta(score, message, time)
        elif message.type == "program_change":
            programs[message.channel] = message.program
        elif message.type in ("note_on", "note_off"):
            key = message.channel, message.note
            if key in sounding:
                sounding.pop(key)[1] = time
            if message.type == "note_on" and message.velocity:
                program = programs.get(message.channel, 0)
                voice = voices.setdefault((message.channel, program), _Voice(message.channel, program))
                sounding[key] = [time, -1, message.note, message.velocity]
                voice.rows.append(sounding[key])
    for voice in voices.values():
        _close(voice.rows, time)
        score.tracks.append(_track(voice, name))
    return len(sounding)


def _close(rows: list[list[int]], end: int) -> None:
    following = end
    for i in reversed(range(len(rows))):
        onset = rows[i][0]
        if i + 1 < len(rows) and rows[i + 1][0] > onset:
            following = rows[i + 1][0]
        if rows[i][1] < 0:
            rows[i][1] = following


def _track(voice: _Voice, name: str) -> TrackTick:
    onset, end, pitch, velocity = np.array(voice.rows, dtype=np.int32).reshape(-1, 4).T
    track = TrackTick(name, voice.program, voice.channel == _DRUM_CHANNEL)
    track.notes = NoteTickList.from_numpy(
        np.ascontiguousarray(onset), end - onset, pitch.astype(np.int8), velocity.astype(np.int8)
    )
    return track


def _read_meta(score: ScoreTick, message: Any, time: int) -> None:
    if message.type == "time_signature":
        # numbers beyond a byte (a denominator of 2^33) are told apart from sensible ones later, whatever their size
        denominator = message.denominator if message.denominator <= _MOST_BIG else 0
        score.time_signatures.append(TimeSignatureTick(time, message.numerator, denominator))
    elif message.type == "key_signature":
        score.key_signatures.append(_key(message.key, time))
    elif message.type == "set_tempo" and message.tempo > 0:
        score.tempos.append(TempoTick(time, mspq=message.tempo))
    elif message.type == "marker":
        score.markers.append(TextMetaTick(time, _text(message.text)))


def _key(name: str, time: int) -> KeySignatureTick:
    key = parse_key(name)
    return KeySignatureTick(time, key.sharps, int(key.mode == "minor"))


def _text(latin: str) -> str:
    """Text as UTF-8 where it is; mido reads it as Latin-1."""
    raw = latin.encode("latin-1", "replace")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return latin
