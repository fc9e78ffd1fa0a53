"""The line of notes that people ask about: its symbols, their names, and a context as people write it.

A vocabulary's *line* is its pitches; of several voices the top one; of tokens the tokens. A context is the line's last
notes, the latest last, as `pitch_name` prints them, with lengths where those matter and "start" for the beginning:

    G4 A4        these two notes in a row, whatever their lengths, wherever in the bar
    1/4:G4 A4    the first a quarter note long
    start G4     a piece that begins with G4

Voices that hold their note meanwhile are passed over: their context is what they began. Drums are named with their
number, kick36, and may be written as that number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import InvalidParameterError, UnknownNameError, UsageError
from stochastic_music.music.instruments import drum_name
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.tokens import Vocabulary, pitch_name, pitch_number
from stochastic_music.tokens.voices import HOLD

if TYPE_CHECKING:
    from stochastic_music.pipeline import Pipeline

#: what stands before the first note of a piece, and before that
START, NOTHING = -1, -2
#: any length will do
ANY = -1


class Wanted(NamedTuple):
    """The last notes of a context, the latest first: symbols of the line (or START), and of their lengths (or ANY)."""

    symbols: tuple[int, ...]
    lengths: tuple[int, ...]


class Places(NamedTuple):
    """Where a next event is due in a corpus, an end among them, in reading order.

    `at` (n,) is the place of the event's first symbol, `before` (n, depth) the last notes of the line, the latest
    first, `lengths` (n, depth) those of their lengths, and `came` (n,) the line's symbol in that event, or END.
    """

    at: IntArray
    before: IntArray
    lengths: IntArray
    came: IntArray

    def select(self, rows: IntArray | BoolArray) -> Places:
        """Some of them."""
        return Places(*(column[rows] for column in self))

    def standing(self, wanted: Wanted) -> IntArray:
        """The rows before which the notes of a context stand, ascending: (n_found,)."""
        same = np.ones(len(self.at), dtype=bool)
        for j, (symbol, length) in enumerate(zip(*wanted, strict=True)):
            same &= (self.before[:, j] == symbol) & ((length == ANY) | (self.lengths[:, j] == length))
        return np.flatnonzero(same)


@dataclass(frozen=True)
class Line:
    """The field of a vocabulary that people ask about; see the module's article."""

    vocabulary: Vocabulary
    drums: bool = False

    @classmethod
    def of(cls, pipeline: Pipeline) -> Self:
        """The line of a fitted pipeline, whose pitches are drums where its pieces say so."""
        parts = [part for header in pipeline.headers_ if header for part in header.parts]
        drums = bool(parts) and all(part.is_drum for part in parts)
        return cls(pipeline.vocabulary_, drums and pipeline.vocabulary_.index("pitch") is not None)

    @cached_property
    def field(self) -> int:
        """Its place in an event."""
        names = [field.name for field in self.vocabulary.fields]
        known = next((name for name in ("pitch", *self.vocabulary.voices[:1]) if name in names), names[-1])
        return names.index(known)

    @property
    def size(self) -> int:
        """How many symbols it has."""
        return self.vocabulary.fields[self.field].size

    @property
    def has_pitches(self) -> bool:
        """Whether its symbols are notes."""
        name = self.vocabulary.fields[self.field].name
        return name == "pitch" or name in self.vocabulary.voices

    @property
    def noun(self) -> str:
        """What its symbols are called."""
        return "note" if self.has_pitches else self.vocabulary.fields[self.field].name

    @cached_property
    def length_field(self) -> int | None:
        """The field of the length of each note, None where lengths are not told note by note."""
        return None if self.vocabulary.voices else self.vocabulary.index("duration")

    def remarks(self) -> list[str]:
        """What to know of a line that is one of several, or of drums."""
        if self.drums:
            return ["Notes are drums, named with their General MIDI number."]
        if self.vocabulary.voices and self.has_pitches:
            return ["Notes are those of the top voice; 'hold': it keeps its note while another voice moves."]
        return []

    def name(self, symbol: int) -> str:
        """A symbol of the line as it is shown; START and END too.

        >>> Line(Vocabulary.plain(3)).name(1), Line(Vocabulary.plain(3)).name(3)
        ('1', 'the end')
        """
        if symbol in {START, self.vocabulary.end}:
            return "start" if symbol == START else "the end"
        if self.drums and self.members(np.array([symbol])).size:
            pitch = int(self.vocabulary.values(np.array(symbol)))
            return f"{drum_name(pitch).replace(' ', '-').removesuffix(f'-{pitch}')}{pitch}"
        return field_name(self.vocabulary, symbol)

    def read(self, text: str, alphabet: IntArray, *, middle_c: str = "C4") -> Wanted:
        """A context as people write it. Raises UsageError where it names no notes, or some that no piece had.

        >>> Line(Vocabulary.plain(3)).read("start 2 0", np.arange(3))
        Wanted(symbols=(0, 2, -1), lengths=(-1, -1, -1))
        """
        words = text.replace(",", " ").split()
        if not words:
            raise UsageError('--context names no note; expected notes in a row, the latest last, such as "G4 A4"')
        pairs = [self._word(word, i == 0, alphabet, middle_c) for i, word in enumerate(words)]
        symbols, lengths = zip(*reversed(pairs), strict=True)
        return Wanted(symbols, lengths)

    def _word(self, word: str, first: bool, alphabet: IntArray, middle_c: str) -> tuple[int, int]:
        """One note of a context: the line's symbol and its length's."""
        if first and word.lower() == "start":
            return START, ANY
        length, colon, note = word.rpartition(":")
        symbol = self._pitch(note, middle_c) if self.has_pitches else self._label(note, alphabet)
        if symbol not in alphabet:
            raise UsageError(self._unheard(note, symbol, alphabet))
        return symbol, self._length(word, length) if colon else ANY

    def _pitch(self, note: str, middle_c: str) -> int:
        note = re.sub(r"^[a-z-]*(?=\d+$)", "", note) if self.drums else note
        name = self.vocabulary.fields[self.field].name
        try:
            return self.vocabulary.symbol(name, pitch_number(note, middle_c=middle_c))
        except InvalidParameterError as error:
            raise UsageError(f"--context: {error}") from error

    def _label(self, word: str, alphabet: IntArray) -> int:
        field = self.vocabulary.fields[self.field]
        names = [field.describe(field.first + i) for i in range(field.size)]
        if word not in names:
            known = map(self.name, self.members(alphabet).tolist())
            raise UnknownNameError(f"{field.name} of --context", word, known)
        return int(self.vocabulary.starts[self.field]) + names.index(word)

    def _length(self, word: str, text: str) -> int:
        """The symbol of a length such as 1/4."""
        if self.length_field is None:
            raise UsageError(f"--context got '{word}'; lengths are not told note by note here: leave '{text}:' out")
        try:
            units = Fraction(text) * 4 * self.vocabulary.resolution
            if units.denominator != 1:
                raise ValueError
            return self.vocabulary.symbol("duration", int(units))
        except (ValueError, ZeroDivisionError) as error:
            raise UsageError(
                f"--context got '{word}'; expected a length of the grid as a part of a whole note, such as 1/4:G4"
            ) from error

    def _unheard(self, note: str, symbol: int, alphabet: IntArray) -> str:
        """The message for a note that no training piece had."""
        known = np.sort(self.members(alphabet))
        nearest = known[np.argsort(np.abs(known - symbol), kind="stable")[:2]]
        names = " or ".join(self.name(s) for s in np.sort(nearest).tolist())
        span = f"{self.name(int(known[0]))} to {self.name(int(known[-1]))}"
        return (
            f"--context names {note}, which no training piece had: "
            f"the {len(known)} {self.noun}s heard run from {span}. "
            f"Nearest: {names}."
        )

    def members(self, alphabet: IntArray) -> IntArray:
        """The line's symbols among `alphabet` that are notes: holds are none."""
        mine: IntArray = alphabet[self.vocabulary.field_of(alphabet) == self.field]
        notes: IntArray = mine[~self._held(mine)]
        return notes

    def heard(self, element: int) -> int:
        """The note that an element of a model's context begins in the line, START, or NOTHING."""
        if element >= self.vocabulary.end:
            return START if element == self.vocabulary.n_symbols else NOTHING
        notes = self.members(np.array([element]))
        return int(notes[0]) if len(notes) else NOTHING

    def _held(self, symbols: IntArray) -> BoolArray:
        """Which symbols of the line begin nothing."""
        holds = bool(self.vocabulary.voices) and self.has_pitches
        held: BoolArray = (self.vocabulary.values(symbols) == HOLD) & holds
        return held

    def places(self, corpus: TokenCorpus, depth: int) -> Places:
        """Where an event is due in `corpus`, with the `depth` notes before.

        >>> toy = Line(Vocabulary.plain(3))
        >>> found = toy.places(TokenCorpus.from_sequences([[2, 0]], toy.vocabulary), 2)
        >>> found.before.tolist() == [[-1, -2], [2, -1], [0, 2]], found.came.tolist()
        (True, [2, 0, 3])
        """
        n_fields = corpus.vocabulary.n_fields
        n_events, closed = corpus.lengths // n_fields, corpus.lengths % n_fields
        offset = np.repeat(corpus.offsets[:-1], n_events + closed)
        number = _within(n_events + closed)
        at, ends = offset + number * n_fields, number == np.repeat(n_events, n_events + closed)
        came = np.where(ends, corpus.vocabulary.end, corpus.symbols[np.where(ends, 0, at + self.field)])
        began = ~ends & ~self._held(came)
        notes, since = np.flatnonzero(began), np.cumsum(began) - began
        heard = since - np.repeat(since[np.flatnonzero(number == 0)], n_events + closed)
        before, lengths = (np.full((len(at), depth), NOTHING) for _ in range(2))
        for j in range(depth):
            row = notes[np.maximum(since - 1 - j, 0)] if len(notes) else np.zeros_like(at)
            before[:, j] = np.select([heard > j, heard == j], [came[row], START], NOTHING)
            if self.length_field is not None:
                lengths[:, j] = np.where(heard > j, corpus.symbols[at[row] + self.length_field], before[:, j])
        return Places(at, before, lengths, came)


def field_name(vocabulary: Vocabulary, symbol: int) -> str:
    """A symbol without the name of its field: a pitch, a part of a whole note, a label.

    >>> field_name(Vocabulary.plain(3, name="pitch"), 1)
    'C#-1'
    """
    field = vocabulary.fields[int(vocabulary.field_of(np.array(symbol)))]
    value = int(vocabulary.values(np.array(symbol)))
    if field.advances and vocabulary.resolution:
        return str(Fraction(value, 4 * vocabulary.resolution))
    if field.name in vocabulary.voices and value >= 0:
        return pitch_name(value)
    return field.describe(value) or "none"


def _within(counts: IntArray) -> IntArray:
    """0, 1, ... for each of `counts`, one after another.

    >>> _within(np.array([2, 0, 3])).tolist() == [0, 1, 0, 1, 2]
    True
    """
    return np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
