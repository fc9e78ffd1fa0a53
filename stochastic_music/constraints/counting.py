"""How many there are of a thing: leaps, rests, notes of a name, long notes.

A *thing* is a value that says of each event whether it is one:

    Leaps(5)              notes at least so many semitones from the one before
    Rests(1)              silences of at least so many quarter notes (any, where nothing is said) before a note
    Notes("F#", "B3")     notes of these names (see `naming`): pitches, notes in any octave, steps of the key
    Having("duration", 6) events whose field has a value from one number to another, as the encoding counts it
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, Protocol

import numpy as np

from stochastic_music.constraints.automata.automaton import BaseAutomaton
from stochastic_music.constraints.automata.events import ByEvent, Values
from stochastic_music.constraints.constraint import Joinable
from stochastic_music.constraints.melodic import Melodic
from stochastic_music.constraints.naming import field_names, is_step, line_field, normal, pitches_named
from stochastic_music.errors import InvalidParameterError, UsageError
from stochastic_music.protocols import DEAD, BoolArray, IntArray
from stochastic_music.tokens import Header, Vocabulary


class Sought(NamedTuple):
    """A thing as events tell it: the field it is read from, and its values that are the thing.

    With `steps` the distance (in semitones, up or down) from the note before is meant in place of the value.
    """

    field: str
    values: IntArray
    steps: bool = False


class Thing(Protocol):
    """What can be counted."""

    def sought(self, vocabulary: Vocabulary, header: Header | None) -> Sought:
        """What it is in this vocabulary; raises UsageError where there is no such thing."""


@dataclass(frozen=True)
class Leaps:
    """Notes at least `least` semitones above or below the one before; raises InvalidParameterError below 1.

    >>> print(Leaps(5))
    leaps of 5 semitones or more
    """

    least: int

    def __post_init__(self) -> None:
        if self.least < 1:
            raise InvalidParameterError(f"Leaps({self.least}): expected a number of semitones from 1")

    def sought(self, vocabulary: Vocabulary, header: Header | None) -> Sought:  # noqa: ARG002
        """Distances on the line of notes."""
        return Sought(line_field(vocabulary, self), np.arange(self.least, 128), steps=True)

    def __str__(self) -> str:
        return f"leaps of {self.least} semitone{'s' * (self.least > 1)} or more"


@dataclass(frozen=True)
class Rests:
    """Silences before a note, of `least` quarter notes or more; None: of any length.

    Raises InvalidParameterError for a length that is none.

    >>> print(Rests()), print(Rests(1.5))
    rests
    rests of 3/2 quarter notes or more
    (None, None)
    """

    least: float | Fraction | None = None

    def __post_init__(self) -> None:
        if self.least is not None and self.least <= 0:
            raise InvalidParameterError(f"Rests({self.least}): expected a length in quarter notes above 0")

    def sought(self, vocabulary: Vocabulary, header: Header | None) -> Sought:  # noqa: ARG002
        """Values of the field of rests; raises UsageError where there is none."""
        place = vocabulary.index("rest")
        if place is None or not vocabulary.resolution:
            raise UsageError(
                f"{self} are told by a field 'rest', and this encoding has only {field_names(vocabulary)}: use melody"
            )
        field = vocabulary.fields[place]
        values = np.arange(field.first, field.first + field.size)
        least = math.ceil(Fraction(self.least or 0).limit_denominator(960) * vocabulary.resolution)
        return Sought("rest", values[values >= max(least, 1)])

    def __str__(self) -> str:
        if self.least is None:
            return "rests"
        return f"rests of {Fraction(self.least).limit_denominator(960)} quarter notes or more"


@dataclass(frozen=True, init=False)
class Notes:
    """Notes of the names given; raises InvalidParameterError for a name that is none, or without names.

    `key` is the key meant where the piece's own is not known.

    >>> print(Notes("F#", 60))
    notes F# or C4
    """

    names: tuple[str, ...]
    key: str | None

    def __init__(self, *names: int | str, key: str | None = None) -> None:
        if not names:
            raise InvalidParameterError("Notes() got no note: name one or more")
        object.__setattr__(self, "names", tuple(normal(name) for name in names))
        object.__setattr__(self, "key", key)

    @property
    def reads_key(self) -> bool:
        """Whether what it means depends on the header's key."""
        return any(is_step(name) for name in self.names)

    def sought(self, vocabulary: Vocabulary, header: Header | None) -> Sought:
        """Pitches on the line of notes."""
        masks = [pitches_named(name, header, self.key, self) for name in self.names]
        return Sought(line_field(vocabulary, self), np.flatnonzero(np.logical_or.reduce(masks)))

    def __str__(self) -> str:
        return f"notes {' or '.join(self.names)}"


@dataclass(frozen=True)
class Having:
    """Events whose `field` has a value from `low` to `high` (None: from `low` on), as the encoding counts it.

    Raises InvalidParameterError where `high` is below `low`.

    >>> print(Having("duration", 12, 24))
    events of duration 12 to 24
    """

    field: str
    low: int
    high: int | None = None

    def __post_init__(self) -> None:
        if self.high is not None and self.high < self.low:
            raise InvalidParameterError(f"Having('{self.field}', {self.low}, {self.high}): swap the two numbers")

    def sought(self, vocabulary: Vocabulary, header: Header | None) -> Sought:  # noqa: ARG002
        """Values of the field; raises VocabularyError where there is no such field."""
        field = vocabulary.fields[vocabulary.place(self.field)]
        values = np.arange(field.first, field.first + field.size)
        high = values[-1] if self.high is None else self.high
        return Sought(self.field, values[(self.low <= values) & (values <= high)])

    def __str__(self) -> str:
        return f"events of {self.field} {self.low} {'or more' if self.high is None else f'to {self.high}'}"


@dataclass(frozen=True)
class Count(Joinable):
    """There are from `least` to `most` (None: any number) events that are a `thing`; see the module's article.

    Of slices of several voices the notes of the top one are counted. Raises InvalidParameterError for numbers that make
    no sense.

    >>> Count(Leaps(8), most=2), Count(Notes("F#"), 1), ~Count(Rests(), 1)
    (Count(leaps of 8 semitones or more: at most 2), Count(notes F#: at least 1), ~Count(rests: at least 1))
    """

    thing: Thing
    least: int = 0
    most: int | None = None

    def __post_init__(self) -> None:
        if self.least < 0 or (self.most is not None and self.most < self.least):
            raise InvalidParameterError(
                f"Count(..., {self.least}, {self.most}): expected the least number, 0 or more, and the most after it"
            )

    @property
    def reads_key(self) -> bool:
        """Whether what is counted depends on the header's key."""
        return bool(getattr(self.thing, "reads_key", False))

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> BaseAutomaton:
        """A machine that counts, no further than matters; raises UsageError where there is no such thing."""
        sought = self.thing.sought(vocabulary, header)
        machine = _CountSteps if sought.steps else _CountValues
        return ByEvent(vocabulary, machine(sought, self.least, self.most))

    def __str__(self) -> str:
        if self.most is None:
            return f"Count({self.thing}: at least {self.least})"
        if self.least == self.most:
            return f"Count({self.thing}: {self.least})"
        limits = f"{self.least} to {self.most}" if self.least else f"at most {self.most}"
        return f"Count({self.thing}: {limits})"

    __repr__ = __str__


class _Limits:
    """A count that goes no further than matters, and what it may be in the end."""

    def __init__(self, least: int, most: int | None) -> None:
        self.least, self.most = least, least if most is None else most
        self._stays = most is None

    def counted(self, count: IntArray, hits: BoolArray) -> IntArray:
        """One more where there is a hit; DEAD above the most."""
        more = count + hits
        return np.minimum(more, self.least) if self._stays else np.where(more > self.most, DEAD, more)

    def meets(self, count: IntArray) -> BoolArray:
        """Where the piece may end."""
        enough: BoolArray = count >= self.least
        return enough


class _CountValues:
    """The state is the count."""

    def __init__(self, sought: Sought, least: int, most: int | None) -> None:
        self._field, self._values, self._limits = sought.field, sought.values, _Limits(least, most)
        self.wanted = (self._field,)

    def start(self) -> int:
        return 0

    def step(self, states: IntArray, values: Values) -> IntArray:
        return self._limits.counted(states, np.isin(values[self._field], self._values))

    def accepts(self, states: IntArray) -> BoolArray:
        return self._limits.meets(states)


class _CountSteps(Melodic):
    """The state is the count, and the pitch before."""

    wide = True

    def __init__(self, sought: Sought, least: int, most: int | None) -> None:
        super().__init__(sought.field)
        self._values, self._limits = sought.values, _Limits(least, most)

    def heard(self, inner: IntArray, before: IntArray, pitch: IntArray, values: Values) -> IntArray:  # noqa: ARG002
        hits = (before >= 0) & np.isin(np.abs(pitch - before), self._values)
        return self._limits.counted(inner, hits)

    def may_end(self, inner: IntArray) -> BoolArray:
        return self._limits.meets(inner)
