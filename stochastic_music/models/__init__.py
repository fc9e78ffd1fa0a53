"""Models of sequences of symbols."""

from stochastic_music.models.base import BaseModel, corpus_log_probs
from stochastic_music.models.markov import Markov
from stochastic_music.models.ppm import PPM

__all__ = ["PPM", "BaseModel", "Markov", "corpus_log_probs"]
