"""Evaluation and pictures together: comparisons of models."""

from typing import TYPE_CHECKING

from stochastic_music._lazy import attach

if TYPE_CHECKING:
    from stochastic_music.reports.comparison import compare as compare

__all__ = ["compare"]

__getattr__, __dir__ = attach(__name__, {"compare": "comparison"})
