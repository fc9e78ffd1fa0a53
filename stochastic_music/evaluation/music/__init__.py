"""Measures of music itself: functions of scores, and of sets of scores."""

from stochastic_music.evaluation.music.distances import Comparison, Densities, Summary, compared, summaries
from stochastic_music.evaluation.music.features import FEATURES, NOTE_LENGTHS, Feature, Features, features_of

__all__ = [
    "FEATURES",
    "NOTE_LENGTHS",
    "Comparison",
    "Densities",
    "Feature",
    "Features",
    "Summary",
    "compared",
    "features_of",
    "summaries",
]
