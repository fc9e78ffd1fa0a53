"""The clock that notes where sections begin."""

from __future__ import annotations

import numpy as np

from stochastic_music.constraints.timeline import TimeAutomaton
from stochastic_music.errors import UsageError
from stochastic_music.protocols import DEAD, IntArray
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

    def _section(self, time: IntArray) -> IntArray:
        section: IntArray = np.searchsorted(self._lines, time, side="right") - 1
        return section


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
