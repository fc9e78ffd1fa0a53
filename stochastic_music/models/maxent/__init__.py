"""Pairwise maximum-entropy models of sequences, learned and drawn by Markov chains."""

from stochastic_music.models.maxent.chains import Chains
from stochastic_music.models.maxent.model import MaxEnt

__all__ = ["Chains", "MaxEnt"]
