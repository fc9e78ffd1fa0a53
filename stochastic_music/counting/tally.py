"""Integers and how often each occurs: sorted, added up, merged.

A *tally* is two aligned columns, distinct keys in ascending order and their counts. Equal keys give equal tallies in
whatever order, parts or number of workers they were counted; merging is commutative and associative, to the byte.

Sorting is `numpy.sort`, which NumPy vectorises for 64-bit integers; merging is a stable sort of what is sorted in parts
already, which takes linear time for each doubling of their number (timsort finds the runs).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochastic_music.errors import InvalidParameterError
from stochastic_music.protocols import IntArray

Keys = NDArray[np.uint64]


class Tally(NamedTuple):
    """Distinct keys, ascending, (n,) uint64; how often each occurs, (n,) int64."""

    keys: Keys
    counts: IntArray


def tally(keys: ArrayLike) -> Tally:
    """How often each of `keys`, integers in any order, occurs.

    Raises InvalidParameterError for a key below 0.

        >>> [column.tolist() for column in tally([5, 3, 5])]
        [[3, 5], [1, 2]]
    """
    return tally_in_place(as_keys(keys).copy())


def tally_in_place(keys: Keys, xp: Any = np) -> Tally:
    """The same; `keys`, an array of `xp`, is sorted where it lies, which saves a copy."""
    keys.sort()
    starts = run_starts(keys, xp)
    return Tally(keys[starts], lengths_between(starts, len(keys), xp))


def merged(tallies: Iterable[Tally]) -> Tally:
    """All of them added up.

    >>> both = merged([tally([3, 5]), tally([5, 7])])
    >>> dict(zip(both.keys.tolist(), both.counts.tolist(), strict=True))
    {3: 1, 5: 2, 7: 1}
    """
    parts = [part for part in tallies if len(part.keys)]
    if len(parts) < 2:
        return parts[0] if parts else nothing()
    return summed(np.concatenate([part.keys for part in parts]), np.concatenate([part.counts for part in parts]))


def summed(keys: Keys, counts: IntArray) -> Tally:
    """The tally of `keys`, each standing for `counts` of its kind, in any order; quickest where parts are sorted."""
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    counts = counts[order]
    del order
    return summed_ascending(keys, counts)


def summed_ascending(keys: Keys, counts: IntArray) -> Tally:
    """The same where keys ascend already, equal ones side by side; `counts` are written over."""
    starts = run_starts(keys)
    np.cumsum(counts, out=counts)
    sums = counts[np.append(starts[1:], len(counts))[: len(starts)] - 1]
    sums[1:] -= sums[:-1]
    return Tally(keys[starts], sums)


def nothing() -> Tally:
    """The tally of no keys."""
    return Tally(np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64))


def as_keys(keys: ArrayLike) -> Keys:
    """`keys` as 64-bit integers without sign; raises InvalidParameterError for one below 0."""
    array = np.asarray(keys)
    if array.dtype == np.uint64:
        return array
    if array.size and array.dtype.kind not in "uib":
        raise InvalidParameterError(f"keys are {array.dtype}; expected integers")
    if array.size and array.min() < 0:
        raise InvalidParameterError(f"a key is {array.min()}; expected integers from 0")
    return array.astype(np.uint64)


def run_starts(ordered: NDArray[Any], xp: Any = np) -> IntArray:
    """Where runs of equal values begin.

    >>> run_starts(np.array([3, 3, 5])).tolist()
    [0, 2]
    """
    new = xp.ones(len(ordered), dtype=xp.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    return xp.flatnonzero(new)  # type: ignore[no-any-return]


def lengths_between(starts: IntArray, end: int, xp: Any = np) -> IntArray:
    """From each start to the next, and from the last to `end`; `diff` would copy more."""
    lengths = xp.empty_like(starts)
    lengths[:-1] = starts[1:]
    lengths[-1:] = end
    lengths -= starts
    return lengths  # type: ignore[no-any-return]
