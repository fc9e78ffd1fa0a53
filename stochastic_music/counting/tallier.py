"""Counting more keys than memory holds.

Keys fill a buffer; a full buffer is sorted and becomes a tally; tallies are added up when they take too much room, and
written to disk as one sorted run when their sum does. At the end the runs are merged range by range. In the memory
given there is room for

    1/16    the buffer, of memory / 128 keys
    1/4     tallies, of memory / 64 keys together, or as much of the runs that are being merged
    2/3     what sorting and adding up take: 24 bytes for a key of the buffer, or 40 for one of the tallies

so the limit holds for the counting itself; the caller's own arrays, and Python, are not in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from stochastic_music.counting.runs import Run, merged_ranges
from stochastic_music.counting.tally import Keys, Tally, as_keys, merged, summed, tally_in_place
from stochastic_music.errors import InvalidParameterError
from stochastic_music.protocols import IntArray

#: the least memory, in bytes, that counting can work in
LEAST = 1 << 22
#: keys in the buffer, and keys of the tallies held, where there is no limit
_BUFFER, _HELD = 1 << 22, 1 << 24
#: how many runs there may be: each keeps two files open, and a window of it is in memory while runs are merged
_RUNS = 32
#: keys that would take up as much as the overhead of a tally
_OVERHEAD = 32


class Tallier:
    """Counts integers in `memory` bytes, going to disk in `folder` (the system's temporary one) beyond that.

        >>> with Tallier() as tallier:
        ...     tallier.add([5, 3])
        ...     tallier.add([5, 9], counts=[1, 4])
        ...     result = tallier.finish()
        >>> result.keys.tolist(), result.counts.tolist()
        ([3, 5, 9], [1, 2, 4])

    Without `memory` nothing goes to disk. Raises InvalidParameterError for a limit below `LEAST`; `add` and `finish`
    raise MachineError where the disk is full or gives back what was not written. Whatever lies on disk has no name
    and is gone with the Tallier or the process.
    """

    def __init__(self, memory: int | None = None, folder: str | Path | None = None) -> None:
        if memory is not None and memory < LEAST:
            raise InvalidParameterError(f"cannot count in {memory} bytes of memory: give {LEAST} (4 MB) or more")
        self._limited = memory is not None
        self._folder = None if folder is None else Path(folder)
        self._held_limit = _HELD if memory is None else memory // 64
        self._buffer: Keys = np.empty(_BUFFER if memory is None else memory // 128, dtype=np.uint64)
        self._filled = 0
        self._held: list[Tally] = []
        self._held_size = 0
        self._runs: list[Run] = []

    def add(self, keys: ArrayLike, counts: ArrayLike | None = None) -> None:
        """Count `keys`, integers from 0 in any order: each once, or as often as `counts` says.

        What is sorted already, a Tally for instance, is added quickest.
        """
        array = as_keys(keys)
        size = len(self._buffer)
        if counts is not None:
            each = np.asarray(counts, dtype=np.int64)
            for start in range(0, len(array), size):
                self._hold(_ordered(array[start : start + size], each[start : start + size]))
            return
        at = 0
        while at < len(array):
            taken = array[at : at + size - self._filled]
            self._buffer[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            at += len(taken)
            if self._filled == size:
                self._empty_buffer()

    def finish(self) -> Tally:
        """The counts of all keys; memory-mapped where they went to disk. The Tallier is empty afterwards."""
        self._empty_buffer()
        if not self._runs:
            return self._released()
        return Run(self.ranges(), self._folder).mapped()

    def ranges(self) -> Iterator[Tally]:
        """The same in ascending ranges, each no more than its share of the memory: for results written elsewhere."""
        self._empty_buffer()
        if not self._runs:
            yield self.finish()
            return
        self._spill()
        self._buffer = self._buffer[:0].copy()
        yield from merged_ranges(self._runs, self._held_limit)
        self.close()

    def close(self) -> None:
        """Forget everything, and give back the space on disk."""
        for run in self._runs:
            run.close()
        self._held, self._held_size, self._runs, self._filled = [], 0, [], 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _empty_buffer(self) -> None:
        if self._filled:
            self._hold(tally_in_place(self._buffer[: self._filled]))
            self._filled = 0

    def _hold(self, part: Tally) -> None:
        size = len(part.keys) + _OVERHEAD
        if self._held_size + size > self._held_limit:
            self._compact()
        self._held.append(part)
        self._held_size += size

    def _compact(self) -> None:
        self._held = [self._released()]
        self._held_size = len(self._held[0].keys)
        if self._held_size <= self._held_limit // 2:
            return
        if self._limited:
            self._spill()
        else:
            self._held_limit *= 2

    def _released(self) -> Tally:
        held, self._held, self._held_size = self._held, [], 0
        return merged(held)

    def _spill(self) -> None:
        """Write what is held as a run; half of the runs, the shortest, become one when there are too many."""
        if self._held:
            self._runs.append(Run([self._released()], self._folder))
        if len(self._runs) >= _RUNS:
            self._runs.sort(key=len)
            some = self._runs[: _RUNS // 2]
            whole = Run(merged_ranges(some, self._held_limit), self._folder)
            for run in some:
                run.close()
            self._runs = [*self._runs[_RUNS // 2 :], whole]


def _ordered(keys: Keys, counts: IntArray) -> Tally:
    """A copy of these, as a tally."""
    if np.all(keys[1:] > keys[:-1]):
        return Tally(keys.copy(), counts.copy())
    return summed(keys, counts)
