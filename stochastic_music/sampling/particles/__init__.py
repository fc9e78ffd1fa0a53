"""Sampling under constraints where memory has no bound: crowds of particles.

crowds.py      crowds that grow, are weighed and drawn anew, and are corrected by Metropolis
foresight.py   what a Markov model of the same corpus says of the future
forms.py       plans of sections: what a particle must take from its own past
"""

from stochastic_music.sampling.particles.crowds import N_PARTICLES, particles

__all__ = ["N_PARTICLES", "particles"]
