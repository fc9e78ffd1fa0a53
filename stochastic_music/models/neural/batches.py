"""Pieces in the order and the portions in which a network reads them.

What a network hears of a corpus is found once (`Material`); moving pieces up and down is arithmetic on it. A *batch* is
some whole pieces of like length, the longest first. It is read in *chunks*, the next symbols of those of its pieces
that have not ended, so that memory does not grow with the length of pieces. The rows of a chunk are the first rows of
the one before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stochastic_music.corpus import TokenCorpus
from stochastic_music.models.neural.transposing import random_shifts, transposed
from stochastic_music.protocols import BoolArray, IntArray

#: symbols of pieces, filled up to the longest, that are listened to side by side
_AT_ONCE = 1 << 16


class Chunk(NamedTuple):
    """The next symbols of the first pieces of a batch.

    `heard` (rows, T, n_columns) is what is known before each symbol, `allowed` (rows, T, n_known) what may come there,
    `target` (rows, T) what comes, numbered as training knows it. `held` (rows, T) tells what counts: symbols of pieces
    that training can know, and not what fills up.
    """

    heard: IntArray
    allowed: BoolArray
    target: IntArray
    held: BoolArray


class Material(NamedTuple):
    """Pieces, and what is known before each of their symbols: `heard` (n, n_columns), aligned with `corpus.symbols`.

    Pieces may be moved wherever training can know them: the alphabet of `corpus` is all that training can know.
    """

    hearing: Any
    corpus: TokenCorpus
    heard: NDArray[np.int32]

    @classmethod
    def of(cls, hearing: Any, corpus: TokenCorpus) -> Self:
        """Listen to a corpus."""
        heard = np.zeros((len(corpus.symbols), len(hearing.sizes)), dtype=np.int32)
        for portion in corpus.portions(_AT_ONCE):
            inside = np.arange(corpus.lengths[portion].max(initial=0)) < corpus.lengths[portion, None]
            heard[_places(corpus, portion)] = hearing.of_corpus(corpus.select(portion))[inside]
        known = corpus.vocabulary.restrict(hearing.symbols)
        return cls(hearing, replace(corpus, vocabulary=known), heard)

    def moved(self, reach: int, rng: np.random.Generator) -> Self:
        """Each piece moved by a random number of semitones, up to `reach` up or down."""
        shifts = random_shifts(self.corpus, reach, rng)
        if not shifts.any():
            return self
        heard = self.hearing.moved(self.heard, shifts[self.corpus.piece]).astype(np.int32)
        return self._replace(corpus=transposed(self.corpus, shifts), heard=heard)

    def batches(self, size: int, rng: np.random.Generator | None = None) -> list[IntArray]:
        """The numbers of the pieces of each batch of up to `size`, empty pieces left out.

        With `rng` batches are made up anew and come in any order; without it the longest pieces come first.
        """
        lengths = self.corpus.lengths
        about = lengths if rng is None else lengths * rng.uniform(0.9, 1.1, len(lengths))
        order = np.argsort(-about, kind="stable")
        order = order[lengths[order] > 0]
        batches = [order[at : at + size] for at in range(0, len(order), size)]
        batches = [batch[np.argsort(-lengths[batch], kind="stable")] for batch in batches]
        return batches if rng is None else [batches[i] for i in rng.permutation(len(batches))]

    def chunks(self, batch: IntArray, length: int, mask: BoolArray | None = None) -> Iterator[Chunk]:
        """A batch, at most `length` symbols of each piece at a time; only what `mask` (n_symbols,) lets is allowed."""
        first, lengths = self.corpus.offsets[batch], self.corpus.lengths[batch]
        for begin in range(0, int(lengths[0]), length):
            live = lengths > begin
            steps = np.arange(begin, min(begin + length, int(lengths[0])))
            held = steps < lengths[live, None]
            at = np.where(held, first[live, None] + steps, first[live, None])
            heard = self.heard[at].astype(np.int64)
            allowed = self.hearing.allowed(heard)
            if mask is not None:
                allowed &= mask[self.hearing.symbols]
            target = self.hearing.place[self.corpus.symbols[at]]
            yield Chunk(heard, allowed, np.maximum(target, 0), held & (target >= 0))


def _places(corpus: TokenCorpus, pieces: IntArray) -> IntArray:
    """Where the symbols of `pieces` stand in the corpus, one piece after the other."""
    spans = [np.arange(corpus.offsets[i], corpus.offsets[i + 1]) for i in pieces]
    return np.concatenate([np.zeros(0, dtype=np.int64), *spans])
