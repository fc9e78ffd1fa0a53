"""What all who write to a store do: one at a time, shards before the lines that name them, nothing left lying about."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from stochastic_music._files import write_atomically
from stochastic_music.corpus.store import card as cards
from stochastic_music.corpus.store.card import Card, is_store
from stochastic_music.corpus.store.journal import NAME as JOURNAL
from stochastic_music.corpus.store.journal import Entry, Journal
from stochastic_music.corpus.store.lock import NAME as LOCK
from stochastic_music.corpus.store.lock import locked
from stochastic_music.corpus.store.shard import SUFFIX
from stochastic_music.corpus.store.store import SHARDS, refuse_without_journal, shard_path
from stochastic_music.errors import StoreError


class Filled(NamedTuple):
    """A shard and its line in the journal; no bytes where none of its files gave a piece."""

    data: bytes
    entry: Entry


class Writer(NamedTuple):
    """A store that this process may write to; `n_damaged` lines of its journal were dropped."""

    folder: Path
    card: Card
    journal: Journal
    n_damaged: int

    def keep(self, shard: Filled) -> None:
        """Write a shard, then its line."""
        self.write(shard)
        self.journal.append(shard.entry)

    def write(self, shard: Filled) -> None:
        """Write a shard, on disk when this returns."""
        if shard.data:
            path = shard_path(self.folder, shard.entry["shard"])
            write_atomically(path, lambda draft: _fill(draft, shard.data), lasting=True)

    def sweep(self) -> None:
        """Delete what the journal does not name: shards, and files that were being written."""
        (self.folder / SHARDS).mkdir(exist_ok=True)
        named = {shard_path(self.folder, entry["shard"]) for entry in self.journal if "shard" in entry}
        drafts = [path for name in (cards.NAME, JOURNAL) for path in self.folder.glob(f".{name}.*")]
        for path in {*(self.folder / SHARDS).glob(f"*{SUFFIX}"), *drafts} - named:
            with contextlib.suppress(OSError):
                path.unlink()


@contextlib.contextmanager
def writing(folder: Path, asked: Card) -> Iterator[Writer]:
    """The store in `folder`, made where there is none, under its lock and put in order.

    Raises StoreError where something else is there, a store that is not as `asked`, or one whose journal is lost;
    MachineError where another process writes to it.
    """
    refuse_foreign(folder)
    with locked(folder):
        if not is_store(folder):
            asked.write(folder)
        card, journal = Card.read(folder), Journal(folder)
        card.refuse_other(folder, asked)
        refuse_without_journal(folder)
        writer = Writer(folder, card, journal, journal.mend())
        writer.sweep()
        yield writer


def refuse_foreign(folder: Path) -> None:
    """Raise StoreError where there is something, and no store."""
    own = {cards.NAME, JOURNAL, LOCK, SHARDS}
    there = [path for path in folder.iterdir() if not path.name.startswith(".")] if folder.is_dir() else []
    if folder.exists() and not is_store(folder) and (not folder.is_dir() or {path.name for path in there} - own):
        raise StoreError(f"{folder} exists and is no store of tokens: give a new folder with -o")


def _fill(path: Path, data: bytes) -> None:
    path.write_bytes(data)
