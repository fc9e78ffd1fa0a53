"""Contexts of a corpus that comes in parts, counted under a limit on memory.

    windows   slices of the parts are counted one after another, or by an executor; their tallies are merged
    streams   where windows do not fit into 64 bits: slices are read, or by an executor, into scratch files, and then
              counted length by length, here

Slices are some pieces each, few enough that what is made of them takes a share of the memory; a piece is not cut. The
contexts are those of the whole corpus, to the bit, whatever the parts, the slices and the workers. What was counted is
put together in memory, so that the limit cannot be less than the model needs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from functools import reduce
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochastic_music._parallel import mapped, window_of
from stochastic_music.corpus import TokenCorpus
from stochastic_music.counting import Tallier, Tally, tally
from stochastic_music.counting.tallier import LEAST
from stochastic_music.models.contexts.growing import PER_ENTRY, grow, too_little
from stochastic_music.models.contexts.packing import renamed
from stochastic_music.models.contexts.stream import Stream, listen, read
from stochastic_music.models.contexts.table import Contexts
from stochastic_music.models.contexts.windows import end_is_last, fit_into_words, grow_from, windows
from stochastic_music.protocols import IntArray

#: bytes that counting takes for a symbol of a slice, and bytes for one window of a model that is put together
_PER_SYMBOL, _PER_WINDOW = 128, 400
#: bytes below which nothing is counted: two talliers have a quarter each
_LEAST = 4 * LEAST
#: symbols of a slice where there is no limit; it also bounds what an executor's tasks carry
_SLICE = 1 << 22


def grow_parts(
    parts: Sequence[TokenCorpus], order: int, *, memory: int | None = None, executor: Executor | None = None
) -> Contexts:
    """The contexts of all `parts`, of `order` events, counted in `memory` bytes (None: any).

    Raises UsageError where the memory is too little, saying how much is enough.
    """
    check_memory(parts, order, memory)
    vocabulary = parts[0].vocabulary
    size = _SLICE if memory is None else min(_SLICE, memory // 4 // _PER_SYMBOL)
    if executor is not None:  # results wait in memory for their turn
        size = max(1, size // (window_of(executor) // 4))
    pieces = (piece for part in parts for piece in slices(part, size))
    if not _all_fit_into_words(parts, order):
        return _grow_streams(pieces, order, memory, executor)
    with Tallier(memory and memory // 2) as tallier:
        for found in mapped(_tallied, ((piece, order) for piece in pieces), executor):
            tallier.add(*found)
        counted = tallier.finish()
    needed = len(counted.keys) * _PER_WINDOW
    if memory is not None and memory < needed:
        raise too_little(memory, needed, needed)
    return grow_from(counted, order, vocabulary)


def check_memory(parts: Sequence[TokenCorpus], order: int, memory: int | None) -> None:
    """Raise UsageError for a limit that nothing can be counted in: known before anything is."""
    if memory is not None and memory < _LEAST and len(parts):
        raise too_little(memory, _LEAST, max(_LEAST, _at_most(parts, order)))


def _at_most(parts: Sequence[TokenCorpus], order: int) -> int:
    """Bytes that the model takes at most: where no two windows, or entries of contexts of a length, are equal."""
    n_symbols, vocabulary = sum(len(part.symbols) for part in parts), parts[0].vocabulary
    if _all_fit_into_words(parts, order):
        return n_symbols * _PER_WINDOW
    ticks = int(vocabulary.clock.ticks)
    event = vocabulary.n_fields + ticks
    return n_symbols * (1 + ticks) * ((order + 1) * event + 1) * PER_ENTRY


def _all_fit_into_words(parts: Sequence[TokenCorpus], order: int) -> bool:
    return fit_into_words(parts[0].vocabulary, order) and all(map(end_is_last, parts))


def slices(corpus: TokenCorpus, size: int) -> Iterator[TokenCorpus]:
    """Some pieces after others, as views: together `size` symbols at most, or one piece that is longer."""
    first = 0
    while first < len(corpus):
        last = int(np.searchsorted(corpus.offsets, corpus.offsets[first] + size, side="right")) - 1
        last = min(max(last, first + 1), len(corpus))
        begin, end = corpus.offsets[first], corpus.offsets[last]
        names, headers = corpus.names[first:last], corpus.headers[first:last]
        offsets = corpus.offsets[first : last + 1] - begin
        yield TokenCorpus(corpus.vocabulary, corpus.symbols[begin:end], offsets, headers, names)
        first = last


def _tallied(task: tuple[TokenCorpus, int]) -> Tally:
    return tally(windows(*task))


def _grow_streams(pieces: Iterator[TokenCorpus], order: int, memory: int | None, executor: Executor | None) -> Contexts:
    first = next(pieces)
    vocabulary = first.vocabulary
    tasks = ((piece, order) for piece in chain([first], pieces))
    found = [(_on_disk(stream) if memory else stream, marks) for stream, marks in mapped(_streamed, tasks, executor)]
    marks = reduce(np.union1d, (own for _, own in found))
    for stream, own in found:
        stream.element[:] = renamed(stream.element, own, marks, vocabulary.n_symbols)
    return grow([stream for stream, _ in found], vocabulary, marks, memory=memory)


def _streamed(task: tuple[TokenCorpus, int]) -> tuple[Stream, IntArray]:
    """The stream of a corpus, and its marks."""
    corpus, order = task
    heard = listen(corpus)
    marks = np.unique(heard.mark[heard.mark >= 0])
    return read(corpus, heard, marks, order), marks


def _on_disk(stream: Stream) -> Stream:
    """The stream in scratch files that have no name, but for `place`, which counting does not need."""
    element, present, depth = (_scratch(array, np.int32) for array in (stream.element, stream.present, stream.depth))
    return Stream(element, _scratch(stream.due, np.int64), present, depth, stream.place[:0], stream.leads)


def _scratch(array: IntArray, kind: type[np.signedinteger[Any]]) -> NDArray[Any]:
    with tempfile.TemporaryFile() as file:
        column = np.memmap(file, kind, "w+", shape=array.shape)
    column[:] = array
    return column
