"""Any model at places of its corpus: pieces are read side by side up to there, and then it is asked.

What comes next in a line is asked in two steps: whether the piece ends, at once; and if it goes on, the note, given
the rest, length and phrase mark that came with it there. So this is the mean over what stood in the corpus, where
`expecting` sums over all that could have stood there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.reports.inspection.distribution import Distribution, Heard, counted, evenly
from stochastic_music.reports.inspection.line import Line

#: places that a model is asked at, which has to read all that came before each
MOST = 120


class Visit(NamedTuple):
    """A moment at which places are reached: their numbers, and where their pieces stand in the batch of `state`."""

    which: IntArray
    rows: IntArray
    state: Any


def visits(model: Any, corpus: TokenCorpus, at: IntArray) -> Iterator[Visit]:
    """Read the pieces that hold the places `at` (n,) of `corpus`; the state is that before the symbol there."""
    piece = np.searchsorted(corpus.offsets, at, side="right") - 1
    chosen, row = np.unique(piece, return_inverse=True)
    part, step = corpus.select(chosen), at - corpus.offsets[piece]
    state = model.initial_state(len(part), part.headers)
    for t, symbols in enumerate(part.padded().T[: int(step.max(initial=-1)) + 1]):
        here = np.flatnonzero(step == t)
        if len(here):
            yield Visit(here, row[here], state)
        state = model.advance(state, symbols)


def chances(model: Any, corpus: TokenCorpus, at: IntArray) -> FloatArray:
    """What `model` expects at each place: (n, n_symbols)."""
    found = np.empty((len(at), corpus.n_symbols))
    for visit in visits(model, corpus, at):
        found[visit.which] = np.exp(model.next_log_probs(visit.state)[visit.rows])
    return found


def asked_at(heard: Heard) -> IntArray:
    """The places that are asked, of those heard: numbers, ascending."""
    return evenly(len(heard.places.at), MOST)


def notes_at(heard: Heard, line: Line, asked: IntArray) -> IntArray:
    """Where the line's symbols stand that came at the places asked, ends left out."""
    goes_on = heard.places.came[asked] != line.vocabulary.end
    where: IntArray = heard.places.at[asked[goes_on]] + line.field
    return where


def there(model: Any, line: Line, heard: Heard) -> Distribution:
    """What `model` expects of the line after all the places heard, as one past; see the module's article."""
    vocabulary, asked = line.vocabulary, asked_at(heard)
    first, size = int(vocabulary.starts[line.field]), vocabulary.fields[line.field].size
    symbols = np.append(np.arange(first, first + size), vocabulary.end)
    ends = chances(model, heard.corpus, heard.places.at[asked])
    if line.field == 0:
        probability = ends[:, symbols].mean(axis=0)
    else:
        ending, notes = ends[:, -1].mean(), notes_at(heard, line, asked)
        following = chances(model, heard.corpus, notes)[:, symbols].mean(axis=0) if len(notes) else 0.0
        probability = (1 - ending) * following
        probability[-1] = ending
    one = np.zeros(len(heard.places.at), dtype=np.int64)
    return Distribution(
        np.zeros((1, 0), dtype=np.int64),
        np.array([len(one)]),
        np.array([len(asked)]),
        symbols,
        probability[None],
        counted(heard, one, 1, line.field),
    )
