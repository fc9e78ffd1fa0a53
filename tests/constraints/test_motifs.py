"""Motifs on longer lines than the other kinds are tested on: overlaps, falling back, what they are made of."""

from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest

from stochastic_music.constraints import Avoids, Contains, Motif
from stochastic_music.corpus.lines import Line
from stochastic_music.corpus.matching import Matching
from stochastic_music.errors import InvalidParameterError, UnknownNameError, UsageError
from stochastic_music.protocols import DEAD
from stochastic_music.tokens import Field, Vocabulary

PITCHES = Vocabulary((Field("pitch", 3, first=60),))
SLICES = Vocabulary((Field("duration", 2, first=1, advances="later"), Field("voice1", 5, first=-2)), 1)


def accepted(constraint, vocabulary, rows):
    automaton = constraint.compile(vocabulary, None)
    states = np.full(len(rows), automaton.start())
    for column in np.array([[*row, vocabulary.end] for row in rows]).T:
        states = automaton.advance(states, column)
    return (states != DEAD).tolist()


@pytest.mark.parametrize("motif", [(60,), (60, 60), (60, 61, 60), (60, 60, 61), (60, 61, 60, 61, 62), (62, 61, 62, 61)])
@pytest.mark.parametrize("by", ["pitch", "interval"])
def test_a_motif_is_found_wherever_it_begins(motif, by):
    rows = list(product(range(3), repeat=7))

    def seen(pitches):
        return list(pitches) if by == "pitch" else [b - a for a, b in pairwise(pitches)]

    n = len(motif)
    expected = [any(seen([60 + s for s in row[i : i + n]]) == seen(motif) for i in range(8 - n)) for row in rows]
    assert accepted(Contains(motif, by), PITCHES, rows) == expected
    assert accepted(Avoids(motif, by), PITCHES, rows) == [not found for found in expected]
    assert accepted(~Contains(motif, by), PITCHES, rows) == [not found for found in expected]


def test_in_slices_the_top_voice_is_heard_and_what_it_holds_is_skipped():
    hold, c, d = (SLICES.symbol("voice1", value) for value in (-1, 0, 1))
    rows = [(0, c, 0, hold, 1, d), (0, c, 0, d, 0, hold), (0, d, 0, c, 0, hold)]
    assert accepted(Contains([0, 1]), SLICES, rows) == [True, True, False]


def test_a_motif_is_read_from_a_line():
    line = Line.of("tune", onset=[0, 3, 4], duration=[2, 1, 2], pitch=[60, 62, 64])
    motif = Motif.of(line, 2)
    assert motif == Motif((60, 62, 64), (Fraction(1), Fraction(1, 2), Fraction(1)), (Fraction(3, 2), Fraction(1, 2)))
    assert Contains(motif).how == Matching("pitch")
    assert str(Contains(motif, "interval")) == "Contains(C4 D4 E4, by intervals and rhythm)"
    assert Contains(motif).moved(2).motif.pitches == (62, 64, 66)


def test_a_long_motif_is_named_in_short():
    assert str(Contains(range(60, 72), "interval")) == "Contains(C4 C#4 D4 Eb4 E4 F4 ... (12 notes), by intervals)"


def test_a_motif_and_its_negation_are_values():
    assert Contains("C4 D4") == Contains([60, 62])
    assert ~~Contains("C4 D4") == Contains("C4 D4")
    assert hash(~Contains("C4 D4")) == hash(Avoids("C4 D4"))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Contains(""), InvalidParameterError, "the motif has no notes"),
        (lambda: Contains("C4 X4"), InvalidParameterError, "'X4' is no pitch"),
        (lambda: Contains("C4", rhythm=True), InvalidParameterError, "the motif C4 has no rhythm to match"),
        (lambda: Contains("C4", "loudness"), UnknownNameError, "unknown way of comparing notes 'loudness'"),
        (lambda: Motif((60,), (Fraction(1),)), InvalidParameterError, "needs both durations and gaps"),
        (
            lambda: Motif((60,), (Fraction(1),), (Fraction(1),)),
            InvalidParameterError,
            "1 pitches, 1 durations and 1 gaps",
        ),
    ],
)
def test_motifs_that_make_no_sense(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_rhythm_that_the_vocabulary_cannot_tell():
    thirds = Contains(Motif((60,), (Fraction(1, 3),), ()))
    melody = Vocabulary((Field("duration", 2, first=1, advances="later"), *PITCHES.fields), 2)
    with pytest.raises(UsageError, match="does not fit a grid of 2 units a quarter note"):
        thirds.compile(melody, None)
    with pytest.raises(UsageError, match="needs notes with durations, and this encoding has only pitch"):
        thirds.compile(PITCHES, None)
    with pytest.raises(UsageError, match="needs a field of pitches, and this encoding has only symbol"):
        Contains("C4").compile(Vocabulary.plain(3), None)
