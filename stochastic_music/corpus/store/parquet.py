"""Stores as Parquet files, for other tools and back again: nothing is lost, and little is in memory at a time.

A row is a sequence, a row group a shard:

    name      of its piece
    piece     the number of that piece in the shard
    header    what it stands under, as JSON
    symbols   a list of integers
    account   in the first row of a group, the lines of the journal up to this shard, as JSON; elsewhere null

A group whose lines name no sequences has one row, of nulls. The file's metadata hold `store.json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from stochastic_music._files import write_atomically
from stochastic_music._optional import require
from stochastic_music.corpus.store.card import Card
from stochastic_music.corpus.store.journal import Entry, Journal
from stochastic_music.corpus.store.shard import Row, Shard, name_of, packed
from stochastic_music.corpus.store.store import TokenStore
from stochastic_music.corpus.store.writing import Filled, writing
from stochastic_music.errors import StoreError
from stochastic_music.tokens import Vocabulary

_KEY = b"stochastic_music"


def to_parquet(store: TokenStore, path: Path) -> None:
    """Write a store to a Parquet file.

    Raises MissingExtraError without pyarrow, StoreError where a shard is damaged, MachineError where the file cannot be
    written.
    """
    arrow, parquet = require("pyarrow"), require("pyarrow.parquet")
    schema = _schema(arrow, store.card)

    def fill(draft: Path) -> None:
        with parquet.ParquetWriter(draft, schema, compression="zstd") as writer:
            for entries in _groups(Journal(store.path)):
                name = entries[-1].get("shard")
                columns = _columns(arrow, store.shard(name)) if name else [[None]] * 4
                n = len(columns[0])
                account = arrow.array([json.dumps(entries, separators=(",", ":")), *[None] * (n - 1)])
                writer.write_table(arrow.table([*columns, account], schema=schema), row_group_size=n)

    write_atomically(path, fill)


def from_parquet(path: Path, folder: Path) -> None:
    """Make the store that was written to a Parquet file; one that was begun before is completed.

    Raises StoreError where `path` is none that `to_parquet` wrote, or has been changed; MissingExtraError without
    pyarrow; and what building raises.
    """
    file = _file(path)
    card = _card(path, file)
    with writing(folder, card) as writer:
        done = sum(1 for _ in writer.journal)
        for i in range(file.num_row_groups):
            group = file.read_row_group(i)
            entries: list[Entry] = json.loads(group.column("account")[0].as_py())
            for entry in entries[done:]:
                writer.keep(Filled(_data(path, group, entry, card.vocabulary), entry))
            done = max(done - len(entries), 0)


def _groups(journal: Journal) -> Iterator[list[Entry]]:
    """The lines of a journal, each group but the last ending with one that names a shard."""
    group: list[Entry] = []
    for entry in journal:
        group.append(entry)
        if entry.get("shard"):
            yield group
            group = []
    if group:
        yield group


def _schema(arrow: Any, card: Card) -> Any:
    symbols = arrow.list_(arrow.from_numpy_dtype(np.min_scalar_type(card.vocabulary.end)))
    columns = [
        ("name", arrow.string()),
        ("piece", arrow.uint32()),
        ("header", arrow.dictionary(arrow.uint32(), arrow.string())),
        ("symbols", symbols),
        ("account", arrow.string()),
    ]
    return arrow.schema(columns, metadata={_KEY: card.to_text().encode("ascii")})


def _columns(arrow: Any, shard: Shard) -> list[Any]:
    """The columns of a shard's sequences, but for the account."""
    return [
        arrow.array([shard.names[i] for i in shard.piece]),
        arrow.array(shard.piece),
        arrow.DictionaryArray.from_arrays(arrow.array(shard.header), arrow.array(shard.headers)),
        arrow.ListArray.from_arrays(arrow.array(shard.offsets.astype(np.int32)), arrow.array(shard.symbols)),
    ]


def _file(path: Path) -> Any:
    arrow, parquet = require("pyarrow"), require("pyarrow.parquet")
    try:
        return parquet.ParquetFile(path)
    except (OSError, arrow.ArrowInvalid) as error:
        raise StoreError(f"{path} is no Parquet file that can be read: expected one of 'corpus export'") from error


def _card(path: Path, file: Any) -> Card:
    metadata = file.schema_arrow.metadata or {}
    if _KEY not in metadata or file.schema_arrow.names != ["name", "piece", "header", "symbols", "account"]:
        raise StoreError(f"{path} holds no store of tokens: expected a file that 'stochmusic corpus export' wrote")
    return Card.from_text(metadata[_KEY].decode("ascii"))


def _data(path: Path, group: Any, entry: Entry, vocabulary: Vocabulary) -> bytes:
    """The bytes of the shard that a line names, from the rows of its group."""
    if not entry.get("shard"):
        return b""
    names, pieces, headers = (group.column(name).to_pylist() for name in ("name", "piece", "header"))
    lists = group.column("symbols").combine_chunks()
    symbols = np.split(lists.values.to_numpy(), lists.offsets.to_numpy()[1:-1])
    data = packed([Row(*row) for row in zip(names, pieces, headers, symbols, strict=True)], vocabulary)
    if name_of(data) != entry["shard"]:
        raise StoreError(f"{path} has been changed since it was written: its symbols are not those it lists")
    return data
