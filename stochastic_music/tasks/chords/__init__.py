"""Chord labelling: learned from scores with chords, told of others."""

from stochastic_music.tasks.chords.analysis import Analysis, ChordSpan
from stochastic_music.tasks.chords.labeller import ANALYSES, ChordLabeller, Figures, cross_validated, measured

__all__ = ["ANALYSES", "Analysis", "ChordLabeller", "ChordSpan", "Figures", "cross_validated", "measured"]
