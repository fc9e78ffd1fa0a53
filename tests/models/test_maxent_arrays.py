"""Maximum entropy on the arrays of a GPU: learned potentials are those of NumPy, up to rounding."""

import logging

import numpy as np
import pytest

from stochastic_music import _backends
from stochastic_music.corpus import TokenCorpus
from stochastic_music.models import MaxEnt
from stochastic_music.models.maxent import Chains, likelihood
from stochastic_music.models.maxent.chains import fields_of, side_by_side
from stochastic_music.models.maxent.events import events_of
from stochastic_music.models.maxent.likelihood import Objective
from stochastic_music.testing.toys import ticking
from stochastic_music.tokens import Field, Vocabulary
from tests import stand_in


def corpus_of(n_pieces=6):
    generator = np.random.default_rng(4)
    rows = [
        np.stack([generator.integers(0, 3, 12), 3 + generator.integers(0, 4, 12)], 1).ravel() for _ in range(n_pieces)
    ]
    return TokenCorpus.from_sequences(rows, Vocabulary((Field("shape", 3), Field("color", 4))))


def fitted(backend, corpus=None, **options):
    return MaxEnt(2, n_steps=8, n_refinements=4, backend=backend, **options).fit(corpus or corpus_of())


def assert_alike(ours, theirs, tolerance=1e-7):
    for here, there in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(here, there, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("corpus", [corpus_of, ticking], ids=["two fields", "with a clock"])
def test_a_device_learns_what_numpy_does(corpus, monkeypatch):
    ours = fitted("numpy", corpus())
    device = stand_in.installed(monkeypatch)
    assert_alike(fitted("cupy", corpus()).potentials_, ours.potentials_)
    assert device.to_device > 0


def test_what_stands_around_events_is_sent_once(monkeypatch):
    model, corpus = fitted("numpy"), corpus_of()
    events = events_of(corpus, model.columns_)
    device = stand_in.installed(monkeypatch)
    objective = Objective(events, model.columns_, 2, 1.0, model._blocked, room=likelihood.room_on("cupy"))
    flat = model.potentials_.flat()
    objective(flat)
    device.to_device = device.to_host = device.numbers = 0
    loss, gradient = objective(flat)
    assert (device.to_device, device.to_host, device.numbers) == (2, 2, 1)
    expected = Objective(events, model.columns_, 2, 1.0, model._blocked)(flat)
    assert_alike((loss, gradient), expected, 1e-12)


def test_shares_of_events_add_up():
    model = fitted("numpy")
    parts = (events_of(corpus_of(), model.columns_), model.columns_, 2, 1.0, model._blocked)
    small = _backends.Room(numbers=50, numbers_on_gpu=50)
    flat = model.potentials_.flat()
    assert_alike(Objective(*parts, room=small)(flat), Objective(*parts)(flat), 1e-12)


@pytest.mark.parametrize("kernel", ["gibbs", "metropolis"])
def test_chains_on_a_device_and_in_shares_are_those_of_numpy(kernel, monkeypatch):
    model = fitted("numpy")
    events = events_of(corpus_of(), model.columns_)

    def swept(xp, **options):
        cells, live = side_by_side(events, model.columns_, 2, xp)
        fields = fields_of(model.potentials_, model.columns_, model._blocked, xp=xp)
        chains = Chains(cells, live, fields, 2, seed=3, xp=xp, **options)
        chains.sweep(3, kernel=kernel)
        return _backends.as_numpy(chains.cells)

    expected = swept(np)
    device = stand_in.installed(monkeypatch)
    assert np.array_equal(swept(device.arrays), expected)
    assert np.array_equal(swept(device.arrays, n_shares=4), expected)


@pytest.mark.parametrize(("largest", "said"), [(9_000, "smaller batches"), (200, "on the CPU")])
def test_memory_that_runs_out_is_said_and_borne(largest, said, monkeypatch, caplog):
    ours = fitted("numpy", corpus_of(40))
    stand_in.installed(monkeypatch, largest=largest)
    monkeypatch.setattr(likelihood, "_NUMBERS", 500)
    monkeypatch.setattr(likelihood, "_NUMBERS_ON_GPU", 1 << 20)
    with caplog.at_level(logging.WARNING):
        theirs = fitted("cupy", corpus_of(40))
    assert_alike(theirs.potentials_, ours.potentials_)
    assert said in caplog.text


@pytest.mark.gpu
def test_a_gpu_learns_what_numpy_does():
    if not _backends.present("cupy"):
        pytest.skip(_backends.gpu()[1])
    assert_alike(fitted("cupy").potentials_, fitted("numpy").potentials_)
