"""An encoding that moves each piece to another key first: what `Corpus.transpose` does, in the processes that read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from stochastic_music.corpus._tasks import encode_each, named
from stochastic_music.corpus.ingest import Recipe, recipe
from stochastic_music.corpus.transposition import ALL_STEPS
from stochastic_music.errors import EncodingError, InvalidParameterError
from stochastic_music.io import LoadedScore
from stochastic_music.music import keys
from stochastic_music.music.notes import NoteTable, gather
from stochastic_music.tokens import TokenPiece

if TYPE_CHECKING:
    from symusic.core import ScoreTick

Transpose = Literal["none", "common", "all"]


class Transposed:
    """`encoding`, a recipe, of pieces moved to a common key or to all twelve; headers tell by how many semitones."""

    def __init__(self, encoding: Recipe, how: Transpose) -> None:
        self._encoding = named(encoding[0])(**encoding[1])
        self._how = how

    def encode_many(self, scores: Sequence[ScoreTick], table: NoteTable) -> list[list[TokenPiece] | EncodingError]:  # noqa: ARG002 - the notes move
        """The pieces of each score, in all its keys; an error where none of them can be encoded."""
        steps = [self._steps(score) for score in scores]
        moved = [keys.transpose(score, n) for score, own in zip(scores, steps, strict=True) for n in own]
        coded = iter(encode_each(self._encoding, [LoadedScore(score) for score in moved], gather(moved)))
        return [_together([(n, next(coded)) for n in own]) for own in steps]

    def _steps(self, score: ScoreTick) -> Sequence[int]:
        return ALL_STEPS if self._how == "all" else [keys.semitones_to_common(keys.key_of(score).key)]


def recipe_for(encoding: Any, how: Transpose) -> Recipe:
    """How a worker makes `encoding`, which must be importable by name, and moves pieces before it.

    Raises InvalidParameterError for another `how` than "none", "common" (C major, A minor) and "all" (twelve keys).
    """
    if how not in ("none", "common", "all"):
        raise InvalidParameterError(f"transpose is '{how}'; expected 'common', 'none' or 'all'")
    kind = recipe(encoding)
    return kind if how == "none" else (f"{__name__}:{Transposed.__qualname__}", {"encoding": kind, "how": how})


def _together(coded: Sequence[tuple[int, list[TokenPiece] | EncodingError]]) -> list[TokenPiece] | EncodingError:
    """The copies of one score as one list of pieces."""
    pieces = [
        piece._replace(header=replace(piece.header, transposed=n))
        for n, found in coded
        if not isinstance(found, EncodingError)
        for piece in found
    ]
    errors = [found for _, found in coded if isinstance(found, EncodingError)]
    return pieces or errors[0]
