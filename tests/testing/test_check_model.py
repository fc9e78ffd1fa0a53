"""check_model accepts what keeps the contract, and names what breaks it."""

import sys

import numpy as np
import pytest

from stochastic_music.corpus import TokenCorpus
from stochastic_music.models import PPM, Markov
from stochastic_music.testing import check_model
from stochastic_music.testing.toys import TOYS


@pytest.mark.parametrize(
    "model",
    [
        Markov(order=0),
        Markov(order=1, smoothing="witten_bell"),
        Markov(order=2, smoothing="kneser_ney"),
        Markov(order=2, smoothing="absolute", discount=0.5),
        Markov(order=3, smoothing="add_k", k=0.1),
        Markov(order=1, smoothing="none"),
        PPM(order_bound=1, escape="a"),
        PPM(order_bound=2),
        PPM(order_bound=2, escape="ax", exclusion=True, interpolated=False),
        PPM(order_bound=None, escape="d"),
    ],
    ids=repr,
)
def test_own_models_keep_the_contract(model):
    check_model(model)


class Broken(Markov):
    """Each subclass breaks one thing."""

    def __init__(self, order=1):
        super().__init__(order, "witten_bell")
        for name in ("smoothing", "k", "discount"):
            delattr(self, name)

    smoothing, k, discount = "witten_bell", 1.0, None


class ConvertsParameters(Broken):
    def __init__(self, order=1):
        super().__init__(str(order))


class ChecksParameters(Broken):
    def __init__(self, order=1):
        super().__init__(order)
        if order < 0:
            raise ValueError(order)


class StoresMore(Broken):
    def __init__(self, order=1):
        super().__init__(order)
        self.counts = {}


class FitReturnsNothing(Broken):
    def fit(self, corpus):
        super().fit(corpus)


class FitsIntoParameters(Broken):
    def fit(self, corpus):
        super().fit(corpus)
        self.order = 5
        return self


class ShufflesTheCorpus(Broken):
    def fit(self, corpus):
        super().fit(corpus)
        corpus.symbols[:] = corpus.symbols[::-1].copy()
        return self


class Forgetful(Broken):
    def fit(self, corpus):
        super().fit(corpus)
        self.n_fits_ = getattr(self, "n_fits_", 0) + 1
        return self

    def corpus_log_probs(self, corpus):
        return super().corpus_log_probs(corpus) / self.n_fits_


class WorksUnfitted(Broken):
    def initial_state(self, batch_size=1, header=None):
        return super().initial_state(batch_size, header) if hasattr(self, "vocabulary_") else None


class Unnormalised(Broken):
    def next_log_probs(self, state):
        return super().next_log_probs(state) - 0.1


class AllowsAnything(Broken):
    def next_log_probs(self, state):
        rows = np.exp(super().next_log_probs(state)) + 0.01
        return np.log(rows / rows.sum(axis=1, keepdims=True))


class ScoresOtherwise(Broken):
    def corpus_log_probs(self, corpus):
        return super().corpus_log_probs(corpus) * 1.01


class LoadsWrong(Broken):
    def from_arrays(self, arrays, vocabulary):
        return super().from_arrays({**arrays, "probability": arrays["probability"] * 0.9}, vocabulary)


class BadArcs(Broken):
    def arcs(self, contexts):
        return super().arcs(contexts)._replace(next_context=np.zeros(len(super().arcs(contexts).row), dtype=np.int64))


class Mutates(Broken):
    def advance(self, state, symbols):
        after = super().advance(state, symbols)
        state.context[:] = after.context
        return after


class AdaptsItself(Broken):
    def adapt(self, symbols, header=None):
        return self.fit(TokenCorpus.from_sequences([symbols[:-1]], self.vocabulary_, headers=[header]))


class HasOnePart(Broken):
    def parts(self):
        return {"long_term": self}


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (ConvertsParameters(), "changes 'order'"),
        (ChecksParameters(), "more than store its arguments: TypeError"),
        (StoresMore(), "more than its arguments: \\['counts'\\]"),
        (FitReturnsNothing(), "does not return self"),
        (FitsIntoParameters(), "changes the parameters"),
        (ShufflesTheCorpus(), "changes the corpus"),
        (Forgetful(), "fit again on the same model differs"),
        (WorksUnfitted(), "no NotFittedError"),
        (Unnormalised(), "add up to"),
        (AllowsAnything(), "which is not due there"),
        (ScoresOtherwise(), "differs from the steps"),
        (LoadsWrong(), "differs after to_arrays"),
        (BadArcs(), "arcs differ from the rows"),
        (Mutates(), "changes the state it was given"),
        (AdaptsItself(), "adapt changes the model"),
        (HasOnePart(), "expected both or none"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Broken) else "",
)
def test_what_breaks_is_named(model, words):
    with pytest.raises(AssertionError, match=words):
        check_model(model)


def test_samples_that_do_not_follow_are_refused(monkeypatch):
    module = sys.modules[check_model.__module__]
    monkeypatch.setattr(module, "sample", _sharpened)
    with pytest.raises(AssertionError, match="do not follow"):
        module.check_model(Markov(order=1, smoothing="add_k"), corpora={"plain": TOYS["plain"]})


def _sharpened(model, n, **options):
    from stochastic_music.sampling import sample

    return sample(model, n, temperature=0.7, **options)
