import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.constraints import (
    All,
    AtMost,
    Bars,
    BaseAutomaton,
    Joinable,
    Length,
    PitchRange,
    SymbolsOf,
    TimeAutomaton,
    conjuncts,
)
from stochastic_music.errors import InvalidParameterError, UsageError, VocabularyError
from stochastic_music.protocols import DEAD, Constraint
from stochastic_music.sampling.compiling import by_timing
from stochastic_music.testing.check_constraint import check_constraint
from stochastic_music.tokens import ClockState, Field, Header, Meter, Vocabulary

REST, DURATION = Field("rest", 5, advances="now"), Field("duration", 8, first=1, advances="later")
PITCH = Field("pitch", 4, first=60)
MELODY = Vocabulary((REST, DURATION, PITCH), resolution=4)
NOTES = Vocabulary((Field("shift", 5, advances="now"), Field("duration", 8, first=1, advances="sounds"), PITCH), 4)
STEPS = Vocabulary((Field("shift", 4, first=1, advances="now"), PITCH), 4)
CHORDS = Vocabulary((DURATION, Field("voice1", 6, first=-2), Field("voice2", 6, first=-2)), 4)
FRAMES = Vocabulary((Field("voice1", 6, first=-2), Field("voice2", 6, first=-2)), 4, step=2)
WORDS = Vocabulary.plain(4)
HEADERS = [
    None,
    Header(4, (Meter(0, 3, 4),), pickup=4),
    Header(4, (Meter(0, 3, 4), Meter(28, 2, 4), Meter(36, 5, 8)), pickup=4),
]
CONSTRAINTS = [
    PitchRange(0, 61),
    Length(3),
    Length(0, 4),
    AtMost(4),
    Bars(3),
    Bars(2) & PitchRange(0, "C#4") & Length(1, 9),
    Bars(1) | Length(2),
    SymbolsOf((0, 1, 5, 6)),
]


def accepts(constraint: Constraint, vocabulary: Vocabulary, symbols: list[int], header: Header | None = None) -> bool:
    automaton = constraint.compile(vocabulary, header)
    states = np.array([automaton.start()])
    for symbol in [*symbols, vocabulary.end]:
        states = automaton.advance(states, np.array([symbol]))
    return bool(states[0] != DEAD)


def spell(vocabulary: Vocabulary, *events: tuple[int, ...]) -> list[int]:
    names = [field.name for field in vocabulary.fields]
    return [vocabulary.symbol(name, value) for event in events for name, value in zip(names, event, strict=True)]


@pytest.mark.parametrize("header", HEADERS, ids=["plain", "pickup", "changes"])
@pytest.mark.parametrize("vocabulary", [MELODY, NOTES, STEPS, FRAMES], ids=["melody", "notes", "steps", "frames"])
@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=str)
def test_constraints_keep_the_contract(constraint, vocabulary, header):
    check_constraint(constraint, vocabulary, header, n_walks=8, n_steps=24)


def _repeated(clock: ClockState, n: int) -> dict[str, np.ndarray]:
    return {"due": clock.due.repeat(n), "time": clock.time.repeat(n), "lag": clock.lag.repeat(n)}


@pytest.mark.parametrize(
    "vocabulary", [MELODY, NOTES, STEPS, CHORDS, FRAMES], ids=["melody", "notes", "steps", "chords", "frames"]
)
@pytest.mark.parametrize("stops", [None, (40, 44)])
@settings(max_examples=50)
@given(data=st.data())
def test_the_time_automaton_agrees_with_the_clock(vocabulary, stops, data):
    header = data.draw(st.sampled_from(HEADERS)) or Header(4)
    automaton, clock = TimeAutomaton(vocabulary, header, stops), vocabulary.clock
    states, truth = np.array([automaton.start()]), clock.start([header])
    for _ in range(data.draw(st.integers(0, 20))):
        assert automaton.due(states) == truth.due
        assert automaton.marks(states) == clock.marks(truth)
        allowed = automaton.allowed(states)[0]
        n = vocabulary.n_symbols
        after = clock.advance(clock.start([header] * n)._replace(**_repeated(truth, n)), np.arange(n))
        fits = (after.time + after.lag <= 44) | (stops is None)
        stops_now = stops is None or int(truth.time[0] + truth.lag[0]) in stops
        due = clock.allowed(truth)[0]
        due[vocabulary.end] &= stops_now
        assert (allowed == (due & fits)).all()
        playable = np.flatnonzero(allowed[:-1])
        if not len(playable):
            break
        symbol = np.array([data.draw(st.sampled_from(playable.tolist()))])
        states, truth = automaton.advance(states, symbol), clock.advance(truth, symbol)
        if stops is not None:
            now = automaton.unpack(states)
            kept = truth.lag if vocabulary in {MELODY, CHORDS} or truth.time + truth.lag >= 40 else 0
            assert (now.due, now.time, now.lag) == (truth.due, truth.time, kept)


def test_folded_time_has_finitely_many_states():
    automaton = TimeAutomaton(MELODY, HEADERS[2])
    known = frontier = np.array([automaton.start()])
    symbols = np.arange(MELODY.end)
    while len(frontier):
        after = automaton.advance(np.repeat(frontier, len(symbols)), np.tile(symbols, len(frontier)))
        frontier = np.setdiff1d(after[after != DEAD], known)
        known = np.union1d(known, frontier)
    # at most (36 units before the last meter + 10 in its bar) x 9 lags x 3 fields
    assert len(known) <= 46 * 9 * 3


@pytest.mark.parametrize(
    ("n", "header", "lengths", "accepted"),
    [
        (1, Header(4), [8, 8], True),  # one bar of 4/4 is 16 units
        (1, Header(4), [8, 4], False),
        (1, Header(4), [8, 8, 4], False),
        (2, Header(4), [8, 8], False),
        (1, Header(4, (Meter(0, 3, 4),), pickup=4), [4, 8, 4], True),  # pickup, then 12
        (1, Header(4, (Meter(0, 3, 4),), pickup=4), [4, 8], True),  # the pickup completes the last bar
        (1, Header(4, (Meter(0, 3, 4),), pickup=4), [8], False),
        (2, Header(4, (Meter(0, 2, 4), Meter(8, 3, 4))), [8, 8, 4], True),  # 8 + 12
        (2, Header(4, (Meter(0, 2, 4), Meter(8, 3, 4))), [8, 8], False),
        (1, Header(4, (Meter(0, 5, 8),)), [8, 2], True),
    ],
)
def test_bars_are_full_and_counted_as_printed(n, header, lengths, accepted):
    assert accepts(Bars(n), MELODY, spell(MELODY, *((0, length, 60) for length in lengths)), header) == accepted


def test_with_a_rest_the_last_bar_may_sound_in_part():
    # 16 units a bar: two bars stop at 17 to 32
    for lengths, accepted in [([8, 8], False), ([8, 8, 1], True), ([8, 8, 8, 8], True), ([8, 8, 8, 8, 1], False)]:
        piece = spell(MELODY, *((0, length, 60) for length in lengths))
        assert accepts(Bars(2, rest=True), MELODY, piece, Header(4)) == accepted
    assert str(Bars(2, rest=True)) == "Bars(2, rest=True)"


def test_rests_count_and_chords_do_not():
    assert accepts(Bars(1), MELODY, spell(MELODY, (4, 8, 60), (0, 4, 60)))
    chord = spell(NOTES, (0, 8, 63), (0, 8, 60), (4, 4, 61), (4, 8, 60))  # onsets 0, 0, 4, 8; the last stops at 16
    assert accepts(Bars(1), NOTES, chord)
    assert not accepts(Bars(1), NOTES, chord[:-3])


def test_a_note_may_not_sound_beyond_the_last_bar():
    automaton = Bars(1).compile(NOTES, None)
    states = np.array([automaton.start()])
    for symbol in spell(NOTES, (4, 8, 60), (4, 8, 60)):
        states = automaton.advance(states, np.array([symbol]))
    shifted = automaton.advance(states, np.array([NOTES.symbol("shift", 1)]))  # at 9: 8 units would end at 17
    allowed = automaton.allowed(shifted)[0]
    assert not allowed[NOTES.symbol("duration", 8)]
    assert allowed[NOTES.symbol("duration", 7)]


def test_a_range_holds_for_every_voice_but_not_for_its_rests():
    low, rest = CHORDS.symbol("voice2", 0), CHORDS.symbol("voice1", -2)
    assert not accepts(PitchRange(1, 3), CHORDS, [0, rest, low])
    assert accepts(PitchRange(0, 3), CHORDS, [0, rest, low])


def test_a_range_asks_for_at_least_one_pitch():
    assert not accepts(PitchRange(60, 63), MELODY, [])


def test_a_length_is_in_notes():
    two = spell(MELODY, (0, 1, 60), (0, 1, 61))
    assert accepts(Length(2), MELODY, two)
    assert not accepts(Length(2), MELODY, two[:3])
    assert not accepts(Length(2), MELODY, two[:4])
    assert accepts(AtMost(2), MELODY, [])


def test_constraints_join_flat_and_read_as_they_were_written():
    joined = PitchRange("C4", "A5") & Bars(16) & Length(3, 5)
    assert str(joined) == "PitchRange(C4, A5) & Bars(16) & Length(3, 5)"
    assert len(conjuncts(joined)) == 3
    assert isinstance(joined, All)
    assert str(Bars(1) | Length(2)) == "(Bars(1) | Length(2))"


class Foreign:
    def __repr__(self):
        return "Foreign()"

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> BaseAutomaton:
        return Length(2).compile(vocabulary, header)


@pytest.mark.parametrize("constraint", [None, Foreign(), Foreign() & Bars(1), ~Bars(1), Bars(1) | Foreign()], ids=str)
def test_a_constraint_that_does_not_say_so_may_read_the_key(constraint):
    keys = [Header(2, key=key) for key in ("C", "G", "C")]
    reads = "Foreign" in str(constraint)
    assert by_timing(keys, constraint) == ([[0, 2], [1]] if reads else [[0, 1, 2]])


def test_anything_that_compiles_joins():
    for joined in (Foreign() & PitchRange(60, 61), PitchRange(60, 61) & Foreign()):
        assert accepts(joined, MELODY, spell(MELODY, (0, 1, 60), (0, 1, 61)))
        assert not accepts(joined, MELODY, spell(MELODY, (0, 1, 60)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PitchRange(70, 60), "above the high end"),
        (lambda: PitchRange("H4", 60), "'H4' is no pitch"),
        (lambda: Length(-1), r"Length\(-1\)"),
        (lambda: Length(4, 2), "swap them"),
        (lambda: Bars(0), "whole number from 1"),
        (lambda: AtMost(-1), "whole number from 0"),
    ],
)
def test_values_that_make_no_sense(make, message):
    with pytest.raises(InvalidParameterError, match=message):
        make()


def test_a_vocabulary_that_lacks_what_is_asked_for():
    with pytest.raises(UsageError, match=r"Bars\(4\) needs symbols that carry time.*only symbol.*length in notes"):
        Bars(4).compile(WORDS, None)
    with pytest.raises(UsageError, match="needs a field of pitches"):
        PitchRange(60, 72).compile(WORDS, None)
    with pytest.raises(VocabularyError, match="expected 0 to 4"):
        SymbolsOf((9,)).compile(WORDS, None)
    with pytest.raises(UsageError, match="finer --grid"):
        Bars(1).compile(MELODY, Header(4, (Meter(0, 3, 32),)))


class _Broken(Joinable):
    """A constraint whose automaton breaks one promise."""

    def __init__(self, fault: str) -> None:
        self.fault = fault

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> BaseAutomaton:  # noqa: ARG002
        return _BrokenAutomaton(self.fault, vocabulary.n_symbols)


class _BrokenAutomaton(BaseAutomaton):
    def __init__(self, fault: str, n_symbols: int) -> None:
        self.fault, self.n_symbols, self.calls = fault, n_symbols, 0

    def advance(self, states: np.ndarray, symbols: np.ndarray) -> np.ndarray:  # noqa: ARG002
        self.calls += 1
        after = np.where((states == DEAD) & (self.fault != "dead"), DEAD, np.maximum(states, 0) + 1)
        after = np.where(states == 5, DEAD, after) if self.fault == "end" else after
        return after + self.calls if self.fault == "pure" else after

    def allowed(self, states: np.ndarray) -> np.ndarray:
        allowed = super().allowed(states)
        return ~allowed if self.fault == "allowed" else allowed

    def progress(self, states: np.ndarray) -> np.ndarray | None:
        return -states if self.fault == "progress" else states


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("dead", "DEAD"),
        ("allowed", "allowed"),
        ("progress", "progress"),
        ("pure", "another answer|DEAD"),
        ("end", "END may"),
    ],
)
def test_a_broken_automaton_is_caught(fault, message):
    with pytest.raises(AssertionError, match=message):
        check_constraint(_Broken(fault), WORDS)
