"""A builder that is killed, at any moment, loses nothing: the next one ends with the store that none had broken off.

Builders kill themselves here, when they touch a file of the store for the n-th time; `benchmarks/speed/kills.py` kills
from outside, twenty times, on more files.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys

import pytest

from stochastic_music import MelodyEncoding
from stochastic_music.corpus.store import TokenStore, build_store
from stochastic_music.corpus.store.lock import locked
from tests.corpus.stores import contents

_BUILD = """
import os, sys
from stochastic_music import MelodyEncoding
from stochastic_music.corpus.store import build_store

left = int(sys.argv[1])

def count(event, arguments):
    global left
    if any(str(argument).startswith(sys.argv[2]) for argument in arguments):
        left -= 1
        if not left:
            os.kill(os.getpid(), 9) if os.name == "posix" else os._exit(9)

sys.addaudithook(count)
build_store(sys.argv[2], sys.argv[3:], MelodyEncoding(), workers=1, shard_files=4)
"""


def builder(path, folder, touches) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", _BUILD, str(touches), str(path), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def folder(tmp_path, tune):
    folder = tmp_path / "music"
    folder.mkdir()
    for i in range(40):
        tune([(j, 1, 60 + (i * j) % 13) for j in range(8)] + [(8 + i, 1, 60)]).dump_midi(folder / f"{i}.mid")
    return folder


def test_three_kills_lose_nothing(tmp_path, folder):
    build_store(tmp_path / "whole", [folder], MelodyEncoding(), workers=2, shard_files=4)
    random_, path, held = random.Random(1), tmp_path / "store", 0
    for _ in range(3):
        assert builder(path, folder, random_.randrange(10, 60)).returncode != 0
        if (path / "store.json").exists():
            assert TokenStore.open(path).n_pieces >= held
            held = TokenStore.open(path).n_pieces
    assert 0 < held < 40
    assert build_store(path, [folder], MelodyEncoding(), workers=1, shard_files=4).store.n_pieces == 40
    assert contents(path) == contents(tmp_path / "whole")


def test_a_second_builder_is_refused_and_told_who_builds(tmp_path, folder):
    path = tmp_path / "store"
    with locked(path):
        refused = builder(path, folder, 0)
    assert refused.returncode == 1
    assert f"is being built by process {os.getpid()}: wait until it is done" in refused.stderr
