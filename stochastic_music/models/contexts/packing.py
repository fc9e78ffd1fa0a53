"""Pairs (context, element) packed into integers, in small types, and searches among them.

Tables may be mapped from a file and larger than memory: nothing here copies one. What is asked is cast to the type of
the table, and what is found is widened, so that no product of small integers overflows. `xp` is the module of all
arrays that are given, NumPy or CuPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochastic_music.protocols import IntArray

_TYPES = (np.int8, np.int16, np.int32, np.int64)


def base_of(n_symbols: int, marks: IntArray) -> int:
    """How many elements there are: symbols, START, marks. A pair is packed as context * base + element."""
    return n_symbols + 1 + len(marks)


def search(keys: IntArray, wanted: IntArray, xp: Any = np) -> IntArray:
    """Where each of `wanted` stands in the ascending `keys`, -1 where it does not.

    >>> search(np.array([2, 3, 5], dtype=np.int8), np.array([5, 4, 2, 258])).tolist()
    [2, -1, 0, -1]
    """
    if not len(keys):
        absent: IntArray = xp.full(wanted.shape, -1, dtype=np.int64)
        return absent
    asked = wanted
    if keys.dtype != wanted.dtype:  # NumPy would widen the table instead
        limits = np.iinfo(keys.dtype)
        asked = xp.clip(wanted, limits.min, limits.max).astype(keys.dtype)
    at = xp.minimum(xp.searchsorted(keys, asked), len(keys) - 1)
    found: IntArray = xp.where(keys[at] == wanted, at, -1)
    return found


def search_in_order(keys: IntArray, wanted: IntArray) -> IntArray:
    """As `search`, of as many as there are keys: in ascending order, so that memory is read from front to back."""
    order = np.argsort(wanted)
    found = np.empty(len(wanted), dtype=np.int64)
    found[order] = search(keys, wanted[order])
    return found


def added_up(at: IntArray, size: int, weights: NDArray[Any] | None = None) -> NDArray[Any]:
    """`np.bincount` of numbers below `size`; IndexError for one beyond, which would be made room for: (size,).

    >>> added_up(np.array([0, 2, 2]), 4).tolist()
    [1, 0, 2, 0]
    """
    if (most := int(at.max(initial=0))) >= max(size, 1):
        raise IndexError(f"{most} of {size}")
    return np.bincount(at, weights, size)


def taken(table: IntArray, at: IntArray) -> IntArray:
    """The rows `at` of a table of small integers, as large ones."""
    wide: IntArray = table[at].astype(np.int64)
    return wide


def mark_elements(marks: IntArray, known: IntArray, n_symbols: int) -> IntArray:
    """Marks as elements; -1 for no mark, and for marks that are not among the ascending `known`."""
    found = search(known, marks)
    return np.where(found < 0, -1, found + n_symbols + 1)


def renamed(elements: IntArray, marks: IntArray, known: IntArray, n_symbols: int) -> IntArray:
    """Elements under `marks` as they are called under the marks `known`, which have all of those in use."""
    out, is_mark = elements.copy(), elements > n_symbols
    out[is_mark] = np.searchsorted(known, marks[elements[is_mark] - n_symbols - 1]) + n_symbols + 1
    return out


def narrow(array: NDArray[Any], beyond: int = 0) -> NDArray[Any]:
    """Integers in the smallest type that holds them, and `beyond`.

    >>> narrow(np.array([-1, 127])).dtype, narrow(np.array([-1, 127]), 128).dtype
    (dtype('int8'), dtype('int16'))
    """
    least, most = int(array.min(initial=0)), max(beyond, int(array.max(initial=0)))
    small = next(kind for kind in _TYPES if np.iinfo(kind).min <= least and most <= np.iinfo(kind).max)
    return array.astype(small, copy=False)


def joined(arrays: Sequence[IntArray]) -> IntArray:
    """All of them as one."""
    return np.concatenate([np.zeros(0, dtype=np.int64), *arrays])
