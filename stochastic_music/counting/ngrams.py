"""Counting n-grams of all orders at once, in parts, under a limit on memory.

The longest windows are packed into integers (`packing`), sorted part by part (`chunks`) and added up (`tallier`). One
pass over the sorted table then gives the windows that are shorter by their oldest symbol, and so on down to single
symbols (`levels`): each symbol of the corpus ends one window of every length, and those that reach back before their
piece hold `BEFORE` there, so no pass loses any. What comes out does not depend on parts, workers or back end: equal
corpora give equal bytes.

    numpy   parts are sorted in threads, one a core, or as tasks on an executor
    cupy    parts are packed and sorted on the GPU, and added up here
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
    tasks on `executor`, in threads where there is none. Nothing of this shows in the result.

    Raises VocabularyError for a symbol outside the vocabulary, or vocabularies of two sizes; InvalidParameterError for
    an order outside 1 to 8, or a limit too low to work in; MachineError where the disk is full, or without a GPU that
    `backend` asks for.

        >>> counts = count_ngrams(np.array([0, 1, 0, 1, 1]), 2)
        >>> counts.most_common(2)
        [((0, 1), 2), ((1, 0), 1), ((1, 1), 1)]
    """
    if memory is not None and memory < 2 * LEAST:
        raise InvalidParameterError(f"cannot count in {memory} bytes of memory: give {2 * LEAST} (8 MB) or more")
    packing = Packing(_n_values(tokens) if n_values is None else n_values, order)
    space = Space(memory, order, None if folder is None else Path(folder))
    backend = chosen(backend, ("cupy", "numpy"))
    parts = _parts(tokens)
    found: list[Tally] = []
    for length in packing.lengths:
        cut = partial(chunks, parts, packing, length, [table.keys for table in found])
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


def _parts(tokens: Tokens) -> list[Part]:
    if isinstance(tokens, np.ndarray):
        return [Part(tokens, np.zeros(1, dtype=np.int64))]
    corpora = [tokens] if isinstance(tokens, TokenCorpus) else tokens
    parts, at = [], 0
    for corpus in corpora:
        parts.append(Part(corpus.symbols, corpus.offsets[:-1], at))
        at += len(corpus.symbols)
    return parts


def _n_values(tokens: Tokens) -> int:
    """How many symbols there may be; raises VocabularyError where corpora do not agree."""
    if isinstance(tokens, np.ndarray):
        return max(1, int(tokens.max(initial=0)) + 1)
    sizes = {corpus.n_symbols for corpus in ([tokens] if isinstance(tokens, TokenCorpus) else tokens)}
    if len(sizes) > 1:
        raise VocabularyError(f"vocabularies of {sorted(sizes)} symbols: expected one for all parts of a corpus")
    return max(sizes, default=1)
