"""Sets of pieces that differ, or do not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from symusic import Note, Score, Track

from stochastic_music.evaluation.music.diversity import diversity


def tune(pitches, *, length=480, drums=False):
    score = Score(480)
    notes = [Note(480 * i, length, int(pitch), 80) for i, pitch in enumerate(pitches)]
    score.tracks.append(Track(is_drum=drums, notes=notes))
    return score


SCALE = [60, 62, 64, 65, 67, 69]  # runs of intervals: 2 2 1 2, 2 1 2 2


def test_one_piece_over_and_over_in_any_key():
    found = diversity([tune(SCALE), tune(SCALE), tune([p + 5 for p in SCALE])])
    assert found == (0, 2 / 6, 1)


def test_one_note_repeated():
    found = diversity([tune([60] * 12), tune([64] * 9)])
    assert found == (0, 1 / (8 + 5), 0)


def test_pieces_without_a_common_run():
    assert diversity([tune(SCALE), tune(SCALE[::-1])]) == (1, 1, 0)


def test_half_in_common_by_hand():
    # runs 2212, 2122 and 2122, 1222: one in common of three
    found = diversity([tune(SCALE), tune([60, 62, 63, 65, 67, 69])])
    assert found.distance == pytest.approx(2 / 3)
    assert found.distinct == 3 / 4


def test_another_rhythm_is_no_double():
    assert diversity([tune(SCALE), tune(SCALE, length=240)]) == (0, 0.5, 0)


def test_too_little_to_tell():
    assert np.isnan(diversity([])).all()
    alone = diversity([tune(SCALE)])
    assert alone.distinct == 1
    assert math.isnan(alone.distance)
    drums = tune([36, 38, 36, 38, 36], drums=True)
    assert np.isnan(diversity([Score(480), drums])).all()
    short = diversity([drums, drums, tune([60, 62])])
    assert (short.distance, short.doubles) == (0, pytest.approx(2 / 3))
    assert math.isnan(short.distinct)
