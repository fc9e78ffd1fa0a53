"""Verbs run in this process, which is quicker than one of their own, and a small fitted model."""

import sys
from typing import NamedTuple

import pytest

from stochastic_music.cli import main
from stochastic_music.corpus import Corpus
from stochastic_music.models import Markov
from stochastic_music.pipeline import Pipeline
from stochastic_music.tokens import MelodyEncoding


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def verb(tmp_path, monkeypatch, capsys):
    """Run a verb in `tmp_path`."""

    def run(*arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["stochmusic", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main.run()
        return Done(left.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def small_model(music_folder, tmp_path):
    """A Markov model of the twelve tunes of `music_folder`, as small.smm."""
    Pipeline(MelodyEncoding(), Markov()).fit(Corpus.from_folder(music_folder, workers=1)).save(tmp_path / "small.smm")
    return tmp_path / "small.smm"
