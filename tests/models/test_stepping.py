"""One context at a time, in plain numbers, comes to what arrays do."""

import numpy as np
import pytest

from stochastic_music.models import PPM, Markov
from stochastic_music.models.stepping import Steps
from stochastic_music.testing.toys import TOYS

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
    contexts, symbols = (
        each.ravel() for each in np.meshgrid(np.arange(model.n_contexts), np.arange(model.vocabulary_.n_symbols))
    )
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
