"""A store opened for reading: shards as parts of one corpus, mapped into memory one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Self, overload

import numpy as np

from stochastic_music._random import Seed
from stochastic_music.corpus import dealing
from stochastic_music.corpus.ingest import AnyPath
from stochastic_music.corpus.report import Account
from stochastic_music.corpus.store import shard as shards
from stochastic_music.corpus.store.account import account_of
from stochastic_music.corpus.store.card import Card
from stochastic_music.corpus.store.journal import NAME as JOURNAL
from stochastic_music.corpus.store.journal import Journal
from stochastic_music.corpus.store.shard import Shard
from stochastic_music.corpus.token_corpus import TokenCorpus
from stochastic_music.errors import EmptyCorpusError, StoreError
from stochastic_music.protocols import IntArray
from stochastic_music.tokens import Header, Vocabulary

#: the folder of a store that holds its shards
SHARDS = "shards"
_REMEDY = (
    "Run 'stochmusic corpus build FOLDER -o {}' again, which makes it anew from its files where they are as they were"
)


class Extent(NamedTuple):
    """A shard as the journal has it: its name, and how many bytes, pieces, rows and symbols it holds."""

    name: str
    n_bytes: int
    n_pieces: int
    n_rows: int
    n_symbols: int


class Parts(Sequence[TokenCorpus]):
    """Some of the rows of a store, shard by shard: each part is read when it is asked for, and let go.

    `pieces` are the numbers, ascending, of the pieces of each shard of `extents` that are taken, None for all; with
    `as_printed` only the row of a piece that was not transposed.
    """

    def __init__(
        self,
        store: TokenStore,
        extents: Sequence[Extent],
        pieces: Sequence[IntArray | None],
        *,
        as_printed: bool = False,
    ) -> None:
        self.store = store
        self._extents = tuple(extents)
        self._pieces = tuple(pieces)
        self._as_printed = as_printed

    def __len__(self) -> int:
        return len(self._extents)

    @overload
    def __getitem__(self, index: int) -> TokenCorpus: ...
    @overload
    def __getitem__(self, index: slice) -> Parts: ...
    def __getitem__(self, index: int | slice) -> TokenCorpus | Parts:
        if isinstance(index, slice):
            return Parts(self.store, self._extents[index], self._pieces[index], as_printed=self._as_printed)
        shard, pieces = self.store.shard(self._extents[index].name), self._pieces[index]
        chosen = np.arange(len(shard.piece)) if pieces is None else np.flatnonzero(np.isin(shard.piece, pieces))
        if self._as_printed:
            still = np.array([shards.header_of(text).transposed == 0 for text in shard.headers])
            chosen = chosen[still[shard.header[chosen]]]
        return shard.corpus(self.store.vocabulary, _header, chosen)

    @property
    def n_symbols(self) -> int:
        """Symbols of the shards that these parts are of: as many as they hold at most."""
        return sum(extent.n_symbols for extent in self._extents)

    def together(self) -> TokenCorpus:
        """All rows as one corpus, in memory; raises EmptyCorpusError where there is none."""
        if not len(self):
            raise EmptyCorpusError(f"no piece to work on: {self.store.path} holds none.")
        return TokenCorpus.together(list(self))


class TokenStore:
    """A folder of tokens on disk, larger than memory perhaps; see the article of `corpus.store`.

    `card` tells the encoding and how pieces were transposed, `report` what became of every file.
    """

    def __init__(self, path: Path, card: Card, extents: Sequence[Extent]) -> None:
        self.path = path
        self.card = card
        self.extents = tuple(extents)
        self._verified: set[str] = set()

    @classmethod
    def open(cls, path: AnyPath) -> Self:
        """The store at `path`, none of its symbols read yet.

        Raises StoreError where there is none, where lines of its journal are damaged or all are gone, and where a shard
        is missing or has another size than it had.
        """
        folder = Path(path)
        card, journal = Card.read(folder), Journal(folder)
        refuse_without_journal(folder)
        if damaged := journal.n_damaged:
            raise StoreError(
                f"{folder} has been changed: lines of its journal that are not as they were written: {damaged}. Which "
                f"pieces they told of is not known. {_REMEDY.format(folder)}."
            )
        named = [entry for entry in map(_extent, journal) if entry is not None]
        for extent in named:
            _check_size(folder, extent)
        return cls(folder, card, named)

    @classmethod
    def from_parquet(cls, file: AnyPath, path: AnyPath) -> Self:
        """The store that `to_parquet` wrote to `file`, made anew at `path`; equal to the byte.

        Raises StoreError for other files, and those that have been changed; MissingExtraError without pyarrow.
        """
        from stochastic_music.corpus.store.parquet import from_parquet

        from_parquet(Path(file), Path(path))
        return cls.open(path)

    def to_parquet(self, file: AnyPath) -> None:
        """Write everything to one Parquet file (see `corpus.store.parquet`), shard by shard.

        Raises MissingExtraError without pyarrow, StoreError where a shard is damaged, MachineError where the file
        cannot be written.
        """
        from stochastic_music.corpus.store.parquet import to_parquet

        to_parquet(self, Path(file))

    def __repr__(self) -> str:
        return f"TokenStore({str(self.path)!r}, {self.n_pieces} pieces, {self.n_symbols} symbols)"

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the encoding."""
        return self.card.vocabulary

    @property
    def encoding(self) -> tuple[str, dict[str, Any]]:
        """The encoding's name and parameters."""
        return self.card.encoding, self.card.parameters

    @property
    def n_pieces(self) -> int:
        """Pieces, counted once in however many keys they are."""
        return sum(extent.n_pieces for extent in self.extents)

    @property
    def n_symbols(self) -> int:
        """Symbols of all rows, END included."""
        return sum(extent.n_symbols for extent in self.extents)

    @property
    def parts(self) -> Parts:
        """All rows, shard by shard."""
        return Parts(self, self.extents, [None] * len(self.extents))

    @cached_property
    def report(self) -> Account:
        """What became of every file, and what the pieces are like; read from the journal."""
        return account_of(Journal(self.path), self.card.transpose)

    def tokens(self) -> TokenCorpus:
        """All rows as one corpus, in memory."""
        return self.parts.together()

    def select(self, pieces: IntArray, *, as_printed: bool = False) -> Parts:
        """The parts of some pieces, given by ascending numbers; with `as_printed` each in the key it was read in."""
        ends = np.cumsum([extent.n_pieces for extent in self.extents])
        chosen = np.split(np.asarray(pieces, dtype=np.int64), np.searchsorted(pieces, ends[:-1]))
        starts = ends - [extent.n_pieces for extent in self.extents]
        kept = [(e, own - start) for e, own, start in zip(self.extents, chosen, starts, strict=True) if len(own)]
        return Parts(self, [extent for extent, _ in kept], [own for _, own in kept], as_printed=as_printed)

    def as_printed(self) -> Parts:
        """Every piece once, where a store holds it in twelve keys: in the one it was read in."""
        return Parts(self, self.extents, [None] * len(self.extents), as_printed=self.card.transpose == "all")

    def split(self, test_size: float = 0.2, *, seed: Seed = 0) -> tuple[Parts, Parts]:
        """Training and test pieces, drawn by piece as `Corpus.split` does; in twelve keys only those for training.

        Raises InvalidParameterError for a share that leaves one side without a piece.
        """
        train, test = dealing.sides(self.n_pieces, test_size, seed=seed)
        return self.select(train), self.select(test, as_printed=self.card.transpose == "all")

    def shard(self, name: str) -> Shard:
        """A shard, mapped into memory; raises StoreError where it is not, to the byte, as it was written.

        That is looked at when it is opened for the first time.
        """
        if not self._is_sound(name):
            raise StoreError(f"a shard of {self.path} is damaged. {_REMEDY.format(self.path)}.")
        return shards.opened(shard_path(self.path, name))

    def verify(self) -> int:
        """Check every byte; returns how many shards, raises StoreError naming how many differ."""
        self._verified.clear()
        bad = sum(not self._is_sound(extent.name) for extent in self.extents) + Journal(self.path).n_damaged
        if bad:
            raise StoreError(
                f"{self.path} has been changed: {bad} of {len(self.extents)} shards and lines of its journal are not "
                f"as they were written. {_REMEDY.format(self.path)}."
            )
        return len(self.extents)

    def _is_sound(self, name: str) -> bool:
        if name not in self._verified and is_sound(self.path, name):
            self._verified.add(name)
        return name in self._verified


def is_sound(folder: Path, name: str) -> bool:
    """Whether the shard of this name is as it was written, to the byte."""
    try:
        return shards.name_of_file(shard_path(folder, name)) == name
    except OSError:
        return False


def refuse_without_journal(folder: Path) -> None:
    """Raise StoreError where there are shards, and no line that tells what they are of.

    No builder leaves a store so: its first line is on disk before its first shard. Without lines all shards would be
    swept away, those among them whose files are gone.
    """
    if next(iter(Journal(folder)), None) is None and any((folder / SHARDS).glob(f"*{shards.SUFFIX}")):
        raise StoreError(
            f"{folder} holds shards, but its {JOURNAL}, which tells what they are of, is missing or empty. Nothing was "
            "deleted: put the journal back from a copy, or build another store with -o"
        )


def shard_path(folder: Path, name: str) -> Path:
    """Where the shard of this name lies."""
    return folder / SHARDS / f"{name}{shards.SUFFIX}"


def _extent(entry: dict[str, Any]) -> Extent | None:
    """What a line of the journal says of a shard, None where it names none."""
    if not entry.get("shard"):
        return None
    return Extent(*(entry[name] for name in ("shard", "bytes", "n_pieces", "n_rows", "n_symbols")))


def _check_size(folder: Path, extent: Extent) -> None:
    try:
        found = shard_path(folder, extent.name).stat().st_size
    except OSError as error:
        raise StoreError(f"a shard of {folder} is missing. {_REMEDY.format(folder)}.") from error
    if found != extent.n_bytes:
        raise StoreError(
            f"a shard of {folder} has been cut short or changed: it holds {found} bytes, {extent.n_bytes} expected. "
            f"{_REMEDY.format(folder)}."
        )


@lru_cache(maxsize=1 << 16)
def _header(text: str) -> Header:
    """A header of its text: one object for all pieces that stand under it."""
    return shards.header_of(text)
