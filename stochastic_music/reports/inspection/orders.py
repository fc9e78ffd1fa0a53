"""How much each order of a back-off model says of what comes next.

The longest context that was seen keeps a part of the mass for what it saw and gives the rest away to the next shorter
one, and so on down to equal chances for all (order -1). Where shorter contexts only fill in for symbols that longer
ones never saw, each symbol counts for the first that saw it. The shares of a context sum to 1.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stochastic_music.models.backoff import BackoffModel
from stochastic_music.models.backoff_table import BackoffTable, ragged
from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.reports.inspection.expecting import Spread


def shares(model: BackoffModel, due: Spread, n_groups: int) -> FloatArray:
    """The share of each order in the predictions after `due`, weighted: (n_groups, highest order + 2), order -1 last.

    >>> from stochastic_music.corpus import TokenCorpus
    >>> from stochastic_music.models import Markov
    >>> from stochastic_music.tokens import Vocabulary
    >>> abac = TokenCorpus.from_sequences([[0, 1, 0, 2]], Vocabulary.plain(3, closed=False))
    >>> model, zero = Markov(1, "witten_bell").fit(abac), np.zeros(1, dtype=np.int64)
    >>> after_a = model.contexts_along(abac)[1:2]
    >>> shares(model, Spread(zero, after_a, np.ones(1)), 1).tolist()  # two of four kept; the root saw all
    [[0.5, 0.5, 0.0]]
    """
    raw = replace(model.table_, speaker=None, total=None)
    at = model.table_.speakers(due.context)
    left = due.weight * model.table_.scales(due.context)
    group, said = due.group, np.zeros((len(at), model.contexts_.n_symbols), dtype=bool)
    found = np.zeros((n_groups, int(orders(model, at).max(initial=0)) + 2))
    fills_in = not getattr(model, "interpolated", True)
    for _ in model.contexts_.shortenings():
        below = model.table_.shortened(at)
        np.add.at(found, (group, orders(model, at)), left * _own(raw, at, below, said, fills_in=fills_in))
        left = left * raw.weight[at]
        base = raw.base[model.contexts_.due_after(at)]
        bottom = below < 0
        np.add.at(found[:, -1], group[bottom], left[bottom] * np.where(said, 0.0, base)[bottom].sum(axis=1))
        group, left, said, at = group[~bottom], left[~bottom], said[~bottom], below[~bottom]
        if not len(at):
            break
    return found


def _own(raw: BackoffTable, at: IntArray, below: IntArray, said: BoolArray, *, fills_in: bool) -> FloatArray:
    """The mass that each context keeps for itself; where it `fills_in`, of symbols not `said` yet, which are noted."""
    row, entry = ragged(raw.contexts.rows[at], raw.contexts.rows[at + 1])
    symbol = raw.contexts.entries.key[entry] % raw.contexts.base
    mass = raw.probability[entry]
    if fills_in:
        mass = np.where(said[row, symbol], 0.0, mass)
        said[row, symbol] = True
        return np.bincount(row, mass, len(at)).astype(np.float64)
    due = raw.contexts.due_after(at)[row]
    lower = np.where(below[row] < 0, raw.base[due, symbol], np.exp(raw.look_up(np.maximum(below[row], 0), symbol)))
    return np.bincount(row, np.maximum(mass - raw.weight[at[row]] * lower, 0.0), len(at)).astype(np.float64)


def orders(model: BackoffModel, at: IntArray) -> IntArray:
    """How many events each of the contexts `at` holds, START being one: (n,)."""
    contexts, (*_, first, end) = model.contexts_, model.vocabulary_.starts  # of the last field, and behind it
    found, at = np.zeros(len(at), dtype=np.int64), at.copy()
    for _ in contexts.shortenings():
        longer = np.flatnonzero(at >= contexts.n_roots)
        if not len(longer):
            break
        oldest = contexts.family[at[longer] - contexts.n_roots] % contexts.base
        found[longer] += (oldest == contexts.n_symbols) | ((oldest >= first) & (oldest < end))
        at[longer] = contexts.shortened(at[longer])
    return found
