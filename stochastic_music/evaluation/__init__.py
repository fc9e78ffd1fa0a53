"""Measures of models and of what they compose: likelihood, cross-validation, originality, explanations."""

from stochastic_music.corpus.lines import Line, lines
from stochastic_music.corpus.matching import Matching
from stochastic_music.evaluation.borrowing import Borrowing, borrowing, own_borrowing
from stochastic_music.evaluation.crossval import CrossValidation, cross_validate
from stochastic_music.evaluation.explanation import Explanation, NoteExplanation, Source, explain
from stochastic_music.evaluation.known import KNOWN, encode_known
from stochastic_music.evaluation.labelling import LabelFigures, cross_validate_labeller, label_figures
from stochastic_music.evaluation.likelihood import (
    Estimate,
    bits_per_note,
    bits_per_pitch,
    bits_per_symbol,
    paired_difference,
)
from stochastic_music.evaluation.originality import Copied, Copy, Originality, OriginalityIndex
from stochastic_music.evaluation.significance import BinomialTest, binomial_test, holm, paired_permutation
from stochastic_music.evaluation.surprise import Notes, Prediction, notes_of, predict, predict_adapting

__all__ = [
    "KNOWN",
    "BinomialTest",
    "Borrowing",
    "Copied",
    "Copy",
    "CrossValidation",
    "Estimate",
    "Explanation",
    "LabelFigures",
    "Line",
    "Matching",
    "NoteExplanation",
    "Notes",
    "Originality",
    "OriginalityIndex",
    "Prediction",
    "Source",
    "binomial_test",
    "bits_per_note",
    "bits_per_pitch",
    "bits_per_symbol",
    "borrowing",
    "cross_validate",
    "cross_validate_labeller",
    "encode_known",
    "explain",
    "holm",
    "label_figures",
    "lines",
    "notes_of",
    "own_borrowing",
    "paired_difference",
    "paired_permutation",
    "predict",
    "predict_adapting",
]
