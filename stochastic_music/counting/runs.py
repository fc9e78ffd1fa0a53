"""Sorted runs on disk: tallies that outgrew memory, and how they are merged.

A run is a tally in two files, keys and counts, written once from the first key to the last and read once in the same
order; a CRC-32 of each is taken on the way in and checked on the way out. The files have no names: they vanish with the
process that opened them, however it ends.

Runs are merged range by range. A window of each lies in memory; up to the least of the windows' last keys everything is
known, so that range is added up and given out, and windows are filled again.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from stochastic_music._files import refusal
from stochastic_music.counting.tally import Tally, merged, nothing
from stochastic_music.errors import MachineError

_DTYPES = (np.uint64, np.int64)


class Run:
    """One tally on disk, in `folder`; `len` is the number of its keys."""

    def __init__(self, parts: Iterable[Tally], folder: Path | None = None) -> None:
        """Write `parts`, whose keys ascend from each to the next. Raises MachineError where the system refuses."""
        self._length = 0
        self._stack = ExitStack()
        self._where = folder or Path(tempfile.gettempdir())
        try:
            self._columns = [_Column(self._stack.enter_context(_file(folder)), dtype) for dtype in _DTYPES]
            for part in parts:
                self._length += len(part.keys)
                for column, array in zip(self._columns, part, strict=True):
                    column.write(array)
            for column in self._columns:
                column.flush()
        except OSError as error:
            self.close()
            raise refusal(self._where, error, "") from error
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return self._length

    def windows(self, size: int) -> Iterator[Tally]:
        """The tally in windows of `size` keys; raises MachineError where what is read is not what was written."""
        for column in self._columns:
            column.rewind()
        for start in range(0, self._length, size):
            length = min(size, self._length - start)
            keys, counts = (column.read(length) for column in self._columns)
            yield Tally(keys, counts)
        if not all(column.unchanged for column in self._columns):
            raise MachineError(f"the disk at {self._where} does not give back what was written to it: use another one")

    def mapped(self) -> Tally:
        """The whole tally, memory-mapped; its space on disk is free again once nobody holds it."""
        keys, counts = (column.mapped(self._length) for column in self._columns)
        self.close()
        return Tally(keys, counts)

    def close(self) -> None:
        """Give back its space on disk."""
        with suppress(OSError):  # a full disk refuses the rest once more, which nobody will read
            self._stack.close()


def merged_ranges(runs: Sequence[Run], size: int) -> Iterator[Tally]:
    """The sum of all runs, in ascending ranges that take up `size` keys together before they are added up."""
    windows = [_Window(run, max(1, size // len(runs))) for run in runs]
    while any(len(window) for window in windows):
        upto = min(window.known for window in windows if len(window))
        yield merged([window.taken(upto) for window in windows])


class _Window:
    """What lies in memory of a run."""

    def __init__(self, run: Run, size: int) -> None:
        self._rest = run.windows(size)
        self._held = next(self._rest, nothing())

    def __len__(self) -> int:
        return len(self._held.keys)

    @property
    def known(self) -> np.uint64:
        """The last key in memory: all that the run says of keys up to it is here."""
        return np.uint64(self._held.keys[-1])

    def taken(self, upto: np.uint64) -> Tally:
        """What there is up to a key, which is taken out; the window is filled again once it is empty."""
        keys, counts = self._held
        end = int(np.searchsorted(keys, upto, side="right"))
        self._held = Tally(keys[end:], counts[end:]) if end < len(keys) else next(self._rest, nothing())
        return Tally(keys[:end], counts[:end])


class _Column:
    """One array in a file: written once, read in the same order."""

    def __init__(self, file: IO[bytes], dtype: type[np.generic]) -> None:
        self._file, self._dtype = file, dtype
        self._written = self._read = 0

    def write(self, array: NDArray[Any]) -> None:
        data = np.ascontiguousarray(array, dtype=self._dtype).view(np.uint8).data
        self._written = zlib.crc32(data, self._written)
        self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def rewind(self) -> None:
        self._file.seek(0)
        self._read = 0

    def read(self, length: int) -> NDArray[Any]:
        array: NDArray[Any] = np.empty(length, dtype=self._dtype)
        data = array.view(np.uint8).data
        if self._file.readinto(data) == len(data):  # type: ignore[attr-defined]
            self._read = zlib.crc32(data, self._read)
        return array

    @property
    def unchanged(self) -> bool:
        return self._read == self._written

    def mapped(self, length: int) -> NDArray[Any]:
        return np.memmap(self._file, dtype=self._dtype, mode="r", shape=(length,))


def _file(folder: Path | None) -> Any:
    return tempfile.TemporaryFile(dir=folder)
