"""The twelve features: hand-computed cases, what is left out, and what must not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from symusic import Note, Score, Tempo, TimeSignature, Track

from stochastic_music.evaluation.music import FEATURES, NOTE_LENGTHS, Features, features_of
from stochastic_music.music import marks

LENGTH = {name: i for i, name in enumerate(NOTE_LENGTHS)}
PITCHED = [name for name in FEATURES if "pitch" in name]


def scored(*parts, meter=(4, 4), tpq=480, pickup=0.0, drums=()):
    """A score with a track for each part, a list of (start, length, pitch) in quarters."""
    score = Score(tpq)
    score.time_signatures.append(TimeSignature(0, *meter))
    for i, part in enumerate(parts):
        notes = [Note(round(start * tpq), round(length * tpq), pitch, 80) for start, length, pitch in part]
        score.tracks.append(Track(notes=notes, is_drum=i in drums))
    if pickup:
        marks.set_pickup(score, round(pickup * tpq))
    return score


def vector(n, **values):
    """Zeros but for the places named `_0`, `_7` ..."""
    out = np.zeros(n)
    for place, value in values.items():
        out[int(place[1:])] = value
    return out


def matrix(cells):
    out = np.zeros((12, 12))
    for place, value in cells.items():
        out[place] = value
    return out


def same(first: Features, second: Features, names=tuple(FEATURES)):
    for name in names:
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), rtol=0, atol=1e-12, err_msg=name)


#: C4 quarter, E4 quarter, G4 half | G4 quarter, a rest, C5 dotted quarter, C5 eighth
MELODY = [(0, 1, 60), (1, 1, 64), (2, 2, 67), (4, 1, 67), (6, 1.5, 72), (7.5, 0.5, 72)]


def test_a_melody_by_hand():
    found = features_of(scored(MELODY))
    assert found.pitch_count == 4  # C4 E4 G4 C5
    assert found.pitch_range == 12
    assert found.note_count == 6
    assert found.average_pitch_interval == pytest.approx((4 + 3 + 0 + 5 + 0) / 5)
    assert found.average_inter_onset_interval == pytest.approx((1 + 1 + 2 + 2 + 1.5) / 5)
    assert found.pitch_count_per_bar.tolist() == [3, 2]
    assert found.note_count_per_bar.tolist() == [3, 3]
    # C sounds 1 + 1.5 + 0.5 quarters, E 1, G 2 + 1, of 7
    np.testing.assert_allclose(found.pitch_class_histogram, vector(12, _0=3 / 7, _4=1 / 7, _7=3 / 7))
    np.testing.assert_allclose(
        found.pitch_class_histogram_per_bar,
        [vector(12, _0=1 / 4, _4=1 / 4, _7=2 / 4), vector(12, _0=2 / 3, _7=1 / 3)],
    )
    # C-E, E-G, G-G, G-C over the rest, C-C
    steps = {(0, 4): 1 / 5, (4, 7): 1 / 5, (7, 7): 1 / 5, (7, 0): 1 / 5, (0, 0): 1 / 5}
    np.testing.assert_allclose(found.pitch_class_transition_matrix, matrix(steps))
    half, quarter, eighth, dotted = (LENGTH[n] for n in ("half", "quarter", "eighth", "dotted quarter"))
    lengths = np.zeros(12)
    lengths[[half, quarter, eighth, dotted]] = [1 / 6, 3 / 6, 1 / 6, 1 / 6]
    np.testing.assert_allclose(found.note_length_histogram, lengths)
    steps = {(quarter, quarter): 1, (quarter, half): 1, (half, quarter): 1, (quarter, dotted): 1, (dotted, eighth): 1}
    np.testing.assert_allclose(found.note_length_transition_matrix, matrix(steps) / 5)


def test_parts_do_not_mix_and_the_highest_of_a_chord_leads():
    upper = [(0, 1, 72), (1, 1, 74)]
    lower = [(0, 1, 48), (0, 1, 55), (1, 1, 50), (1, 1, 53)]
    found = features_of(scored(upper, lower))
    assert found.average_pitch_interval == 2  # C5-D5 and G3-F3
    np.testing.assert_allclose(found.pitch_class_transition_matrix, matrix({(0, 2): 0.5, (7, 5): 0.5}))
    assert found.average_inter_onset_interval == 1  # two onsets, whatever the number of notes
    assert found.pitch_count == 6


def test_notes_are_cut_at_bar_lines():
    found = features_of(scored([(0, 6, 60), (6, 2, 64)]))
    np.testing.assert_allclose(found.pitch_class_histogram_per_bar, [vector(12, _0=1), vector(12, _0=0.5, _4=0.5)])
    assert found.note_count_per_bar.tolist() == [1, 1]  # where a note begins it counts
    assert found.pitch_count_per_bar.tolist() == [1, 1]


def test_bars_are_those_printed():
    in_three = features_of(scored([(i, 1, 60) for i in range(6)], meter=(3, 4)))
    assert in_three.note_count_per_bar.tolist() == [3, 3]
    score = scored([(i, 1, 60) for i in range(10)])
    score.time_signatures.append(TimeSignature(4 * 480, 3, 4))
    assert features_of(score).note_count_per_bar.tolist() == [4, 3, 3]


def test_a_pickup_is_no_bar_but_its_notes_count():
    found = features_of(scored([(0, 1, 55), *((1 + i, 1, 60) for i in range(8))], pickup=1))
    assert found.note_count_per_bar.tolist() == [4, 4]
    assert found.note_count == 9
    assert found.pitch_count == 2


def test_a_half_note_is_a_half_note_in_three_four():
    found = features_of(scored([(0, 2, 60), (2, 1, 62)], meter=(3, 4)))
    assert found.note_length_histogram[LENGTH["half"]] == 0.5
    assert found.note_length_histogram[LENGTH["quarter"]] == 0.5


@pytest.mark.parametrize(("name", "quarters"), [*NOTE_LENGTHS.items(), ("whole", 9.0), ("sixteenth", 0.0)])
def test_lengths_go_to_the_nearest(name, quarters):
    found = features_of(scored([(0, quarters, 60)], tpq=96 * 3))
    assert found.note_length_histogram[LENGTH[name]] == 1


@pytest.mark.parametrize("score", [Score(480), scored([]), scored([], [])], ids=["no tracks", "one empty", "two empty"])
def test_silence_is_zeros_in_one_bar(score):
    for name, value in features_of(score)._asdict().items():
        assert not np.any(value), name
        assert not FEATURES[name].per_bar or len(value) == 1


def test_one_note():
    found = features_of(scored([(0, 4, 61)]))
    assert (found.note_count, found.pitch_count, found.pitch_range) == (1, 1, 0)
    assert (found.average_pitch_interval, found.average_inter_onset_interval) == (0, 0)
    assert not found.pitch_class_transition_matrix.any()
    assert found.pitch_class_histogram.tolist() == vector(12, _1=1).tolist()


def test_drums_have_rhythm_and_no_pitch():
    beat = [(i / 2, 0.5, 36 + i % 2) for i in range(8)]
    alone = features_of(scored(beat, drums={0}))
    for name in PITCHED:
        assert not np.any(getattr(alone, name)), name
    assert alone.note_count_per_bar.tolist() == [8]
    assert alone.average_inter_onset_interval == 0.5
    with_melody = features_of(scored(MELODY, beat, drums={1}))
    same(with_melody, features_of(scored(MELODY)), PITCHED)
    assert with_melody.note_count == 14


def test_tempo_and_velocity_do_not_matter():
    score = scored(MELODY)
    score.tempos.append(Tempo(0, qpm=200))
    for note in score.tracks[0].notes:
        note.velocity = 20
    same(features_of(score), features_of(scored(MELODY)))


NOTES = st.lists(
    st.tuples(st.integers(0, 47), st.integers(1, 12), st.integers(40, 80)).map(lambda n: (n[0] / 6, n[1] / 6, n[2])),
    max_size=12,
)
#: what moving all pitches does not change
UNMOVED = [*(n for n in FEATURES if "class" not in n)]


@given(NOTES, NOTES, st.integers(-24, 24))
def test_transposing_moves_pitch_classes_alone(first, second, by):
    here = features_of(scored(first, second))
    there = features_of(scored(*([(s, d, p + by) for s, d, p in part] for part in (first, second))))
    same(there, here, UNMOVED)
    for name in set(FEATURES) - set(UNMOVED):
        axes = (0, 1) if name == "pitch_class_transition_matrix" else -1
        moved = np.roll(getattr(here, name), by, axis=axes)
        np.testing.assert_allclose(getattr(there, name), moved, rtol=0, atol=1e-12, err_msg=name)


@given(NOTES, NOTES, st.randoms(use_true_random=False))
def test_resolution_and_the_order_of_notes_do_not_matter(first, second, random):
    shuffled = [random.sample(part, len(part)) for part in (first, second)]
    same(features_of(scored(*shuffled, tpq=24)), features_of(scored(first, second, tpq=480)))


@given(NOTES, st.sampled_from([(4, 4), (3, 4), (6, 8), (7, 8)]), st.booleans())
def test_features_are_finite_and_shares_sum_to_one(notes, meter, drums):
    found = features_of(scored(notes, meter=meter, drums={0} if drums else ()))
    assert list(found._asdict()) == list(FEATURES)
    for name, value in found._asdict().items():
        assert np.isfinite(value).all()
        assert np.min(value) >= 0
        if FEATURES[name].unit == "share":
            rows = value if name == "pitch_class_histogram_per_bar" else [value]
            assert all(np.sum(row) == pytest.approx(1) or not np.any(row) for row in rows), name
