"""What a network hears before each symbol: whole numbers, a column each.

Everything is a function of the symbols so far and of the header's meters, read off as a batch of pieces is heard side
by side (`heard`). The *own* line is the one that is due, or the first where something else is due.

    due                    the field that is due, n_fields once the piece has ended
    latest FIELD           the latest symbol of each field, of this event or else of the one before
    beat, part of beat     where in the bar the event begins, in quarter notes and in units, where symbols carry time
    bar length             quarter notes a bar has
    bar                    its printed number
    phrase, phrase before  quarter notes since the phrase under way began, and of the whole one before, where phrases
                           are marked
    step LINE              the latest interval of each line
    step before            the own line's interval before its latest
    from first             how far the own line's last note lies from its first
    chord LINE             what each line sounds, as far as known, seen from the own line's last note
    degree                 the own line's last note above the printed tonic, in semitones from 0 to 11
    mode                   the printed mode
    copy step              the step to the note that the copy proposes
    copy length            after how long a match: 0, or 1 + 1.5 log2 of its symbols, 9 at most

and, for heads that speak of places seen from there (`predictor`), not as inputs,

    own last               the own line's last note
    tonic                  the printed tonic
    above                  the lowest note known in this event, where a line is due
    copy                   the symbol that the copy proposes
    ceiling                what the due field must stay below, where the vocabulary says so

The *copy* is what `heard.Listener.proposed` proposes.

Column values are coded so that 0 means "there is none". Pitches are counted from the lowest that training can know,
and those outside stand for the nearest. A piece that is moved changes only in pitches, whose codes move along: `moved`
gives the columns of a transposed corpus without hearing it again.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.models.neural.heard import N_LENGTHS, NONE, Heard, Listener
from stochastic_music.models.neural.transposing import pitch_ids
from stochastic_music.music.keys import MODES
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.tokens import Vocabulary

#: intervals beyond this many semitones are heard as this many
WIDEST = 24
#: quarter notes of a bar beyond which they are not told apart
MOST_BEATS = 16
#: quarter notes of a phrase beyond which they are not told apart
LONGEST_PHRASE = 40
#: bars beyond this number are not told apart
MOST_BARS = 40


class Column(NamedTuple):
    """A column: its name, how many values it takes, which of them are pitches (`moves`), whether it is an input."""

    name: str
    size: int
    moves: BoolArray
    is_input: bool = True


class Hearing(Listener):
    """Columns for a vocabulary, and for the ids `symbols` that training can know; see the module's article.

    >>> corpus = TokenCorpus.from_sequences([[0, 2, 4, 2, 4]], Vocabulary.plain(8, name="pitch"))
    >>> hearing = Hearing(corpus.vocabulary, np.unique(corpus.symbols))
    >>> last = [column.name for column in hearing.columns].index("own last")
    >>> hearing.of_corpus(corpus)[0, :, last].tolist()  # counted from the lowest, which is 1
    [0, 1, 3, 5, 3, 5]
    """

    def __init__(self, vocabulary: Vocabulary, symbols: IntArray) -> None:
        super().__init__(vocabulary)
        #: the ids that training can know, ascending: (n_known,)
        self.symbols = np.asarray(symbols, dtype=np.int64)
        #: the number of each id among these, -1 for the others: (n_symbols,)
        self.place = np.full(vocabulary.n_symbols, -1)
        self.place[self.symbols] = np.arange(len(self.symbols))
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
            sizes = {"beat": MOST_BEATS + 1, "part of beat": parts, "bar length": MOST_BEATS + 1, "bar": MOST_BARS + 1}
            if self.marked is not None:
                sizes |= {"phrase": LONGEST_PHRASE + 2, "phrase before": LONGEST_PHRASE + 2}
            found += [Column(name, size, still(size)) for name, size in sizes.items() if size > 1]
        if lines:
            steps = [*(f"step {line}" for line in lines), "step before", "from first"]
            steps += [f"chord {line}" for line in lines if len(lines) > 1] + ["copy step"]
            found += [Column(name, 2 * WIDEST + 2, still(2 * WIDEST + 2)) for name in steps]
            found += [Column("degree", 13, still(13)), Column("mode", len(MODES) + 1, still(len(MODES) + 1))]
        found.append(Column("copy length", N_LENGTHS, still(N_LENGTHS)))
        found += [Column(name, *self._pitches(), is_input=False) for name in ("own last", "above")]
        found.append(Column("tonic", 13, still(13), is_input=False))
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
        tonic = found[..., self.index["tonic"]]
        found[..., self.index["tonic"]] = np.where(tonic > 0, (tonic - 1 + steps[..., 0]) % 12 + 1, 0)
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

    def columns_of(self, state: Heard) -> IntArray:
        """What is known before the next symbol: (batch, n_columns)."""
        due, own = state.n_heard % self.vocabulary.n_fields, self._own(state)
        ended = state.clock.due == self.vocabulary.n_fields
        found = [np.where(ended, self.vocabulary.n_fields, due), *self._codes(state)]
        if self.vocabulary.clock.ticks:
            found += self._beats(state)
        copy, length = self.proposed(state)
        if self.lines:
            found += [*self._steps(state, own, copy), *self._signs(state, own)]
        found.append(length)
        is_line = due in self.lines
        last = state.notes[:, own, 0] if self.lines else np.full(len(ended), NONE)
        found += [self._coded(last if is_line else np.full_like(last, NONE)), self._coded(self._above(state, due))]
        return np.column_stack([*found, state.signs[:, 0], copy + 1, self._ceiling(state, due)])

    def _own(self, state: Heard) -> int:
        due = state.n_heard % self.vocabulary.n_fields
        return self.lines.index(due) if due in self.lines else 0

    def _codes(self, state: Heard) -> list[IntArray]:
        """The latest symbol of each field, as its column codes it."""
        return [table[state.latest[:, f]] for f, table in enumerate(self._number)]

    def _beats(self, state: Heard) -> list[IntArray]:
        place, parts = self.vocabulary.clock.place(state.clock), self.vocabulary.resolution
        beat, part = np.divmod(place.position, parts)
        length = np.minimum(place.bar_length // parts, MOST_BEATS)
        bar = np.clip(place.bar, 0, MOST_BARS)
        found = [np.minimum(beat, MOST_BEATS), *([part] if parts > 1 else []), length, bar]
        if self.marked is None:
            return found
        began, before = state.phrase.T
        lengths = (state.clock.time - began) // parts, np.where(before < 0, -1, before // parts)
        return [*found, *(np.clip(each, -1, LONGEST_PHRASE) + 1 for each in lengths)]

    def _steps(self, state: Heard, own: int, copy: IntArray) -> list[IntArray]:
        notes = state.notes
        steps = [_step(notes[:, line, 1], notes[:, line, 0]) for line in range(len(self.lines))]
        steps += [_step(notes[:, own, 2], notes[:, own, 1]), _step(state.first[:, own], notes[:, own, 0])]
        if len(self.lines) > 1:
            steps += [_step(notes[:, own, 0], state.sounding[:, line]) for line in range(len(self.lines))]
        pitch = np.where((copy >= 0) & self.pitches[copy], self.vocabulary.values(copy), NONE)
        return [*steps, _step(notes[:, own, 0], pitch)]

    def _signs(self, state: Heard, own: int) -> list[IntArray]:
        """Degree and mode."""
        tonic, last = state.signs[:, 0], state.notes[:, own, 0]
        degree = np.where((tonic > 0) & (last != NONE), (last - tonic + 1) % 12 + 1, 0)
        return [degree, state.signs[:, 1]]

    def _above(self, state: Heard, due: int) -> IntArray:
        """The lowest note of this event's lines so far."""
        heard = [i for i, field in enumerate(self.lines) if field < due] if due in self.lines else []
        if not heard:
            return np.full(len(state.latest), NONE)
        sounding = state.sounding[:, heard]
        return np.where((sounding != NONE).any(axis=1), np.where(sounding == NONE, 128, sounding).min(axis=1), NONE)

    def _ceiling(self, state: Heard, due: int) -> IntArray:
        below = self.vocabulary.fields[due].below
        if not below:
            return np.zeros(len(state.latest), dtype=np.int64)
        upper = self.vocabulary.place(below)
        offset: IntArray = state.latest[:, upper] - self.vocabulary.starts[upper]
        return offset + 1

    def _coded(self, pitch: IntArray) -> IntArray:
        """A pitch from the lowest, which is 1; 0 for none."""
        return np.where(pitch == NONE, 0, np.clip(pitch, self.lowest, self.highest) - self.lowest + 1)

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


def _still(size: int) -> BoolArray:
    return np.zeros(size, dtype=bool)


def _step(before: IntArray, after: IntArray) -> IntArray:
    """An interval as a code: 0 for none, else 1 for the widest fall and upwards."""
    known = (before != NONE) & (after != NONE)
    return np.where(known, np.clip(after - before, -WIDEST, WIDEST) + WIDEST + 1, 0)
