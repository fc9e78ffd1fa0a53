"""Pieces that are one tune: transposed copies and near variants.

Two pieces are variants where one shares at least half of its runs (eight intervals in a row, `facts.interval_runs`)
with the other. The search goes through an inverted index from runs to pieces. Pieces with the same set of runs are
compared once, as one; a run that more than `_COMMON` different pieces hold says nothing of kinship and is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stochastic_music.corpus.facts import Runs
from stochastic_music.protocols import IntArray

_COMMON = 200
_SHARE = 0.5


def find_variants(runs: Sequence[Runs]) -> list[list[int]]:
    """Groups of two or more pieces that are variants, directly or through a third; `runs` ascend, each once.

    >>> a, b = np.arange(10, dtype=np.uint64), np.arange(50, 60, dtype=np.uint64)
    >>> find_variants([a, b, a[:6], b + np.uint64(100)])
    [[0, 2]]
    """
    distinct: dict[bytes, list[int]] = {}
    for piece, own in enumerate(runs):
        if len(own):
            distinct.setdefault(own.tobytes(), []).append(piece)
    alike = list(distinct.values())
    joined = components(len(alike), _kin([runs[group[0]] for group in alike]))
    groups: dict[int, list[int]] = {}
    for root, group in zip(joined.tolist(), alike, strict=True):
        groups.setdefault(root, []).extend(group)
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)


def _kin(runs: Sequence[Runs]) -> IntArray:
    """Pairs that share half of the runs of one of them: (n_pairs, 2)."""
    from scipy.sparse import csr_matrix, find

    if len(runs) < 2:
        return np.zeros((0, 2), dtype=np.int64)
    piece = np.repeat(np.arange(len(runs)), [len(own) for own in runs])
    _, run, df = np.unique(np.concatenate(runs), return_inverse=True, return_counts=True)
    telling = df[run] <= _COMMON
    piece, run = piece[telling], run[telling]
    holds = csr_matrix((np.ones(len(run), dtype=np.int32), (piece, run)), shape=(len(runs), len(df)))
    sizes = np.bincount(piece, minlength=len(runs))
    a, b, shared = find(holds @ holds.T)
    kin = (a < b) & (shared >= _SHARE * np.minimum(sizes[a], sizes[b]))
    return np.stack([a[kin], b[kin]], axis=1).astype(np.int64)


def components(n: int, pairs: IntArray) -> IntArray:
    """The connected component of each of n nodes, numbered by first appearance: (n,)."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    links = csr_matrix((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    labels: IntArray = connected_components(links, directed=False)[1].astype(np.int64)
    return labels
