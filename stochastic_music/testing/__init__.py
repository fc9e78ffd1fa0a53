"""Checks of the contracts, for authors of models, labellers and constraints."""

from stochastic_music.testing.check_constraint import check_constraint
from stochastic_music.testing.check_energy_model import check_energy_model
from stochastic_music.testing.check_labeller import check_labeller
from stochastic_music.testing.check_model import check_model

__all__ = ["check_constraint", "check_energy_model", "check_labeller", "check_model"]
