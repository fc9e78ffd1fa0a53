# Names are strings here: they may be no valid Unicode, and there are many of them.
# ruff: noqa: PTH100, PTH116, PTH118, PTH122
"""Which files there are, and which of them a store knows.

A file is known by the hash of its bytes, wherever it lies. So that known files need not be opened at all, one whose
folder, path, size and time of change are those of the last time counts as it did then.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, NamedTuple

from stochastic_music.corpus._scan import Found
from stochastic_music.corpus.ingest import AnyPath, find, shown
from stochastic_music.corpus.report import Skipped

#: what is said of a file that gave no piece because another one holds the same bytes
COPY = -1


class Source(NamedTuple):
    """A file: the number of its folder, its path in there, bytes, time of change (ns), digest of its bytes.

    `n_pieces` is how many pieces it gave, COPY for those that give none because another file holds the same bytes.
    """

    root: int
    path: str
    size: int
    changed: int
    digest: str = ""
    n_pieces: int = 0

    @property
    def key(self) -> bytes:
        """What tells, unread, that this file is as it was: 16 bytes."""
        text = "\0".join(map(str, self[:4]))
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()

    @property
    def content(self) -> bytes:
        """What files share that are read alike: their bytes, and the end of their names."""
        if not self.digest:
            return self.key
        return f"{self.digest}{os.path.splitext(self.path)[1].lower()}".encode("utf-8", "surrogatepass")

    def is_among(self, known: Set[str]) -> bool:
        """Whether its digest is known; never where it has none, being unreadable when it was hashed."""
        return bool(self.digest) and self.digest in known

    @property
    def name(self) -> str:
        """Its name in reports."""
        return shown(self.path, "")

    def place(self, roots: Mapping[int, str]) -> str:
        """Its path on this machine; raises KeyError where its folder is not known."""
        return os.path.join(roots[self.root], self.path)

    def digested(self, roots: Mapping[int, str]) -> Source:
        """The same file with its digest, '' where it cannot be read."""
        try:
            data = Path(self.place(roots)).read_bytes()
        except (OSError, KeyError):
            return self._replace(digest="")
        return self._replace(digest=hashlib.blake2b(data, digest_size=16).hexdigest(), size=len(data))


class Scan(NamedTuple):
    """What lies in some folders: the paths of all by number, the files in order, and what is no file to be read."""

    roots: dict[int, str]
    sources: list[Source]
    skipped: list[Skipped]
    other: dict[str, int]


def scanned(folders: Sequence[AnyPath], known_roots: Mapping[int, str], store: Path) -> Scan:
    """The files of `folders`, in that order, without those of the store; roots that are known keep their numbers.

    Others get the first that are free. Where the line of a root was damaged, so its folder gets its number again.
    Raises EmptyCorpusError for a folder that is not there.
    """
    roots = dict(known_roots)
    numbers = {home: n for n, home in roots.items()}
    sources: list[Source] = []
    skipped: list[Skipped] = []
    other: Counter[str] = Counter()
    own = Counter(path.suffix for path in store.rglob("*") if path.is_file())
    for folder in folders:
        found, home = find(os.path.abspath(folder))
        if home not in numbers:
            numbers[home] = next(n for n in itertools.count() if n not in roots)
            roots[numbers[home]] = home
        sources += _sources(found, home, numbers[home])
        skipped += [s._replace(file=shown(s.file, home)) for s in found.skipped]
        other += found.other - own if store.resolve().is_relative_to(Path(home).resolve()) else found.other
    return Scan(roots, sources, skipped, dict(sorted(other.items())))


def _sources(found: Found, home: str, root: int) -> Iterator[Source]:
    for path, size in found.files:
        try:
            changed = os.stat(path).st_mtime_ns
        except OSError:
            changed = 0
        yield Source(root, path[len(home) :].lstrip(os.sep), size, changed)


def from_rows(rows: Iterable[Sequence[Any]]) -> Iterator[Source]:
    """The files that a line of the journal tells of."""
    return (Source(*row) for row in rows)
