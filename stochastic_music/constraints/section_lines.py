"""The clock that notes where sections begin, and sections that must end as the piece does."""

from __future__ import annotations

import numpy as np

from stochastic_music.constraints.automata.automaton import Numbered
from stochastic_music.constraints.automata.timeline import TimeAutomaton
from stochastic_music.errors import UsageError
from stochastic_music.protocols import DEAD, Automaton, BoolArray, IntArray
from stochastic_music.tokens import Header, Vocabulary


class SectionAutomaton(TimeAutomaton):
    """The clock under `header`, for pieces cut at `lines` (units): 0, where further sections begin, the end.

    No note sounds across a line, each section has a note, and the music stops at one of `stops`. Sections that are
    `closing` (n_sections,), because the last one is such a section again, stop as the last one does.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        header: Header,
        lines: tuple[int, ...],
        stops: tuple[int, ...],
        closing: tuple[bool, ...],
    ) -> None:
        super().__init__(vocabulary, header, stops=stops)
        self._lines = np.array(lines, dtype=np.int64)
        silence = np.where(closing, lines[-1] - min(stops), lines[-1])
        self._silence = np.append(silence, lines[-1])  # the last entry is that before the first section, number -1
        self._rests = vocabulary.fields[0].advances == "now"

    def advance(self, states: IntArray, symbols: IntArray) -> IntArray:
        """As the clock does; a note across a line, or a line after which no section had a note, is DEAD."""
        following = super().advance(states, symbols)
        alive = np.flatnonzero((following != DEAD) & (symbols != self.vocabulary.end))
        before, after = self.unpack(states[alive]), self.unpack(following[alive])
        rested = self._rests & (before.due == 0)
        onset = np.where(rested, after.time, before.time)
        section = self._section(onset)
        over = after.time + after.lag > self._lines[np.minimum(section + 1, len(self._lines) - 1)]
        last = self._section(before.time - 1)
        silent = self._lines[np.minimum(last + 1, len(self._lines) - 1)] - before.time > self._silence[last]
        left = rested & (section > last) & ((section > last + 1) | silent)
        following[alive[over | left]] = DEAD
        return following

    def leaves(self, section: int, states: IntArray, symbols: IntArray) -> BoolArray:
        """Whether these symbols, none of them END, begin the section after `section`: (n,)."""
        before = self.unpack(states)
        onset = before.time + (self.vocabulary.values(symbols) if self._rests else 0)
        inside = (before.due == 0) & (self._section(before.time - 1) == section)
        left: BoolArray = inside & (self._section(onset) > section)
        return left

    def _section(self, time: IntArray) -> IntArray:
        section: IntArray = np.searchsorted(self._lines, time, side="right") - 1
        return section


class ClosingAutomaton(Numbered):
    """The clock beside `ends`, a demand on the last note, which is made of the last note of `section` too.

    For sections that come back as the last one: what the piece must end with is known when they are first heard.
    """

    def __init__(self, clock: SectionAutomaton, ends: Automaton, section: int) -> None:
        super().__init__((clock, ends), clock.n_symbols)
        self._clock, self._ends, self._closing = clock, ends, section

    def advance(self, states: IntArray, symbols: IntArray) -> IntArray:
        """As both do; leaving the section without what is asked for is DEAD."""
        following = super().advance(states, symbols)
        alive = np.flatnonzero((following != DEAD) & (symbols != self.n_symbols - 1))
        clock, ends = self._columns(states[alive])
        leaving = np.flatnonzero(self._clock.leaves(self._closing, clock, symbols[alive]))
        could_end = self._ends.advance(ends[leaving], np.full(len(leaving), self.n_symbols - 1)) != DEAD
        following[alive[leaving[~could_end]]] = DEAD
        return following

    def marks(self, states: IntArray) -> IntArray:
        """What the clock shows: (n,)."""
        return self._clock.marks(self._columns(states)[0])

    def due(self, states: IntArray) -> IntArray:
        """The field now due, n_fields after END: (n,)."""
        return self._clock.due(self._columns(states)[0])

    def phase(self, states: IntArray) -> IntArray:
        """What stays when bars pass: (n,)."""
        return self._clock.phase(self._columns(states)[0])

    def moment(self, states: IntArray) -> IntArray:
        """A number that never falls: (n,)."""
        return self._clock.moment(self._columns(states)[0])

    def describe(self, state: int) -> str:
        """The place in the bar."""
        return self._clock.describe(int(self._columns(np.array([state]))[0][0]))

    def _lives(self, alive: list[BoolArray]) -> BoolArray:
        lives: BoolArray = np.logical_and.reduce(alive)
        return lives


def check_sectional(vocabulary: Vocabulary, what: str) -> None:
    """Raise UsageError unless events follow each other in time, each as long as it says."""
    advances = [field.advances for field in vocabulary.fields]
    one_by_one = advances.count("later") == 1 or (vocabulary.step > 0 and "later" not in advances)
    plain = "sounds" not in advances and "now" not in advances[1:]
    if not (vocabulary.clock.ticks and one_by_one and plain):
        names = ", ".join(field.name for field in vocabulary.fields)
        raise UsageError(
            f"{what} needs notes or slices that follow one another, with their lengths, and this encoding has {names}: "
            "use the encoding melody or voices"
        )
