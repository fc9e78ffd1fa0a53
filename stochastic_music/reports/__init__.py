"""Evaluation and pictures together: comparisons of models, and looks inside them."""

from typing import TYPE_CHECKING

from stochastic_music._lazy import attach

if TYPE_CHECKING:
    from stochastic_music.reports.comparison import compare as compare
    from stochastic_music.reports.inspection import inspect as inspect

__all__ = ["compare", "inspect"]

__getattr__, __dir__ = attach(__name__, {"compare": "comparison", "inspect": "inspection"})
