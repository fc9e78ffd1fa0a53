"""Every kind of constraint on a toy vocabulary, each with a plain reading of what it demands.

`KINDS` lists a name, how to make the constraint, and `holds(heard)`, written without automata, masks or clocks. Tests
compare both over all short pieces; tests of samplers draw under each kind and ask `holds`.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np

from stochastic_music.constraints import (
    Around,
    At,
    AtMost,
    Avoids,
    Bars,
    ChordTones,
    Contains,
    Contour,
    Count,
    EndsOn,
    Having,
    InScale,
    Leaps,
    Length,
    Matches,
    Metre,
    Motif,
    Notes,
    PitchRange,
    Rhythm,
    Similar,
    StartsOn,
)
from stochastic_music.protocols import DEAD, Constraint
from stochastic_music.tokens import Field, Header, Meter, Vocabulary

#: half a quarter is the unit; C, C sharp and D
MELODY = Vocabulary(
    (
        Field("rest", 2, advances="now"),
        Field("duration", 2, first=1, advances="later"),
        Field("pitch", 3, first=60),
    ),
    resolution=2,
)
#: the same as notes of chords
NOTES = Vocabulary(
    (
        Field("shift", 2, advances="now"),
        Field("duration", 2, first=1, advances="sounds"),
        Field("pitch", 3, first=60),
    ),
    resolution=2,
)
#: bars of three units; and after a pickup of one unit
PLAIN, PICKUP = Header(2, (Meter(0, 3, 8),), key="C"), Header(2, (Meter(0, 3, 8),), pickup=1, key="Dm")
HEADERS = {"plain": PLAIN, "pickup": PICKUP}
C, CIS, D = 60, 61, 62


class Note(NamedTuple):
    """A note that was heard: times in units."""

    onset: int
    duration: int
    pitch: int


@dataclass(frozen=True)
class Heard:
    """A piece as it is heard."""

    vocabulary: Vocabulary
    header: Header
    events: tuple[tuple[int, ...], ...]

    @cached_property
    def notes(self) -> list[Note]:
        now, notes = 0, []
        for wait, duration, pitch in self.events:
            now += wait
            notes.append(Note(now, duration, pitch))
            now += duration if self.vocabulary.fields[1].advances == "later" else 0
        return notes

    @cached_property
    def symbols(self) -> list[int]:
        return symbols_of(self.vocabulary, self.events)

    @property
    def pitches(self) -> list[int]:
        return [note.pitch for note in self.notes]

    @property
    def end(self) -> int:
        """When it stops sounding."""
        return max((note.onset + note.duration for note in self.notes), default=0)

    def place(self, time: int) -> tuple[int, int]:
        """Bar as printed and units since the bar line, in bars of three units."""
        bar, position = divmod(time - self.header.pickup, 3)
        return bar + 1, position


def symbols_of(vocabulary: Vocabulary, events: Iterable[tuple[int, ...]]) -> list[int]:
    """The symbols of some events, END left out."""
    names = [field.name for field in vocabulary.fields]
    return [vocabulary.symbol(name, value) for event in events for name, value in zip(names, event, strict=True)]


class Kind(NamedTuple):
    """A constraint, and what it means."""

    name: str
    make: Callable[[], Constraint]
    holds: Callable[[Heard], bool]


#: a piece to keep something of
GIVEN = ((0, 2, C), (0, 2, D), (1, 1, CIS))


def _given(heard: Heard) -> list[Note]:
    return Heard(heard.vocabulary, heard.header, GIVEN).notes


def _around(heard: Heard, start: int, stop: int) -> bool:
    old, new = _given(heard), heard.notes
    before, after = [n for n in old if n.onset < start], [n for n in old if n.onset >= stop]
    over = max(stop, *(n.onset + n.duration for n in old if start <= n.onset < stop), 0)
    n, inside = len(new), new[len(before) : len(new) - len(after)]
    kept = n >= len(before) + len(after) and new[: len(before)] == before and new[n - len(after) :] == after
    return kept and all(start <= note.onset < stop and note.onset + note.duration <= over for note in inside)


def _share(heard: Heard) -> float:
    old = {(note.onset, note.pitch) for note in _given(heard)}
    return sum((note.onset, note.pitch) in old for note in heard.notes) / len(old)


def _signs(pitches: list[int]) -> list[int]:
    return [(b > a) - (b < a) for a, b in pairwise(pitches)]


def _comes(heard: Heard, by: list[str], motif: list[Note]) -> bool:
    """Whether some notes in a row are as the motif in all of what is named."""

    def seen(notes: list[Note]) -> list[object]:
        pairs = list(pairwise(notes))
        views = {
            "pitch": [note.pitch for note in notes],
            "interval": [b.pitch - a.pitch for a, b in pairs],
            "duration": [note.duration for note in notes],
            "gap": [b.onset - a.onset for a, b in pairs],
        }
        return [views[name] for name in by]

    runs = (heard.notes[i : i + len(motif)] for i in range(len(heard.notes) - len(motif) + 1))
    return any(seen(run) == seen(motif) for run in runs)


def _leaps(heard: Heard) -> int:
    return sum(abs(b - a) >= 2 for a, b in pairwise(heard.pitches))


def _matches(pattern: str) -> Callable[[Heard], bool]:
    """By the standard library: each pitch is a character."""
    return lambda heard: bool(re.fullmatch(pattern, "".join(str(pitch - C) for pitch in heard.pitches)))


def _lengths_match(pattern: str) -> Callable[[Heard], bool]:
    return lambda heard: bool(re.fullmatch(pattern, "".join(str(note.duration) for note in heard.notes)))


def _on_beats(heard: Heard, chords: dict[tuple[int, int], set[int]]) -> bool:
    return all(n.pitch % 12 in chords.get(heard.place(n.onset), {n.pitch % 12}) for n in heard.notes)


def _full(heard: Heard) -> bool:
    return (heard.end - heard.header.pickup) % 3 == 0 or (
        heard.end - heard.header.pickup
    ) % 3 == 3 - heard.header.pickup


def _downbeats(heard: Heard) -> bool:
    lines = [time for time in range(heard.end) if heard.place(time)[1] == 0]
    return all(any(note.onset == line for note in heard.notes) for line in lines)


#: two notes, as they are heard and as a motif
TUNE = [Note(0, 1, C), Note(1, 2, CIS)]
MOTIF = Motif((C, CIS), (Fraction(1, 2), Fraction(1)), (Fraction(1, 2),))
SYMBOLS = symbols_of(MELODY, GIVEN)
KINDS = [
    Kind("range", lambda: PitchRange("C4", "C#4"), lambda h: bool(h.notes) and all(p <= CIS for p in h.pitches)),
    Kind("scale", lambda: InScale("C:major"), lambda h: CIS not in h.pitches),
    Kind("notes of a scale", lambda: InScale("C,C#"), lambda h: D not in h.pitches),
    Kind("start", lambda: StartsOn("D"), lambda h: h.pitches[:1] == [D]),
    Kind("start on one of two", lambda: StartsOn("C", 61), lambda h: h.pitches[:1] in ([C], [CIS])),
    Kind("end", lambda: EndsOn("C#4"), lambda h: h.pitches[-1:] == [CIS]),
    Kind("end on the tonic", lambda: EndsOn("tonic"), lambda h: h.pitches[-1:] == [C if h.header is PLAIN else D]),
    Kind(
        "note at a place",
        lambda: At(1, 2, "D4"),
        lambda h: any(h.place(n.onset) == (1, 1) and n.pitch == D for n in h.notes),
    ),
    Kind(
        "chord tones",
        lambda: ChordTones("C | D"),
        lambda h: _on_beats(h, {(1, 0): {0, 4, 7}, (2, 0): {2, 6, 9}}),
    ),
    Kind("metre", Metre, lambda h: _full(h) and _downbeats(h)),
    Kind("bars filled", lambda: Metre(downbeats=False), _full),
    Kind("downbeats", lambda: Metre(full=False), _downbeats),
    Kind(
        "bars",
        lambda: Bars(1),
        lambda h: bool(h.notes) and h.end - h.header.pickup in {3, 3 - h.header.pickup},
    ),
    Kind("around a gap", lambda: Around(SYMBOLS, 1, 4), lambda h: _around(h, 1, 4)),
    Kind("around the beginning", lambda: Around(SYMBOLS, 0, 3), lambda h: _around(h, 0, 3)),
    Kind("around the end", lambda: Around(SYMBOLS, 2, 7), lambda h: _around(h, 2, 7)),
    Kind("similar", lambda: Similar(SYMBOLS, 0.6), lambda h: _share(h) >= 0.6),
    Kind("similar, not equal", lambda: Similar(SYMBOLS, 0.3, 0.7), lambda h: 0.3 <= _share(h) <= 0.7),
    Kind("rhythm", lambda: Rhythm(SYMBOLS), lambda h: [e[:2] for e in h.events] == [e[:2] for e in GIVEN]),
    Kind("contour", lambda: Contour("+-"), lambda h: _signs(h.pitches) == [1, -1]),
    Kind("contour of two", lambda: Contour("0"), lambda h: _signs(h.pitches) == [0]),
    Kind("contains pitches", lambda: Contains("C4 C#4"), lambda h: _comes(h, ["pitch"], TUNE)),
    Kind("contains intervals", lambda: Contains([60, 61], "interval"), lambda h: _comes(h, ["interval"], TUNE)),
    Kind(
        "contains pitches and rhythm",
        lambda: Contains(MOTIF),
        lambda h: _comes(h, ["pitch", "duration", "gap"], TUNE),
    ),
    Kind(
        "contains intervals and rhythm",
        lambda: Contains(MOTIF, "interval"),
        lambda h: _comes(h, ["interval", "duration", "gap"], TUNE),
    ),
    Kind("avoids", lambda: Avoids("C4 C4"), lambda h: not _comes(h, ["pitch"], [Note(0, 1, C), Note(1, 1, C)])),
    Kind("few leaps", lambda: Count(Leaps(2), most=1), lambda h: _leaps(h) <= 1),
    Kind("leaps", lambda: Count(Leaps(1), 2, 2), lambda h: sum(a != b for a, b in pairwise(h.pitches)) == 2),
    Kind(
        "so many of a note",
        lambda: Count(Notes("C", "D4"), 1, 2),
        lambda h: 1 <= len(h.pitches) - h.pitches.count(CIS) <= 2,
    ),
    Kind(
        "so many tonics",
        lambda: Count(Notes("tonic"), 2),
        lambda h: h.pitches.count(C if h.header is PLAIN else D) >= 2,
    ),
    Kind(
        "long notes", lambda: Count(Having("duration", 2), 1, 1), lambda h: [n.duration for n in h.notes].count(2) == 1
    ),
    Kind("pattern", lambda: Matches("C4 (C#4|D4)* [^D4]"), _matches("0[12]*[01]")),
    Kind("pattern of lengths", lambda: Matches("1{2,} . | 2 .?", "duration"), _lengths_match("1{2,}.|2.?")),
    Kind("notes", lambda: Length(2, 3), lambda h: 2 <= len(h.notes) <= 3),
    Kind("at most so many notes", lambda: AtMost(1), lambda h: len(h.notes) <= 1),
]


def every_piece(vocabulary: Vocabulary, header: Header, most: int = 3) -> Iterator[Heard]:
    """All pieces of up to `most` events."""
    ranges = [range(field.first, field.first + field.size) for field in vocabulary.fields]
    for n in range(most + 1):
        for events in product(product(*ranges), repeat=n):
            yield Heard(vocabulary, header, events)


def accepted(constraint: Constraint, vocabulary: Vocabulary, header: Header | None, pieces: list[Heard]) -> list[bool]:
    """Which pieces the compiled automaton accepts."""
    automaton = constraint.compile(vocabulary, header)
    n = max(len(piece.events) for piece in pieces) * vocabulary.n_fields + 1
    rows = np.full((len(pieces), n), vocabulary.end)
    for row, piece in zip(rows, pieces, strict=True):
        row[: len(piece.symbols)] = piece.symbols
    states = np.full(len(pieces), automaton.start())
    for column in rows.T:
        states = automaton.advance(states, column)
    alive: list[bool] = (states != DEAD).tolist()
    return alive
