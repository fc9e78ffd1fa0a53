"""Learning by pseudo-likelihood: each symbol of the corpus given all the others.

The normalising constant of a pairwise model is out of reach, those of its conditionals are not [1]. What is maximised
is the sum, over all events and fields, of log p(x_tf | everything else), less l2 / 2 times the squares of all
potentials but the bias; it is concave. All conditionals of the corpus at once are one product of a sparse matrix of
ones, which says what stands around each event, with a table of the potentials; its transpose gives the gradient.
Products and sums over events are computed in a `Room`, share by share; L-BFGS itself stays on the host.

[1] J. Besag. Statistical analysis of non-lattice data. The Statistician 24, 1975.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_array

from stochastic_music._backends import Room, as_numpy, sparse_matrix
from stochastic_music.models.deadline import Deadline
from stochastic_music.models.maxent.events import Columns, Events, strung
from stochastic_music.models.maxent.potentials import Potentials, pair_blocks, within_events
from stochastic_music.protocols import BoolArray, FloatArray, IntArray


class Surroundings:
    """What stands around each event, as a sparse matrix of ones: (n_events, M + Q + 2 K (Q + 1)).

    Its columns are the marks, the event's own symbols, then what came d = 1 .. K events before, and d after.
    """

    def __init__(self, events: Events, columns: Columns, reach: int) -> None:
        rows, at = strung(events, columns, reach)
        globals_ = np.stack([columns.columns_of(f)[rows[:, f]] for f in range(columns.n_fields)], axis=1)
        m, q = len(columns.marks), columns.n_columns
        marks = np.where(events.marks == m, -1, events.marks)[:, None]
        seen = [marks, _shifted(globals_[at], m)]
        for step, first in ((-1, m + q), (1, m + q + reach * (q + 1))):
            seen += [_shifted(globals_[at + step * (d + 1)], first + d * (q + 1)) for d in range(reach)]
        self.matrix = _ones(np.hstack(seen), m + q + 2 * reach * (q + 1))

    def logits(self, potentials: Potentials, columns: Columns, blocked: BoolArray) -> FloatArray:
        """The log of what each column's conditional probability is proportional to, field by field: (n_events, Q)."""
        logits: FloatArray = self.matrix @ _stacked(potentials, columns, blocked) + potentials.bias
        return logits


def conditionals(logits: Any, columns: Columns, xp: Any = np) -> Any:
    """Log probabilities of each field's columns, which sum to one: (n_events, Q)."""
    out = xp.empty_like(logits)
    for a, b in pairwise(columns.bounds.tolist()):
        shifted = logits[:, a:b] - logits[:, a:b].max(axis=1, keepdims=True)
        out[:, a:b] = shifted - xp.log(xp.exp(shifted).sum(axis=1, keepdims=True))
    return out


#: numbers of an array of events and columns, at most
_NUMBERS, _NUMBERS_ON_GPU = 1 << 24, 1 << 28


def room_on(backend: str) -> Room:
    """Where work on arrays of events and columns is done. Raises as `Room`."""
    return Room(backend, numbers=_NUMBERS, numbers_on_gpu=_NUMBERS_ON_GPU)


class Share(NamedTuple):
    """Some events: what stands around them, turned as well, the rows' numbers (n, 1), and their columns (n, fields)."""

    around: Any
    turned: Any
    rows: Any
    target: Any


class Fit(NamedTuple):
    """Potentials, how many steps they took, and whether the search came to rest."""

    potentials: Potentials
    n_steps: int
    converged: bool


class Objective:
    """The loss that learning makes small, in nats an event, and its gradient."""

    def __init__(
        self, events: Events, columns: Columns, reach: int, l2: float, blocked: BoolArray, *, room: Room | None = None
    ) -> None:
        self.columns, self.blocked, self.l2 = columns, blocked, l2
        self.around = Surroundings(events, columns, reach)
        self.shape = Potentials.zeros(columns, reach)
        self.target = events.values + columns.bounds[:-1]
        self.n = len(events.values)
        self._blocks = pair_blocks(columns)
        self._room = room or room_on("numpy")
        self._laid_out: tuple[Any, int] | None = None
        self._shares: list[Share] = []

    def start(self) -> Potentials:
        """Biases alone: how often each symbol comes."""
        counts = np.bincount(self.target.ravel(), minlength=self.columns.n_columns)
        return self.shape._replace(bias=np.log(counts))

    def __call__(self, flat: FloatArray) -> tuple[float, FloatArray]:
        """Loss and gradient at potentials laid out flat."""
        potentials = self.shape.filled(flat)
        said, total, stacked = self._room.run(lambda: self._summed(potentials))
        penalty = self.l2 / 2 * sum(float(np.vdot(part, part)) for part in potentials[1:])
        return (penalty - said) / self.n, self._gradient(potentials, total, stacked).flat() / self.n

    def _summed(self, potentials: Potentials) -> tuple[float, FloatArray, FloatArray]:
        """The log probability of all events, and what expectation exceeds count by: (Q,), and by surroundings."""
        xp = self._room.xp
        table = xp.asarray(_stacked(potentials, self.columns, self.blocked))
        bias = xp.asarray(potentials.bias)
        said, total, stacked = 0.0, xp.zeros(bias.shape), xp.zeros(table.shape)
        for share in self._laid(xp):
            log_probs = conditionals(share.around @ table + bias, self.columns, xp)
            said += float(log_probs[share.rows, share.target].sum())
            surplus = xp.exp(log_probs)
            surplus[share.rows, share.target] -= 1.0
            total += surplus.sum(axis=0)
            stacked += share.turned @ surplus
        return said, as_numpy(total), as_numpy(stacked)

    def _laid(self, xp: Any) -> list[Share]:
        """All events in shares, laid out anew where there is less room than there was."""
        room = (xp, self._room.numbers)
        if self._laid_out != room:
            size = max(self._room.numbers // self.columns.n_columns, 1)
            self._laid_out, self._shares = room, []
            self._shares = [self._share(slice(first, first + size), xp) for first in range(0, self.n, size)]
        return self._shares

    def _share(self, events: slice, xp: Any) -> Share:
        around, target = self.around.matrix[events], self.target[events]
        turned = around.T if xp is np else around.T.tocsr()
        rows = xp.arange(len(target))[:, None]
        return Share(sparse_matrix(around, xp), sparse_matrix(turned, xp), rows, xp.asarray(target))

    def _gradient(self, potentials: Potentials, total: FloatArray, stacked: FloatArray) -> Potentials:
        q, m = self.columns.n_columns, len(self.columns.marks)
        own = stacked[m : m + q]
        before, after = np.split(stacked[m + q :].reshape(-1, q + 1, q), 2)
        across = self.l2 * potentials.across
        across[:, :, :q] += before
        across[:, :q, :] += after.transpose(0, 2, 1)
        within = np.where(self._blocks, own + own.T, 0.0)
        return Potentials(
            total,
            stacked[:m] + self.l2 * potentials.place,
            within + self.l2 * potentials.within,
            across,
        )


def learned(
    objective: Objective,
    *,
    n_steps: int,
    tolerance: float = 1e-7,
    told: Callable[[int], None] | None = None,
    deadline: Deadline | None = None,
) -> Fit:
    """The potentials of least loss, by L-BFGS until `deadline`; `told` hears of each step."""
    taken, limit = 0, deadline or Deadline(None)

    def heard(_: Any) -> None:
        nonlocal taken
        taken += 1
        if told is not None:
            told(taken)
        if limit.passed():
            raise StopIteration

    search: Any = minimize  # whose stubs do not know that `jac=True` goes with a pair
    found = search(
        objective,
        objective.start().flat(),
        jac=True,
        method="L-BFGS-B",
        callback=heard,
        options={"maxiter": n_steps, "ftol": tolerance, "gtol": 1e-7, "maxcor": 20},
    )
    return Fit(objective.shape.filled(found.x), taken, bool(found.success))


def _stacked(potentials: Potentials, columns: Columns, blocked: BoolArray) -> FloatArray:
    """What each column of `Surroundings` adds to each symbol: (M + Q + 2 K (Q + 1), Q)."""
    q = columns.n_columns
    own = within_events(potentials, columns, blocked)
    before = potentials.across[:, :, :q].reshape(-1, q)
    after = potentials.across[:, :q, :].transpose(0, 2, 1).reshape(-1, q)
    return np.concatenate([potentials.place, own, before, after])


def _shifted(columns: IntArray, by: int) -> IntArray:
    return np.where(columns < 0, -1, columns + by)


def _ones(columns: IntArray, width: int) -> Any:
    """A sparse matrix with ones where `columns` (n, k) says, -1 being nowhere."""
    there = columns >= 0
    pointers = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    return csr_array((np.ones(int(there.sum())), columns[there], pointers), shape=(len(columns), width))
