"""Events that are kept: within some stretches of time nothing begins but what is given; elsewhere anything may.

Silences between the stretches may be longer than symbols can say, and where the music stops can be told. `Around` says
the same of a piece with one gap, in the piece's own symbols.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass

import numpy as np

from stochastic_music.constraints.automata.events import KeepsTime
from stochastic_music.constraints.automata.timeline import TimeAutomaton
from stochastic_music.constraints.constraint import Joinable
from stochastic_music.constraints.places import check_time
from stochastic_music.errors import InvalidParameterError, UsageError
from stochastic_music.protocols import DEAD, BoolArray, IntArray
from stochastic_music.tokens import ClockState, Header, Vocabulary

_NEVER = np.iinfo(np.int64).max
#: from a time to a time, which is excluded, in units since the piece began; None: to the end
Span = tuple[int, int | None]


@dataclass(frozen=True)
class Kept(Joinable):
    """Within `spans` exactly the given events begin, in their order; outside of them anything may begin.

    Spans ascend. An event has an onset (units) in one of them, and `symbols`, one for each field; the first, where it
    is the silence before it, is adapted so that it begins there. What begins outside is over when the next span
    begins, or by the time in `rings`, one a span, until which it may ring into it. The music stops at one of the times
    `stops` (units), and nothing sounds beyond the last; () leaves it free. Raises InvalidParameterError for an event
    outside of all spans, or out of order, and for a ring that ends before its span begins.

    >>> Kept((0, 12), ((0, 204, 445), (0, 204, 447)), spans=((0, 24),), stops=(48,))
    Kept(2 events; stops at 48)
    """

    onsets: tuple[int, ...] = ()
    symbols: tuple[tuple[int, ...], ...] = ()
    spans: tuple[Span, ...] = ()
    stops: tuple[int, ...] = ()
    rings: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        inside = within(_edges(self.spans), np.array(self.onsets, dtype=np.int64))
        if not inside.all() or list(self.onsets) != sorted(self.onsets) or len(self.symbols) != len(self.onsets):
            raise InvalidParameterError(
                f"events at {list(self.onsets)} are to be kept within {list(self.spans)}; expected onsets in these "
                "spans, in order, and symbols for each"
            )
        begins = [span[0] for span in self.spans]
        if self.rings and (len(self.rings) != len(begins) or any(map(operator.lt, self.rings, begins))):
            raise InvalidParameterError(
                f"music may ring until {list(self.rings)} into spans that begin at {begins}; expected a time for each, "
                "not before it begins"
            )

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> _KeptAutomaton:
        """The clock, and how many of the kept symbols have come.

        Raises UsageError where symbols carry no time, or an event does not begin with what tells its time.
        """
        check_time(vocabulary, self)
        if any(field.advances == "now" for field in vocabulary.fields[1:]):
            raise UsageError(f"{self} needs an encoding whose first field tells when an event begins")
        return _KeptAutomaton(vocabulary, header, self)

    def __str__(self) -> str:
        stops = f"; stops at {' or '.join(map(str, self.stops[:2]))}" if self.stops else ""
        return f"Kept({len(self.onsets)} events{stops})"

    __repr__ = __str__


def within(edges: IntArray, times: IntArray) -> BoolArray:
    """Which times lie between the first and the second of some edges, the third and the fourth, and so on: (n,)."""
    inside: BoolArray = np.searchsorted(edges, times, side="right") % 2 == 1
    return inside


def _edges(spans: tuple[Span, ...]) -> IntArray:
    return np.array([_NEVER if edge is None else edge for span in spans for edge in span], dtype=np.int64)


class _KeptAutomaton(KeepsTime):
    """A state packs how many of the kept symbols have come with the clock."""

    def __init__(self, vocabulary: Vocabulary, header: Header | None, kept: Kept) -> None:
        self.vocabulary, self.n_symbols, self._n_fields = vocabulary, vocabulary.n_symbols, vocabulary.n_fields
        self._edges = _edges(kept.spans)
        self._over = np.array([*(kept.rings or (span[0] for span in kept.spans)), _NEVER], dtype=np.int64)
        self._onsets = np.array([*kept.onsets, _NEVER], dtype=np.int64)
        self._kept = np.array([*(symbol for event in kept.symbols for symbol in event), -1], dtype=np.int64)
        until = max(int(self._edges[self._edges < _NEVER].max(initial=0)), *kept.onsets, *kept.rings, 0) + 1
        self.frame = TimeAutomaton(vocabulary, header, kept.stops or None, until=until)
        symbols = np.arange(self.n_symbols)
        effect = np.array([*(field.advances for field in vocabulary.fields), ""])[vocabulary.field_of(symbols)]
        values = vocabulary.values(symbols)
        self._waits = np.where(effect == "now", values, 0)
        self._sounds = np.where(np.isin(effect, ("later", "sounds")), values, vocabulary.step)
        self._adapts = vocabulary.fields[0].advances == "now"

    def start(self) -> int:
        """Nothing heard yet."""
        return self.frame.start()

    def advance(self, states: IntArray, symbols: IntArray) -> IntArray:
        """The clock ticks; a kept symbol comes when it is due, any other only where it may."""
        place, outer = np.divmod(np.maximum(states, 0), self.frame.n_states)
        now, following = self.frame.unpack(outer), self.frame.advance(outer, symbols)
        is_end = symbols == self.vocabulary.end
        is_kept, is_free = self._begins(place, now, symbols)
        goes_on = place % self._n_fields > 0
        is_kept = np.where(now.due > 0, goes_on & (symbols == self._kept[place]), is_kept)
        is_free = np.where(now.due > 0, ~goes_on & self._is_over(now.time, symbols), is_free)
        may = np.where(is_end, place == len(self._kept) - 1, is_kept | is_free)
        alive = (states != DEAD) & (following != DEAD) & may
        return np.where(alive, (place + (is_kept & ~is_end)) * self.frame.n_states + following, DEAD)

    def progress(self, states: IntArray) -> IntArray | None:
        """That of the clock, where it is known when the music stops."""
        return self.frame.progress(self._outer(states))

    def _begins(self, place: IntArray, now: ClockState, symbols: IntArray) -> tuple[BoolArray, BoolArray]:
        """Whether an event that a symbol begins is the next one kept, and whether it may be a new one: (n,) each."""
        onset, due = now.time + self._waits[symbols], self._onsets[place // self._n_fields]
        same = self._adapts | (symbols == self._kept[place])
        return (onset == due) & same, ~within(self._edges, onset) & (onset < due) & self._is_over(onset, symbols)

    def _is_over(self, onset: IntArray, symbols: IntArray) -> BoolArray:
        """Whether a new event that sounds as long as a symbol says is over in time for the next span: (n,)."""
        following = np.searchsorted(self._edges, onset, side="right") // 2
        over: BoolArray = onset + self._sounds[symbols] <= self._over[following]
        return over


__all__ = ["Kept", "Span", "within"]
