"""Hidden Markov models; see `stochastic_music.models.hmm.model`."""

from stochastic_music.models.hmm.model import HMM

__all__ = ["HMM"]
