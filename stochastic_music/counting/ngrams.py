"""Counting n-grams of all orders at once, in parts, under a limit on memory.

The longest windows are packed into integers (`packing`), sorted part by part (`chunks`) and added up (`tallier`). One
pass over the sorted table then gives the windows that are shorter by their oldest symbol, and so on down to single
symbols (`levels`): each symbol of the corpus ends one window of every length, and those that reach back before their
piece hold `BEFORE` there, so no pass loses any. What comes out does not depend on parts, workers or back end: equal
corpora give equal bytes.

    numpy   parts are sorted in threads, one a core, or as tasks on an executor, which "auto" leaves them to
    cupy    parts are packed and sorted on the GPU, and added up here

Numba has no part in it: sorting takes most of the time, and `numpy.sort` is vectorised.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochastic_music._backends import chosen
from stochastic_music._parallel import mapped, window_of
from stochastic_music.corpus import TokenCorpus
from stochastic_music.counting.chunks import Chunk, Part, chunks, tallied, tallying
from stochastic_music.counting.levels import Space, tables
from stochastic_music.counting.packing import Packing
from stochastic_music.counting.table import NGramCounts
from stochastic_music.counting.tallier import LEAST, Tallier
from stochastic_music.counting.tally import Tally
from stochastic_music.errors import InvalidParameterError, VocabularyError

Tokens = TokenCorpus | Sequence[TokenCorpus] | NDArray[np.integer[Any]]


def count_ngrams(
    tokens: Tokens,
    order: int,
    *,
    n_values: int | None = None,
    memory: int | None = None,
    folder: str | Path | None = None,
    backend: str = "auto",
    executor: Executor | None = None,
) -> NGramCounts:
    """The n-grams of orders 1 to `order`, at most 8, and how often each occurs; none crosses the end of a piece.

    `tokens` is a TokenCorpus, several over one vocabulary (the shards of a store), or one piece as an array (n,).
    Symbols are those below `n_values`: by default all of the vocabulary, or up to the highest of the array.

    With `memory`, in bytes, counting takes no more, beyond `tokens` themselves; what outgrows it goes to disk in
    `folder` (the system's temporary one), and the tables that come back are mapped from there. Chunks are counted as
    tasks on `executor`, in threads where there is none. Nothing of this shows in the result. Where windows do not fit
    into 64 bits, tables of shorter ones are looked into: the pages of those on disk that the system keeps in memory
    come on top of the limit.

    Raises VocabularyError for a symbol outside the vocabulary, or vocabularies of two sizes; InvalidParameterError for
    an order outside 1 to 8, or a limit too low to work in; MachineError where the disk is full, or without a GPU that
    `backend` asks for.

        >>> counts = count_ngrams(np.array([0, 1, 0, 1, 1]), 2)
        >>> counts.most_common(2)
        [((0, 1), 2), ((1, 0), 1), ((1, 1), 1)]
    """
    if memory is not None and memory < 2 * LEAST:
        raise InvalidParameterError(f"cannot count in {memory} bytes of memory: give {2 * LEAST} (8 MB) or more")
    corpora = _Corpora(tokens, n_values)
    packing = Packing(corpora.n_values, order)
    space = Space(memory, order, None if folder is None else Path(folder))
    backend = chosen("numpy" if executor and backend == "auto" else backend, ("cupy", "numpy"))
    found: list[Tally] = []
    for length in packing.lengths:
        cut = partial(chunks, corpora, packing, length, [table.keys for table in found])
        with Tallier(memory and memory // 2, folder) as tallier:
            for counted in _here(cut, space) if found else _counted(cut, space, backend, executor):
                tallier.add(*counted)
            found += tables(tallier.ranges(), length - len(found), packing.bits, space)
    return NGramCounts(packing, found)


def _counted(
    cut: Callable[[int], Iterator[Chunk]], space: Space, backend: str, executor: Executor | None
) -> Iterator[Tally]:
    """The tallies of the chunks of a corpus, which `cut` gives for a size."""
    if backend == "cupy":
        return map(tallying(backend), cut(space.chunk(1, 1)))
    if executor is not None:
        return mapped(tallied, cut(space.chunk(0, window_of(executor))), executor)
    return _here(cut, space)


def _here(cut: Callable[[int], Iterator[Chunk]], space: Space) -> Iterator[Tally]:
    """The same in threads: windows too long to be packed whole are numbered in tables that no task should carry."""
    n_threads = os.cpu_count() or 1
    with ThreadPoolExecutor(n_threads) as threads:
        yield from mapped(tallied, cut(space.chunk(n_threads, n_threads + 1)), threads, window=n_threads + 1)


class _Corpora:
    """The parts of a corpus, each asked for when it is due: those of a store are read then, and let go."""

    def __init__(self, tokens: Tokens, n_values: int | None) -> None:
        self._tokens: Sequence[TokenCorpus | NDArray[Any]]
        self._tokens = [tokens] if isinstance(tokens, (TokenCorpus, np.ndarray)) else tokens
        self._same = n_values is None
        self.n_values = _n_values(self._tokens[0]) if n_values is None and len(self._tokens) else n_values or 1

    def __iter__(self) -> Iterator[Part]:
        """The parts; raises VocabularyError for one over another number of symbols than the first."""
        at = 0
        for part in self._tokens:
            if self._same and _n_values(part) != self.n_values:
                raise VocabularyError(
                    f"vocabularies of {self.n_values} and {_n_values(part)} symbols: expected one for all parts"
                )
            symbols = part if isinstance(part, np.ndarray) else part.symbols
            yield Part(symbols, np.zeros(1, np.int64) if isinstance(part, np.ndarray) else part.offsets[:-1], at)
            at += len(symbols)


def _n_values(part: TokenCorpus | NDArray[Any]) -> int:
    return part.n_symbols if isinstance(part, TokenCorpus) else max(1, int(part.max(initial=0)) + 1)
