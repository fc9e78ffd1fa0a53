"""A piece of music and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from stochastic_music import io
from stochastic_music._showing import ShowsItself
from stochastic_music.music import keys

if TYPE_CHECKING:
    from symusic.core import ScoreTick


@dataclass(frozen=True)
class Piece(ShowsItself):
    """A score with its origin.

    `source` is the file (inside its folder) or corpus it comes from, `tune` tells the pieces of one file apart, and
    `transposed` how many semitones it was moved from where it was printed.
    """

    shown_by = "scores"

    score: ScoreTick
    source: str = ""
    tune: str = ""
    title: str = ""
    licence: str = ""
    transposed: int = 0

    @property
    def name(self) -> str:
        """What tells this piece from every other: `kinder0.abc#12`."""
        return full_name(self.source, self.tune)


class HeldPiece(NamedTuple):
    """A piece as a corpus keeps it: its score as bytes (`io.score_to_bytes`), read when asked for."""

    data: bytes
    source: str = ""
    tune: str = ""
    title: str = ""
    licence: str = ""
    transposed: int = 0

    @property
    def name(self) -> str:
        """As of `Piece`."""
        return full_name(self.source, self.tune)

    def open(self) -> Piece:
        """The piece with a score of its own."""
        score = keys.transpose(io.score_from_bytes(self.data), self.transposed)
        return Piece(score, self.source, self.tune, self.title, self.licence, self.transposed)


def full_name(source: str, tune: str) -> str:
    """The name of a piece.

    >>> full_name("kinder0.abc", "12"), full_name("a.mid", "")
    ('kinder0.abc#12', 'a.mid')
    """
    return f"{source}#{tune}" if tune else source
