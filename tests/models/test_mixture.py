"""Mixtures: arithmetic by hand, the contract, and what cannot be mixed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import InvalidParameterError, NotFittedError, UnknownNameError, VocabularyError
from stochastic_music.models import PPM, Glide, Markov, Mixture, Moment
from stochastic_music.models.mixture import RULES, geometric, linear, log_linear
from stochastic_music.testing import check_model
from stochastic_music.testing.toys import TOYS
from stochastic_music.tokens import Field, Header, Meter, Vocabulary

OPEN = Vocabulary.plain(3, closed=False)
WORDS = [[0, 1, 0, 2], [0, 1, 1, 0], [2, 0]]


def corpus_of(*sequences, vocabulary=OPEN):
    return TokenCorpus.from_sequences(sequences, vocabulary)


def row(model, past=()):
    state = model.initial_state()
    for symbol in past:
        state = model.advance(state, np.array([symbol]))
    return np.exp(model.next_log_probs(state)[0])


def log_rows(*rows):
    with np.errstate(divide="ignore"):
        return np.log(np.array(rows, dtype=float))[:, None, :]


@pytest.mark.parametrize("bias", [0.0, 2.0])
@pytest.mark.parametrize("rule", RULES)
def test_contract(rule, bias):
    check_model(Mixture([Markov(0, "add_k"), PPM(2)], rule, weights=(1, 2), bias=bias))


def test_linear_and_geometric_by_hand():
    a, b = log_rows([0.5, 0.5, 0], [0.8, 0, 0.2])
    rows, weights = np.stack([a, b]), np.array([[1, 3]])
    assert np.exp(linear(rows, weights))[0] == pytest.approx([(0.5 + 3 * 0.8) / 4, 0.5 / 4, 3 * 0.2 / 4])
    # only the first symbol is possible for both
    assert np.exp(geometric(rows, weights))[0] == pytest.approx([1, 0, 0])
    c, d = log_rows([0.5, 0.5], [0.9, 0.1])
    product = np.array([0.5**0.5 * 0.9**0.5, 0.5**0.5 * 0.1**0.5])
    assert np.exp(geometric(np.stack([c, d]), np.ones((1, 2))))[0] == pytest.approx(product / product.sum())


def test_idyoms_rule_by_hand():
    a, b = [0.5, 0.25, 0.25], [0.8, 0.1, 0.1]
    entropies = [-sum(p * np.log(p) for p in row) / np.log(3) for row in (a, b)]
    w = np.array(entropies) ** -2.0
    product = np.exp((w[0] * np.log(a) + w[1] * np.log(b)) / w.sum())
    texts = ([0, 0, 1, 2], [0] * 8 + [1, 2])
    models = [Markov(0, "none").fit(corpus_of(text)) for text in texts]
    assert row(Mixture.of(models, "geometric", bias=2))[:3] == pytest.approx(product / product.sum())


def test_zero_times_infinity_is_zero():
    rows = log_rows([0.5, 0.5, 0], [0, 0, 1])
    for rule in (linear, geometric, log_linear):
        assert np.exp(rule(rows, np.array([[1.0, 0.0]])))[0] == pytest.approx([0.5, 0.5, 0])


def test_models_that_contradict_each_other_are_averaged():
    rows = log_rows([1, 0, 0], [0, 1, 0])
    assert np.exp(geometric(rows, np.array([[1.0, 3.0]])))[0] == pytest.approx([0.25, 0.75, 0])


def test_one_model_alone_is_itself():
    model = Markov(1).fit(corpus_of(*WORDS))
    for rule in ("linear", "geometric", "posterior"):
        assert row(Mixture.of([model], rule), [0])[:3] == pytest.approx(row(model, [0])[:3])


def test_the_largest_posterior_speaks():
    # model 1 says a, model 2 says b; before anything is heard the prior decides
    says_a, says_b = (Markov(0, "add_k").fit(corpus_of([s] * 8)) for s in (0, 1))
    mixture = Mixture.of([says_a, says_b], "posterior", weights=(2, 1))
    assert row(mixture)[:3] == pytest.approx(row(says_a)[:3])
    assert row(mixture, [1])[:3] == pytest.approx(row(says_b)[:3])
    assert row(mixture, [1, 0, 0])[:3] == pytest.approx(row(says_a)[:3])


def test_weights_change_with_events():
    says_a, says_b = (Markov(0, "none").fit(corpus_of([s])) for s in (0, 1))
    mixture = Mixture.of([says_a, says_b], weights=Glide((1, 0), (0, 1), first=0, last=4, unit="event"))
    for n, share in enumerate([0, 0.25, 0.5, 0.75, 1, 1]):
        assert row(mixture, [0] * n)[:2] == pytest.approx([1 - share, share])


def test_weights_change_with_bars():
    fields = (Field("duration", 4, first=1, advances="later"), Field("pitch", 2))
    vocabulary = Vocabulary(fields, resolution=1, closed=False)
    models = [Markov(0, "add_k").fit(corpus_of([0, pitch] * 3, vocabulary=vocabulary)) for pitch in (4, 5)]
    mixture = Mixture.of(models, weights=Glide((1, 0), (0, 1), first=1, last=3))
    state = mixture.initial_state(2, Header(1, (Meter(0, 2, 4),)))
    for symbol in (1, 4, 0, 4):  # two units and one: beat 2 of bar 2
        assert mixture.weights_at(state).shape == (2, 2)
        state = mixture.advance(state, np.array([symbol] * 2))
    assert mixture.weights_at(state)[0] == pytest.approx([0.25, 0.75])
    assert mixture.weights_at(state)[1] == pytest.approx([0.25, 0.75])


def test_learned_weights_are_the_best_there_are():
    rng = np.random.default_rng(3)
    train, held_out = (corpus_of(*rng.choice(3, (20, 12), p=[0.6, 0.3, 0.1])) for _ in range(2))
    flat = Markov(0, "add_k", k=1e6)
    models = [Markov(0, "add_k").fit(train), flat.fit(train)]
    mixture = Mixture.of(models, "learned").learn_weights(held_out)
    learned, best = mixture.exponents_, mixture.score(held_out)
    assert best >= max(model.score(held_out) for model in models)
    for change in (-0.05, 0.05):
        mixture.exponents_ = learned + np.array([[change, 0], [0, 0]])
        assert mixture.score(held_out) <= best + 1e-9


def test_a_model_that_ruled_out_what_came_has_no_weight():
    sure, open_minded = Markov(0, "none").fit(corpus_of([0, 0, 0])), Markov(0, "add_k").fit(corpus_of([0, 0, 0]))
    mixture = Mixture.of([sure, open_minded], "learned").learn_weights(corpus_of([0, 1, 0, 2]))
    assert mixture.exponents_[0, 0] == 0
    assert np.isfinite(mixture.score(corpus_of([0, 1, 2])))
    with pytest.raises(InvalidParameterError, match="impossible"):
        Mixture.of([sure], "learned").learn_weights(corpus_of([1]))


def test_a_corpus_of_one_piece_leaves_learned_weights_alike():
    mixture = Mixture([Markov(0), Markov(1)], "learned").fit(corpus_of([0, 1, 2, 0]))
    assert (mixture.exponents_ == 0.5).all()


def test_fitting_leaves_the_models_given_alone():
    member = Markov(1)
    Mixture([member]).fit(corpus_of(*WORDS))
    assert not hasattr(member, "vocabulary_")


def test_alphabets_are_joined():
    narrow = [Markov(0, "witten_bell").fit(corpus_of([s, s], vocabulary=OPEN.restrict([s]))) for s in (0, 2)]
    mixture = Mixture.of(narrow)
    assert mixture.vocabulary_.alphabet == (0, 2)
    assert row(mixture)[:3] == pytest.approx([0.5, 0, 0.5])


def test_a_mixture_takes_another_alphabet():
    mixture = Mixture([PPM(1), Markov(0)]).fit(corpus_of([0, 1, 0]))
    assert row(mixture)[2] > 0
    narrow = mixture.restricted(OPEN.restrict([0, 1]))
    assert row(narrow)[2] == 0
    assert row(narrow).sum() == pytest.approx(1)


def test_weights_may_be_text():
    spelled, plain = (Mixture([Markov(0), Markov(1)], weights=w).fit(corpus_of(*WORDS)) for w in ("1, 3", (1, 3)))
    assert np.array_equal(row(spelled), row(plain))


@pytest.mark.parametrize("weights", [(0, 0), (1, -1), (1, np.nan), (1, 2, 3), "1", "one,two", "0,0"])
def test_weights_that_make_no_sense(weights):
    with pytest.raises(InvalidParameterError, match="weight"):
        Mixture([Markov(0), Markov(1)], weights=weights).fit(corpus_of(*WORDS))


def test_weights_that_come_to_nothing_on_the_way():
    for end in ((0, 0), (1, -1), (1, 1, 1)):
        with pytest.raises(InvalidParameterError, match="weights"):
            Mixture([Markov(0), Markov(1)], weights=Glide((1, 0), end, 0, 1, "event")).fit(corpus_of(*WORDS))
    mixture = Mixture([Markov(0), Markov(1)], weights=lambda moment: np.stack([moment.event < 1] * 2, axis=1) * 1.0)
    with pytest.raises(InvalidParameterError, match="sum to zero"):
        row(mixture.fit(corpus_of(*WORDS)), [0])


def test_what_cannot_be_mixed_is_named():
    one, other = Markov(0).fit(TOYS["plain"]()), Markov(0).fit(TOYS["two_fields"]())
    with pytest.raises(VocabularyError, match=r"models 1 and 2 .* field 'symbol' of 3 values from 0 against 'shape'"):
        Mixture.of([one, other])
    with pytest.raises(NotFittedError, match="model 2"):
        Mixture.of([one, Markov(1)])
    with pytest.raises(UnknownNameError, match="geometric"):
        Mixture([Markov()], "geometrical").fit(corpus_of(*WORDS))
    with pytest.raises(InvalidParameterError, match="one or more models"):
        Mixture([]).fit(corpus_of(*WORDS))
    with pytest.raises(NotFittedError, match="learn_weights"):
        row(Mixture.of([one], "learned"))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 5), min_size=2, max_size=2).filter(lambda w: sum(w) > 1e-3), st.floats(0, 8))
def test_rows_add_up_to_one(weights, bias):
    for rule in ("linear", "geometric", "posterior"):
        mixture = Mixture([Markov(1, "none"), PPM(2)], rule, weights=weights, bias=bias).fit(corpus_of(*WORDS))
        for past in ([], [0], [2, 2], [1, 1, 1]):
            assert row(mixture, past).sum() == pytest.approx(1)


def test_glide_stays_at_its_ends():
    glide = Glide((1, 0), (0, 1), first=2, last=2)
    bars = np.array([1.5, 2.5])
    assert glide(Moment(np.array([0, 1]), bars)).tolist() == [[1, 0], [0, 1]]
