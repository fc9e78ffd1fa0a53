"""What is known of the present: a pure function of the symbols so far, and of the header.

The clock's state is three whole numbers a row: which field is *due*, the *time* reached (units since
the piece began) and the *lag*, how much longer the latest event sounds. Every model, constraint
and viewpoint reads meter off this one place.

    due   0 .. n_fields - 1, or n_fields once the piece has ended
    time  where the event now under way begins (after its rest, if that is known)
    lag   what `time + lag` says is where the music heard so far stops sounding

At the start of each event the clock shows a *mark*: one integer for the meter and the place in the bar.
A model may read marks as it reads symbols; it never has to predict one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stochastic_music.errors import VocabularyError
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.tokens.header import Header

if TYPE_CHECKING:
    from stochastic_music.tokens.vocabulary import Vocabulary


class Spans(NamedTuple):
    """The meters of a batch of headers, padded to the longest: each (batch, n_spans)."""

    start: IntArray
    length: IntArray
    number: IntArray
    code: IntArray


class ClockState(NamedTuple):
    """Batch of clocks: `due`, `time`, `lag` are (batch,); never mutated."""

    due: IntArray
    time: IntArray
    lag: IntArray
    spans: Spans


class Place(NamedTuple):
    """Where in the printed bars a batch of times lies: each (batch,). Bar 0 is the pickup."""

    bar: IntArray
    position: IntArray
    bar_length: IntArray
    meter: IntArray


_NEVER = np.iinfo(np.int64).max


class Clock:
    """The clock of one vocabulary; see the module's article."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.n_fields = vocabulary.n_fields
        #: whether there is anything to tell: symbols that move time
        timed = vocabulary.step > 0 or any(field.advances for field in vocabulary.fields)
        self.ticks = vocabulary.resolution > 0 and timed
        self._effects = np.array(["", "now", "later", "sounds"])
        effect = {name: i for i, name in enumerate(self._effects)}
        self._effect = np.array([effect[field.advances] for field in vocabulary.fields])
        self._falls_at_end = bool((self._effect == effect["later"]).any())

    def start(self, headers: Sequence[Header | None]) -> ClockState:
        """Clocks at the beginning of pieces under `headers` (None: 4/4 without pickup)."""
        default = Header(max(self.vocabulary.resolution, 1))
        rows = [(header or default) for header in headers]
        for header in rows:
            if self.ticks and header.resolution != self.vocabulary.resolution:
                raise VocabularyError(
                    f"the header counts {header.resolution} units a quarter note, "
                    f"the vocabulary {self.vocabulary.resolution}: encode both on one grid"
                )
        zeros = np.zeros(len(rows), dtype=np.int64)
        return ClockState(zeros, zeros, zeros, _spans(rows))

    def advance(self, state: ClockState, symbols: IntArray) -> ClockState:
        """The clocks after one more symbol each; END, or anything after it, ends the piece."""
        due, time, lag, spans = state
        value = self.vocabulary.values(symbols)
        ended = (symbols == self.vocabulary.end) | (due == self.n_fields)
        effect = self._effect[np.minimum(due, self.n_fields - 1)]
        time = np.where(effect == 1, time + value, time)
        lag = np.where(effect == 1, np.maximum(lag - value, 0), lag)
        lag = np.where(effect == 2, value, lag)
        lag = np.where(effect == 3, np.maximum(lag, value), lag)
        complete = due + 1 == self.n_fields
        if self._falls_at_end:
            time, lag = np.where(complete, time + lag, time), np.where(complete, 0, lag)
        if self.vocabulary.step:
            time = np.where(complete, time + self.vocabulary.step, time)
        keep = ended
        return ClockState(
            np.where(ended, self.n_fields, np.where(complete, 0, due + 1)),
            np.where(keep, state.time, time),
            np.where(keep, state.lag, lag),
            spans,
        )

    def place(self, state: ClockState, *, at_end: bool = False) -> Place:
        """The place in the bar of `time`, or with `at_end` of `time + lag`."""
        time = state.time + state.lag if at_end else state.time
        spans = state.spans
        rows = np.arange(len(time))
        span = np.maximum((time[:, None] >= spans.start).sum(axis=1) - 1, 0)
        start, length = spans.start[rows, span], spans.length[rows, span]
        bars, position = np.divmod(time - start, length)
        return Place(spans.number[rows, span] + bars, position, length, spans.code[rows, span])

    def on_line(self, state: ClockState, pickups: IntArray) -> BoolArray:
        """Whether what was heard stops on a bar line, or where the pickup completes the bar: (batch,)."""
        place = self.place(state, at_end=True)
        on_line: BoolArray = (place.position == 0) | (place.bar_length - place.position == pickups)
        return on_line

    def marks(self, state: ClockState) -> IntArray:
        """The mark each row shows: -1 unless an event is about to begin and symbols carry time: (batch,)."""
        if not self.ticks:
            return np.full(len(state.due), -1, dtype=np.int64)
        place = self.place(state)
        return np.where(state.due == 0, (place.meter << 20) | place.position, -1)

    def allowed(self, state: ClockState) -> BoolArray:
        """Which symbols may come next: the field now due, within the alphabet: (batch, n_symbols)."""
        return self.vocabulary.due_mask[state.due]


def describe_mark(mark: int, resolution: int) -> str:
    """A mark in words.

    >>> describe_mark(((3 << 8 | 4) << 20) | 12, 12)
    '3/4 beat 2'
    """
    code, position = mark >> 20, mark & 0xFFFFF
    numerator, denominator = code >> 8, code & 0xFF
    beat = 1 + position * denominator / (4 * resolution)
    return f"{numerator}/{denominator} beat {beat:g}"


def _spans(headers: Sequence[Header]) -> Spans:
    distinct = {id(header): header for header in headers}  # a batch most often has few
    rows = [
        (*header.bar_spans(), [m.numerator << 8 | m.denominator for m in header.meters]) for header in distinct.values()
    ]
    width = max((len(row[0]) for row in rows), default=1)
    number = {key: i for i, key in enumerate(distinct)}
    place = np.array([number[id(header)] for header in headers], dtype=np.int64)

    def padded(column: int, fill: int) -> IntArray:
        table = np.array([[*row[column], *[fill] * (width - len(row[column]))] for row in rows], dtype=np.int64)
        return table.reshape(-1, width)[place]

    return Spans(padded(0, _NEVER), padded(1, 1), padded(2, 0), padded(3, 0))
