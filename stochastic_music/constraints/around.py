"""Keep this, change that: all of a piece but what begins within a gap.

Events that begin before the gap stay as they are, and so do those that begin after it, at their own times. What comes
between is free. The silence before the first event after the gap is adapted, so that it begins where it began; where
the encoding knows no silence (slices, frames), the new events fill the gap to the unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stochastic_music.constraints.automata.events import KeepsTime
from stochastic_music.constraints.automata.timeline import TimeAutomaton
from stochastic_music.constraints.automata.timing import Timed, timed_events
from stochastic_music.constraints.constraint import Joinable
from stochastic_music.constraints.places import check_time
from stochastic_music.errors import InvalidParameterError, UsageError
from stochastic_music.protocols import DEAD, BoolArray, IntArray
from stochastic_music.tokens import ClockState, Header, Vocabulary


@dataclass(frozen=True, init=False)
class Around(Joinable):
    """The events of a piece, except those that begin in [`start`, `stop`), in units since it began.

    `symbols` is the piece as the model reads it, with or without END. A note that begins before the gap and rings into
    it stays; in a melody the first new one begins when it is over. New notes are over by `stop`, or by when the old
    ones were that rang beyond it. Where nothing comes after the gap the piece ends within it. Raises
    InvalidParameterError for a gap of no length.

    >>> from stochastic_music.tokens import Field
    >>> fields = Field("duration", 2, first=1, advances="later"), Field("pitch", 2, first=60)
    >>> tune = Vocabulary(fields, resolution=1)
    >>> around = Around([0, 2, 0, 2, 0, 3], 1, 2)
    >>> automaton, state = around.compile(tune, None), np.array([0])
    >>> for symbol in (0, 2):
    ...     state = automaton.advance(state, np.array([symbol]))
    >>> automaton.allowed(state)[0].tolist()  # of the two durations only the shorter ends where the gap does
    [True, False, False, False, False]
    """

    symbols: tuple[int, ...]
    start: int
    stop: int

    def __init__(self, symbols: Sequence[int] | IntArray, start: int, stop: int) -> None:
        if not 0 <= start < stop:
            raise InvalidParameterError(f"Around(..., {start}, {stop}): expected a gap from 0 or later to a later time")
        object.__setattr__(self, "symbols", tuple(int(symbol) for symbol in symbols))
        object.__setattr__(self, "start", int(start))
        object.__setattr__(self, "stop", int(stop))

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> _AroundAutomaton:
        """What is kept, symbol by symbol, and the clock between.

        Raises UsageError where symbols carry no time, or an event does not begin with what tells its time.
        """
        check_time(vocabulary, self)
        if any(field.advances == "now" for field in vocabulary.fields[1:]):
            raise UsageError(f"{self} needs an encoding whose first field tells when an event begins")
        return _AroundAutomaton(vocabulary, header, timed_events(vocabulary, self.symbols), self.start, self.stop)

    def __str__(self) -> str:
        return f"Around({self.start} to {self.stop} units)"

    __repr__ = __str__


class _AroundAutomaton(KeepsTime):
    """A state packs a place and the clock.

    Places 0 to `gap` - 1 wait for the symbols kept before the gap, `gap` is within it, and the next ones wait for
    those kept after it, the last of all for END.
    """

    def __init__(self, vocabulary: Vocabulary, header: Header | None, piece: Timed, start: int, stop: int) -> None:
        self.vocabulary, self.n_symbols, self._start, self._stop = vocabulary, vocabulary.n_symbols, start, stop
        before, after = piece.onset < start, piece.onset >= stop
        ring = max(stop, int(piece.end[~before & ~after].max(initial=0)))
        #: where what is kept goes on (-1: nowhere), and where new notes must be over
        self._resumes = int(piece.onset[after][0]) if after.any() else -1
        self._over = ring if self._resumes < 0 else min(ring, self._resumes)
        end = [vocabulary.end]
        kept = piece.symbols[before].ravel()
        self._gap = len(kept)
        self._kept = np.concatenate([kept, end, piece.symbols[after].ravel(), end]).astype(np.int64)
        self._done = self._gap if self._resumes < 0 else len(self._kept) - 1
        last = max(int(piece.end.max(initial=0)), ring)
        self._longest = (last + 2) * vocabulary.n_fields
        self.frame = TimeAutomaton(vocabulary, header, until=last + 1)
        self._adapts = vocabulary.fields[0].advances == "now"
        values = vocabulary.values(np.arange(self.n_symbols))
        effect = np.array([*(field.advances for field in vocabulary.fields), ""])
        effect = effect[vocabulary.field_of(np.arange(self.n_symbols))]
        self._waits = np.where(effect == "now", values, 0)
        self._sounds = np.where((effect == "later") | (effect == "sounds"), values, vocabulary.step)

    def start(self) -> int:
        """Nothing heard yet."""
        return self.frame.start()

    def advance(self, states: IntArray, symbols: IntArray) -> IntArray:
        """The clock ticks; what is kept must come as it was, and what is new within the gap."""
        place, outer = np.divmod(np.maximum(states, 0), self.frame.n_states)
        now, following = self.frame.unpack(outer), self.frame.advance(outer, symbols)
        alive = (states != DEAD) & (following != DEAD)
        is_end = symbols == self.vocabulary.end
        resumes = self._at_last_kept(place, now, symbols)
        kept = resumes | (symbols == self._kept[place]) & (place != self._gap)
        place_after = np.where(resumes, self._gap + 2, np.where(kept, place + 1, place))
        may_end = (place == self._done) | (now.due == self.vocabulary.n_fields)
        alive &= np.where(is_end, may_end, kept | self._new(place, now, symbols))
        return np.where(alive, np.where(is_end, place, place_after) * self.frame.n_states + following, DEAD)

    def progress(self, states: IntArray) -> IntArray | None:
        """Symbols kept, then the time within the gap, then symbols kept: known where every event takes time."""
        place, outer = np.divmod(np.maximum(states, 0), self.frame.n_states)
        within = self.frame.elapsed(outer)
        if within is None:
            return None
        gone = np.where(place > self._gap, self._longest, np.where(place == self._gap, within, 0))
        return place + gone

    def _at_last_kept(self, place: IntArray, now: ClockState, symbols: IntArray) -> BoolArray:
        """Whether a symbol within the gap begins the first event that was kept after it."""
        begins = (place == self._gap) & (now.due == 0) & (self._done != self._gap)
        same = self._adapts | (symbols == self._kept[np.minimum(self._gap + 1, len(self._kept) - 1)])
        there: BoolArray = begins & (now.time + self._waits[symbols] == self._resumes) & same
        return there

    def _new(self, place: IntArray, now: ClockState, symbols: IntArray) -> BoolArray:
        """Whether a symbol belongs to a new event, which begins within the gap and is over in time."""
        onset = now.time + self._waits[symbols]
        begins = (now.due > 0) | (self._start <= onset) & (onset < self._stop)
        new: BoolArray = (place == self._gap) & begins & (now.time + self._sounds[symbols] <= self._over)
        return new
