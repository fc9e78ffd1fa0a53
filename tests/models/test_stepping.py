"""One context at a time, in plain numbers, and many at once on a GPU, come to what arrays do."""

import numpy as np
import pytest

from stochastic_music import _backends
from stochastic_music.models import PPM, Markov, stepping
from stochastic_music.models.stepping import Steps
from stochastic_music.sampling.metropolis import Pieces, Target
from stochastic_music.testing.toys import TOYS
from tests import stand_in

MODELS = {
    "markov": Markov(2),
    "kneser-ney": Markov(3, "kneser_ney"),
    "ppm": PPM(3),
    "without bound": PPM(None),
    "deepest": PPM(2, shortest_deterministic=False),
    "unsmoothed": Markov(1, "none"),
}


@pytest.mark.parametrize("toy", TOYS.values(), ids=TOYS)
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_steps_are_those_of_arrays(model, toy):
    model = type(model)(**model.get_params()).fit(toy())
    steps = model.steps()
    contexts, symbols = everything(model)
    pairs = zip(contexts.tolist(), symbols.tolist(), strict=True)
    probability, following = zip(*(steps.follow(*pair) for pair in pairs), strict=True)
    log_probs, expected = model.follow(contexts, symbols)
    with np.errstate(divide="ignore"):
        assert np.array_equal(np.log(probability), log_probs)
    assert np.array_equal(following, expected)


@pytest.mark.parametrize("toy", TOYS.values(), ids=TOYS)
def test_marks_are_heard_as_by_arrays(toy):
    model = PPM(2).fit(toy())
    steps = Steps(model.table_)
    for mark in [-1, *model.contexts_.marks.tolist(), 10**9]:
        contexts = np.arange(model.n_contexts)
        expected = model.hear(contexts, np.full(len(contexts), mark))
        assert [steps.hear(context, mark) for context in contexts.tolist()] == expected.tolist()


@pytest.fixture
def worthwhile(monkeypatch):
    """Any number of contexts is worth a GPU."""
    monkeypatch.setattr(stepping, "MANY", 1)


def everything(model):
    contexts, symbols = np.meshgrid(np.arange(model.n_contexts), np.arange(model.vocabulary_.n_symbols))
    return contexts.ravel(), symbols.ravel()


@pytest.mark.parametrize("toy", TOYS.values(), ids=TOYS)
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_strides_on_a_device_are_those_of_arrays(model, toy, monkeypatch, worthwhile):
    model = type(model)(**model.get_params()).fit(toy())
    expected = model.follow(*everything(model))
    device = stand_in.installed(monkeypatch)
    strides = model.strides("cupy")
    found = strides.follow(*everything(model))
    assert np.allclose(found[0], expected[0], rtol=1e-12)
    assert np.array_equal(found[1], expected[1])
    sent = device.to_device
    strides.follow(*everything(model))
    assert device.to_device == sent + 2  # the table stays there


@pytest.mark.parametrize(("largest", "said"), [(800, "smaller batches"), (40, "on the CPU")])
def test_tables_that_do_not_fit_are_said_and_borne(largest, said, monkeypatch, worthwhile, caplog):
    monkeypatch.setattr(stepping, "_ROWS", 4)
    model = Markov(1).fit(TOYS["plain"]())
    asked = tuple(np.tile(each, 40) for each in everything(model))
    expected = model.follow(*asked)
    stand_in.installed(monkeypatch, largest=largest)
    found = model.strides("cupy").follow(*asked)
    assert np.array_equal(found[1], expected[1])
    assert said in caplog.text


def test_many_chains_are_read_on_a_device_as_on_the_host(monkeypatch, worthwhile):
    model = PPM(2).fit(TOYS["two_fields"]())
    pieces = Pieces(np.random.default_rng(2).permuted(np.tile([0, 2, 1, 3, 5], (200, 1)), axis=1), np.full(200, 5))
    expected = Target.of(model)(pieces)[0]
    device = stand_in.installed(monkeypatch)
    assert np.allclose(Target.of(model, backend="cupy")(pieces)[0], expected, rtol=1e-12)
    assert device.to_host > 0


@pytest.mark.gpu
def test_strides_on_a_gpu_are_those_of_arrays(worthwhile):
    if not _backends.present("cupy"):
        pytest.skip(_backends.gpu()[1])
    model = PPM(3).fit(TOYS["ticking"]())
    expected, found = model.follow(*everything(model)), model.strides("cupy").follow(*everything(model))
    assert np.allclose(found[0], expected[0], rtol=1e-12)
    assert np.array_equal(found[1], expected[1])
