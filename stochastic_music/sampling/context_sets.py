"""Sets of contexts and the arcs that leave them, each worked out once.

In the product of a model and an automaton the same set of contexts is alive at many states of the automaton
(at beat 2 of every bar, say). So sets are sorted arrays known by a number, and arcs are fetched from the
model once a context.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochastic_music.protocols import FiniteContextModel, FloatArray, IntArray
from stochastic_music.sampling.shaping import Shaping

SmallInts = NDArray[np.int32]


class ContextSets:
    """Sorted sets of whole numbers below `n_contexts`; equal sets have equal numbers."""

    def __init__(self, n_contexts: int) -> None:
        self._sets: list[IntArray] = []
        self._number: dict[bytes, int] = {}
        self._unions: dict[frozenset[int], int] = {}
        self._within: dict[tuple[int, int], bool] = {}
        self._flag = np.zeros(n_contexts, dtype=bool)
        self._place = np.zeros(n_contexts, dtype=np.int32)
        self._placed = -1

    def __getitem__(self, number: int) -> IntArray:
        return self._sets[number]

    def distinct(self, contexts: IntArray) -> IntArray:
        """Sorted, each once."""
        if 128 * len(contexts) < len(self._flag):
            return np.unique(contexts)
        self._flag[contexts] = True
        found = np.flatnonzero(self._flag)
        self._flag[found] = False
        return found

    def add(self, contexts: IntArray) -> int:
        """The number of the set of these contexts, in any order."""
        members = self.distinct(contexts)
        number = self._number.setdefault(members.tobytes(), len(self._sets))
        if number == len(self._sets):
            self._sets.append(members)
        return number

    def union(self, numbers: Iterable[int]) -> int:
        """The number of the union of sets."""
        wanted = frozenset(numbers)
        if len(wanted) == 1:
            return next(iter(wanted))
        if wanted not in self._unions:
            self._unions[wanted] = self.add(np.concatenate([self._sets[i] for i in wanted]))
        return self._unions[wanted]

    def without(self, number: int, known: int) -> int | None:
        """The members of one set that are not in another; None if there are none."""
        rest = np.setdiff1d(self._sets[number], self._sets[known], assume_unique=True)
        return self.add(rest) if len(rest) else None

    def within(self, number: int, other: int) -> bool:
        """Whether every member of one set is in another."""
        if (number, other) not in self._within:
            self._flag[self._sets[other]] = True
            self._within[number, other] = bool(self._flag[self._sets[number]].all())
            self._flag[self._sets[other]] = False
        return self._within[number, other]

    def places(self, number: int, contexts: IntArray) -> SmallInts:
        """Where in a set its members `contexts` are."""
        if number != self._placed:
            self._place[self._sets[number]] = np.arange(len(self._sets[number]), dtype=np.int32)
            self._placed = number
        return self._place[contexts]


class Fan(NamedTuple):
    """All arcs of a set of contexts: row i owns `arcs[first[i] : first[i + 1]]`, places in the `ArcTable`.

    `symbols` are the distinct symbols in use, ascending; `code` gives each arc's place among them.
    """

    first: SmallInts
    arcs: SmallInts
    symbols: IntArray
    code: NDArray[np.int16]


class ArcTable:
    """The arcs of every context asked for so far, flat; `weight` is the reshaped `log_prob`."""

    def __init__(self, model: FiniteContextModel, shaping: Shaping) -> None:
        self.model, self._shaping = model, shaping
        self._first = np.full(model.n_contexts, -1, dtype=np.int64)
        self._count = np.zeros(model.n_contexts, dtype=np.int64)
        self._size = 0
        self._symbol = np.zeros(1024, dtype=np.int32)
        self._next = np.zeros(1024, dtype=np.int64)
        self._log_prob = np.zeros(1024)
        self._weight = self._log_prob if shaping.neutral else np.zeros(1024)

    @property
    def symbol(self) -> SmallInts:
        """The symbol of each arc."""
        return self._symbol[: self._size]

    @property
    def next_context(self) -> IntArray:
        """The context after each arc, before it hears a mark."""
        return self._next[: self._size]

    @property
    def log_prob(self) -> FloatArray:
        """Log probability of each arc under the model."""
        return self._log_prob[: self._size]

    @property
    def weight(self) -> FloatArray:
        """Log probability of each arc as it is sampled from."""
        return self._weight[: self._size]

    def fetch(self, contexts: IntArray) -> None:
        """Ask the model for the arcs of those contexts that are new."""
        new = contexts[self._first[contexts] < 0]
        if len(new):
            self._append(np.unique(new))

    def fan(self, contexts: IntArray) -> Fan:
        """The arcs of a set of contexts, which were fetched."""
        count = self._count[contexts]
        first = np.concatenate([[0], np.cumsum(count)])
        arcs = np.arange(first[-1]) + np.repeat(self._first[contexts] - first[:-1], count)
        symbol = self._symbol[arcs]
        used = np.bincount(symbol) > 0
        code = (np.cumsum(used) - 1).astype(np.int16)[symbol]
        return Fan(first.astype(np.int32), arcs.astype(np.int32), np.flatnonzero(used), code)

    def _append(self, contexts: IntArray) -> None:
        arcs = self.model.arcs(contexts)
        weight = self._shaping.ragged(arcs.row, arcs.log_prob)
        kept = np.flatnonzero(weight > -np.inf)
        self._reserve(self._size + len(kept))
        new = slice(self._size, self._size + len(kept))
        self._symbol[new], self._next[new] = arcs.symbol[kept], arcs.next_context[kept]
        self._log_prob[new], self._weight[new] = arcs.log_prob[kept], weight[kept]
        count = np.bincount(arcs.row[kept], minlength=len(contexts))
        self._first[contexts] = self._size + np.cumsum(count) - count
        self._count[contexts] = count
        self._size = new.stop

    def _reserve(self, size: int) -> None:
        if size > len(self._symbol):
            room = max(size, 2 * len(self._symbol))
            self._symbol, self._next = np.resize(self._symbol, room), np.resize(self._next, room)
            self._log_prob = np.resize(self._log_prob, room)
            self._weight = self._log_prob if self._shaping.neutral else np.resize(self._weight, room)
