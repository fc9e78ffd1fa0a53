"""How much of a piece comes back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stochastic_music.constraints.automata.events import ByOnset, Values
from stochastic_music.constraints.automata.timing import timed_events
from stochastic_music.constraints.constraint import Joinable
from stochastic_music.constraints.naming import line_field
from stochastic_music.constraints.places import check_time
from stochastic_music.errors import InvalidParameterError
from stochastic_music.protocols import DEAD, BoolArray, IntArray
from stochastic_music.tokens import Header, Vocabulary


@dataclass(frozen=True, init=False)
class Similar(Joinable):
    """From `least` to `most` of a piece's notes come back: shares from 0 to 1.

    A note comes back where one of its pitch begins when it began. `symbols` is the piece as the model reads it, with
    or without END; of slices of several voices the top one counts. Raises InvalidParameterError for shares that make
    no sense.

    >>> Similar([3, 1, 4], 0.5, 0.9)
    Similar(0.5 to 0.9)
    """

    symbols: tuple[int, ...]
    least: float
    most: float

    def __init__(self, symbols: Sequence[int] | IntArray, least: float, most: float = 1.0) -> None:
        if not 0 <= least <= most <= 1:
            raise InvalidParameterError(f"Similar(..., {least}, {most}): expected two shares, 0 <= least <= most <= 1")
        object.__setattr__(self, "symbols", tuple(int(symbol) for symbol in symbols))
        object.__setattr__(self, "least", float(least))
        object.__setattr__(self, "most", float(most))

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> ByOnset:
        """A machine that counts; raises UsageError where there is no time or no pitch."""
        check_time(vocabulary, self)
        line = line_field(vocabulary, self)
        piece = timed_events(vocabulary, self.symbols)
        pitch = piece.values[:, vocabulary.place(line)]
        notes = sorted(set(zip(piece.onset[pitch >= 0].tolist(), pitch[pitch >= 0].tolist(), strict=True)))
        least, most = (math.ceil(self.least * len(notes) - 1e-9), math.floor(self.most * len(notes) + 1e-9))
        chords = any(field.advances == "sounds" for field in vocabulary.fields)
        return ByOnset(vocabulary, header, _Returns(line, notes, least, most, gives_up=not chords))

    def __str__(self) -> str:
        return f"Similar({self.least:g} to {self.most:g})"

    __repr__ = __str__


class _Returns:
    """The state counts notes that came back, no further than matters.

    With `gives_up` it is DEAD as soon as too few are left; in chords, where a note may be doubled, that cannot be told.
    """

    def __init__(self, line: str, notes: Sequence[tuple[int, int]], least: int, most: int, *, gives_up: bool) -> None:
        self.line, self.wanted, self._least = line, (line,), least
        self.until = 1 + max((onset for onset, _ in notes), default=0)
        self._there = np.zeros((self.until + 1, 128), dtype=bool)
        for onset, pitch in notes:
            self._there[onset, pitch] = True
        left = np.append(self._there.sum(axis=1)[::-1].cumsum()[::-1], 0)  # that begin at a time, or later
        self._needed = least - left if gives_up else np.zeros_like(left)  # before an event that begins at a time
        self._most = most
        self._cap = least if most >= len(notes) else most + 1

    def start(self) -> int:
        return 0

    def step(self, states: IntArray, onsets: IntArray, values: Values) -> IntArray:
        time = np.minimum(onsets, self.until)
        count = np.minimum(states + self._there[time, values[self.line]], self._cap)
        return np.where((count > self._most) | (count < self._needed[time + 1]), DEAD, count)

    def misses(self, states: IntArray, times: IntArray) -> BoolArray:
        missed: BoolArray = states < self._needed[np.minimum(times, self.until)]
        return missed

    def accepts(self, states: IntArray) -> BoolArray:
        accepted: BoolArray = (self._least <= states) & (states <= self._most)
        return accepted
