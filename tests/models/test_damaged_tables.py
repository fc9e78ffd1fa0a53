"""Tables that were changed in their file: nothing goes round for ever, and no number is taken for a size."""

from dataclasses import replace

import numpy as np
import pytest

from stochastic_music.errors import ModelFileError
from stochastic_music.models import PPM, Markov
from stochastic_music.models.backoff_table import Grid, continuation_counts, totals
from stochastic_music.models.reasons import ladder
from stochastic_music.testing.toys import two_fields

MODELS = {"markov": Markov(2, "kneser_ney"), "ppm": PPM(2)}
#: what goes through links from context to context
WALKS = {
    "spelled": lambda model, c, _: [model.contexts_.spelled(int(at)) for at in c],
    "step": lambda model, c, s: model.contexts_.step(c, s),
    "look_up": lambda model, c, s: model.look_up(c, s),
    "arcs": lambda model, c, _: model.arcs(c),
    "ladder": lambda model, c, _: [ladder(model, int(at), 0) for at in c],
    "steps": lambda model, c, s: [model.steps().follow(*pair) for pair in zip(c.tolist(), s.tolist(), strict=True)],
}


def damaged(model, entries=None, **columns):
    """A fitted model with other columns in its contexts, and other links in its table."""
    known = model.contexts_
    known = replace(known, entries=replace(known.entries, **(entries or {})), **columns)
    model.contexts_, model.table_ = known, replace(model.table_, contexts=known)
    if model.table_.shorter is not None:
        model.table_ = replace(model.table_, shorter=np.arange(known.n_contexts))
    model._grid = Grid.of(model.table_, model.vocabulary_)
    return model


def fitted(name):
    return type(MODELS[name])(**MODELS[name].get_params()).fit(two_fields())


def everything(model):
    contexts, symbols = np.meshgrid(np.arange(model.n_contexts), np.arange(model.vocabulary_.n_symbols))
    return contexts.ravel(), symbols.ravel()


@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS)
@pytest.mark.parametrize("name", MODELS)
def test_contexts_that_are_their_own_parents_are_said(name, walk):
    model = fitted(name)
    known = model.contexts_
    walk(model, *everything(model))  # as it is, all is well
    own = np.arange(known.n_roots, known.n_contexts) * known.base
    model = damaged(model, family=own)
    with pytest.raises(ModelFileError, match="round in circles"):
        walk(model, *everything(model))


def test_numbers_of_entries_and_contexts_beyond_the_table_are_no_sizes():
    known = fitted("markov").contexts_
    beyond = np.full(len(known.entries.key), 1 << 40)
    for column, adds in (("suffix", continuation_counts), ("key", lambda known: totals(known, np.ones(len(beyond))))):
        changed = replace(known, entries=replace(known.entries, **{column: beyond}))
        with pytest.raises(IndexError):
            adds(changed)


def test_rows_are_no_longer_than_there_are_symbols():
    model = fitted("markov")
    n_contexts, n_entries = model.n_contexts, len(model.contexts_.entries.key)
    rows = np.arange(n_contexts + 1) % 2 << 40  # each other row has 2^40 entries, the next one fewer than none
    with pytest.raises((IndexError, ValueError)):
        damaged(model, rows=rows).arcs(np.arange(0, n_contexts, 2))
    assert n_entries < 1 << 10
