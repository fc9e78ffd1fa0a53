"""Tables of all orders from that of the longest windows, in memory or on disk, a window of each at a time.

A table of windows holds every shorter one too: keys without their oldest symbol ascend as the keys do, so a pass that
adds up equal neighbours makes the table of the next order down.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stochastic_music.counting.runs import Run
from stochastic_music.counting.tally import Tally, nothing, summed_ascending

#: keys that are looked at together, and symbols that are counted together, where memory has no limit
_WINDOW, _CHUNK = 1 << 22, 1 << 23


class Space(NamedTuple):
    """The memory that there is, in bytes, for windows of `order` lengths, and the folder of what outgrows it."""

    memory: int | None
    order: int
    folder: Path | None = None

    def chunk(self, at_once: int, waiting: int) -> int:
        """Symbols of a chunk: half the memory is for `at_once` being counted, and the tallies of others `waiting`."""
        return _CHUNK if self.memory is None else min(_CHUNK, self.memory // (64 * at_once + 32 * waiting))

    @property
    def kept(self) -> float:
        """Keys of a table that stays in memory: those of all orders take up to a quarter of it."""
        return float("inf") if self.memory is None else self.memory // (64 * self.order)

    @property
    def window(self) -> int:
        """Keys of a table that are looked at together; each takes 60 bytes at most."""
        return _WINDOW if self.memory is None else min(_WINDOW, self.memory // 256)


def tables(ranges: Iterator[Tally], n_orders: int, bits: int, space: Space) -> list[Tally]:
    """The table that `ranges` make up, and before it those of `n_orders` - 1 shorter lengths, the shortest first.

    `bits` are those of a symbol. Tables that outgrow memory are mapped from disk.
    """
    with ExitStack() as files:
        levels = [_stored(ranges, space, files)]
        for _ in range(1, n_orders):
            levels.append(_stored(shortened(windows(levels[-1], space.window), bits), space, files))
        return [level.mapped() if isinstance(level, Run) else level for level in reversed(levels)]


def shortened(ranges: Iterator[Tally], bits: int) -> Iterator[Tally]:
    """What ascending ranges come to without the `bits` of their oldest symbols.

    >>> pairs = Tally(np.array([0b0100, 0b0111, 0b1101], dtype=np.uint64), np.array([1, 2, 4]))
    >>> [part.counts.tolist() for part in shortened(iter([pairs]), bits=2)]
    [[3], [4]]
    """
    last = nothing()
    for keys, counts in ranges:
        whole = summed_ascending(
            np.concatenate([last.keys, keys >> np.uint64(bits)]), np.concatenate([last.counts, counts])
        )
        yield Tally(whole.keys[:-1], whole.counts[:-1])
        last = Tally(whole.keys[-1:], whole.counts[-1:])
    yield last


def windows(table: Tally | Run, size: int) -> Iterator[Tally]:
    """A table in ascending windows of `size` keys."""
    if isinstance(table, Run):
        yield from table.windows(size)
        return
    for start in range(0, len(table.keys), size):
        yield Tally(table.keys[start : start + size], table.counts[start : start + size])


def _stored(ranges: Iterator[Tally], space: Space, files: ExitStack) -> Tally | Run:
    held, n_keys = [nothing()], 0
    for part in ranges:
        held.append(part)
        n_keys += len(part.keys)
        if n_keys > space.kept:
            run = Run(chain(held, ranges), space.folder)
            files.callback(run.close)
            return run
    return Tally(np.concatenate([part.keys for part in held]), np.concatenate([part.counts for part in held]))
