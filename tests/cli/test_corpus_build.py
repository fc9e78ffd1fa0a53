"""`stochmusic corpus build`, and stores as corpora of other verbs."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def built(stochmusic, music_folder, tmp_path):
    (music_folder / "broken.mid").write_bytes(b"MThd, and no more")
    done = stochmusic("corpus", "build", music_folder, "-o", "store", "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert "broken.mid" in done.stdout
    assert "Encoding: melody, because" in done.stdout
    assert "13 new files; 1 shard in all." in done.stderr
    return tmp_path / "store"


def test_a_store_is_built_once_and_told_of_again(built, stochmusic, music_folder):
    again = stochmusic("corpus", "build", music_folder, "-o", "store")
    assert "0 new files" in again.stderr
    told = stochmusic("corpus", "info", "store", "--verify")
    assert told.stdout == again.stdout
    assert "All 1 shard of store are as they were written." in told.stderr
    report = json.loads(stochmusic("corpus", "info", "store", "--json").stdout)
    assert (report["n_pieces"], report["files_read"], report["encoding"]) == (12, 12, "melody")
    assert [skipped["file"] for skipped in report["files_skipped"]] == ["broken.mid"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--encoding", "voices"], "--encoding voices cannot be had of it"),
        (["--grid", "1/8"], "--grid 1/8 cannot be had of it"),
        (["--transpose", "all"], "--transpose all cannot be had of it"),
    ],
)
def test_what_a_store_has_not_cannot_be_asked_of_it(built, stochmusic, music_folder, options, said):
    refused = stochmusic("corpus", "build", music_folder, "-o", "store", *options)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert "holds tokens of encoding melody" in refused.stderr


def test_bad_input_is_told(stochmusic, music_folder, tmp_path):
    (tmp_path / "empty").mkdir()
    assert stochmusic("corpus", "build", "empty", "-o", "store").returncode == 1
    assert not (tmp_path / "store").exists()
    foreign = stochmusic("corpus", "build", music_folder, "-o", music_folder)
    assert (foreign.returncode, "is no store" in foreign.stderr) == (2, True)
    assert stochmusic("corpus", "info", music_folder, "--verify").returncode == 2
    size = stochmusic("corpus", "build", music_folder, "-o", "store", "--memory-limit", "much")
    assert "--memory-limit got 'much'" in size.stderr
