"""Automata that read whole events: a motif, a count, a contour are about notes, not about symbols.

An *event machine* steps once for each event. It names the fields that it `wanted`, starts in a state of its own, and
steps a batch of states given the values of those fields (MIDI numbers, units of time). States are whole numbers from
0; DEAD absorbs, and a machine never sees it. `accepts` says where a piece may end. `wide` (optional) says that its
states are many.

`ByEvent` makes an automaton of such a machine. `ByOnset` does so for a machine that also asks when each event begins;
it keeps time as a `TimeAutomaton` does, folded after the machine's `until`, beyond which onsets mean nothing to it.
`misses` (optional) says of states and times that no event which begins then or later can be accepted any more.

Within an event only the values that the machine wants are kept, and it steps as soon as it has them all. A field that
may hold no note (a voice that rests, or holds one that began before) can be named as the machine's `line` (optional):
it then does not step where the value is negative. A machine that wants its line alone, and of a value no more than
whether it is among some, can name these as its `mask` (128,) (optional): values that are alike are then tried once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from stochastic_music.constraints.automata.automaton import BaseAutomaton
from stochastic_music.constraints.automata.grammar import Grammar
from stochastic_music.constraints.automata.timeline import TimeAutomaton
from stochastic_music.protocols import DEAD, BoolArray, IntArray
from stochastic_music.tokens import Header, Vocabulary

#: the values of some fields, by name: MIDI numbers or units of time, (n,) each
Values = Mapping[str, IntArray]


class Machine(Protocol):
    """What event machines share; see the module's article."""

    @property
    def wanted(self) -> tuple[str, ...]:
        """The names of the fields whose values it needs."""

    def start(self) -> int:
        """The state before the first event."""

    def accepts(self, states: IntArray) -> BoolArray:
        """Where the piece may end: (n,)."""


class EventMachine(Machine, Protocol):
    """A machine that asks what each event is."""

    def step(self, states: IntArray, values: Values) -> IntArray:
        """The states after one more event each: (n,); DEAD where it may not come."""


class OnsetMachine(Machine, Protocol):
    """A machine that asks when each event begins as well."""

    @property
    def until(self) -> int:
        """The time (units) from which it no longer matters when events begin."""

    def step(self, states: IntArray, onsets: IntArray, values: Values) -> IntArray:
        """The states after one more event each, which begin at `onsets` (units; any time from `until` on is late)."""


class _Framed(BaseAutomaton):
    """A machine within a frame that knows which field is due: the grammar, or the clock.

    A state packs three numbers: the machine's state, the values heard of the event under way (in mixed radix), and the
    frame's state.
    """

    frame: Grammar | TimeAutomaton

    def __init__(self, vocabulary: Vocabulary, machine: Machine, *, not_before: int = 0) -> None:
        self.vocabulary, self.machine = vocabulary, machine
        self.n_symbols = vocabulary.n_symbols
        self.wide = getattr(machine, "wide", False)
        self._line = getattr(machine, "line", None)
        places = [vocabulary.place(name) for name in machine.wanted]
        self._pivot = max([*places, not_before]) if places else vocabulary.n_fields - 1
        kept = [place for place in places if place != self._pivot]
        sizes = [vocabulary.fields[place].size for place in kept]
        self._strides = np.zeros(vocabulary.n_fields + 1, dtype=np.int64)
        self._strides[kept] = np.cumprod([1, *sizes])[:-1]
        self._n_heard = int(np.prod(sizes, dtype=np.int64))
        symbols = np.arange(vocabulary.n_symbols)
        self._field_of = vocabulary.field_of(symbols)
        self._offset = symbols - vocabulary.starts[self._field_of]

    def start(self) -> int:
        """Nothing heard yet."""
        return self.machine.start() * self._n_heard * self.frame.n_states + self.frame.start()

    def advance(self, states: IntArray, symbols: IntArray) -> IntArray:
        """The frame goes on; the machine steps where the last value it wants has come."""
        rest, outer = np.divmod(np.maximum(states, 0), self.frame.n_states)
        inner, heard = np.divmod(rest, self._n_heard)
        following = np.where(states == DEAD, DEAD, self.frame.advance(outer, symbols))
        field = self._field_of[symbols]
        heard = heard + self._offset[symbols] * self._strides[field]
        steps = np.flatnonzero((field == self._pivot) & (following != DEAD))
        inner[steps] = self._stepped(inner[steps], heard[steps], outer[steps], symbols[steps])
        heard[field == self._pivot] = 0
        ends = np.flatnonzero((field == self.vocabulary.n_fields) & (following != DEAD) & (self.frame.due(outer) == 0))
        inner[ends] = np.where(self.machine.accepts(inner[ends]), 0, DEAD)
        alive = (following != DEAD) & (inner != DEAD)
        return np.where(alive, (inner * self._n_heard + heard) * self.frame.n_states + following, DEAD)

    def alike(self) -> IntArray:
        """Those of a field that is not wanted, as far as the frame goes; of the line by the machine's mask."""
        labels, mask = self.frame.alike(), getattr(self.machine, "mask", None)
        for place in map(self.vocabulary.place, self.machine.wanted):
            own = np.flatnonzero(self._field_of == place)
            values = self.vocabulary.values(own)
            labels[own] = values if mask is None or place != self._pivot else np.where(values < 0, values, mask[values])
        return labels

    def _stepped(self, inner: IntArray, heard: IntArray, outer: IntArray, symbols: IntArray) -> IntArray:
        values = {name: self._value(name, heard, symbols) for name in self.machine.wanted}
        if self._line is None:
            return self._step(inner, outer, symbols, values)
        sounds = np.flatnonzero(values[self._line] >= 0)
        stepped = inner.copy()
        chosen = {name: column[sounds] for name, column in values.items()}
        stepped[sounds] = self._step(inner[sounds], outer[sounds], symbols[sounds], chosen)
        return stepped

    def _value(self, name: str, heard: IntArray, symbols: IntArray) -> IntArray:
        place = self.vocabulary.place(name)
        field = self.vocabulary.fields[place]
        offset = self._offset[symbols] if place == self._pivot else heard // self._strides[place] % field.size
        return offset + field.first

    def _step(self, inner: IntArray, outer: IntArray, symbols: IntArray, values: Values) -> IntArray:
        raise NotImplementedError


class ByEvent(_Framed):
    """The automaton of an `EventMachine`: the well-formed pieces that it accepts.

    Raises VocabularyError where the vocabulary lacks a field that the machine wants.
    """

    machine: EventMachine

    def __init__(self, vocabulary: Vocabulary, machine: EventMachine) -> None:
        super().__init__(vocabulary, machine)
        self.frame = Grammar(vocabulary)

    def _step(self, inner: IntArray, outer: IntArray, symbols: IntArray, values: Values) -> IntArray:  # noqa: ARG002
        return self.machine.step(inner, values)


class KeepsTime(BaseAutomaton):
    """Tells what the clock shows; a state modulo `frame.n_states` is one of the `TimeAutomaton` `frame`."""

    frame: TimeAutomaton

    def due(self, states: IntArray) -> IntArray:
        """The field now due, n_fields after END: (n,)."""
        return self.frame.due(self._outer(states))

    def marks(self, states: IntArray) -> IntArray:
        """What the clock shows: (n,)."""
        return self.frame.marks(self._outer(states))

    def phase(self, states: IntArray) -> IntArray:
        """What stays when bars pass: (n,)."""
        return self.frame.phase(self._outer(states))

    def moment(self, states: IntArray) -> IntArray:
        """A number that never falls: the time, as far as it is kept, (n,)."""
        return self.frame.moment(self._outer(states))

    def describe(self, state: int) -> str:
        """A place in words."""
        return self.frame.describe(int(self._outer(np.array([state]))[0]))

    def _outer(self, states: IntArray) -> IntArray:
        return np.where(states == DEAD, DEAD, states % self.frame.n_states)


class ByOnset(_Framed, KeepsTime):
    """The automaton of an `OnsetMachine` under a header; it keeps time.

    Raises VocabularyError where the vocabulary lacks a field that the machine wants.
    """

    machine: OnsetMachine
    frame: TimeAutomaton

    def __init__(self, vocabulary: Vocabulary, header: Header | None, machine: OnsetMachine) -> None:
        moving = [place for place, field in enumerate(vocabulary.fields) if field.advances == "now"]
        super().__init__(vocabulary, machine, not_before=max(moving, default=0))
        self.frame = TimeAutomaton(vocabulary, header, until=machine.until)
        symbols = np.arange(vocabulary.n_symbols)
        self._moves = np.where(np.isin(self._field_of, moving), vocabulary.values(symbols), 0)

    def advance(self, states: IntArray, symbols: IntArray) -> IntArray:
        """As any machine's; DEAD as soon as time says that what was waited for cannot come any more."""
        following = super().advance(states, symbols)
        if hasattr(self.machine, "misses"):
            going = np.flatnonzero((following != DEAD) & (symbols != self.vocabulary.end))
            rest, outer = np.divmod(following[going], self.frame.n_states)
            missed = self.machine.misses(rest // self._n_heard, self.frame.unpack(outer).time)
            following[going[missed]] = DEAD
        return following

    def _step(self, inner: IntArray, outer: IntArray, symbols: IntArray, values: Values) -> IntArray:
        onsets = self.frame.unpack(outer).time + self._moves[symbols]
        return self.machine.step(inner, onsets, values)
