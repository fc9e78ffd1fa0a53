"""`classify` as a user walks it."""

import json

import numpy as np
import pytest

from stochastic_music.cli.classify import posterior


@pytest.fixture
def two_models(stochmusic, music_folder, tune, tmp_path):
    """Steps of a scale, and leaps of an octave."""
    leaps = tmp_path / "leaps"
    leaps.mkdir()
    for i in range(6):
        tune([(j, 1, 60 + 12 * (j % 2) + (i % 3)) for j in range(32)]).dump_midi(leaps / f"leap{i}.mid")
    for folder in ("music", "leaps"):
        done = stochmusic(
            "fit", folder, "-m", "markov", "--encoding", "melody", "--transpose", "none", "-o", f"{folder}.smm"
        )
        assert done.returncode == 0, done.stderr


def test_a_piece_is_told_to_its_model(stochmusic, two_models, tune, tmp_path):
    tune([(j, 1, 61 + 12 * (j % 2)) for j in range(16)]).dump_midi(tmp_path / "new.mid")
    done = stochmusic("classify", "new.mid", "-m", "music.smm", "-m", "leaps.smm", "--json")
    assert done.returncode == 0, done.stderr
    [row] = json.loads(done.stdout)["pieces"]
    steps, leaps = row["models"]
    assert leaps["posterior"] > 0.99
    assert steps["posterior"] + leaps["posterior"] == pytest.approx(1)
    assert leaps["bits_per_note"] < steps["bits_per_note"]
    assert not leaps["in_training"]
    assert "leaps.smm" in done.stderr.splitlines()[1]


def test_training_pieces_are_named(stochmusic, two_models):
    done = stochmusic("classify", "leaps", "-m", "music.smm", "-m", "leaps.smm", "--json")
    rows = json.loads(done.stdout)["pieces"]
    assert all(row["models"][1]["in_training"] for row in rows)
    assert "which learned from it" in done.stderr


def test_models_that_read_music_differently_are_not_compared(stochmusic, two_models):
    assert stochmusic("fit", "music", "-m", "markov", "--encoding", "melody", "-o", "common.smm").returncode == 0
    assert stochmusic("fit", "music", "-m", "markov", "--encoding", "notes", "-o", "notes.smm").returncode == 0
    for name, reason in (("common.smm", "--transpose"), ("notes.smm", "field")):
        done = stochmusic("classify", "leaps/leap0.mid", "-m", "leaps.smm", "-m", name)
        assert done.returncode == 2
        assert reason in done.stderr
    alone = stochmusic("classify", "leaps/leap0.mid", "-m", "leaps.smm")
    assert alone.returncode == 2
    assert "two or more" in alone.stderr


def test_posterior():
    assert posterior(np.array([-1000.0, -1000.0])).tolist() == [0.5, 0.5]
    assert posterior(np.array([-np.inf, -np.inf])).tolist() == [0.5, 0.5]
    assert posterior(np.array([-np.inf, -3.0])).tolist() == [0.0, 1.0]
