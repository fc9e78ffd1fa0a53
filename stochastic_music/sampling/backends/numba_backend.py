"""Chains in loops that Numba compiles at their first use, which takes some seconds.

Reads of one chain wait for each other; those of several chains do not. So a thread takes a *tile* of chains through a
step together, in four short loops that each do one thing: random words by Philox4x64-10 [1], four a block; which
columns are read; the reads, nothing else being in memory's way; symbols and places. Compilers turn such loops into
vector instructions, the first one too, since the upper half of a product is put together from halves of its factors.
The loops let go of the interpreter's lock: threads are the caller's.

Nothing is kept on disk: compiled loops belong to the processor that compiled them, and a folder of programs that others
may write to is no place to run from.

[1] J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw. Parallel random numbers: as easy as 1, 2, 3. SC 2011.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from stochastic_music import _optional
from stochastic_music.sampling.backends.alias import WIDTH_BITS, AliasTable, Places, Symbols

numba = _optional.require("numba")
_log = logging.getLogger(__name__)

# Numbers are uint64 throughout: beside a signed one Numba would make floats of them.
_ZERO, _ONE, _TWO, _THREE, _FOUR, _16, _32 = (np.uint64(number) for number in (0, 1, 2, 3, 4, 16, 32))
_LOW_16, _LOW_32 = np.uint64(0xFFFF), np.uint64(0xFFFFFFFF)
_WIDTH, _WIDTH_MASK = np.uint64(WIDTH_BITS), np.uint64((1 << WIDTH_BITS) - 1)
_MULTIPLIER, _OTHER_MULTIPLIER = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_WEYL, _OTHER_WEYL = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
#: chains that a thread takes through a step together; a multiple of 4
_TILE = np.uint64(512)

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _inlined(function: _Function) -> _Function:
    """Compiled as a part of what calls it."""
    made: _Function = numba.njit(inline="always")(function)
    return made


@_inlined
def _upper(x: Any, y: Any) -> Any:
    """The upper half of a product of two words."""
    middle = (((x & _LOW_32) * (y & _LOW_32)) >> _32) + (x & _LOW_32) * (y >> _32)
    other = (x >> _32) * (y & _LOW_32) + (middle & _LOW_32)
    return (x >> _32) * (y >> _32) + (middle >> _32) + (other >> _32)


@_inlined
def _round(a: Any, b: Any, c: Any, d: Any, key: Any, upper_key: Any) -> Any:  # noqa: PLR0917 - Numba knows no keywords
    words = _upper(_OTHER_MULTIPLIER, c) ^ b ^ key, _OTHER_MULTIPLIER * c
    others = _upper(_MULTIPLIER, a) ^ d ^ upper_key, _MULTIPLIER * a
    return words[0], words[1], others[0], others[1], key + _WEYL, upper_key + _OTHER_WEYL


@_inlined
def _two_rounds(a: Any, b: Any, c: Any, d: Any, key: Any, upper_key: Any) -> Any:  # noqa: PLR0917
    a, b, c, d, key, upper_key = _round(a, b, c, d, key, upper_key)
    return _round(a, b, c, d, key, upper_key)


@_inlined
def _philox(block: Any, step: Any, key: Any, upper_key: Any) -> Any:
    """The four words of a block of chains at a step, in ten rounds without a loop."""
    a, b, c, d, key, upper_key = _two_rounds(block, step, _ZERO, _ZERO, key, upper_key)
    a, b, c, d, key, upper_key = _two_rounds(a, b, c, d, key, upper_key)
    a, b, c, d, key, upper_key = _two_rounds(a, b, c, d, key, upper_key)
    a, b, c, d, key, upper_key = _two_rounds(a, b, c, d, key, upper_key)
    a, b, c, d, key, upper_key = _two_rounds(a, b, c, d, key, upper_key)
    return a, b, c, d


def _draw_words(words: Any, first_block: Any, step: Any, key: Any, upper_key: Any) -> None:
    for j in range(_TILE // _FOUR):
        a, b, c, d = _philox(first_block + j + _ONE, step, key, upper_key)  # from 1 on, as NumPy counts them
        words[_FOUR * j], words[_FOUR * j + _ONE] = a, b
        words[_FOUR * j + _TWO], words[_FOUR * j + _THREE] = c, d


_draw = numba.njit(nogil=True, boundscheck=False)(_draw_words)


def _run_even(  # noqa: PLR0917
    table: Any, bits: Any, key: Any, upper_key: Any, first_chain: Any, first_step: Any, places: Any, out: Any
) -> None:
    words, columns, entries = np.empty(_TILE, np.uint64), np.empty(_TILE, np.uint64), np.empty(_TILE, np.uint64)
    n_chains, rest = np.uint64(len(places)), _32 - bits
    for tile in range(_ZERO, n_chains, _TILE):
        own_places, n = places[tile : tile + _TILE], min(_TILE, n_chains - tile)
        for s in range(len(out)):
            symbols = out[s, tile : tile + _TILE]
            _draw(words, (first_chain + tile) // _FOUR, first_step + np.uint64(s), key, upper_key)
            for i in range(n):
                columns[i] = (np.uint64(own_places[i]) << bits) | ((words[i] >> _32) >> rest)
            for i in range(n):
                entries[i] = table[columns[i]]
            for i in range(n):
                own = np.uint64((words[i] & _LOW_32) < (entries[i] >> _32))
                own_places[i] = symbols[i] = (entries[i] >> (own * _16)) & _LOW_16


def _run_wide(  # noqa: PLR0917
    table: Any, tells_places: Any, key: Any, upper_key: Any, first_chain: Any, first_step: Any, places: Any, out: Any
) -> None:
    words, columns = np.empty(_TILE, np.uint64), np.empty(_TILE, np.uint64)
    entries, targets = np.empty(_TILE, np.uint64), np.empty(_TILE, np.uint64)
    n_chains = np.uint64(len(places))
    for tile in range(_ZERO, n_chains, _TILE):
        own_places, n = places[tile : tile + _TILE], min(_TILE, n_chains - tile)
        for s in range(len(out)):
            symbols = out[s, tile : tile + _TILE]
            _draw(words, (first_chain + tile) // _FOUR, first_step + np.uint64(s), key, upper_key)
            for i in range(n):
                place = np.uint64(own_places[i])
                columns[i] = (place >> _WIDTH) + ((words[i] >> _32) >> (_32 - (place & _WIDTH_MASK)))
            for i in range(n):
                entries[i], targets[i] = table[_TWO * columns[i]], table[_TWO * columns[i] + _ONE]
            for i in range(n):
                own = np.uint64((words[i] & _LOW_32) < (entries[i] >> _32))
                own_places[i] = (targets[i] >> (own * _32)) & _LOW_32
                symbols[i] = own_places[i] if tells_places else (entries[i] >> (own * _16)) & _LOW_16


@functools.cache
def _compiled(loop: Any, option: str, symbol: str) -> Any:
    """A loop for one type of its option and of its symbols."""
    _log.info("Compiling a loop for this processor, which takes some seconds, once.")
    numbers = f"uint64, uint64, uint64, uint64, uint32[::1], {symbol}[:, :]"
    return numba.njit(f"void(uint64[::1], {option}, {numbers})", nogil=True, boundscheck=False)(loop)


class NumbaChains:
    """Chains of one table; see `Backend`."""

    chunk = 1 << 14

    def __init__(self, table: AliasTable) -> None:
        even = table.bits >= 0
        self._words, self._option = table.words.ravel(), np.uint64(table.bits) if even else table.tells_places
        loop, option = (_run_even, "uint64") if even else (_run_wide, "boolean")
        self._loop = _compiled(loop, option, table.dtype.name)

    def run(self, places: Places, out: Symbols, *, key: int, first_chain: int, first_step: int) -> None:
        """Go on with chains at `places`, writing `out`; see `Backend`."""
        keys = (np.uint64(key & (1 << 64) - 1), np.uint64(key >> 64))
        self._loop(self._words, self._option, *keys, np.uint64(first_chain), np.uint64(first_step), places, out)
