"""Hidden Markov models on the arrays of a GPU: the numbers of NumPy up to rounding, and few transfers."""

import logging

import numpy as np
import pytest

from stochastic_music import _backends
from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import MachineError, MissingExtraError, UnknownNameError
from stochastic_music.models.hmm import HMM, filtering, inference, observations, paths
from stochastic_music.models.hmm.array_engine import ArrayEngine
from stochastic_music.models.hmm.observations import observed, table_sizes
from stochastic_music.models.hmm.parameters import Parameters
from stochastic_music.tokens import Field, Vocabulary
from tests import stand_in

VOCABULARY = Vocabulary((Field("shape", 3), Field("color", 4)))
LENGTHS = {"short": [9, 4, 0, 1], "in parts": [60, 2]}


def corpus_of(lengths, seed=1):
    generator = np.random.default_rng(seed)
    shape = (generator.integers(0, 3, n) for n in lengths)
    rows = [np.stack([first, 3 + generator.integers(0, 4, len(first))], axis=1).ravel() for first in shape]
    return TokenCorpus.from_sequences(rows, VOCABULARY)


def parameters_of(n_states, *, sparse=False):
    generator = np.random.default_rng(7)

    def rows(*shape, sparse=False):
        table = generator.gamma(0.7, size=shape) + 0.1
        if sparse:
            table[..., 1:][generator.random(shape)[..., 1:] < 0.4] = 0.0
        return table / table.sum(axis=-1, keepdims=True)

    emissions = tuple(rows(n_states, size) for size in table_sizes(VOCABULARY))
    return Parameters(rows(n_states), rows(n_states, n_states, sparse=sparse), emissions)


@pytest.fixture
def parts(request, monkeypatch):
    """Pieces of 8 events and more are cut into parts of some 3."""
    monkeypatch.setattr(observations, "LONG", 8)
    monkeypatch.setattr(observations, "PART", 3)


def on(backend):
    return filtering.room_on(backend)


def assert_alike(ours, theirs):
    for here, there in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-9, atol=1e-12)


def all_figures(parameters, seen, room):
    """Everything that is inferred, as arrays of the host."""
    counts = ArrayEngine(seen, table_sizes(VOCABULARY), parameters.n_states, room).expect(parameters)
    return [
        counts.start,
        counts.transitions,
        *counts.emissions,
        counts.log_likelihood,
        inference.posteriors(parameters, seen, room),
        np.exp(inference.field_log_probs(parameters, seen, room)),
        *paths.best_paths(parameters, seen, room),
        paths.sampled_paths(parameters, seen, key=5, n=3, room=room),
    ]


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_a_device_comes_to_what_numpy_does(lengths, sparse, monkeypatch, parts):
    parameters, seen = parameters_of(4, sparse=sparse), observed(corpus_of(lengths))
    expected = all_figures(parameters, seen, on("numpy"))
    device = stand_in.installed(monkeypatch)
    assert_alike(all_figures(parameters, seen, on("cupy")), expected)
    assert device.to_device > 0


def test_em_sends_parameters_and_brings_counts_back(monkeypatch):
    device = stand_in.installed(monkeypatch)
    engine = ArrayEngine(observed(corpus_of([30] * 40)), table_sizes(VOCABULARY), 4, on("cupy"))
    parameters = parameters_of(4)
    engine.expect(parameters)
    device.to_device = device.to_host = device.numbers = 0
    engine.expect(parameters)
    assert device.to_host == 4  # beginnings, steps, and emissions of two fields
    assert device.to_device <= 6  # beginnings twice at most, steps, two tables of emissions
    assert device.numbers == 1  # the log likelihood


def test_smaller_batches_where_memory_runs_out(monkeypatch, caplog):
    parameters, seen = parameters_of(4), observed(corpus_of([30] * 40))
    expected = all_figures(parameters, seen, on("numpy"))
    device = stand_in.installed(monkeypatch, largest=20_000)
    room = _backends.Room("cupy", numbers=200, numbers_on_gpu=1 << 20)
    with caplog.at_level(logging.WARNING):
        assert_alike(all_figures(parameters, seen, room), expected)
    assert room.xp is device.arrays
    assert room.numbers < 1 << 20
    assert "smaller batches" in caplog.text
    assert "CPU" not in caplog.text


def test_the_cpu_where_memory_is_too_small_for_anything(monkeypatch, caplog):
    parameters, seen = parameters_of(4), observed(corpus_of([30] * 40))
    expected = all_figures(parameters, seen, on("numpy"))
    stand_in.installed(monkeypatch, largest=500)
    room = _backends.Room("cupy", numbers=200, numbers_on_gpu=1 << 20)
    with caplog.at_level(logging.WARNING):
        assert_alike(all_figures(parameters, seen, room), expected)
    assert room.xp is np
    assert caplog.text.count("the work goes on on the CPU") == 1


def test_memory_of_the_host_that_runs_out_is_an_error():
    def work():
        raise MemoryError("no more")

    with pytest.raises(MemoryError, match="no more"):
        on("numpy").run(work)


def test_a_model_works_on_its_back_end_from_fit_to_draws(monkeypatch):
    corpus = corpus_of([12, 9, 14], seed=3)
    ours = HMM(3, n_restarts=2, n_iterations=5).fit(corpus)
    device = stand_in.installed(monkeypatch)
    theirs = HMM(3, n_restarts=2, n_iterations=5, backend="cupy").fit(corpus)
    assert_alike([ours.transmat_, ours.log_likelihood_], [theirs.transmat_, theirs.log_likelihood_])
    before = device.to_host
    assert np.array_equal(ours.corpus_sample_states(corpus, 4, seed=2), theirs.corpus_sample_states(corpus, 4, seed=2))
    assert device.to_host > before
    assert_alike([ours.corpus_predict_proba(corpus)], [theirs.corpus_predict_proba(corpus)])
    assert_alike([ours.corpus_log_probs(corpus)], [theirs.corpus_log_probs(corpus)])
    assert np.array_equal(ours.corpus_decode(corpus), theirs.corpus_decode(corpus))


def test_what_a_gpu_learned_is_used_where_there_is_none(monkeypatch):
    corpus = corpus_of([12, 9, 14], seed=3)
    with monkeypatch.context() as patch:
        stand_in.installed(patch)
        model = HMM(3, n_restarts=1, n_iterations=3, backend="cupy").fit(corpus)
        there = model.score(corpus)
    monkeypatch.setattr(_backends, "gpu", lambda: (False, "none here"))
    assert model.score(corpus) == pytest.approx(there)


def test_auto_is_numpy_where_there_is_no_gpu(monkeypatch):
    monkeypatch.setattr(_backends, "gpu", lambda: (False, "none here"))
    assert on("auto").xp is np


def test_back_ends_that_are_not_there_are_named():
    with pytest.raises(UnknownNameError, match="numba"):
        HMM(2, backend="numba").fit(corpus_of([5]))
    if _backends.present("cupy"):
        pytest.skip("there is a GPU")
    with pytest.raises((MissingExtraError, MachineError), match="cupy"):
        HMM(2, backend="cupy").fit(corpus_of([5]))


@pytest.mark.gpu
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_a_gpu_comes_to_what_numpy_does(lengths, parts):
    if not _backends.present("cupy"):
        pytest.skip(_backends.gpu()[1])
    parameters, seen = parameters_of(4), observed(corpus_of(lengths))
    assert_alike(all_figures(parameters, seen, on("cupy")), all_figures(parameters, seen, on("numpy")))
