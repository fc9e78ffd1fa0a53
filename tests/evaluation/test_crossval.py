"""Cross-validation: no piece is predicted by a model that saw it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stochastic_music.corpus import TokenCorpus, folds
from stochastic_music.errors import InvalidParameterError
from stochastic_music.evaluation import cross_validate
from stochastic_music.tokens import Field, Vocabulary

PITCHES = Vocabulary((Field("pitch", 6),), closed=False)


class Counts:
    """Add-one counts of single symbols, and a note of what was seen."""

    def fit(self, corpus):
        self.seen_ = set(corpus.names)
        counts = np.bincount(corpus.symbols, minlength=6)[:6] + 1
        self.log_probs_ = np.log(counts / counts.sum())
        return self

    def corpus_log_probs(self, corpus):
        assert not self.seen_ & set(corpus.names)
        return self.log_probs_[corpus.symbols]


def corpus_of(*pieces):
    return TokenCorpus.from_sequences(pieces, PITCHES)


@given(st.integers(2, 40), st.data())
def test_folds_are_as_even_as_can_be_and_all_used(n, data):
    k = data.draw(st.integers(2, n))
    sizes = np.bincount(folds(n, k, seed=data.draw(st.integers(0, 5))), minlength=k)
    assert sizes.min() >= n // k
    assert sizes.max() <= -(-n // k)


@given(st.lists(st.integers(0, 5), min_size=6, max_size=30).filter(lambda g: len(set(g)) > 2))
def test_groups_stay_together(groups):
    fold = folds(len(groups), 3, seed=0, groups=groups)
    assert all(len({f for f, h in zip(fold.tolist(), groups, strict=True) if h == g}) == 1 for g in groups)
    assert set(fold.tolist()) == {0, 1, 2}


def test_two_folds_by_hand():
    # Fold of piece 0 learns from [1, 1]: p = (1, 3, 1, 1, 1, 1) / 8; the other from [0, 0, 1]: (3, 2, 1, 1, 1, 1) / 9.
    result = cross_validate(Counts, corpus_of([0, 0, 1], [1, 1]), k=2, seeds=[0])
    expected = np.log([1 / 8, 1 / 8, 3 / 8, 2 / 9, 2 / 9])
    assert result.log_probs[0] == pytest.approx(expected)
    bits = -expected / math.log(2)
    assert result.bits_per_pitch()[0].value == pytest.approx(bits.sum() / 5)
    assert result.bits_per_note()[0].value == result.bits_per_symbol()[0].value
    by_fold = sorted([bits[:3].mean(), bits[3:].mean()])
    assert sorted(result.per_fold()[0]) == pytest.approx(by_fold)
    assert result.mean() == pytest.approx(bits.mean())


def test_seeds_deal_anew_and_repeat():
    rng = np.random.default_rng(0)
    corpus = corpus_of(*(rng.integers(0, 6, 8).tolist() for _ in range(12)))
    result = cross_validate(Counts, corpus, k=4, seeds=(0, 1))
    again = cross_validate(Counts, corpus, k=4, seeds=(0, 1))
    assert np.array_equal(result.log_probs, again.log_probs)
    assert not np.array_equal(result.fold[0], result.fold[1])
    assert result.log_probs.shape == (2, len(corpus.symbols))
    assert [d.value for d in result.difference(again)] == [0.0, 0.0]


class Learner(Counts):
    """Counts that go on counting."""

    def log_probs(self, symbols, _header=None):
        return self.corpus_log_probs(corpus_of(symbols))

    def corpus_log_probs(self, corpus):
        return self.log_probs_[corpus.symbols]

    def adapt(self, symbols, _header=None):
        return Learner().fit(corpus_of(*self.text, symbols))

    def fit(self, corpus):
        self.text = list(corpus)
        return super().fit(corpus)


def test_a_model_that_adapts_has_learned_the_pieces_it_has_predicted():
    corpus = corpus_of([0, 0], [1], [2], [1])
    dealt = np.array([[0, 1, 1, 1]])
    result = cross_validate(Learner, corpus, seeds=[0], dealt=dealt, adapt=True)
    # of the pieces 1, 2, 3 the first is predicted from [0, 0], the second from that and [1], and so on
    assert result.log_probs[0, 2:] == pytest.approx(np.log([1 / 8, 1 / 9, 2 / 10]))
    frozen = cross_validate(Learner, corpus, seeds=[0], dealt=dealt)
    assert frozen.log_probs[0, 2:] == pytest.approx(np.log([1 / 8, 1 / 8, 1 / 8]))
    with pytest.raises(InvalidParameterError, match="adapt"):
        cross_validate(Counts, corpus, seeds=[0], dealt=dealt, adapt=True)


def test_folds_may_be_given():
    corpus = corpus_of([0, 0], [1], [2], [1])
    dealt = folds(4, 2, seed=5)[None]
    given = cross_validate(Counts, corpus, seeds=[5], dealt=dealt)
    assert np.array_equal(given.log_probs, cross_validate(Counts, corpus, k=2, seeds=[5]).log_probs)
    with pytest.raises(InvalidParameterError, match="3 pieces by 1 seeds; expected 4 by 1"):
        cross_validate(Counts, corpus, dealt=dealt[:, :3])
    with pytest.raises(InvalidParameterError, match="fewer than two"):
        cross_validate(Counts, corpus, dealt=np.zeros((1, 4), dtype=int))


def test_bad_requests_are_named():
    corpus = corpus_of([0], [1], [2])
    with pytest.raises(InvalidParameterError, match="folds is 4; expected 2 to 3"):
        cross_validate(Counts, corpus, k=4)
    with pytest.raises(InvalidParameterError, match="1 piece cannot be dealt"):
        folds(1, 10)
    with pytest.raises(InvalidParameterError, match="1 group cannot be dealt"):
        folds(5, 2, groups=[3] * 5)
    with pytest.raises(InvalidParameterError, match="number of groups"):
        cross_validate(Counts, corpus, k=3, groups=[0, 0, 1])
    with pytest.raises(InvalidParameterError, match="other folds"):
        cross_validate(Counts, corpus, k=3).difference(cross_validate(Counts, corpus, k=3, seeds=(1,)))
    with pytest.raises(InvalidParameterError, match="bits_per_beat"):
        cross_validate(Counts, corpus, k=3).mean("bits_per_beat")
