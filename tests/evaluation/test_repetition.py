"""Self-similarity on music whose bars are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from symusic import Note, Score, TimeSignature, Track

from stochastic_music.errors import InvalidParameterError
from stochastic_music.evaluation.music.repetition import (
    bar_similarity,
    excess,
    groove,
    mean_curve,
    recurrence,
    similarity_curve,
)
from stochastic_music.music import marks
from stochastic_music.music.keys import transpose

#: a bar of four quarters for each letter, no pitch shared
PITCHES = {letter: range(40 + 4 * i, 44 + 4 * i) for i, letter in enumerate("ABCDEFGHIJKLMNOP")}


def score_of(notes, *, tpq=480, drums=False, meter=(4, 4)):
    """From (start, length, pitch) in quarter notes."""
    score = Score(tpq)
    score.time_signatures.append(TimeSignature(0, *meter))
    found = [Note(round(start * tpq), round(length * tpq), pitch, 80) for start, length, pitch in notes]
    score.tracks.append(Track(is_drum=drums, notes=found))
    return score


def bars_of(letters, **options):
    return score_of([(4 * b + i, 1, p) for b, x in enumerate(letters) for i, p in enumerate(PITCHES[x])], **options)


notes_in_16ths = st.lists(
    st.tuples(st.integers(0, 90), st.integers(1, 8), st.integers(50, 70)), min_size=1, max_size=30
)


def test_equal_bars_are_one_and_bars_without_a_common_note_zero():
    assert bar_similarity(bars_of("ABA")).tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 1]]


def test_two_of_six_notes_in_common_by_hand():
    # bar 1: C D E F, bar 2: C D G A: two in common, six in either
    score = score_of([(i, 1, p) for i, p in enumerate((60, 62, 64, 65, 60, 62, 67, 69))])
    assert bar_similarity(score)[0, 1] == pytest.approx(2 / 6)


def test_the_same_pitch_at_another_place_is_another_note_but_of_rhythm_places_alone_count():
    score = score_of([(0, 1, 60), (1, 1, 62), (4, 1, 62), (5, 1, 60), (8, 1, 60)])
    assert bar_similarity(score)[0].tolist() == [1, 0, 0.5]
    assert bar_similarity(score, of="rhythm")[0].tolist() == [1, 1, 0.5]


def test_a_note_held_over_a_bar_line_is_in_both_bars_and_silence_is_like_silence():
    held = bar_similarity(score_of([(0, 8, 60), (16, 4, 60)]))  # bars: begins, held, silent, silent, begins
    assert held[1].tolist() == [0, 1, 0, 0, 0]
    assert held[2, 3] == 1


def test_a_pickup_is_counted_from_the_end_of_its_bar():
    score = score_of([(0, 1, 60), (4, 1, 60), (8, 1, 60)])
    marks.set_pickup(score, 480)  # the last quarter of each bar
    assert bar_similarity(score)[0, 1] == 1


def test_one_bar_repeated_recurs_wholly_without_any_order():
    similarity = bar_similarity(bars_of("AAAAAAAA"))
    assert (recurrence(similarity), excess(similarity), groove(bars_of("AAAA"))) == (1.0, 0.0, 1.0)


def test_drums_that_repeat_a_bar_are_measured_like_any_notes():
    beat = score_of([(4 * b + i, 0.5, (36, 38)[i % 2]) for b in range(4) for i in range(4)], drums=True)
    assert recurrence(bar_similarity(beat)) == groove(beat) == 1.0
    pitched = beat.copy()
    pitched.tracks[0].is_drum = False
    beat.tracks.append(pitched.tracks[0])
    assert np.unique(bar_similarity(beat)).tolist() == [1.0]


def test_a_form_by_hand():
    # A B C D A B C D: runs AB BC CD DA AB BC CD; of the six after the first AB, the last three were heard before
    similarity = bar_similarity(bars_of("ABCDABCD"))
    assert recurrence(similarity) == pytest.approx(3 / 6)
    assert excess(similarity) > 0.3
    curve = similarity_curve(similarity, 8)
    assert curve[:7].tolist() == [0, 0, 0, 1, 0, 0, 0]
    assert math.isnan(curve[7])


def test_the_same_bars_in_another_order_recur_less():
    assert recurrence(bar_similarity(bars_of("ABCDDBCA"))) == pytest.approx(1 / 6)  # BC


def test_bars_drawn_at_random_have_no_excess_on_average():
    # 200 pieces of 16 bars: the mean of their excess lies within 4 standard errors of 0, but once in 16,000 seeds
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        drawn = rng.integers(0, 4, 16)
        found.append(excess((drawn[:, None] == drawn).astype(float)))
    assert abs(np.mean(found)) < 4 * np.std(found) / math.sqrt(200)


def test_what_is_too_short_has_no_figure():
    one, two = bars_of("A"), bars_of("AA")
    assert math.isnan(groove(one))
    assert math.isnan(recurrence(bar_similarity(two)))
    assert math.isnan(excess(bar_similarity(two)))
    assert bar_similarity(Score(480)).tolist() == [[1.0]]


def test_the_mean_curve_counts_each_piece_where_it_is_long_enough():
    curve = mean_curve([bars_of("AAAA"), bars_of("AB")], 4)
    assert curve[:3].tolist() == [0.5, 1, 1]
    assert math.isnan(curve[3])
    assert np.isnan(mean_curve([], 2)).all()


def test_wrong_requests_are_refused():
    with pytest.raises(InvalidParameterError, match="one bar or more"):
        similarity_curve(np.ones((2, 2)), 0)
    with pytest.raises(InvalidParameterError, match="'notes' or 'rhythm'"):
        bar_similarity(bars_of("A"), of="pitch")


@settings(max_examples=40)
@given(notes_in_16ths, st.sampled_from([(4, 4), (3, 4), (6, 8)]), st.integers(-12, 12))
def test_neither_key_nor_resolution_changes_anything(sixteenths, meter, semitones):
    quarters = [(start / 4, length / 4, pitch) for start, length, pitch in sixteenths]
    plain = bar_similarity(score_of(quarters, meter=meter))
    assert (plain == plain.T).all()
    assert (plain.diagonal() == 1).all()
    assert plain.min() >= 0
    assert (bar_similarity(score_of(quarters, meter=meter, tpq=960)) == plain).all()
    assert (bar_similarity(transpose(score_of(quarters, meter=meter), semitones)) == plain).all()
