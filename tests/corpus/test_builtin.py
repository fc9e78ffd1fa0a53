import logging
import os
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from stochastic_music.corpus import (
    Corpus,
    _cache,
    _store,
    builtin,
    builtin_corpora,
    cache_clear,
    cache_folder,
    open_corpora,
)
from stochastic_music.errors import MissingExtraError, UnknownNameError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STOCHASTIC_MUSIC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def small(monkeypatch):
    """A built-in corpus of eight tunes."""
    corpus = replace(builtin.BUILTIN["essen"], name="essen-small", n_pieces=8, patterns=("teste.abc",))
    monkeypatch.setitem(builtin.BUILTIN, corpus.name, corpus)
    return corpus


FILES = {
    "bach-analyses": 20,
    "bach-chorales": 409,
    "bach-sopranos": 186,
    "essen-kinder": 1,
    "essen": 31,
    "oneills": 39,
    "palestrina": 1318,
}


def test_the_files_are_there_and_in_order():
    for corpus in builtin_corpora():
        files = corpus.files()
        assert len(files) == FILES.get(corpus.name, 1059)
        assert len(set(files)) == len(files)
        assert corpus.licence
        assert corpus.description
    assert not any(path.name.startswith("bwv846") for path in builtin.BUILTIN["bach-chorales"].files())
    assert {entry["name"] for entry in map(builtin.BuiltinCorpus.to_json, builtin_corpora())} == set(builtin.BUILTIN)


@pytest.mark.parametrize("name", ["essen", "essen-kinder"])
def test_the_essen_licence_says_non_commercial(name):
    assert "NON-COMMERCIAL" in builtin.BUILTIN[name].licence


def test_it_is_parsed_once_and_kept(cache, small):
    said = []
    first = Corpus.builtin(small.name, workers=1, progress=lambda done, total, _: said.append((done, total)))
    assert said == [(1, 1)]
    assert len(first) == small.n_pieces
    assert first.licences == (small.licence,)
    again = Corpus.builtin(small.name, workers=1, progress=lambda *_: pytest.fail("parsed again"))
    assert again.names == first.names
    assert [p.score.tracks[0].notes.numpy()["pitch"].tolist() for p in again] == [
        p.score.tracks[0].notes.numpy()["pitch"].tolist() for p in first
    ]
    assert again.report.to_json() == first.report.to_json()
    [kept] = cache.glob("*.corpus")
    kept.write_bytes(kept.read_bytes()[:-1] + b"?")
    assert Corpus.builtin(small.name, workers=1).names == first.names
    assert _store.unpack(kept.read_bytes()) is not None
    assert cache_clear() == 1
    assert list(cache.iterdir()) == []


def test_opening_from_the_cache_does_not_load_music21(cache, small):
    Corpus.builtin("essen-small", workers=1)
    script = (
        "import sys; from dataclasses import replace; from stochastic_music.corpus import builtin, Corpus\n"
        "essen = builtin.BUILTIN['essen']\n"
        "builtin.BUILTIN['essen-small'] = replace(essen, name='essen-small', patterns=('teste.abc',))\n"
        "print(len(Corpus.builtin('essen-small')), 'music21' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["8", "False"]
    assert cache.is_dir()


def test_the_sopranos_of_the_published_tables(cache):
    corpus = Corpus.builtin("bach-sopranos")
    pitches = [p for piece in corpus for p in piece.score.tracks[0].notes.numpy()["pitch"].tolist()]
    assert (len(corpus), len(set(pitches))) == (186, 22)
    assert 9336 <= len(pitches) <= 9339  # three of them are grace notes
    assert all(len(piece.score.tracks) == 1 for piece in corpus)
    assert sum(map(len, corpus.report.variant_groups)) == 29
    assert all(any(m.text.startswith("phrase:0") for m in piece.score.markers) for piece in corpus)
    assert cache.is_dir()


def test_built_in_corpora_are_never_deduplicated(cache, small, monkeypatch, tmp_path):
    folder = tmp_path / "essenFolksong"
    folder.mkdir()
    original = small.files()[0].read_bytes()
    for name in ("a.abc", "b.abc"):
        (folder / name).write_bytes(original)
    monkeypatch.setattr(builtin, "music21_corpus", lambda: tmp_path)
    monkeypatch.setitem(builtin.BUILTIN, small.name, replace(small, patterns=("*.abc",)))
    assert len(Corpus.builtin(small.name, workers=1)) == 16
    assert cache.is_dir()


def test_a_name_nobody_knows():
    with pytest.raises(UnknownNameError, match="did you mean 'bach-sopranos'"):
        Corpus.builtin("bach-soprano")


def test_without_music21_the_remedy_is_said(monkeypatch):
    monkeypatch.setattr(builtin.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setitem(sys.modules, "music21", None)
    with pytest.raises(MissingExtraError, match="pip install"):
        builtin.BUILTIN["essen"].files()


def test_a_folder_comes_before_a_built_in_name(music_folder, monkeypatch):
    music_folder.rename(music_folder.parent / "palestrina")
    monkeypatch.chdir(music_folder.parent)
    assert len(open_corpora(["palestrina"], workers=1)) == 12


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/var/x"}, "/var/x/stochastic_music"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "/home/me/.cache/stochastic_music"),
        ("darwin", {}, "/home/me/Library/Caches/stochastic_music"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/stochastic_music"),
        ("linux", {"STOCHASTIC_MUSIC_CACHE": "/mine"}, "/mine"),
    ],
)
def test_the_cache_folder_is_the_systems(monkeypatch, platform, variables, expected):
    for name in ("STOCHASTIC_MUSIC_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(_cache.sys, "platform", platform)
    monkeypatch.setattr(_cache.Path, "home", lambda: _cache.Path("/home/me"))
    assert cache_folder() == _cache.Path(expected)


def test_two_at_a_time_make_it_once(cache):
    made, gate = [], threading.Event()

    def make():
        made.append(1)
        gate.wait(0.2)
        return b"content"

    threads = [threading.Thread(target=_cache.cached, args=("x", make, b"content".__eq__)) for _ in range(4)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert made == [1]
    assert (cache / "x.corpus").read_bytes() == b"content"


def test_a_cache_that_cannot_be_written_costs_a_warning(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("STOCHASTIC_MUSIC_CACHE", str(tmp_path / "file" / "cache"))
    with caplog.at_level(logging.WARNING):
        assert _cache.cached("x", lambda: b"new", lambda _: True) == b"new"
    assert "could not be kept" in caplog.text
    assert os.listdir(tmp_path) == ["file"]  # noqa: PTH208


@pytest.mark.parametrize("damage", [b"", b"{}", b"\x00" * 40, b"\xff" * 40])
def test_bytes_that_are_no_store(damage):
    assert _store.unpack(damage) is None
