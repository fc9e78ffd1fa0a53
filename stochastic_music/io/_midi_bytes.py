"""Standard MIDI files as bytes: what can be seen and changed without reading the events.

A file is a chunk `MThd` (format, number of tracks, ticks a quarter) and chunks `MTrk`; a chunk is a four-letter name,
a big-endian length, and a body. Two text-event conventions of ours live here as well: see `with_text` and `texts`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from stochastic_music.errors import UnreadableFileError

_END_OF_TRACK = b"\xff\x2f\x00"
_TIME_SIGNATURE = b"\xff\x58\x04"
_TEXT = b"\xff\x01"
_EXPORT_AGAIN = "Export it again from the program that wrote it"


class Head(NamedTuple):
    """The fields of `MThd`."""

    format: int
    n_tracks: int
    ticks_per_quarter: int


def unwrap_riff(data: bytes) -> bytes:
    """The MIDI file inside a RIFF file of type RMID; other data is passed through.

    >>> unwrap_riff(b"RIFF" + bytes(4) + b"RMIDdata" + (4).to_bytes(4, "little") + b"MThd")
    b'MThd'
    """
    if data[:4] != b"RIFF":
        return data
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"data":
            return data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    raise UnreadableFileError(
        "this RIFF file holds no MIDI data (it may be sound)", "Only RIFF files of MIDI can be read"
    )


def head(data: bytes) -> Head:
    """The header of a MIDI file; raises UnreadableFileError where it makes no sense."""
    if not data:
        raise UnreadableFileError("the file is empty (0 bytes)", "Copy or download it again")
    if data[:4] != b"MThd":
        raise UnreadableFileError("this is not a MIDI file: it does not begin with 'MThd'", "Check what it really is")
    if len(data) < 14:
        raise UnreadableFileError("the MIDI file is cut short within its header", "Copy or download it again")
    format_, n_tracks, division = struct.unpack(">HHH", data[8:14])
    if division == 0:
        raise UnreadableFileError("its header says 0 ticks a quarter note, so nothing has a length", _EXPORT_AGAIN)
    if division & 0x8000:
        raise UnreadableFileError(
            "its times are film frames (SMPTE), not beats, so there are no bars to learn from",
            "Export it again with a resolution in ticks a quarter note (PPQ)",
        )
    return Head(format_, n_tracks, division)


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and body of each chunk after `MThd`; the last body may be shorter than it claims."""
    at = 8 + int.from_bytes(data[4:8], "big")
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size


def missing_bytes(data: bytes) -> int:
    """How many bytes the last chunk claims beyond the end of the file."""
    at, end = 8 + int.from_bytes(data[4:8], "big"), len(data)
    while at + 8 <= end:
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "big")
    return max(0, at - end)


def split_sequences(data: bytes) -> list[bytes]:
    """A format 2 file holds independent sequences: each as a file of its own."""
    start = b"MThd" + struct.pack(">IHHH", 6, 0, 1, head(data).ticks_per_quarter)
    return [start + _chunk(body) for name, body in chunks(data) if name == b"MTrk"]


def with_all_notes_off(data: bytes) -> bytes:
    """The same file with a note-off for every pitch just before the end of each track."""
    size = 8 + int.from_bytes(data[4:8], "big")
    return data[:size] + b"".join(_chunk(_closed(body)) for name, body in chunks(data) if name == b"MTrk")


def time_signature_exponents(data: bytes) -> list[int]:
    """The denominators of all time signatures, as powers of two, in file order.

    >>> time_signature_exponents(bytes.fromhex("ff580404021808"))
    [2]
    """
    found, at = [], data.find(_TIME_SIGNATURE)
    while 0 <= at < len(data) - 4:
        found.append(data[at + 4])
        at = data.find(_TIME_SIGNATURE, at + 3)
    return found


def with_text(data: bytes, text: str) -> bytes:
    """The same file with a text event in front of its first track.

    >>> plain = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480) + _chunk(_END_OF_TRACK)
    >>> list(texts(with_text(plain, "in C")))
    ['in C']
    """
    payload = text.encode()
    event = b"\x00" + _TEXT + variable_length(len(payload)) + payload
    at = data.index(b"MTrk")
    size = int.from_bytes(data[at + 4 : at + 8], "big") + len(event)
    return data[: at + 4] + struct.pack(">I", size) + event + data[at + 8 :]


def texts(data: bytes) -> Iterator[str]:
    """What stands in the text events of a file (and, rarely, in bytes that look like one)."""
    at = data.find(_TEXT)
    while at >= 0:
        size, start = _read_variable_length(data, at + 2)
        yield data[start : start + size].decode(errors="replace")
        at = data.find(_TEXT, at + 2)


def _closed(body: bytes) -> bytes:
    if body.endswith(_END_OF_TRACK):
        body = body[:-3]
    else:
        body += b"\x00"
    offs = b"".join(_note_offs(channel) for channel in range(16) if bytes([0x90 | channel]) in body)
    return body + offs + _END_OF_TRACK


def _note_offs(channel: int) -> bytes:
    return b"".join(bytes([0x80 | channel, pitch, 0, 0]) for pitch in range(128))


def _chunk(body: bytes) -> bytes:
    return b"MTrk" + struct.pack(">I", len(body)) + body


def variable_length(number: int) -> bytes:
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(number & 0x7F | 0x80)
    return bytes(reversed(digits))


def _read_variable_length(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for at in range(at, min(at + 4, len(data))):  # noqa: B020, PLR1704 - the place is what moves
        number = number << 7 | data[at] & 0x7F
        if data[at] < 0x80:
            break
    return number, at + 1
