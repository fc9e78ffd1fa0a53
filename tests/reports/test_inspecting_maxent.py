"""Inside maximum-entropy models: the pairs that are told add up to the model's own density."""

import numpy as np
import pytest

from stochastic_music.corpus import Corpus, TokenCorpus
from stochastic_music.errors import UsageError
from stochastic_music.models.maxent import MaxEnt
from stochastic_music.pipeline import Pipeline
from stochastic_music.reports.inspection import Request, inspect
from stochastic_music.reports.inspection.maxent import from_mean, in_words, pairs, strength
from stochastic_music.tokens import MelodyEncoding, Vocabulary, VoicesEncoding


@pytest.fixture(scope="module")
def tunes():
    return Corpus.from_text("4/4 c4 d e c c d e c e f g2 e4 f g2")


@pytest.fixture(scope="module")
def pipeline(tunes):
    return Pipeline(MelodyEncoding(), MaxEnt(reach=2, n_refinements=0)).fit(tunes)


@pytest.fixture(scope="module")
def toy():
    corpus = TokenCorpus.from_sequences([[0, 1, 2, 0, 1, 2, 0], [0, 2, 1, 1]], Vocabulary.plain(3))
    return MaxEnt(reach=2, l2=0.5, n_refinements=0).fit(corpus)


def density(model, sequence):
    """By hand: what symbols add by themselves, and what the told pairs add, silence on both sides."""
    told = {(a, b, d): j for a, b, d, j in pairs(model).listed()}
    silence, reach = model.columns_.n_columns, model.reach
    row = [silence] * reach + list(sequence) + [silence] * reach
    places = [(i, j) for i in range(len(row)) for j in range(i + 1, min(i + reach, len(row) - 1) + 1)]
    coupled = sum(told[row[i], row[j], j - i] for i, j in places if {row[i], row[j]} != {silence})
    return coupled + sum(model.potentials_.bias[x] for x in sequence)


@pytest.mark.parametrize("sequence", [[0], [2, 1], [0, 1, 2, 2], [1, 1, 0, 2, 0]])
def test_told_pairs_add_up_to_the_density(toy, sequence):
    found = toy.log_density(np.array([sequence]), np.array([len(sequence)]))[0]
    assert density(toy, sequence) == pytest.approx(found)


def test_what_always_follows_is_most_attracted():
    corpus = TokenCorpus.from_sequences([[0, 1] * 20, [2] * 20], Vocabulary.plain(3))
    model = MaxEnt(reach=1, n_refinements=0).fit(corpus)
    strongest = {(a, b) for a, b, _, _ in pairs(model).strongest(9, 1).listed()}
    assert strongest >= {(0, 1), (1, 0), (2, 2)}
    assert (0, 0) not in strongest


def test_pairs_are_said_as_musicians_say_them(pipeline):
    model = pipeline.model
    names = dict(zip("CDEFG", range(*model.columns_.bounds[-2:]), strict=True))
    silence = model.columns_.n_columns
    assert in_words(model, names["C"], names["E"], 1) == "E4 right after C4"
    assert in_words(model, names["C"], names["E"], 2) == "E4 two notes after C4"
    assert in_words(model, silence, names["G"], 2) == "G4 as the second note"
    assert in_words(model, names["G"], silence, 1) == "G4 as the last note"
    assert in_words(model, names["G"], silence, 2) == "G4 as the last note but 1"


def test_tables_are_the_models_arrays(pipeline):
    model, found = pipeline.model, inspect(pipeline)
    told = found.to_json()["tables"]
    across, pitches = model.potentials_.across, np.arange(*model.columns_.bounds[-2:])
    ends = np.append(pitches, model.columns_.n_columns)
    assert told["attractions"]["rows"][0]["coupling"] == max(table[np.ix_(ends, ends)].max() for table in across)
    assert told["repulsions"]["rows"][0]["coupling"] == min(table[np.ix_(ends, ends)].min() for table in across)
    by_hand = np.sqrt((across[1][np.ix_(pitches, pitches)] ** 2).mean())
    assert strength(model, 3, 3, 2) == pytest.approx(by_hand)
    row = next(r for r in told["strengths"]["rows"] if r["earlier"] == r["later"] == "pitch")
    assert row["at_2"] == pytest.approx(by_hand)
    np.testing.assert_array_equal(found.data["across"], across)
    assert from_mean(model, 3).mean() == pytest.approx(0)


def test_a_constant_on_all_fields_of_a_kind_changes_nothing_that_is_told(toy):
    before = from_mean(toy, 0)
    moved = MaxEnt(reach=2).from_arrays({**toy.to_arrays(), "bias": toy.potentials_.bias + 3}, toy.vocabulary_)
    np.testing.assert_allclose(from_mean(moved, 0), before)


def test_the_picture_has_fields_and_a_panel_a_distance(pipeline):
    titles = [axes.get_title(loc="left") for axes in inspect(pipeline).draw().axes]
    assert [title for title in titles if title] == ["Fields", "Couplings 1 event apart", "Couplings 2 events apart"]


def test_of_voices_pairs_in_one_event_are_told_too():
    two = Corpus.from_text("4/4 c4 d e c c d e c")[0].score
    two.tracks.append(two.tracks[0].copy().shift_pitch(-12))
    model = MaxEnt(reach=1, n_refinements=0)
    found = inspect(Pipeline(VoicesEncoding(n_voices=2), model).fit(Corpus.from_scores([two])))
    assert (pairs(model).distance == 0).any()
    assert any("in one event" in axes.get_title(loc="left") for axes in found.draw().axes)


def test_it_predicts_nothing_from_left_to_right(pipeline):
    with pytest.raises(UsageError, match="predicts nothing from left to right"):
        inspect(pipeline, Request(context="G4"))
