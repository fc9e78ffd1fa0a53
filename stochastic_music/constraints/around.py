"""Keep this, change that: all of a piece but what begins within a gap.

Events that begin before the gap stay as they are, and so do those that begin after it, at their own times. What comes
between is free. The silence before the first event after the gap is adapted, so that it begins where it began; where
the encoding knows no silence (slices, frames), the new events fill the gap to the unit. `Kept` says the same of any
number of stretches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stochastic_music.constraints.automata.events import KeepsTime
from stochastic_music.constraints.automata.timing import timed_events
from stochastic_music.constraints.constraint import Joinable
from stochastic_music.constraints.kept import Kept
from stochastic_music.constraints.places import check_time
from stochastic_music.errors import InvalidParameterError
from stochastic_music.protocols import IntArray
from stochastic_music.tokens import Header, Vocabulary


@dataclass(frozen=True, init=False)
class Around(Joinable):
    """The events of a piece, except those that begin in [`start`, `stop`), in units since it began.

    `symbols` is the piece as the model reads it, with or without END. A note that begins before the gap and rings into
    it stays; in a melody the first new one begins when it is over. New notes are over by `stop`, or by when the old
    ones were that rang beyond it. Where nothing comes after the gap the piece ends within it. Raises
    InvalidParameterError for a gap of no length.

    >>> import numpy as np
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

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> KeepsTime:
        """That of the events which are `Kept`.

        Raises UsageError where symbols carry no time, or an event does not begin with what tells its time.
        """
        check_time(vocabulary, self)
        piece = timed_events(vocabulary, self.symbols)
        before, after = piece.onset < self.start, piece.onset >= self.stop
        kept = before | after
        over = int(piece.end[~kept].max(initial=self.stop))
        over = int(piece.onset[after].min(initial=over))
        last = int(piece.end[kept].max(initial=0))
        return Kept(
            tuple(piece.onset[kept].tolist()),
            tuple(tuple(row) for row in piece.symbols[kept].tolist()),
            spans=((0, self.start), (self.stop, None)),
            stops=(last,) if after.any() else tuple(range(last, max(last, over) + 1)),
            rings=(0, over),
        ).compile(vocabulary, header)

    def __str__(self) -> str:
        return f"Around({self.start} to {self.stop} units)"

    __repr__ = __str__
