"""Checks of the contracts, for authors of models, labellers, constraints, metrics and sampling back ends."""

from stochastic_music.testing.check_backend import check_backend
from stochastic_music.testing.check_constraint import check_constraint
from stochastic_music.testing.check_energy_model import check_energy_model
from stochastic_music.testing.check_labeller import check_labeller
from stochastic_music.testing.check_metric import check_metric
from stochastic_music.testing.check_model import check_model

__all__ = ["check_backend", "check_constraint", "check_energy_model", "check_labeller", "check_metric", "check_model"]
