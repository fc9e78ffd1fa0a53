"""Hidden Markov and maximum-entropy models under a limit of time: a clock of ours goes on whenever it is looked at."""

import numpy as np
import pytest

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import InvalidParameterError
from stochastic_music.models import deadline
from stochastic_music.models.deadline import Deadline
from stochastic_music.models.hmm import HMM
from stochastic_music.models.maxent import MaxEnt
from stochastic_music.testing.toys import plain
from stochastic_music.tokens import Vocabulary

MODELS = [
    HMM(n_states=3, n_iterations=50, tolerance=0.0),
    HMM(n_states="2,3,4", n_iterations=50, tolerance=0.0),
    MaxEnt(reach=2, n_steps=40, n_refinements=40),
]


@pytest.fixture
def ticking_clock(monkeypatch):
    """A second passes with each look."""
    looks = iter(range(10**9))
    monkeypatch.setattr(deadline, "clock", lambda: float(next(looks)))


def corpus():
    rng = np.random.default_rng(0)
    return TokenCorpus.from_sequences([rng.integers(0, 6, 20) for _ in range(12)], Vocabulary.plain(6))


def steps(model, seconds):
    """How often progress is told in a fit, and the fitted model."""
    told = []
    model.fit(corpus(), seconds=seconds, progress=lambda *what: told.append(what))
    return len(told), model


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_time_that_is_up_ends_a_fit_and_it_is_said(model, ticking_clock):
    all_steps, model = steps(model, None)
    assert not model.timed_out_
    some, model = steps(model, 30)
    assert 1 <= some < all_steps
    assert model.timed_out_
    assert any("time was up" in remark for remark in model.remarks(corpus()))


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_one_step_is_taken_whatever_the_time(model, ticking_clock):
    some, model = steps(model, 0.5)
    assert some >= 1
    scored = model.pseudo_log_probs(corpus()) if isinstance(model, MaxEnt) else model.corpus_log_probs(corpus())
    assert np.isfinite(scored).all()
    _, longer = steps(model, 60)
    assert longer.timed_out_


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_time_enough_changes_nothing(model):
    whole = {name: array.copy() for name, array in model.fit(corpus()).to_arrays().items()}
    limited = model.fit(corpus(), seconds=1e9).to_arrays()
    assert all(np.array_equal(whole[name], limited[name]) for name in whole)
    assert not model.timed_out_


def test_more_time_is_no_worse_for_a_hidden_markov_model(ticking_clock):
    found = [steps(HMM(n_states=3, n_restarts=1, tolerance=0.0), seconds)[1].log_likelihood_ for seconds in (3, 12, 60)]
    assert found == sorted(found)
    assert found[0] < found[-1]


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_no_time_at_all_is_refused(seconds):
    for model in MODELS:
        with pytest.raises(InvalidParameterError, match="the limit of time"):
            model.fit(plain(), seconds=seconds)


def test_deadlines(ticking_clock):
    whole = Deadline(10)
    half = whole.part(0.5)
    assert not half.passed()
    assert [half.passed() for _ in range(3)][-1]
    assert half.hit
    assert not whole.hit
    assert 0 < whole.share < 1
    assert whole.passed(ahead=5)
    assert Deadline(None).part(0.5).seconds is None
