"""Markov models of a fixed order, with four ways to smooth what was counted.

`order` counts events: the next symbol depends on the `order` latest complete events, their places in
the bar, the present place in the bar, and what is known of the present event (its rest and duration,
when its pitch is due). A piece's first symbols stand after START, which takes the place of the events
that are missing: they have contexts of their own. Shorter contexts drop the oldest element first;
`stochastic_music.models.contexts` tells the details.

With c(w) the count of symbol w after a context, N their sum, T how many different symbols followed, V the
size of the alphabet now due, and P' what the next shorter context says:

    "none"         c(w) / N                                  relative frequency; nothing unseen can follow
    "add_k"        (c(w) + k) / (N + k V)                    Laplace with k = 1, Lidstone; no shorter context
    "witten_bell"  (c(w) + T P'(w)) / (N + T)                [1]
    "absolute"     (max(c(w) - d, 0) + d T P'(w)) / N        [2]
    "kneser_ney"   the same; contexts that could be longer count in how many of the longer ones w was seen [3, 4]

"none" and "add_k" take the longest context that was seen. The discount d is n1 / (n1 + 2 n2) for each
field and length of context, n1 and n2 being how many entries count one and two, unless it is given.
A context whose oldest event is incomplete counts as one of these steps only if it was seen less often than
the next shorter one: four fields an event would otherwise smooth the same single observation four times.
At the root (no context) P is c(w) / N where every symbol of the alphabet was seen somewhere; else the
unseen symbols share, in equal parts, what the root gives away: order -1.

Contexts that begin with START cannot be longer; with Kneser-Ney they keep their plain counts, as in [4].

nltk.lm has the same values on seen symbols, with three differences that the tests work out: its padding counts
START among the symbols that can follow, its add-k vocabulary holds a label for the unknown as one symbol more,
and its Kneser-Ney divides by zero after START where the context is shorter than the order.
KenLM's `lmplz` [4] has the same values too where it takes one discount for all counts: it estimates three an order
(modified Kneser-Ney), and at the root keeps a share for its word <unk>.

[1] I. H. Witten, T. C. Bell. The zero-frequency problem. IEEE Trans. Information Theory 37(4), 1991. Method C.
[2] H. Ney, U. Essen, R. Kneser. On structuring probabilistic dependences. Computer Speech and Language 8, 1994.
[3] R. Kneser, H. Ney. Improved backing-off for m-gram language modeling. ICASSP 1995.
[4] K. Heafield et al. Scalable modified Kneser-Ney language model estimation. ACL 2013.
"""

from __future__ import annotations

import numpy as np

from stochastic_music.errors import InvalidParameterError, UnknownNameError
from stochastic_music.models.backoff import BackoffModel
from stochastic_music.models.backoff_table import (
    BackoffTable,
    continuation_counts,
    interpolated,
    order_minus_one,
    says_nothing_new,
    spoken,
    totals,
)
from stochastic_music.models.contexts import Contexts, added_up
from stochastic_music.protocols import FloatArray
from stochastic_music.tokens import Vocabulary

SMOOTHINGS = ("kneser_ney", "witten_bell", "absolute", "add_k", "none")


class Markov(BackoffModel):
    """A Markov model of order `order` (in events); see the module's article for the smoothings.

    Args:
        order: how many complete events are remembered, 0 or more.
        smoothing: "kneser_ney", "witten_bell", "absolute", "add_k" or "none".
        k: what "add_k" adds to every count, above 0.
        discount: what "absolute" and "kneser_ney" take from every count, from 0 to 1; None to estimate it.

    `fit` raises InvalidParameterError or UnknownNameError for parameters outside these.

    The word abac, order 1: after a came b and c once each, so N = T = 2 and half of the mass is left to
    the root, where a was seen twice and b and c once each. b gets (1 + 2/4) / (2 + 2).

        >>> from stochastic_music.corpus import TokenCorpus
        >>> corpus = TokenCorpus.from_sequences([[0, 1, 0, 2]], Vocabulary.plain(3, closed=False))
        >>> model = Markov(order=1, smoothing="witten_bell").fit(corpus)
        >>> np.exp(model.log_probs([0, 1])).round(3).tolist()
        [0.75, 0.375]
    """

    def __init__(
        self, order: int = 3, smoothing: str = "kneser_ney", *, k: float = 1.0, discount: float | None = None
    ) -> None:
        self.order = order
        self.smoothing = smoothing
        self.k = k
        self.discount = discount

    def _check_params(self) -> None:
        if isinstance(self.order, bool) or not isinstance(self.order, (int, np.integer)) or self.order < 0:
            raise InvalidParameterError(f"order is {self.order!r}; expected a whole number of events, 0 or more")
        if self.smoothing not in SMOOTHINGS:
            raise UnknownNameError("smoothing", str(self.smoothing), SMOOTHINGS)
        if not 0 < self.k < np.inf:
            raise InvalidParameterError(f"k is {self.k!r}; expected a number above 0 (or smoothing='none')")
        if self.discount is not None and not 0 <= self.discount <= 1:
            raise InvalidParameterError(f"discount is {self.discount!r}; expected a number from 0 to 1, or None")

    def _bound(self) -> int:
        return int(self.order)

    def _smooth(self, contexts: Contexts, vocabulary: Vocabulary) -> BackoffTable:
        if self.smoothing == "none":
            return _longest_only(contexts, vocabulary, 0.0)
        if self.smoothing == "add_k":
            return _longest_only(contexts, vocabulary, self.k)
        count = contexts.entries.count.astype(np.float64)
        if self.smoothing == "witten_bell":
            return _interpolating(contexts, vocabulary, count, count, np.ones_like(count))
        if self.smoothing == "kneser_ney":
            count = continuation_counts(contexts)
        taken = np.minimum(count, discounts(contexts, count, self.discount))
        return _interpolating(contexts, vocabulary, count, count - taken, taken)


def discounts(contexts: Contexts, count: FloatArray, given: float | None) -> FloatArray:
    """n1 / (n1 + 2 n2) for each field and length of context, or `given`: (n_entries,).

    Kept between 0.05 and 0.95, so that no context gives away nothing, or everything.
    """
    if given is not None:
        return np.full(len(count), float(given))
    context = contexts.entries.context
    length = np.searchsorted(contexts.bounds, context, side="right") - 1
    group = contexts.due_after(context) * len(contexts.bounds) + length
    n_groups = (contexts.n_fields + 1) * len(contexts.bounds)
    ones, twos = (added_up(group, n_groups, count == n) for n in (1, 2))
    estimate = ones / np.maximum(ones + 2 * twos, 1)
    discount: FloatArray = np.clip(estimate, 0.05, 0.95)[group]
    return discount


def _interpolating(
    contexts: Contexts, vocabulary: Vocabulary, count: FloatArray, kept: FloatArray, given: FloatArray
) -> BackoffTable:
    """Each entry keeps `kept`, and its context gives `given` away for it; a root only if some symbol was never seen."""
    base = order_minus_one(contexts, count, vocabulary)
    final = np.zeros(contexts.n_contexts, dtype=bool)
    final[: len(base)] = ~base.any(axis=1)
    context = contexts.entries.context
    silent = says_nothing_new(contexts)[context]
    kept = np.select([final[context], silent], [count, np.zeros_like(count)], kept)
    given = np.where(final[context], 0.0, given)
    return interpolated(contexts, kept, totals(contexts, given), base)


def _longest_only(contexts: Contexts, vocabulary: Vocabulary, k: float) -> BackoffTable:
    """The longest context that anything followed, `k` added to the count of every symbol of the alphabet."""
    entries = contexts.entries
    size = vocabulary.due_mask.sum(axis=1)
    base = vocabulary.due_mask / np.maximum(size, 1)[:, None]
    n = totals(contexts, entries.count.astype(np.float64))
    given = np.where(n > 0, k * size[contexts.due], 1.0)
    mass = n + given * (n > 0)
    probability = (entries.count + k) / mass[entries.context]
    weight = np.where(n > 0, given / np.maximum(mass, 1), 1.0)
    nowhere = np.full(contexts.n_contexts, -1)
    return BackoffTable(contexts, probability, weight, base, spoken(contexts, n), nowhere)
