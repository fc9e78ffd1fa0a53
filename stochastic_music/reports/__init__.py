"""Evaluation and pictures together: comparisons of models."""

from stochastic_music._lazy import attach

__all__ = ["compare"]

__getattr__, __dir__ = attach(__name__, {"compare": "comparison"})
