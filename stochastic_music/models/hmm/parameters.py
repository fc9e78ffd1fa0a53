"""The numbers of a hidden Markov model, what EM counts for them, and how counts become numbers again.

`Parameters` are probabilities: of the first state, of the step from state to state, and of each column of each
field's emission table given the state. `Counts` are what the E-step expects of each. The M-step adds the pseudo-counts
of `Priors` and divides: a maximum a posteriori estimate under Dirichlet priors of concentration 1 + pseudo-count [1].
A row to which neither counts nor pseudo-counts come stays as it was.

A field that is heard in the light of the clock has an emission table in blocks, (K, n_blocks, size): each block is
normalised by itself, since the mark is known before the event.

Topologies are transitions that are allowed, and pseudo-counts:

    full           every state may follow every state
    left_to_right  a piece starts in state 0, and states never decrease [2]
    sticky         as full; staying has `stickiness` pseudo-counts more [3]

The prior of an emission spreads `emission` pseudo-counts over the alphabet as the corpus does, with T / (N + T) of them
for symbols it never brings, where N symbols of T kinds were seen (Witten-Bell): so every state can emit every declared
symbol, and a state without data emits what the corpus holds.

[1] J.-L. Gauvain, C.-H. Lee. Maximum a posteriori estimation for multivariate Gaussian mixture observations of Markov
    chains. IEEE Transactions on Speech and Audio Processing 2(2), 1994.
[2] R. Bakis. Continuous speech recognition via centisecond acoustic states. JASA 59(S1), 1976.
[3] E. B. Fox, E. B. Sudderth, M. I. Jordan, A. S. Willsky. A sticky HDP-HMM. Annals of Applied Statistics 5(2A), 2011.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stochastic_music.protocols import BoolArray, FloatArray, IntArray

TOPOLOGIES = ("full", "left_to_right", "sticky")


class Parameters(NamedTuple):
    """Probabilities: `start` (K,), `transitions` (K, K) as [from, to], `emissions` (K, size) for each field.

    Of fields in blocks they are (K, n_blocks, size).
    """

    start: FloatArray
    transitions: FloatArray
    emissions: tuple[FloatArray, ...]

    @property
    def n_states(self) -> int:
        """K."""
        return len(self.start)

    def with_padding(self) -> list[FloatArray]:
        """Emission tables by column, silent and impossible at the end: (size + 2, K) each."""
        one, zero = np.ones((1, self.n_states)), np.zeros((1, self.n_states))
        return [np.concatenate([table.reshape(self.n_states, -1).T, one, zero]) for table in self.emissions]


class Counts(NamedTuple):
    """How often each thing is expected to have happened: shapes as in `Parameters`; and of what likelihood, in nats."""

    start: FloatArray
    transitions: FloatArray
    emissions: tuple[FloatArray, ...]
    log_likelihood: float = 0.0


class Priors(NamedTuple):
    """Pseudo-counts, as `Parameters`, and which starts and steps there are at all: (K,) and (K, K).

    `lasting` says that states are meant to last.
    """

    start: FloatArray
    transitions: FloatArray
    emissions: tuple[FloatArray, ...]
    may_start: BoolArray
    may_step: BoolArray
    lasting: bool = False

    def log_density(self, parameters: Parameters) -> float:
        """The logarithm of the prior density at `parameters`, up to a constant."""
        pairs = zip(self[:2], parameters[:2], strict=True)
        emitted = zip(self.emissions, parameters.emissions, strict=True)
        return sum(_weighted_logs(pseudo, p) for pseudo, p in (*pairs, *emitted))


def priors(
    topology: str,
    n_states: int,
    bases: Sequence[FloatArray],
    *,
    start: float,
    transition: float,
    emission: float,
    stickiness: float,
) -> Priors:
    """The pseudo-counts of a topology; `bases` (size,) are what a state without data emits, for each field."""
    may_start, may_step = allowed(topology, n_states)
    transitions = np.where(may_step, transition, 0.0)
    if topology == "sticky":
        transitions = transitions + stickiness * np.eye(n_states)
    emissions = tuple(np.stack([emission * base] * n_states) for base in bases)
    return Priors(np.where(may_start, start, 0.0), transitions, emissions, may_start, may_step, topology != "full")


def allowed(topology: str, n_states: int) -> tuple[BoolArray, BoolArray]:
    """Where a piece may start, (K,), and which steps there are, (K, K)."""
    if topology == "left_to_right":
        return np.arange(n_states) == 0, np.triu(np.ones((n_states, n_states), dtype=bool))
    return np.ones(n_states, dtype=bool), np.ones((n_states, n_states), dtype=bool)


def base_distribution(counts: FloatArray, declared: BoolArray) -> FloatArray:
    """What a state without data emits: symbols (size,) as they were counted, and T of N + T parts for all declared.

    >>> base_distribution(np.array([3.0, 1.0, 0.0, 0.0]), np.array([True, True, True, False])).round(3).tolist()
    [0.611, 0.278, 0.111, 0.0]
    """
    kinds = max(int((counts > 0).sum()), 1)
    even = declared / max(int(declared.sum()), 1)
    base: FloatArray = (counts + kinds * even) / (counts.sum() + kinds)
    return base


def block_bases(counts: FloatArray, declared: BoolArray) -> FloatArray:
    """`base_distribution` of each block of a table, (n_blocks, size), leaning on that of all blocks together."""
    overall = base_distribution(counts.sum(axis=0), declared)
    kinds = np.maximum((counts > 0).sum(axis=1, keepdims=True), 1)
    bases: FloatArray = (counts + kinds * overall) / (counts.sum(axis=1, keepdims=True) + kinds)
    return bases


def random_start(prior: Priors, bases: Sequence[FloatArray], generator: np.random.Generator) -> Parameters:
    """Parameters to begin EM with: emissions scattered around `bases`, steps around those allowed.

    A topology in which states last begins with states that last.
    """
    n_states = len(prior.start)
    start = _scattered(prior.may_start.astype(float), generator, 1.0)
    steps = prior.may_step + prior.lasting * n_states * np.eye(n_states)
    transitions = np.stack([_scattered(row, generator, 1.0) for row in steps])
    emissions = tuple(np.stack([_scattered(base, generator, 1.0) for _ in range(n_states)]) for base in bases)
    return Parameters(start, transitions, emissions)


def maximised(counts: Counts, prior: Priors, last: Parameters) -> Parameters:
    """The M-step; rows to which nothing comes stay as in `last`."""
    emissions = zip(counts.emissions, prior.emissions, last.emissions, strict=True)  # counts come without blocks
    return Parameters(
        _shares(counts.start + prior.start, last.start),
        _shares(counts.transitions + prior.transitions, last.transitions),
        tuple(_shares(count.reshape(pseudo.shape) + pseudo, old) for count, pseudo, old in emissions),
    )


def counted(states: Sequence[IntArray], columns: Sequence[IntArray], n_states: int, sizes: Sequence[int]) -> Counts:
    """What happened, where states are given: (n_events,) and columns (n_events, n_fields) of each piece."""
    start, transitions = np.zeros(n_states), np.zeros((n_states, n_states))
    emissions = tuple(np.zeros((n_states, size + 2)) for size in sizes)
    for path, events in zip(states, columns, strict=True):
        start[path[:1]] += 1
        np.add.at(transitions, (path[:-1], path[1:]), 1)
        for f, table in enumerate(emissions):
            np.add.at(table, (path, events[:, f]), 1)
    return Counts(start, transitions, tuple(table[:, :-2] for table in emissions))


def n_free(prior: Priors, seen: Sequence[int]) -> int:
    """How many numbers are learned; of emissions those of symbols that the corpus brings, `seen` of them a field."""
    n_states = len(prior.start)
    steps = int(prior.may_step.sum()) - n_states
    return int(prior.may_start.sum()) - 1 + steps + n_states * sum(max(n - 1, 0) for n in seen)


def _scattered(base: FloatArray, generator: np.random.Generator, spread: float) -> FloatArray:
    weights = base * np.exp(spread * generator.standard_normal(base.shape))
    scattered: FloatArray = weights / weights.sum(axis=-1, keepdims=True)
    return scattered


def _shares(weights: FloatArray, last: FloatArray) -> FloatArray:
    """Rows divided by their sums, those of `last` where there is nothing."""
    total = weights.sum(axis=-1, keepdims=True)
    empty = total < np.finfo(np.float64).tiny
    shares: FloatArray = np.where(empty, last, weights / np.where(empty, 1.0, total))
    return shares


def _weighted_logs(pseudo: FloatArray, p: FloatArray) -> float:
    used = pseudo > 0
    with np.errstate(divide="ignore"):
        return float((pseudo[used] * np.log(p[used])).sum())
