"""Viewpoints on music: what they are, how they are written, how they are counted and weighed."""

from stochastic_music.models.viewpoints.language import Term, parse
from stochastic_music.models.viewpoints.past import NONE, Past
from stochastic_music.models.viewpoints.viewpoint import Viewpoint, derived, find, known_viewpoints, observed, register

__all__ = ["NONE", "Past", "Term", "Viewpoint", "derived", "find", "known_viewpoints", "observed", "parse", "register"]
