"""Log-linear mixing: how much each viewpoint is believed, by how much it knows.

A term that heard N symbols, T of them different, after the present context, and x among them c > 0 times, adds

    believed[term, b] * log(1 + 2 c) + trusted[term, b],      b = bucket(N, T)

to the log of the unnormalized probability of x; to symbols that it never heard there it adds nothing. The bucket is
log2 N, and whether T is 1: a context with one continuation is a case of its own. So each term adds a multiple of the
log of its smoothed relative frequency (what all candidates share falls out), and a constant for having heard x.

In unfamiliar music most terms never met the context. Those that did speak for them all: the sum is multiplied by the
*emphasis*, the number of terms over the number of those that know the context. Otherwise what is certain among fifty
terms would be forgotten among five, and a piece that strayed once would stray on.

Both kinds of weight are a *base* for each term plus a *deviation* for each of its buckets. They maximize the likelihood
of the training pieces, each seen with its own counts left out, less quadratic penalties, much stronger ones for
deviations than for bases: a term is believed alike in all buckets unless much speaks for a difference. The problem is
convex, and solved by L-BFGS with exact gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse

from stochastic_music.protocols import BoolArray, FloatArray, IntArray

#: counts of 2^7 and more are one bucket
N_SIZES = 8
N_BUCKETS = 2 * N_SIZES
#: what the terms' bases of `believed` add up to before anything is learned
PRIOR_TOTAL = 3.0
#: the penalties of bases, and of deviations of `believed` and `trusted`: found on chorale tenors and folk songs, where
#: a factor of three either way hardly matters
BASE, BELIEVED, TRUSTED = 30.0, 1000.0, 300.0


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


def emphasis(knows: BoolArray) -> FloatArray:
    """How loud terms speak, (n,), by which of them know the context, (n, n_terms).

    >>> emphasis(np.array([[True, True, True], [False, True, False], [False, False, False]])).tolist()
    [1.0, 3.0, 1.0]
    """
    speaking = knows.sum(axis=1)
    loud: FloatArray = np.where(speaking > 0, knows.shape[1] / np.maximum(speaking, 1), 1.0)
    return loud


class Solution(NamedTuple):
    """The best weights, and the `variables` of a `Problem` that give them."""

    weights: Weights
    variables: FloatArray


class Problem:
    """The search for the best weights: of which events which candidate came, and what the terms had heard.

    Args:
        features: what the terms had heard, for each event and candidate.
        chosen: the candidate that came, (n_events,).
        n_candidates: how many there are.
        knows: which terms know the context of each event, (n_events, n_terms).
        half: which half of the events each belongs to, 0 or 1, (n_events,); see `solve`.
        possible: which candidates could have come, (n_events, n_candidates); None for all.
        penalty: how strongly weights are held back, 1 being the usual.

    The variables are (2, n_terms, 1 + N_BUCKETS), of `believed` and `trusted`: base first, each divided by its scale, 0
    being the prior, so that all have a curvature near 1. Features of one column and one count are of one *kind*: they
    add the same, so that sums are over kinds.
    """

    def __init__(
        self,
        features: Features,
        chosen: IntArray,
        n_candidates: int,
        *,
        knows: BoolArray,
        half: IntArray,
        possible: BoolArray | None = None,
        penalty: float = 1.0,
    ) -> None:
        self.n_candidates = n_candidates
        n_terms = knows.shape[1]
        self.prior = Weights.fixed(n_terms)
        self.shape = (2, n_terms, 1 + N_BUCKETS)
        kind, self.column, times = _kinds(features)
        self.evidence = evidence(times)
        cells = (len(chosen) * n_candidates, len(self.column))
        matrix = sparse.csr_matrix((np.ones(len(kind)), (features.row, kind)), shape=cells)
        impossible = None if possible is None else ~possible
        whole = _Half(matrix, chosen, knows, emphasis(knows), impossible)
        self.halves = [whole.only(np.flatnonzero(half == i)) for i in range(2)]
        self.penalty = np.empty(self.shape)
        self.penalty[:, :, 0] = BASE * penalty
        self.penalty[0, :, 1:], self.penalty[1, :, 1:] = BELIEVED * penalty, TRUSTED * penalty
        frequency: FloatArray = np.bincount(kind, minlength=len(self.column)).astype(np.float64)
        curvature = self._spread(0.2 / n_candidates * frequency, 2)
        self.scale = 1 / np.sqrt(curvature + self.penalty)

    def solve(
        self,
        halves: Sequence[int] = (0, 1),
        *,
        silent: BoolArray | None = None,
        start: FloatArray | None = None,
        steps: int = 150,
        tolerance: float = 1e-5,
    ) -> Solution:
        """The best weights for the events of some halves, where `silent` terms (n_terms,) say nothing: theirs are 0.

        The search begins at `start`, variables of an earlier one, and ends when a step improves the value by less than
        `tolerance` of it, or after so many `steps`.
        """
        silence = np.zeros(self.shape[1], dtype=bool) if silent is None else silent
        heard: FloatArray = np.where(silence[self.column // N_BUCKETS], 0.0, 1.0)
        events = [self.halves[i].without(silence) for i in halves]
        options: Any = {"maxiter": steps, "ftol": tolerance, "maxcor": 10}
        with ThreadPoolExecutor(len(halves)) as threads:

            def value(x: Any) -> Any:
                return self._value(x, heard, events, threads)

            first = np.zeros(self.scale.size) if start is None else start
            found = optimize.minimize(value, first, jac=True, method="L-BFGS-B", options=options)
        return Solution(Weights(*np.where(silence[:, None], 0.0, self._weights(found.x))), found.x)

    def losses(self, weights: Weights, half: int, groups: IntArray) -> FloatArray:
        """What the events of a half lose together, in nats, when a group of terms falls silent: (n_groups,).

        `groups` (n_terms,) numbers the group of each term. The others keep their weights.
        """
        boost = self._boost(np.stack(weights))
        events = self.halves[half]
        whole, group = events.sums(boost, self.n_candidates), groups[self.column // N_BUCKETS]
        surprise, by_kind = events.surprise(whole), events.kinds.tocsc()
        lost = np.empty(int(groups.max(initial=-1)) + 1)
        for i in range(len(lost)):
            kinds = np.flatnonzero(group == i)
            said = (by_kind[:, kinds] @ boost[kinds]).reshape(whole.shape)
            lost[i] = (events.without(groups == i).surprise(whole - said) - surprise).sum()
        return lost

    def _boost(self, weights: FloatArray) -> FloatArray:
        """What a feature of each kind adds to a score."""
        believed, trusted = weights.reshape(2, -1)
        boost: FloatArray = believed[self.column] * self.evidence + trusted[self.column]
        return boost

    def _spread(self, by_kind: FloatArray, power: int) -> FloatArray:
        """Sums over kinds, with their evidence to a power, for each variable: shaped as the variables."""
        n_columns = self.shape[1] * N_BUCKETS
        sums = [np.bincount(self.column, by_kind * self.evidence**p, n_columns) for p in (power, 0)]
        by_bucket = np.stack(sums).reshape(2, -1, N_BUCKETS)
        return np.concatenate([by_bucket.sum(axis=2, keepdims=True), by_bucket], axis=2)

    def _weights(self, x: FloatArray) -> FloatArray:
        """The weights that the variables stand for: (2, n_terms, N_BUCKETS)."""
        moved = self.scale * x.reshape(self.shape)
        weights: FloatArray = np.stack(self.prior) + moved[:, :, :1] + moved[:, :, 1:]
        return weights

    def _value(
        self, x: FloatArray, heard: FloatArray, halves: Sequence[_Half], threads: ThreadPoolExecutor
    ) -> tuple[float, FloatArray]:
        """Minus the penalized log likelihood, and its gradient."""
        boost = self._boost(self._weights(x)) * heard
        parts = list(threads.map(lambda half: half.value(boost, self.n_candidates), halves))
        moved = self.scale * x.reshape(self.shape)
        value = sum(part[0] for part in parts) + 0.5 * float((self.penalty * moved**2).sum())
        gradient = self._spread(np.sum([part[1] for part in parts], axis=0) * heard, 1) + self.penalty * moved
        return value, (self.scale * gradient).ravel()


class _Half(NamedTuple):
    """Some of the events: which kinds of feature each row event * n_candidates + candidate has, and what came.

    `knows` (n_events, n_terms) and `emphasis` (n_events,) say which terms speak, and how loud. `impossible`
    (n_events, n_candidates) says what could not have come, None that there is no such thing.
    """

    kinds: sparse.csr_matrix
    chosen: IntArray
    knows: BoolArray
    emphasis: FloatArray
    impossible: BoolArray | None

    def only(self, events: IntArray) -> _Half:
        """Those numbered `events`."""
        n_candidates = self.kinds.shape[0] // max(len(self.chosen), 1)
        rows = (events[:, None] * n_candidates + np.arange(n_candidates)).ravel()
        impossible = None if self.impossible is None else self.impossible[events]
        return _Half(self.kinds[rows], self.chosen[events], self.knows[events], self.emphasis[events], impossible)

    def without(self, silent: BoolArray) -> _Half:
        """The same where some terms (n_terms,) say nothing."""
        return self._replace(emphasis=emphasis(self.knows[:, ~silent]))

    def sums(self, boost: FloatArray, n_candidates: int) -> FloatArray:
        """What is said of each candidate, before emphasis: (n_events, n_candidates)."""
        sums: FloatArray = (self.kinds @ boost).reshape(-1, n_candidates)
        return sums

    def scores(self, sums: FloatArray) -> FloatArray:
        """(n_events, n_candidates): before normalization."""
        scores = sums * self.emphasis[:, None]
        if self.impossible is not None:
            scores[self.impossible] = -np.inf
        return scores

    def surprise(self, sums: FloatArray) -> FloatArray:
        """(n_events,): minus the log probability of what came."""
        scores = self.scores(sums)
        surprise: FloatArray = log_sum_exp(scores) - scores[np.arange(len(self.chosen)), self.chosen]
        return surprise

    def value(self, boost: FloatArray, n_candidates: int) -> tuple[float, FloatArray]:
        """The surprise of all events, and how it changes with the boost of each kind."""
        scores = self.scores(self.sums(boost, n_candidates))
        log_probs, rows = scores - log_sum_exp(scores)[:, None], np.arange(len(self.chosen))
        excess = np.exp(log_probs)
        excess[rows, self.chosen] -= 1
        loud = excess * self.emphasis[:, None]
        return -float(log_probs[rows, self.chosen].sum()), self.kinds.T @ loud.ravel()


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
