"""Sets of contexts and the arcs that leave them, each worked out once.

In the product of a model and an automaton the same set of contexts is alive at many states of the automaton
(at beat 2 of every bar, say). So sets are sorted arrays known by a number, and arcs are fetched from the
model once a context.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from stochastic_music.errors import ProductTooLargeError
from stochastic_music.protocols import Arcs, FiniteContextModel, FloatArray, IntArray
from stochastic_music.sampling.shaping import Shaping

SmallInts = NDArray[np.int32]
_Number = TypeVar("_Number", bound=np.generic)
#: contexts whose arcs are asked for at once: between two parts a table that outgrows its limit is noticed
_AT_ONCE = 1 << 16


class ContextSets:
    """Sorted sets of whole numbers below `n_contexts`, which may grow; equal sets have equal numbers."""

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

    def make_room(self, n_contexts: int) -> None:
        """Take contexts below `n_contexts` from now on."""
        if n_contexts > len(self._flag):
            room = max(n_contexts, 2 * len(self._flag))
            self._flag = np.zeros(room, dtype=bool)
            self._place = grown(self._place, room)

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
    """The arcs of every context asked for so far, flat; `weight` is the reshaped `log_prob`.

    `n_contexts`, `start` and `hear` are the model's; tables of other contexts say what these are, and where their arcs
    come from (`_found`). `cost` says for how many arcs each one counts towards a limit.
    """

    cost = 1

    def __init__(self, model: FiniteContextModel, shaping: Shaping) -> None:
        self.model, self.shaping = model, shaping
        self._first = np.full(model.n_contexts, -1, dtype=np.int64)
        self._count = np.zeros(model.n_contexts, dtype=np.int64)
        self._size = 0
        self._symbol = np.zeros(1024, dtype=np.int32)
        self._next = np.zeros(1024, dtype=np.int64)
        self._log_prob = np.zeros(1024)
        self._weight = self._log_prob if shaping.neutral else np.zeros(1024)

    def __len__(self) -> int:
        return self._size

    @property
    def n_contexts(self) -> int:
        """How many contexts there are so far."""
        return self.model.n_contexts

    def start(self) -> int:
        """The context before the first symbol."""
        return self.model.start()

    def hear(self, contexts: IntArray, marks: IntArray) -> IntArray:
        """The contexts after reading the clock's marks."""
        return self.model.hear(contexts, marks)

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

    def unshaped(self, contexts: IntArray) -> Arcs:
        """The arcs of contexts as they were before shaping, which are not kept."""
        return self.model.arcs(contexts)

    def fetch(self, contexts: IntArray, limit: int) -> None:
        """Find the arcs of those contexts that are new; ProductTooLargeError where the table outgrows `limit` arcs."""
        self._make_room(self.n_contexts, self._size)  # contexts are met by hearing marks, too
        new = np.unique(contexts[self._first[contexts] < 0])
        for first in range(0, len(new), _AT_ONCE):
            self._append(new[first : first + _AT_ONCE], limit)
            check_size(self.cost * self._size, limit)

    def rows(self, contexts: IntArray) -> tuple[IntArray, IntArray]:
        """The arcs of contexts that were fetched, as places in the table, with the row of each before them."""
        count = self._count[contexts]
        row = np.repeat(np.arange(len(contexts)), count)
        return row, np.arange(len(row)) + (self._first[contexts] - np.cumsum(count) + count)[row]

    def fan(self, contexts: IntArray) -> Fan:
        """The arcs of a set of contexts, which were fetched."""
        _, arcs = self.rows(contexts)
        first = np.append(0, np.cumsum(self._count[contexts]))
        symbol = self._symbol[arcs]
        used = np.bincount(symbol) > 0
        code = (np.cumsum(used) - 1).astype(np.int16)[symbol]
        return Fan(first.astype(np.int32), arcs.astype(np.int32), np.flatnonzero(used), code)

    def _found(self, contexts: IntArray, limit: int) -> tuple[Arcs, FloatArray]:  # noqa: ARG002, for tables of tables
        """The arcs of new contexts, and their weights."""
        arcs = self.model.arcs(contexts)
        return arcs, self.shaping.ragged(arcs.row, arcs.log_prob)

    def _append(self, contexts: IntArray, limit: int) -> None:
        arcs, weight = self._found(contexts, limit)
        self._make_room(self.n_contexts, self._size + len(weight))
        kept = np.flatnonzero(weight > -np.inf)
        new = slice(self._size, self._size + len(kept))
        self._symbol[new], self._next[new] = arcs.symbol[kept], arcs.next_context[kept]
        self._log_prob[new], self._weight[new] = arcs.log_prob[kept], weight[kept]
        count = np.bincount(arcs.row[kept], minlength=len(contexts))
        self._first[contexts] = self._size + np.cumsum(count) - count
        self._count[contexts] = count
        self._size = new.stop

    def _make_room(self, n_contexts: int, n_arcs: int) -> None:
        if n_contexts > len(self._first):
            n_known, room = len(self._first), max(n_contexts, 2 * len(self._first))
            self._first, self._count = grown(self._first, room), grown(self._count, room)
            self._first[n_known:] = -1
        if n_arcs > len(self._symbol):
            room = max(n_arcs, 2 * len(self._symbol))
            self._symbol, self._next = grown(self._symbol, room), grown(self._next, room)
            self._log_prob = grown(self._log_prob, room)
            self._weight = self._log_prob if self.shaping.neutral else grown(self._weight, room)


def grown(values: NDArray[_Number], room: int) -> NDArray[_Number]:
    """A copy of an array with `room` entries, zeros at the end."""
    out = np.zeros(room, dtype=values.dtype)
    out[: len(values)] = values
    return out


def check_size(n_arcs: int, limit: int) -> None:
    """Raise ProductTooLargeError where there are more than `limit` arcs."""
    if n_arcs > limit:
        raise ProductTooLargeError(
            f"the constraint and the model together have more than {limit:,} arcs: "
            "use a lower order or fewer constraints, raise max_arcs (--max-arcs), or ask for method='particle'"
        )
