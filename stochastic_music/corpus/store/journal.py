"""The journal of a store: a file of lines to which lines are only ever added.

Each line is JSON, `["checksum",{...}]`, the checksum being BLAKE2b of the object's text. A line counts once it is on
disk as a whole. What follows the last line feed was cut off while it was written, and is nothing; a line whose
checksum differs has been damaged since, and is told.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from stochastic_music._files import refusal, sync_folder, write_atomically

#: what a line says: plain lists, numbers and strings
Entry: TypeAlias = dict[str, Any]

NAME = "journal.jsonl"
_DIGITS = 16


def written(entry: Entry) -> bytes:
    r"""One line.

    >>> written({"root": "/music"})
    b'["cabffdd00610dae6",{"root":"/music"}]\n'
    """
    text = json.dumps(entry, separators=(",", ":"), allow_nan=False).encode("ascii")
    return b'["%s",%s]\n' % (_checksum(text), text)


def read(line: bytes) -> Entry | None:
    """What a line says; None for one that is damaged, or cut off."""
    text = line[_DIGITS + 4 : -2]
    if line != b'["%s",%s]\n' % (_checksum(text), text):
        return None
    entry: Entry = json.loads(text)
    return entry


class Journal:
    """The journal in a store's folder, which need not exist yet; iterating reads its sound lines, one at a time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    def __iter__(self) -> Iterator[Entry]:
        return (entry for _, entry in self._lines() if entry is not None)

    @property
    def n_damaged(self) -> int:
        """How many lines are damaged."""
        return sum(entry is None for _, entry in self._lines())

    def mend(self) -> int:
        """Drop damaged lines, and what was cut off; returns how many lines were damaged."""
        size = self.path.stat().st_size if self.path.exists() else 0
        damaged = 0
        for line, entry in self._lines():
            size -= len(line)
            damaged += entry is None
        if damaged or size:
            self.rewrite(lambda entry: entry)
        return damaged

    def rewrite(self, change: Callable[[Entry], Entry]) -> None:
        """Put what `change` makes of each line in its place."""
        write_atomically(
            self.path, lambda draft: _fill(draft, (written(change(entry)) for entry in self)), lasting=True
        )

    def append(self, entry: Entry) -> None:
        """Add a line, on disk when this returns; raises MachineError, the journal being as before, where it cannot."""
        line = written(entry)
        before = self.path.stat().st_size if self.path.exists() else 0
        try:
            with self.path.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            sync_folder(self.path.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.truncate(self.path, before)
            raise refusal(self.path, error) from error

    def _lines(self) -> Iterator[tuple[bytes, Entry | None]]:
        """Every whole line, and what it says."""
        with contextlib.suppress(FileNotFoundError), self.path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield line, read(line)


def _checksum(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=_DIGITS // 2).hexdigest().encode("ascii")


def _fill(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(lines)
