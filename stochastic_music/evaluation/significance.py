"""Could it be chance? Exact and permutation tests, and their correction for how many were made.

Task: a p-value is the probability of a result at least as far from even as the one seen, in either direction, were
there nothing to see. Small means hard to put down to chance; it says nothing of how large a difference is, which is
what intervals are for (`evaluation.likelihood`).

    binomial_test        so many of n were right (or preferred): more than guessing gives? Clopper and Pearson's
                         interval [1] holds the true share at least as often as its level says, for any n
    paired_permutation   two models over the same pieces: were either as good, the two totals of a piece could be
                         swapped. All 2^n ways are tried for up to 14 pieces; for more, some are drawn, and counted with
                         the one seen, so that p is never zero and never too small [2]
    holm                 several tests: p-values such that to reject what lies below 0.05 rejects anything that is
                         true in at most one of twenty reports, however the tests depend on each other [3]

`paired_permutation` and `likelihood.difference` look at the same pieces and differ in their question: the bootstrap
asks how far the difference would move with other pieces, the permutation whether its sign could be luck. Pieces are
exchanged, never notes, because the notes of a piece are not independent. With five pieces or fewer no p-value of
`paired_permutation` can lie below 0.05 (2 of 2^5 ways are as extreme as any can be): that is a fact about five pieces.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]

[1] C. J. Clopper, E. S. Pearson. The use of confidence or fiducial limits illustrated in the case of the binomial.
Biometrika 26, 1934. [2] B. Phipson, G. K. Smyth. Permutation p-values should never be zero. Statistical Applications in
Genetics and Molecular Biology 9(1), 2010. [3] S. Holm. A simple sequentially rejective multiple test procedure.
Scandinavian Journal of Statistics 6, 1979.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from stochastic_music import _random
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError
from stochastic_music.evaluation.likelihood import Totals
from stochastic_music.protocols import BoolArray, FloatArray

#: up to so many pieces all ways of swapping are tried: 2^14 = 16,384
_FEW = 14
#: swaps that are drawn for more pieces
N_DRAWS = 9999


class BinomialTest(NamedTuple):
    """So many `successes` of `n`: their share, the interval that holds the true one with probability `level`, and p."""

    successes: int
    n: int
    share: float
    interval: tuple[float, float]
    level: float
    p: float

    def to_json(self) -> dict[str, Any]:
        """Plain numbers; the share of nothing is null."""
        share = self.share if self.n else None
        return {**self._asdict(), "share": share, "interval": [*self.interval]}


def binomial_test(successes: int, n: int, *, chance: float = 0.5, level: float = 0.95) -> BinomialTest:
    """Exact test, two-sided, of `successes` among `n` independent trials against a probability `chance` of each.

    Of no trials nothing is known: the share is NaN, its interval 0 to 1 and p 1. Raises InvalidParameterError where
    counts or probabilities are impossible.

    >>> found = binomial_test(9, 10)
    >>> round(found.p, 4), round(found.interval[0], 3)  # p = 2 (1 + 10) / 1024
    (0.0215, 0.555)
    """
    from scipy.stats import binomtest

    if not 0 <= successes <= n:
        raise InvalidParameterError(f"{successes} of {n} trials succeeded; expected a count from 0 to {n}")
    for name, value in (("chance", chance), ("level", level)):
        if not 0 < value < 1:
            raise InvalidParameterError(f"{name} is {value}; expected a probability between 0 and 1")
    if n == 0:
        return BinomialTest(0, 0, math.nan, (0.0, 1.0), level, 1.0)
    found = binomtest(successes, n, chance)
    low, high = found.proportion_ci(level, method="exact")
    return BinomialTest(successes, n, successes / n, (float(low), float(high)), level, float(found.pvalue))


def holm(p_values: Sequence[float] | FloatArray) -> FloatArray:
    """P-values corrected for their number, (n,), in the order given.

    The smallest is multiplied by n, the next by n - 1, and so on; none comes out below a smaller one, or above 1. NaN
    stands for a test that could not be made: it stays, and does not count. Raises InvalidParameterError for other
    values outside 0 to 1.
    """
    given = np.asarray(p_values, dtype=np.float64)
    made = np.flatnonzero(~np.isnan(given))
    if ((given[made] < 0) | (given[made] > 1)).any():
        raise InvalidParameterError(f"p-values lie between 0 and 1; got {given[made].min():g} to {given[made].max():g}")
    order = made[np.argsort(given[made], kind="stable")]
    corrected = np.full(given.shape, np.nan)
    steps = given[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def paired_permutation(first: Totals, second: Totals, *, seed: _random.Seed = 0, n_draws: int = N_DRAWS) -> float:
    """The two-sided p-value of the difference between two figures over the same pieces, by swapping within pieces.

    NaN where a total is infinite, as where a model held a piece to be impossible: then no figure can be compared.
    Raises InvalidParameterError where the pieces are not the same in number or `n_draws` is not positive,
    EmptyCorpusError where there is nothing to count.

    >>> one, other = (Totals(np.array(bits), np.ones(3)) for bits in ([1.0, 2.0, 3.0], [2.0, 3.0, 5.0]))
    >>> paired_permutation(one, other)  # as extreme: nothing swapped, and all three, of eight ways
    0.25
    """
    n = len(first.bits)
    if len(second.bits) != n or n_draws < 1:
        raise InvalidParameterError(
            f"got {n} and {len(second.bits)} pieces, {n_draws} draws; expected the same pieces, and one draw at least"
        )
    if min(first.counts.sum(), second.counts.sum()) == 0:
        raise EmptyCorpusError("there is nothing to compare: no piece holds anything that is counted")
    if not np.isfinite([first.bits, second.bits]).all():
        return math.nan
    seen = abs(_difference(first, second, np.zeros((1, n), dtype=bool))[0])
    least = seen - 1e-12 * max(seen, 1.0)  # equal in exact arithmetic
    extreme = [abs(_difference(first, second, swapped)) >= least for swapped in _swaps(n, n_draws, seed)]
    count, total = np.concatenate(extreme).sum(), sum(map(len, extreme))
    return float(count / total) if n <= _FEW else float((count + 1) / (total + 1))


def _swaps(n: int, n_draws: int, seed: _random.Seed) -> Iterator[BoolArray]:
    """Which pieces are swapped, in blocks: each (block, n)."""
    if n <= _FEW:
        yield (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(bool)
        return
    rng = _random.generator(seed)
    block = max(1, 4_000_000 // n)
    for start in range(0, n_draws, block):
        yield rng.random((min(block, n_draws - start), n)) < 0.5


def _difference(first: Totals, second: Totals, swapped: BoolArray) -> FloatArray:
    """The figure of `second` minus that of `first` after each swap: (n_swaps,). NaN where one has nothing to count."""
    moves = swapped.astype(np.float64)
    bits, counts = moves @ (second.bits - first.bits), moves @ (second.counts - first.counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        mine = (first.bits.sum() + bits) / (first.counts.sum() + counts)
        theirs = (second.bits.sum() - bits) / (second.counts.sum() - counts)
    difference: FloatArray = theirs - mine
    return difference
