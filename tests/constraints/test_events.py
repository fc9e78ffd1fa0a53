"""Event machines, negation: by enumeration of all short pieces against plain Python."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np
import pytest

from stochastic_music.constraints import AtMost, Bars, BaseAutomaton, ByEvent, ByOnset, Joinable, Length, PitchRange
from stochastic_music.errors import VocabularyError
from stochastic_music.protocols import DEAD, Constraint
from stochastic_music.testing.check_constraint import check_constraint
from stochastic_music.tokens import Field, Header, Meter, Vocabulary

MELODY = Vocabulary(
    (Field("rest", 2, advances="now"), Field("duration", 2, first=1, advances="later"), Field("pitch", 2, first=60)), 1
)
NOTES = Vocabulary(
    (Field("shift", 2, advances="now"), Field("duration", 2, first=1, advances="sounds"), Field("pitch", 2, first=60)),
    1,
)
SLICES = Vocabulary((Field("duration", 2, first=1, advances="later"), Field("voice1", 4, first=-2)), 1)
HEADER = Header(1, (Meter(0, 2, 4), Meter(3, 3, 4)), pickup=1)


def every_piece(vocabulary: Vocabulary, most: int = 2) -> Iterator[list[tuple[int, ...]]]:
    """All pieces of up to `most` events, as the values of each event."""
    ranges = [range(field.first, field.first + field.size) for field in vocabulary.fields]
    for n in range(most + 1):
        for events in product(product(*ranges), repeat=n):
            yield list(events)


def accepted(constraint: Constraint, vocabulary: Vocabulary, pieces: list, header: Header | None = None) -> list[bool]:
    """Which pieces the compiled automaton accepts; all of equal length step together."""
    automaton = constraint.compile(vocabulary, header)
    names = [field.name for field in vocabulary.fields]
    n = max(len(piece) for piece in pieces) * vocabulary.n_fields + 1
    rows = np.full((len(pieces), n), vocabulary.end)
    for row, piece in zip(rows, pieces, strict=True):
        symbols = [vocabulary.symbol(name, value) for event in piece for name, value in zip(names, event, strict=True)]
        row[: len(symbols)] = symbols
    states = np.full(len(pieces), automaton.start())
    for column in rows.T:
        states = automaton.advance(states, column)
    return (states != DEAD).tolist()


@dataclass(frozen=True)
class LongAndLow(Joinable):
    """An odd number of notes of two units on pitch 60; never three notes of pitch 61."""

    wanted: ClassVar[tuple[str, ...]] = ("pitch", "duration")

    def compile(self, vocabulary, header):  # noqa: ARG002
        return ByEvent(vocabulary, self)

    def start(self):
        return 0

    def step(self, states, values):
        odd, high = states % 2, states // 2
        odd = odd ^ ((values["pitch"] == 60) & (values["duration"] == 2))
        high = high + (values["pitch"] == 61)
        return np.where(high < 3, high * 2 + odd, DEAD)

    def accepts(self, states):
        return states % 2 == 1

    def holds(self, piece):
        low = sum(1 for event in piece if event[-1] == 60 and event[-2] == 2)
        return low % 2 == 1 and sum(1 for event in piece if event[-1] == 61) < 3


@dataclass(frozen=True)
class LowAt(Joinable):
    """A note of pitch 60 begins at `time`."""

    time: int
    wanted: ClassVar[tuple[str, ...]] = ("pitch",)

    @property
    def until(self):
        return self.time + 1

    def compile(self, vocabulary, header):
        return ByOnset(vocabulary, header, self)

    def start(self):
        return 0

    def step(self, states, onsets, values):
        return np.where((onsets == self.time) & (values["pitch"] == 60), 1, states)

    def accepts(self, states):
        return states == 1


def onsets_of(vocabulary: Vocabulary, piece: list) -> list[int]:
    now, onsets = 0, []
    for event in piece:
        for field, value in zip(vocabulary.fields, event, strict=True):
            now += value if field.advances == "now" else 0
        onsets.append(now)
        for field, value in zip(vocabulary.fields, event, strict=True):
            now += value if field.advances == "later" else 0
    return onsets


@pytest.mark.parametrize("vocabulary", [MELODY, NOTES], ids=["melody", "notes"])
def test_a_machine_hears_whole_events(vocabulary):
    pieces = list(every_piece(vocabulary, 3))
    expected = [LongAndLow().holds(piece) for piece in pieces]
    assert accepted(LongAndLow(), vocabulary, pieces) == expected
    assert 0 < sum(expected) < len(pieces)


@pytest.mark.parametrize("vocabulary", [MELODY, NOTES], ids=["melody", "notes"])
@pytest.mark.parametrize("header", [None, HEADER], ids=["plain", "changes"])
@pytest.mark.parametrize("time", [0, 1, 4, 6, 7])
def test_a_machine_hears_when_events_begin(vocabulary, header, time):
    pieces = list(every_piece(vocabulary, 3))
    expected = [
        any(event[-1] == 60 and onset == time for event, onset in zip(piece, onsets_of(vocabulary, piece), strict=True))
        for piece in pieces
    ]
    assert accepted(LowAt(time), vocabulary, pieces, header) == expected


@pytest.mark.parametrize("constraint", [LongAndLow(), LowAt(5), ~LongAndLow(), ~Bars(2), ~PitchRange(61, 61)], ids=str)
@pytest.mark.parametrize("vocabulary", [MELODY, NOTES], ids=["melody", "notes"])
def test_machines_and_complements_keep_the_contract(constraint, vocabulary):
    check_constraint(constraint, vocabulary, HEADER, n_walks=8, n_steps=24)


def test_folded_time_keeps_the_states_of_a_machine_few():
    automaton = LowAt(5).compile(MELODY, HEADER)
    known = frontier = np.array([automaton.start()])
    while len(frontier):
        symbols = np.arange(MELODY.n_symbols)
        after = automaton.advance(np.repeat(frontier, len(symbols)), np.tile(symbols, len(frontier)))
        frontier = np.setdiff1d(after[after != DEAD], known)
        known = np.union1d(known, frontier)
    # time is kept to the bar line at 6 and within one bar of 3 after it: 9 times, 3 lags, 4 fields; heard or not
    assert len(known) <= 9 * 3 * 4 * 2
    assert automaton.frame.n_states == 9 * 3 * 4


@dataclass(frozen=True)
class SecondIsHigher(Joinable):
    """Of the notes of the upper voice the second is higher than the first."""

    wanted: ClassVar[tuple[str, ...]] = ("voice1",)
    line: ClassVar[str] = "voice1"

    def compile(self, vocabulary, header):  # noqa: ARG002
        return ByEvent(vocabulary, self)

    def start(self):
        return 0

    def step(self, states, values):
        pitch = values["voice1"]
        return np.where(states == 0, 1 + pitch, np.where((states < 3) & (pitch < states), DEAD, 3))

    def accepts(self, states):
        return states == 3


def test_a_machine_of_a_line_skips_what_is_held():
    pieces = list(every_piece(SLICES, 3))
    lines = [[event[1] for event in piece if event[1] >= 0] for piece in pieces]
    expected = [len(line) > 1 and line[1] > line[0] for line in lines]
    assert accepted(SecondIsHigher(), SLICES, pieces) == expected


def test_a_field_that_is_missing_is_named():
    with pytest.raises(VocabularyError, match="no field 'pitch' here; fields: duration, voice1"):
        LongAndLow().compile(SLICES, None)


def test_a_hundred_thousand_states_step_together():
    automaton = LongAndLow().compile(MELODY, None)
    states = np.zeros(100_000, dtype=np.int64)
    for symbol in (0, 3, 4, 1, 3, 4):
        states = automaton.advance(states, np.full(len(states), symbol))
    assert np.unique(states).tolist() == [automaton.start()]  # twice long and low: even again


TERMS = [LongAndLow(), LowAt(3), PitchRange(60, 60), Length(2), Bars(1), AtMost(1)]


@pytest.mark.parametrize("one", TERMS, ids=str)
@pytest.mark.parametrize("other", TERMS, ids=str)
def test_joins_and_negation_obey_the_laws_of_sets(one, other):
    pieces = list(every_piece(MELODY, 2))
    a, b = np.array(accepted(one, MELODY, pieces, HEADER)), np.array(accepted(other, MELODY, pieces, HEADER))
    for joined, expected in [
        (one & other, a & b),
        (one | other, a | b),
        (~(one & other), ~(a & b)),
        (~one | ~other, ~(a & b)),
        (~(one | other), ~(a | b)),
        (~one & ~other, ~(a | b)),
        (one & ~other, a & ~b),
        (~~one, a),
    ]:
        assert accepted(joined, MELODY, pieces, HEADER) == expected.tolist()


def test_a_negated_demand_never_breaks_off_within_an_event():
    automaton = (~PitchRange(60, 60)).compile(MELODY, None)
    assert not automaton.allowed(automaton.advance(np.array([automaton.start()]), np.array([0])))[0, MELODY.end]


def test_what_is_negated_reads_as_it_was_written():
    assert str(~Length(2)) == "~Length(2)"
    assert str(~(Length(2) & Bars(1))) == "~(Length(2) & Bars(1))"
    assert str(~(Length(2) | Bars(1))) == "~(Length(2) | Bars(1))"
    assert ~~Length(2) == Length(2)
    assert hash(~Length(2)) == hash(~Length(2))


def test_what_is_wide_stays_so_when_negated():
    class Wide(BaseAutomaton):
        wide, n_symbols = True, 3

    class Broad(Joinable):
        def compile(self, vocabulary, header):  # noqa: ARG002
            return Wide()

    assert (~Broad()).compile(MELODY, None).wide
    assert (Broad() | Length(2)).compile(MELODY, None).wide
    assert not (Broad() | Bars(1)).compile(MELODY, None).wide  # it keeps time
    assert not (~Length(2)).compile(MELODY, None).wide
