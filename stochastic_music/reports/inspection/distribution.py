"""What a model expects of a line and what its corpus held, side by side, for every past of a few notes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.models.backoff import BackoffModel
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.reports.inspection.expecting import Spread, entropy, expected
from stochastic_music.reports.inspection.line import Line, Places

#: at most so many places are asked for what a model expects there, and so many symbols at all of them together
MOST, _ASKED = 10_000, 2_000_000
#: cells of a table of pasts and what follows them; 80 megabytes
_CELLS = 10_000_000


class Heard(NamedTuple):
    """Places of a corpus; at those `asked`, which are evenly spread, a model is asked what it expects.

    Counts are of all places; predictions are means over those asked.
    """

    corpus: TokenCorpus
    places: Places
    asked: IntArray

    @classmethod
    def of(cls, corpus: TokenCorpus, line: Line, depth: int) -> Heard:
        """All places of `corpus`, with `depth` notes before."""
        return cls._spread(corpus, line.places(corpus, depth))

    def came(self, field: int) -> IntArray:
        """The symbol of a field that came at each place, or END: (n,)."""
        end = self.corpus.vocabulary.end
        ends = self.places.came == end
        return np.where(ends, end, self.corpus.symbols[np.where(ends, 0, self.places.at + field)])

    def matching(self, rows: IntArray) -> Heard:
        """Some of the places."""
        return self._spread(self.corpus, self.places.select(rows))

    @classmethod
    def _spread(cls, corpus: TokenCorpus, places: Places) -> Heard:
        """The places asked are evenly spread over the pasts, sorted: so that commoner ones are asked more often."""
        sorted_by_past = np.lexsort(places.before.T[::-1]) if places.before.size else np.arange(len(places.at))
        widest = max(field.size for field in corpus.vocabulary.fields)
        most = min(MOST, max(_ASKED // widest, 1))
        return cls(corpus, places, np.sort(sorted_by_past[evenly(len(places.at), most)]))


class Distribution(NamedTuple):
    """What comes after each of some pasts: (n_pasts,) or a row each.

    `before` (n_pasts, k) are the last symbols, the latest first; `times` how often they were heard; `probability` and
    `came` have a column for each of `symbols`, END the last: what the model expects, and how often it came. `asked`
    says at how many places the model was asked, `due` the contexts from which it predicted there, for models that have
    such.
    """

    before: IntArray
    times: IntArray
    asked: IntArray
    symbols: IntArray
    probability: FloatArray
    came: IntArray
    due: Spread | None = None

    def only(self, rows: IntArray) -> Distribution:
        """Some of the pasts, and the contexts that predict after them, weighted by how often these were asked."""
        columns = {name: getattr(self, name)[rows] for name in ("before", "times", "asked", "probability", "came")}
        if self.due is None:
            return self._replace(**columns)
        group, context, weight = self.due
        of = np.isin(group, rows)
        due = Spread(group[of], context[of], weight[of] * self.asked[group[of]])
        return self._replace(**columns, due=due)

    def shorter(self, k: int) -> Distribution:
        """The same after `k` symbols only; contexts that predict are those of all, without groups."""
        before, group = np.unique(self.before[:, :k], axis=0, return_inverse=True)
        group = group.ravel()
        n, weight = len(before), np.bincount(group, self.asked)
        mean = np.zeros((n, len(self.symbols)))
        np.add.at(mean, group, self.probability * self.asked[:, None])
        came = np.zeros(mean.shape, dtype=np.int64)
        np.add.at(came, group, self.came)
        times = np.bincount(group, self.times).astype(np.int64)
        return self._replace(
            before=before,
            times=times,
            asked=weight.astype(np.int64),
            probability=mean / np.maximum(weight, 1)[:, None],
            came=came,
        )

    @property
    def bits(self) -> FloatArray:
        """How open each past is: the entropy of what the model expects, (n_pasts,)."""
        return entropy(self.probability)


def of_contexts(model: BackoffModel, along: IntArray, heard: Heard, past: IntArray, field: int) -> Distribution:
    """What comes in `field` of the next event after each of the pasts (n_places, k), for a model of contexts.

    `along` (n,) are its contexts before each symbol of the corpus. The lengths and marks that come before the field in
    the event are summed over.
    """
    before, group = np.unique(past, axis=0, return_inverse=True)
    group, n = group.ravel(), len(before)
    contexts = along[heard.places.at[heard.asked]]
    found = expected(
        model, heard.corpus.vocabulary, field, Spread(group[heard.asked], contexts, np.ones(len(contexts))), n
    )
    times, asked = (np.bincount(rows, minlength=n) for rows in (group, group[heard.asked]))
    return Distribution(
        before, times, asked, found.symbols, found.probability, counted(heard, group, n, field), found.due
    )


def affordable(pasts: IntArray, n_columns: int) -> IntArray:
    """As many of the latest symbols of pasts (n, depth) as a table of `n_columns` has room for.

    >>> affordable(np.arange(4000).reshape(-1, 2), 100).shape, affordable(np.arange(4000).reshape(-1, 2), 10_000).shape
    ((2000, 2), (2000, 0))
    """
    depths = range(pasts.shape[1], 0, -1)
    depth = next((k for k in depths if len(np.unique(pasts[:, :k], axis=0)) * n_columns <= _CELLS), 0)
    return pasts[:, :depth]


def counted(heard: Heard, group: IntArray, n_groups: int, field: int) -> IntArray:
    """How often symbols of a field came at the places of each group (n_places,), END last: (n_groups, n_columns)."""
    vocabulary, symbols = heard.corpus.vocabulary, heard.came(field)
    first, size = int(vocabulary.starts[field]), vocabulary.fields[field].size
    came = np.zeros((n_groups, size + 1), dtype=np.int64)
    np.add.at(came, (group, np.where(symbols == vocabulary.end, size, symbols - first)), 1)
    return came


def evenly(n: int, most: int = MOST) -> IntArray:
    """Numbers below `n`, all of them or `most` that are evenly spread.

    >>> evenly(3).tolist(), evenly(9, 3).tolist() == [0, 3, 6]
    ([0, 1, 2], True)
    """
    return np.arange(n) if n <= most else np.arange(most) * n // most
