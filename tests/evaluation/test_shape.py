"""Endings, scales, repeated notes and their means, on tunes whose figures are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from symusic import KeySignature, Note, Score, TimeSignature, Track

from stochastic_music.evaluation.music.shape import SHAPE, Shape, approaches, averages, shape_of
from stochastic_music.evaluation.music.top_line import top_line
from stochastic_music.music.keys import mark_key, parse_key, transpose


def tune(pitches, lengths=None, *, key=None, meter=(4, 4), tpq=480, drums=False):
    """Notes one after the other, quarters where nothing is said."""
    lengths = lengths or [1] * len(pitches)
    starts = np.cumsum([0, *lengths[:-1]]).tolist()
    score = Score(tpq)
    score.time_signatures.append(TimeSignature(0, *meter))
    if key:
        mark_key(score, parse_key(key))
    notes = [Note(round(s * tpq), round(n * tpq), p, 80) for s, n, p in zip(starts, lengths, pitches, strict=True)]
    score.tracks.append(Track(is_drum=drums, notes=notes))
    return score


def same(first, second):
    return np.array_equal(np.array(first), np.array(second), equal_nan=True)


def test_a_cadence_as_taught():
    found = shape_of(tune([60, 64, 67, 62, 60], [1, 1, 1, 1, 4], key="C"))
    assert (found.ends_on_tonic, found.ends_long, found.ends_on_strong_beat, found.ends_by_step) == (1, 1, 1, 1)


def test_and_its_opposite():
    # G, short, on the second beat, by a leap
    found = shape_of(tune([60, 64, 65, 62, 60, 67], [1, 1, 1, 1, 1, 0.5], key="C"))
    assert (found.ends_on_tonic, found.ends_long, found.ends_on_strong_beat, found.ends_by_step) == (0, 0, 0, 0)


@pytest.mark.parametrize(("n_before", "strong"), [(4, 1), (5, 0), (6, 1), (7, 0)])
def test_the_first_and_third_beats_of_four_are_strong(n_before, strong):
    assert shape_of(tune([60] * (n_before + 1))).ends_on_strong_beat == strong


def test_a_last_note_that_is_repeated_is_reached_from_the_last_different_one():
    assert shape_of(tune([67, 62, 60, 60], key="C")).ends_by_step == 1
    assert shape_of(tune([62, 67, 60, 60], key="C")).ends_by_step == 0


def test_the_printed_key_says_what_the_tonic_is_whatever_the_notes_suggest():
    scale = [60, 62, 64, 65, 67, 69, 71, 72]
    assert shape_of(tune(scale, key="C")).ends_on_tonic == 1
    assert shape_of(tune(scale, key="G")).ends_on_tonic == 0


def test_scale_and_key_by_hand():
    # C E G B-flat: F major holds all; of the printed C major three
    found = shape_of(tune([60, 64, 67, 70], key="C"))
    assert (found.scale_consistency, found.key_consistency) == (1, 0.75)
    # A minor with a leading tone: six of seven notes lie in C major or G major, all in the key
    found = shape_of(tune([57, 59, 60, 64, 65, 68, 69], key="Am"))
    assert (found.scale_consistency, found.key_consistency) == (pytest.approx(6 / 7), 1)


def test_all_twelve_pitch_classes_fit_a_scale_by_seven_twelfths_and_one_pitch_fits_all():
    assert shape_of(tune(list(range(60, 72)))).scale_consistency == pytest.approx(7 / 12)
    assert shape_of(tune([61] * 9, key="C"))[-3:] == (1, 0, 1)


def test_repeated_notes_are_shares_of_steps():
    assert shape_of(tune([60, 60, 62, 62, 62])).repeated_notes == 3 / 4


def test_of_several_parts_the_top_line_is_that_of_the_tune_and_all_notes_count_for_the_scale():
    score = tune([72, 71, 72], key="C")
    score.tracks[0].name = "Soprano"
    score.tracks.append(Track(name="Bass", notes=[Note(0, 1440, 54, 80)]))
    assert top_line(score).pitch.tolist() == [72, 71, 72]
    found = shape_of(score)
    assert found.ends_on_tonic == 1
    assert found.key_consistency == 3 / 4


def test_of_notes_that_begin_together_the_highest_is_the_line():
    score = Score(480)
    score.tracks.append(Track(notes=[Note(0, 480, 60, 80), Note(0, 480, 67, 80), Note(480, 480, 64, 80)]))
    assert top_line(score).pitch.tolist() == [67, 64]


def test_silence_has_no_figure_and_drums_only_those_of_repetition():
    assert np.isnan(shape_of(Score(480))).all()
    drums = shape_of(tune([36, 38] * 6, drums=True))
    assert drums[:3] == (1, 0, 1)
    assert np.isnan(drums[3:]).all()
    assert not len(top_line(tune([36, 38], drums=True)).pitch)


def test_one_note_has_no_step():
    found = shape_of(tune([60], key="C"))
    assert (found.ends_on_tonic, found.key_consistency) == (1, 1)
    assert np.isnan([found.ends_by_step, found.ends_long, found.repeated_notes]).all()


def test_the_steps_before_the_end():
    pieces = [tune([64, 62, 60], key="C"), tune([64, 71, 72, 72], key="C"), tune([60, 60], key="C"), Score(480)]
    assert approaches(pieces).tolist() == [0, 0, 0.5, *[0] * 8, 0.5]
    assert not approaches([]).any()


def test_means_leave_out_what_is_missing_and_count_it():
    shapes = [shape_of(tune([60, 62, 60], key="C")), shape_of(tune([60, 62, 62], key="C")), shape_of(Score(480))]
    found = averages(shapes)
    assert tuple(found) == Shape._fields == tuple(SHAPE)
    tonic = found["ends_on_tonic"]
    assert (tonic.mean.value, tonic.std, tonic.n, tonic.n_missing) == (0.5, 0.5, 2, 1)
    assert tonic.mean.interval == (0, 1)
    nothing = found["recurrence"].to_json()
    assert nothing == {"mean": None, "std": None, "interval": [None, None], "level": 0.95, "n": 0, "n_missing": 3}
    assert math.isnan(found["recurrence"].mean.value)


def test_the_same_seed_gives_the_same_interval():
    shapes = [shape_of(tune([60, 62, 60 + i % 3])) for i in range(9)]
    assert averages(shapes, seed=3)["repeated_notes"] == averages(shapes, seed=3)["repeated_notes"]


pitches = st.lists(st.integers(55, 75), min_size=1, max_size=24)


@settings(max_examples=40)
@given(pitches, st.data(), st.integers(-12, 12), st.sampled_from([None, "C", "Dm", "F#", "E:phrygian"]))
def test_neither_key_nor_resolution_changes_anything(line, data, semitones, key):
    lengths = data.draw(st.lists(st.sampled_from([0.25, 0.5, 1, 2]), min_size=len(line), max_size=len(line)))
    plain = shape_of(tune(line, lengths, key=key))
    finite = [x for x in plain if not math.isnan(x)]
    assert -1 <= min(finite) <= max(finite) <= 1
    assert same(shape_of(tune(line, lengths, key=key, tpq=960)), plain)
    if key:  # an estimate may hang on a tie between keys
        assert same(shape_of(transpose(tune(line, lengths, key=key), semitones)), plain)


def test_a_signature_alone_is_enough_for_a_key():
    score = tune([67, 69, 71, 74, 67])
    score.key_signatures.append(KeySignature(0, 1, 0))
    assert shape_of(score).ends_on_tonic == 1
