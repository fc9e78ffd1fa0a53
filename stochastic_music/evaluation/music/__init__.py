"""Measures of music itself: functions of scores, and of sets of scores."""

from stochastic_music.evaluation.music.distances import Comparison, Densities, Summary, compared, summaries
from stochastic_music.evaluation.music.diversity import DIVERSITY, Diversity, diversity
from stochastic_music.evaluation.music.features import FEATURES, NOTE_LENGTHS, Feature, Features, features_of
from stochastic_music.evaluation.music.judge import Judgement, Telling, judge
from stochastic_music.evaluation.music.metrics import Described, Metric, described, measured
from stochastic_music.evaluation.music.repetition import bar_similarity, mean_curve, similarity_curve
from stochastic_music.evaluation.music.shape import SHAPE, Average, Shape, approaches, averages, shape_of
from stochastic_music.evaluation.music.top_line import TopLine, top_line

__all__ = [
    "DIVERSITY",
    "FEATURES",
    "NOTE_LENGTHS",
    "SHAPE",
    "Average",
    "Comparison",
    "Densities",
    "Described",
    "Diversity",
    "Feature",
    "Features",
    "Judgement",
    "Metric",
    "Shape",
    "Summary",
    "Telling",
    "TopLine",
    "approaches",
    "averages",
    "bar_similarity",
    "compared",
    "described",
    "diversity",
    "features_of",
    "judge",
    "mean_curve",
    "measured",
    "shape_of",
    "similarity_curve",
    "summaries",
    "top_line",
]
