"""Standard MIDI files built by hand, event by event, so that each test shows what it reads."""

from __future__ import annotations

import struct

END = bytes.fromhex("ff2f00")


def on(pitch: int, velocity: int = 80, channel: int = 0) -> bytes:
    return bytes([0x90 | channel, pitch, velocity])


def off(pitch: int, channel: int = 0) -> bytes:
    return bytes([0x80 | channel, pitch, 0])


def meter(numerator: int, exponent: int) -> bytes:
    return b"\xff\x58\x04" + bytes([numerator, exponent, 24, 8])


def delta(ticks: int) -> bytes:
    digits = [ticks & 0x7F]
    while ticks := ticks >> 7:
        digits.append(ticks & 0x7F | 0x80)
    return bytes(reversed(digits))


def track(*events: tuple[int, bytes], end: bytes = END) -> bytes:
    body = b"".join(delta(ticks) + event for ticks, event in events) + (b"\0" + end if end else b"")
    return b"MTrk" + struct.pack(">I", len(body)) + body


def midi(*tracks: bytes, quarter: int = 480, kind: int = 1) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, kind, len(tracks), quarter) + b"".join(tracks)


def one(*events: tuple[int, bytes], quarter: int = 480) -> bytes:
    """A file of one track in 4/4."""
    return midi(track((0, meter(4, 2)), *events), quarter=quarter, kind=0)


#: C4 E4 G4 C5, a quarter each
TUNE = one(*(event for pitch in (60, 64, 67, 72) for event in ((0, on(pitch)), (480, off(pitch)))))
