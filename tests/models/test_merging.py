"""Merging and forgetting: the arrays of a model fitted so, exactly where nothing is learned."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import UsageError, VocabularyError
from stochastic_music.models import PPM, STM, Markov, Mixture, OnlinePPM
from stochastic_music.models.idyom import Idyom
from stochastic_music.models.multiple_viewpoint import MultipleViewpoint
from stochastic_music.testing.toys import TOYS
from stochastic_music.tokens import Field, Header, Meter, Vocabulary

COUNTING = [Markov(2), Markov(0, "witten_bell"), PPM(2), PPM(0), OnlinePPM(3), STM()]
BEATS = Vocabulary((Field("duration", 3, first=1, advances="later"), Field("pitch", 3, first=60)), resolution=1)
METERS = [Header(1, (Meter(0, 2, 4),)), Header(1, (Meter(0, 3, 4),), pickup=1), Header(1, (Meter(0, 5, 4),))]

events = st.tuples(st.integers(0, 2), st.integers(3, 5))
pieces = st.lists(st.tuples(st.lists(events, max_size=6), st.sampled_from(METERS)), min_size=2, max_size=5)


def corpus_of(found):
    rows = [[symbol for event in piece for symbol in event] for piece, _ in found]
    return TokenCorpus.from_sequences(rows, BEATS, headers=[header for _, header in found])


def same(model, other):
    mine, theirs = model.to_arrays(), other.to_arrays()
    assert set(mine) == set(theirs)
    for name, array in theirs.items():
        assert mine[name].dtype == array.dtype, name
        assert np.array_equal(mine[name], array), name


@pytest.mark.parametrize("model", COUNTING, ids=repr)
@settings(max_examples=40, deadline=None)
@given(found=pieces, cut=st.integers(1, 4))
def test_counts_add_and_are_taken_away_exactly(model, found, cut):
    cut = min(cut, len(found) - 1)
    corpus = corpus_of(found)
    one, other = corpus.select(range(cut)), corpus.select(range(cut, len(found)))
    kind = type(model)
    fitted = [kind(**model.get_params()).fit(part) for part in (one, other, corpus)]
    same(fitted[0].merge(fitted[1]), fitted[2])
    same(fitted[2].forget(other), fitted[0])
    assert np.array_equal(fitted[2].forget(other).log_probs(one[0]), fitted[0].log_probs(one[0]))


def test_a_piece_in_the_middle_is_forgotten():
    corpus = TOYS["ticking"]()
    for model in COUNTING:
        fitted = type(model)(**model.get_params()).fit(corpus)
        same(fitted.forget(corpus.select([1])), type(model)(**model.get_params()).fit(corpus.select([0, 2])))


@pytest.mark.parametrize("toy", TOYS)
def test_viewpoints_without_their_pieces_have_exact_counts_and_stale_weights(toy):
    corpus = TOYS[toy]()
    one, other = corpus.select([0, 1]), corpus.select([2])
    first, second, both = (MultipleViewpoint(order=2).fit(part) for part in (one, other, corpus))
    merged, left = first.merge(second), both.forget(other)
    for found, expected, weights in ((merged, both, first), (left, first, both)):
        assert found.stale_
        arrays, wanted, kept = found.to_arrays(), expected.to_arrays(), weights.to_arrays()
        for name in arrays:
            learned = name.rpartition(".")[2] in {"believed", "trusted", "learned", "gain", "kept"}
            assert np.array_equal(arrays[name], (kept if learned else wanted)[name]), name
    assert not first.stale_
    assert not merged.fit(corpus).stale_


def test_viewpoints_with_their_pieces_are_as_if_fitted():
    corpus = TOYS["ticking"]()
    one, other = corpus.select([0]), corpus.select([1, 2])
    first, second, both = (MultipleViewpoint(order=2).fit(part) for part in (one, other, corpus))
    same(first.merge(second, pieces=corpus), both)
    same(both.forget(one, kept=other), second)


def test_models_that_cannot_add_say_so():
    corpus = TOYS["plain"]()
    for model in (PPM(None), OnlinePPM(exclusion=True), Mixture([Markov(1)])):
        fitted = model.fit(corpus)
        with pytest.raises(UsageError, match="cannot be merged without its training pieces"):
            fitted.merge(fitted)
        with pytest.raises(UsageError, match="cannot be made to forget without"):
            fitted.forget(corpus)


def test_what_was_never_seen_cannot_be_forgotten():
    corpus = TOYS["plain"]()
    for model in (Markov(1), PPM(1), OnlinePPM(), MultipleViewpoint(), Idyom("symbol")):
        fitted = model.fit(corpus.select([0, 1]))
        with pytest.raises(UsageError, match="never saw"):
            fitted.forget(corpus.select([2]))


def test_the_first_difference_is_named():
    plain = Markov(1).fit(TOYS["plain"]())
    with pytest.raises(UsageError, match="order is 1 in one and 2 in the other"):
        plain.merge(Markov(2).fit(TOYS["plain"]()))
    with pytest.raises(UsageError, match="one kind of model"):
        plain.merge(PPM(1).fit(TOYS["plain"]()))
    with pytest.raises(VocabularyError, match="field 'symbol' of 3 values"):
        plain.merge(Markov(1).fit(TOYS["two_fields"]()))


def test_alphabets_are_joined():
    open_ended = Vocabulary.plain(4, closed=False)
    parts = [TokenCorpus.from_sequences([[s, 0, s]], open_ended.restrict([0, s])) for s in (1, 2)]
    for kind in (Markov, OnlinePPM, STM, MultipleViewpoint):
        one, other = (kind().fit(part) for part in parts)
        assert one.merge(other).vocabulary_.alphabet == (0, 1, 2)
