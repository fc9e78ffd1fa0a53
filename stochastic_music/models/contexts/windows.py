"""Contexts of a corpus by sorting, where a context and what follows it fit into 64 bits: one field an event, no marks.

A *window* is a context with the symbol that followed, packed as latest, second latest, ..., oldest, symbol. So
contexts come in the order in which they are numbered, and their entries by symbol. The longest windows are sorted and
counted; shorter ones are what is left of these without their oldest element, and the windows that begin a piece, which
have no longer ones: these have keys of their own, below those of longer windows. START is always the oldest element.

Counts add: windows of several corpora, tallied apart and merged, are those of all their pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.counting import Tally
from stochastic_music.counting.tally import Keys, lengths_between, run_starts, summed
from stochastic_music.models.contexts.linking import assemble
from stochastic_music.models.contexts.packing import base_of, joined
from stochastic_music.models.contexts.table import Contexts
from stochastic_music.protocols import IntArray
from stochastic_music.tokens import Vocabulary

_NO_MARKS = np.zeros(0, dtype=np.int64)


def fit_into_words(vocabulary: Vocabulary, order: int) -> bool:
    """Whether contexts of up to `order` events, and what follows them, fit into 64 bits.

    >>> fit_into_words(Vocabulary.plain(400), 4), fit_into_words(Vocabulary.plain(400), 8)
    (True, False)
    """
    small = _first_keys(base_of(vocabulary.n_symbols, _NO_MARKS), order + 1)[-1] <= 2**64
    return vocabulary.n_fields == 1 and not vocabulary.clock.ticks and small


def _first_keys(base: int, order: int) -> list[int]:
    """Where the keys of windows begin, for contexts of length 0 .. `order`; only those of order 0 have length 0.

    >>> _first_keys(10, 3)
    [0, 0, 100, 1100]
    """
    return [0, *accumulate((base ** (length + 1) for length in range(1, order)), initial=0)][: order + 1]


def end_is_last(corpus: TokenCorpus) -> bool:
    """Whether nothing follows END in any piece: after it nothing is due."""
    ends = np.flatnonzero(corpus.symbols == corpus.vocabulary.end) + 1
    return bool(np.isin(ends, corpus.offsets).all())


def windows(corpus: TokenCorpus, order: int) -> Keys:
    """The windows of `corpus` that are part of no longer one, in any order; of contexts of up to `order` elements."""
    base = base_of(corpus.n_symbols, _NO_MARKS)
    starts, lengths = corpus.offsets[:-1] + np.arange(len(corpus)), corpus.lengths
    element = np.full(len(corpus.symbols) + len(corpus), corpus.n_symbols, dtype=np.uint64)
    within = np.ones(len(element), dtype=np.bool_)
    within[starts] = False
    element[within] = corpus.symbols
    keys = [_packed(element, starts[lengths >= length] + length, length, base) for length in range(1, order)]
    for distance in range(1, order):
        within[np.minimum(starts + distance, len(element) - 1)] = False
    keys.append(_all_packed(element, order, base)[within[order:]])
    for key, first in zip(reversed(keys), reversed(_first_keys(base, order)), strict=False):
        np.add(key, np.uint64(first), out=key)
    return np.concatenate(keys)


def _packed(element: Keys, at: IntArray, length: int, base: int) -> Keys:
    """The windows of so many elements before each of `at`: (n,)."""
    key = np.zeros(len(at), dtype=np.uint64)
    for back in (*range(1, length + 1), 0):
        key = key * np.uint64(base) + element[at - back]
    return key


def _all_packed(element: Keys, length: int, base: int) -> Keys:
    """The same at every place that has so many before it."""
    n = max(len(element) - length, 0)
    key = np.zeros(n, dtype=np.uint64)
    for back in (*range(1, length + 1), 0):
        key *= np.uint64(base)
        key += element[length - back : length - back + n]
    return key


def grow_from(tally: Tally, order: int, vocabulary: Vocabulary) -> Contexts:
    """The contexts of the corpora whose `windows` were tallied."""
    base = np.uint64(base_of(vocabulary.n_symbols, _NO_MARKS))
    families, keys, bounds = [], [], [0, vocabulary.n_fields + 1]
    counted = _of_all_lengths(_of_each_length(tally, order, int(base)), base)
    first, longer = 0, np.zeros(1, dtype=np.int64)  # the contexts that some are longer than
    for length, (key, _) in enumerate(counted):
        code, element = np.divmod(key, base)
        begins = run_starts(code)
        if length:
            parent, oldest = np.divmod(code[begins], base)
            number = np.repeat(longer, lengths_between(run_starts(parent), len(parent)))
            families.append(number * np.int64(base) + oldest.astype(np.int64))
            first = bounds[-1]
            bounds.append(first + len(begins))
            longer = first + np.flatnonzero(oldest != vocabulary.n_symbols)
        context = np.repeat(np.arange(first, first + len(begins)), lengths_between(begins, len(code)))
        keys.append(context * np.int64(base) + element.astype(np.int64))
    lengths = np.array([*bounds, bounds[-1]])
    counts = joined([part.counts for part in counted])
    return assemble(vocabulary, _NO_MARKS, order > 0, joined(families), lengths, joined(keys), counts)


def _of_each_length(tally: Tally, order: int, base: int) -> list[Tally]:
    """The windows tallied that have contexts of length 0 .. `order`, apart."""
    firsts = np.array(_first_keys(base, order), dtype=np.uint64)
    ends = [*np.searchsorted(tally.keys, firsts).tolist(), len(tally.keys)]
    parts = zip(firsts, pairwise(ends), strict=True)
    return [Tally(tally.keys[begin:end] - first, tally.counts[begin:end]) for first, (begin, end) in parts]


def _of_all_lengths(tallies: Sequence[Tally], base: np.uint64) -> list[Tally]:
    """All windows of each length, from the shortest to the longest that there are."""
    whole = [tallies[-1]]
    for own in reversed(tallies[:-1]):
        code, element = np.divmod(whole[-1].keys, base)
        shorter = code // base * base + element
        keys, counts = np.concatenate([shorter, own.keys]), np.concatenate([whole[-1].counts, own.counts])
        whole.append(summed(keys, counts))
    return [part for part in reversed(whole) if len(part.keys)]
