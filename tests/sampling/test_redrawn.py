"""Pieces of at least so many events: drawn again until long enough, which is exact conditioning."""

import numpy as np
import pytest
from scipy.stats import chisquare

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import UnsatisfiableError
from stochastic_music.models import Markov
from stochastic_music.sampling import sample
from stochastic_music.tokens import Vocabulary


@pytest.fixture
def model():
    corpus = TokenCorpus.from_sequences([[0], [0, 1], [1], [1, 0, 1]], Vocabulary.plain(2))
    return Markov(order=1, smoothing="witten_bell").fit(corpus)


def test_lengths_follow_the_model_given_that_they_are_long_enough(model):
    # Enumerated: P(length = k | length >= 2) for k = 2, 3, 4, and 5 or more. False alarm rate 1e-3.
    drawn = np.array([len(s.symbols) - 1 for s in sample(model, 6_000, least_events=2, seed=1)])
    assert drawn.min() == 2
    exact = np.array([_length_probability(model, k) for k in range(5)])
    expected = np.array([*exact[2:5], 1 - exact.sum()]) / (1 - exact[:2].sum())
    seen = np.array([*((drawn == k).sum() for k in (2, 3, 4)), (drawn > 4).sum()])
    assert chisquare(seen, expected * len(drawn)).pvalue > 1e-3
    unconditioned = np.array([*exact[2:5], 1 - exact[2:5].sum()])
    assert chisquare(seen, unconditioned * len(drawn)).pvalue < 1e-6


def _length_probability(model, length):
    words = [[(n >> i) & 1 for i in range(length)] for n in range(2**length)]
    return sum(np.exp(model.log_prob([*word, 2])) for word in words)


def test_a_chain_does_not_depend_on_the_others(model):
    one, many = (sample(model, n, least_events=3, seed=4) for n in (2, 9))
    assert [s.symbols.tolist() for s in one] == [s.symbols.tolist() for s in many[:2]]


def test_a_model_of_short_pieces_says_what_to_ask_for():
    corpus = TokenCorpus.from_sequences([[0]] * 5, Vocabulary.plain(1))
    model = Markov(order=1, smoothing="none").fit(corpus)
    with pytest.raises(UnsatisfiableError, match="--bars"):
        sample(model, 1, least_events=2, seed=1)


def test_pieces_in_which_a_pitch_comes_too_often_in_a_row_are_drawn_again():
    # With one pitch a piece is its length: P(length = k | length <= 2), from 1/2, 1/4, 1/8 ...
    corpus = TokenCorpus.from_sequences([[0], [0, 0], [0], [0, 0, 0]], Vocabulary.plain(1, name="pitch"))
    model = Markov(order=0, smoothing="none").fit(corpus)
    drawn = np.array([len(s.symbols) - 1 for s in sample(model, 4_000, most_repeats=2, seed=1)])
    assert drawn.max() == 2
    exact = np.array([np.exp(model.log_prob([0] * k + [1])) for k in range(3)])
    assert chisquare(np.bincount(drawn, minlength=3), exact / exact.sum() * len(drawn)).pvalue > 1e-3
    assert max(len(s.symbols) - 1 for s in sample(model, 100, seed=1)) > 2
    with pytest.raises(UnsatisfiableError, match="no pitch more than 1 times in a row"):
        sample(model, 1, least_events=2, most_repeats=1, seed=1)


def test_pieces_that_would_be_cut_are_drawn_again(model):
    cut = sample(model, 400, max_events=2, seed=1)
    whole = sample(model, 400, max_events=2, whole=True, seed=1)
    assert any(s.capped for s in cut)
    assert not any(s.capped for s in whole)
    assert all(b.symbols.tolist() == a.symbols.tolist() for a, b in zip(cut, whole, strict=True) if not a.capped)


def test_a_model_that_does_not_end_is_cut_at_last():
    endless = Markov(order=1).fit(TokenCorpus.from_sequences([[0, 1]], Vocabulary.plain(2, closed=False)))
    [one] = sample(endless, 1, max_events=5, whole=True, seed=1)
    assert one.capped
