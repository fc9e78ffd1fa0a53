"""Beats of meters, pickups among them."""

from fractions import Fraction

import pytest
from symusic import Note, Score, TimeSignature, Track

from stochastic_music.music import marks
from stochastic_music.music.beats import beat_lengths, beats


@pytest.mark.parametrize("denominator", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("numerator", range(1, 14))
def test_the_beats_of_a_bar_fill_it(numerator, denominator):
    assert sum(beat_lengths(numerator, denominator)) == Fraction(4 * numerator, denominator)


def _score(numerator, denominator, quarters, pickup=0):
    score = Score(480)
    score.time_signatures.append(TimeSignature(0, numerator, denominator))
    score.tracks.append(Track(notes=[Note(0, 480 * quarters, 60, 80)]))
    marks.set_pickup(score, pickup)
    return score


@pytest.mark.parametrize(
    ("meter", "places"),
    [((4, 4), [0, 1, 2, 3]), ((3, 4), [0, 1, 3]), ((2, 4), [0, 3]), ((6, 8), [0, 3]), ((3, 8), [0]), ((5, 8), [0, 3])],
)
def test_the_places_of_beats(meter, places):
    assert [beat.place for beat in beats(_score(*meter, 1))] == places


def test_a_pickup_is_the_end_of_its_bar():
    first, second = beats(_score(4, 4, 4, pickup=720))[:2]
    assert (first.start, first.end, first.number, first.bar) == (0, Fraction(1, 2), 3, 0)
    assert (second.start, second.end, second.place) == (Fraction(1, 2), Fraction(3, 2), 3)
