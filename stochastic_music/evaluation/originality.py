"""How much of a piece is copied from a corpus, and from where.

A *copy* is a run of neighboring notes that occurs in the corpus with the same durations, the same distances between
onsets, and the same pitches: all of them moved by one interval (the default, so that a transposed quotation counts),
or, with `exact=True`, unmoved. `length` counts notes; `piece` and `bar` say where the corpus has it, bars as printed
(a pickup is bar 0).

    longest_copy   the longest run of a piece that the corpus holds
    share          the part of its notes that lie within copies of at least 8 notes

Short copies prove nothing: held-out pieces of one style share runs too, so compare with theirs. The idea
is that of Papadopoulos, Roy and Pachet's maximum order [1], measured instead of imposed.

All notes of the corpus are one text, piece after piece, each note described relative to the one before it; a suffix
array [2], built once by prefix doubling in NumPy, answers for every place in a query the longest match.

    >>> tune = Line.of("tune", onset=[0, 1, 2, 3], duration=[1, 1, 1, 2], pitch=[60, 62, 64, 65])
    >>> index = OriginalityIndex([tune])
    >>> moved = Line.of("new", onset=[0, 2, 3, 4], duration=[2, 1, 1, 2], pitch=[60, 67, 69, 70])
    >>> index.longest_copy(moved), index.longest_copy(moved, exact=True).length
    (Copy(length=3, piece='tune', bar=None, start=1), 0)

[1] A. Papadopoulos, P. Roy, F. Pachet. Avoiding plagiarism in Markov sequence generation. AAAI 2014.
[2] U. Manber, G. Myers. Suffix arrays: a new method for on-line string searches. SIAM J. Computing 22(5), 1993.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import InvalidParameterError, VocabularyError
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.tokens import Header, TokenPiece, Vocabulary

#: Copies of at least so many notes count for `share`.
NOTABLE = 8
_UNKNOWN_BAR = -1
#: How many symbols are compared in one step.
_BLOCK = 16


@dataclass(frozen=True, eq=False)
class Line:
    """Notes in order of onset: `onset`, `duration`, `pitch` and `bar` are (n,) integers in any one unit of time."""

    name: str
    onset: IntArray
    duration: IntArray
    pitch: IntArray
    bar: IntArray

    @classmethod
    def of(
        cls,
        name: str,
        *,
        onset: Sequence[int] | IntArray,
        duration: Sequence[int] | IntArray,
        pitch: Sequence[int] | IntArray,
        bar: Sequence[int] | IntArray | None = None,
    ) -> Self:
        """From sequences of one length; `bar` may be unknown. Raises InvalidParameterError where lengths differ."""
        given = [onset, duration, pitch, bar if bar is not None else [_UNKNOWN_BAR] * len(pitch)]
        arrays = [np.asarray(values, dtype=np.int64) for values in given]
        if len({array.shape for array in arrays}) > 1:
            shapes = ", ".join(str(array.shape) for array in arrays)
            raise InvalidParameterError(f"onset, duration, pitch and bar of '{name}' differ in length: {shapes}")
        return cls(name, *arrays)

    def since(self, note: int) -> Line:
        """The notes from number `note` on."""
        return Line(self.name, *(column[note:] for column in (self.onset, self.duration, self.pitch, self.bar)))

    def __len__(self) -> int:
        return len(self.pitch)


class Copy(NamedTuple):
    """A run of `length` notes of a piece, from note `start` on, that `piece` of the corpus has in printed bar `bar`."""

    length: int
    piece: str
    bar: int | None
    start: int

    def to_json(self) -> dict[str, Any]:
        """`length`, `piece` and `bar`."""
        return {"length": self.length, "piece": self.piece, "bar": self.bar}


class Originality(NamedTuple):
    """The longest copies, transposed ones counted and not, and the share of notes in notable copies."""

    longest: Copy
    longest_exact: Copy
    share: float
    share_exact: float

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and strings."""
        return {
            "longest_copy": self.longest.to_json(),
            "longest_exact_copy": self.longest_exact.to_json(),
            "share": self.share,
            "share_exact": self.share_exact,
        }


class OriginalityIndex:
    """A corpus, ready to be asked; see the module's article.

    Pieces given as `TokenPiece` are read with the vocabulary of the corpus that `from_tokens` was given.
    """

    def __init__(self, lines: Iterable[Line], *, vocabulary: Vocabulary | None = None) -> None:
        self.lines = list(lines)
        self.vocabulary = vocabulary

    @classmethod
    def from_tokens(cls, corpus: TokenCorpus) -> Self:
        """The index of a corpus whose events are notes; raises VocabularyError where they are not."""
        return cls(lines(corpus), vocabulary=corpus.vocabulary)

    def longest_copy(self, piece: Line | TokenPiece, *, exact: bool = False) -> Copy:
        """The longest run of `piece` that the corpus holds; of length 0 where it shares no note."""
        line, index = self._line(piece), self._index(exact)
        if not len(line):
            return Copy(0, "", None, 0)
        lengths, found = index.matches(line)
        start = int(lengths.argmax())
        length = int(lengths[start])
        return self._copy(length, int(found[start]), start) if length else Copy(0, "", None, 0)

    def share(self, piece: Line | TokenPiece, *, at_least: int = NOTABLE, exact: bool = False) -> float:
        """The part, 0 to 1, of the notes of `piece` that lie within copies of `at_least` notes."""
        line = self._line(piece)
        if not len(line):
            return 0.0
        lengths, _ = self._index(exact).matches(line)
        return float(_covered(np.where(lengths >= at_least, lengths, 0)).mean())

    def report(self, piece: Line | TokenPiece) -> Originality:
        """Everything that can be said of `piece`."""
        line = self._line(piece)
        return Originality(
            self.longest_copy(line),
            self.longest_copy(line, exact=True),
            self.share(line),
            self.share(line, exact=True),
        )

    def _line(self, piece: Line | TokenPiece) -> Line:
        if isinstance(piece, Line):
            return piece
        if self.vocabulary is None:
            raise InvalidParameterError("this index was made of plain lines: ask it about a Line")
        return line_of(self.vocabulary, piece.symbols, piece.header, "")

    def _copy(self, length: int, note: int, start: int) -> Copy:
        source = int(np.searchsorted(self._firsts, note, side="right")) - 1
        line = self.lines[source]
        bar = int(line.bar[note - self._firsts[source]])
        return Copy(length, line.name, None if bar == _UNKNOWN_BAR else bar, start)

    def _index(self, exact: bool) -> _Index:
        return self._exact if exact else self._moved

    @cached_property
    def _firsts(self) -> IntArray:
        """The place of each line's first note among all notes; of empty lines the last counts."""
        return np.cumsum([0, *(len(line) for line in self.lines)])[:-1].astype(np.int64)

    @cached_property
    def _exact(self) -> _Index:
        return _Index(self.lines, exact=True)

    @cached_property
    def _moved(self) -> _Index:
        return _Index(self.lines, exact=False)


def lines(corpus: TokenCorpus) -> list[Line]:
    """The pieces of a corpus whose events are notes; raises VocabularyError where there is no field `pitch`."""
    pieces = zip(corpus, corpus.headers, corpus.names, strict=True)
    return [line_of(corpus.vocabulary, symbols, header, name) for symbols, header, name in pieces]


def line_of(vocabulary: Vocabulary, symbols: IntArray, header: Header | None, name: str) -> Line:
    """The notes of one piece, its events being notes: times as the clock of the vocabulary counts them.

    Where symbols carry no time, notes are one unit apart and bars are unknown.
    """
    column = _columns(vocabulary, symbols)
    if "pitch" not in column:
        raise VocabularyError(
            f"copies are looked for among notes, and there is no field 'pitch' here; fields: {', '.join(column)}"
        )
    now, later = (_sum_of(column, vocabulary, advance) for advance in ("now", "later"))
    pitch = column["pitch"]
    if not vocabulary.clock.ticks:
        return Line.of(name, onset=np.arange(len(pitch)), duration=np.ones_like(pitch), pitch=pitch)
    onset = np.cumsum(now + later) - later
    duration = column.get("duration", np.ones_like(pitch))
    bar = _bars(onset, header or Header(vocabulary.resolution))
    return Line.of(name, onset=onset, duration=duration, pitch=pitch, bar=bar)


def _columns(vocabulary: Vocabulary, symbols: IntArray) -> dict[str, IntArray]:
    """The values of each field, event by event; a last event that is not complete is left out."""
    kept = symbols[symbols != vocabulary.end]
    whole = len(kept) // vocabulary.n_fields * vocabulary.n_fields
    table = vocabulary.values(kept[:whole]).reshape(-1, vocabulary.n_fields)
    return {field.name: table[:, i] for i, field in enumerate(vocabulary.fields)}


def _sum_of(column: dict[str, IntArray], vocabulary: Vocabulary, advance: str) -> IntArray:
    n_events = len(next(iter(column.values())))
    moving = [column[field.name] for field in vocabulary.fields if field.advances == advance]
    return np.sum(moving, axis=0, dtype=np.int64) if moving else np.zeros(n_events, dtype=np.int64)


def _bars(onset: IntArray, header: Header) -> IntArray:
    starts, lengths, numbers = (np.array(column) for column in header.bar_spans())
    span = np.maximum(np.searchsorted(starts, onset, side="right") - 1, 0)
    bars: IntArray = numbers[span] + (onset - starts[span]) // lengths[span]
    return bars


def _covered(lengths: IntArray) -> BoolArray:
    """Which notes lie in one of the runs that begin at each note with `lengths`."""
    ends = np.arange(len(lengths)) + lengths
    return np.asarray(np.maximum.accumulate(ends) > np.arange(len(lengths)))


class _Index:
    """The text of a corpus, its suffix array, and the alphabets that turn notes into its symbols."""

    def __init__(self, lines: Sequence[Line], *, exact: bool) -> None:
        self._exact = exact
        whole = _joined(lines)
        first = np.zeros(len(whole), dtype=bool)
        first[np.cumsum([0, *(len(line) for line in lines if len(line))])[:-1]] = True
        self._steps = _Alphabet(_steps(whole, exact)[:, ~first[1:]] if len(whole) else _nothing(exact))
        self._notes = _Alphabet(_notes(whole, exact))
        text = np.empty(len(whole), dtype=np.int64)
        # a symbol of its own at each beginning, so that no match crosses from piece to piece
        text[first] = np.arange(first.sum())
        if len(whole):
            text[~first] = first.sum() + self._steps.ids(_steps(whole, exact)[:, ~first[1:]])
        self._n_lines = int(first.sum())
        self._suffixes = _suffix_array(text)
        self._text = np.concatenate([text, np.full(_BLOCK, -3)])
        names = self._notes.ids(_notes(whole, exact))
        self._example = np.zeros(len(names), dtype=np.int64)
        self._example[names[::-1]] = np.arange(len(names))[::-1]

    def matches(self, line: Line) -> tuple[IntArray, IntArray]:
        """For each note: how long a copy begins there, and the place of its first note in the corpus."""
        single = self._notes.ids(_notes(line, self._exact))
        lengths = (single >= 0).astype(np.int64)
        found = self._example[single] if len(self._example) else np.zeros(len(line), dtype=np.int64)
        steps = self._steps.ids(_steps(line, self._exact))
        n_steps, place = self._longest(np.where(steps >= 0, steps + self._n_lines, -1))
        run = n_steps > 0
        lengths[:-1][run], found[:-1][run] = n_steps[run] + 1, place[run] - 1
        return lengths, found

    def _longest(self, query: IntArray) -> tuple[IntArray, IntArray]:
        """For each place of `query`: the length and the place of its longest match in the text."""
        padded = np.concatenate([query, np.full(_BLOCK, -2)])
        starts = np.arange(len(query))
        after = self._insertion(padded, starts)
        if not len(self._suffixes):
            return np.zeros_like(starts), np.zeros_like(starts)
        sides = [self._suffixes[np.clip(after - shift, 0, len(self._suffixes) - 1)] for shift in (1, 0)]
        left, right = (_common_prefix(self._text, side, padded, starts) for side in sides)
        return np.maximum(left, right), np.where(left >= right, sides[0], sides[1])

    def _insertion(self, padded: IntArray, starts: IntArray) -> IntArray:
        """Where each suffix of the query would stand in the suffix array, by bisection of all at once."""
        low, high = np.zeros_like(starts), np.full_like(starts, len(self._suffixes))
        while (low < high).any():
            middle = (low + high) // 2
            suffix = self._suffixes[np.minimum(middle, len(self._suffixes) - 1)]
            shared = _common_prefix(self._text, suffix, padded, starts)
            smaller = self._text[suffix + shared] < padded[starts + shared]
            open_ = low < high
            low, high = np.where(open_ & smaller, middle + 1, low), np.where(open_ & ~smaller, middle, high)
        return low


class _Alphabet:
    """Numbers for the distinct columns of a table (n_rows, n), dense, in order."""

    def __init__(self, table: IntArray) -> None:
        self._levels: list[tuple[IntArray, IntArray]] = []
        ids = np.zeros(table.shape[1], dtype=np.int64)
        for row in table:
            values, place = np.unique(row, return_inverse=True)
            keys, ids = np.unique(ids * max(len(values), 1) + place, return_inverse=True)
            self._levels.append((values, keys))

    def ids(self, table: IntArray) -> IntArray:
        """The number of each column, -1 for one never seen: (n,)."""
        ids, known = np.zeros(table.shape[1], dtype=np.int64), np.ones(table.shape[1], dtype=bool)
        for row, (values, keys) in zip(table, self._levels, strict=True):
            place, seen = _lookup(values, row)
            ids, also = _lookup(keys, ids * max(len(values), 1) + place)
            known &= seen & also
        return np.where(known, ids, -1)


def _lookup(ordered: IntArray, wanted: IntArray) -> tuple[IntArray, BoolArray]:
    if not len(ordered):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    place = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1).astype(np.int64)
    return place, np.asarray(ordered[place] == wanted)


def _joined(lines: Sequence[Line]) -> Line:
    fields = ("onset", "duration", "pitch", "bar")
    empty = np.zeros(0, dtype=np.int64)
    return Line("", *(np.concatenate([empty, *(getattr(line, field) for line in lines)]) for field in fields))


def _steps(line: Line, exact: bool) -> IntArray:
    """Each note but the first, described with the one before it: (4 or 5, n - 1)."""
    pitch = [line.pitch[:-1], line.pitch[1:]] if exact else [np.diff(line.pitch)]
    return np.stack([*pitch, np.diff(line.onset), line.duration[:-1], line.duration[1:]])


def _notes(line: Line, exact: bool) -> IntArray:
    """Each note by itself: (1 or 2, n)."""
    return np.stack([line.duration, line.pitch] if exact else [line.duration])


def _nothing(exact: bool) -> IntArray:
    return np.zeros((5 if exact else 4, 0), dtype=np.int64)


def _suffix_array(text: IntArray) -> IntArray:
    """The places of `text` in the order of what follows from them, by prefix doubling."""
    size, width = len(text), 1
    order = np.argsort(text, kind="stable")
    rank = _ranks(text, order)
    while size and rank.max() + 1 < size:
        following = np.zeros(size, dtype=np.int64)
        following[:-width] = rank[width:] + 1
        key = rank * (size + 1) + following
        order = np.argsort(key, kind="stable")
        rank = _ranks(key, order)
        width *= 2
    return order.astype(np.int64)


def _ranks(key: IntArray, order: IntArray) -> IntArray:
    rank = np.empty(len(key), dtype=np.int64)
    ascending = key[order]
    rank[order] = np.cumsum(np.concatenate([[0], ascending[1:] != ascending[:-1]])) if len(key) else 0
    return rank


def _common_prefix(text: IntArray, at: IntArray, query: IntArray, start: IntArray) -> IntArray:
    """How many symbols `text` from `at` and `query` from `start` share, pair by pair; both end in unequal padding."""
    shared = np.zeros(len(at), dtype=np.int64)
    going = np.arange(len(at))
    block = np.arange(_BLOCK)
    while len(going):
        a, b = at[going] + shared[going], start[going] + shared[going]
        differs = text[a[:, None] + block] != query[b[:, None] + block]
        same = np.where(differs.any(axis=1), differs.argmax(axis=1), _BLOCK)
        shared[going] += same
        going = going[same == _BLOCK]
    return shared
