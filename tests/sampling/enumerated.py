"""Transition matrices of proposals, worked out path by path: the ground truth of the Metropolis tests."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from stochastic_music.sampling.metropolis.chains import Chains, Pieces, picked


@dataclass
class Script:
    """Random numbers that follow a script, and note every choice that was open: one chain."""

    choices: list[int]
    step: int = 0
    n: int = 1
    open: list[np.ndarray] = field(default_factory=list)

    def _next(self, probabilities):
        self.open.append(np.asarray(probabilities, dtype=float))
        place = len(self.open) - 1
        if place == len(self.choices):
            self.choices.append(int(np.flatnonzero(probabilities > 0)[0]))
        return self.choices[place]

    def below(self, counts, slot):  # noqa: ARG002
        n = max(int(np.atleast_1d(counts)[0]), 1)
        return np.array([self._next(np.full(n, 1 / n))])

    def choose(self, weights, slot):  # noqa: ARG002
        row = weights[0] / weights[0].sum()
        return np.array([self._next(row)])

    def together(self, weights, slot):  # noqa: ARG002
        return self._next(weights / weights.sum())

    def probability(self):
        return np.prod([row[choice] for row, choice in zip(self.open, self.choices, strict=True)])

    def following(self):
        """The next script in order, None after the last."""
        for place in range(len(self.open) - 1, -1, -1):
            later = np.flatnonzero(self.open[place][self.choices[place] + 1 :] > 0)
            if len(later):
                return [*self.choices[:place], self.choices[place] + 1 + int(later[0])]
        return None


def key_of(pieces: Pieces, row: int = 0):
    return tuple(pieces.symbols[row, : pieces.lengths[row]].tolist())


def paths(proposal, chain: Chains):
    """Every (probability, proposed piece, log Hastings) that a proposal may come to from one chain."""
    script = []
    while script is not None:
        rng = Script(script)
        pieces, log_hastings = proposal.propose(rng, chain)
        yield rng.probability(), key_of(pieces), float(log_hastings[0]), pieces
        script = rng.following()


def transition_matrix(proposal, chains: Chains, target) -> np.ndarray:
    """P(state i -> state j) of one step, states being the chains; what leads outside is impossible under the target."""
    names = [key_of(chains.pieces, i) for i in range(len(chains.lengths))]
    place = {name: i for i, name in enumerate(names)}
    matrix = np.zeros((len(names), len(names)))
    for i in range(len(names)):
        chain = picked(chains, np.array([i]))
        total, moves = 0.0, defaultdict(float)
        for probability, name, log_hastings, pieces in paths(proposal, chain):
            total += probability
            if name in place:
                gain = chains.log_density[place[name]] - chains.log_density[i] + log_hastings
                moves[name] += probability * np.exp(min(0.0, gain))
            else:
                assert np.isneginf(target(pieces)[0][0]), name
        assert np.isclose(total, 1.0)
        for name, probability in moves.items():
            if name != names[i]:
                matrix[i, place[name]] = probability
        matrix[i, i] = 1 - matrix[i].sum()
    return matrix


def imbalance(matrix: np.ndarray, log_density: np.ndarray) -> float:
    """The greatest |pi_i P_ij - pi_j P_ji|."""
    density = np.exp(log_density - log_density.max())
    flow = (density / density.sum())[:, None] * matrix
    return float(np.abs(flow - flow.T).max())
