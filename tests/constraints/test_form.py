"""Plans of form as values: what they say, and what is wrong with those that make no sense."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stochastic_music.constraints import Bars, Form, PitchRange
from stochastic_music.constraints.form import form_of
from stochastic_music.errors import InvalidParameterError, UnsatisfiableError, UsageError
from stochastic_music.music.inversion import inversions
from stochastic_music.music.keys import Key
from stochastic_music.testing import check_constraint
from stochastic_music.tokens import Field, Header, Meter, Vocabulary

RESTED = Vocabulary(
    (Field("rest", 3, advances="now"), Field("duration", 2, first=1, advances="later"), Field("pitch", 2, first=60)),
    resolution=1,
)
TWO = Header(1, (Meter(0, 2, 4),))


def test_a_plan_says_what_becomes_of_each_section():
    form = Form("A:8 B:4 A^5:8 A~:8 A':8 A^-2~':8")
    assert [section.letter for section in form.sections] == list("ABAAAA")
    assert [section.shift for section in form.sections] == [0, 0, 5, 0, 0, -2]
    assert [section.inverted for section in form.sections] == [False] * 3 + [True, False, True]
    assert [section.varied for section in form.sections] == [False] * 4 + [True, True]
    assert form.first == (0, 1, 0, 0, 0, 0)
    assert form.n_bars == 44


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ("", "the form is empty"),
        ("A:8 a:8", "'a:8' in it; expected sections such as"),
        ("A:8 Ä:8", "'Ä:8' in it"),
        ("A8", "'A8' in it"),
        ("A:8 A^:8", "'A^:8' in it"),
        ("A:8 A^100:8", "'A^100:8' in it"),
        ("A:8 A'':8", "says a thing twice"),
        ("A:8 A^2^3:8", "says a thing twice"),
        ("A:0", "a section of no bars"),
        ("A:8 B':4", "'B':4' as section 2, and no B before it; expected a plain B:4 first"),
        ("A:8 B:8 A:4", "A with 8 bars and, as section 3, with 4; expected one length for each letter"),
    ],
)
def test_nonsense_is_told(plan, words):
    with pytest.raises(InvalidParameterError) as told:
        Form(plan)
    assert words in str(told.value)


@pytest.mark.parametrize("limits", [(0.5, 0.2), (-0.1, 0.2), (0.2, 1.1)])
def test_limits_that_make_no_sense_are_told(limits):
    with pytest.raises(InvalidParameterError, match="expected shares of their notes"):
        Form("A:1 A':1", *limits)


@pytest.mark.parametrize(
    "made",
    [
        lambda f: ~f,
        lambda f: f | Bars(8),
        lambda f: (Bars(8) | f).compile(RESTED, TWO),
        lambda f: f.compile(RESTED, TWO),
    ],
)
def test_a_form_joins_by_and_alone(made):
    with pytest.raises(UsageError, match="by & only"):
        made(Form("A:4 A:4"))


def test_a_form_is_found_among_demands():
    form = Form("A:1 A:1")
    assert form_of(PitchRange(60, 72)) == (None, PitchRange(60, 72))
    found, regular = form_of(PitchRange(60, 72) & form)
    assert found == form
    assert str(regular) == 'PitchRange(C4, C5) & Form("A:1 A:1")'
    with pytest.raises(UsageError, match="expected one form"):
        form_of(form & Form("A:2"))


def test_lines_are_bar_lines_and_a_pickup_comes_before_each():
    form = Form("A:1 B:2 A:1")
    assert form.lines(TWO) == (0, 2, 6, 8)
    assert form.lines(Header(1, (Meter(0, 2, 4),), pickup=1)) == (0, 2, 6, 8)
    with pytest.raises(UnsatisfiableError, match="section 3 would not be as long as section 1"):
        form.lines(Header(1, (Meter(0, 2, 4), Meter(4, 3, 4))))


@pytest.mark.parametrize("rest", [False, True])
@pytest.mark.parametrize("header", [TWO, Header(1, (Meter(0, 2, 4),), pickup=1)])
def test_what_is_regular_of_a_form_keeps_the_contract(header, rest):
    check_constraint(Form("A:1 B:2 A:1", rest=rest).regular, RESTED, header)


def accepted(form, notes):
    """Whether the automaton takes notes (rest, duration), then END."""
    automaton = form.regular.compile(RESTED, TWO)
    state = np.array([automaton.start()])
    for rest, duration in notes:
        for symbol in (rest, 3 + duration - 1, 5):
            state = automaton.advance(state, np.array([symbol]))
    return bool(automaton.allowed(state)[0, RESTED.end])


@pytest.mark.parametrize(
    ("rest", "notes", "fits"),
    [
        (False, [(0, 2), (0, 2)], True),
        (False, [(0, 1), (1, 2)], True),  # a section may end with a rest,
        (False, [(0, 2), (0, 1)], False),  # but not the last one,
        (True, [(0, 2), (0, 1)], True),  # unless that is asked for
        (False, [(0, 1), (0, 2), (0, 1)], False),  # a note across the line
        (False, [(2, 2)], False),  # no note in the first section
        (False, [(0, 2)], False),  # or in the second
        (False, [(0, 2), (0, 2), (0, 2)], False),
    ],
)
def test_notes_keep_to_the_lines(rest, notes, fits):
    assert accepted(Form("A:1 B:1", rest=rest), notes) == fits


def test_sections_end_as_the_last_one_does_where_it_is_their_copy():
    assert not accepted(Form("A:1 A:1"), [(0, 1), (1, 2)])
    assert accepted(Form("A:1 A':1"), [(0, 1), (1, 2)])


@pytest.mark.parametrize(
    "fields",
    [
        (Field("pitch", 3, first=60),),
        (
            Field("shift", 2, advances="now"),
            Field("duration", 2, first=1, advances="sounds"),
            Field("pitch", 2, first=60),
        ),
    ],
)
def test_forms_need_events_that_follow_each_other(fields):
    with pytest.raises(UsageError, match="use the encoding melody or voices"):
        Form("A:1").regular.compile(Vocabulary(fields, resolution=1), TWO)


@given(st.integers(-7, 7), st.integers(48, 76), st.integers(48, 76))
def test_inversion_keeps_the_first_note_the_scale_and_turns_back(sharps, first, pitch):
    turned = inversions(Key(sharps))
    assert turned[first, first] == first
    scale = (np.array([0, 2, 4, 5, 7, 9, 11]) + 7 * sharps) % 12
    if {first % 12, pitch % 12} <= set(scale.tolist()):
        assert turned[first, pitch] % 12 in scale
        assert turned[first, turned[first, pitch]] == pitch
    assert np.sign(turned[first, pitch] - first) in {0, -np.sign(pitch - first)}
    plain = inversions(None)[first, pitch]
    assert plain == (2 * first - pitch if 0 <= 2 * first - pitch < 128 else -1)
