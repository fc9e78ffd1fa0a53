"""Patterns against the regular expressions of the standard library, and what they say of texts that are none."""

import re
from itertools import product

import numpy as np
import pytest

from stochastic_music.constraints import Matches
from stochastic_music.constraints.automata import pattern
from stochastic_music.errors import InvalidParameterError, UsageError, VocabularyError
from stochastic_music.protocols import DEAD
from stochastic_music.tokens import Field, Vocabulary

WORDS = Vocabulary.plain(3)
SLICES = Vocabulary(
    (Field("phrase", 2, labels=("", "end")), Field("voice1", 4, first=-2, labels=("rest", "hold", "C-1", "C#-1")))
)
PITCHES = Vocabulary((Field("pitch", 128),))


def accepted(constraint, vocabulary, rows):
    automaton = constraint.compile(vocabulary, None)
    longest = max(len(row) for row in rows) + 1
    padded = np.array([[*row, *[vocabulary.end] * (longest - len(row))] for row in rows])
    states = np.full(len(rows), automaton.start())
    for column in padded.T:
        states = automaton.advance(states, column)
    return (states != DEAD).tolist()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0 1 2",
        "0*",
        "(0 1)* 2",
        "0+ 1? 2*",
        ".{3}",
        ".* 0 1 .*",
        "(0|1){2,3} 2",
        "0{2,}",
        "0{0} 1",
        "(0|1 2|)+",
        "[0 2]* 1",
        "[0-1]+",
        "[^1]*",
        "((0|1)* 2)*",
        "(0? 1?){2}",
        "0|1|2 2",
        "(0*)*",
        "(0|0 1)(1|2)",
        "[^0-1] .?",
    ],
)
def test_a_pattern_means_what_the_standard_library_makes_of_it(text):
    rows = [row for n in range(6) for row in product(range(3), repeat=n)]
    expected = [bool(re.fullmatch(text.replace(" ", ""), "".join(map(str, row)))) for row in rows]
    assert accepted(Matches(text), WORDS, rows) == expected


@pytest.mark.parametrize(
    ("text", "heard", "found"),
    [
        ("C4 D4", [60, 62], True),
        ("C D", [72, 50], True),
        ("C# Db", [61, 61], True),
        ("60-64", [60, 62], None),
        ("[C4-E4] Bb3", [63, 58], True),
        ("[^C] .", [60, 61], False),
        ("C4D4", [60, 62], None),
    ],
)
def test_pitches_are_named(text, heard, found):
    if found is None:
        with pytest.raises(InvalidParameterError, match=r"no pattern|names no note"):
            Matches(text).compile(PITCHES, None)
    else:
        assert accepted(Matches(text), PITCHES, [heard]) == [found]


def test_of_slices_the_top_voice_is_read_without_what_it_holds():
    hold, c, cis = 3, 4, 5
    assert accepted(Matches("0 1"), SLICES, [(0, c, 0, hold, 1, cis), (0, c, 0, cis, 0, cis)]) == [True, False]
    assert accepted(Matches("end* .", "phrase"), SLICES, [(1, c, 1, hold, 0, cis), (0, c, 0, cis)]) == [True, False]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(0", r"a '\(' is not closed"),
        ("0)", r"'\)' closes nothing"),
        ("[0", "a bracket is not closed"),
        ("*", r"'\*' closes nothing, or stands where nothing can repeat"),
        ("0{2", "a '{' is not closed"),
        ("0{3,2}", "is no number of times"),
        ("0{x}", "is no number of times"),
        ("0{2000}", "up to 1000"),
        ("[2-0]", "a range goes from one value up"),
        ("[0|1]", r"a value was expected before '\|'"),
        ("7x", "'7x' is no value of it"),
    ],
)
def test_a_text_that_is_no_pattern(text, reason):
    with pytest.raises(InvalidParameterError, match=reason):
        Matches(text).compile(WORDS, None)


def test_a_field_that_is_not_there_or_not_named():
    with pytest.raises(VocabularyError, match="no field 'pitch' here; fields: symbol"):
        Matches("0", "pitch").compile(WORDS, None)
    with pytest.raises(UsageError, match="must say which field is meant; fields: shape, color"):
        Matches("0").compile(Vocabulary((Field("shape", 2), Field("color", 2))), None)


def test_a_pattern_of_too_many_states_is_given_up(monkeypatch):
    monkeypatch.setattr(pattern, "MAX_STATES", 100)
    automaton = Matches(".* 0 .{20}").compile(WORDS, None)

    def everything(n):
        states = np.array([automaton.start()])
        for _ in range(n):
            states = np.unique(automaton.advance(np.repeat(states, 3), np.tile(np.arange(3), len(states))))

    everything(4)
    with pytest.raises(UsageError, match="more than 100 states"):
        everything(12)
