"""Pieces as a maximum-entropy model sees them: events as rows, fields as columns, silence on both sides.

The symbols that a corpus uses are numbered without gaps, field after field: *columns*. Within its field a symbol has a
*value*, from 0; two values more follow in each field:

    boundary   silence before a piece and after it. An event of silence holds it in its first field
    blank      what says nothing: the other fields of silence, and symbols that training never held

The clock's marks (meter and place in the bar) are numbered as well, with one more for those that training never held.

    >>> corpus = TokenCorpus.from_sequences([[0, 2, 0]], Vocabulary.plain(4))
    >>> columns = Columns.of(corpus)
    >>> columns.symbols.tolist(), columns.boundary(0), columns.blank(0)
    ([0, 2], 2, 3)
    >>> events_of(corpus, columns).values.T.tolist()
    [[0, 1, 0]]
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.models.contexts import listen, search
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.tokens import Vocabulary


@dataclass(frozen=True, eq=False)
class Columns:
    """`symbols` (Q,) ascending, field f being `bounds[f] : bounds[f + 1]`; `marks` (M,) ascending."""

    symbols: IntArray
    bounds: IntArray
    marks: IntArray

    @classmethod
    def of(cls, corpus: TokenCorpus, *, clock: bool = True) -> Self:
        """The symbols and, with `clock`, the marks that `corpus` holds, END apart."""
        symbols = np.unique(corpus.symbols[corpus.symbols != corpus.vocabulary.end])
        heard = listen(corpus).mark[corpus.symbols != corpus.vocabulary.end] if clock else symbols[:0]
        return cls(symbols, np.searchsorted(symbols, corpus.vocabulary.starts), np.unique(heard[heard >= 0]))

    @property
    def n_fields(self) -> int:
        """Symbols an event."""
        return len(self.bounds) - 1

    @property
    def n_columns(self) -> int:
        """Q: the symbols known, and the number of the boundary among columns."""
        return len(self.symbols)

    def size(self, field: int) -> int:
        """How many symbols of a field are known."""
        return int(self.bounds[field + 1] - self.bounds[field])

    def boundary(self, field: int) -> int:
        """The value of silence beside a piece."""
        return self.size(field)

    def blank(self, field: int) -> int:
        """The value that says nothing."""
        return self.size(field) + 1

    @cached_property
    def silence(self) -> IntArray:
        """The values of an event of silence: (n_fields,)."""
        return np.array([self.boundary(0), *(self.blank(f) for f in range(1, self.n_fields))], dtype=np.int64)

    def columns_of(self, field: int) -> IntArray:
        """The column of each value of a field, the boundary's being Q, the blank's -1: (size + 2,)."""
        return np.append(np.arange(self.bounds[field], self.bounds[field + 1]), [self.n_columns, -1])

    def values(self, symbols: IntArray, field: int) -> IntArray:
        """The value of each of a field's `symbols`, blank where training never held it."""
        first, last = self.bounds[field : field + 2]
        found = search(self.symbols[first:last], symbols)
        return np.where(found < 0, self.blank(field), found)

    def symbols_of(self, values: IntArray) -> IntArray:
        """The symbols of events (n, n_fields) of known values, one after another: (n * n_fields,)."""
        symbols: IntArray = self.symbols[values + self.bounds[:-1]].ravel()
        return symbols

    def blocked(self, vocabulary: Vocabulary) -> BoolArray:
        """Which columns cannot stand in one event (a lower voice above a higher one): (Q, Q), symmetric."""
        out = np.zeros((self.n_columns, self.n_columns), dtype=bool)
        for f, declared in enumerate(vocabulary.fields):
            if not declared.below:
                continue
            upper, lower = (slice(*self.bounds[i : i + 2]) for i in (vocabulary.place(declared.below), f))
            present = {declared.below: vocabulary.values(self.symbols[upper])}
            possible = vocabulary.possible(f, self.symbols[lower], present)
            assert possible is not None  # noqa: S101 - the field lies below another
            out[upper, lower] = ~possible
        return out | out.T


class Events(NamedTuple):
    """`values` (n_events, n_fields) and `marks` (n_events,); piece i is `offsets[i] : offsets[i + 1]`."""

    values: IntArray
    marks: IntArray
    offsets: IntArray

    @property
    def lengths(self) -> IntArray:
        """Events of each piece: (n_pieces,)."""
        return np.diff(self.offsets)

    @property
    def piece(self) -> IntArray:
        """The piece that each event stands in: (n_events,)."""
        return np.repeat(np.arange(len(self.offsets) - 1), self.lengths)


def events_of(corpus: TokenCorpus, columns: Columns) -> Events:
    """The whole events of `corpus`; END, and an event that breaks off, are left out."""
    n_fields = columns.n_fields
    plays = corpus.symbols != corpus.vocabulary.end
    lengths = corpus.sums(plays).astype(np.int64) // n_fields
    starts = np.repeat(corpus.offsets[:-1], lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    first = starts + (np.arange(len(starts)) - np.repeat(offsets[:-1], lengths)) * n_fields
    fields = [columns.values(corpus.symbols[first + f], f) for f in range(n_fields)]
    marks = search(columns.marks, listen(corpus).mark[first]) if len(columns.marks) else np.full(len(first), -1)
    return Events(np.stack(fields, axis=1), np.where(marks < 0, len(columns.marks), marks), offsets)


def strung(events: Events, columns: Columns, width: int) -> tuple[IntArray, IntArray]:
    """All events in one row with `width` of silence around each piece, and where each event stands there.

    Gives (n_rows, n_fields) and (n_events,).
    """
    at = np.arange(len(events.values)) + width * (1 + events.piece)
    rows = np.tile(columns.silence, (len(events.values) + width * len(events.offsets), 1))
    rows[at] = events.values
    return rows, at
