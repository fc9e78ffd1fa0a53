"""One voice of one bar as written values: silences filled with rests, values that a reader can count, accidentals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stochastic_music.io.engrave.frame import Measure, Signature
from stochastic_music.io.layout import Chord
from stochastic_music.io.rhythm import Beam, Value, beams, tuplets, written
from stochastic_music.music.spelling import Spelling


class Sound(NamedTuple):
    """One written value of a voice: a chord, or a rest where there is none."""

    value: Value
    chord: Chord | None
    beams: list[Beam]


def sounds(chords: Sequence[Chord], measure: Measure) -> list[Sound]:
    """One voice of one bar, its silences filled with rests."""
    length = measure.end - measure.start
    if not chords and length == measure.grid.length:
        return [Sound(Value(0, length, "", 0), None, [])]
    spans = _filled(chords, measure)
    regions = tuplets([edge for start, end, _ in spans for edge in (start, end)], measure.grid, measure.first)
    rank = measure.grid.rank[measure.first :] if measure.first else measure.grid.rank
    pairs = [
        (value, chord)
        for start, end, chord in spans
        for value in written(start, end, regions, rank, rest=chord is None)
    ]
    beamed = beams([value if chord else None for value, chord in pairs], measure.grid, measure.first)
    return [Sound(value, chord, joined) for (value, chord), joined in zip(pairs, beamed, strict=True)]


def _filled(chords: Sequence[Chord], measure: Measure) -> list[tuple[int, int, Chord | None]]:
    """Spans of a bar, chords cut at its bar lines and None where there is silence."""
    spans: list[tuple[int, int, Chord | None]] = []
    at, length = 0, measure.end - measure.start
    for chord in chords:
        start, end = max(chord.start - measure.start, 0), min(chord.end - measure.start, length)
        if start > at:
            spans.append((at, start, None))
        spans.append((start, end, chord))
        at = end
    return [*spans, (at, length, None)] if at < length else spans


def accidentals(rows: Sequence[Sequence[Sound]], measure: Measure, signature: Signature) -> set[tuple[int, Spelling]]:
    """Which (time, spelling) of one staff and bar need an accidental.

    Tied notes need none; but after one that was altered before the bar line its step is in doubt, so say it.
    """
    chords = [sound.chord for row in rows for sound in row if sound.chord]
    named = sorted({(note.start, signature.spell(note.pitch)) for chord in chords for note in chord.notes})
    shown: dict[tuple[str, int], int | None] = {}
    needed = set()
    for time, name in named:
        place, printed = (name.step, name.octave), _signature_alter(name.step, signature.key.sharps)
        if time < measure.start:
            shown[place] = printed if name.alter == printed else None
            continue
        if shown.get(place, printed) != name.alter:
            needed.add((time, name))
        shown[place] = name.alter
    return needed


def _signature_alter(step: str, sharps: int) -> int:
    """What the key signature does to a step.

    >>> _signature_alter("F", 1), _signature_alter("B", -1), _signature_alter("C", 1)
    (1, -1, 0)
    """
    place = "FCGDAEB".index(step)
    return int(place < sharps) - int(6 - place < -sharps)


def sung(chord: Chord, start: int) -> str:
    """The lyric of a chord whose sign stands at `start`; signs tied to it have none."""
    return next((note.lyric for note in chord.notes if note.lyric and note.start == start), "")


def holds(chord: Chord, end: int) -> bool:
    """Whether a fermata stands over a chord that ends with this sign."""
    return any(note.fermata and note.end == end for note in chord.notes)
