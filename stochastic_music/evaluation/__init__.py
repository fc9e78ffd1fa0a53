"""Measures of models and of what they compose: likelihood, cross-validation, originality."""

from stochastic_music.evaluation.crossval import CrossValidation, cross_validate
from stochastic_music.evaluation.likelihood import (
    Estimate,
    bits_per_note,
    bits_per_pitch,
    bits_per_symbol,
    paired_difference,
)
from stochastic_music.evaluation.originality import Copy, Line, Originality, OriginalityIndex, lines

__all__ = [
    "Copy",
    "CrossValidation",
    "Estimate",
    "Line",
    "Originality",
    "OriginalityIndex",
    "bits_per_note",
    "bits_per_pitch",
    "bits_per_symbol",
    "cross_validate",
    "lines",
    "paired_difference",
]
