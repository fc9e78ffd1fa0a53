"""Chains in loops that Numba compiles at their first use, which takes a second or two.

Reads of one chain wait for each other; those of several chains do not. So a thread takes _TILE chains through a step
together: first the random words of all of them, four a block of Philox4x64-10 [1], then their reads, which memory
answers at the same time. The loops let go of the interpreter's lock: threads are the caller's.

Nothing is kept on disk: compiled loops belong to the processor that compiled them, and a folder of programs that others
may write to is no place to run from.

[1] J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw. Parallel random numbers: as easy as 1, 2, 3. SC 2011.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stochastic_music import _optional
from stochastic_music.sampling.backends.alias import WIDTH_BITS, AliasTable, Places, Symbols

numba = _optional.require("numba")
_extending = _optional.require("numba.extending")
_ir = _optional.require("llvmlite.ir")

#: chains that a thread takes through a step together; a multiple of 4
_TILE = 64
_compiled = numba.njit(nogil=True, boundscheck=False)
_inlined = numba.njit(inline="always")

_ZERO, _16, _32 = np.uint64(0), np.uint64(16), np.uint64(32)
_LOW_16, _LOW_32 = np.uint64(0xFFFF), np.uint64(0xFFFFFFFF)
_WIDTH, _WIDTH_MASK = np.uint64(WIDTH_BITS), np.uint64((1 << WIDTH_BITS) - 1)
_MULTIPLY = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_WEYL = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)


def _upper_product(_: Any, x: Any, y: Any) -> Any:  # noqa: ARG001
    """The upper 64 bits of a product of two words: one instruction, which NumPy's integers cannot say."""

    def generate(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        wide = _ir.IntType(128)
        product = builder.mul(*(builder.zext(argument, wide) for argument in arguments))
        return builder.trunc(builder.lshr(product, _ir.Constant(wide, 64)), _ir.IntType(64))

    return numba.uint64(numba.uint64, numba.uint64), generate


_upper = _extending.intrinsic(_upper_product)


def _philox(block: Any, step: Any, key: Any, upper_key: Any) -> Any:
    """The four words of a block of chains at a step."""
    a, b, c, d = block, step, _ZERO, _ZERO
    for _ in range(10):
        high, low = _upper(_MULTIPLY[0], a), _MULTIPLY[0] * a
        other_high, other_low = _upper(_MULTIPLY[1], c), _MULTIPLY[1] * c
        a, b, c, d = other_high ^ b ^ key, other_low, high ^ d ^ upper_key, low
        key += _WEYL[0]
        upper_key += _WEYL[1]
    return a, b, c, d


_words_of_block = _inlined(_philox)


def _draw_words(words: Any, first_chain: Any, step: Any, key: Any, upper_key: Any) -> None:
    for i in range(0, _TILE, 4):
        block = np.uint64((first_chain + i) // 4 + 1)  # as NumPy counts them
        words[i], words[i + 1], words[i + 2], words[i + 3] = _words_of_block(block, step, key, upper_key)


_draw = _inlined(_draw_words)


def _run_even(  # noqa: PLR0917 - Numba's functions take no keywords
    table: Any, bits: Any, key: Any, upper_key: Any, first_chain: Any, first_step: Any, places: Any, out: Any
) -> None:
    words, rest = np.empty(_TILE, np.uint64), _32 - bits
    n_steps, n_chains = out.shape
    for tile in range(0, n_chains, _TILE):
        last = min(tile + _TILE, n_chains)
        for s in range(n_steps):
            _draw(words, first_chain + tile, np.uint64(first_step + s), key, upper_key)
            for i in range(tile, last):
                word = words[i - tile]
                entry = table[(np.uint64(places[i]) << bits) | ((word >> _32) >> rest)]
                own = np.uint64((word & _LOW_32) < (entry >> _32))
                places[i] = (entry >> (own * _16)) & _LOW_16
                out[s, i] = places[i]


def _run_wide(  # noqa: PLR0917
    table: Any, tells_places: Any, key: Any, upper_key: Any, first_chain: Any, first_step: Any, places: Any, out: Any
) -> None:
    words = np.empty(_TILE, np.uint64)
    n_steps, n_chains = out.shape
    for tile in range(0, n_chains, _TILE):
        last = min(tile + _TILE, n_chains)
        for s in range(n_steps):
            _draw(words, first_chain + tile, np.uint64(first_step + s), key, upper_key)
            for i in range(tile, last):
                word, place = words[i - tile], np.uint64(places[i])
                column = (place >> _WIDTH) + ((word >> _32) >> (_32 - (place & _WIDTH_MASK)))
                entry = table[column, 0]
                own = np.uint64((word & _LOW_32) < (entry >> _32))
                place = (
                    table[column, 1] >> (own * _32)
                ) & _LOW_32  # no branches: half of them would be foreseen wrongly
                places[i] = place
                out[s, i] = place if tells_places else (entry >> (own * _16)) & _LOW_16


_even, _wide = _compiled(_run_even), _compiled(_run_wide)


class NumbaChains:
    """Chains of one table; see `Backend`."""

    chunk = 1 << 14

    def __init__(self, table: AliasTable) -> None:
        self._table = table

    def run(self, places: Places, out: Symbols, *, key: int, first_chain: int, first_step: int) -> None:
        """Go on with chains at `places`, writing `out`; see `Backend`."""
        table, keys = self._table, (np.uint64(key & (1 << 64) - 1), np.uint64(key >> 64))
        if table.bits >= 0:
            _even(table.words[:, 0], np.uint64(table.bits), *keys, first_chain, first_step, places, out)
        else:
            _wide(table.words, table.tells_places, *keys, first_chain, first_step, places, out)
