"""The contract of energy models: the model of this house keeps it, and each way of breaking it is named."""

import numpy as np
import pytest

from stochastic_music.models.maxent import MaxEnt
from stochastic_music.testing import check_energy_model
from stochastic_music.testing.toys import plain

SMALL = {"reach": 1, "n_steps": 5, "n_refinements": 2, "n_sweeps": 2}


def test_maximum_entropy_keeps_the_contract():
    check_energy_model(MaxEnt(**SMALL))


class Neighborly(MaxEnt):
    def log_density(self, symbols, lengths, headers=None):
        return super().log_density(symbols, lengths, headers) + len(symbols)


class Deaf(MaxEnt):
    def log_density(self, symbols, lengths, headers=None):
        return super().log_density(symbols, lengths, headers) + np.asarray(symbols).shape[1]


class Forgetful(MaxEnt):
    def from_arrays(self, arrays, vocabulary):
        return super().from_arrays({**arrays, "bias": arrays["bias"] * 2}, vocabulary)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Neighborly, "depends on those beside it"),
        (Deaf, "depends on those beside it|what stands after a piece"),
        (Forgetful, "differs after to_arrays"),
    ],
)
def test_what_breaks_is_named(model, said):
    with pytest.raises(AssertionError, match=said):
        check_energy_model(model(**SMALL), corpora={"plain": plain})
