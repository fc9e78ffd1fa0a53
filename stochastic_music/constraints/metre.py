"""Keeping to the bars: music that stops on a bar line, and begins a note on every downbeat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stochastic_music.constraints.automata.events import KeepsTime
from stochastic_music.constraints.automata.timeline import TimeAutomaton
from stochastic_music.constraints.constraint import Joinable
from stochastic_music.constraints.places import check_time
from stochastic_music.constraints.symbols import pitches_of
from stochastic_music.errors import InvalidParameterError
from stochastic_music.protocols import DEAD, BoolArray, IntArray
from stochastic_music.tokens import ClockState, Header, Vocabulary


@dataclass(frozen=True, repr=False)
class Metre(Joinable):
    """The music keeps to its bars: it stops on a bar line (`full`), and a note begins on every downbeat (`downbeats`).

    Under a header with a pickup it may also stop where the pickup completes the last bar. Of chords, and of several
    voices, one note is enough. Raises InvalidParameterError where neither is asked.

    >>> Metre(), Metre(downbeats=False)
    (Metre(full, downbeats), Metre(full))
    """

    full: bool = True
    downbeats: bool = True

    def __post_init__(self) -> None:
        if not (self.full or self.downbeats):
            raise InvalidParameterError("Metre(full=False, downbeats=False) asks for nothing: expected one of them")

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> _MetreAutomaton:
        """The clock, and whether a downbeat waits for its note; raises UsageError where symbols carry no time."""
        check_time(vocabulary, self)
        return _MetreAutomaton(vocabulary, header or Header(vocabulary.resolution), self)

    def __str__(self) -> str:
        return f"Metre({', '.join(name for name in ('full', 'downbeats') if getattr(self, name))})"

    __repr__ = __str__


class _MetreAutomaton(KeepsTime):
    """A state packs whether the present is a downbeat that waits for its note, and the clock."""

    def __init__(self, vocabulary: Vocabulary, header: Header, metre: Metre) -> None:
        self.frame, self.metre, self._pickup = TimeAutomaton(vocabulary, header, lags=True), metre, header.pickup
        self.n_symbols, self._clock = vocabulary.n_symbols, vocabulary.clock
        pitches = pitches_of(vocabulary)
        last_field = vocabulary.field_of(np.arange(self.n_symbols)) == vocabulary.n_fields - 1
        self._begins = pitches >= 0 if (pitches >= 0).any() else last_field  # where there are no pitches, every event

    def start(self) -> int:
        """At the beginning, a downbeat where there is no pickup."""
        return int(self.metre.downbeats and not self._pickup) * self.frame.n_states + self.frame.start()

    def advance(self, states: IntArray, symbols: IntArray) -> IntArray:
        """The clock ticks; an end off the line, or a downbeat left without a note, is DEAD."""
        waits, outer = np.divmod(np.maximum(states, 0), self.frame.n_states)
        before, following = self.frame.unpack(outer), self.frame.advance(outer, symbols)
        alive = (states != DEAD) & (following != DEAD)
        ends = (symbols == self.n_symbols - 1) & (before.due == 0)
        if self.metre.full:
            alive &= ~ends | self._clock.on_line(before, np.full(len(states), self._pickup))
        if self.metre.downbeats:
            after = self._clock.advance(before, symbols)
            until = np.where(ends, before.time + before.lag, after.time)
            waits, missed = self._heard(waits * ~self._begins[symbols], before, after._replace(time=until))
            alive &= ~missed
        return np.where(alive, waits * self.frame.n_states + following, DEAD)

    def _heard(self, waits: IntArray, before: ClockState, after: ClockState) -> tuple[IntArray, BoolArray]:
        """Whether a downbeat waits for its note at the time of `after`, and whether one was missed on the way."""
        here, there = self._clock.place(before), self._clock.place(after)
        moved, on_downbeat = after.time > before.time, there.position == 0
        between = there.bar - on_downbeat - here.bar  # bars are as many as downbeats
        missed = moved & ((waits == 1) | (between > 0))
        return np.where(moved, on_downbeat.astype(np.int64), waits), missed


__all__ = ["Metre"]
