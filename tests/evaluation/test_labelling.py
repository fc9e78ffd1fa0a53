"""Figures of labels, worked out by hand."""

import math
from typing import ClassVar

import pytest

from stochastic_music.corpus import LabelledCorpus
from stochastic_music.errors import InputError, InvalidParameterError
from stochastic_music.evaluation import LabelFigures, cross_validate_labeller, label_figures
from stochastic_music.models.crf import CRF


def test_events_and_segments_are_counted():
    # given  C C G G F    segments C(0,2) G(2,4) F(4,5)
    # said   C G G G F    segments C(0,1) G(1,4) F(4,5): the last alone has borders and label right
    found = label_figures([["C", "G", "G", "G", "F"]], [["C", "C", "G", "G", "F"]], {"C", "F", "G"})
    assert found == LabelFigures(5, 4, 0, 3, 3, 1)
    assert found.accuracy == 4 / 5
    assert found.segment_f1 == 2 * 1 / 6


def test_segments_of_two_pieces_are_not_joined():
    assert label_figures([["C"], ["C"]], [["C"], ["C"]], {"C"}).segments_right == 2


def test_what_training_never_held_is_wrong_even_where_it_is_said():
    assert label_figures([["C", "H"]], [["C", "H"]], {"C"}) == LabelFigures(2, 1, 1, 2, 2, 1)


def test_nothing_comes_to_nothing():
    found = label_figures([[]], [[]], {"C"})
    assert math.isnan(found.accuracy)
    assert math.isnan(found.segment_f1)


def test_labels_of_another_length_are_refused():
    with pytest.raises(InputError, match="piece 0 has 1 events and 2 labels"):
        label_figures([["C"]], [["C", "G"]], {"C"})


class Remembers:
    """Says the commonest training label, and keeps what it saw."""

    seen: ClassVar[list] = []

    def fit(self, observations, labels):
        flat = [label for own in labels for label in own]
        self.label = max(sorted(set(flat)), key=flat.count)
        self.seen.append({event["name"] for piece in observations for event in piece})
        return self

    def predict(self, observations):
        told = {event["name"] for piece in observations for event in piece}
        assert not told & self.seen[-1]  # no piece is told by what saw it
        return [[self.label] * len(piece) for piece in observations]


def test_every_piece_is_labelled_by_a_labeller_that_never_saw_it():
    pieces = [[{"name": i}] * 2 for i in range(4)]
    corpus = LabelledCorpus(pieces, [["C", "C"], ["C", "C"], ["C", "C"], ["G", "F"]])
    [one, two] = cross_validate_labeller(Remembers, corpus, k=4, seeds=[0, 1])
    assert one == two == LabelFigures(8, 6, 2, 5, 4, 3)  # G and F are in one piece alone: never trained on there


def test_pieces_of_one_group_stay_in_one_fold():
    pieces = [[{"name": i // 2}] for i in range(4)]
    corpus = LabelledCorpus(pieces, [["C"]] * 4)
    [found] = cross_validate_labeller(Remembers, corpus, k=2, groups=[0, 0, 1, 1])
    assert found.accuracy == 1
    with pytest.raises(InvalidParameterError, match="expected 2 to 2"):
        cross_validate_labeller(Remembers, corpus, k=3, groups=[0, 0, 1, 1])


def test_a_field_is_cross_validated():
    pieces = [[{"bass": bass} for bass in (0, 7, 5, 0)]] * 6
    [found] = cross_validate_labeller(
        lambda: CRF(["bass"], l2=0.1), LabelledCorpus(pieces, [["C", "G", "F", "C"]] * 6), k=3
    )
    assert (found.accuracy, found.segment_f1, found.never_trained) == (1, 1, 0)
