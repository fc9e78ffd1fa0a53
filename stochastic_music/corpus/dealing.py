"""Pieces dealt to two sides, or to folds for cross-validation, by piece."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stochastic_music._random import Seed, generator
from stochastic_music.errors import InvalidParameterError
from stochastic_music.protocols import IntArray


def folds(n_pieces: int, k: int, *, seed: Seed = 0, groups: Sequence[int] | None = None) -> IntArray:
    """The fold, 0 .. k - 1, of each piece, of sizes as equal as can be: (n_pieces,).

    Pieces are shuffled and dealt to the smallest fold; those of one group (variants of a tune) whole, the largest
    groups first. Raises InvalidParameterError where there are fewer pieces, or groups, than folds.

    >>> folds(5, 2, seed=0).tolist()
    [1, 0, 0, 0, 1]
    """
    members = _members(n_pieces, groups)
    sizes = np.bincount(members)
    what = "pieces" if groups is None else "groups"
    if len(sizes) < 2:
        raise InvalidParameterError(f"{len(sizes)} {what[:-1]} cannot be dealt to folds: give two or more")
    if not 2 <= k <= len(sizes):
        raise InvalidParameterError(f"the number of folds is {k}; expected 2 to {len(sizes)}, the number of {what}")
    filled, fold_of = np.zeros(k, dtype=np.int64), np.zeros(len(sizes), dtype=np.int64)
    shuffled = generator(seed).permutation(len(sizes))
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        fold_of[group] = filled.argmin()
        filled[fold_of[group]] += sizes[group]
    return fold_of[members]


def sides(
    n_pieces: int, test_size: float, *, seed: Seed = 0, groups: Sequence[int] | None = None
) -> tuple[IntArray, IntArray]:
    """The numbers of the pieces to train on, and of those to test, drawn at random; both ascend.

    `test_size` is a share; both sides hold a piece at least. Pieces of one group (variants of a tune) stay together:
    groups come in turn, and those that no longer fit the share are passed over. Raises InvalidParameterError.

    >>> [side.tolist() for side in sides(5, 0.2, seed=0)]
    [[0, 1, 3, 4], [2]]
    >>> [side.tolist() for side in sides(5, 0.4, seed=0, groups=[0, 0, 2, 0, 2])]
    [[0, 1, 3], [2, 4]]
    """
    if not 0 < test_size < 1:
        raise InvalidParameterError(f"test_size is {test_size}; expected a share between 0 and 1")
    members = _members(n_pieces, groups)
    sizes = np.bincount(members)
    if len(sizes) < 2:
        what = f"{n_pieces} piece" if n_pieces < 2 else f"{n_pieces} pieces that are variants of one tune"
        raise InvalidParameterError(f"a corpus of {what} cannot be split; expected 2 or more")
    left = n_test = min(max(round(n_pieces * test_size), 1), n_pieces - 1)
    testing = np.zeros(len(sizes), dtype=bool)
    for group in generator(seed).permutation(len(sizes)):
        testing[group] = sizes[group] <= left
        left -= sizes[group] * testing[group]
    if left == n_test:
        testing[sizes.argmin()] = True
    return np.flatnonzero(~testing[members]), np.flatnonzero(testing[members])


def _members(n_pieces: int, groups: Sequence[int] | None) -> IntArray:
    """The number of each piece's group, from 0; its own where there are none."""
    members = np.arange(n_pieces) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if len(members) != n_pieces:
        raise InvalidParameterError(f"got {len(members)} groups for {n_pieces} pieces; expected one each")
    return members
