"""Models of sequences of symbols."""

from stochastic_music.models.base import BaseModel, corpus_log_probs
from stochastic_music.models.hmm import HMM
from stochastic_music.models.markov import Markov
from stochastic_music.models.maxent import MaxEnt
from stochastic_music.models.mixture import Glide, Mixture, Moment
from stochastic_music.models.online import STM, OnlinePPM
from stochastic_music.models.ppm import PPM

__all__ = [
    "HMM",
    "PPM",
    "STM",
    "BaseModel",
    "Glide",
    "Markov",
    "MaxEnt",
    "Mixture",
    "Moment",
    "OnlinePPM",
    "corpus_log_probs",
]
