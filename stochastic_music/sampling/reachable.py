"""What an automaton alone leaves open: the states that well-formed music can reach, whatever a model thinks of it.

Symbols that the automaton cannot tell apart (`alike`) are tried once. States are found forward, a symbol at a time, and
those from which the piece can still be ended backward from these ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from stochastic_music.constraints import TimedAutomaton
from stochastic_music.constraints.automata.automaton import alike
from stochastic_music.errors import ProductTooLargeError
from stochastic_music.protocols import DEAD, BoolArray, IntArray
from stochastic_music.sampling.drawing import NO_START
from stochastic_music.tokens import Vocabulary


@dataclass(frozen=True, eq=False)
class Ways:
    """States of an automaton (n,) and the edges between them, as pairs of their places `before` and `after`.

    `ends` (n,) says where END is accepted. Every state is reached from the one that no edge leads to, if there is one.
    """

    automaton: TimedAutomaton
    states: IntArray
    before: IntArray
    after: IntArray
    ends: BoolArray

    @classmethod
    def of(
        cls, automaton: TimedAutomaton, vocabulary: Vocabulary, start: IntArray = NO_START, most: int | None = None
    ) -> Self:
        """All that can be reached after `start`; raises ProductTooLargeError past `most` states."""
        first = np.array([automaton.start()], dtype=np.int64)
        for symbol in start.tolist():
            first = automaton.advance(first, np.array([symbol]))
        frontier = first[first != DEAD]
        seen, edges = set(frontier.tolist()), [np.zeros((2, 0), dtype=np.int64)]
        letters = _letters(automaton, vocabulary)
        while len(frontier):
            edges.append(_edges(automaton, frontier, letters))
            frontier = np.array([state for state in set(edges[-1][1].tolist()) if state not in seen], dtype=np.int64)
            seen.update(frontier.tolist())
            if most is not None and len(seen) > most:
                raise ProductTooLargeError(f"the constraint alone has more than {most:,} states: ask for less at once")
        known = np.array(sorted(seen), dtype=np.int64)
        before, after = np.searchsorted(known, np.concatenate(edges, axis=1))
        ends = automaton.advance(known, np.full(len(known), vocabulary.end)) != DEAD
        return cls(automaton, known, before, after, ends)

    @cached_property
    def hopeful(self) -> BoolArray:
        """From where an end can be reached: (n,)."""
        first, sources = _grouped(self.after, self.before, len(self.states))
        hopeful, frontier = self.ends.copy(), np.flatnonzero(self.ends)
        while len(frontier):
            found = np.unique(_of_rows(first, sources, frontier))
            frontier = found[~hopeful[found]]
            hopeful[frontier] = True
        return hopeful

    @property
    def longest(self) -> int | None:
        """How many edges the longest way has; None where there are ways without end."""
        first, targets = _grouped(self.before, self.after, len(self.states))
        waiting = np.bincount(self.after, minlength=len(self.states))
        frontier, n_seen, length = np.flatnonzero(waiting == 0), 0, -1
        while len(frontier):
            n_seen, length = n_seen + len(frontier), length + 1
            reached, count = np.unique(_of_rows(first, targets, frontier), return_counts=True)
            waiting[reached] -= count
            frontier = reached[waiting[reached] == 0]
        return length if n_seen == len(self.states) else None


def _letters(automaton: TimedAutomaton, vocabulary: Vocabulary) -> list[IntArray]:
    """The symbols to try of each field: one of those that are alike."""
    symbols, labels = np.flatnonzero(vocabulary.mask), alike(automaton, vocabulary.n_symbols)
    fields = vocabulary.field_of(symbols)
    of_fields = [symbols[fields == field] for field in range(vocabulary.n_fields)]
    return [own[np.unique(labels[own], return_index=True)[1]] for own in of_fields]


def _edges(automaton: TimedAutomaton, states: IntArray, letters: list[IntArray]) -> IntArray:
    """Each state with what symbols of the field now due lead to: (2, n)."""
    due = automaton.due(states)
    pairs = [
        (np.repeat(states[due == field], len(own)), np.tile(own, (due == field).sum()))
        for field, own in enumerate(letters)
    ]
    source, symbol = (np.concatenate(column) for column in zip(*pairs, strict=True))
    following = automaton.advance(source, symbol)
    alive = following != DEAD
    return np.stack([source[alive], following[alive]])


def _grouped(keys: IntArray, values: IntArray, n: int) -> tuple[IntArray, IntArray]:
    """Where the values of each key begin, (n + 1,), and the values in the order of their keys."""
    order = np.argsort(keys, kind="stable")
    return np.searchsorted(keys[order], np.arange(n + 1)), values[order]


def _of_rows(first: IntArray, values: IntArray, rows: IntArray) -> IntArray:
    """The values of some rows, one after the other."""
    count = first[rows + 1] - first[rows]
    places = np.arange(count.sum()) + np.repeat(first[rows] - np.cumsum(count) + count, count)
    found: IntArray = values[places]
    return found
