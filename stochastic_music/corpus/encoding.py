"""A corpus of scores as a corpus of integers, and what that lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from stochastic_music._showing import ShowsItself
from stochastic_music.corpus.report import Skipped, counted
from stochastic_music.corpus.token_corpus import TokenCorpus
from stochastic_music.errors import EmptyCorpusError, EncodingError
from stochastic_music.tokens import TokenPiece
from stochastic_music.tokens.loss import EncodingLoss

if TYPE_CHECKING:
    from stochastic_music.corpus.corpus import Corpus
    from stochastic_music.corpus.piece import Piece


@dataclass(frozen=True)
class EncodingReport(ShowsItself):
    """What encoding a corpus lost: `loss` of all pieces together, and the pieces `left_out` altogether."""

    shown_by = "corpora"

    encoding: str
    grid: str
    n_pieces: int
    loss: EncodingLoss
    left_out: tuple[Skipped, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The keys of the command line's `--json`."""
        return {
            "encoding": self.encoding,
            "grid": self.grid,
            "quantisation_error": {"mean": round(self.loss.error_mean, 6), "max": round(self.loss.error_max, 6)},
            "encoding_losses": self.loss.sentences(),
            "pieces_not_encoded": [piece.to_json() for piece in self.left_out],
        }

    def summary(self, *, at_most: int = 10) -> str:
        """The report in words."""
        lines = [
            f"Encoded as {self.encoding}: {counted(self.n_pieces, 'piece')}, {counted(self.loss.n_notes, 'note')}."
        ]
        lines += [f"  {sentence}" for sentence in self.loss.sentences()]
        lines += [f"  not encoded: {piece.in_words()}" for piece in self.left_out[:at_most]]
        if len(self.left_out) > at_most:
            lines.append(f"  ... and {counted(len(self.left_out) - at_most, 'more piece')} not encoded")
        return "\n".join(lines)


def encode_corpus(corpus: Corpus, encoding: Any) -> tuple[TokenCorpus, EncodingReport]:
    """Every piece as symbols. A piece that cannot be encoded is left out and reported.

    Raises EmptyCorpusError where none is left.
    """
    tokens: list[TokenPiece] = []
    names: list[str] = []
    left_out: list[Skipped] = []
    losses: list[EncodingLoss] = []
    for piece in corpus:
        try:
            parts, loss = encode_piece(piece, encoding)
        except EncodingError as error:
            left_out.append(Skipped(piece.name, str(error).rstrip("."), "Another --encoding may take it"))
            continue
        tokens += parts
        names += [piece.name] * len(parts)
        losses.append(loss)
    if not tokens:
        raise EmptyCorpusError(_nothing_encoded(encoding, left_out))
    report = EncodingReport(
        encoding.name, str(getattr(encoding, "grid", "")), len(losses), sum(losses, EncodingLoss()), tuple(left_out)
    )
    return TokenCorpus.from_pieces(tokens, encoding.vocabulary, names=names), report


def encode_piece(piece: Piece, encoding: Any) -> tuple[list[TokenPiece], EncodingLoss]:
    """One piece as symbols; its headers learn its title and how far it was transposed."""
    if hasattr(encoding, "encode_reported"):
        parts, loss = encoding.encode_reported(piece.score)
    else:
        parts, loss = encoding.encode(piece.score), EncodingLoss()
    return [p._replace(header=replace(p.header, title=piece.title, transposed=piece.transposed)) for p in parts], loss


def _none_of(n: int) -> str:
    if n > 1:
        return f"none of {n:,} pieces can"
    return "its only piece cannot" if n else "it has no pieces, so nothing can"


def _nothing_encoded(encoding: Any, left_out: Sequence[Skipped]) -> str:
    first = {(piece.reason, piece.remedy): piece for piece in reversed(left_out)}
    reasons = [f"  {piece.in_words()}" for piece in reversed(first.values())][:5]
    head = f"the corpus encodes to nothing: {_none_of(len(left_out))} be written as {encoding.name}."
    return "\n".join([head, *reasons])
