"""What a model expects of the next event of a line, exactly, whatever stands between.

An event may begin with a rest, a length, a phrase mark before its pitch comes. What comes next in the line is the sum
over all of these,

    P(x | past) = sum over rest, length, mark of P(rest, length, mark | past) P(x | rest, length, mark, past)

which a model of finitely many contexts gives without listing them: a weight on each context is moved along its arcs,
field by field, and weights that meet are added up. Weights are kept apart by *group*, so that one pass tells of many
pasts; the answer of a group is the mean over its places.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stochastic_music.protocols import FiniteContextModel, FloatArray, IntArray
from stochastic_music.tokens import Vocabulary


class Spread(NamedTuple):
    """Weights on contexts, each of a group: (n,) each."""

    group: IntArray
    context: IntArray
    weight: FloatArray

    def gathered(self, n_contexts: int) -> Spread:
        """The same, each pair of group and context once, ascending."""
        key, place = np.unique(self.group * n_contexts + self.context, return_inverse=True)
        weight = np.bincount(place, self.weight, len(key)).astype(np.float64)
        return Spread(key // n_contexts, key % n_contexts, weight)

    def shares(self) -> Spread:
        """The same with weights that sum to 1 in each group."""
        total = np.bincount(self.group, self.weight)
        return self._replace(weight=self.weight / total[self.group])


class Expected(NamedTuple):
    """What comes next: `probability` (n_groups, n_columns), a column for each of `symbols`, END the last.

    `due` are the contexts from which the field was predicted, with weights that sum in each group to what does not end.
    """

    symbols: IntArray
    probability: FloatArray
    due: Spread


def expected(model: FiniteContextModel, vocabulary: Vocabulary, field: int, at: Spread, n_groups: int) -> Expected:
    """What `model` expects of `field` in the next event, as a mean over the contexts of each group by their weights.

    Contexts have heard the clock's mark. Rows sum to 1.

        >>> from stochastic_music.corpus import TokenCorpus
        >>> from stochastic_music.models import Markov
        >>> toy = TokenCorpus.from_sequences([[0, 1, 0]], Vocabulary.plain(2))
        >>> model, zero = Markov(0, "none").fit(toy), np.zeros(1, dtype=np.int64)
        >>> expected(model, toy.vocabulary, 0, Spread(zero, zero, np.ones(1)), 1).probability.tolist()
        [[0.5, 0.25, 0.25]]
    """
    first, size = int(vocabulary.starts[field]), vocabulary.fields[field].size
    symbols = np.append(np.arange(first, first + size), vocabulary.end)
    probability = np.zeros((n_groups, size + 1))
    now = at.gathered(model.n_contexts).shares()
    due = now
    for f in range(field + 1):
        arcs = model.arcs(now.context)
        after = Spread(now.group[arcs.row], arcs.next_context, now.weight[arcs.row] * np.exp(arcs.log_prob))
        ends = arcs.symbol == vocabulary.end
        np.add.at(probability, (after.group[ends], -1), after.weight[ends])
        due = now
        if f == field:
            here = ~ends
            np.add.at(probability, (after.group[here], arcs.symbol[here] - first), after.weight[here])
        now = Spread(*(column[~ends] for column in after)).gathered(model.n_contexts)
    return Expected(symbols, probability, due)


def entropy(probability: FloatArray) -> FloatArray:
    """The entropy of each row, in bits: (n,).

    >>> entropy(np.array([[0.5, 0.5], [1.0, 0.0]])).tolist()
    [1.0, 0.0]
    """
    logs = np.log2(np.where(probability > 0, probability, 1.0))
    bits: FloatArray = np.abs((probability * logs).sum(axis=1))
    return bits
