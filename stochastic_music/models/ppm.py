"""Prediction by partial matching: blend what every matching context says, the longest first.

A context that was seen N times with T different symbols after it keeps a part k(w) of its mass for each of
these and gives the rest, e, away to the next shorter context for symbols it does not know (the *escape*) [1, 2]:

    escape   k(w)         e
    "a"      c(w)         1
    "b"      c(w) - 1     T
    "c"      c(w)         T
    "d"      c(w) - 1/2   T / 2
    "ax"     c(w)         1 + how many symbols count one

What a shorter context says is divided by the mass of those of its symbols that the longer one does not
know (exclusion); a shorter context that knows nothing more is passed over. Interpolated models add it to
all symbols, back-off models use it for those that keep nothing. Order -1 gives each symbol of the
alphabet 1 / (size of the alphabet + 1 - how many were seen). Then rows are divided by their sum.

With update exclusion a count grows only where no longer context knew the symbol already: so an entry
counts in how many contexts one element longer it was seen. With `shortest_deterministic` the shortest
matching context with a single continuation predicts, if there is one, else the longest [2].

Contexts hold `order_bound` complete events, as in `stochastic_music.models.contexts`, or any number: then
no context is kept that could never predict. Models are frozen after `fit`. Their distributions are those
of IDyOM 1.5 on the word of `tests/golden/`, to 1e-5.

[1] J. G. Cleary, W. J. Teahan. Unbounded length contexts for PPM. The Computer Journal 40(2/3), 1997.
[2] M. T. Pearce, G. A. Wiggins. Improved methods for statistical modelling of monophonic music.
    Journal of New Music Research 33(4), 2004.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import InvalidParameterError, UnknownNameError
from stochastic_music.models.backoff import BackoffModel
from stochastic_music.models.backoff_table import BackoffTable, continuation_counts, spoken, totals
from stochastic_music.models.contexts import Contexts, Stream, added_up, enough
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.tokens import Vocabulary

#: what rounding leaves of a difference of counts
_NOTHING = 1e-9

ESCAPES = ("a", "b", "c", "d", "ax")


class PPM(BackoffModel):
    """Prediction by partial matching; see the module's article.

    Args:
        order_bound: how many complete events a context may hold, 0 or more; None for any number.
        escape: "a", "b", "c", "d" or "ax".
        exclusion: update exclusion.
        interpolated: blend all orders, or use shorter ones for unknown symbols only.
        shortest_deterministic: predict from the shortest context with a single continuation, if there is one.

    `fit` raises InvalidParameterError or UnknownNameError for parameters outside these.

        >>> from stochastic_music.corpus import TokenCorpus
        >>> abra = TokenCorpus.from_sequences([[0, 1, 2, 0]], Vocabulary.plain(5, closed=False))
        >>> model = PPM(order_bound=None, escape="c").fit(abra)
        >>> np.exp(model.log_probs([0, 1, 2, 0, 1])[-1]).round(5)  # what IDyOM says of b after abra
        np.float64(0.53333)
    """

    def __init__(
        self,
        order_bound: int | None = 5,
        escape: str = "c",
        *,
        exclusion: bool = False,
        interpolated: bool = True,
        shortest_deterministic: bool = True,
    ) -> None:
        self.order_bound = order_bound
        self.escape = escape
        self.exclusion = exclusion
        self.interpolated = interpolated
        self.shortest_deterministic = shortest_deterministic

    def _check_params(self) -> None:
        bound = self.order_bound
        if bound is not None and (isinstance(bound, bool) or not isinstance(bound, (int, np.integer)) or bound < 0):
            raise InvalidParameterError(
                f"order_bound is {bound!r}; expected a whole number of events, 0 or more, or None"
            )
        if bound is None and not self.shortest_deterministic:
            raise InvalidParameterError(
                "order_bound=None needs shortest_deterministic=True, which keeps the number of contexts in bounds: "
                "set it, or a bound"
            )
        if self.escape not in ESCAPES:
            raise UnknownNameError("escape", str(self.escape), ESCAPES)

    def _bound(self) -> int | None:
        return None if self.order_bound is None else int(self.order_bound)

    def _prune(self, stream: Stream, corpus: TokenCorpus) -> Stream:
        return enough(stream, corpus.n_symbols) if self.order_bound is None else stream

    def _smooth(self, contexts: Contexts, vocabulary: Vocabulary) -> BackoffTable:
        count = contexts.entries.count.astype(np.float64)
        if self.exclusion:
            count = continuation_counts(contexts)
        kept, given = escaping(contexts, count, self.escape)
        shorter, weight = descent(contexts, kept, given)
        base = order_minus_one(contexts, vocabulary)
        probability, total = blend(contexts, kept, shorter, weight, base, interpolated=self.interpolated)
        kinds = np.diff(contexts.rows)
        speaker = shortest_deterministic(contexts, kinds) if self.shortest_deterministic else spoken(contexts, kinds)
        return BackoffTable(contexts, probability, weight, base, speaker, shorter, total[speaker])


def escaping(contexts: Contexts, count: FloatArray, escape: str) -> tuple[FloatArray, FloatArray]:
    """What each entry keeps, (n_entries,), and each context gives away, (n_contexts,)."""
    kinds = np.diff(contexts.rows).astype(np.float64)
    ones = totals(contexts, (count == 1).astype(np.float64))
    return keeps(count, escape), gives(kinds, ones, escape)


def keeps(count: FloatArray, escape: str) -> FloatArray:
    """What symbols keep that were counted so often; see the module's article."""
    return count - {"b": 1.0, "d": 0.5}.get(escape, 0.0)


def gives(kinds: FloatArray, ones: FloatArray, escape: str) -> FloatArray:
    """What contexts give away that hold so many different symbols, and so many that count one."""
    spoken = (kinds > 0).astype(np.float64)
    return {"a": spoken, "d": kinds / 2, "ax": ones + spoken}.get(escape, kinds)


def descent(contexts: Contexts, kept: FloatArray, given: FloatArray) -> tuple[IntArray, FloatArray]:
    """Which context each one escapes to, -1 for order -1, and with which weight: (n_contexts,) both.

    The weight is what is given away over the mass that the shorter context has left when the symbols
    known already are excluded. A shorter context that knows no other symbol is passed over.
    """
    entries, parent = contexts.entries, contexts.parent
    above = entries.suffix >= 0
    known = added_up(entries.context[above], contexts.n_contexts, kept[entries.suffix[above]])
    left = totals(contexts, kept)[parent] - known
    shorter, share = parent.copy(), np.ones(contexts.n_contexts)
    new = left > _NOTHING
    new[: contexts.bounds[1]] = False
    share[new] = 1 / (left + given[parent])[new]
    for first, last in pairwise(contexts.bounds[1:]):
        rows = first + np.flatnonzero(~new[first:last])
        shorter[rows], share[rows] = shorter[parent[rows]], share[parent[rows]]
    return shorter, np.where(given > 0, given, 1.0) * share


def blend(
    contexts: Contexts,
    kept: FloatArray,
    shorter: IntArray,
    weight: FloatArray,
    base: FloatArray,
    *,
    interpolated: bool,
) -> tuple[FloatArray, FloatArray]:
    """Entries with what shorter contexts add, and the sums of whole rows: (n_entries,) and (n_contexts,)."""
    entries = contexts.entries
    below = contexts.find(shorter[entries.context], entries.element)
    probability, total = kept.copy(), np.empty(contexts.n_contexts)
    levels = np.searchsorted(entries.context, contexts.bounds)
    for (first, last), (lo, hi) in zip(pairwise(contexts.bounds), pairwise(levels), strict=True):
        context, element = entries.context[lo:hi], entries.element[lo:hi]
        lower = np.where(below[lo:hi] < 0, base[contexts.due[context], element], probability[below[lo:hi]])
        rest = np.where(shorter[first:last] < 0, base.sum(axis=1)[contexts.due[first:last]], total[shorter[first:last]])
        adds = interpolated | (kept[lo:hi] == 0)
        probability[lo:hi] += np.where(adds, weight[context] * lower, 0.0)
        rest = rest - added_up(context - first, last - first, np.where(adds, 0.0, lower))
        total[first:last] = added_up(context - first, last - first, kept[lo:hi])
        total[first:last] += weight[first:last] * rest
    return probability, total


def order_minus_one(contexts: Contexts, vocabulary: Vocabulary) -> FloatArray:
    """1 / (size of the alphabet + 1 - symbols seen), for each symbol of each field: (n_fields + 1, n_symbols)."""
    seen = np.diff(contexts.rows)[: vocabulary.n_fields + 1]
    size = vocabulary.due_mask.sum(axis=1)
    base: FloatArray = vocabulary.due_mask / (size + 1 - np.minimum(seen, size))[:, None]
    return base


def shortest_deterministic(contexts: Contexts, kinds: IntArray) -> IntArray:
    """The shortest context within each that has one continuation, else the longest that has any: (n_contexts,)."""
    out = np.arange(contexts.n_contexts, dtype=np.int64)
    for first, last in pairwise(contexts.bounds[1:]):
        within = out[contexts.parent[first:last]]
        stays = (kinds[within] == 1) | (kinds[first:last] == 0)
        out[first:last] = np.where(stays, within, out[first:last])
    return out
