"""Pieces with a label for every event: what is checked, chosen and dealt."""

import pytest

from stochastic_music.corpus import LabelledCorpus
from stochastic_music.errors import InputError, InvalidParameterError

PIECES = [[{"bass": 0}, {"bass": 7}], [], [{"bass": 2}]]
LABELS = [["C", "G"], [], ["Dm"]]


def corpus():
    return LabelledCorpus(PIECES, LABELS, ["a", "b", "c"])


def test_what_goes_in_comes_out():
    assert list(corpus()) == [(({"bass": 0}, {"bass": 7}), ("C", "G")), ((), ()), (({"bass": 2},), ("Dm",))]
    assert (len(corpus()), corpus().n_events) == (3, 3)
    assert LabelledCorpus(PIECES, LABELS).names == ("0", "1", "2")


def test_pieces_are_chosen_in_the_order_asked_for():
    chosen = corpus().select([2, 0])
    assert chosen.names == ("c", "a")
    assert chosen.labels == (("Dm",), ("C", "G"))
    assert (corpus() + chosen).label_counts() == {"C": 2, "Dm": 2, "G": 2}


def test_folds_are_by_piece_and_keep_groups_together():
    numbers = corpus().fold_numbers(2, seed=1, groups=[0, 1, 0])
    assert numbers[0] == numbers[2] != numbers[1]
    with pytest.raises(InvalidParameterError, match="expected 2 to 3"):
        corpus().fold_numbers(4)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([["C", "G"], []], "got 3 pieces and labels for 2"),
        ("CGD", "got 3 pieces and 'CGD'"),
        ([["C"], [], ["Dm"]], "piece a has 2 events and 1 labels"),
        ([["C", "G"], None, ["Dm"]], "piece b has None for labels"),
        ([["C", "G"], [], "D"], "piece c has 'D' for labels"),
        ([["C", "G"], [], [""]], "event 0 .* of piece c is ''"),
        ([["C", None], [], ["Dm"]], "event 1 .* of piece a is None"),
        ([["C", 7], [], ["Dm"]], "event 1 .* of piece a is 7"),
    ],
)
def test_missing_labels_are_named(labels, said):
    with pytest.raises(InputError, match=said):
        LabelledCorpus(PIECES, labels, ["a", "b", "c"])


def test_names_must_be_as_many_as_pieces():
    with pytest.raises(InputError, match="got 1 names for 3 pieces"):
        LabelledCorpus(PIECES, LABELS, ["a"])


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([{"bass": 0}], "piece 0 is a mapping; .* give a list of it"),
        (["C"], "piece 0 is a text"),
        ([[{"bass": 0}], [{"bass": 0}, 7]], "event 1 .* of piece 1 is 7; expected a mapping"),
        ({"bass": 0}, "got a dict; expected a list of pieces"),
    ],
)
def test_what_are_no_pieces(pieces, said):
    with pytest.raises(InputError, match=said):
        LabelledCorpus(pieces, [["C"]] * len(pieces))
