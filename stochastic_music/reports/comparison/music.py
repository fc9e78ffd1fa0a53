"""What all are given: one split by piece, one encoding, one set of symbols, and headers to compose under."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from stochastic_music import registry
from stochastic_music.corpus import Corpus, EncodingReport, TokenCorpus, encode_corpus
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError
from stochastic_music.protocols import IntArray
from stochastic_music.tokens import Header, TokenPiece

#: fewer pieces cannot be split so that both sides mean something
LEAST_PIECES = 5
#: of more held-out pieces than these only so many are composed against
MOST_COMPOSED = 60


@dataclass(frozen=True, eq=False)
class Music:
    """The two sides of the split as symbols over one alphabet, that of the whole corpus.

    `licences` are one a training piece. `encoding` made the symbols, of pieces transposed as `transpose` says: the
    training side alone is multiplied. `seed` is that of the split, of smaller training sets and of samples of pieces,
    `report` what encoding lost.
    """

    encoding: Any
    transpose: str
    training: TokenCorpus
    test: TokenCorpus
    licences: tuple[str, ...]
    seed: int
    report: EncodingReport

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The training pieces: several rows of symbols may be of one."""
        return tuple(dict.fromkeys(self.training.names))

    def subset(self, n_pieces: int) -> IntArray:
        """The rows of `n_pieces` training pieces; smaller subsets lie in larger ones: (n_rows,)."""
        order = np.random.default_rng([self.seed, 0x53495A45]).permutation(len(self.names))
        chosen = {self.names[i] for i in order[:n_pieces]}
        return np.flatnonzero([name in chosen for name in self.training.names])

    def held_out(self, n: int) -> TokenCorpus:
        """The held-out pieces, or `n` of them where there are more."""
        return _some(self.test, n, self.seed)

    def learned_from(self, n: int) -> TokenCorpus:
        """The training pieces, or `n` of them where there are more, in the keys that held-out pieces are in."""
        multiplied = self.transpose == "all"
        kept = [not (multiplied and header and header.transposed) for header in self.training.headers]
        return _some(self.training.select(np.flatnonzero(kept)), n, self.seed)

    def headers(self, n: int) -> list[Header | None]:
        """What each of `n` new pieces stands under: the headers of held-out pieces, in turn."""
        headers = self.held_out(n).headers
        return [headers[i % len(headers)] for i in range(n)]

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What results depend on: the encoding, and digests of both sides."""
        return {
            "encoding": registry.to_json("encodings", self.encoding),
            "transpose": self.transpose,
            "training": digest(self.training),
            "test": digest(self.test),
            "seed": self.seed,
        }


def music_of(corpus: Corpus, encoding: Any, *, transpose: str, test_size: float, seed: int) -> Music:
    """The corpus, split by piece with variants of a tune on one side, and encoded.

    Raises EmptyCorpusError for a corpus too small to split, and where nothing of one side can be encoded.
    """
    if len(corpus) < LEAST_PIECES:
        pieces = "1 piece" if len(corpus) == 1 else f"{len(corpus)} pieces"
        raise EmptyCorpusError(
            f"there {'is' if len(corpus) == 1 else 'are'} {pieces}: too few to hold some out and learn from the rest. "
            f"Expected {LEAST_PIECES} or more, and some fifty for figures that mean something"
        )
    try:
        train, test = corpus.split(test_size, seed=seed, keep_variants_together=True)
    except InvalidParameterError as error:
        raise EmptyCorpusError(f"{error}: add other tunes") from error
    how = "none" if transpose == "all" else transpose
    training, first = encode_corpus(train.transpose(transpose), encoding)  # type: ignore[arg-type]
    held_out, second = encode_corpus(test.transpose(how), encoding)  # type: ignore[arg-type]
    seen = training.vocabulary.restrict(np.union1d(training.symbols, held_out.symbols))
    licence = dict(zip(corpus.names, (piece.licence for piece in corpus.report.pieces), strict=True))
    licences = tuple(licence.get(name, "") for name in training.names)
    sides = training.with_vocabulary(seen), held_out.with_vocabulary(seen)
    return Music(encoding, transpose, *sides, licences, seed, _together(first, second))


def _together(first: EncodingReport, second: EncodingReport) -> EncodingReport:
    """What encoding both sides lost."""
    left_out = (*first.left_out, *second.left_out)
    return replace(first, n_pieces=first.n_pieces + second.n_pieces, loss=first.loss + second.loss, left_out=left_out)


def pieces_of(corpus: TokenCorpus) -> list[TokenPiece]:
    """The pieces of a corpus, each under its header."""
    return under(corpus, corpus.headers, corpus.vocabulary.resolution)


def under(
    rows: Iterable[Sequence[int] | IntArray], headers: Sequence[Header | None], resolution: int
) -> list[TokenPiece]:
    """Symbols as pieces under their headers; `resolution` is that of a piece which has none."""
    none = Header(max(resolution, 1))
    pairs = zip(rows, headers, strict=True)
    return [TokenPiece(np.asarray(row, dtype=np.int64), header or none) for row, header in pairs]


def _some(corpus: TokenCorpus, n: int, seed: int) -> TokenCorpus:
    """`n` pieces of a corpus, in its order; all where there are no more."""
    if n >= len(corpus):
        return corpus
    return corpus.select(np.sort(np.random.default_rng([seed, 0x534F4D45]).permutation(len(corpus))[:n]))


def digest(corpus: TokenCorpus) -> str:
    """SHA-256 of symbols, pieces, headers and vocabulary."""
    headers = [header and asdict(header) for header in corpus.headers]
    told = json.dumps([corpus.vocabulary.to_json(), headers], sort_keys=True, default=str)
    parts = (corpus.symbols.astype("<i8").tobytes(), corpus.offsets.astype("<i8").tobytes(), told.encode())
    return hashlib.sha256(b"".join(parts)).hexdigest()
