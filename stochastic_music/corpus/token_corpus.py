"""Pieces as integers: ragged sequences over one vocabulary, with their headers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from stochastic_music._showing import ShowsItself
from stochastic_music.errors import VocabularyError
from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.tokens import Header, TokenPiece, Vocabulary


@dataclass(frozen=True, eq=False)
class TokenCorpus(ShowsItself):
    """Ragged symbols: piece i is `symbols[offsets[i] : offsets[i + 1]]`.

    `symbols` is (n,) int64, `offsets` (n_pieces + 1,), `headers` and `names` one a piece; END is
    part of each piece where the vocabulary is closed.

        >>> toy = TokenCorpus.from_sequences([[0, 1, 0], [1]], Vocabulary.plain(2))
        >>> len(toy), toy[1].tolist(), toy.n_events
        (2, [1, 2], 4)
    """

    shown_by = "corpora"

    vocabulary: Vocabulary
    symbols: IntArray
    offsets: IntArray
    headers: tuple[Header | None, ...]
    names: tuple[str, ...]

    @classmethod
    def from_sequences(
        cls,
        sequences: Sequence[Sequence[int] | IntArray],
        vocabulary: Vocabulary,
        *,
        headers: Sequence[Header | None] | None = None,
        names: Sequence[str] | None = None,
    ) -> Self:
        """Sequences without END, which is added where the vocabulary is closed.

        Raises VocabularyError for a symbol outside the alphabet.
        """
        tail = [vocabulary.end] if vocabulary.closed else []
        rows = [np.concatenate([np.asarray(s, dtype=np.int64), np.array(tail, dtype=np.int64)]) for s in sequences]
        return cls._from_rows(rows, vocabulary, headers, names)

    @classmethod
    def from_pieces(
        cls, pieces: Sequence[TokenPiece], vocabulary: Vocabulary, *, names: Sequence[str] | None = None
    ) -> Self:
        """What an encoding gave; the symbols hold END already where the vocabulary is closed."""
        return cls._from_rows([p.symbols for p in pieces], vocabulary, [p.header for p in pieces], names)

    @classmethod
    def together(cls, parts: Sequence[TokenCorpus]) -> Self:
        """The pieces of all `parts`, one at least, which are over one vocabulary."""
        return cls(
            parts[0].vocabulary,
            np.concatenate([part.symbols for part in parts]),
            np.concatenate([[0], np.cumsum(np.concatenate([part.lengths for part in parts]))]),
            tuple(header for part in parts for header in part.headers),
            tuple(name for part in parts for name in part.names),
        )

    @classmethod
    def _from_rows(
        cls,
        rows: Sequence[IntArray],
        vocabulary: Vocabulary,
        headers: Sequence[Header | None] | None,
        names: Sequence[str] | None,
    ) -> Self:
        offsets = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
        symbols = np.concatenate([np.zeros(0, dtype=np.int64), *rows], dtype=np.int64)
        vocabulary.check(symbols)
        return cls(
            vocabulary,
            symbols,
            offsets,
            tuple(headers) if headers is not None else (None,) * len(rows),
            tuple(names) if names is not None else tuple(str(i) for i in range(len(rows))),
        )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> IntArray:
        return self.symbols[self.offsets[index] : self.offsets[index + 1]]

    def __iter__(self) -> Iterator[IntArray]:
        return (self[i] for i in range(len(self)))

    def __add__(self, other: TokenCorpus) -> TokenCorpus:
        """The pieces of both; raises VocabularyError, naming the first difference, where vocabularies differ."""
        return TokenCorpus(
            self.vocabulary.union(other.vocabulary),
            np.concatenate([self.symbols, other.symbols]),
            np.concatenate([self.offsets, other.offsets[1:] + self.offsets[-1]]),
            self.headers + other.headers,
            self.names + other.names,
        )

    @property
    def n_symbols(self) -> int:
        """All ids of the vocabulary, END included."""
        return self.vocabulary.n_symbols

    @cached_property
    def n_events(self) -> int:
        """Complete events, END not counted."""
        return int((self.symbols != self.vocabulary.end).sum()) // self.vocabulary.n_fields

    @property
    def lengths(self) -> IntArray:
        """Symbols in each piece, END included: (n_pieces,)."""
        return np.diff(self.offsets)

    @property
    def piece(self) -> IntArray:
        """The number of the piece that each symbol stands in, aligned with `symbols`."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def sums(self, values: FloatArray | BoolArray) -> FloatArray:
        """The sum of values, aligned with `symbols`, over each piece: (n_pieces,); a piece may be empty.

        >>> corpus = TokenCorpus.from_sequences([[0, 1, 1], [], [1]], Vocabulary.plain(2, closed=False))
        >>> corpus.sums(corpus.symbols == 1).tolist()
        [2.0, 0.0, 1.0]
        """
        return np.bincount(self.piece, values, minlength=len(self)).astype(np.float64)

    def padded(self) -> IntArray:
        """All pieces as one (n_pieces, longest) array, filled up with END."""
        lengths = self.lengths
        out = np.full((len(self), int(lengths.max(initial=0))), self.vocabulary.end, dtype=np.int64)
        out[np.arange(out.shape[1]) < lengths[:, None]] = self.symbols
        return out

    def portions(self, n_symbols: int) -> Iterator[IntArray]:
        """The numbers of all pieces, the longest first, in portions that can be read side by side.

        A portion holds up to `n_symbols` symbols, its pieces filled up to its longest, or it is one piece.

            >>> corpus = TokenCorpus.from_sequences([[0], [0, 1, 0], [1, 1]], Vocabulary.plain(2, closed=False))
            >>> [portion.tolist() for portion in corpus.portions(4)] == [[1], [2, 0]]
            True
        """
        lengths = self.lengths
        left = np.argsort(-lengths, kind="stable")
        while len(left):
            n = max(1, n_symbols // max(int(lengths[left[0]]), 1))
            yield left[:n]
            left = left[n:]

    def select(self, indices: Sequence[int] | IntArray) -> TokenCorpus:
        """The pieces at `indices`, in that order."""
        chosen = [int(i) for i in indices]
        return self._from_rows(
            [self[i] for i in chosen],
            self.vocabulary,
            [self.headers[i] for i in chosen],
            [self.names[i] for i in chosen],
        )

    def seen(self) -> TokenCorpus:
        """The same pieces, the vocabulary restricted to the symbols that occur in them."""
        return replace(self, vocabulary=self.vocabulary.restrict(np.unique(self.symbols)))

    def giving(self, *names: str) -> TokenCorpus:
        """The same pieces under headers that give the values of these fields from beginning to end (`Header.given`).

        Headers that give them already stay as they are. Raises VocabularyError for a field that events do not have.

            >>> from stochastic_music.tokens import Field
            >>> duet = Vocabulary((Field("voice1", 3), Field("voice2", 3)), closed=False)
            >>> TokenCorpus.from_sequences([[2, 3, 1, 4]], duet).giving("voice1").headers[0].given
            (('voice1', (2, 1)),)
        """
        return replace(self, headers=tuple(self._header_giving(i, names) for i in range(len(self))))

    def _header_giving(self, index: int, names: Sequence[str]) -> Header:
        vocabulary, row = self.vocabulary, self[index]
        header = self.headers[index] or Header(max(vocabulary.resolution, 1))
        known = dict(header.given)
        values = vocabulary.values(row[row != vocabulary.end])
        for name in names:
            known.setdefault(name, tuple(values[vocabulary.place(name) :: vocabulary.n_fields].tolist()))
        return replace(header, given=tuple(known.items()))

    def with_vocabulary(self, vocabulary: Vocabulary) -> TokenCorpus:
        """The same pieces under another alphabet of the same declaration; raises VocabularyError where they differ."""
        reason = replace(self.vocabulary, closed=vocabulary.closed).difference(vocabulary)
        if reason:
            raise VocabularyError(f"this corpus does not fit the vocabulary: {reason}")
        if self.vocabulary.closed == vocabulary.closed:
            vocabulary.check(self.symbols)
            return replace(self, vocabulary=vocabulary)
        if vocabulary.closed:
            raise VocabularyError("pieces without END do not fit a vocabulary that closes them")
        rows = [row[row != self.vocabulary.end] for row in self]
        return self._from_rows(rows, vocabulary, self.headers, self.names)
