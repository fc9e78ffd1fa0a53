"""Proposals that move notes about, and mixtures of proposals.

Each is a small frozen value with `propose(rng, chains) -> (pieces, log_hastings)`, where log_hastings is
log q(back) - log q(forth): 0 where the way back is as likely as the way there, -inf where there is nothing to propose.
A place is drawn evenly among the events of each piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stochastic_music.errors import InvalidParameterError
from stochastic_music.protocols import BoolArray, FloatArray
from stochastic_music.sampling.metropolis.chains import Chains, Draws, Pieces
from stochastic_music.sampling.metropolis.layout import Layout
from stochastic_music.sampling.metropolis.step import OWN, WHICH, Proposal


@dataclass(frozen=True)
class Mixture:
    """One of several proposals each step, drawn by weight, the same for all chains.

    Every part leaves the target as it is, so the mixture does. Raises InvalidParameterError without proposals, and for
    weights that are not above 0, or not one each.
    """

    proposals: tuple[Proposal, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.proposals or len(self.weights) != len(self.proposals):
            raise InvalidParameterError(
                f"{len(self.weights)} weights arrived for {len(self.proposals)} proposals: give one each, one at least"
            )
        for proposal, weight in zip(self.proposals, self.weights, strict=True):
            if not 0 < weight < np.inf:
                raise InvalidParameterError(
                    f"the weight of {proposal.name} is {weight:g}; expected a number above 0 (or leave it out)"
                )

    @property
    def name(self) -> str:
        """The parts with their weights."""
        return ",".join(f"{p.name}:{w:g}" for p, w in zip(self.proposals, self.weights, strict=True))

    def draw(self, rng: Draws) -> int:
        """Which one it is at this step."""
        return rng.together(np.array(self.weights), WHICH)

    def propose(self, rng: Draws, chains: Chains) -> tuple[Pieces, FloatArray]:
        """What the one that is drawn proposes."""
        return self.proposals[self.draw(rng)].propose(rng, chains)


@dataclass(frozen=True)
class Swap:
    """Two notes, `reach` events apart at most, change places; their lengths stay where they are. Symmetric."""

    layout: Layout
    reach: int = 4
    name: str = "swap"

    def propose(self, rng: Draws, chains: Chains) -> tuple[Pieces, FloatArray]:
        """The notes of two events exchanged."""
        counts, events = self.layout.n_events(chains.pieces), self.layout.events(chains.pieces)
        first = rng.below(counts, OWN)
        second = first + 1 + rng.below(self.reach, OWN + 1)
        possible = second < counts
        rows, second = np.arange(len(counts)), np.where(possible, second, first)
        events = events.copy()
        for tone in self.layout.tones:
            one, other = events[rows, first, tone], events[rows, second, tone]
            events[rows, first, tone], events[rows, second, tone] = other, one
        return self.layout.pieces(events, counts), allowed(possible)


@dataclass(frozen=True)
class Transpose:
    """Up to `longest` notes in a row move together, up or down, by `reach` semitones at most. Symmetric."""

    layout: Layout
    longest: int = 4
    reach: int = 4
    name: str = "transpose"

    def propose(self, rng: Draws, chains: Chains) -> tuple[Pieces, FloatArray]:
        """The notes of a span moved."""
        counts, events = self.layout.n_events(chains.pieces), self.layout.events(chains.pieces)
        first = rng.below(counts, OWN)
        last = first + rng.below(self.longest, OWN + 1)
        size = rng.below(2 * self.reach, OWN + 2) - self.reach
        by = np.where(size >= 0, size + 1, size)
        place = np.arange(events.shape[1])
        inside = (place >= first[:, None]) & (place <= last[:, None])
        moved, there = self.layout.raised(events, (by[:, None] * inside)[..., None])
        possible = (last < counts) & (there | ~inside[..., None]).all(axis=(1, 2))
        moved = np.where(possible[:, None, None], moved, events)
        return self.layout.pieces(moved, counts), allowed(possible)


def allowed(possible: BoolArray) -> FloatArray:
    """0 where something was proposed, -inf elsewhere: (n,)."""
    found: FloatArray = np.where(possible, 0.0, -np.inf)
    return found


def mixture(proposals: Sequence[tuple[Any, float]]) -> Mixture:
    """A mixture of pairs (proposal, weight)."""
    return Mixture(tuple(p for p, _ in proposals), tuple(float(w) for _, w in proposals))
