"""What a network hears before each symbol: whole numbers, a column each.

Everything is a function of the symbols so far and of the header's meters, read off as a batch of pieces is heard side
by side; all rows stand in the same field of the same event until they end. A *line* is a field of pitches: a melody's
`pitch`, or a voice. The *own* line is the one that is due, or the first where something else is due.

    due                    the field that is due, n_fields once the piece has ended
    latest FIELD           the latest symbol of each field, of this event or else of the one before
    beat, part of beat     where in the bar the event begins, in quarter notes and in units, where symbols carry time
    bar                    quarter notes a bar has
    step LINE              the latest interval of each line
    step before            the own line's interval before its latest
    from first             how far the own line's last note lies from its first
    chord LINE             what each line sounds, as far as known, seen from the own line's last note
    copy step              the step to the note that the copy proposes
    copy length            after how long a match (see below): 0, or 1 + 1.5 log2 of its symbols, 9 at most

and, for heads that speak of places seen from there (`predictor`), not as inputs,

    own last               the own line's last note
    above                  the lowest note known in this event, where a line is due
    copy                   the symbol that the copy proposes
    ceiling                what the due field must stay below, where the vocabulary says so

The *copy* is what followed the longest earlier stretch of symbols that agrees with the latest ones, of equal ones the
latest; pitches agree where they make the same step in their line, other symbols where they are the same, and both only
in the same place of an event. A pitch is then proposed by its step.

Column values are coded so that 0 means "there is none". Pitches are counted from the lowest that training can know,
and those outside stand for the nearest. A piece that is moved changes only in pitches, whose codes move along: `moved`
gives the columns of a transposed corpus without hearing it again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.models.neural.transposing import pitch_ids
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.tokens import HOLD, Header, Vocabulary
from stochastic_music.tokens.clock import ClockState, Spans

#: intervals beyond this many semitones are heard as this many
WIDEST = 24
#: matches of more symbols are not told apart
LONGEST = 40
#: how many lengths of match are told apart, 0 among them
N_LENGTHS = 10
#: quarter notes of a bar beyond which they are not told apart
MOST_BEATS = 16
#: there is none: no pitch, and no difference of pitches
_NONE = -(1 << 20)


class Column(NamedTuple):
    """A column: its name, how many values it takes, which of them are pitches (`moves`), whether it is an input."""

    name: str
    size: int
    moves: BoolArray
    is_input: bool = True


@dataclass(frozen=True, eq=False)
class Heard:
    """What a batch has heard, all (batch, ...): never changed.

    `latest` are symbols by field, -1 before the first; `notes` the last three pitches of each line, the latest first,
    `first` and `sounding` one a line. `symbols` are those of all events begun, `keys` what they are compared by,
    (batch, n_events, n_fields) each, `run` how long a match ends in the latest field of each event before the latest
    one. `n_heard` counts symbols.
    """

    clock: ClockState
    latest: IntArray
    notes: IntArray
    first: IntArray
    sounding: IntArray
    symbols: IntArray
    keys: IntArray
    run: IntArray
    n_heard: int = 0

    def rows(self, chosen: IntArray) -> Self:
        """Some of the rows, once or more."""
        due, time, lag, spans = self.clock
        clock = ClockState(due[chosen], time[chosen], lag[chosen], Spans(*(part[chosen] for part in spans)))
        taken = {name: getattr(self, name)[chosen] for name in _ARRAYS}
        return replace(self, clock=clock, **taken)


_ARRAYS = ("latest", "notes", "first", "sounding", "symbols", "keys", "run")


class Hearing:
    """Columns for a vocabulary, and for the ids `symbols` that training can know; see the module's article.

    >>> corpus = TokenCorpus.from_sequences([[0, 2, 4, 2, 4]], Vocabulary.plain(8, name="pitch"))
    >>> hearing = Hearing(corpus.vocabulary, np.unique(corpus.symbols))
    >>> last = [column.name for column in hearing.columns].index("own last")
    >>> hearing.of_corpus(corpus)[0, :, last].tolist()  # counted from the lowest, which is 1
    [0, 1, 3, 5, 3, 5]
    """

    def __init__(self, vocabulary: Vocabulary, symbols: IntArray) -> None:
        self.vocabulary = vocabulary
        #: the ids that training can know, ascending: (n_known,)
        self.symbols = np.asarray(symbols, dtype=np.int64)
        #: the number of each id among these, -1 for the others: (n_symbols,)
        self.place = np.full(vocabulary.n_symbols, -1)
        self.place[self.symbols] = np.arange(len(self.symbols))
        self.pitches = pitch_ids(vocabulary)
        #: the fields that are lines
        self.lines = [f for f in range(vocabulary.n_fields) if self.pitches[slice(*vocabulary.starts[f : f + 2])].any()]
        values = vocabulary.values(self.symbols[self.pitches[self.symbols]])
        #: the lowest and highest pitch that training can know
        self.lowest, self.highest = int(values.min(initial=127)), int(values.max(initial=0))
        if not len(values):
            self.lowest = self.highest = 0
        self._number = self._numbers()

    @classmethod
    def of(cls, corpus: TokenCorpus, reach: int = 0) -> Self:
        """For what `corpus` holds, and what it holds when its pieces are moved by up to `reach` semitones."""
        vocabulary, seen = corpus.vocabulary, np.unique(corpus.symbols)
        pitches, held = pitch_ids(vocabulary), seen[pitch_ids(vocabulary)[seen]]
        moved = np.clip(held[:, None] + np.arange(-reach, reach + 1), 0, vocabulary.end)
        same = pitches[moved] & (vocabulary.field_of(moved) == vocabulary.field_of(held)[:, None])
        end = [vocabulary.end] if vocabulary.closed else []
        return cls(vocabulary, np.unique(np.concatenate([seen, moved[same], end]).astype(np.int64)))

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """All columns, in order."""
        fields, still = self.vocabulary.fields, _still
        lines = [fields[f].name for f in self.lines]
        found = [Column("due", len(fields) + 1, still(len(fields) + 1))]
        found += [Column(f"latest {field.name}", *self._latest(f)) for f, field in enumerate(fields)]
        if self.vocabulary.clock.ticks:
            parts = self.vocabulary.resolution
            sizes = {"beat": MOST_BEATS + 1, "part of beat": parts, "bar": MOST_BEATS + 1}
            found += [Column(name, size, still(size)) for name, size in sizes.items() if size > 1]
        if lines:
            steps = [*(f"step {line}" for line in lines), "step before", "from first"]
            steps += [f"chord {line}" for line in lines if len(lines) > 1] + ["copy step"]
            found += [Column(name, 2 * WIDEST + 2, still(2 * WIDEST + 2)) for name in steps]
        found.append(Column("copy length", N_LENGTHS, still(N_LENGTHS)))
        found += [Column(name, *self._pitches(), is_input=False) for name in ("own last", "above")]
        found.append(Column("copy", self.vocabulary.n_symbols + 1, np.append(False, self.pitches), is_input=False))
        return (*found, Column("ceiling", *self._ceilings(), is_input=False))

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """How many values each column takes."""
        return tuple(column.size for column in self.columns)

    @cached_property
    def index(self) -> dict[str, int]:
        """Where each column stands."""
        return {column.name: i for i, column in enumerate(self.columns)}

    def of_corpus(self, corpus: TokenCorpus) -> IntArray:
        """What is known before each symbol: (n_pieces, T, n_columns), zeros after a piece has ended."""
        padded, state, rows = corpus.padded(), self.start(corpus.headers), []
        for symbols in padded.T:
            rows.append(self.columns_of(state))
            state = self.advance(state, symbols)
        empty = np.zeros((0, len(corpus), len(self.columns)), dtype=np.int64)
        inside = np.arange(padded.shape[1]) < corpus.lengths[:, None]
        return np.where(inside[..., None], (np.stack(rows) if rows else empty).swapaxes(0, 1), 0)

    def moved(self, heard: IntArray, shifts: IntArray) -> IntArray:
        """The columns of pieces (n_pieces, ..., n_columns) that are moved up by `shifts` (n_pieces,) semitones.

        Equal to `of_corpus(transposed(corpus, shifts))` where all pitches stay among those that training can know.
        """
        moves = self._moves[heard + self._starts]
        steps = shifts.reshape(-1, *[1] * (heard.ndim - 1))
        found: IntArray = np.clip(heard + moves * steps, 0, np.array(self.sizes) - 1)
        return found

    def allowed(self, heard: IntArray, symbols: IntArray | None = None) -> BoolArray:
        """Which of `symbols` (None: those that training can know) the vocabulary lets follow: (..., n)."""
        ids = self.symbols if symbols is None else symbols
        due, ceiling = heard[..., :1], heard[..., -1:]
        field, end = self.vocabulary.field_of(ids), ids == self.vocabulary.end
        can: BoolArray = (field == due) | (end & ((due == 0) | (due == self.vocabulary.n_fields)))
        if any(declared.below for declared in self.vocabulary.fields):
            offset = ids - self.vocabulary.starts[field]
            can &= (ceiling == 0) | (offset + 1 < ceiling) | (offset == 0) | end
        return can

    def start(self, headers: Sequence[Header | None]) -> Heard:
        """Nothing heard yet."""
        n, n_lines, n_fields = len(headers), len(self.lines), self.vocabulary.n_fields
        none, empty = np.full((n, n_lines), _NONE), np.zeros((n, 0, n_fields), dtype=np.int64)
        return Heard(
            self.vocabulary.clock.start(headers),
            latest=np.full((n, n_fields), -1),
            notes=np.full((n, n_lines, 3), _NONE),
            first=none,
            sounding=none,
            symbols=empty,
            keys=empty,
            run=empty[:, :, 0],
        )

    def advance(self, state: Heard, symbols: IntArray) -> Heard:
        """What has been heard after one more symbol a row: (batch,)."""
        field = state.n_heard % self.vocabulary.n_fields
        latest = state.latest.copy()
        latest[:, field] = symbols
        clock = self.vocabulary.clock.advance(state.clock, symbols)
        state = self._matched(replace(state, clock=clock, latest=latest), field, symbols)
        state = replace(state, n_heard=state.n_heard + 1)
        return self._sounded(state, self.lines.index(field), symbols) if field in self.lines else state

    def _matched(self, state: Heard, field: int, symbols: IntArray) -> Heard:
        """How long matches are with one more symbol."""
        keys, heard, run = state.keys, state.symbols, state.run
        if field == 0:
            fresh = np.full((len(symbols), 1, self.vocabulary.n_fields), _NONE)
            keys, heard = np.concatenate([keys, fresh], axis=1), np.concatenate([heard, fresh], axis=1)
            run = np.concatenate([fresh[:, :, 0] * 0, run], axis=1)[:, : keys.shape[1] - 1]
        else:
            keys, heard = keys.copy(), heard.copy()
        key = self._key(state, field, symbols)
        run = np.where(keys[:, :-1, field] == key[:, None], np.minimum(run + 1, LONGEST), 0)
        keys[:, -1, field], heard[:, -1, field] = key, symbols
        return replace(state, keys=keys, symbols=heard, run=run)

    def _key(self, state: Heard, field: int, symbols: IntArray) -> IntArray:
        """What symbols are compared by: pitches by their step, which a line's first note makes from nowhere."""
        if field not in self.lines:
            return symbols
        last = state.notes[:, self.lines.index(field), 0]
        step = np.where(last == _NONE, _NONE, self.vocabulary.values(symbols) - last)
        key: IntArray = np.where(self.pitches[symbols], step, self.vocabulary.n_symbols + symbols)
        return key

    def _sounded(self, state: Heard, line: int, symbols: IntArray) -> Heard:
        """A line has sounded, rested, or held its note."""
        value = self.vocabulary.values(symbols)
        begins = self.pitches[symbols]
        notes, first, sounding = state.notes.copy(), state.first.copy(), state.sounding.copy()
        notes[begins, line] = np.column_stack([value[begins], notes[begins, line, :2]])
        first[:, line] = np.where(begins & (first[:, line] == _NONE), value, first[:, line])
        sounding[:, line] = np.where(begins, value, np.where(value == HOLD, sounding[:, line], _NONE))
        return replace(state, notes=notes, first=first, sounding=sounding)

    def columns_of(self, state: Heard) -> IntArray:
        """What is known before the next symbol: (batch, n_columns)."""
        due, own = state.n_heard % self.vocabulary.n_fields, self._own(state)
        ended = state.clock.due == self.vocabulary.n_fields
        found = [np.where(ended, self.vocabulary.n_fields, due), *self._codes(state)]
        if self.vocabulary.clock.ticks:
            found += self._beats(state)
        copy, length = self._copy(state, due)
        if self.lines:
            found += self._steps(state, own, copy)
        found.append(length)
        is_line = due in self.lines
        last = state.notes[:, own, 0] if self.lines else np.full(len(ended), _NONE)
        found += [self._coded(last if is_line else np.full_like(last, _NONE)), self._coded(self._above(state, due))]
        return np.column_stack([*found, copy + 1, self._ceiling(state, due)])

    def _own(self, state: Heard) -> int:
        due = state.n_heard % self.vocabulary.n_fields
        return self.lines.index(due) if due in self.lines else 0

    def _codes(self, state: Heard) -> list[IntArray]:
        """The latest symbol of each field, as its column codes it."""
        return [table[state.latest[:, f]] for f, table in enumerate(self._number)]

    def _beats(self, state: Heard) -> list[IntArray]:
        place, parts = self.vocabulary.clock.place(state.clock), self.vocabulary.resolution
        beat, part = np.divmod(place.position, parts)
        bar = np.minimum(place.bar_length // parts, MOST_BEATS)
        return [np.minimum(beat, MOST_BEATS), *([part] if parts > 1 else []), bar]

    def _steps(self, state: Heard, own: int, copy: IntArray) -> list[IntArray]:
        notes = state.notes
        steps = [_step(notes[:, line, 1], notes[:, line, 0]) for line in range(len(self.lines))]
        steps += [_step(notes[:, own, 2], notes[:, own, 1]), _step(state.first[:, own], notes[:, own, 0])]
        if len(self.lines) > 1:
            steps += [_step(notes[:, own, 0], state.sounding[:, line]) for line in range(len(self.lines))]
        pitch = np.where((copy >= 0) & self.pitches[copy], self.vocabulary.values(copy), _NONE)
        return [*steps, _step(notes[:, own, 0], pitch)]

    def _above(self, state: Heard, due: int) -> IntArray:
        """The lowest note of this event's lines so far."""
        heard = [i for i, field in enumerate(self.lines) if field < due] if due in self.lines else []
        if not heard:
            return np.full(len(state.latest), _NONE)
        sounding = state.sounding[:, heard]
        return np.where((sounding != _NONE).any(axis=1), np.where(sounding == _NONE, 128, sounding).min(axis=1), _NONE)

    def _copy(self, state: Heard, due: int) -> tuple[IntArray, IntArray]:
        """The symbol that the copy proposes, -1 for none, and the code of how long its match is: (batch,) each."""
        n_rows, n_events = state.run.shape
        if not n_events:
            return np.full(n_rows, -1), np.zeros(n_rows, dtype=np.int64)
        rows = np.arange(n_rows)
        at = (state.run * n_events + np.arange(n_events)).argmax(axis=1)
        length = state.run[rows, at]
        symbol = self._proposed(state, at + (due == 0), due)
        inside = (symbol >= self.vocabulary.starts[due]) & (symbol < self.vocabulary.starts[due + 1])
        good = (length > 0) & inside
        return np.where(good, symbol, -1), np.where(good, _LENGTH_CODES[length], 0)

    def _proposed(self, state: Heard, event: IntArray, due: int) -> IntArray:
        """What the due field of earlier events would be now: a pitch makes the same step."""
        rows = np.arange(len(event))
        symbol: IntArray = state.symbols[rows, event, due]
        key: IntArray = state.keys[rows, event, due]
        if due not in self.lines:
            return symbol
        pitch = state.notes[:, self.lines.index(due), 0] + key
        first = self.vocabulary.starts[due] - self.vocabulary.fields[due].first
        is_pitch = self.pitches[symbol] & (pitch >= 0)
        return np.where(is_pitch, pitch + first, np.where(self.pitches[symbol], -1, symbol))

    def _ceiling(self, state: Heard, due: int) -> IntArray:
        below = self.vocabulary.fields[due].below
        if not below:
            return np.zeros(len(state.latest), dtype=np.int64)
        upper = self.vocabulary.place(below)
        offset: IntArray = state.latest[:, upper] - self.vocabulary.starts[upper]
        return offset + 1

    def _coded(self, pitch: IntArray) -> IntArray:
        """A pitch from the lowest, which is 1; 0 for none."""
        return np.where(pitch == _NONE, 0, np.clip(pitch, self.lowest, self.highest) - self.lowest + 1)

    def _pitches(self) -> tuple[int, BoolArray]:
        size = self.highest - self.lowest + 2
        return size, np.arange(size) > 0

    def _numbers(self) -> list[IntArray]:
        """For each field the code of each symbol's id, the last being that of none: (n_symbols + 1,) each.

        Symbols that training can know are numbered from 1, pitches after all others; the rest are 0 as well.
        """
        found = []
        for f in range(self.vocabulary.n_fields):
            ids = np.arange(*self.vocabulary.starts[f : f + 2])
            table = np.zeros(self.vocabulary.n_symbols + 1, dtype=np.int64)
            plain = ids[(self.place[ids] >= 0) & ~self.pitches[ids]]
            table[plain] = np.arange(1, len(plain) + 1)
            notes = ids[self.pitches[ids]]
            table[notes] = len(plain) + self._coded(self.vocabulary.values(notes))
            found.append(table)
        return found

    def _latest(self, field: int) -> tuple[int, BoolArray]:
        """How many codes a field's latest symbol has, and which are pitches."""
        ids = np.arange(*self.vocabulary.starts[field : field + 2])
        n_plain = int(((self.place[ids] >= 0) & ~self.pitches[ids]).sum())
        n_pitches = self.highest - self.lowest + 1 if field in self.lines else 0
        size = 1 + n_plain + n_pitches
        return size, np.arange(size) > n_plain

    def _ceilings(self) -> tuple[int, BoolArray]:
        """How many codes a ceiling has, and which are pitches."""
        uppers = [self.vocabulary.place(field.below) for field in self.vocabulary.fields if field.below]
        moves = [self.pitches[slice(*self.vocabulary.starts[f : f + 2])] for f in uppers] or [_still(0)]
        longest = max(moves, key=len)
        return len(longest) + 1, np.append(False, longest)

    @cached_property
    def _moves(self) -> BoolArray:
        return np.concatenate([column.moves for column in self.columns])

    @cached_property
    def _starts(self) -> IntArray:
        return np.cumsum([0, *self.sizes[:-1]], dtype=np.int64)


#: the code of each length of match
_LENGTH_CODES = np.array([0, *(min(N_LENGTHS - 1, 1 + int(1.5 * math.log2(n))) for n in range(1, LONGEST + 1))])


def _still(size: int) -> BoolArray:
    return np.zeros(size, dtype=bool)


def _step(before: IntArray, after: IntArray) -> IntArray:
    """An interval as a code: 0 for none, else 1 for the widest fall and upwards."""
    known = (before != _NONE) & (after != _NONE)
    return np.where(known, np.clip(after - before, -WIDEST, WIDEST) + WIDEST + 1, 0)
