"""One step of the Metropolis-Hastings algorithm [1, 2], for many chains at once, and the exchange of replicas [3].

A proposal gives a changed piece, and the log of how much likelier the way back is than the way there,
log q(back) - log q(forth). The change is accepted with probability

    min(1, exp(beta (log density of the new - log density of the old) + log q(back) - log q(forth)))

and otherwise the chain stays. Whatever the proposal, the chain then leaves exp(beta log density) as it is.

[1] N. Metropolis, A. Rosenbluth, M. Rosenbluth, A. Teller, E. Teller. Equation of state calculations by fast
    computing machines. Journal of Chemical Physics 21(6), 1953.
[2] W. K. Hastings. Monte Carlo sampling methods using Markov chains and their applications. Biometrika 57(1), 1970.
[3] R. H. Swendsen, J.-S. Wang. Replica Monte Carlo simulation of spin-glasses. Physical Review Letters 57(21), 1986.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np

from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.sampling.metropolis.chains import Chains, Draws, Pieces, Readings, merged, picked

#: slots of the draws of a step that are not the proposal's
ACCEPT, WHICH, EXCHANGE = 0, 1, 2
#: the first slot that is the proposal's
OWN = 8


class LogDensity(Protocol):
    """What chains walk on; `near` are the chains from which the pieces were made, so that work is saved."""

    def __call__(self, pieces: Pieces, near: Chains | None = None) -> tuple[FloatArray, FloatArray, Readings]:
        """Log densities (n,), the terms they are made of (n, n_terms), and what readers found."""


class Proposal(Protocol):
    """A way to change pieces."""

    @property
    def name(self) -> str:
        """What reports call it."""

    def propose(self, rng: Draws, chains: Chains) -> tuple[Pieces, FloatArray]:
        """Changed pieces, and log q(back) - log q(forth): (n,), -inf where nothing can be proposed."""


class Info(NamedTuple):
    """What a step did: which chains moved (n,), and the number of the proposal among those of a mixture.

    A chain whose change was accepted, and left it as it was, has not moved.
    """

    accepted: BoolArray
    which: int


def begin(log_density: LogDensity, pieces: Pieces) -> Chains:
    """Chains that stand at `pieces`."""
    return _known(log_density, pieces, None)


def step(
    rng: Draws, chains: Chains, log_density: LogDensity, proposal: Proposal, beta: FloatArray | float = 1.0
) -> tuple[Chains, Info]:
    """One step of every chain, at inverse temperatures `beta` (n,); see the module's article. Nothing is mutated."""
    which, proposal = drawn(rng, proposal)
    proposed, log_hastings = proposal.propose(rng, chains)
    new = _known(log_density, proposed, chains)
    gain = beta * (new.log_density - chains.log_density) + log_hastings
    moves = (proposed.symbols != chains.symbols).any(axis=1) | (proposed.lengths != chains.lengths)
    accepted = moves & (np.log1p(-rng.uniforms(ACCEPT)) < gain)
    return taken(accepted, new, chains), Info(accepted, which)


def _known(log_density: LogDensity, pieces: Pieces, near: Chains | None) -> Chains:
    total, terms, readings = log_density(pieces, near)
    return Chains(pieces.symbols, pieces.lengths, total, terms, readings)


def drawn(rng: Draws, proposal: Any) -> tuple[int, Proposal]:
    """The proposal of this step: one of a mixture's, by weight, or the one there is."""
    if not hasattr(proposal, "draw"):
        return 0, proposal
    which: int = proposal.draw(rng)
    return which, proposal.proposals[which]


def taken(accepted: BoolArray, new: Chains, old: Chains) -> Chains:
    """The new chains where `accepted` (n,) holds, the old ones elsewhere."""
    if not accepted.any():
        return old
    wide = accepted[:, None]
    return Chains(
        np.where(wide, new.symbols, old.symbols),
        np.where(accepted, new.lengths, old.lengths),
        np.where(accepted, new.log_density, old.log_density),
        np.where(wide, new.terms, old.terms),
        {reader: merged(accepted, reading, old.readings[reader]) for reader, reading in new.readings.items()},
    )


def exchange(rng: Draws, chains: Chains, beta: FloatArray, n_rungs: int) -> tuple[Chains, BoolArray]:
    """Neighbours on each ladder of temperatures change places, where their densities allow [3].

    Row i stands on rung i % n_rungs of ladder i // n_rungs. At even steps rungs 0 and 1, 2 and 3, ... are neighbours,
    at odd ones 1 and 2, 3 and 4, ...; a pair is exchanged with probability
    min(1, exp((beta_i - beta_j) (log density_j - log density_i))). Gives which rows were exchanged, too.
    """
    place = np.arange(len(chains.lengths))
    rung = place % n_rungs
    low = (rung % 2 == rng.step % 2) & (rung + 1 < n_rungs)
    partner = np.where(low, np.minimum(place + 1, len(place) - 1), place)
    gain = (beta - beta[partner]) * (chains.log_density[partner] - chains.log_density)
    swaps = low & (np.log1p(-rng.uniforms(EXCHANGE)) < gain)
    rows = _exchanged(place, swaps)
    return picked(chains, rows), rows != place


def _exchanged(place: IntArray, swaps: BoolArray) -> IntArray:
    rows = place.copy()
    rows[swaps] = place[swaps] + 1
    rows[np.flatnonzero(swaps) + 1] = place[swaps]
    return rows
