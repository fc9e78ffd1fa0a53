"""Borrowing and innovation on known answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stochastic_music.corpus.lines import Line
from stochastic_music.corpus.matching import Matching
from stochastic_music.errors import EmptyCorpusError
from stochastic_music.evaluation.borrowing import borrowing, own_borrowing
from stochastic_music.evaluation.originality import OriginalityIndex


def tune(pitches, name="tune", duration=1):
    n = len(pitches)
    return Line.of(name, onset=np.arange(n) * duration, duration=[duration] * n, pitch=pitches)


def test_a_copy_of_the_corpus_borrows_whole_pieces_and_has_no_joint():
    corpus = [tune([60, 62, 64, 65]), tune([67, 69, 71])]
    found = borrowing(corpus, OriginalityIndex(corpus))
    assert found.runs.tolist() == [4, 3]
    assert found.borrowing == 3.5
    assert found.innovation == 0
    assert np.isclose(found.bits, 2 * np.log2(7) / 7)  # two runs, each of 7 places of the corpus; 7 notes


def test_a_disjoint_alphabet_borrows_nothing_and_is_all_joints():
    found = borrowing([tune([40, 41, 42, 43])], OriginalityIndex([tune([60, 62, 64])]))
    assert found.runs.tolist() == [0, 0, 0, 0]
    assert (found.borrowing, found.innovation) == (0, 1)


def test_runs_are_the_longest_from_left_to_right():
    # C D E | E D C | B: the corpus has 60 62 64 and 64 62 60, not their join; 71 is new
    index = OriginalityIndex([tune([60, 62, 64]), tune([64, 62, 60])])
    found = borrowing([tune([60, 62, 64, 64, 62, 60, 71])], index)
    assert found.runs.tolist() == [3, 3, 0]
    assert found.innovation == 2 / 6


def test_rhythm_counts_where_it_is_asked_for():
    index = OriginalityIndex([tune([60, 62, 64])])
    slow = [tune([60, 62, 64], duration=2)]
    assert borrowing(slow, index).runs.tolist() == [3]
    assert borrowing(slow, index, how=Matching("pitch")).runs.tolist() == [0, 0, 0]


def test_a_corpus_against_itself_leaves_each_piece_out():
    corpus = [tune([60, 62, 64, 65]), tune([60, 62, 64, 67]), tune([50, 51])]
    # 60 62 64 are the other's; 65 and 67 nobody else has, nor 50 and 51
    assert own_borrowing(OriginalityIndex(corpus)).runs.tolist() == [3, 0, 3, 0, 0, 0]


def test_one_note_has_no_steps_and_nothing_has_no_measure():
    index = OriginalityIndex([tune([60])])
    assert borrowing([tune([60])], index).innovation == 0
    with pytest.raises(EmptyCorpusError):
        borrowing([tune([])], index)


@given(st.lists(st.lists(st.integers(60, 62), min_size=1, max_size=12), min_size=1, max_size=4))
def test_runs_cover_every_note_once(pieces):
    index = OriginalityIndex([tune([60, 61, 60, 60, 61, 61])])
    found = borrowing([tune(piece) for piece in pieces], index)
    assert np.maximum(found.runs, 1).sum() == found.n_notes
    assert 0 <= found.innovation <= 1
