"""The stream of a corpus: its symbols with START and the marks of the clock between them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.models.contexts.packing import mark_elements
from stochastic_music.protocols import IntArray
from stochastic_music.tokens import ClockState


class Heard(NamedTuple):
    """What the clock shows before each symbol of a corpus: the field due and the mark (-1: none), (n,) each."""

    due: IntArray
    mark: IntArray


class Stream(NamedTuple):
    """The elements of a corpus in reading order, each (n_elements,); `place` (n,) is where each symbol stands.

    `present` is how many elements stand between an element and the one that leads there; `depth` the length
    of the longest context before it, -1 where it is START. `leads`: whether there are leading elements at all.
    """

    element: IntArray
    due: IntArray
    present: IntArray
    depth: IntArray
    place: IntArray
    leads: bool

    def taken_up(self, at: IntArray, length: int) -> IntArray:
        """The element that contexts before each of `at` take up as their `length`-th: all (n,)."""
        present = self.present[at]
        back = present + 1 if length == 1 else np.where(length <= present + 1, length - 1, length)
        taken: IntArray = self.element[at - back]
        return taken


def listen(corpus: TokenCorpus) -> Heard:
    """What the clock shows before each symbol of `corpus`."""
    clock = corpus.vocabulary.clock
    mark = np.full(len(corpus.symbols), -1, dtype=np.int64)
    if not clock.ticks:
        return Heard(_fields_due(corpus), mark)
    due = np.empty(len(corpus.symbols), dtype=np.int64)
    order = np.argsort(-corpus.lengths, kind="stable")
    lengths = corpus.lengths[order]
    state = clock.start([corpus.headers[i] for i in order])
    for t in range(int(lengths.max(initial=0))):
        state = _head(state, int(np.searchsorted(-lengths, -t)))
        at = corpus.offsets[order[: len(state.due)]] + t
        due[at] = state.due
        if (state.due == 0).any():
            mark[at] = clock.marks(state)
        state = clock.advance(state, corpus.symbols[at])
    return Heard(due, mark)


def _fields_due(corpus: TokenCorpus) -> IntArray:
    """The field due before each symbol, by counting; n_fields after END: (n,)."""
    first = np.repeat(corpus.offsets[:-1], corpus.lengths)
    ends = np.concatenate([[0], np.cumsum(corpus.symbols == corpus.vocabulary.end)])
    ended = ends[:-1] > ends[first]
    n_fields = corpus.vocabulary.n_fields
    return np.where(ended, n_fields, (np.arange(len(first)) - first) % n_fields)


def _head(state: ClockState, n: int) -> ClockState:
    """The first n clocks."""
    spans = type(state.spans)(*(column[:n] for column in state.spans))
    return ClockState(state.due[:n], state.time[:n], state.lag[:n], spans)


def read(corpus: TokenCorpus, heard: Heard, marks: IntArray, order: int | None) -> Stream:
    """The stream of `corpus` where only `marks` are known; contexts hold `order` complete events (None: all)."""
    mark = mark_elements(heard.mark, marks, corpus.n_symbols)
    shown = mark >= 0
    first = np.zeros(len(shown), dtype=bool)
    first[corpus.offsets[:-1][corpus.lengths > 0]] = True
    place = np.arange(len(shown)) + np.cumsum(shown) + np.cumsum(first)
    begins = place - shown  # where an event begins, if it begins with this symbol
    n_elements = len(shown) + int(shown.sum()) + int(first.sum())

    element = np.full(n_elements, corpus.n_symbols, dtype=np.int64)
    element[place], element[begins[shown]] = corpus.symbols, mark[shown]
    due = np.zeros(n_elements, dtype=np.int64)
    due[place] = heard.due
    age = _since(begins[first] - 1, n_elements)
    present = _since(np.concatenate([begins[first] - 1, begins[heard.due == 0]]), n_elements)
    event = corpus.vocabulary.n_fields + int(corpus.vocabulary.clock.ticks)
    depth = np.where(age == 0, -1, age if order is None else np.minimum(age, order * event + present))
    leads = order != 0
    return Stream(element, due, present if leads else np.zeros_like(present), depth, place, leads)


def _since(places: IntArray, n: int) -> IntArray:
    """For 0 .. n - 1, the distance from the latest of `places`.

    >>> _since(np.array([0, 3]), 5).tolist()
    [0, 1, 2, 0, 1]
    """
    latest = np.zeros(n, dtype=np.int64)
    latest[places] = places
    return np.arange(n) - np.maximum.accumulate(latest)


def enough(stream: Stream, n_symbols: int) -> Stream:
    """`stream` no deeper than prediction by the shortest deterministic context needs.

    A context with one continuation predicts as well as any longer one; one element more tells in how many
    contexts it was seen. Contexts that lead to such a context are kept too, so that stepping through a piece
    finds it.
    """
    at = np.flatnonzero((stream.depth >= 0) & (stream.element < n_symbols))
    base = int(stream.element.max(initial=0)) + 1
    need = np.zeros(len(stream.element), dtype=np.int64)
    context, length = stream.due[at], 0
    while len(at):
        pairs = np.unique(context * base + stream.element[at])
        open_ended = np.bincount(pairs // base)[context] > 1
        need[at] = np.where(open_ended, length, length + 1)
        length += 1
        deeper = open_ended & (stream.depth[at] >= length)
        at = at[deeper]
        _, context = np.unique(context[deeper] * base + stream.taken_up(at, length), return_inverse=True)
    places = np.arange(len(need))
    need = np.minimum(need, stream.depth)
    reach = np.maximum.accumulate((need - places)[::-1])[::-1]
    return stream._replace(depth=np.where(stream.depth < 0, -1, reach + places))
