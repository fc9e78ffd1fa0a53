"""Models of sequences of symbols; each is read with its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stochastic_music._lazy import attach
from stochastic_music.models.base import BaseModel, corpus_log_probs

if TYPE_CHECKING:
    from stochastic_music.models.hmm import HMM
    from stochastic_music.models.markov import Markov
    from stochastic_music.models.maxent import MaxEnt
    from stochastic_music.models.mixture import Glide, Mixture, Moment
    from stochastic_music.models.online import STM, OnlinePPM
    from stochastic_music.models.ppm import PPM

_HOMES = {
    **{"HMM": "hmm", "Markov": "markov", "MaxEnt": "maxent", "PPM": "ppm", "OnlinePPM": "online", "STM": "online"},
    **{"Glide": "mixture", "Mixture": "mixture", "Moment": "mixture"},
}

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

__getattr__, __dir__ = attach(__name__, _HOMES)
