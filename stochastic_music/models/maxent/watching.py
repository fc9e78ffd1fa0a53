"""Chains that keep to a constraint: each change is tried on its automaton, and refused where that dies.

The states of the automaton along each piece are kept. After a change they are computed anew from there on, only until
they are again what they were, which for most demands is soon.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stochastic_music.constraints import join
from stochastic_music.protocols import DEAD, BoolArray, Constraint, IntArray
from stochastic_music.tokens import Header, Vocabulary


class Watch:
    """The automaton of all `constraints`, and its states along pieces `symbols` (n, L) that meet them.

    END fills the rows up, and stands at least once in each.
    """

    def __init__(
        self, constraints: Sequence[Constraint], vocabulary: Vocabulary, header: Header | None, symbols: IntArray
    ) -> None:
        self.automaton = join([part.compile(vocabulary, header) for part in constraints], vocabulary.n_symbols)
        self.symbols = symbols.copy()
        states = [np.full(len(symbols), self.automaton.start(), dtype=np.int64)]
        for column in symbols.T:
            states.append(self.automaton.advance(states[-1], column))
        self.states = np.stack(states, axis=1)

    def accept(self, rows: IntArray, at: IntArray, new: IntArray) -> BoolArray:
        """Whether pieces `rows` may have the symbols `new` (n, k) from their places `at` on; those that may, have."""
        length, width = self.symbols.shape[1], new.shape[1]
        state, trail, j = self.states[rows, at], [], 0
        while (at + j < length).any():
            place = np.minimum(at + j, length - 1)
            symbol = new[:, j] if j < width else self.symbols[rows, place]
            state = np.where(at + j < length, self.automaton.advance(state, symbol), state)
            trail.append(state)
            j += 1
            if j >= width and ((state == DEAD) | (state == self.states[rows, place + 1])).all():
                break
        accepted: BoolArray = state != DEAD
        self._write(rows[accepted], at[accepted], new[accepted], np.stack(trail, axis=1)[accepted])
        return accepted

    def _write(self, rows: IntArray, at: IntArray, new: IntArray, states: IntArray) -> None:
        self.symbols[rows[:, None], at[:, None] + np.arange(new.shape[1])] = new
        places = at[:, None] + 1 + np.arange(states.shape[1])
        inside = places < self.states.shape[1]
        row = np.broadcast_to(rows[:, None], places.shape)
        self.states[row[inside], places[inside]] = states[inside]
