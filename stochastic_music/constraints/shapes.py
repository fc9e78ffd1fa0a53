"""The rhythm of a piece, or its contour, with other notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from stochastic_music.constraints.automata.automaton import BaseAutomaton, join
from stochastic_music.constraints.automata.events import ByEvent, Values
from stochastic_music.constraints.automata.timing import timed_events
from stochastic_music.constraints.constraint import Joinable
from stochastic_music.constraints.length import Length
from stochastic_music.constraints.melodic import Melodic
from stochastic_music.constraints.naming import line_field
from stochastic_music.constraints.places import check_time
from stochastic_music.errors import InvalidParameterError
from stochastic_music.protocols import DEAD, Automaton, BoolArray, IntArray
from stochastic_music.tokens import Header, Vocabulary

_SIGNS = "-0+"


@dataclass(frozen=True, init=False)
class Rhythm(Joinable):
    """The rhythm of a piece: as many events, each with its silence and its length; pitches and phrase marks are free.

    `symbols` is the piece as the model reads it, with or without END. Of slices of several voices it is kept as well in
    which of them each voice begins a note, holds one or rests.

    >>> Rhythm([0, 3, 64])
    Rhythm(3 symbols)
    """

    symbols: tuple[int, ...]

    def __init__(self, symbols: Sequence[int] | IntArray) -> None:
        object.__setattr__(self, "symbols", tuple(int(symbol) for symbol in symbols))

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> BaseAutomaton:  # noqa: ARG002
        """What may come at each place; raises UsageError where symbols carry no time."""
        check_time(vocabulary, self)
        piece = timed_events(vocabulary, self.symbols)
        rows = [self._like(vocabulary, place, piece.values[:, place]) for place in range(vocabulary.n_fields)]
        return TemplateAutomaton(np.stack(rows, axis=1).reshape(-1, vocabulary.n_symbols), vocabulary.n_fields)

    @staticmethod
    def _like(vocabulary: Vocabulary, place: int, wanted: IntArray) -> BoolArray:
        """Which symbols of a field are as long, or as silent, as each of the values `wanted`: (n, n_symbols)."""
        symbols = np.arange(vocabulary.n_symbols)
        values = vocabulary.values(symbols)[None, :]
        here = vocabulary.field_of(symbols) == place
        if vocabulary.fields[place].advances:
            same = values == wanted[:, None]
        else:
            same = np.where(wanted[:, None] < 0, values == wanted[:, None], values >= 0)
        mask: BoolArray = here & same
        return mask

    def __str__(self) -> str:
        return f"Rhythm({len(self.symbols)} symbols)"

    __repr__ = __str__


class TemplateAutomaton(BaseAutomaton):
    """Accepts pieces of one length; place t takes one of the symbols in `masks[t]`: (n_places, n_symbols).

    The state is the place, one more after END.
    """

    def __init__(self, masks: BoolArray, n_fields: int) -> None:
        self.n_places, self.n_symbols = masks.shape
        self._n_fields = n_fields
        end = np.zeros((2, self.n_symbols), dtype=bool)
        end[:, -1] = True
        self._masks = np.concatenate([masks, end])

    def advance(self, states: IntArray, symbols: IntArray) -> IntArray:
        """The next place, where the symbol may come at this one."""
        may = (states != DEAD) & self._masks[states, symbols]
        return np.where(may, np.minimum(states + 1, self.n_places + 1), DEAD)

    def progress(self, states: IntArray) -> IntArray:
        """The place itself."""
        return states

    def describe(self, state: int) -> str:
        """How far the music has come, in words."""
        return f"note {state // self._n_fields + 1}"


@dataclass(frozen=True)
class Contour(Joinable):
    """Ups and downs: the piece rises (+), falls (-) or stays (0) from note to note as `shape` says, sign by sign.

    It has one note more than there are signs. Of slices of several voices the top one is meant. Raises
    InvalidParameterError for another sign.

    >>> print(Contour.of([60, 64, 64, 62]))
    Contour(+0-)
    """

    shape: str

    def __post_init__(self) -> None:
        if not set(self.shape) <= set(_SIGNS):
            raise InvalidParameterError(
                f"Contour('{self.shape}'): expected the signs + (up), - (down) and 0 (the same)"
            )

    @classmethod
    def of(cls, pitches: Sequence[int] | IntArray) -> Self:
        """The contour of some pitches in a row; raises InvalidParameterError where there is none."""
        if not len(pitches):
            raise InvalidParameterError("a contour needs at least one note; none was given")
        return cls("".join(_SIGNS[sign + 1] for sign in np.sign(np.diff(np.asarray(pitches))).tolist()))

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> Automaton:
        """A machine that compares each note with the one before; raises UsageError where there is no pitch."""
        line = line_field(vocabulary, self)
        signs = np.array([_SIGNS.index(sign) - 1 for sign in self.shape], dtype=np.int64)
        shape = ByEvent(vocabulary, _Shape(line, signs))
        if line != "pitch":
            return shape
        length = Length(len(signs) + 1).compile(vocabulary, header)  # it says how far the music has come
        return join([length, shape], vocabulary.n_symbols)


class _Shape(Melodic):
    """The state counts notes."""

    wide = True

    def __init__(self, line: str, signs: IntArray) -> None:
        super().__init__(line)
        self._signs = np.concatenate([[0], signs, [2]])  # no interval has the sign 2
        self._free = np.arange(len(self._signs)) == 0

    def heard(self, inner: IntArray, before: IntArray, pitch: IntArray, values: Values) -> IntArray:  # noqa: ARG002
        fits = self._free[inner] | (np.sign(pitch - before) == self._signs[inner])
        return np.where(fits, inner + 1, DEAD)

    def may_end(self, inner: IntArray) -> BoolArray:
        accepted: BoolArray = inner == len(self._signs) - 1
        return accepted
