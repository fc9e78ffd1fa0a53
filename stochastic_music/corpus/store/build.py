"""Building a store: files are read by workers, their symbols kept in shards, what became of them in the journal.

New files, in the order of the scan, are cut into runs of `shard_files`; a run becomes a shard. A shard is written and
on disk before its line is added to the journal, and counts from then on. So whatever ends a builder, and whenever:
what the journal names is there; the next builder sweeps away the rest, and goes on with the first file that is not
named. The store is then equal, to the byte, to one that was built without a break.

Nothing is taken out of a store: pieces whose files are gone stay. To be without them, build a new one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

from stochastic_music._parallel.frames import Message
from stochastic_music.corpus._pool import Limits
from stochastic_music.corpus.ingest import AnyPath, Settings, make_settings, make_setup
from stochastic_music.corpus.store.account import files_of
from stochastic_music.corpus.store.card import Card
from stochastic_music.corpus.store.journal import Entry
from stochastic_music.corpus.store.reading import Told, filled, told
from stochastic_music.corpus.store.sources import COPY, Scan, Source, scanned
from stochastic_music.corpus.store.store import TokenStore, is_sound
from stochastic_music.corpus.store.transposed import Transpose, recipe_for
from stochastic_music.corpus.store.writing import Filled, Writer, writing
from stochastic_music.protocols import Progress

#: files of a shard, and bytes of these: what is lost when a builder is killed, and what must fit in memory
SHARD_FILES, SHARD_BYTES = 1024, 1 << 23
#: shards whose files the workers get at a time: what waits for one slow file
_AHEAD = 64


class Built(NamedTuple):
    """What a run did to a store: files new to it, copies among them, files that are gone (their pieces stay).

    `rebuilt` shards were damaged and made anew; of the files `lost` the symbols were damaged, and they were no longer
    there as they had been. `damaged_lines` of the journal were dropped, and their files read again.
    """

    store: TokenStore
    n_new: int
    n_copies: int
    gone: list[str]
    rebuilt: list[str]
    lost: list[str]
    damaged_lines: int


def build_store(
    path: AnyPath,
    folders: Sequence[AnyPath],
    encoding: Any,
    *,
    transpose: Transpose = "none",
    why: str = "",
    retry: bool = False,
    shard_files: int = SHARD_FILES,
    workers: int | None = None,
    time_limit: float = Limits().seconds,
    memory_limit: int = Limits().memory,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Built:
    """Make the store at `path`, or add to it what is new in `folders`.

    `encoding` must be importable by name (not defined in a script) and rebuilt by `get_params()`; `why` tells for what
    reason it was chosen. Files that were skipped before are read again where `retry` says so. The other arguments are
    those of `Corpus.from_folder`; `shard_files` is settled when a store is made.

    Raises StoreError where `path` holds something else, or a store of another encoding; EmptyCorpusError for a folder
    that is not there; MachineError where another process builds here, or the disk is full: what was done so far stays.
    """
    settings = make_settings(workers, time_limit, memory_limit, progress, executor=executor)
    setup = make_setup(recipe_for(encoding, transpose), settings)
    with writing(Path(path), Card.of(encoding, transpose, shard_files, why)) as writer:
        return _Builder(writer, setup, settings).build(folders, retry)


class _Builder(NamedTuple):
    """A store that is being built, and how files are read."""

    writer: Writer
    setup: Message
    settings: Settings

    def build(self, folders: Sequence[AnyPath], retry: bool) -> Built:
        scan = self._scanned(folders)
        rebuilt, lost = self._repair(scan.roots)
        settled, known = self._known(retry)
        new = [source for source in scan.sources if source.key not in settled]
        n_copies = sum(self._commit(run) for run in self._runs(self._told(new, scan.roots, known), known))
        self._tell_found(scan)
        store = TokenStore.open(self.writer.folder)
        return Built(store, len(new), n_copies, self._gone(scan), rebuilt, lost, self.writer.n_damaged)

    def _scanned(self, folders: Sequence[AnyPath]) -> Scan:
        """What lies in the folders, those that are new being noted."""
        before = {entry["n"]: entry["root"] for entry in self.writer.journal if "root" in entry}
        scan = scanned(folders, before, self.writer.folder)
        for n, root in scan.roots.items():
            if n not in before:
                self.writer.journal.append({"root": root, "n": n})
        return scan

    def _known(self, retry: bool) -> tuple[set[bytes], set[str]]:
        """The files, by their keys, of which all is told already; and the digests of those that gave pieces.

        Of a copy nothing is told once what it is a copy of has been lost.
        """
        settled, known, empty, copies = set[bytes](), set[str](), set[str](), dict[bytes, str]()
        for entry in self.writer.journal:
            skipped = {place for place, *_ in entry.get("skipped", ())}
            for i, source in enumerate(files_of(entry)):
                if source.n_pieces == COPY:
                    copies[source.key] = source.digest
                elif not (retry and i in skipped):
                    settled.add(source.key)
                if source.n_pieces >= 0:
                    (known if source.n_pieces else empty).add(source.digest)
        return settled | {key for key, digest in copies.items() if digest in known or digest in empty}, known

    def _told(self, new: Sequence[Source], roots: Mapping[int, str], known: set[str]) -> Iterator[Told]:
        """What is said of each new file.

        Where something is known already, files are hashed before they are read, so as not to read what has moved; else
        while the workers read.
        """
        ahead, hash_first = _AHEAD * self.writer.card.shard_files, bool(known)
        for first in range(0, len(new), ahead):
            some = new[first : first + ahead]
            if hash_first:
                some = [source.digested(roots) for source in some]
            yield from told(some, roots, known, self.setup, _reporting(self.settings, first, len(new)))

    def _runs(self, files: Iterable[Told], known: set[str]) -> Iterator[Filled]:
        """Shards of the files, each of a run of them."""
        most = SHARD_BYTES // 12 if self.writer.card.transpose == "all" else SHARD_BYTES
        run, size = list[Told](), 0
        for file in files:
            run.append(file)
            size += file.source.size
            if len(run) >= self.writer.card.shard_files or size >= most:
                yield filled(run, self.writer.card.vocabulary, known)
                run, size = [], 0
        if run:
            yield filled(run, self.writer.card.vocabulary, known)

    def _commit(self, shard: Filled) -> int:
        """Keep a shard; returns how many of its files are copies."""
        self.writer.keep(shard)
        return sum(source.n_pieces < 0 for source in shard.entry["files"])

    def _tell_found(self, scan: Scan) -> None:
        """Note what lies in the folders besides music, where that is news."""
        found: Entry = {"found": {"skipped": [list(s) for s in scan.skipped], "other": scan.other}}
        last = None
        for entry in self.writer.journal:
            last = entry if "found" in entry else last
        if found != last:
            self.writer.journal.append(found)

    def _gone(self, scan: Scan) -> list[str]:
        """Files that gave pieces, and lie no longer in the folders of `scan`, under whatever name."""
        here = {source.root for source in scan.sources}
        present = {source.key for source in scan.sources}
        held = {s.digest for entry in self.writer.journal for s in files_of(entry) if s.key in present}
        told_of = itertools.chain.from_iterable(map(files_of, self.writer.journal))
        return [s.name for s in told_of if s.n_pieces > 0 and s.root in here and s.digest not in held]

    def _repair(self, roots: Mapping[int, str]) -> tuple[list[str], list[str]]:
        """Make damaged shards anew from their files; where these have changed, say which pieces are lost."""
        damaged = [
            entry
            for entry in self.writer.journal
            if entry.get("shard") and not is_sound(self.writer.folder, entry["shard"])
        ]
        rebuilt = [entry["shard"] for entry in damaged if self._rebuild(entry, roots)]
        beyond = {entry["shard"] for entry in damaged} - set(rebuilt)
        lost = [s for entry in damaged if entry["shard"] in beyond for s in files_of(entry) if s.n_pieces > 0]
        if beyond:
            self.writer.journal.rewrite(lambda entry: _lost(entry) if entry.get("shard") in beyond else entry)
            self.writer.sweep()
        return rebuilt, [s.name for s in lost if s.digested(roots).digest != s.digest]

    def _rebuild(self, entry: Entry, roots: Mapping[int, str]) -> bool:
        sources = [source for source in files_of(entry) if source.n_pieces > 0]
        if any(source.digested(roots) != source for source in sources):
            return False
        shard = filled(told(sources, roots, set(), self.setup, self.settings), self.writer.card.vocabulary, set())
        if shard.entry["shard"] != entry["shard"]:
            return False
        self.writer.write(shard)
        return True


def _lost(entry: Entry) -> Entry:
    """What is left of the line of a shard that is lost: its files that gave pieces."""
    return {"lost": [source for source in files_of(entry) if source.n_pieces > 0]}


def _reporting(settings: Settings, done: int, total: int) -> Settings:
    """The settings, with progress counted on from `done` files."""
    if (progress := settings.progress) is None:
        return settings
    return settings._replace(progress=lambda n, _, label: progress(done + n, total, label))
