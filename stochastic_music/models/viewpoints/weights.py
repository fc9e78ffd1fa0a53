"""Log-linear mixing: how much each viewpoint is believed, by how much it knows.

A term that heard N symbols, T of them different, after the present context, and x among them c > 0 times, adds

    believed[term, b] * log(1 + 2 c) + trusted[term, b],      b = bucket(N, T)

to the log of the unnormalized probability of x; to symbols that it never heard there it adds nothing. The bucket is
log2 N, and whether T is 1: a context with one continuation is a case of its own. So each term adds a multiple of the
log of its smoothed relative frequency (what all candidates share falls out), and a constant for having heard x.

Both kinds of weight are a *base* for each term plus a *deviation* for each of its buckets. They maximize the likelihood
of the training pieces, each seen with its own counts left out, less quadratic penalties, much stronger ones for
deviations than for bases: a term is believed alike in all buckets unless much speaks for a difference. The problem is
convex, and solved by L-BFGS with exact gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse

from stochastic_music.protocols import FloatArray, IntArray

#: counts of 2^7 and more are one bucket
N_SIZES = 8
N_BUCKETS = 2 * N_SIZES
#: what the terms' bases of `believed` add up to before anything is learned
PRIOR_TOTAL = 3.0
#: the penalties of bases, and of deviations of `believed` and `trusted`: found on chorale tenors and folk songs, where
#: a factor of three either way hardly matters
BASE, BELIEVED, TRUSTED = 30.0, 1000.0, 300.0
#: rows are dealt to threads in so many blocks, whatever the machine, so that sums are the same
_N_BLOCKS = 2


class Weights(NamedTuple):
    """`believed` and `trusted`, (n_terms, N_BUCKETS) each; see the module's article."""

    believed: FloatArray
    trusted: FloatArray

    @classmethod
    def fixed(cls, n_terms: int) -> Weights:
        """What is assumed where nothing can be learned."""
        shape = (n_terms, N_BUCKETS)
        return cls(np.full(shape, PRIOR_TOTAL / max(n_terms, 1)), np.zeros(shape))


class Features(NamedTuple):
    """Which terms heard which candidates, and how many `times`: each (n,).

    `row` is event * n_candidates + candidate, `column` term * N_BUCKETS + bucket.
    """

    row: NDArray[np.integer]
    column: NDArray[np.integer]
    times: NDArray[np.integer]


def bucket(total: IntArray, kinds: IntArray) -> IntArray:
    """The bucket of contexts with `total` observations of `kinds` different symbols.

    >>> bucket(np.array([1, 2, 5, 1000]), np.array([1, 2, 1, 9])).tolist()
    [8, 1, 10, 7]
    """
    size = np.clip(np.frexp(total)[1] - 1, 0, N_SIZES - 1)
    found: IntArray = np.where(kinds == 1, size + N_SIZES, size).astype(np.int64)
    return found


def evidence(count: NDArray[np.number]) -> FloatArray:
    """log(1 + 2 c)."""
    evidence: FloatArray = np.log1p(2.0 * count)
    return evidence


def fit_weights(
    features: Features,
    chosen: IntArray,
    n_candidates: int,
    n_terms: int,
    *,
    penalty: float = 1.0,
    steps: int = 150,
    tolerance: float = 1e-5,
) -> Weights:
    """The best weights for events of which candidate `chosen`, (n_events,), came.

    The search ends when a step improves the value by less than `tolerance` of it, or after so many `steps`.
    """
    objective = _Objective(features, chosen, n_candidates, n_terms, penalty)
    options: Any = {"maxiter": steps, "ftol": tolerance, "maxcor": 10}
    with ThreadPoolExecutor(_N_BLOCKS) as threads:

        def value(x: Any) -> Any:
            return objective(x, threads)

        found = optimize.minimize(value, np.zeros(objective.size), jac=True, method="L-BFGS-B", options=options)
    return Weights(*objective.weights(found.x))


class _Block(NamedTuple):
    """Some of the events: which kinds of feature each row event * n_candidates + candidate has, and what came."""

    kinds: sparse.csr_matrix
    chosen: IntArray


class _Objective:
    """Minus the penalized log likelihood, of bases and deviations in units of their own curvature.

    The variables are (2, n_terms, 1 + N_BUCKETS): base first, each divided by its scale, 0 being the prior. Features of
    one column and one count are of one *kind*: they add the same, so that sums are over kinds.
    """

    def __init__(self, features: Features, chosen: IntArray, n_candidates: int, n_terms: int, penalty: float) -> None:
        self.n_candidates = n_candidates
        self.prior = Weights.fixed(n_terms)
        self.shape = (2, n_terms, 1 + N_BUCKETS)
        self.size = int(np.prod(self.shape))
        kind, self.column, times = _kinds(features)
        self.evidence = evidence(times)
        shape = (len(chosen) * n_candidates, len(self.column))
        matrix = sparse.csr_matrix((np.ones(len(kind)), (features.row, kind)), shape=shape)
        self.blocks = list(self._blocks(matrix, chosen))
        self.penalty = np.empty(self.shape)
        self.penalty[:, :, 0] = BASE * penalty
        self.penalty[0, :, 1:], self.penalty[1, :, 1:] = BELIEVED * penalty, TRUSTED * penalty
        frequency: FloatArray = np.bincount(kind, minlength=len(self.column)).astype(np.float64)
        curvature = self._spread(0.2 / n_candidates * frequency, 2)
        self.scale = 1 / np.sqrt(curvature + self.penalty)

    def _blocks(self, matrix: sparse.csr_matrix, chosen: IntArray) -> Iterator[_Block]:
        first = 0
        for part in np.array_split(chosen, _N_BLOCKS):
            last = first + len(part) * self.n_candidates
            yield _Block(matrix[first:last], part)
            first = last

    def _spread(self, by_kind: FloatArray, power: int) -> FloatArray:
        """Sums over kinds, with their evidence to a power, for each variable: shaped as the variables."""
        n_columns = self.shape[1] * N_BUCKETS
        sums = [np.bincount(self.column, by_kind * self.evidence**p, n_columns) for p in (power, 0)]
        by_bucket = np.stack(sums).reshape(2, -1, N_BUCKETS)
        return np.concatenate([by_bucket.sum(axis=2, keepdims=True), by_bucket], axis=2)

    def weights(self, x: FloatArray) -> FloatArray:
        """The weights that the variables stand for: (2, n_terms, N_BUCKETS)."""
        moved = self.scale * x.reshape(self.shape)
        weights: FloatArray = np.stack(self.prior) + moved[:, :, :1] + moved[:, :, 1:]
        return weights

    def __call__(self, x: FloatArray, threads: ThreadPoolExecutor) -> tuple[float, FloatArray]:
        """The value and its gradient."""
        believed, trusted = self.weights(x).reshape(2, -1)
        boost = believed[self.column] * self.evidence + trusted[self.column]
        parts = list(threads.map(lambda block: self._of(block, boost), self.blocks))
        moved = self.scale * x.reshape(self.shape)
        value = sum(part[0] for part in parts) + 0.5 * float((self.penalty * moved**2).sum())
        gradient = self._spread(np.sum([part[1] for part in parts], axis=0), 1) + self.penalty * moved
        return value, (self.scale * gradient).ravel()

    def _of(self, block: _Block, boost: FloatArray) -> tuple[float, FloatArray]:
        scores = (block.kinds @ boost).reshape(-1, self.n_candidates)
        log_probs = scores - log_sum_exp(scores)[:, None]
        excess, rows = np.exp(log_probs), np.arange(len(block.chosen))
        excess[rows, block.chosen] -= 1
        return -float(log_probs[rows, block.chosen].sum()), block.kinds.T @ excess.ravel()


def _kinds(features: Features) -> tuple[NDArray[np.int32], IntArray, IntArray]:
    """The kind of each feature, and the column and count of each kind."""
    occurs = np.bincount(features.times) > 0
    counts = np.flatnonzero(occurs)
    code = features.column.astype(np.int64) * len(counts) + (np.cumsum(occurs) - 1)[features.times]
    present = np.bincount(code) > 0
    kinds = np.flatnonzero(present)
    number = (np.cumsum(present) - 1).astype(np.int32)
    return number[code], kinds // len(counts), counts[kinds % len(counts)]


def log_sum_exp(scores: FloatArray) -> FloatArray:
    """The log of the sum of exponentials of each row: (n,)."""
    highest = scores.max(axis=1, initial=-np.inf)
    total: FloatArray = highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))
    return total
