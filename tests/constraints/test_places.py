"""Bars, beats, names of notes, and what each kind makes of other encodings."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.constraints import (
    Around,
    At,
    ChordTones,
    Contains,
    Contour,
    Count,
    EndsOn,
    InScale,
    Leaps,
    Matches,
    Metre,
    Motif,
    Notes,
    PitchRange,
    Rests,
    Rhythm,
    Similar,
    StartsOn,
)
from stochastic_music.errors import InvalidParameterError, UsageError
from stochastic_music.music.keys import MODES, Key
from stochastic_music.protocols import DEAD
from stochastic_music.testing.check_constraint import check_constraint
from stochastic_music.tokens import Field, Header, Meter, Vocabulary
from tests.constraints.kinds import KINDS, MELODY, PICKUP, PLAIN, accepted, every_piece, symbols_of

STEPS = Vocabulary(
    (Field("rest", 40, advances="now"), Field("duration", 40, first=1, advances="later"), Field("pitch", 128)), 12
)
#: slices of two voices: hold, rest, C and C sharp
SLICES = Vocabulary(
    (
        Field("duration", 2, first=1, advances="later"),
        Field("voice1", 4, first=-2),
        Field("voice2", 4, first=-2),
    ),
    2,
)
FRAMES = Vocabulary((Field("voice1", 4, first=-2), Field("voice2", 4, first=-2)), 2, step=1)
WORDS = Vocabulary.plain(3)
PICKUP_THEN_CHANGES = Header(12, (Meter(0, 3, 4), Meter(84, 6, 8), Meter(156, 4, 4)), pickup=12, key="G")


def takes(constraint, vocabulary, events, header=None):
    automaton = constraint.compile(vocabulary, header)
    state = np.array([automaton.start()])
    for symbol in [*symbols_of(vocabulary, events), vocabulary.end]:
        state = automaton.advance(state, np.array([symbol]))
    return bool(state[0] != DEAD)


@pytest.mark.parametrize(
    ("bar", "beat", "time"),
    [
        (0, 3, 0),  # the pickup is the last beat of its bar
        (0, "3+1/2", 6),
        (1, 1, 12),
        (2, 3, 72),
        (3, 1, 84),  # 6/8 from here: beats are eighths of six units
        (3, 4, 102),
        (4, "1+1/2", 123),
        (5, 1, 156),  # 4/4
        (9, 2.5, 156 + 4 * 48 + 18),
    ],
)
def test_a_place_is_where_it_is_printed(bar, beat, time):
    at = At(bar, beat, "D5")
    rests, left = divmod(time, 39)
    before = [(0, 39, 60)] * rests
    assert takes(at, STEPS, [*before, (left, 1, 74)], PICKUP_THEN_CHANGES)
    assert not takes(at, STEPS, [*before, (left, 1, 73)], PICKUP_THEN_CHANGES)
    assert not takes(at, STEPS, [*before, (left + 1, 1, 74)], PICKUP_THEN_CHANGES)
    assert not takes(at, STEPS, before, PICKUP_THEN_CHANGES)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (At(0, 2, "C"), "bar 0 lacks: it has beats 3 to 3"),
        (At(3, 7, "C"), "bar 3 lacks: it has beats 1 to 6"),
        (At(2, 4, "C"), "bar 2 lacks: it has beats 1 to 3"),
        (At(1, "1+1/7", "C"), "lies between the units of time, of which a quarter note has 12"),
    ],
)
def test_a_place_that_is_not_there(place, message):
    with pytest.raises(UsageError, match=message.replace("+", r"\+")):
        place.compile(STEPS, PICKUP_THEN_CHANGES)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: At(-1, 1, "C"), "bars count from 1, and a pickup is bar 0"),
        (lambda: At(1, 0.5, "C"), "beats count from 1"),
        (lambda: At(1, "two", "C"), "'two' is no beat"),
        (lambda: At.parse("5.1"), "expected bar.beat=note"),
        (lambda: InScale("H:major"), "'H:major' is no key"),
        (lambda: InScale("C,X"), "'X' is no note name"),
        (lambda: InScale([]), "got no note"),
        (EndsOn, "got no note"),
        (lambda: StartsOn("octave"), "'octave' names no note"),
        (lambda: EndsOn("tonic", key="X"), "'X' is no key"),
        (lambda: ChordTones("C | Xm"), "bar 2 of the chart: 'Xm' is no chord symbol"),
        (lambda: ChordTones([]), "got no chord"),
        (lambda: Metre(full=False, downbeats=False), "asks for nothing"),
        (lambda: Around([0], 4, 4), "expected a gap"),
        (lambda: Similar([0], 0.8, 0.7), "0 <= least <= most <= 1"),
        (lambda: Contour("+x"), "expected the signs"),
        (lambda: Contour.of([]), "needs at least one note"),
        (lambda: Leaps(0), "from 1"),
        (lambda: Rests(0), "above 0"),
        (Notes, "got no note"),
        (lambda: Count(Notes("C"), 3, 2), "the least number"),
    ],
)
def test_demands_that_make_no_sense(make, message):
    with pytest.raises(InvalidParameterError, match=message):
        make()


@pytest.mark.parametrize("mode", MODES)
def test_a_scale_of_every_mode_has_the_notes_of_its_signature(mode):
    for sharps in range(-7, 8):
        scale = InScale(str(Key(sharps, mode)))
        assert set(scale.notes) == {(note + 7 * sharps) % 12 for note in (0, 2, 4, 5, 7, 9, 11)}
        assert scale.notes[0] == Key(sharps, mode).tonic
        assert set(scale.moved(3).notes) == {(note + 3) % 12 for note in scale.notes}


def test_steps_are_those_of_the_piece():
    def ends(name, key):
        return [p for p in range(60, 72) if takes(EndsOn(name), STEPS, [(0, 1, p)], Header(12, key=key))]

    assert ends("tonic", "Em") == [64]
    assert ends("leading tone", "Am") == [68]
    assert ends("^7", "Am") == [67]
    assert ends("^b3", "C") == [63]
    assert ends("subdominant", "D:dorian") == [67]
    assert takes(EndsOn("tonic", key="D"), STEPS, [(0, 1, 62)], Header(12))
    with pytest.raises(UsageError, match="asks for a step of the key, and the piece's key is not known"):
        EndsOn("tonic").compile(STEPS, None)


def test_what_names_notes_moves_and_what_names_steps_stays():
    assert EndsOn("C4", "F#", "tonic").moved(2) == EndsOn("D4", "G#", "tonic")
    assert At(3, 1, "C4").moved(-1) == At(3, 1, "B3")
    assert str(ChordTones("C | F G7").moved(2)) == "ChordTones(D | G A7)"
    with pytest.raises(InvalidParameterError, match="leaves MIDI's range"):
        StartsOn(126).moved(4)


def test_chords_of_a_bar_share_its_beats():
    half = 24
    chart = ChordTones("C F")  # C on beats 1 and 2, F on 3 and 4
    assert takes(chart, STEPS, [(0, half, 64), (0, half, 65)])
    assert not takes(chart, STEPS, [(0, half, 65), (0, half, 65)])
    assert not takes(chart, STEPS, [(0, half, 64), (0, half, 64)])
    assert takes(chart, STEPS, [(0, 6, 64), (0, 18, 61), (0, half, 65)])  # off the beat
    beats = ChordTones(["C", "N.C.", "F"])
    assert takes(beats, STEPS, [(0, 12, 60), (0, 12, 61), (0, 12, 65), (0, 12, 61)])
    dotted = Header(12, (Meter(0, 6, 8),))
    assert takes(ChordTones("C F"), STEPS, [(0, 6, 60), (0, 6, 61), (0, 6, 61), (0, 18, 65)], dotted)


SLICE_EVENTS = [(d, a, b) for d in (1, 2) for a in (-2, -1, 0, 1) for b in (-2, -1, 0, 1)]


@pytest.mark.parametrize(
    ("constraint", "holds"),
    [
        (PitchRange(0, 0), lambda top, low: 1 not in [*top, *low] and 0 in [*top, *low]),
        (InScale("C"), lambda top, low: 1 not in [*top, *low]),
        (StartsOn("C"), lambda top, _: top[:1] == [0]),
        (EndsOn("C#"), lambda top, _: top[-1:] == [1]),
        (Contains([0, 1]), lambda top, _: top == [0, 1]),
        (Contour("+"), lambda top, _: top == [0, 1]),
        (Count(Notes("C#"), 1, 1), lambda top, _: top.count(1) == 1),
        (Matches("0 .?"), lambda top, _: top[:1] == [0]),
    ],
    ids=lambda value: "" if callable(value) else str(value),
)
def test_in_slices_a_range_binds_all_voices_and_a_line_is_the_top_one(constraint, holds):
    pieces = list(product(SLICE_EVENTS, repeat=2))
    lines = [[[event[v] for event in piece if event[v] >= 0] for v in (1, 2)] for piece in pieces]
    automaton = constraint.compile(SLICES, None)
    states = np.full(len(pieces), automaton.start())
    for column in np.array([[*symbols_of(SLICES, piece), SLICES.end] for piece in pieces]).T:
        states = automaton.advance(states, column)
    assert (states != DEAD).tolist() == [holds(*line) for line in lines]


@pytest.mark.parametrize("vocabulary", [SLICES, FRAMES], ids=["slices", "frames"])
def test_slices_and_frames_are_kept_around_a_gap_that_new_ones_fill(vocabulary):
    timed = vocabulary is SLICES
    old = [(1, 0, 1), (2, 1, -1), (1, 0, -2)] if timed else [(0, 1), (1, -1), (1, 0), (0, -2)]
    around = Around(symbols_of(vocabulary, old), 1, 3)
    for n in range(5):
        for lengths in product((1, 2) if timed else (1,), repeat=n):
            events = [(length, 0, 0) if timed else (0, 0) for length in lengths]
            whole = [old[0], *events, old[-1]]
            assert takes(around, vocabulary, whole) == (sum(lengths) == 2)
    assert not takes(around, vocabulary, [*old[:-1], (1, 1, 1) if timed else (1, 1)])
    check_constraint(around, vocabulary, n_walks=4, n_steps=12)


def test_the_rhythm_of_slices_is_who_begins_holds_and_rests():
    rhythm = Rhythm(symbols_of(SLICES, [(1, 0, -2), (2, -1, 1)]))
    assert takes(rhythm, SLICES, [(1, 1, -2), (2, -1, 0)])
    assert not takes(rhythm, SLICES, [(1, 1, -2), (2, 1, 0)])
    assert not takes(rhythm, SLICES, [(1, 1, -1), (2, -1, 0)])
    assert not takes(rhythm, SLICES, [(1, 1, -2), (1, -1, 0)])


def test_a_downbeat_of_slices_needs_a_voice_that_begins():
    bars = Header(2, (Meter(0, 1, 4),))  # two units each
    assert takes(Metre(), SLICES, [(2, 0, -1), (2, -1, 1)], bars)
    assert not takes(Metre(), SLICES, [(2, 0, -1), (2, -1, -1)], bars)
    assert takes(Metre(), FRAMES, [(0, -1), (-1, -1), (-1, 1), (-1, -1)], bars)
    assert not takes(Metre(), FRAMES, [(0, -1), (-1, 1), (-1, -1), (-1, -1)], bars)


MOTIF = Motif((60,), (Fraction(1),), ())


@pytest.mark.parametrize(
    ("constraint", "vocabulary", "message"),
    [
        *((c, WORDS, "needs a field of pitches, and this encoding has only symbol")
          for c in (InScale("C"), StartsOn("C"), EndsOn("C"), Contains("C4"), Contour("+"))),
        *((c, WORDS, "needs symbols that carry time, and this encoding has only symbol")
          for c in (At(1, 1, "C"), ChordTones("C"), Metre(), Rhythm([0]), Around([0], 0, 1), Similar([0], 1))),
        (Count(Leaps(2)), WORDS, "needs a field of pitches"),
        (Count(Rests()), SLICES, "are told by a field 'rest', and this encoding has only duration, voice1, voice2"),
        (Contains(MOTIF), SLICES, "needs notes with durations.*match the motif without rhythm"),
    ],
    ids=str,
)  # fmt: skip
def test_an_encoding_that_lacks_what_is_asked_about_is_named(constraint, vocabulary, message):
    with pytest.raises(UsageError, match=message):
        constraint.compile(vocabulary, None)


PIECES = [piece for header in (PLAIN, PICKUP) for piece in every_piece(MELODY, header, 2)]
TERMS = st.recursive(
    st.sampled_from(range(len(KINDS))),
    lambda inner: st.tuples(st.sampled_from("&|"), inner, inner) | st.tuples(st.just("~"), inner),
    max_leaves=4,
)


def _made(term):
    """The constraint of a term, and its plain reading."""
    if isinstance(term, int):
        return KINDS[term].make(), KINDS[term].holds
    parts = [_made(part) for part in term[1:]]
    constraints, readings = [part[0] for part in parts], [part[1] for part in parts]
    if term[0] == "~":
        return ~constraints[0], lambda heard: not readings[0](heard)
    if term[0] == "&":
        return constraints[0] & constraints[1], lambda heard: readings[0](heard) and readings[1](heard)
    return constraints[0] | constraints[1], lambda heard: readings[0](heard) or readings[1](heard)


@settings(max_examples=25, deadline=None)
@given(term=TERMS, header=st.sampled_from([PLAIN, PICKUP]))
def test_whatever_is_joined_and_negated_means_what_it_says(term, header):
    constraint, holds = _made(term)
    pieces = [piece for piece in PIECES if piece.header is header]
    assert accepted(constraint, MELODY, header, pieces) == [holds(piece) for piece in pieces]
    assert constraint == _made(term)[0]
