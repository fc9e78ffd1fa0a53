"""Checks of the contracts, for authors of models and constraints."""

from stochastic_music.testing.check_constraint import check_constraint
from stochastic_music.testing.check_model import check_model

__all__ = ["check_constraint", "check_model"]
