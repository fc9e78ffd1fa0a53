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
#: the penalties of bases, and of deviations of `believed` and `trusted`
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

    row: IntArray
    column: IntArray
    times: IntArray


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
    features: Features, chosen: IntArray, n_candidates: int, n_terms: int, *, penalty: float = 1.0, steps: int = 150
) -> Weights:
    """The best weights for events of which candidate `chosen` came: (n_events,)."""
    objective = _Objective(features, chosen, n_candidates, n_terms, penalty)
    options: Any = {"maxiter": steps, "ftol": 3e-6, "maxcor": 10}
    with ThreadPoolExecutor(_N_BLOCKS) as threads:

        def value(x: Any) -> Any:
            return objective(x, threads)

        found = optimize.minimize(value, np.zeros(objective.size), jac=True, method="L-BFGS-B", options=options)
    return Weights(*objective.weights(found.x))


class _Block(NamedTuple):
    """Some of the events: features as they count and as they are, rows event * n_candidates + candidate."""

    believed: sparse.csr_matrix
    trusted: sparse.csr_matrix
    chosen: IntArray


class _Objective:
    """Minus the penalized log likelihood, of bases and deviations in units of their own curvature.

    The variables are (2, n_terms, 1 + N_BUCKETS): base first, each divided by its scale, 0 being the prior.
    """

    def __init__(self, features: Features, chosen: IntArray, n_candidates: int, n_terms: int, penalty: float) -> None:
        self.n_candidates = n_candidates
        self.prior = Weights.fixed(n_terms)
        self.shape = (2, n_terms, 1 + N_BUCKETS)
        self.size = int(np.prod(self.shape))
        self.blocks = list(self._blocks(features, chosen))
        self.penalty = np.empty(self.shape)
        self.penalty[:, :, 0] = BASE * penalty
        self.penalty[0, :, 1:], self.penalty[1, :, 1:] = BELIEVED * penalty, TRUSTED * penalty
        self.scale = 1 / np.sqrt(self._curvature(features) + self.penalty)

    def _blocks(self, features: Features, chosen: IntArray) -> list[_Block]:
        n_rows, n_columns = len(chosen) * self.n_candidates, self.shape[1] * N_BUCKETS
        counts = sparse.csr_matrix((features.times, (features.row, features.column)), shape=(n_rows, n_columns))
        blocks = []
        for part in np.array_split(np.arange(len(chosen)), _N_BLOCKS):
            rows = counts[slice(*(self.n_candidates * np.array([part[0], part[-1] + 1])))] if len(part) else counts[:0]
            believed = sparse.csr_matrix((evidence(rows.data), rows.indices, rows.indptr), shape=rows.shape)
            trusted = sparse.csr_matrix((np.ones(rows.nnz), rows.indices, rows.indptr), shape=rows.shape)
            blocks.append(_Block(believed, trusted, chosen[part]))
        return blocks

    def _curvature(self, features: Features) -> FloatArray:
        """Roughly the second derivatives."""
        n_columns, spread = self.shape[1] * N_BUCKETS, 0.2 / self.n_candidates
        squares = [np.bincount(features.column, x, n_columns) for x in (evidence(features.times) ** 2, None)]
        by_bucket = spread * np.stack(squares).reshape(2, -1, N_BUCKETS)
        return np.concatenate([by_bucket.sum(axis=2, keepdims=True), by_bucket], axis=2)

    def weights(self, x: FloatArray) -> FloatArray:
        """The weights that the variables stand for: (2, n_terms, N_BUCKETS)."""
        moved = self.scale * x.reshape(self.shape)
        weights: FloatArray = np.stack(self.prior) + moved[:, :, :1] + moved[:, :, 1:]
        return weights

    def __call__(self, x: FloatArray, threads: ThreadPoolExecutor) -> tuple[float, FloatArray]:
        """The value and its gradient."""
        believed, trusted = self.weights(x).reshape(2, -1)
        parts = list(threads.map(lambda block: self._of(block, believed, trusted), self.blocks))
        moved = self.scale * x.reshape(self.shape)
        value = sum(part[0] for part in parts) + 0.5 * float((self.penalty * moved**2).sum())
        by_bucket = np.sum([part[1] for part in parts], axis=0).reshape(2, -1, N_BUCKETS)
        gradient = np.concatenate([by_bucket.sum(axis=2, keepdims=True), by_bucket], axis=2) + self.penalty * moved
        return value, (self.scale * gradient).ravel()

    def _of(self, block: _Block, believed: FloatArray, trusted: FloatArray) -> tuple[float, FloatArray]:
        scores = (block.believed @ believed + block.trusted @ trusted).reshape(-1, self.n_candidates)
        log_probs = scores - log_sum_exp(scores)[:, None]
        excess, rows = np.exp(log_probs), np.arange(len(block.chosen))
        excess[rows, block.chosen] -= 1
        gradient = np.stack([block.believed.T @ excess.ravel(), block.trusted.T @ excess.ravel()])
        return -float(log_probs[rows, block.chosen].sum()), gradient


def log_sum_exp(scores: FloatArray) -> FloatArray:
    """The log of the sum of exponentials of each row: (n,)."""
    highest = scores.max(axis=1, initial=-np.inf)
    total: FloatArray = highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))
    return total
