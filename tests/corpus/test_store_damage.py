"""Token stores whose files were damaged, cut short or lost: what is told, and what the next build makes of it."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from stochastic_music import MelodyEncoding
from stochastic_music.corpus.store import Card, TokenStore, journal, shard
from stochastic_music.corpus.store.sources import Source
from stochastic_music.corpus.store.writing import JOURNAL
from stochastic_music.errors import MachineError, StoreError
from tests.corpus.stores import build, contents, shard_files


@pytest.fixture
def store(tmp_path, music_folder):
    return build(tmp_path / "store", music_folder).store


@pytest.mark.parametrize("harm", ["cut", "flip", "gone"])
def test_a_damaged_shard_is_found_and_made_anew(tmp_path, music_folder, harm):
    path = tmp_path / "store"
    build(path, music_folder)
    before = contents(path)
    victim = shard_files(path)[1]
    data = bytearray(victim.read_bytes())
    if harm == "gone":
        victim.unlink()
    elif harm == "cut":
        victim.write_bytes(data[:-7])
    else:
        data[len(data) // 2] ^= 4
        victim.write_bytes(data)
    if harm == "flip":
        with pytest.raises(StoreError, match="1 of 3 shards"):
            TokenStore.open(path).verify()
        with pytest.raises(StoreError, match="is damaged"):
            TokenStore.open(path).tokens()
    else:
        with pytest.raises(StoreError, match=r"cut short|missing"):
            TokenStore.open(path)
    assert build(path, music_folder).rebuilt == [victim.name.removesuffix(shard.SUFFIX)]
    assert contents(path) == before


def test_what_cannot_be_made_anew_is_named(tmp_path, music_folder):
    path = tmp_path / "store"
    first = build(path, music_folder).store
    victim = path / "shards" / f"{first.extents[0].name}{shard.SUFFIX}"
    victim.write_bytes(victim.read_bytes()[:-1])
    (music_folder / "tune02.mid").unlink()
    again = build(path, music_folder)
    assert (again.rebuilt, again.lost) == ([], ["tune02.mid"])
    assert sorted(again.store.tokens().names) == [f"tune{i:02}.mid" for i in range(12) if i != 2]
    assert [skipped.file for skipped in again.store.report.skipped] == ["tune02.mid"]
    assert "damaged" in again.store.report.summary()
    assert build(path, music_folder)[1:] == (0, 0, [], [], [], 0)


def test_what_is_lost_under_one_name_is_read_under_another(tmp_path, music_folder):
    path = tmp_path / "store"
    first = build(path, music_folder).store
    shutil.move(music_folder / "tune02.mid", music_folder / "moved.mid")
    build(path, music_folder)
    (path / "shards" / f"{first.extents[0].name}{shard.SUFFIX}").unlink()
    assert "moved.mid" in build(path, music_folder).store.tokens().names
    assert build(path, music_folder)[1:3] == (0, 0)


def test_a_torn_line_is_nothing_and_a_damaged_one_is_told(tmp_path, music_folder):
    path = tmp_path / "store"
    build(path, music_folder)
    before = contents(path)
    lines = before[JOURNAL].splitlines(keepends=True)
    (path / JOURNAL).write_bytes(b"".join(lines[:3]) + lines[3][:50])
    assert TokenStore.open(path).n_pieces == 10
    assert build(path, music_folder).damaged_lines == 0
    assert contents(path) == before

    (path / JOURNAL).write_bytes(b"".join([lines[0], lines[1].replace(b"tune00", b"tune01"), *lines[2:]]))
    with pytest.raises(StoreError, match=r"lines of its journal .*: 1\. .*Run 'stochmusic corpus build"):
        TokenStore.open(path)
    mended = build(path, music_folder)
    assert (mended.damaged_lines, mended.n_new) == (1, 5)
    assert sorted(mended.store.tokens().names) == [f"tune{i:02}.mid" for i in range(12)]
    assert mended.store.verify() == 3


@pytest.mark.parametrize("harm", ["gone", "empty", "noise"])
def test_without_a_journal_shards_are_left_alone(tmp_path, music_folder, harm):
    path = tmp_path / "store"
    build(path, music_folder)
    (path / JOURNAL).unlink() if harm == "gone" else (path / JOURNAL).write_bytes(b"?\n" * (harm == "noise"))
    before = contents(path)
    for attempt in (lambda: build(path, music_folder), lambda: TokenStore.open(path)):
        with pytest.raises(StoreError, match="Nothing was deleted: put the journal back"):
            attempt()
    assert contents(path) == before


@pytest.mark.skipif(os.name != "posix", reason="folders are synchronised on POSIX systems alone")
def test_names_are_on_disk_before_what_relies_on_them(tmp_path, monkeypatch):
    synchronised = list[Path]()
    monkeypatch.setattr(os, "fsync", lambda handle: synchronised.append(Path(f"/dev/fd/{handle}").resolve()))
    book = journal.Journal(tmp_path)
    for write in (
        lambda: book.append({"root": "/music", "n": 0}),
        lambda: book.rewrite(lambda entry: entry),
        lambda: Card.of(MelodyEncoding(), "none").write(tmp_path),
    ):
        synchronised.clear()
        write()
        assert synchronised[-1] == tmp_path.resolve()


@pytest.fixture
def two_folders(tmp_path, music_folder):
    """A store of two folders, both in its journal."""
    later = tmp_path / "later"
    later.mkdir()
    for name in ("tune04.mid", "tune07.mid"):
        shutil.move(music_folder / name, later / name)
    build(tmp_path / "store", music_folder, later)
    return tmp_path / "store", music_folder, later


def without_root(path: Path, n: int) -> None:
    """Damage the line that tells of a folder."""
    lines = (path / JOURNAL).read_bytes().splitlines(keepends=True)
    line = [line for line in lines if b'{"root":' in line][n]
    (path / JOURNAL).write_bytes(b"".join(lines).replace(line, line.replace(b"root", b"boot")))


@pytest.mark.parametrize("n", [0, 1])
def test_a_folder_keeps_its_number_where_the_line_of_another_is_damaged(two_folders, n):
    path, *folders = two_folders
    before = TokenStore.open(path)
    without_root(path, n)
    assert build(path, folders[1 - n])[1:] == (0, 0, [], [], [], 1)
    assert build(path, *folders)[1:] == (0, 0, [], [], [], 0)
    assert TokenStore.open(path).extents == before.extents
    for file in shard_files(path):
        file.unlink()
    assert len(build(path, *folders).rebuilt) == 3


def test_what_lay_in_a_folder_that_is_not_known_is_told_as_lost(two_folders):
    path, first, second = two_folders
    without_root(path, 1)
    for file in shard_files(path):
        file.unlink()
    again = build(path, first)
    assert set(again.lost) == {"tune04.mid", "tune07.mid"}
    assert again.store.n_pieces == 10
    assert build(path, first, second).store.n_pieces == 12


def test_files_that_could_not_be_hashed_are_no_copies_of_each_other(tmp_path, music_folder, monkeypatch):
    path, later = tmp_path / "store", tmp_path / "later"
    later.mkdir()
    for name in ("tune04.mid", "tune07.mid"):
        shutil.move(music_folder / name, later / name)
    with monkeypatch.context() as patch:
        patch.setattr(Source, "digested", lambda source, _: source._replace(digest=""))
        assert build(path, music_folder)[1:3] == (10, 0)
        assert build(path, music_folder, later)[1:3] == (2, 0)
    assert TokenStore.open(path).n_pieces == 12


def arrays(data: bytes) -> dict[str, range]:
    """Where each array of a shard lies, and the table in front of them."""
    start = 8 + int.from_bytes(data[:8], "little")
    found = {name: entry["data_offsets"] for name, entry in json.loads(data[8:start]).items()}
    return {"table": range(start)} | {name: range(start + a, start + b) for name, (a, b) in found.items()}


def test_no_flipped_byte_of_a_shard_is_read(store):
    victim = shard_files(store.path)[0]
    data = victim.read_bytes()
    places = arrays(data)
    assert set(places) == {"table", "symbols", "offsets", "piece", "header", "headers", "names"}
    for place in {end for within in places.values() for end in (within[0], within[-1])}:
        changed = bytearray(data)
        changed[place] ^= 1
        victim.write_bytes(changed)
        with pytest.raises(StoreError, match="is damaged"):
            TokenStore.open(store.path).tokens()


@pytest.mark.parametrize("where", ["shard", "line"])
def test_a_full_disk_leaves_a_store_that_can_be_used(tmp_path, music_folder, monkeypatch, where):
    path = tmp_path / "store"

    def full(*_):
        raise OSError(errno.ENOSPC, "no space")

    build(tmp_path / "whole", music_folder)
    (tmp_path / "few").mkdir()
    for i in range(5):
        shutil.copy2(music_folder / f"tune{i:02}.mid", tmp_path / "few")
    build(path, tmp_path / "few")
    with monkeypatch.context() as patch:
        target = "writing._fill" if where == "shard" else "journal.os.fsync"
        patch.setattr(f"stochastic_music.corpus.store.{target}", full)
        with pytest.raises(MachineError, match="the disk is full"):
            build(path, music_folder)
    assert TokenStore.open(path).n_pieces == 5
    assert build(path, music_folder).store.n_pieces == 12


def test_a_card_that_makes_no_sense_is_told(tmp_path, music_folder):
    path = tmp_path / "store"
    build(path, music_folder)
    text = (path / "store.json").read_text()
    (path / "store.json").write_text(text.replace('"format": 1', '"format": 99'))
    with pytest.raises(StoreError, match="newer format"):
        TokenStore.open(path)
    (path / "store.json").write_text(text[:40])
    with pytest.raises(StoreError, match="cannot be read"):
        TokenStore.open(path)
