"""Stores as Parquet files, and back."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from stochastic_music import MelodyEncoding
from stochastic_music.corpus.store import TokenStore, build_store
from stochastic_music.corpus.store.writing import Writer
from stochastic_music.errors import StoreError
from tests.corpus.stores import contents

parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def store(tmp_path, music_folder):
    path = tmp_path / "store"
    (music_folder / "zz.mid").write_bytes(b"MThd, and no more")
    build_store(path, [music_folder], MelodyEncoding(), workers=1, shard_files=5)
    shutil.copy(music_folder / "tune00.mid", music_folder / "zz_copy.mid")
    return build_store(path, [music_folder], MelodyEncoding(), workers=1).store


def test_a_store_comes_back_equal_to_the_byte(tmp_path, store):
    store.to_parquet(tmp_path / "all.parquet")
    again = TokenStore.from_parquet(tmp_path / "all.parquet", tmp_path / "again")
    assert contents(again.path) == contents(store.path)
    assert again.report.duplicates == [["tune00.mid", "zz_copy.mid"]]


def test_other_tools_read_its_symbols(tmp_path, store):
    store.to_parquet(tmp_path / "all.parquet")
    table = parquet.read_table(tmp_path / "all.parquet", columns=["name", "symbols"]).to_pydict()
    names = [name for name in table["name"] if name is not None]
    tokens = store.tokens()
    assert tuple(names) == tokens.names
    assert np.array_equal(np.concatenate([row for row in table["symbols"] if row is not None]), tokens.symbols)


def test_what_was_broken_off_is_completed(tmp_path, store, monkeypatch):
    store.to_parquet(tmp_path / "all.parquet")
    keep, left = Writer.keep, iter(range(3))

    def some(self, shard):
        if next(left, None) is None:
            raise KeyboardInterrupt
        keep(self, shard)

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "keep", some)
        with pytest.raises(KeyboardInterrupt):
            TokenStore.from_parquet(tmp_path / "all.parquet", tmp_path / "again")
    assert TokenStore.open(tmp_path / "again").n_pieces == 10
    again = TokenStore.from_parquet(tmp_path / "all.parquet", tmp_path / "again")
    assert contents(again.path) == contents(store.path)


def test_other_files_are_refused(tmp_path, store):
    import pyarrow

    path = tmp_path / "other.parquet"
    for data in (b"", b"PAR1 and no more"):
        path.write_bytes(data)
        with pytest.raises(StoreError, match="is no Parquet file"):
            TokenStore.from_parquet(path, tmp_path / "again")
    parquet.write_table(pyarrow.table({"a": [1]}), path)
    with pytest.raises(StoreError, match="holds no store of tokens"):
        TokenStore.from_parquet(path, tmp_path / "again")
    store.to_parquet(path)
    table = parquet.read_table(path)
    changed = table.set_column(0, "name", pyarrow.array(["x" if n else n for n in table["name"].to_pylist()]))
    with parquet.ParquetWriter(path, changed.schema) as writer:
        writer.write_table(changed.slice(0, 5))
    with pytest.raises(StoreError, match="has been changed"):
        TokenStore.from_parquet(path, tmp_path / "again")


def test_a_damaged_shard_is_not_written(store, tmp_path):
    victim = min((store.path / "shards").iterdir())
    data = bytearray(victim.read_bytes())
    data[-1] ^= 1
    victim.write_bytes(data)
    with pytest.raises(StoreError, match="is damaged"):
        TokenStore.open(store.path).to_parquet(tmp_path / "all.parquet")
    assert not (tmp_path / "all.parquet").exists()
