"""Many chains at once, on NumPy, in loops that Numba compiles, or on a GPU: equal seeds give equal notes on each.

    TransitionTable  (table)   --alias-->   AliasTable  (alias)   --simulate, on a Backend-->   Chains  (simulation)

What a back end computes is integers alone, by one arithmetic (`alias`) on counted random words (`_random.lanes`).
"""

from stochastic_music.sampling.backends.alias import AliasTable
from stochastic_music.sampling.backends.simulation import Backend, Chains, Make, simulate
from stochastic_music.sampling.backends.table import TransitionTable

__all__ = ["AliasTable", "Backend", "Chains", "Make", "TransitionTable", "simulate"]
