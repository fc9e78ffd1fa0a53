"""The table behind a back-off model, rows made of it, and what smoothing makes it of; see `backoff` for the form.

What is stored is sparse; a row is made when it is asked for, a whole batch at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stochastic_music.models.contexts import Contexts, added_up, narrow, taken
from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.tokens import Vocabulary

_OF_TABLE = ("probability", "weight", "base", "speaker", "shorter", "total")


@dataclass(frozen=True, eq=False)
class BackoffTable:
    """The next symbol after each context; see the article of `backoff`.

    `probability` is (n_entries,), aligned with the entries of `contexts`; `weight` (n_contexts,).
    `speaker` (n_contexts,) is the context that predicts for a context (None: each for itself); `shorter`
    (n_contexts,) what it backs off to (None: its parent), -1 being `base`, (n_fields + 1, n_symbols). Rows are
    divided by `total`, (n_contexts,) (None: 1).
    """

    contexts: Contexts
    probability: FloatArray
    weight: FloatArray
    base: FloatArray
    speaker: IntArray | None = None
    shorter: IntArray | None = None
    total: FloatArray | None = None

    def speakers(self, contexts: IntArray) -> IntArray:
        """The contexts that predict for `contexts`: (n,)."""
        return contexts if self.speaker is None else taken(self.speaker, contexts)

    def shortened(self, contexts: IntArray) -> IntArray:
        """The contexts that `contexts` back off to, -1 where that is `base`: (n,)."""
        return self.contexts.shortened(contexts) if self.shorter is None else taken(self.shorter, contexts)

    def scales(self, contexts: IntArray) -> FloatArray:
        """What the rows of `contexts` are multiplied by, so that they sum to 1: (n,)."""
        one: FloatArray = self.contexts.xp.ones(len(contexts))
        return one if self.total is None else one / self.total[contexts]

    def look_up(self, contexts: IntArray, symbols: IntArray) -> FloatArray:
        """The log of P(symbol | context) of each pair: (n,)."""
        xp, due = self.contexts.xp, self.contexts.due_after(contexts)
        probability, rows, at = self.scales(contexts), xp.arange(len(contexts)), self.speakers(contexts)
        for _ in self.contexts.shortenings():
            if not len(rows):
                break
            entry = self.contexts.find(at, symbols[rows])
            hit = entry >= 0
            probability[rows] *= xp.where(hit, self.probability[entry], self.weight[at])
            at = xp.where(hit, -1, self.shortened(at))
            bottom = rows[~hit & (at < 0)]
            probability[bottom] *= self.base[due[bottom], symbols[bottom]]
            rows, at = rows[at >= 0], at[at >= 0]
        with np.errstate(divide="ignore"):
            log_probs: FloatArray = xp.log(probability)
        return log_probs

    def on(self, xp: Any) -> Self:
        """The same table for `look_up`, and steps of its contexts, on arrays of `xp`, NumPy or CuPy."""
        columns = {name: getattr(self, name) for name in _OF_TABLE}
        sent = {name: xp.asarray(column) for name, column in columns.items() if column is not None}
        return replace(self, contexts=self.contexts.on(xp), **sent)

    @property
    def by_parents(self) -> bool:
        """Whether every context predicts for itself and backs off to its parent."""
        return self.speaker is None and self.shorter is None

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What `from_arrays` needs, besides the contexts."""
        columns = {name: getattr(self, name) for name in _OF_TABLE}
        return {
            name: narrow(column) if column.dtype.kind == "i" else column
            for name, column in columns.items()
            if column is not None
        }

    @classmethod
    def from_arrays(cls, contexts: Contexts, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        return cls(contexts, **{name: arrays[name] for name in _OF_TABLE if name in arrays})


@dataclass(frozen=True, eq=False)
class Grid:
    """Rows over *columns*: a symbol's column is its rank in the alphabet of its field, END's the last.

    `column` is (n_symbols,), `symbol` (n_fields + 1, width) with -1 where a field has fewer symbols;
    `base` and `root` say, in the same shape, what holds where no context saw the symbol.
    """

    table: BackoffTable
    column: IntArray
    symbol: IntArray
    base: FloatArray
    root: IntArray

    @classmethod
    def of(cls, table: BackoffTable, vocabulary: Vocabulary) -> Grid:
        """The columns of a vocabulary, END apart."""
        due = vocabulary.due_mask[:-1, :-1]
        width = int(due.sum(axis=1).max(initial=0)) + 1
        column = np.full(vocabulary.n_symbols, width - 1, dtype=np.int64)
        symbol = np.full((vocabulary.n_fields + 1, width), -1, dtype=np.int64)
        for field, mask in enumerate(due):
            members = np.flatnonzero(mask)
            column[members] = np.arange(len(members))
            symbol[field, : len(members)] = members
        symbol[[0, -1], -1] = vocabulary.end
        roots = np.arange(vocabulary.n_fields + 1, dtype=np.int64)[:, None]
        base = np.where(symbol >= 0, table.base[roots, symbol], 0.0)
        return cls(table, column, symbol, base, table.contexts.after(roots, symbol))

    @property
    def width(self) -> int:
        """Columns a row."""
        return int(self.symbol.shape[1])

    def rows(self, contexts: IntArray) -> tuple[FloatArray, IntArray]:
        """Probability and target of every column after each context: (m, width) both."""
        known, due = self.table.contexts, self.table.contexts.due_after(contexts)
        scale = self.table.scales(contexts)
        heard = self._heard(self.table.speakers(contexts), self.table.shortened, scale)
        probability: FloatArray = self.base[due] * scale[:, None]
        said = _latest(heard.cell, probability.size)
        there = np.flatnonzero(said >= 0)
        at = said[there]
        probability.reshape(-1)[there] = self.table.probability[heard.entry[at]] * heard.weight[at]
        if not self.table.by_parents:
            heard = self._heard(contexts, known.shortened, scale)
        target = known.fallen(contexts[:, None], self.root[due])
        found = taken(known.entries.target, heard.entry)
        longer = np.flatnonzero(found >= known.n_roots)
        led = _latest(heard.cell[longer], target.size)
        there = np.flatnonzero(led >= 0)
        target.reshape(-1)[there] = found[longer[led[there]]]
        return probability, target

    def _heard(self, at: IntArray, shortened: Callable[[IntArray], IntArray], scale: FloatArray) -> _Heard:
        """What each context has heard, and the shorter ones within it; the shortest first.

        `scale` is left as what remains for the base.
        """
        known, rows, rungs = self.table.contexts, np.arange(len(at)), list[tuple[IntArray, IntArray, FloatArray]]()
        for _ in known.shortenings():
            rungs.append((rows, at, scale[rows]))
            scale[rows] *= self.table.weight[at]
            at = shortened(at)
            rows, at = rows[at >= 0], at[at >= 0]
            if not len(rows):
                break
        rows, at, weight = (np.concatenate(column) for column in zip(*reversed(rungs), strict=True))
        first = taken(known.rows, at)
        last = np.minimum(taken(known.rows, at + 1), first + self.width)  # damaged files may say any number
        rung, entry = ragged(first, last)
        column = self.column[known.entries.key[entry] % known.base]
        return _Heard(rows[rung] * self.width + column, entry, weight[rung])


class _Heard(NamedTuple):
    """Entries, the cells of a grid that they speak of, and the weights with which they count: (n,) each."""

    cell: IntArray
    entry: IntArray
    weight: FloatArray


def _latest(cells: IntArray, size: int) -> IntArray:
    """Where each of `size` cells is named last, -1 where it is not: (size,)."""
    latest = np.full(size, -1, dtype=np.int64)
    np.maximum.at(latest, cells, np.arange(len(cells)))  # plain assignment promises no order
    return latest


def ragged(first: IntArray, last: IntArray) -> tuple[IntArray, IntArray]:
    """The numbers first[i] .. last[i] - 1 one after another, with their i before them.

    >>> [x.tolist() for x in ragged(np.array([5, 9]), np.array([7, 10]))]
    [[0, 0, 1], [5, 6, 9]]
    """
    count = last - first
    row = np.repeat(np.arange(len(count)), count)
    return row, np.arange(len(row)) + (first - np.cumsum(count) + count)[row]


def order_minus_one(contexts: Contexts, count: FloatArray, vocabulary: Vocabulary) -> FloatArray:
    """Symbols of the alphabet that were never seen share what their field's root leaves: equal parts of 1.

    Where every symbol of a field was seen the row is zero. (n_fields + 1, n_symbols)
    """
    unseen = vocabulary.due_mask.copy()
    n_root = int(contexts.rows[contexts.bounds[1]])
    seen = count[:n_root] > 0
    unseen[contexts.entries.context[:n_root][seen], contexts.entries.element[:n_root][seen]] = False
    share: FloatArray = unseen / np.maximum(unseen.sum(axis=1, keepdims=True), 1)
    return share


def interpolated(contexts: Contexts, kept: FloatArray, given: FloatArray, base: FloatArray) -> BackoffTable:
    """P(w | c) = (kept(c, w) + given(c) P(w | c')) / (sum of kept(c, .) + given(c)), c' being the next shorter context.

    `kept` is (n_entries,), `given` (n_contexts,); roots back off to `base`, (n_fields + 1, n_symbols).
    A context that nothing followed passes on what the shorter one says.
    """
    entries = contexts.entries
    mass = totals(contexts, kept) + given
    some = np.where(mass > 0, mass, 1.0)
    weight = np.where(mass > 0, given / some, 1.0)
    probability = kept / some[entries.context]
    levels = np.searchsorted(entries.context, contexts.bounds)
    for first, last in pairwise(levels):
        context, element, suffix = entries.context[first:last], entries.element[first:last], entries.suffix[first:last]
        below = np.where(suffix < 0, base[contexts.due[context], element], probability[suffix])
        probability[first:last] += weight[context] * below
    return BackoffTable(contexts, probability, weight, base)


def says_nothing_new(contexts: Contexts) -> BoolArray:
    """Contexts whose oldest event is incomplete and that were seen as often as the next shorter one: (n_contexts,)."""
    n = totals(contexts, contexts.entries.count.astype(np.float64))
    same: BoolArray = n == n[contexts.parent]
    same[: contexts.bounds[1]] = False
    same &= ~contexts.whole
    return same


def spoken(contexts: Contexts, mass: FloatArray) -> IntArray:
    """For each context the longest one within it whose `mass` is above 0, else its root: (n_contexts,)."""
    out = np.arange(contexts.n_contexts, dtype=np.int64)
    for first, last in pairwise(contexts.bounds[1:]):
        out[first:last] = np.where(mass[first:last] > 0, out[first:last], out[contexts.parent[first:last]])
    return out


def continuation_counts(contexts: Contexts) -> FloatArray:
    """In how many contexts one element longer each entry was seen; its count, where none is longer: (n_entries,)."""
    suffix = contexts.entries.suffix
    longer = added_up(suffix[suffix >= 0], len(suffix))
    return np.where(longer > 0, longer, contexts.entries.count).astype(np.float64)


def totals(contexts: Contexts, count: FloatArray) -> FloatArray:
    """What the entries of each context add up to: (n_contexts,)."""
    return added_up(contexts.entries.context, contexts.n_contexts, count).astype(np.float64)
