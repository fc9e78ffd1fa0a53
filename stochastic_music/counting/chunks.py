"""A corpus in chunks: tasks that say which windows to count, and what counts them, on the CPU or on a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochastic_music._backends import Room, as_numpy
from stochastic_music.counting.packing import Packing, numbered
from stochastic_music.counting.tally import Keys, Tally, merged, tally_in_place
from stochastic_music.protocols import IntArray

#: symbols that are packed at once on the CPU, few enough to stay in its cache; and more where windows are looked up
_BLOCK, _LOOKED_UP = 1 << 15, 1 << 18
#: and on a GPU: its memory holds them some five times
_ON_GPU = 1 << 27


class Part(NamedTuple):
    """Symbols (n,), and where pieces begin among them, ascending; `at` is the place of the first in its corpus."""

    symbols: NDArray[Any]
    begins: IntArray
    at: int = 0


class Chunk(NamedTuple):
    """The windows of `length` that end at the symbols of `part` behind the first `context`.

    `numbers` are the keys of all shorter tables where windows are too long to be packed whole.
    """

    packing: Packing
    length: int
    part: Part
    context: int
    numbers: Sequence[Keys]

    def block(self, start: int, end: int) -> Chunk:
        """The same for the symbols from `start` to `end` of those behind the context."""
        first = self.context + start
        context = min(first, self.length - 1)
        return self._replace(part=_cut(self.part, first - context, self.context + end), context=context)


def chunks(parts: Iterable[Part], packing: Packing, length: int, numbers: Sequence[Keys], size: int) -> Iterator[Chunk]:
    """Chunks of at most `size` symbols that together end every window of `length` once."""
    for part in parts:
        for start in range(0, len(part.symbols), size):
            context = min(start, length - 1)
            cut = _cut(part, start - context, min(start + size, len(part.symbols)))
            yield Chunk(packing, length, cut, context, numbers)


def tallied(chunk: Chunk) -> Tally:
    """What the windows of a chunk come to, on the CPU."""
    n_windows = len(chunk.part.symbols) - chunk.context
    keys = np.empty(n_windows, dtype=np.uint64)
    size = _LOOKED_UP if chunk.numbers else _BLOCK
    for start in range(0, n_windows, size):
        end = min(start + size, n_windows)
        keys[start:end] = _keys(chunk.block(start, end), np)
    return tally_in_place(keys)


def tallying(backend: str) -> Callable[[Chunk], Tally]:
    """What counts a chunk on `backend`; raises as `_backends.chosen` does."""
    if backend == "numpy":
        return tallied
    return partial(_tallied_on_gpu, Room(backend, numbers=_BLOCK, numbers_on_gpu=_ON_GPU))


def _tallied_on_gpu(room: Room, chunk: Chunk) -> Tally:
    n_windows = len(chunk.part.symbols) - chunk.context
    done, counted = 0, []
    while done < n_windows:
        block, taken = room.run(partial(_next_on_gpu, room, chunk, done, n_windows))
        counted.append(block)
        done += taken
    return merged(counted)


def _next_on_gpu(room: Room, chunk: Chunk, start: int, end: int) -> tuple[Tally, int]:
    """The windows from `start`, as many as there is room for, and how many."""
    end = min(end, start + room.numbers)
    counted = tally_in_place(_keys(chunk.block(start, end), room.xp), room.xp)
    return Tally(as_numpy(counted.keys), as_numpy(counted.counts)), end - start


def _keys(chunk: Chunk, xp: Any) -> Keys:
    """The packed windows of a small chunk, as an array of `xp`."""
    symbols, begins = xp.asarray(chunk.part.symbols), xp.asarray(chunk.part.begins)
    digits = chunk.packing.digits(symbols, chunk.part.at, xp)
    return numbered(chunk.packing, digits, begins, chunk.length, chunk.numbers)[chunk.context :]


def _cut(part: Part, start: int, end: int) -> Part:
    first, last = np.searchsorted(part.begins, [start, end])
    return Part(part.symbols[start:end], part.begins[first:last] - start, part.at + start)
