"""Counts by context: what followed each context, in arrays that can be added and taken away.

The contexts of a term are known by their *keys*: a random linear function, modulo 2^64, of the values in the
context, each term with multipliers of its own [1]. Two contexts share a key with probability 2^-60 or so.
Key 0 means that a term is silent. A table holds its keys in ascending order, and for each key the symbols
counted there, ascending, with their counts: sums of tables are exact, whatever the order, and taking away
a piece gives what never having counted it would have given.

[1] M. Dietzfelbinger. Universal hashing and k-wise independent random variables via integer arithmetic without
    primes. STACS 1996.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stochastic_music.errors import UsageError
from stochastic_music.models.backoff_table import ragged
from stochastic_music.protocols import BoolArray, IntArray

Keys: TypeAlias = NDArray[np.uint64]

#: the symbol that every target sees in END; in values below 0 (a voice that holds its note, or rests) it sees END and
#: these together: symbols above FIXED are seen alike from every reference
END = 1 << 30
FIXED = END - 8


@dataclass(frozen=True, eq=False)
class Table:
    """Counts by key and symbol; see the module's article.

    `key` (n_keys,) uint64 and `term` (n_keys,) say which context of which term; entries of key i are those from
    `first[i]` to `first[i + 1]`; `symbol` and `count` are (n_entries,).
    """

    key: Keys
    term: IntArray
    first: IntArray
    symbol: IntArray
    count: IntArray

    @classmethod
    def empty(cls) -> Self:
        """Nothing counted."""
        none = np.zeros(0, dtype=np.int64)
        return cls(none.astype(np.uint64), none, np.zeros(1, dtype=np.int64), none, none)

    @classmethod
    def of(cls, key: Keys, term: IntArray, symbol: IntArray, count: IntArray | None = None) -> Self:
        """The sum of observations, (n,) each, in any order; those with key 0 are left out.

        >>> table = Table.of(np.array([7, 5, 7], dtype=np.uint64), np.array([0, 0, 0]), np.array([2, 1, 2]))
        >>> table.key.tolist(), table.symbol.tolist(), table.count.tolist()
        ([5, 7], [1, 2], [1, 2])
        """
        heard = key != 0
        key, term, symbol = key[heard], term[heard], symbol[heard]
        count = np.ones(len(key), dtype=np.int64) if count is None else count[heard]
        order = np.lexsort((symbol, key))
        key, term, symbol, count = key[order], term[order], symbol[order], count[order]
        new = _changes(key, symbol)
        count = np.add.reduceat(count, np.flatnonzero(new)) if len(key) else count
        key, term, symbol = key[new], term[new], symbol[new]
        if (count < 0).any():
            raise UsageError("this model has not counted all of these pieces: what it never saw cannot be forgotten")
        kept = count > 0
        return cls._grouped(key[kept], term[kept], symbol[kept], count[kept])

    @classmethod
    def _grouped(cls, key: Keys, term: IntArray, symbol: IntArray, count: IntArray) -> Self:
        new = np.flatnonzero(_changes(key))
        return cls(key[new], term[new], np.append(new, len(key)), symbol, count)

    def plus(self, other: Self, *, sign: int = 1) -> Self:
        """The sum of two tables, or with `sign` -1 their difference: counts that reach 0 are gone.

        Raises UsageError where more would be taken away than was counted.
        """
        mine, theirs = self._flat(), other._flat()
        joined = [np.concatenate(pair) for pair in zip(mine, (*theirs[:3], sign * theirs[3]), strict=True)]
        return type(self).of(*joined)

    def _flat(self) -> tuple[Keys, IntArray, IntArray, IntArray]:
        n = np.diff(self.first)
        return np.repeat(self.key, n), np.repeat(self.term, n), self.symbol, self.count

    def find(self, key: Keys) -> IntArray:
        """The row of each key, -1 where it was never counted: shaped as `key`."""
        if not len(self.key):
            return np.full(key.shape, -1, dtype=np.int64)
        row = np.minimum(self.key.searchsorted(key), len(self.key) - 1)
        return np.where(self.key[row] == key, row, -1)

    def entries(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """The entries of `rows` one after another, with the index into `rows` before them; -1 has none."""
        found = np.flatnonzero(rows >= 0)
        which, entry = ragged(self.first[rows[found]], self.first[rows[found] + 1])
        return found[which], entry


class Tally(NamedTuple):
    """The symbols that came: `ids` ascending, how often each, `times`, and in how many `pieces`: (n,) each."""

    ids: IntArray
    times: IntArray
    pieces: IntArray

    @classmethod
    def of(cls, symbols: IntArray, piece: IntArray) -> Tally:
        """The tally of symbols, each with the number of its piece: (n,) both.

        >>> [column.tolist() for column in Tally.of(np.array([7, 5, 7, 7]), np.array([0, 0, 0, 1]))]
        [[5, 7], [1, 3], [1, 2]]
        """
        ids, place, times = np.unique(symbols, return_inverse=True, return_counts=True)
        pairs = np.unique(np.stack([place, piece]), axis=1)
        return cls(ids, times, np.bincount(pairs[0], minlength=len(ids)))

    def plus(self, other: Tally, *, sign: int = 1) -> Tally:
        """The sum of two tallies, or with `sign` -1 their difference: symbols that no longer come are gone."""
        ids, place = np.unique(np.concatenate([self.ids, other.ids]), return_inverse=True)
        mine, theirs = place[: len(self.ids)], place[len(self.ids) :]
        sums = np.zeros((2, len(ids)), dtype=np.int64)
        sums[:, mine] = self[1:]
        sums[:, theirs] += sign * np.array(other[1:])
        kept = sums[0] > 0
        return Tally(ids[kept], *sums[:, kept])

    @property
    def alone(self) -> IntArray:
        """The symbols that one piece had for itself."""
        alone: IntArray = self.ids[self.pieces == 1]
        return alone

    @property
    def novelty(self) -> float:
        """Their share of all that came, with half a symbol more: never 0."""
        return float((self.times[self.pieces == 1].sum() + 0.5) / (self.times.sum() + 1))


def _changes(*columns: NDArray[np.generic]) -> BoolArray:
    """Where any of sorted columns differs from the row before; the first row does."""
    new = np.ones(len(columns[0]), dtype=bool)
    new[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return new
