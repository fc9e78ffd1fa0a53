"""Which notes: those of a scale, the first one, the last one.

Where events are slices of several voices, the first and the last note are those of the top voice, and a scale binds
them all. In a part of chords written note by note, from the top down, the first note is the top of the first chord,
the last one the bottom of the last.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from stochastic_music.constraints.automata.automaton import BaseAutomaton, MaskAutomaton
from stochastic_music.constraints.automata.events import ByEvent, Values
from stochastic_music.constraints.constraint import Joinable
from stochastic_music.constraints.naming import (
    class_name,
    field_names,
    is_step,
    line_field,
    moved,
    normal,
    pitch_class,
    pitches_named,
    scale_of,
)
from stochastic_music.constraints.symbols import pitches_of
from stochastic_music.errors import InvalidParameterError, UsageError
from stochastic_music.music.keys import parse_key, transposed_key
from stochastic_music.protocols import DEAD, BoolArray, IntArray
from stochastic_music.tokens import Header, Vocabulary


@dataclass(frozen=True, init=False)
class InScale(Joinable):
    """Every note belongs to a scale: a key with its mode, or a set of notes; rests and held notes stay free.

    A key is spelled as everywhere: `G:major`, `Em`, `D:dorian`; minor is the natural one. Notes are names without
    octave, in one text or one by one. Raises InvalidParameterError for what is neither.

    >>> InScale("G") == InScale("G:major"), InScale("C,D,E,G,A"), InScale([0, "E", "G"])
    (True, InScale(C, D, E, G, A), InScale(C, E, G))
    """

    scale: str

    def __init__(self, scale: str | Iterable[int | str]) -> None:
        names = [name for name in scale.split(",") if name.strip()] if isinstance(scale, str) else list(scale)
        if isinstance(scale, str) and len(names) == 1:
            key = parse_key(scale)
            text = f"{str(key).split(':')[0].removesuffix('m')}:{key.mode}"
        elif names:
            text = ", ".join(class_name(note) for note in dict.fromkeys(pitch_class(name) for name in names))
        else:
            raise InvalidParameterError("InScale() got no note: give a key such as G:major, or notes such as C,E,G")
        object.__setattr__(self, "scale", text)

    @property
    def notes(self) -> tuple[int, ...]:
        """Its pitch classes."""
        if ":" in self.scale:
            return scale_of(parse_key(self.scale))
        return tuple(pitch_class(name) for name in self.scale.split(", "))

    def moved(self, semitones: int) -> InScale:
        """The scale so many semitones higher."""
        if ":" in self.scale:
            key = transposed_key(parse_key(self.scale), semitones)
            return InScale(str(key))
        return InScale([(note + semitones) % 12 for note in self.notes])

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> MaskAutomaton:  # noqa: ARG002
        """A mask; raises UsageError where the vocabulary has no pitches."""
        pitches = pitches_of(vocabulary)
        if (pitches < 0).all():
            raise UsageError(f"{self} needs a field of pitches, and this encoding has only {field_names(vocabulary)}")
        return MaskAutomaton((pitches < 0) | np.isin(pitches % 12, self.notes))

    def __str__(self) -> str:
        return f"InScale({self.scale})"

    __repr__ = __str__


@dataclass(frozen=True, init=False)
class _OneNote(Joinable):
    """One note of the line is among those named; see `naming` for names."""

    names: tuple[str, ...]
    key: str | None

    def __init__(self, *names: int | str, key: str | None = None) -> None:
        if not names:
            raise InvalidParameterError(f"{type(self).__name__}() got no note: name one or more")
        object.__setattr__(self, "names", tuple(normal(name) for name in names))
        object.__setattr__(self, "key", None if key is None else str(parse_key(key)))

    @property
    def reads_key(self) -> bool:
        """Whether what it asks depends on the header's key."""
        return any(is_step(name) for name in self.names)

    def moved(self, semitones: int) -> Self:
        """The notes so many semitones higher; steps of the key stay."""
        return type(self)(*(moved(name, semitones) for name in self.names), key=self.key)

    def _mask(self, header: Header | None) -> BoolArray:
        mask: BoolArray = np.logical_or.reduce([pitches_named(name, header, self.key, self) for name in self.names])
        return mask

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> BaseAutomaton:
        """A machine of two states; raises UsageError where there is no pitch, or a step is asked and no key known."""
        return ByEvent(vocabulary, self._machine(line_field(vocabulary, self), self._mask(header)))

    def _machine(self, line: str, mask: BoolArray) -> Any:
        raise NotImplementedError

    def __str__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.names)})"

    __repr__ = __str__


class StartsOn(_OneNote):
    """The first note is one of those named: pitches, notes in any octave, or steps of the key (see `naming`).

    `key` is the key meant where the piece's own is not known. Raises InvalidParameterError for a name that is none.

    >>> StartsOn("dominant", "C4")
    StartsOn(dominant, C4)
    """

    def _machine(self, line: str, mask: BoolArray) -> _First:
        return _First(line, mask)


class EndsOn(_OneNote):
    """The last note is one of those named: pitches, notes in any octave, or steps of the key (see `naming`).

    `key` is the key meant where the piece's own is not known. Raises InvalidParameterError for a name that is none.

    >>> EndsOn("tonic"), EndsOn(60, "F#")
    (EndsOn(tonic), EndsOn(C4, F#))
    """

    def _machine(self, line: str, mask: BoolArray) -> _Last:
        return _Last(line, mask)


class _First:
    """0 before the first note, 1 after it."""

    def __init__(self, line: str, mask: BoolArray) -> None:
        self.line, self.wanted, self.mask = line, (line,), mask

    def start(self) -> int:
        return 0

    def step(self, states: IntArray, values: Values) -> IntArray:
        return np.where((states == 1) | self.mask[values[self.line]], 1, DEAD)

    def accepts(self, states: IntArray) -> BoolArray:
        accepted: BoolArray = states == 1
        return accepted


class _Last(_First):
    """Whether the latest note is one of those meant."""

    def step(self, states: IntArray, values: Values) -> IntArray:  # noqa: ARG002
        return self.mask[values[self.line]].astype(np.int64)
