"""The alphabet of a model: fields, symbols, and what a symbol does to time.

An *event* is a fixed series of symbols, one from each *field*, in order. Fields own disjoint,
consecutive ranges of ids; the last id is END, which closes every sequence of a `closed` vocabulary.
A vocabulary is declared, not learned; `restrict` names the symbols that a corpus uses (its
*alphabet*) and leaves every id as it is, so that two restrictions of one vocabulary can be merged.

    >>> melody = Vocabulary((Field("duration", 48, first=1, advances="later"), Field("pitch", 128)), resolution=12)
    >>> melody.n_symbols, melody.end, melody.symbol("pitch", 60)
    (177, 176, 108)
    >>> melody.describe(108)
    'pitch C4'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from stochastic_music._showing import ShowsItself
from stochastic_music.errors import InvalidParameterError, VocabularyError
from stochastic_music.protocols import BoolArray, IntArray

if TYPE_CHECKING:
    from stochastic_music.tokens.clock import Clock

#: What the value of a symbol, in units of time, does to the clock:
#: "now" moves it at once (a rest, a shift), "later" when the event is complete (a duration),
#: "sounds" does not move it but says how long the event sounds (a note of a chord), "" nothing.
Advance = Literal["", "now", "later", "sounds"]


@dataclass(frozen=True, slots=True)
class Field:
    """One place in an event: `size` symbols that stand for the values `first`, `first + 1`, ...

    With `below`, the name of an earlier field, values lie below that field's value, or are both the lowest there is:
    the notes of a chord from the top down, and then none.
    """

    name: str
    size: int
    first: int = 0
    advances: Advance = ""
    labels: tuple[str, ...] = ()
    below: str = ""

    def __str__(self) -> str:
        return f"'{self.name}' of {self.size} values from {self.first}"

    def describe(self, value: int) -> str:
        """`value` in words a musician reads."""
        if self.labels:
            return self.labels[value - self.first]
        return pitch_name(value) if self.name == "pitch" else str(value)


@dataclass(frozen=True)
class Vocabulary(ShowsItself):
    """Fields in event order, END, and the clock; see the module's article.

    `resolution` is units a quarter note, 0 where symbols carry no time. `alphabet` holds the ids
    in use, None for all of them; END is not listed there. `step` is what every event takes, in units,
    where no field says so: frames of one length.
    """

    shown_by = "corpora"

    fields: tuple[Field, ...]
    resolution: int = 0
    closed: bool = True
    alphabet: tuple[int, ...] | None = None
    step: int = 0

    @classmethod
    def plain(cls, size: int, *, closed: bool = True, name: str = "symbol") -> Self:
        """One field of `size` symbols without time: toy alphabets, text, dance."""
        return cls((Field(name, size),), closed=closed)

    @cached_property
    def n_fields(self) -> int:
        """Symbols an event."""
        return len(self.fields)

    @cached_property
    def n_symbols(self) -> int:
        """All ids, END included."""
        return sum(field.size for field in self.fields) + 1

    @property
    def end(self) -> int:
        """The id of END, the last one."""
        return self.n_symbols - 1

    @cached_property
    def starts(self) -> IntArray:
        """The first id of each field, then END: (n_fields + 1,)."""
        return np.cumsum([0, *(field.size for field in self.fields)], dtype=np.int64)

    @cached_property
    def mask(self) -> BoolArray:
        """Which ids are in the alphabet, END among them if the vocabulary is closed: (n_symbols,)."""
        mask = np.full(self.n_symbols, self.alphabet is None)
        if self.alphabet is not None:
            mask[list(self.alphabet)] = True
        mask[self.end] = self.closed
        return mask

    @cached_property
    def due_mask(self) -> BoolArray:
        """What may come when field f is due, row n_fields being a piece that has ended: (n_fields + 1, n_symbols)."""
        due = np.zeros((self.n_fields + 1, self.n_symbols), dtype=bool)
        for f in range(self.n_fields):
            due[f, self.starts[f] : self.starts[f + 1]] = True
        due[0, self.end] = True
        due &= self.mask
        due[self.n_fields, self.end] = True
        return due

    @cached_property
    def clock(self) -> Clock:
        """What is known of the present, as a function of the symbols so far."""
        from stochastic_music.tokens.clock import Clock

        return Clock(self)

    def index(self, name: str) -> int | None:
        """The place of field `name` in an event, or None."""
        return next((i for i, field in enumerate(self.fields) if field.name == name), None)

    def field_of(self, symbols: IntArray) -> IntArray:
        """The field index of each symbol; END gives n_fields."""
        field: IntArray = np.searchsorted(self.starts, symbols, side="right") - 1
        return field

    def values(self, symbols: IntArray) -> IntArray:
        """What each symbol stands for (a pitch, a length in units); END gives 0."""
        firsts = np.array([*(field.first for field in self.fields), 0])
        field = self.field_of(symbols)
        values: IntArray = symbols - self.starts[field] + firsts[field]
        return values

    def most_repeats(self, symbols: IntArray) -> int:
        """How many events of a piece in a row have the same pitch, at most; 0 where events have no field `pitch`.

        >>> Vocabulary.plain(3, name="pitch").most_repeats(np.array([0, 1, 1, 1, 2, 3]))
        3
        """
        pitch, n_events = self.index("pitch"), len(symbols) // self.n_fields
        if pitch is None or not n_events:
            return 0
        column = symbols[: n_events * self.n_fields].reshape(n_events, -1)[:, pitch]
        new = np.flatnonzero(np.diff(column, prepend=-1, append=-1))
        return int(np.diff(new).max())

    def place(self, name: str) -> int:
        """The place of field `name` in an event; raises VocabularyError where events have no such field."""
        i = self.index(name)
        if i is None:
            raise VocabularyError(f"no field '{name}' here; fields: {', '.join(f.name for f in self.fields)}")
        return i

    def symbol(self, field: str, value: int) -> int:
        """The id of `value` in `field`; raises VocabularyError outside the declared range."""
        i = self.place(field)
        offset = value - self.fields[i].first
        if not 0 <= offset < self.fields[i].size:
            last = self.fields[i].first + self.fields[i].size - 1
            raise VocabularyError(f"{field} {value} is outside the vocabulary, {self.fields[i].first} to {last}")
        return int(self.starts[i]) + offset

    @cached_property
    def voices(self) -> tuple[str, ...]:
        """The fields that are voices, from the top: voice1, voice2, ..."""
        return tuple(field.name for field in self.fields if re.fullmatch(r"voice[1-9]\d*", field.name))

    def possible(self, field: int, symbols: IntArray, present: Mapping[str, IntArray]) -> BoolArray | None:
        """Which of a field's `symbols` can follow what is known of an event: (batch, n), None for all of them.

        `present` holds the values of its earlier fields, (batch,) each.

            >>> chord = Vocabulary((Field("voice1", 4, first=-1), Field("voice2", 4, first=-1, below="voice1")))
            >>> chord.possible(1, np.arange(4, 8), {"voice1": np.array([-1, 1])}).tolist()
            [[True, False, False, False], [True, True, False, False]]
        """
        declared = self.fields[field]
        if not declared.below:
            return None
        values = self.values(symbols)
        possible: BoolArray = (values < present[declared.below][:, None]) | (values == declared.first)
        return possible

    def describe(self, symbol: int) -> str:
        """A symbol in words: 'pitch C4', 'duration 12', 'END'."""
        if symbol == self.end:
            return "END"
        field = self.fields[int(self.field_of(np.array(symbol)))]
        return f"{field.name} {field.describe(int(self.values(np.array(symbol))))}"

    def restrict(self, symbols: Iterable[int], *, closed: bool | None = None) -> Vocabulary:
        """The same ids, with only `symbols` in the alphabet (END stays where the vocabulary is closed)."""
        alphabet = tuple(sorted({int(s) for s in symbols} - {self.end}))
        if alphabet and not 0 <= alphabet[0] <= alphabet[-1] < self.end:
            raise VocabularyError(f"symbols run from {alphabet[0]} to {alphabet[-1]}; expected 0 to {self.end - 1}")
        return replace(self, alphabet=alphabet, closed=self.closed if closed is None else closed)

    def union(self, other: Vocabulary) -> Vocabulary:
        """The vocabulary of two restrictions of one declaration together."""
        reason = self.difference(other)
        if reason:
            raise VocabularyError(f"these vocabularies cannot be joined: {reason}")
        if self.alphabet is None or other.alphabet is None:
            return replace(self, alphabet=None)
        return self.restrict((*self.alphabet, *other.alphabet))

    def difference(self, other: Vocabulary) -> str:
        """The first difference between two declarations, in words; '' where only alphabets differ."""
        for mine, theirs in zip(self.fields, other.fields, strict=False):
            if mine != theirs:
                return f"field {mine} against {theirs}"
        if self.n_fields != other.n_fields:
            return f"{self.n_fields} fields an event against {other.n_fields}"
        if self.resolution != other.resolution:
            return f"{self.resolution} units a quarter note against {other.resolution}"
        if self.step != other.step:
            return f"frames of {self.step} units against {other.step}"
        return "one ends its pieces with END, the other does not" if self.closed != other.closed else ""

    def check(self, symbols: IntArray) -> None:
        """Raise VocabularyError naming the first of `symbols` that is no id or not in the alphabet."""
        ids = (symbols >= 0) & (symbols < self.n_symbols)
        bad = np.flatnonzero(~ids) if not ids.all() else np.flatnonzero(~self.mask[symbols])
        if len(bad):
            at, symbol = int(bad[0]), int(symbols[bad[0]])
            what = self.describe(symbol) if 0 <= symbol < self.n_symbols else "no symbol"
            raise VocabularyError(
                f"symbol {symbol} ({what}) at place {at} is outside the alphabet of {int(self.mask.sum())} symbols: "
                "widen the alphabet, or leave the piece out"
            )

    def to_json(self) -> dict[str, Any]:
        """Plain lists, numbers and strings."""
        return {
            "fields": [
                [f.name, f.size, f.first, f.advances, list(f.labels), *([f.below] if f.below else [])]
                for f in self.fields
            ],
            "resolution": self.resolution,
            "closed": self.closed,
            "alphabet": None if self.alphabet is None else list(self.alphabet),
            "step": self.step,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        fields = tuple(
            Field(name, size, first, advances, tuple(labels), *below)
            for name, size, first, advances, labels, *below in data["fields"]
        )
        alphabet = data["alphabet"]
        kept = None if alphabet is None else tuple(alphabet)
        return cls(fields, data["resolution"], data["closed"], kept, data["step"])


_LETTERS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def pitch_name(pitch: int) -> str:
    """A MIDI number as a name, C4 being 60.

    >>> pitch_name(60), pitch_name(58)
    ('C4', 'Bb3')
    """
    return f"{_LETTERS[pitch % 12]}{pitch // 12 - 1}"


def pitch_number(name: str, *, middle_c: str = "C4") -> int:
    """The MIDI number of a name such as C4, F#3, Bb5 or of a number; raises InvalidParameterError.

    >>> pitch_number("A5"), pitch_number("C3", middle_c="C3")
    (81, 60)
    """
    if not re.fullmatch(r"[Cc]-?\d", middle_c):
        raise InvalidParameterError(f"middle C is called '{middle_c}'; expected C4, or C3 as some workstations have it")
    text = name.strip()
    if text.isdigit() and int(text) < 128:
        return int(text)
    letter, rest = text[:1].upper(), text[1:]
    sign = rest.rstrip("-0123456789")
    octave = rest[len(sign) :]
    number = -1
    if letter in _STEPS and set(sign) <= {"#", "b"} and octave.lstrip("-").isdigit():
        shift = 60 - 12 * (int(middle_c[1:]) + 1)
        number = _STEPS[letter] + sign.count("#") - sign.count("b") + 12 * (int(octave) + 1) + shift
    if not 0 <= number <= 127:
        raise InvalidParameterError(f"'{name}' is no pitch: expected a name such as C4, F#3 or Bb5, or 0 to 127")
    return number
