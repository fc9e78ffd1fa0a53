"""What follows what, told from a model's own tables where its training pieces were not kept.

Every place of the training pieces has one longest context. What a context counted beyond what longer ones counted that
begin with it, its *own* count, is how often it was the longest: contexts with their own counts stand for the places. So
counts are those of the corpus, as far back as the model remembers, and predictions are its own from there.
"""

from __future__ import annotations

import numpy as np

from stochastic_music.models.backoff import BackoffModel
from stochastic_music.models.contexts import added_up
from stochastic_music.models.reasons import as_heard
from stochastic_music.protocols import IntArray
from stochastic_music.reports.inspection.distribution import Distribution, affordable
from stochastic_music.reports.inspection.expecting import Spread, expected
from stochastic_music.reports.inspection.line import NOTHING, Line


def remembered(model: BackoffModel, line: Line, depth: int) -> Distribution:
    """What comes in the line after each past of up to `depth` notes that `model` remembers.

    >>> from stochastic_music.corpus import TokenCorpus
    >>> from stochastic_music.models import Markov
    >>> from stochastic_music.tokens import Vocabulary
    >>> abac = TokenCorpus.from_sequences([[0, 1, 0, 2]], Vocabulary.plain(3))
    >>> found = remembered(Markov(1, "none").fit(abac), Line(abac.vocabulary), 1)
    >>> found.before.ravel().tolist(), found.times.tolist()
    ([-1, 0, 1, 2], [1, 2, 1, 1])
    >>> found.probability[1].tolist() == [0, 0.5, 0.5, 0], found.came[1].tolist()
    (True, [0, 1, 1, 0])
    """
    contexts, vocabulary = model.contexts_, line.vocabulary
    context, symbol, own = _own(model)
    due = contexts.due_after(context)
    starts, weight = _summed(context[due == 0], own[due == 0])
    tells = (due == line.field) | (symbol == vocabulary.end)
    pasts = affordable(_pasts(model, line, np.concatenate([starts, context[tells]]), depth), line.size + 1)
    before, group = np.unique(pasts, axis=0, return_inverse=True)
    begins, follows = np.split(group.ravel(), [len(starts)])
    found = expected(model, vocabulary, line.field, Spread(begins, starts, weight.astype(np.float64)), len(before))
    came = np.zeros(found.probability.shape, dtype=np.int64)
    column = np.where(symbol == vocabulary.end, len(found.symbols) - 1, symbol - found.symbols[0])[tells]
    np.add.at(came, (follows, column), own[tells])
    times = np.bincount(begins, weight, minlength=len(before)).astype(np.int64)
    return Distribution(before, times, times, found.symbols, found.probability, came, found.due)


def _own(model: BackoffModel) -> tuple[IntArray, IntArray, IntArray]:
    """Contexts, symbols that followed, and how often they did where the context was the longest: (n,) each."""
    entries = model.contexts_.entries
    longer = entries.suffix >= 0
    own = entries.count - added_up(entries.suffix[longer], len(entries.count), entries.count[longer])
    rows = np.flatnonzero(own > 0)
    return entries.context[rows], entries.element[rows], own[rows].astype(np.int64)


def _summed(context: IntArray, count: IntArray) -> tuple[IntArray, IntArray]:
    """Each context once, with the sum of its counts."""
    once, place = np.unique(context, return_inverse=True)
    return once, np.bincount(place, count, minlength=len(once)).astype(np.int64)


def _pasts(model: BackoffModel, line: Line, contexts: IntArray, depth: int) -> IntArray:
    """The last notes of the line in each context, the latest first: (n, depth), NOTHING beyond what it holds."""
    once, place = np.unique(contexts, return_inverse=True)
    found = np.full((len(once), depth), NOTHING)
    for row, context in enumerate(once.tolist()):
        past = map(line.heard, as_heard(model.contexts_, line.vocabulary, context).past[::-1])
        latest = [note for note in past if note != NOTHING][:depth]
        found[row, : len(latest)] = latest
    return found[place]
