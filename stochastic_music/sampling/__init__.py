"""Drawing pieces from models: ancestral, exactly conditioned on constraints, or masked step by step."""

from stochastic_music.sampling.drawing import Guarantee, Sample
from stochastic_music.sampling.exact import MAX_ARCS, ExactSampler
from stochastic_music.sampling.sample import MAX_EVENTS, Method, sample
from stochastic_music.sampling.shaping import Shaping

__all__ = ["MAX_ARCS", "MAX_EVENTS", "ExactSampler", "Guarantee", "Method", "Sample", "Shaping", "sample"]
