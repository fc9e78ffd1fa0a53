"""All contexts of a corpus, counted length by length, for any elements.

Each round lengthens the contexts before all places by one element: pairs (context, element taken up) are tallied, and
their ranks number the longer contexts. A place remembers the number of its context from round to round.

Corpora larger than memory come as streams whose arrays are mapped from disk. Tallies spill there too, and what then has
to be in memory is what the model itself holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import numpy as np

from stochastic_music.counting import Tallier, Tally
from stochastic_music.errors import UsageError
from stochastic_music.models.contexts.linking import assemble
from stochastic_music.models.contexts.packing import base_of, joined, search_in_order
from stochastic_music.models.contexts.stream import Stream
from stochastic_music.models.contexts.table import Contexts
from stochastic_music.protocols import IntArray
from stochastic_music.tokens import Vocabulary

#: places of a stream that are lengthened at once
_AT_ONCE = 1 << 22
#: bytes that an entry takes while a model is put together
PER_ENTRY = 200


def grow(streams: Sequence[Stream], vocabulary: Vocabulary, marks: IntArray, *, memory: int | None = None) -> Contexts:
    """All contexts of some streams, counted in `memory` bytes (None: any); numbers are kept in `due`.

    Raises UsageError where the memory is too little.
    """
    base = base_of(vocabulary.n_symbols, marks)
    families, keys, counts = [], [], []
    bounds = [0, vocabulary.n_fields + 1]
    while True:
        length = len(bounds) - 1
        entries, family = _round(streams, length, base, memory)
        if not len(entries.keys):
            break
        keys.append(entries.keys.astype(np.int64))
        least = sum(map(len, keys)) * PER_ENTRY
        if memory is not None and memory < least:
            raise too_little(memory, least, least + _to_come(streams, length))
        counts.append(np.asarray(entries.counts))
        families.append(family.keys.astype(np.int64))
        for stream, at in _places(streams, length):
            stream.due[at] = bounds[-1] + search_in_order(families[-1], _longer(stream, at, length, base))
        bounds.append(bounds[-1] + len(families[-1]))
    lengths, leads = np.array(bounds), streams[0].leads
    return assemble(vocabulary, marks, leads, joined(families), lengths, joined(keys), joined(counts))


def too_little(memory: int, least: int, enough: int) -> UsageError:
    """What is said of a limit: below the `least` found necessary so far; `enough` is so whatever is still counted.

    Half as much again is asked for: pieces that are held out now may be counted later.

    >>> str(too_little(1000, 2_000_000, 4_000_000)).split("; ")[1]
    'it takes 2 MB or more, and 6 MB is enough for these pieces: give --memory 6MB, or fit a lower order'
    """
    room = _megabytes(enough + enough // 2)
    return UsageError(
        f"this model cannot be counted in {memory:,} bytes of memory; it takes {_megabytes(least):,} MB or more, and "
        f"{room:,} MB is enough for these pieces: give --memory {room}MB, or fit a lower order"
    )


def _megabytes(n_bytes: int) -> int:
    """Rounded up."""
    return -(-n_bytes // 10**6)


def _to_come(streams: Sequence[Stream], length: int) -> int:
    """Bytes that the entries of contexts of `length` and longer take at most: one for each place that has them."""
    deeper = (
        np.maximum(stream.depth[first : first + _AT_ONCE] - (length - 1), 0)
        for stream in streams
        for first in range(0, len(stream.depth), _AT_ONCE)
    )
    return PER_ENTRY * sum(int(more.sum(dtype=np.int64)) for more in deeper)


def _round(streams: Sequence[Stream], length: int, base: int, memory: int | None) -> tuple[Tally, Tally]:
    """What followed contexts one shorter than `length`, and which elements make them that long."""
    with ExitStack() as stack:
        entries, family = (stack.enter_context(Tallier(memory and memory // 4)) for _ in range(2))
        for stream, at in _places(streams, length - 1):
            entries.add(stream.due[at] * base + stream.element[at])
            deeper = at[stream.depth[at] >= length]
            family.add(_longer(stream, deeper, length, base))
        return entries.finish(), family.finish()


def _places(streams: Sequence[Stream], length: int) -> Iterator[tuple[Stream, IntArray]]:
    """The places of each stream that have contexts of a length."""
    for stream in streams:
        for first in range(0, len(stream.depth), _AT_ONCE):
            yield stream, first + np.flatnonzero(stream.depth[first : first + _AT_ONCE] >= length)


def _longer(stream: Stream, at: IntArray, length: int, base: int) -> IntArray:
    """The contexts before places, one shorter than `length`, with the element that they take up next, packed."""
    return stream.due[at] * base + stream.taken_up(at, length)
