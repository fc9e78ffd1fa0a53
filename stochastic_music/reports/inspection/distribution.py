"""What a model expects of a line and what its corpus held, side by side, for every past of a few notes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.reports.inspection.expecting import Spread, entropy, expected
from stochastic_music.reports.inspection.line import Line, Places
from stochastic_music.tokens import Vocabulary

#: at most so many places are asked for what a model expects there
MOST = 10_000


class Heard(NamedTuple):
    """Where a corpus was heard: its places, and the model's context at each of them (n,); `asked` are asked of it.

    Counts are of all places; predictions are means over those asked, which are evenly spread.
    """

    corpus: TokenCorpus
    places: Places
    context: IntArray
    asked: IntArray

    @classmethod
    def of(cls, model: Any, corpus: TokenCorpus, line: Line, depth: int) -> Heard:
        """All places of `corpus`, with `depth` notes before."""
        places = line.places(corpus, depth)
        return cls(corpus, places, model.contexts_along(corpus)[places.at], _evenly(len(places.at)))

    def came(self, field: int) -> IntArray:
        """The symbol of a field that came at each place, or END: (n,)."""
        end = self.corpus.vocabulary.end
        ends = self.places.came == end
        return np.where(ends, end, self.corpus.symbols[np.where(ends, 0, self.places.at + field)])

    def matching(self, rows: IntArray) -> Heard:
        """Some of the places."""
        return Heard(self.corpus, self.places.select(rows), self.context[rows], _evenly(len(rows)))


class Distribution(NamedTuple):
    """What comes after each of some pasts: (n_pasts,) or a row each.

    `before` (n_pasts, k) are the last symbols, the latest first; `times` how often they were heard; `probability` and
    `came` have a column for each of `symbols`, END the last: what the model expects, and how often it came. `asked`
    says at how many places the model was asked, `due` the contexts from which it predicted there.
    """

    before: IntArray
    times: IntArray
    asked: IntArray
    symbols: IntArray
    probability: FloatArray
    came: IntArray
    due: Spread

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


def distribution(model: Any, vocabulary: Vocabulary, heard: Heard, past: IntArray, field: int) -> Distribution:
    """What comes in `field` of the next event after each of the pasts (n_places, k)."""
    before, group = np.unique(past, axis=0, return_inverse=True)
    group, n = group.ravel(), len(before)
    asked = Spread(group[heard.asked], heard.context[heard.asked], np.ones(len(heard.asked)))
    found = expected(model, vocabulary, field, asked, n)
    symbols = heard.came(field)
    column = np.where(symbols == vocabulary.end, len(found.symbols) - 1, symbols - found.symbols[0])
    came = np.zeros((n, len(found.symbols)), dtype=np.int64)
    np.add.at(came, (group, column), 1)
    times, places = (np.bincount(rows, minlength=n) for rows in (group, asked.group))
    return Distribution(before, times, places, found.symbols, found.probability, came, found.due)


def _evenly(n: int) -> IntArray:
    """Numbers below `n`, all of them or `MOST` that are evenly spread."""
    return np.arange(n) if n <= MOST else np.arange(MOST) * n // MOST
