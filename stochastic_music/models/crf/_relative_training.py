"""Training of `RelativeCRF`: its likelihood, the gradient, and messages for many pieces at once.

Everything is rotated so that tonics are 0. States are root * M + mode, K = 12 M of them, the root counted from the
tonic. Events of many pieces stand in one table; `Table.steps[t]` lists the rows of the pieces that are longer than t,
the longest first, so that a step of the messages is one product of matrices. Messages are scaled to sum 1 at each step:
the potentials of a step differ by far less than floating point can hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, vstack

from stochastic_music.protocols import BoolArray, FloatArray, IntArray

#: events whose messages are held at once
AT_ONCE = 8192


class Weights(NamedTuple):
    """What is learned; M modes, K = 12 M states, A attributes, B attributes of steps.

    `state` (A, M) weighs an attribute, seen from a root, for a mode; `degree` (2, K) a state counted from the tonic, in
    major and minor; `move` (M, M, 12) a step from mode to mode by so many semitones; `stay` (B, 2) an attribute of a
    step for keeping the label, and for keeping the root.
    """

    state: FloatArray
    degree: FloatArray
    move: FloatArray
    stay: FloatArray

    @classmethod
    def nothing(cls, n_attributes: int, n_step_attributes: int, n_modes: int) -> Weights:
        """Zeros."""
        m = n_modes
        return cls(*(np.zeros(s) for s in ((n_attributes, m), (2, 12 * m), (m, m, 12), (n_step_attributes, 2))))

    def pairwise(self) -> FloatArray:
        """The potentials of steps that hold everywhere: (K, K)."""
        steps: FloatArray = self.move.reshape(-1)[moves(self.move.shape[0])]
        return steps

    def flat(self) -> FloatArray:
        """All in one vector."""
        return np.concatenate([part.ravel() for part in self])

    def like(self, flat: FloatArray) -> Weights:
        """The inverse of `flat`, for weights of these shapes."""
        parts = np.split(flat, np.cumsum([part.size for part in self])[:-1])
        return Weights(*(part.reshape(own.shape) for part, own in zip(parts, self, strict=True)))


@dataclass(frozen=True)
class Table:
    """Events of some pieces: what is seen of them (N, n_absolute) and of the steps to them (N, B), true states (N,).

    `minor` (N,) is the kind of key, 0 or 1; `steps` are the rows that stand first, second, third in their piece.
    """

    seen: csr_matrix
    steps_seen: csr_matrix
    states: IntArray
    minor: IntArray
    steps: tuple[IntArray, ...]

    @classmethod
    def of(
        cls,
        seen: Sequence[csr_matrix],
        steps_seen: Sequence[csr_matrix],
        states: Sequence[IntArray],
        minor: Sequence[bool],
    ) -> Table:
        """Pieces, one after the other."""
        lengths = np.array([len(own) for own in states])
        starts = np.cumsum(lengths) - lengths
        order = np.argsort(-lengths, kind="stable")
        steps = tuple(starts[order[lengths[order] > t]] + t for t in range(int(lengths.max())))
        kinds = np.repeat(np.array(minor, dtype=np.int64), lengths)
        return cls(vstack(seen).tocsr(), vstack(steps_seen).tocsr(), np.concatenate(states), kinds, steps)

    @property
    def later(self) -> IntArray:
        """The rows that have one before them in their piece."""
        return later_rows(self.steps)


class Potentials(NamedTuple):
    """Of all events: unary (N, K), common to all steps (K, K), and what each step adds for staying (N, 2).

    The potential of the step into row t is common[i, j] + stay[t, 0] [i = j] + stay[t, 1] [i and j have one root].
    """

    unary: FloatArray
    common: FloatArray
    stay: FloatArray


class Expected(NamedTuple):
    """What a model expects: states (N, K), steps summed (K, K), labels and roots kept (N, 2)."""

    states: FloatArray
    steps: FloatArray
    stays: FloatArray


@dataclass(frozen=True)
class Problem:
    """The penalised log likelihood of some pieces.

    `seen_from` (n_absolute, 12) is the relative attribute that an absolute one is, seen from each root, `n_attributes`
    for none; `possible` (K,) are the states that exist; `penalty` is that on weights of attributes, others have 1.
    """

    tables: tuple[Table, ...]
    seen_from: IntArray
    n_attributes: int
    n_modes: int
    possible: BoolArray
    penalty: float

    def solve(self, max_iterations: int) -> Weights:
        """The weights of the maximum."""
        start = self.nothing()
        strength = start._replace(state=np.full_like(start.state, self.penalty - 1)).flat() + 1
        given = sum((self._sums(table, self._given(table)).flat() for table in self.tables), np.zeros(strength.size))

        def loss(flat: FloatArray) -> tuple[float, FloatArray]:
            log_z, expected = self.expected(start.like(flat))
            value = log_z - float(given @ flat) + 0.5 * float(strength @ (flat * flat))
            return value, expected.flat() - given + strength * flat

        options: Any = {"maxiter": max_iterations, "maxcor": 10}
        found = minimize(loss, start.flat(), jac=True, method="L-BFGS-B", options=options)
        return start.like(np.asarray(found.x, dtype=np.float64))

    def nothing(self) -> Weights:
        """Weights of zero."""
        return Weights.nothing(self.n_attributes, self.tables[0].steps_seen.shape[1], self.n_modes)

    def expected(self, weights: Weights) -> tuple[float, Weights]:
        """Log Z of all pieces together, and how often the model expects what each weight counts."""
        total, counts = 0.0, np.zeros(weights.flat().size)
        by_attribute = unary_weights(weights.state, self.seen_from)
        for table in self.tables:
            unary = np.where(self.possible, table.seen @ by_attribute + weights.degree[table.minor], -np.inf)
            potentials = Potentials(unary, weights.pairwise(), np.asarray(table.steps_seen @ weights.stay))
            log_z, expected = expectations(potentials, table.steps)
            total += log_z
            counts += self._sums(table, expected).flat()
        return total, weights.like(counts)

    def _given(self, table: Table) -> Expected:
        """What a model expects that is sure of the true states."""
        k, truth, later = 12 * self.n_modes, table.states, table.later
        states, steps, stays = np.zeros((len(truth), k)), np.zeros((k, k)), np.zeros((len(truth), 2))
        states[np.arange(len(truth)), truth] = 1
        before, now = truth[later - 1], truth[later]
        np.add.at(steps, (before, now), 1)
        stays[later, 0] = before == now
        stays[later, 1] = before // self.n_modes == now // self.n_modes
        return Expected(states, steps, stays)

    def _sums(self, table: Table, expected: Expected) -> Weights:
        """How often what each weight counts is expected."""
        total = self.nothing()
        by_root = np.asarray(table.seen.T @ expected.states).reshape(-1, self.n_modes)
        for mode in range(self.n_modes):
            sums = np.bincount(self.seen_from.ravel(), by_root[:, mode], minlength=self.n_attributes + 1)
            total.state[:, mode] = sums[: self.n_attributes]
        for kind in (0, 1):
            total.degree[kind] = expected.states[table.minor == kind].sum(axis=0)
        total.move.reshape(-1)[:] = np.bincount(
            moves(self.n_modes).ravel(), expected.steps.ravel(), minlength=total.move.size
        )
        return total._replace(stay=np.asarray(table.steps_seen.T @ expected.stays))


def together(lengths: Sequence[int], at_most: int = AT_ONCE) -> list[list[int]]:
    """Which pieces share a table: the longest first, until a table holds `at_most` events.

    >>> together([3, 5, 4, 1], at_most=8)
    [[1], [2, 0, 3]]
    """
    tables: list[list[int]] = []
    filled = at_most
    for piece in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if filled + lengths[piece] > at_most:
            tables.append([])
            filled = 0
        tables[-1].append(piece)
        filled += lengths[piece]
    return tables


def unary_weights(state: FloatArray, seen_from: IntArray) -> FloatArray:
    """The weight of each absolute attribute for each state: (n_absolute, K)."""
    padded = np.concatenate([state, np.zeros((1, state.shape[1]))])
    weights: FloatArray = padded[seen_from].reshape(len(seen_from), 12 * state.shape[1])
    return weights


def expectations(potentials: Potentials, steps: Sequence[IntArray]) -> tuple[float, Expected]:
    """Log Z of all pieces together and what is expected, by messages through all pieces at once."""
    top = potentials.unary.max(axis=1, keepdims=True)
    node = np.exp(potentials.unary - top)
    most = float(potentials.common.max())
    edge = _Edge(np.exp(potentials.common - most), np.exp(potentials.stay))
    ahead, behind, scale = np.zeros_like(node), np.ones_like(node), np.ones((len(node), 1))
    for t, rows in enumerate(steps):
        weight = node[rows] if t == 0 else node[rows] * edge.onward(ahead[rows - 1], rows)
        scale[rows] = weight.sum(axis=1, keepdims=True)
        ahead[rows] = weight / scale[rows]
    for rows in reversed(steps[1:]):
        behind[rows - 1] = edge.back(behind[rows] * node[rows] / scale[rows], rows)
    later = later_rows(steps)
    stays = np.zeros((len(node), 2))
    summed, stays[later] = edge.shares(ahead[later - 1], behind[later] * node[later] / scale[later], later)
    log_z = float(np.log(scale).sum() + top.sum()) + most * len(later)
    return log_z, Expected(ahead * behind, summed, stays)


class _Edge:
    """The weights of steps: `common` (K, K), times `stay` (N, 2) where the label, and where the root, stays."""

    def __init__(self, common: FloatArray, stay: FloatArray) -> None:
        self.common, self.label, self.root = common, stay[:, :1], stay[:, 1:]
        self.diagonal = np.diag(common).copy()
        self.n_modes = len(common) // 12
        self.places = [slice(at, at + self.n_modes) for at in range(0, len(common), self.n_modes)]
        self.blocks = np.stack([common[own, own] for own in self.places])

    def onward(self, message: FloatArray, rows: IntArray) -> FloatArray:
        """Messages (n, K) one step on, into `rows`."""
        return self._through(message, rows, self.common, self.blocks)

    def back(self, message: FloatArray, rows: IntArray) -> FloatArray:
        """Messages (n, K) of `rows` one step back."""
        return self._through(message, rows, self.common.T, self.blocks.transpose(0, 2, 1))

    def _through(self, message: FloatArray, rows: IntArray, common: FloatArray, blocks: FloatArray) -> FloatArray:
        root, label = self.root[rows], self.label[rows]
        within = _joined(np.matmul(self._apart(message), blocks))
        out: FloatArray = message @ common + (root - 1) * within + root * (label - 1) * self.diagonal * message
        return out

    def shares(self, ahead: FloatArray, behind: FloatArray, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        """Expected steps, summed over `rows` (K, K), and of each row that label and root stay (n, 2)."""
        root, label = self.root[rows], self.label[rows]
        summed = (ahead.T @ behind) * self.common
        inside = np.matmul(self._apart(ahead * (root - 1)).transpose(0, 2, 1), self._apart(behind)) * self.blocks
        for place, block in zip(self.places, inside, strict=True):
            summed[place, place] += block
        kept = ahead * behind * self.diagonal
        diagonal = np.arange(len(self.diagonal))
        summed[diagonal, diagonal] += (root * (label - 1) * kept).sum(axis=0)
        same_label = kept.sum(axis=1, keepdims=True)
        same_root = (_joined(np.matmul(self._apart(ahead), self.blocks)) * behind).sum(axis=1, keepdims=True)
        stays = np.concatenate([root * label * same_label, root * (same_root + (label - 1) * same_label)], axis=1)
        return summed, stays

    def _apart(self, message: FloatArray) -> FloatArray:
        """(n, K) to (12, n, M)."""
        return message.reshape(len(message), 12, self.n_modes).transpose(1, 0, 2)


def _joined(parts: FloatArray) -> FloatArray:
    """(12, n, M) to (n, K)."""
    return parts.transpose(1, 0, 2).reshape(parts.shape[1], 12 * parts.shape[2])


def later_rows(steps: Sequence[IntArray]) -> IntArray:
    """The rows that have one before them in their piece."""
    return np.concatenate([np.zeros(0, dtype=np.int64), *steps[1:]])


def moves(n_modes: int) -> IntArray:
    """Where the step from state to state stands in the flat (M, M, 12) table of moves: (K, K)."""
    root, mode = np.divmod(np.arange(12 * n_modes), n_modes)
    up = (root[None, :] - root[:, None]) % 12
    places: IntArray = (mode[:, None] * n_modes + mode[None, :]) * 12 + up
    return places
