"""Models of sequences of symbols."""

from stochastic_music.models.base import BaseModel, corpus_log_probs
from stochastic_music.models.markov import Markov

__all__ = ["BaseModel", "Markov", "corpus_log_probs"]
