"""What all encodings share: parameters, vocabulary, and symbols from columns of values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from stochastic_music.errors import EncodingError, InvalidParameterError
from stochastic_music.music.parts import sounding_parts
from stochastic_music.protocols import IntArray
from stochastic_music.tokens.grid import Grid
from stochastic_music.tokens.header import Header
from stochastic_music.tokens.heading import blank_score
from stochastic_music.tokens.loss import EncodingLoss
from stochastic_music.tokens.piece import TokenPiece
from stochastic_music.tokens.vocabulary import Vocabulary

if TYPE_CHECKING:
    from symusic.core import ScoreTick


@dataclass(frozen=True)
class ScoreEncoding(ABC):
    """Base class that saves work; an encoding needs no more than the `Encoding` protocol.

    Parameters are stored under their own names and checked on first use.
    """

    name: ClassVar[str]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The declared vocabulary, restricted to `alphabet` where one is given."""
        declared = self._declare()
        alphabet = getattr(self, "alphabet", None)
        return declared if alphabet is None else declared.restrict(alphabet)

    def encode(self, score: ScoreTick) -> list[TokenPiece]:
        """The pieces of a score; raises EncodingError where it cannot be expressed."""
        return self.encode_reported(score)[0]

    @abstractmethod
    def encode_reported(self, score: ScoreTick) -> tuple[list[TokenPiece], EncodingLoss]:
        """The pieces of a score, and what they could not keep of it."""

    def decode(self, pieces: Sequence[TokenPiece]) -> ScoreTick:
        """The score of pieces that sound together; what follows END, or is no complete event, is left out."""
        if not pieces:
            raise EncodingError("there are no pieces to decode; expected one or more")
        score = blank_score(self._heading(pieces[0]))
        for piece in pieces:
            self._write(score, piece)
        return score

    def get_params(self) -> dict[str, Any]:
        """The parameters as JSON values; `type(self)(**params)` is an equal encoding."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def __post_init__(self) -> None:
        """Lists, as JSON has them, are stored as tuples, so that equal encodings are equal."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list):
                object.__setattr__(self, field.name, tuple(value))

    @abstractmethod
    def _declare(self) -> Vocabulary:
        """The whole vocabulary."""

    def _heading(self, piece: TokenPiece) -> Header:
        """The header that a piece is written under: its own, unless its symbols say more."""
        return piece.header

    @abstractmethod
    def _write(self, score: ScoreTick, piece: TokenPiece) -> None:
        """Append what a piece says to a score that stands under its header."""

    def _symbols(self, columns: Sequence[IntArray]) -> IntArray:
        """Values, one (n_events,) column a field, as symbols; END last where the vocabulary is closed."""
        vocabulary = self.vocabulary
        events = len(columns[0])
        symbols = np.empty(events * vocabulary.n_fields + vocabulary.closed, dtype=np.int64)
        if vocabulary.closed:
            symbols[-1] = vocabulary.end
        table = symbols[: events * vocabulary.n_fields].reshape(events, vocabulary.n_fields)
        for i, (column, field) in enumerate(zip(columns, vocabulary.fields, strict=True)):
            table[:, i] = column + (int(vocabulary.starts[i]) - field.first)
        return symbols

    def columns(self, symbols: IntArray) -> dict[str, IntArray]:
        """The values of complete events before END: one (n_events,) column a field."""
        vocabulary = self.vocabulary
        ends = np.flatnonzero(symbols == vocabulary.end)
        body = symbols[: ends[0]] if len(ends) else symbols
        table = body[: len(body) // vocabulary.n_fields * vocabulary.n_fields].reshape(-1, vocabulary.n_fields)
        _check_fields(vocabulary, table)
        values = vocabulary.values(table)
        return {field.name: values[:, i] for i, field in enumerate(vocabulary.fields)}


def units_of(quarters: int, grid: Grid) -> int:
    """`max_length` in units; raises InvalidParameterError below one quarter note."""
    if quarters < 1:
        raise InvalidParameterError(f"max_length is {quarters} quarter notes; expected 1 or more")
    return quarters * grid.resolution


def left_out(score: ScoreTick, n_parts: int, choices: tuple[str, ...] = ()) -> EncodingLoss:
    """What an encoding of `n_parts` parts, chosen as `choices` say, leaves out of a score from the start."""
    return EncodingLoss(
        parts_left_out=len(sounding_parts(score)) - n_parts,
        key_changes=max(len(score.key_signatures) - 1, 0),
        choices=choices,
    )


def _check_fields(vocabulary: Vocabulary, table: IntArray) -> None:
    wrong = (table < vocabulary.starts[:-1]) | (table >= vocabulary.starts[1:])
    if wrong.any():
        row, column = (int(i) for i in np.argwhere(wrong)[0])
        raise EncodingError(
            f"symbol {int(table[row, column])} stands in event {row} where {vocabulary.fields[column]} is due: "
            "these symbols were made by another encoding"
        )
