"""Estimator manners, and what every model has from three methods."""

import numpy as np
import pytest

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import EmptyCorpusError, NotFittedError, UnknownNameError, VocabularyError
from stochastic_music.models import BaseModel, Markov, corpus_log_probs
from stochastic_music.models.base import headers_of
from stochastic_music.testing import check_model
from stochastic_music.testing.toys import TOYS
from stochastic_music.tokens import Vocabulary


class Uniform(BaseModel):
    """The smallest model: every symbol now due is equally likely."""

    def fit(self, corpus):
        self.vocabulary_ = corpus.vocabulary
        return self

    def initial_state(self, batch_size=1, header=None):
        self._check_fitted()
        return self.vocabulary_.clock.start(headers_of(header, batch_size))

    def advance(self, state, symbols):
        return self.vocabulary_.clock.advance(state, symbols)

    def next_log_probs(self, state):
        due = self.vocabulary_.due_mask[state.due]
        return np.where(due, -np.log(due.sum(axis=1, keepdims=True)), -np.inf)


def test_three_methods_make_a_model():
    check_model(Uniform())


def test_scores_follow_from_three_methods():
    corpus = TOYS["plain"]()
    model = Uniform().fit(corpus)
    assert model.log_prob([0, 1, 3]) == pytest.approx(-3 * np.log(4))
    assert model.score(corpus) == pytest.approx(-np.log(4))
    assert corpus_log_probs(model, corpus).shape == corpus.symbols.shape
    assert len(model.sample(3, seed=1)) == 3


def test_parameters_by_name():
    model = Markov(order=2)
    assert model.get_params() == {"order": 2, "smoothing": "kneser_ney", "k": 1.0, "discount": None}
    assert model.set_params(order=1, smoothing="add_k") is model
    assert (model.order, model.smoothing) == (1, "add_k")
    assert repr(model) == "Markov(order=1, smoothing='add_k')"


def test_an_unknown_parameter_names_the_nearest_and_changes_nothing():
    model = Markov(order=2)
    with pytest.raises(UnknownNameError, match="unknown parameter of Markov 'oder': did you mean 'order'"):
        model.set_params(smoothing="none", oder=1)
    assert model.smoothing == "kneser_ney"


@pytest.mark.parametrize("use", ["log_prob", "score", "sample", "to_arrays", "arcs"])
def test_nothing_works_before_fit(use):
    arguments = {
        "log_prob": [[0]],
        "score": [TOYS["plain"]()],
        "sample": [],
        "to_arrays": [],
        "arcs": [np.zeros(1, int)],
    }
    with pytest.raises(NotFittedError):
        getattr(Markov(), use)(*arguments[use])


@pytest.mark.parametrize("sequence", [[7], [-1], [0, 1, 99]])
def test_symbols_outside_the_vocabulary(sequence):
    with pytest.raises(VocabularyError, match="outside the alphabet"):
        Markov().fit(TOYS["plain"]()).log_probs(sequence)


def test_a_symbol_outside_the_alphabet():
    vocabulary = Vocabulary.plain(4).restrict([0, 1])
    model = Markov().fit(TokenCorpus.from_sequences([[0, 1]], vocabulary))
    with pytest.raises(VocabularyError, match="outside the alphabet of 3 symbols"):
        model.log_probs([2])
    with pytest.raises(VocabularyError, match="outside the alphabet"):
        model.score(TokenCorpus.from_sequences([[0, 3]], Vocabulary.plain(4)))


def test_a_corpus_over_other_symbols():
    model = Markov().fit(TOYS["plain"]())
    with pytest.raises(VocabularyError, match="'symbol' of 4 values from 0 against 'symbol' of 3 values"):
        model.score(TokenCorpus.from_sequences([[0]], Vocabulary.plain(4)))
    with pytest.raises(VocabularyError, match="END"):
        model.score(TOYS["open_ended"]())


def test_nothing_to_score():
    corpus = TOYS["open_ended"]()
    with pytest.raises(EmptyCorpusError, match="nothing to score"):
        Markov().fit(corpus).score(corpus.select([]))


def test_a_symbol_out_of_its_field_is_impossible():
    model = Markov().fit(TOYS["two_fields"]())
    assert model.log_probs([2, 0])[0] == -np.inf
    assert model.log_prob([0, 2, 5, 5]) == model.log_prob([0, 2, 5])


def test_headers_are_one_for_all_or_one_each():
    corpus = TOYS["ticking"]()
    model = Markov().fit(corpus)
    rows = model.next_log_probs(model.initial_state(3, corpus.headers))
    alone = model.next_log_probs(model.initial_state(1, corpus.headers[2]))
    np.testing.assert_array_equal(rows[2], alone[0])
    with pytest.raises(VocabularyError, match="2 headers arrived for 3 rows"):
        model.initial_state(3, corpus.headers[:2])
