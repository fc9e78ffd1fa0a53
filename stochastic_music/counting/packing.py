"""Windows of symbols as 64-bit integers, latest symbol first: windows that end alike are neighbours once sorted.

A symbol s is the digit s + 1; the digit 0 stands for what is before a piece (`BEFORE`, -1, as a symbol). A digit takes
as many bits as the vocabulary needs, and the window (..., x, y, z) is z, y, x, ... from the highest bits down: without
its lowest digit, an integer is the window that is shorter by its oldest symbol.

As many symbols as fit are packed. Longer windows are numbered length by length (Karp, Miller and Rosenberg 1972): the
place of their latest symbols in the table of all such windows takes the upper bits, the symbols before these, in no
more than 32 bits, the lower ones. That keeps the order.

    bits of a symbol    8   9  10    13    16       17       32
    packed              8   7   6     4     4        3        2
    numbered, up to         8   8  6, 8  6, 8  4 ... 8  3 ... 8

R. M. Karp, R. E. Miller, A. L. Rosenberg (1972). Rapid identification of repeated patterns in strings, trees and
arrays. Proc. 4th ACM Symposium on Theory of Computing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochastic_music.counting.tally import Keys
from stochastic_music.errors import InvalidParameterError, VocabularyError
from stochastic_music.protocols import IntArray

#: what stands before a piece, as a symbol of a window
BEFORE = -1
#: the longest windows
LONGEST = 8
#: bits of the number of a window
_NUMBER = 32
_ONES = (1 << 64) - 1


@dataclass(frozen=True)
class Packing:
    """How windows of up to `order` symbols below `n_values` become integers.

        >>> packing = Packing(400, 5)
        >>> packing.bits, packing.lengths
        (9, (5,))
        >>> Packing(400, 8).lengths
        (7, 8)

    Raises InvalidParameterError for an order outside 1 to 8, or more values than 32 bits can tell apart.
    """

    n_values: int
    order: int

    def __post_init__(self) -> None:
        if not 1 <= self.order <= LONGEST:
            raise InvalidParameterError(f"order {self.order}: expected 1 to {LONGEST}")
        if not 1 <= self.n_values < 1 << _NUMBER:
            raise InvalidParameterError(f"{self.n_values} symbols: expected 1 to {(1 << _NUMBER) - 1}")

    @property
    def bits(self) -> int:
        """Bits of one symbol, or of what is before a piece."""
        return self.n_values.bit_length()

    @property
    def lengths(self) -> tuple[int, ...]:
        """The lengths that are counted by sorting: the longest packed as a whole, then each over the one before."""
        first = min(self.order, 64 // self.bits)
        step = _NUMBER // self.bits
        return (*range(first, self.order, step), self.order)

    def over(self, length: int) -> int:
        """The length of the windows whose numbers those of `length` are built on; 0 where they are packed whole.

        >>> packing = Packing(400, 8)
        >>> packing.over(7), packing.over(8)
        (0, 7)
        """
        return max((shorter for shorter in self.lengths if shorter < length), default=0)

    def digits(self, symbols: NDArray[Any], at: int = 0, xp: Any = np) -> Keys:
        """Symbols as digits; `at` is the place of the first in its corpus, for the message.

        Raises VocabularyError, naming the symbol, its place and the limit, for one outside the vocabulary.
        """
        if len(symbols) and not 0 <= int(symbols.min()) <= int(symbols.max()) < self.n_values:
            place = int(xp.flatnonzero((symbols < 0) | (symbols >= self.n_values))[0])
            raise VocabularyError(
                f"symbol {int(symbols[place])} at {at + place}: expected 0 to {self.n_values - 1}, "
                f"which {self.bits} bits can tell apart. Count with a larger vocabulary"
            )
        return symbols.astype(xp.uint64) + xp.uint64(1)  # type: ignore[no-any-return]

    def windows(self, digits: Keys, begins: NDArray[Any], length: int, skipped: int = 0) -> Keys:
        """Packed windows of `length` digits, one a digit; those `skipped` at its end, its latest ones, are left out.

        `begins` are the places where pieces begin: what is before them is 0. (n,) for (n,) digits. Arrays of NumPy or
        of CuPy, both of one kind.

            >>> packing = Packing(3, 2)
            >>> digits = packing.digits(np.array([2, 0, 1]))
            >>> packing.unpacked(packing.windows(digits, np.array([0, 2]), 2), 2).tolist()
            [[-1, 2], [2, 0], [-1, 1]]
        """
        bits = self.bits
        windows = digits.copy()
        if skipped:
            windows[:skipped] = 0
            windows[skipped:] = digits[: max(0, len(digits) - skipped)]
        windows = _widened(windows, length, bits)
        for since in range(skipped + length - 1):
            places = begins + since
            unknown = length - max(0, since + 1 - skipped)
            windows[places[places < len(windows)]] &= np.uint64((_ONES << bits * unknown) & _ONES)
        return windows

    def packed(self, ngrams: NDArray[np.int64]) -> Keys:
        """Windows given symbol by symbol, latest last, as integers: (n, length) to (n,)."""
        keys = np.zeros(len(ngrams), dtype=np.uint64)
        for place in range(ngrams.shape[1]):
            keys |= (ngrams[:, place] + 1).astype(np.uint64) << np.uint64(self.bits * place)
        return keys

    def unpacked(self, keys: Keys, length: int) -> IntArray:
        """The symbols of packed windows, latest last: (n, length)."""
        places = np.arange(length, dtype=np.uint64) * np.uint64(self.bits)
        digits = (keys[:, None] >> places) & np.uint64((1 << self.bits) - 1)
        return digits.astype(np.int64) - 1


def _widened(digits: Keys, length: int, bits: int) -> Keys:
    """Windows of `length` of them, by doubling."""
    if length == 1:
        return digits
    half = length // 2
    windows = _widened(digits, half, bits)
    windows = _joined(windows, windows, half, bits * half)
    return _joined(windows, digits, length - 1, bits) if length % 2 else windows


def _joined(latest: Keys, older: Keys, length: int, bits: int) -> Keys:
    """Windows of `length` digits, and behind each the `bits` of the window that ends before it."""
    windows = latest << np.uint64(bits)
    windows[length:] |= older[: max(0, len(older) - length)]
    return windows


def numbered(packing: Packing, digits: Keys, begins: NDArray[Any], length: int, tables: Sequence[Keys]) -> Keys:
    """The keys of all windows of `length`, as `Packing.windows`; `tables` are the keys of all shorter lengths.

    Tables are looked into only where windows are too long to be packed whole. Raises InvalidParameterError where one
    holds more keys than can be numbered.
    """
    under = packing.over(length)
    older = packing.windows(digits, begins, length - under, skipped=under)
    if not under:
        return older
    bits = packing.bits * (length - under)
    _check_numbers(len(tables[under - 1]), under, bits)
    numbers = _places(tables[under - 1], numbered(packing, digits, begins, under, tables))
    return numbers << np.uint64(bits) | older


def _check_numbers(n: int, under: int, bits: int) -> None:
    """Raise InvalidParameterError where `n` numbers leave no room for the `bits` of what is before their windows."""
    if n > 1 << 64 - bits:
        raise InvalidParameterError(
            f"there are {n:,} different windows of {under} symbols; expected {1 << 64 - bits:,} at most, so that "
            f"longer ones can be numbered. Count up to order {under}, or fewer symbols"
        )


def _places(table: Keys, keys: Keys) -> Keys:
    """Where `keys` stand in a table that holds them all; looked up in ascending order, which spares the cache."""
    order = np.argsort(keys)
    places = np.empty_like(keys)
    places[order] = np.searchsorted(table, keys[order])
    return places
