"""Patterns that the whole piece must match."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stochastic_music.constraints.automata.events import ByEvent, Values
from stochastic_music.constraints.automata.pattern import Deterministic
from stochastic_music.constraints.constraint import Joinable
from stochastic_music.constraints.naming import field_names, is_step, normal, pitches_named
from stochastic_music.errors import InvalidParameterError, UsageError
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.tokens import Field, Header, Vocabulary


@dataclass(frozen=True)
class Matches(Joinable):
    """The values of one field, event by event, match a regular expression (see `pattern` for how they are written).

    `field` is the pitch where nothing is said, the top voice of slices, or the only field there is; what rests or is
    held is left out. A text that is no pattern raises InvalidParameterError when it is compiled.

    >>> Matches("C4 (D4|E4)* .{2} G4")
    Matches(C4 (D4|E4)* .{2} G4)
    >>> automaton = Matches("0 1* 0").compile(Vocabulary.plain(2), None)
    >>> automaton.allowed(automaton.advance(np.array([automaton.start()]), np.array([0])))[0].tolist()
    [True, True, False]
    """

    pattern: str
    field: str | None = None

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> ByEvent:  # noqa: ARG002
        """A machine that follows the pattern; raises UsageError where there is no such field."""
        field = vocabulary.fields[self._place(vocabulary)]
        pattern = Deterministic(self.pattern, lambda name: _meant(name, field, self), field.size)
        return ByEvent(vocabulary, _Follows(field, pattern))

    def _place(self, vocabulary: Vocabulary) -> int:
        if self.field is not None:
            return vocabulary.place(self.field)
        if vocabulary.index("pitch") is not None:
            return vocabulary.place("pitch")
        if vocabulary.voices:
            return vocabulary.place(vocabulary.voices[0])
        if vocabulary.n_fields == 1:
            return 0
        raise UsageError(f"{self} must say which field is meant; fields: {field_names(vocabulary)}")

    def __str__(self) -> str:
        return f"Matches({self.pattern}{f', {self.field}' if self.field else ''})"

    __repr__ = __str__


class _Follows:
    """The state is that of the pattern."""

    def __init__(self, field: Field, pattern: Deterministic) -> None:
        self._name, self._first, self._pattern = field.name, field.first, pattern
        self.wanted = (field.name,)
        self.line = field.name if field.first < 0 else None

    def start(self) -> int:
        return 0

    def step(self, states: IntArray, values: Values) -> IntArray:
        return self._pattern.advance(states, values[self._name] - self._first)

    def accepts(self, states: IntArray) -> BoolArray:
        return self._pattern.accepts(states)


def _meant(name: str, field: Field, asker: Matches) -> BoolArray:
    """Which values of a field a name in a pattern means: (size,)."""
    values = np.arange(field.first, field.first + field.size)
    meant: BoolArray
    if name.isdigit():
        meant = values == int(name)
    elif name in field.labels:
        meant = values == field.first + field.labels.index(name)
    elif (field.name == "pitch" or field.name.startswith("voice")) and not is_step(normal(name)):
        pitches = pitches_named(normal(name), None, None, asker)
        meant = (values >= 0) & pitches[np.maximum(values, 0)]
    else:
        raise InvalidParameterError(
            f"'{asker.pattern}' is no pattern for the field {field}: '{name}' is no value of it"
        )
    return meant
