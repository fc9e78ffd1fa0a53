"""`fit -m lstm`: what is said, what is left where it is broken off, and how it goes on; torch or a GPU missing."""

from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.neural

from stochastic_music import _checkpoint
from stochastic_music.cli import _fit_compose
from stochastic_music.cli._fitting import Request
from stochastic_music.cli._resuming import Unfinished
from stochastic_music.errors import UsageError
from stochastic_music.models.markov import Markov
from stochastic_music.models.neural import checkpoints
from stochastic_music.models.neural.kinds import LSTM
from stochastic_music.models.neural.training import Course

TINY = ("width=5", "embedding=3", "max_epochs=3", "validation=0.2")


def sets(*more):
    return [part for value in (*TINY, *more) for part in ("--set", value)]


def test_fit_score_and_compose(stochmusic, music_folder):
    fitted = stochmusic("fit", music_folder, "-m", "lstm", *sets(), "-o", "net.smm", "--json")
    assert fitted.returncode == 0, fitted.stderr
    report = json.loads(fitted.stdout)
    assert report["bits_per_note"]["value"] > 0
    assert "parameters, trained for 3 epochs" in fitted.stderr
    told = json.loads(stochmusic("info", "net.smm", "--json").stdout)
    assert told["learned_parameters"] > 500
    composed = stochmusic("generate", "net.smm", "-n", "1", "--bars", "2", "--seed", "1", "-o", "takes", "--json")
    assert json.loads(composed.stdout)["files"][0]["guarantee"] == "particle", composed.stderr
    assert sorted(path.suffix for path in music_folder.parent.glob("net*")) == [".json", ".smm"]


def test_a_gpu_or_torch_that_is_not_there(stochmusic, music_folder, tmp_path):
    if not torch.cuda.is_available():
        told = stochmusic("fit", music_folder, "-m", "gru", *sets("device=cuda"))
        assert told.returncode == 4
        assert told.stderr.strip().splitlines()[-1].startswith("stochmusic: device is 'cuda', and torch finds no GPU")
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "torch.py").write_text("raise ImportError('hidden')", encoding="utf-8")
    told = stochmusic("fit", music_folder, "-m", "gru", *sets(), PYTHONPATH=str(hidden))
    assert told.returncode == 4
    assert told.stderr.strip().splitlines()[-1].endswith('pip install "stochastic-music[neural]"')


@pytest.mark.parametrize("broken_off", [2, 5])
def test_a_fit_that_is_broken_off_goes_on(music_folder, monkeypatch, capsys, broken_off):
    monkeypatch.setattr(checkpoints, "EVERY", 0.0)
    folder = music_folder.parent
    request = Request([str(music_folder)], model="lstm", set=TINY, output=folder / "net.smm")
    whole = _fit_compose.fitted(Request([str(music_folder)], model="lstm", set=TINY, output=folder / "other.smm"))
    epoch, done = Course.epoch, []

    def watched(course, deadline):
        done.append(course)
        if len(done) == broken_off:
            raise KeyboardInterrupt
        epoch(course, deadline)

    monkeypatch.setattr(Course, "epoch", watched)
    with pytest.raises(KeyboardInterrupt):
        _fit_compose.fitted(request)
    left = "net.smm.held-out.training" if broken_off == 2 else "net.smm.training"
    assert "give the same command to go on" in capsys.readouterr().err
    assert (folder / left).exists()
    again = _fit_compose.fitted(request)
    assert f"Going on from {folder}" in capsys.readouterr().err
    assert len(done) == 7
    again.save(request.output, sources=True, force=False)
    whole.save(folder / "other.smm", sources=True, force=False)
    assert (folder / "net.smm").read_bytes() == (folder / "other.smm").read_bytes()
    assert again.report["bits_per_note"] == whole.report["bits_per_note"]
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == ["net.smm", "other.smm"]


def test_what_another_fit_left_is_refused(tmp_path):
    unfinished = Unfinished(LSTM(), tmp_path / "net.smm")
    assert unfinished.figure_or({"model": "a"}, lambda: {"value": 2.5}) == {"value": 2.5}
    assert unfinished.figure_or({"model": "a"}, lambda: None) == {"value": 2.5}
    with pytest.raises(UsageError, match="another model"):
        unfinished.figure_or({"model": "b"}, lambda: None)
    assert _checkpoint.load(unfinished.left[0], "held-out figure", {}).arrays == {}


def test_models_that_count_leave_nothing(tmp_path):
    unfinished = Unfinished(Markov(), tmp_path / "net.smm")
    assert unfinished.figure_or({}, lambda: 3.0) == 3.0
    assert (unfinished.left, unfinished.whole) == ([], None)
