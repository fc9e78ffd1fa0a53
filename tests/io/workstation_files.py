"""MIDI files as workstations write them: much besides notes, on several tracks and channels, each made by hand."""

from __future__ import annotations

import struct

from midi_bytes import END, delta, meter, midi, off, on, track


def meta(kind: int, text: bytes) -> bytes:
    return bytes([0xFF, kind]) + delta(len(text)) + text


def tempo(bpm: int) -> bytes:
    return meta(0x51, (60_000_000 // bpm).to_bytes(3, "big"))


def control(number: int, value: int, channel: int = 0) -> bytes:
    return bytes([0xB0 | channel, number, value])


def bend(value: int, channel: int = 0) -> bytes:
    return bytes([0xE0 | channel, 0, value])


def at_ticks(*events: tuple[int, bytes]) -> bytes:
    """A track of events at absolute ticks, those of one tick in the order given."""
    ordered = sorted(events, key=lambda event: event[0])
    before = [0, *(tick for tick, _ in ordered)]
    return track(*((tick - last, data) for (tick, data), last in zip(ordered, before, strict=False)))


def line(pitches, quarter: int = 480, channel: int = 0, length: int | None = None) -> list[tuple[int, bytes]]:
    """A note on every quarter; those given as None are rests."""
    events = []
    for i, pitch in enumerate(pitches):
        if pitch is not None:
            events += [
                (i * quarter, on(pitch, 70 + i, channel)),
                (i * quarter + (length or quarter), off(pitch, channel)),
            ]
    return events


TUNE = [60, 62, 64, 65, 67, 65, 64, 62, 60, 64, 67, 64, 65, 62, 59, 60]  # four bars of 4/4


def multi_track() -> bytes:
    """Format 1, 960 ticks a quarter: conductor, melody, two channels on one track, drums."""
    q = 960
    conductor = at_ticks(
        (0, meter(4, 2)), (0, tempo(120)), (0, meta(0x59, b"\x01\x00")), (0, meta(0x03, b"Song")),
        (4 * q + 7, tempo(96)), (5 * q, meta(0x06, b"verse")), (6 * q, tempo(132)), (8 * q, meta(0x06, b"chorus")),
        (0, bytes.fromhex("f0057e7f0901f7")), (5 * q, bytes.fromhex("f7034d4944")),
    )  # fmt: skip
    melody = at_ticks(
        (0, meta(0x03, b"Melody")), (0, bytes([0xC0, 73])), (0, control(7, 100)), (0, control(10, 64)),
        *line(TUNE, q), *((i * q, meta(0x05, b"la")) for i in range(16)),
        (4 * q, control(1, 30)), (5 * q + 11, control(64, 127)), (5 * q + 500, bend(80)), (6 * q, bend(64)),
        (7 * q + 3, bytes([0xD0, 55])), (7 * q + 4, bytes([0xA0, 62, 12])), (7 * q + 900, control(64, 0)),
    )  # fmt: skip
    pads = at_ticks(
        (0, meta(0x03, b"Pads")), (0, bytes([0xC1, 48])), (0, bytes([0xC2, 33])),
        *line([48, None, None, None] * 4, q, 1, 4 * q), *line([36] * 16, q, 2, q // 2),
        (5 * q, bytes([0xC1, 50])), (6 * q, control(11, 90, 2)),
    )  # fmt: skip
    drums = at_ticks((0, meta(0x03, b"Drums")), *line([36, 38] * 8, q, 9, 60))
    return midi(conductor, melody, pads, drums, quarter=q)


def single_track() -> bytes:
    """Format 0: melody, bass and drums on one track, with running status and notes that a velocity of 0 ends."""
    body = b"\x00" + meter(4, 2) + b"\x00" + meta(0x03, b"All in one")
    for pitch in TUNE:
        body += b"\x00" + on(pitch) + b"\x00\x4c\x32"  # running status: E5 above every note
        body += b"\x00" + on(pitch - 24, channel=1) + delta(240) + control(1, 32) + b"\x00" + on(42, channel=9)
        body += delta(60) + b"\x2a\x00"
        body += delta(180) + on(pitch, 0) + b"\x00\x4c\x00" + b"\x00" + on(pitch - 24, 0, channel=1)
    body += b"\x00" + END
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480) + b"MTrk" + struct.pack(">I", len(body)) + body
