"""Events that are kept: within some stretches of time nothing sounds but what is given; elsewhere anything may.

`Around` says this of a piece with one gap, in the piece's own symbols; `Kept` of any number of stretches, with silences
between them that may be longer than symbols can say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stochastic_music.constraints.constraint import Joinable
from stochastic_music.constraints.events import ByOnset, Values
from stochastic_music.constraints.timeline import TimeAutomaton
from stochastic_music.errors import InvalidParameterError
from stochastic_music.protocols import DEAD, BoolArray, IntArray
from stochastic_music.tokens import Header, Vocabulary

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Kept(Joinable):
    """Within `spans` exactly the given events begin, in their order; outside of them anything may begin.

    What begins outside is over when the next span begins, if "duration" is one of the `fields`. Spans are (from, to),
    to excluded, in units since the piece began, ascending; None says "to the end". An event has an onset (units) in
    one of them, and a row of `values`, one for each of `fields`. Raises InvalidParameterError for an event outside of
    all spans, or out of order.

    >>> Kept(("pitch",), (0, 12), ((60,), (62,)), spans=((0, 24),)).n_events
    2
    """

    fields: tuple[str, ...]
    onsets: tuple[int, ...]
    values: tuple[tuple[int, ...], ...]
    spans: tuple[tuple[int, int | None], ...]

    def __post_init__(self) -> None:
        inside = self._machine().inside(np.array(self.onsets, dtype=np.int64))
        if not inside.all() or list(self.onsets) != sorted(self.onsets) or len(self.values) != len(self.onsets):
            raise InvalidParameterError(
                f"events at {list(self.onsets)} are to be kept within {list(self.spans)}; expected onsets in these "
                "spans, in order, and a row of values for each"
            )

    @property
    def n_events(self) -> int:
        """How many events are kept."""
        return len(self.onsets)

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> ByOnset:
        """Counts the kept events that have begun; raises VocabularyError where events lack one of the fields."""
        return ByOnset(vocabulary, header, self._machine())

    def __str__(self) -> str:
        return f"Kept({self.n_events} events)"

    def _machine(self) -> _KeptMachine:
        edges = np.array([_NEVER if edge is None else edge for span in self.spans for edge in span], dtype=np.int64)
        values = np.array(self.values, dtype=np.int64).reshape(len(self.values), len(self.fields))
        return _KeptMachine(self.fields, np.array([*self.onsets, _NEVER], dtype=np.int64), values, edges)


class _KeptMachine:
    """A state is how many of the kept events have begun."""

    def __init__(self, fields: tuple[str, ...], onsets: IntArray, values: IntArray, edges: IntArray) -> None:
        self.wanted = fields
        self.onsets, self.values, self.edges = onsets, values, edges
        self.until = int(max(edges[edges < _NEVER].max(initial=0), onsets[:-1].max(initial=-1) + 1))

    def inside(self, onsets: IntArray) -> BoolArray:
        """Which onsets lie in a span: (n,)."""
        inside: BoolArray = np.searchsorted(self.edges, onsets, side="right") % 2 == 1
        return inside

    def start(self) -> int:
        """None yet."""
        return 0

    def step(self, states: IntArray, onsets: IntArray, values: Values) -> IntArray:
        """One more where the event is the next one; any other must lie outside the spans, and before the next one."""
        due = self.onsets[states]
        said = np.stack([values[name] for name in self.wanted], axis=1)
        rows = np.minimum(states, max(len(self.values) - 1, 0))
        same = (said == self.values[rows]).all(axis=1) if len(self.values) else np.zeros(len(states), dtype=bool)
        is_next = (onsets == due) & same
        is_free = ~self.inside(onsets) & (onsets < due) & self._is_over(onsets, values)
        return np.where(is_next, states + 1, np.where(is_free, states, DEAD))

    def _is_over(self, onsets: IntArray, values: Values) -> BoolArray:
        """Which events end before the next span begins: (n,)."""
        begins = np.append(self.edges, _NEVER)[np.searchsorted(self.edges, onsets, side="right")]
        over: BoolArray = onsets + values.get("duration", np.zeros_like(onsets)) <= begins
        return over

    def accepts(self, states: IntArray) -> BoolArray:
        """All of them have begun."""
        accepts: BoolArray = states == len(self.values)
        return accepts


@dataclass(frozen=True)
class StopsAt(Joinable):
    """The music stops sounding at one of these times (units since the piece began), and nothing sounds beyond the last.

    Raises InvalidParameterError where there are none, or one that is not positive.
    """

    times: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.times or min(self.times) < 1:
            raise InvalidParameterError(f"StopsAt({self.times}): expected one or more times after 0")

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> TimeAutomaton:
        """The clock, which must stop at one of the times."""
        return TimeAutomaton(vocabulary, header, stops=self.times)

    def __str__(self) -> str:
        return f"StopsAt({self.times[0]}{'' if len(self.times) == 1 else f' to {self.times[-1]}'})"


__all__ = ["Kept", "StopsAt"]
