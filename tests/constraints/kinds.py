"""Every kind of constraint on a toy vocabulary, each with a plain reading of what it demands.

`KINDS` lists a name, how to make the constraint, and `holds(heard)`, written without automata, masks or clocks. Tests
compare both over all short pieces; tests of samplers draw under each kind and ask `holds`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple

import numpy as np

from stochastic_music.constraints import (
    At,
    AtMost,
    Bars,
    ChordTones,
    EndsOn,
    InScale,
    Length,
    Metre,
    PitchRange,
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


class Kind(NamedTuple):
    """A constraint, and what it means."""

    name: str
    make: Callable[[], Constraint]
    holds: Callable[[Heard], bool]


def _on_beats(heard: Heard, chords: dict[tuple[int, int], set[int]]) -> bool:
    return all(n.pitch % 12 in chords.get(heard.place(n.onset), {n.pitch % 12}) for n in heard.notes)


def _full(heard: Heard) -> bool:
    return (heard.end - heard.header.pickup) % 3 == 0 or (
        heard.end - heard.header.pickup
    ) % 3 == 3 - heard.header.pickup


def _downbeats(heard: Heard) -> bool:
    lines = [time for time in range(heard.end) if heard.place(time)[1] == 0]
    return all(any(note.onset == line for note in heard.notes) for line in lines)


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
    names = [field.name for field in vocabulary.fields]
    n = max(len(piece.events) for piece in pieces) * vocabulary.n_fields + 1
    rows = np.full((len(pieces), n), vocabulary.end)
    for row, piece in zip(rows, pieces, strict=True):
        flat = [vocabulary.symbol(name, v) for event in piece.events for name, v in zip(names, event, strict=True)]
        row[: len(flat)] = flat
    states = np.full(len(pieces), automaton.start())
    for column in rows.T:
        states = automaton.advance(states, column)
    alive: list[bool] = (states != DEAD).tolist()
    return alive
