"""Machines that remember the note before: intervals and contours are about two notes at a time."""

from __future__ import annotations

import numpy as np

from stochastic_music.constraints.automata.events import Values
from stochastic_music.protocols import DEAD, BoolArray, IntArray

#: pitches, and none yet
N_BEFORE = 129


class Melodic:
    """An event machine whose state packs that of `heard` with the pitch before; see the module's article.

    `line` is the field in which the notes are, `also` other fields that are wanted. Subclasses say what an interval
    does to their own state, which starts at 0.
    """

    def __init__(self, line: str, also: tuple[str, ...] = ()) -> None:
        self.line, self.wanted = line, (line, *also)

    def start(self) -> int:
        """No note yet."""
        return 0

    def step(self, states: IntArray, values: Values) -> IntArray:
        """One more note each."""
        inner, before = np.divmod(states, N_BEFORE)
        pitch = values[self.line]
        inner = self.heard(inner, before - 1, pitch, values)
        return np.where(inner == DEAD, DEAD, inner * N_BEFORE + pitch + 1)

    def accepts(self, states: IntArray) -> BoolArray:
        """Whether a piece may end, by the state without the pitch."""
        return self.may_end(states // N_BEFORE)

    def heard(self, inner: IntArray, before: IntArray, pitch: IntArray, values: Values) -> IntArray:
        """The state after a note of `pitch` that follows one of pitch `before`, -1 where it is the first: (n,)."""
        raise NotImplementedError

    def may_end(self, inner: IntArray) -> BoolArray:
        """Where the piece may end: (n,)."""
        raise NotImplementedError
