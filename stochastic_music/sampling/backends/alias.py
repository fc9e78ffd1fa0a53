"""Alias tables: rows of probabilities, laid out so that a draw takes one random word and one read of memory.

A row of n probabilities becomes 2^k columns of equal mass, 2^k the least power of two that is not below n. Each column
is shared by two arcs at most, its *own* one below a threshold and its *alias* above [1, 2]. A 64-bit word draws: its
upper k bits choose the column, its lower 32 bits, below the threshold or not, the arc.

    entry     = first column of the row + (word >> 32 >> (32 - k))
    the arc   = own if (word & 0xFFFFFFFF) < threshold else alias

**Rounding.** Probabilities are first rounded to whole *units* of 2^-(32 + k), 2^-32 of a column, and what that leaves
over or takes too much goes to the largest of the row. From there on all is integers, and exact: an arc of u units is
drawn with probability u / 2^(32 + k). So an arc of probability 0 is never drawn, nor one below half a unit (at most
2^-33; one draw in 8 thousand million); and rows that differ in their last bits, as those of two machines may, give
equal tables.

**Construction.** In each row, *light* columns hold less than a column's mass and *heavy* ones the rest, both in the
order of their arcs. The present heavy one fills up light ones until it is light itself, and is then filled up by the
next heavy one. Which one fills which follows from running sums of what is missing and of what is too much [3]: no loop,
and the same table everywhere. Within a row both sums come to the same, so that all rows are done at once.

**Two layouts.** What draws is the same in both; the first is half as large.

    even    (n, 1): threshold << 32 | own << 16 | alias     chains whose symbols are their states, at most 2^16 of them;
    each
            column is repeated until all rows have 2^k columns, k that of the longest row, so state s begins at s << k
    wide    (n, 2): the symbols in place of the targets, and in a second word own << 32 | alias, which are *places*: the
            first column of the target's row << 5 | its k

[1] A. J. Walker. An efficient method for generating discrete random variables with general distributions. ACM TOMS 3,
1977.
[2] M. D. Vose. A linear algorithm for generating random numbers with a given distribution. IEEE TSE 17(9), 1991.
[3] L. Hübschle-Schneider, P. Sanders. Parallel weighted random sampling. ESA 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stochastic_music.errors import ProductTooLargeError
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.sampling.backends.table import TransitionTable

Words: TypeAlias = NDArray[np.uint64]
#: where chains stand, and the symbols that they give
Places: TypeAlias = NDArray[np.uint32]
Symbols: TypeAlias = NDArray[np.uint16] | NDArray[np.uint32]
#: what a column holds, in units
_FULL = 1 << 32
#: bits of a place that tell how many columns a row has, and columns that places can tell apart
WIDTH_BITS, _MOST_COLUMNS = 5, 1 << 27
#: symbols that fit beside a threshold
_MOST_SYMBOLS = 1 << 16
#: rows of equal length may take so many times the columns that they need, or so many columns
_ROOMY, _SMALL = 2, 1 << 18


class Columns(NamedTuple):
    """The columns of all rows, one row after the other: row i has 2^bits[i] of them, from first[i] on.

    `threshold` (n,), below 2^32, in units; `own` and `alias` (n,) are arcs. A column of one arc has it as both.
    """

    first: IntArray
    bits: IntArray
    threshold: IntArray
    own: IntArray
    alias: IntArray


def columns(offsets: IntArray, probability: FloatArray) -> Columns:
    """The columns of rows of probabilities: arcs offsets[i] to offsets[i + 1], at least one of each row above 0.

    >>> columns(np.array([0, 3]), np.array([0.5, 0.25, 0.25])).threshold.tolist()  # and one column for nobody
    [0, 0, 0, 0]
    >>> columns(np.array([0, 2]), np.array([0.75, 0.25]))[2:]  # of two columns, the second is half its own
    (array([         0, 2147483648]), array([0, 1]), array([0, 0]))
    """
    n_arcs, bits = np.diff(offsets), _widths(offsets)
    first = np.append(0, np.cumsum(1 << bits))
    row = np.repeat(np.arange(len(n_arcs)), n_arcs)
    place = np.arange(len(row)) - offsets[row] + first[row]
    mass, arc = np.zeros(first[-1], dtype=np.int64), np.zeros(first[-1], dtype=np.int64)
    mass[place], arc[place] = units(offsets, probability, bits), np.arange(len(row))
    threshold, alias = _filled(mass)
    return Columns(first[:-1], bits, threshold, np.where(threshold > 0, arc, arc[alias]), arc[alias])


def _widths(offsets: IntArray) -> IntArray:
    """The k of each row."""
    return np.ceil(np.log2(np.maximum(np.diff(offsets), 1))).astype(np.int64)


def choose(weights: FloatArray, words: Words) -> IntArray:
    """One column of each row (n, k) of probabilities by its word (n,), as chains of a table draw: (n,).

    The arcs of a row are its columns above 0, of which there must be one.

    >>> choose(np.array([[0.0, 0.75, 0.25]] * 2), np.array([1 << 31, 3 << 62], dtype=np.uint64)).tolist()
    [1, 2]
    """
    row, arc = np.nonzero(weights > 0)
    made = columns(np.searchsorted(row, np.arange(len(weights) + 1)), weights[row, arc])
    at = made.first + ((words >> np.uint64(32)) >> (32 - made.bits).astype(np.uint64)).astype(np.int64)
    own = (words & np.uint64(0xFFFFFFFF)).astype(np.int64) < made.threshold[at]
    chosen: IntArray = arc[np.where(own, made.own[at], made.alias[at])]
    return chosen


def units(offsets: IntArray, probability: FloatArray, bits: IntArray) -> IntArray:
    """Probabilities in whole units, those of row i adding up to 2^(32 + bits[i]).

    >>> units(np.array([0, 3]), np.full(3, 1 / 3), np.array([0])).tolist()
    [1431655766, 1431655765, 1431655765]
    """
    row = np.repeat(np.arange(len(bits)), np.diff(offsets))
    total = np.float64(_FULL) * (1 << bits)
    mass = np.rint(probability * (total / np.add.reduceat(probability, offsets[:-1]))[row]).astype(np.int64)
    largest = np.flatnonzero(mass == np.maximum.reduceat(mass, offsets[:-1])[row])
    largest = largest[np.searchsorted(row[largest], np.arange(len(bits)))]
    mass[largest] += (_FULL << bits) - np.add.reduceat(mass, offsets[:-1])
    return mass


def _filled(mass: IntArray) -> tuple[IntArray, IntArray]:
    """The threshold of each column, 0 where one arc has it all, and the column whose arc is its alias."""
    light, heavy = np.flatnonzero(mass < _FULL), np.flatnonzero(mass >= _FULL)
    missing = np.append(0, np.cumsum(_FULL - mass[light]))  # before each light column, and at the end
    spare = np.cumsum(mass[heavy] - _FULL)  # up to and with each heavy one
    threshold, alias = np.zeros_like(mass), np.arange(len(mass))
    threshold[light] = mass[light]
    alias[light] = heavy[np.searchsorted(spare, missing[:-1], side="right")]
    lent = missing[np.searchsorted(missing, spare)] - spare  # what a heavy one gave beyond what it could spare
    drained = np.flatnonzero(lent)
    threshold[heavy[drained]] = _FULL - lent[drained]
    alias[heavy[drained]] = heavy[drained + 1]
    return threshold, alias


@dataclass(frozen=True, eq=False)
class AliasTable:
    """A transition table as back ends read it: `words` (n_columns, 1 or 2), see the module's article.

    `places` (n_states,) is where chains stand that are in a state. `bits` is the k of all rows, -1 in the wide layout.
    """

    words: Words
    places: Places
    bits: int
    n_symbols: int
    start: int
    end: int | None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the symbols."""
        return np.dtype(np.uint32 if self.tells_places else np.uint16)

    @property
    def tells_places(self) -> bool:
        """Whether back ends write places, not symbols: those of plain chains of too many states for 16 bits."""
        return self.n_symbols > _MOST_SYMBOLS

    def symbols(self, told: Symbols) -> Symbols:
        """The symbols of what back ends wrote."""
        return np.searchsorted(self.places, told).astype(np.uint32) if self.tells_places else told

    @classmethod
    def of(cls, table: TransitionTable) -> Self:
        """Raises ProductTooLargeError past 2^27 columns."""
        n_columns = int((1 << _widths(table.offsets)).sum())
        if n_columns > _MOST_COLUMNS:
            raise ProductTooLargeError(
                f"the table has {n_columns:,} columns, and places for {_MOST_COLUMNS:,}: "
                "use a lower order, or fewer states"
            )
        if table.n_symbols > _MOST_SYMBOLS and not table.plain:
            raise ProductTooLargeError(f"the table has {table.n_symbols:,} symbols; expected {_MOST_SYMBOLS:,} at most")
        made = columns(table.offsets, table.probability)
        even = table.plain and table.n_states <= _MOST_SYMBOLS
        size = len(made.bits) << int(made.bits.max(initial=0))
        even = even and size <= max(_SMALL, _ROOMY * n_columns)
        return cls._even(table, made) if even else cls._wide(table, made)

    @classmethod
    def _even(cls, table: TransitionTable, made: Columns) -> Self:
        bits = int(made.bits.max(initial=0))
        words = _packed(made.threshold, table.target[made.own], table.target[made.alias])
        repeated = np.repeat(words, np.repeat(1 << (bits - made.bits), 1 << made.bits))
        return cls(
            repeated[:, None], np.arange(table.n_states, dtype=np.uint32), bits, table.n_symbols, table.start, table.end
        )

    @classmethod
    def _wide(cls, table: TransitionTable, made: Columns) -> Self:
        places = made.first << WIDTH_BITS | made.bits
        symbol = table.symbol if table.n_symbols <= _MOST_SYMBOLS else np.zeros_like(table.symbol)
        first = _packed(made.threshold, symbol[made.own], symbol[made.alias])
        own, alias = (places[table.target[arc]].astype(np.uint64) for arc in (made.own, made.alias))
        return cls(
            np.stack([first, own << np.uint64(32) | alias], axis=1),
            places.astype(np.uint32),
            -1,
            table.n_symbols,
            table.start,
            table.end,
        )


def _packed(threshold: IntArray, own: IntArray, alias: IntArray) -> Words:
    return (threshold << 32).astype(np.uint64) | (own << 16 | alias).astype(np.uint64)
