"""Chains in NumPy: all of a chunk a step at a time, in a dozen passes over arrays that stay in the cache.

Passes let go of the interpreter's lock: threads are the caller's, each with a chunk of its own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stochastic_music import _random
from stochastic_music.protocols import IntArray
from stochastic_music.sampling.backends.alias import WIDTH_BITS, AliasTable, Places, Symbols, Words

_16, _32 = np.uint64(16), np.uint64(32)
_LOW_16, _LOW_32 = np.uint64(0xFFFF), np.uint64(0xFFFFFFFF)


class NumpyChains:
    """Chains of one table; see `Backend`."""

    #: more, and the arrays of a step leave the cache; fewer, and calls cost more than work
    chunk = 1 << 14

    def __init__(self, table: AliasTable) -> None:
        self._table = table

    def run(self, places: Places, out: Symbols, *, key: int, first_chain: int, first_step: int) -> None:
        """Go on with chains at `places`, writing `out`; see `Backend`."""
        place, advance = places.astype(np.int64), _advancing(self._table, len(places))
        for step, symbols in enumerate(out, first_step):
            symbols[:] = advance(place, _random.lanes(key, step, len(places), first=first_chain))
        places[:] = place


def _advancing(table: AliasTable, n: int) -> Callable[[IntArray, Words], IntArray | Words]:
    """What takes `n` places a step further with a word each, both overwritten, and gives the symbols."""
    column, lower = np.empty(n, np.int64), np.empty(n, np.uint64)
    below = np.empty(n, np.bool_)

    def even(place: IntArray, word: Words) -> IntArray:
        """One word holds all: see `alias`."""
        np.left_shift(place, table.bits, out=place)
        np.right_shift(word, np.uint64(64 - table.bits), out=lower) if table.bits else lower.fill(0)
        np.bitwise_or(place, lower.view(np.int64), out=place)
        np.take(entries, place, out=entry, mode="clip")
        np.less(np.bitwise_and(word, _LOW_32, out=word), np.right_shift(entry, _32, out=lower), out=below)
        np.right_shift(entry, np.multiply(below, _16, out=lower), out=entry)
        np.bitwise_and(entry, _LOW_16, out=place.view(np.uint64))
        return place

    def wide(place: IntArray, word: Words) -> IntArray | Words:
        """Two words an entry: taken together, as one complex number."""
        np.right_shift(word, _32, out=lower)
        np.right_shift(lower, (32 - (place & (1 << WIDTH_BITS) - 1)).view(np.uint64), out=lower)
        np.add(np.right_shift(place, WIDTH_BITS, out=column), lower.view(np.int64), out=column)
        np.take(entries, column, out=entry, mode="clip")
        symbols, targets = entry.view(np.uint64).reshape(n, 2).T
        np.less(np.bitwise_and(word, _LOW_32, out=word), symbols >> _32, out=below)
        np.bitwise_and(targets >> np.multiply(below, _32), _LOW_32, out=place.view(np.uint64))
        return place if table.tells_places else (symbols >> np.multiply(below, _16)) & _LOW_16

    entry = np.empty(n, np.uint64 if table.bits >= 0 else np.complex128)
    entries = table.words.view(entry.dtype)[:, 0]
    return even if table.bits >= 0 else wide
