"""Token stores: what they hold, what a second run does, what is refused."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stochastic_music import Corpus, MelodyEncoding, VoicesEncoding
from stochastic_music.corpus import encode_corpus
from stochastic_music.corpus.store import TokenStore, build_store, journal, shard
from stochastic_music.corpus.store.writing import JOURNAL
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError, MachineError, StoreError
from stochastic_music.tokens import Header, Vocabulary
from tests.corpus.stores import build, contents


def same_tokens(one, other) -> bool:
    return (
        one.names == other.names
        and np.array_equal(one.symbols, other.symbols)
        and np.array_equal(one.offsets, other.offsets)
    )


@pytest.fixture
def store(tmp_path, music_folder):
    return build(tmp_path / "store", music_folder).store


@pytest.mark.parametrize("transpose", ["none", "common", "all"])
def test_a_store_holds_what_encoding_the_folder_gives(tmp_path, music_folder, transpose):
    made = build(tmp_path / "store", music_folder, transpose=transpose).store
    corpus = Corpus.from_folder(music_folder, workers=1)
    expected, _ = encode_corpus(corpus.transpose(transpose), MelodyEncoding())
    found = made.tokens()
    assert same_tokens(found, expected)
    assert [h.transposed for h in found.headers] == [h.transposed for h in expected.headers]
    assert [(h.meters, h.key, h.pickup) for h in found.headers] == [
        (h.meters, h.key, h.pickup) for h in expected.headers
    ]
    assert found.vocabulary == expected.vocabulary
    assert made.n_pieces == 12
    assert len(made.parts) == 3
    assert sum(part.symbols.size for part in made.parts) == made.n_symbols == found.symbols.size


def test_the_report_is_that_of_the_folder(tmp_path, music_folder):
    (music_folder / "broken.mid").write_bytes(b"MThd, and no more")
    (music_folder / "notes.txt").write_text("no music")
    shutil.copy(music_folder / "tune03.mid", music_folder / "tune99.mid")
    made = build(tmp_path / "store", music_folder).store
    found, expected = made.report.to_json(), Corpus.from_folder(music_folder, workers=1).report.to_json()
    assert {**found, "variants": []} == {**expected, "variants": []}
    assert "1 file skipped" in made.report.summary()


def test_a_second_run_reads_what_is_new(tmp_path, music_folder, monkeypatch):
    path = tmp_path / "store"
    build(path, music_folder)
    before = contents(path)
    assert build(path, music_folder)[1:] == (0, 0, [], [], [], 0)
    assert contents(path) == before

    shutil.move(music_folder / "tune00.mid", music_folder / "moved.mid")
    shutil.copy(music_folder / "tune01.mid", music_folder / "copy.mid")
    shutil.copy(music_folder / "tune02.mid", tmp_path / "kept.mid")
    (music_folder / "tune02.mid").unlink()
    monkeypatch.setattr("stochastic_music.corpus.store.reading.read_files", lambda files, *_: iter(files or ()))
    again = build(path, music_folder)
    assert (again.n_new, again.n_copies, again.gone) == (2, 2, ["tune02.mid"])
    assert again.store.n_pieces == 12
    assert again.store.report.duplicates == [["tune00.mid", "moved.mid"], ["tune01.mid", "copy.mid"]]
    assert contents(path).items() >= {k: v for k, v in before.items() if k != JOURNAL}.items()
    assert (path / JOURNAL).read_bytes().startswith(before[JOURNAL])


def test_a_store_may_lie_among_its_music(music_folder):
    path = music_folder / "store"
    (music_folder / "notes.txt").write_text("no music")
    assert build(path, music_folder).store.report.other == {".txt": 1}
    before = contents(path)
    build(path, music_folder)
    assert contents(path) == before


def test_files_that_come_later_go_into_new_shards(tmp_path, music_folder):
    later = tmp_path / "later"
    later.mkdir()
    for name in ("tune04.mid", "tune07.mid"):
        shutil.move(music_folder / name, later / name)
    path = tmp_path / "store"
    first = build(path, music_folder).store
    both = build(path, music_folder, later).store
    assert both.extents[: len(first.extents)] == first.extents
    assert both.tokens().names[-2:] == ("tune04.mid", "tune07.mid")


def test_files_that_were_skipped_are_read_again_when_asked(tmp_path, music_folder):
    path = tmp_path / "store"
    (music_folder / "slow.mid").write_bytes(b"MThd, and no more")
    status = (music_folder / "slow.mid").stat()
    assert len(build(path, music_folder).store.report.skipped) == 1
    data = (music_folder / "tune00.mid").read_bytes()
    (music_folder / "tune00.mid").unlink()
    (music_folder / "slow.mid").write_bytes(data)
    os.utime(music_folder / "slow.mid", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert build(path, music_folder, retry=True).store.report.skipped == []


def test_copies_of_what_cannot_be_read_are_skipped_alike(tmp_path, music_folder):
    for name in ("bad1.mid", "bad2.mid"):
        (music_folder / name).write_bytes(b"MThd, and no more")
    report = build(tmp_path / "store", music_folder).store.report
    assert [skipped.file for skipped in report.skipped] == ["bad1.mid", "bad2.mid"]
    assert len({skipped.reason for skipped in report.skipped}) == 1


def test_equal_files_give_an_equal_store_whoever_reads(tmp_path, music_folder):
    build(tmp_path / "one", music_folder)
    build_store(tmp_path / "two", [music_folder], MelodyEncoding(), workers=2, shard_files=5)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_pieces_are_held_out_as_of_a_corpus(store, music_folder):
    train, test = store.split(0.25, seed=3)
    expected = Corpus.from_folder(music_folder, workers=1).split(0.25, seed=3)
    assert [train.together().names, test.together().names] == [corpus.names for corpus in expected]
    with pytest.raises(InvalidParameterError, match="expected a share"):
        store.split(1.5)


def test_held_out_pieces_stay_in_their_key(tmp_path, music_folder):
    made = build(tmp_path / "store", music_folder, transpose="all").store
    train, test = made.split(0.25, seed=3)
    assert (len(train.together()), len(test.together())) == (9 * 12, 3)
    assert {header.transposed for header in test.together().headers} == {0}


def test_parts_can_be_read_again_and_taken_apart(store):
    assert [len(part) for part in store.parts] == [len(part) for part in store.parts] == [5, 5, 2]
    assert [part.names for part in store.parts[1:]] == [store.parts[1].names, store.parts[2].names]
    assert store.parts[0].symbols.dtype == np.int64
    chosen = store.select(np.array([0, 5, 11])).together()
    assert chosen.names == ("tune00.mid", "tune05.mid", "tune11.mid")
    assert np.array_equal(chosen[1], store.tokens()[5])


def test_a_store_is_of_one_encoding(tmp_path, music_folder):
    path = tmp_path / "store"
    build(path, music_folder)
    with pytest.raises(StoreError, match=r"holds tokens of encoding melody .* asked was encoding voices"):
        build(path, music_folder, encoding=VoicesEncoding(4))
    with pytest.raises(StoreError, match="asked was parameters grid=1/8"):
        build(path, music_folder, encoding=MelodyEncoding(grid="1/8"))
    with pytest.raises(StoreError, match="asked was transpose all"):
        build(path, music_folder, transpose="all")
    with pytest.raises(InvalidParameterError, match="expected 'common'"):
        build(path, music_folder, transpose="some")


def test_what_is_no_store_is_left_alone(tmp_path, music_folder):
    with pytest.raises(StoreError, match="exists and is no store"):
        build(music_folder, music_folder)
    with pytest.raises(StoreError, match="is no store of tokens"):
        TokenStore.open(music_folder)
    with pytest.raises(EmptyCorpusError, match="no file or folder"):
        build(tmp_path / "store", tmp_path / "nowhere")


def test_one_builder_at_a_time(tmp_path, music_folder):
    from stochastic_music.corpus.store.lock import locked

    path = tmp_path / "store"
    with locked(path), pytest.raises(MachineError, match=f"is being built by process {os.getpid()}"):
        build(path, music_folder)
    assert build(path, music_folder).store.n_pieces == 12


@given(st.binary(max_size=200), st.integers(0, 10_000))
def test_no_changed_line_is_believed(noise, at):
    line = journal.written({"root": "/music", "n": [1, 2, 3]})
    changed = bytearray(line)
    changed[at % len(line)] ^= 1 + at % 255
    assert journal.read(line) == {"root": "/music", "n": [1, 2, 3]}
    assert journal.read(bytes(changed)) is None
    assert journal.read(noise) is None


_NAMES = st.text(st.characters(exclude_characters="\0", codec=None), min_size=1, max_size=9)


@given(st.lists(st.tuples(_NAMES, st.lists(st.integers(0, 299), max_size=9)), min_size=1, max_size=6))
def test_shards_give_back_what_was_put_in(tmp_path_factory, pieces):
    vocabulary = Vocabulary.plain(300)
    rows = [
        shard.Row(name, i, shard.header_text(Header(12, pickup=i % 2)), np.array([*symbols, 300], dtype="<i4"))
        for i, (name, symbols) in enumerate(pieces)
    ]
    path = tmp_path_factory.mktemp("shard") / "one"
    path.write_bytes(shard.packed(rows, vocabulary))
    found = shard.opened(path).corpus(vocabulary, shard.header_of)
    assert [row.tolist() for row in found] == [[*symbols, 300] for _, symbols in pieces]
    assert list(found.names) == [name for name, _ in pieces]
    assert [header.pickup for header in found.headers] == [i % 2 for i in range(len(pieces))]
