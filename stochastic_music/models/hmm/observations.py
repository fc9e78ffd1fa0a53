"""Pieces as a hidden Markov model sees them: events as rows, fields as columns, and pieces side by side.

A state emits one symbol of each field, so the unit is the event. `Observations` holds the *column* of each symbol in
the emission table of its field. END is a value of the first field, in the last column: the piece's last state emits it
and nothing else. Every table has two columns more, so that any row of symbols can be read as it stands:

    silent      probability 1: fields that END leaves out, those of an event that breaks off, and what comes after END
    impossible  probability 0: a symbol in a place where its field is not due

Where the clock ticks, the fields that move time (rests, durations) are heard in its light: their tables have a *block*
of columns for each of the known `marks`, that is for each meter and place in the bar at which an event may begin, and
one, the last, for any other place.

`packed` lays pieces side by side, longest first, step by step: the rows of step t are those pieces that reach it, in
one block of memory. Nothing is padded. A few pieces that are far longer than all others are cut, and their parts lie
side by side, a batch for each piece: what one part hands on to the next is guessed, and mended until it is right.

    >>> from stochastic_music.tokens import Field
    >>> vocabulary = Vocabulary((Field("shape", 2), Field("color", 3)))
    >>> seen = observed(TokenCorpus.from_sequences([[0, 2, 1, 4], [1, 3]], vocabulary))
    >>> seen.columns.tolist()
    [[0, 0], [1, 2], [2, 3], [1, 1], [2, 3]]
    >>> seen.offsets.tolist()
    [0, 3, 5]
    >>> [batch] = packed(seen.offsets)
    >>> batch.order.tolist(), batch.starts.tolist()
    ([0, 3, 1, 4, 2], [0, 2, 4, 5])
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.models.contexts import listen, search
from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.tokens import Vocabulary

#: a clock that nobody listens to
NO_MARKS: IntArray = np.zeros(0, dtype=np.int64)
#: events of a batch, at most, unless one piece alone has more
BATCH_EVENTS = 1 << 17
#: events from which on a piece may be cut, and of each part
LONG, PART = 1024, 128


class Observations(NamedTuple):
    """Events: `columns` (n_events, n_fields), piece i being rows `offsets[i]` to `offsets[i + 1]`."""

    columns: IntArray
    offsets: IntArray

    @property
    def lengths(self) -> IntArray:
        """Events of each piece, END among them: (n_pieces,)."""
        return np.diff(self.offsets)


class Batch(NamedTuple):
    """Pieces side by side: step t is `order[starts[t] : starts[t + 1]]`, places among all events.

    `pieces` (n_rows,) are the numbers of the pieces, the longest first: row i of each step is of `pieces[i]`. In a
    batch that is `chained` all rows are of one piece, and each goes on where the one before it stops.
    """

    order: IntArray
    starts: IntArray
    pieces: IntArray
    chained: bool = False

    @property
    def n_steps(self) -> int:
        """Events of the longest piece."""
        return len(self.starts) - 1

    @property
    def last(self) -> IntArray:
        """Where the last event of each row lies in the batch: (n_rows,)."""
        live = np.diff(self.starts)
        rows = np.arange(live[0])
        last: IntArray = self.starts[np.searchsorted(-live, -rows, side="left") - 1] + rows
        return last


def marks_of(corpus: TokenCorpus) -> IntArray:
    """The marks that the clock shows in `corpus`, ascending; none where it does not tick: (n_marks,)."""
    mark = listen(corpus).mark
    return np.unique(mark[mark >= 0])


def table_shapes(vocabulary: Vocabulary, marks: IntArray = NO_MARKS) -> list[tuple[int, ...]]:
    """The columns of each field's emission table, END's among them: (size,), or (n_marks + 1, size) for blocks."""
    sizes = [field.size for field in vocabulary.fields]
    sizes[0] += vocabulary.closed
    moves = [bool(len(marks)) and field.advances != "" for field in vocabulary.fields]
    return [(len(marks) + 1, size) if moved else (size,) for size, moved in zip(sizes, moves, strict=True)]


def table_sizes(vocabulary: Vocabulary, marks: IntArray = NO_MARKS) -> list[int]:
    """The columns of each field's emission table in all, silent and impossible left out."""
    return [math.prod(shape) for shape in table_shapes(vocabulary, marks)]


def blocks(shown: IntArray, marks: IntArray) -> IntArray:
    """The block of each mark that the clock shows."""
    found = search(marks, shown)
    return np.where(found < 0, len(marks), found)


def declared(vocabulary: Vocabulary) -> list[BoolArray]:
    """Which columns of each emission table, or of each of its blocks, are in the alphabet: (size,) each."""
    due = vocabulary.due_mask
    edges = vocabulary.starts.tolist()
    fields = [due[f][edges[f] : edges[f + 1]] for f in range(vocabulary.n_fields)]
    return [np.append(fields[0], True) if vocabulary.closed else fields[0], *fields[1:]]


def observed(corpus: TokenCorpus, marks: IntArray = NO_MARKS) -> Observations:
    """The events of `corpus`, heard in the light of the known `marks`, ascending."""
    events = _events(corpus)
    if not len(marks):
        return events
    event, due = event_places(corpus)
    block = np.full(len(events.columns), len(marks), dtype=np.int64)
    block[event[due == 0]] = blocks(listen(corpus).mark[due == 0], marks)
    columns = events.columns.copy()
    for f, (_, *inner) in enumerate(table_shapes(corpus.vocabulary, marks)):
        if inner:
            beyond = columns[:, f] - inner[0]  # silent 0, impossible 1
            total = (len(marks) + 1) * inner[0]
            columns[:, f] = np.where(beyond >= 0, total + beyond, block * inner[0] + columns[:, f])
    return Observations(columns, events.offsets)


def _events(corpus: TokenCorpus) -> Observations:
    vocabulary, symbols = corpus.vocabulary, corpus.symbols
    n_fields, sizes = vocabulary.n_fields, np.array(table_sizes(vocabulary))
    n_events = -(-corpus.lengths // n_fields)
    offsets = np.append(0, np.cumsum(n_events))
    place = np.arange(len(symbols)) - corpus.offsets[corpus.piece]
    event, due = offsets[corpus.piece] + place // n_fields, place % n_fields
    column = symbols - vocabulary.starts[due]
    in_field = (column >= 0) & (column < np.diff(vocabulary.starts)[due])
    column = np.where(in_field, column, sizes[due] + 1)
    if vocabulary.closed:
        is_end = symbols == vocabulary.end
        column = np.where(is_end & (due == 0), sizes[0] - 1, column)
        over = _ends_before(corpus, is_end)
        column = np.where(over, sizes[due] + ~is_end, column)
    columns = np.tile(sizes, (int(offsets[-1]), 1))
    columns[event, due] = column
    return Observations(columns, offsets)


def event_places(corpus: TokenCorpus) -> tuple[IntArray, IntArray]:
    """The event, counted over all pieces, and the field of each symbol: (n,) each."""
    n_fields = corpus.vocabulary.n_fields
    offsets = np.append(0, np.cumsum(-(-corpus.lengths // n_fields)))
    place = np.arange(len(corpus.symbols)) - corpus.offsets[corpus.piece]
    return offsets[corpus.piece] + place // n_fields, place % n_fields


def packed(offsets: IntArray, at_most: int = BATCH_EVENTS, *, cut: bool = True) -> list[Batch]:
    """All pieces that are not empty, the longest first, in batches of some `at_most` events.

    With `cut`, pieces that are far longer than the others are chained: a model that never forgets does better without.
    """
    lengths = np.diff(offsets)
    pieces = np.argsort(-lengths, kind="stable")[: int((lengths > 0).sum())]
    n_cut = _worth_cutting(lengths[pieces]) if cut else 0
    chains = [_chained(piece, offsets, lengths) for piece in pieces[:n_cut].tolist()]
    pieces = pieces[n_cut:]
    total = np.cumsum(lengths[pieces])
    parts = np.split(pieces, np.flatnonzero(np.diff((total - 1) // at_most)) + 1) if len(pieces) else []
    return [*chains, *(Batch(*_side_by_side(offsets[part], lengths[part]), part) for part in parts)]


def _worth_cutting(lengths: IntArray) -> int:
    """How many of the longest pieces are cut, so that the steps of all batches are few; lengths descend.

    >>> _worth_cutting(np.array([5000, 90, 80])), _worth_cutting(np.array([5000] * 200)), _worth_cutting(np.array([90]))
    (1, 0, 0)
    """
    candidates = int((lengths >= LONG).sum())
    steps = [n * 3 * PART + int(lengths[n : n + 1].sum()) for n in range(candidates + 1)]
    return int(np.argmin(steps))


def _chained(piece: int, offsets: IntArray, lengths: IntArray) -> Batch:
    """The parts of one piece, those that are one event longer first."""
    length = int(lengths[piece])
    size, more = divmod(length, length // PART)
    own = np.array([size + (i < more) for i in range(length // PART)], dtype=np.int64)
    first = offsets[piece] + np.append(0, np.cumsum(own)[:-1])
    return Batch(*_side_by_side(first, own), np.array([piece]), chained=True)


def _side_by_side(first: IntArray, lengths: IntArray) -> tuple[IntArray, IntArray]:
    """`order` and `starts` of runs of events that begin at `first`, the longest first."""
    live = np.searchsorted(-lengths, -np.arange(lengths[0]), side="left")
    starts = np.append(0, np.cumsum(live))
    row = np.arange(starts[-1]) - np.repeat(starts[:-1], live)
    return first[row] + np.repeat(np.arange(lengths[0]), live), starts


def _ends_before(corpus: TokenCorpus, is_end: BoolArray) -> BoolArray:
    """Whether the piece had ended before each symbol: (n,)."""
    so_far: FloatArray = np.cumsum(is_end) - is_end
    before = np.append(so_far, so_far[-1:].sum())[corpus.offsets[:-1]] if len(corpus) else so_far
    over: BoolArray = so_far > before[corpus.piece]
    return over
