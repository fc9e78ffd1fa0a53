"""Which training pieces are held back, to see when training has to stop.

A network that knows a variant of a tune from training would stop too late if it were watched by that tune. So pieces
of one name (a score's parts, a piece in several keys) stay on one side, and so do pieces that share half of their runs
of eight intervals (`corpus.variants`). Music without pitches is told apart by names alone.
"""

from __future__ import annotations

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.corpus.facts import Runs, interval_runs
from stochastic_music.corpus.variants import components, find_variants
from stochastic_music.errors import EmptyCorpusError
from stochastic_music.models.neural.transposing import pitch_ids
from stochastic_music.protocols import IntArray

#: fewer pieces leave none to hold back
FEWEST = 8


def held_out(corpus: TokenCorpus, share: float, seed: int) -> tuple[TokenCorpus, TokenCorpus | None]:
    """Pieces to learn from, and a share of them to know when to stop: None where there are too few."""
    if share == 0 or len(set(corpus.names)) < FEWEST:
        return corpus, None
    kept, held_back = divided(corpus, seed=seed, share=share)
    return (corpus, None) if len(kept) == len(corpus) else (kept, held_back)


def divided(corpus: TokenCorpus, *, seed: int = 0, share: float = 0.1) -> tuple[TokenCorpus, TokenCorpus]:
    """Training and validation pieces, each in corpus order: a function of the corpus, the seed and the share.

    At least one piece that holds symbols is held back, and one is left to learn from. Where there is but one tune, it
    is on both sides: then nothing tells when to stop but the number of epochs. Raises EmptyCorpusError for a corpus
    without symbols.

    >>> from stochastic_music.tokens import Vocabulary
    >>> toy = TokenCorpus.from_sequences([[0, 1], [1], [1, 0]], Vocabulary.plain(2))
    >>> tuple(side.names for side in divided(toy, seed=1))
    (('1', '2'), ('0',))
    """
    tunes, lengths = _tunes(corpus), corpus.lengths
    sizes = np.bincount(tunes, lengths > 0, minlength=1).astype(np.int64)
    order = np.random.default_rng(seed).permutation(np.flatnonzero(sizes))
    if not len(order):
        raise EmptyCorpusError("there is nothing to learn from: the pieces hold no symbols")
    if len(order) == 1:
        return corpus, corpus
    held_back = np.isin(tunes, _chosen(order, sizes, max(1, round(share * int(sizes.sum())))))
    return corpus.select(np.flatnonzero(~held_back)), corpus.select(np.flatnonzero(held_back))


def _chosen(order: IntArray, sizes: IntArray, wanted: int) -> list[int]:
    """Of the tunes in `order` the first that together have up to `wanted` pieces, or the smallest of them."""
    chosen: list[int] = []
    for tune in order.tolist():
        if sizes[tune] <= wanted:
            chosen.append(tune)
            wanted -= int(sizes[tune])
    return chosen or [int(order[sizes[order].argmin()])]


def _tunes(corpus: TokenCorpus) -> IntArray:
    """A number for each piece, equal for those of one name and for variants: (n_pieces,)."""
    _, first, named = np.unique(corpus.names, return_index=True, return_inverse=True)
    pairs = [*enumerate(first[named].tolist())]
    pairs += [(group[0], other) for group in find_variants(_runs(corpus)) for other in group[1:]]
    return components(len(corpus), np.array(pairs, dtype=np.int64).reshape(-1, 2))


def _runs(corpus: TokenCorpus) -> list[Runs]:
    """The runs of intervals of each piece's first line."""
    vocabulary, pitches = corpus.vocabulary, pitch_ids(corpus.vocabulary)
    first_line = vocabulary.field_of(np.flatnonzero(pitches)[:1])
    at = np.flatnonzero(pitches[corpus.symbols] & np.isin(vocabulary.field_of(corpus.symbols), first_line))
    return interval_runs(corpus.piece[at], vocabulary.values(corpus.symbols[at]), len(corpus))
