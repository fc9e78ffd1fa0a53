"""The clock as an automaton: grammar of events, bar lines, marks.

A state packs the clock's three numbers (`due`, `time`, `lag`, see `tokens.clock`) into one int64. Without
`stops` it accepts every well-formed piece, and time is folded: once the last meter of the header holds, only
the place in the bar is kept, so that the states are finitely many; with `until` it is kept as it is up to the
first bar line from there on. With `stops` it accepts the pieces whose music stops sounding at one of these times
(units since the piece began), never sounding beyond the last of them; then time is kept as it is.

The lag of a chord ("sounds") is forgotten where it can no longer matter: what stops before the first of the
`stops` does not say when the music stops. Without `stops` it is kept if `lags` asks for it.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from stochastic_music.constraints.automata.automaton import BaseAutomaton
from stochastic_music.protocols import DEAD, Automaton, BoolArray, IntArray
from stochastic_music.tokens import ClockState, Header, Vocabulary


class TimedAutomaton(Automaton, Protocol):
    """An automaton that keeps time; samplers make sure of it by joining a `TimeAutomaton`."""

    def due(self, states: IntArray) -> IntArray:
        """The field now due, n_fields after END: (n,)."""

    def marks(self, states: IntArray) -> IntArray:
        """What the clock shows: (n,)."""

    def phase(self, states: IntArray) -> IntArray:
        """What stays when bars pass: (n,)."""

    def moment(self, states: IntArray) -> IntArray:
        """A number that never falls as symbols come: (n,)."""

    def describe(self, state: int) -> str:
        """A place in words, "" where there is none to tell."""


class TimeAutomaton(BaseAutomaton):
    """The clock of `vocabulary` under `header`; see the module's article.

    Symbols must be of the field now due; the alphabet does not matter here.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        header: Header | None,
        stops: tuple[int, ...] | None = None,
        *,
        until: int = 0,
        lags: bool = False,
    ) -> None:
        self.vocabulary, self.clock = vocabulary, vocabulary.clock
        self.n_symbols = vocabulary.n_symbols
        self.stops = None if stops is None else np.array(sorted(stops), dtype=np.int64)
        self._spans = self.clock.start([header]).spans
        self._last, self._bar = int(self._spans.start[0, -1]), int(self._spans.length[0, -1])
        self._kept = self._last + max(0, -((self._last - until) // self._bar)) * self._bar
        self._n_due = vocabulary.n_fields + 1
        self._n_lags = 1 + self._longest_lag()
        self._lag_moves = any(field.advances == "later" for field in vocabulary.fields)
        self._lag_counts_from = 0 if lags else np.iinfo(np.int64).max if stops is None else min(stops)
        self._folds_from = self._kept if stops is None else None
        self._pivot = self._moving_field()

    def advance(self, states: IntArray, symbols: IntArray) -> IntArray:
        """The clock ticks; a symbol that is not due, or that sounds beyond the last stop, is DEAD."""
        now = self.unpack(states)
        is_end = symbols == self.vocabulary.end
        due = np.where(is_end, (now.due == 0) | (now.due == self._n_due - 1), self._field(symbols) == now.due)
        alive = (states != DEAD) & due & (~is_end | self._may_stop(now))
        following = self.clock.advance(now, symbols)
        return np.where(alive & self._in_time(following), self._packed(following, fold_from=self._folds_from), DEAD)

    def alike(self) -> IntArray:
        """Those of a field that does not move time, and those that move it as far."""
        symbols = np.arange(self.n_symbols)
        moving = np.array([*(bool(field.advances) for field in self.vocabulary.fields), False])
        return np.where(moving[self._field(symbols)], self.vocabulary.values(symbols), 0)

    def unpack(self, states: IntArray) -> ClockState:
        """The clocks that states stand for, as far as they are kept (DEAD gives the start)."""
        rest, due = np.divmod(np.maximum(states, 0), self._n_due)
        time, lag = np.divmod(rest, self._n_lags)
        spans = type(self._spans)(*(column.repeat(len(states), axis=0) for column in self._spans))
        return ClockState(due, time, lag, spans)

    def due(self, states: IntArray) -> IntArray:
        """The field now due, n_fields after END: (n,)."""
        return np.maximum(states, 0) % self._n_due

    def marks(self, states: IntArray) -> IntArray:
        """What the clock shows at these states: (n,)."""
        return self.clock.marks(self.unpack(states))

    @property
    def n_states(self) -> int:
        """How many states there are at most, 0 to n_states - 1."""
        times = self._kept + self._bar if self.stops is None else int(self.stops[-1]) + 1
        return times * self._n_lags * self._n_due if self.clock.ticks else self._n_due

    def moment(self, states: IntArray) -> IntArray:
        """A number that never falls: the time, as far as it is kept, (n,)."""
        time = self.unpack(states).time
        return time if self.stops is not None else np.minimum(time, self._kept)

    def phase(self, states: IntArray) -> IntArray:
        """What stays when bars pass: the state with time folded, (n,)."""
        return self._packed(self.unpack(states), fold_from=self._last)

    def progress(self, states: IntArray) -> IntArray | None:
        """Time, then the field: known where time is kept and every event moves it."""
        return None if self.stops is None else self.elapsed(states)

    def elapsed(self, states: IntArray) -> IntArray | None:
        """Time, then the field; None where events may take no time. It grows with every symbol until time is folded."""
        if self._pivot is None:
            return None
        now, n = self.unpack(states), self.vocabulary.n_fields
        return now.time * n + (now.due - self._pivot - 1) % n

    def describe(self, state: int) -> str:
        """How far the music has come, as printed: "bar 5 beat 1"; "" where time is folded.

        With `stops` that is where it stops sounding, without them where the event under way begins.
        """
        now = self.unpack(np.array([state]))
        if self.stops is None and int(now.time[0]) >= self._kept:
            return ""
        place = self.clock.place(now, at_end=self.stops is not None)
        denominator = int(place.meter[0]) & 0xFF
        beat = 1 + int(place.position[0]) * denominator / (4 * self.vocabulary.resolution)
        return f"bar {int(place.bar[0])} beat {beat:g}"

    def _field(self, symbols: IntArray) -> IntArray:
        return self.vocabulary.field_of(symbols)

    def _may_stop(self, now: ClockState) -> BoolArray | bool:
        if self.stops is None:
            return True
        stop: BoolArray = np.isin(now.time + now.lag, self.stops) | (now.due == self._n_due - 1)
        return stop

    def _in_time(self, state: ClockState) -> BoolArray | bool:
        if self.stops is None:
            return True
        inside: BoolArray = state.time + state.lag <= self.stops[-1]
        return inside

    def _packed(self, state: ClockState, *, fold_from: int | None) -> IntArray:
        if not self.clock.ticks:
            return state.due
        time, lag = state.time, state.lag
        if not self._lag_moves:
            lag = np.where(time + lag < self._lag_counts_from, 0, lag)
        if fold_from is not None:
            time = np.minimum(time, fold_from) + np.maximum(time - fold_from, 0) % self._bar
        return (time * self._n_lags + lag) * self._n_due + state.due

    def _longest_lag(self) -> int:
        return max(
            (f.first + f.size - 1 for f in self.vocabulary.fields if f.advances in {"later", "sounds"}), default=0
        )

    def _moving_field(self) -> int | None:
        """The field after which time has grown for certain: one that moves it and has no 0 in the alphabet."""
        if self.vocabulary.step:
            return self.vocabulary.n_fields - 1
        symbols = np.flatnonzero(self.vocabulary.mask[:-1])
        field, value = self.vocabulary.field_of(symbols), self.vocabulary.values(symbols)
        for i, declared in enumerate(self.vocabulary.fields):
            if declared.advances in {"now", "later"} and (value[field == i] > 0).all():
                return i if declared.advances == "now" else self.vocabulary.n_fields - 1
        return None
