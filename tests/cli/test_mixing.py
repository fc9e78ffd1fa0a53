"""What --mix says: weights, and what they glide over."""

from pathlib import Path

import pytest

import stochastic_music as sm
from stochastic_music.cli import _mixing
from stochastic_music.errors import UsageError
from stochastic_music.models import Glide

CORPUS = sm.Corpus.from_text("4/4 c4 d e c d e f2")


@pytest.fixture
def files(tmp_path):
    pipeline = sm.Pipeline(sm.MelodyEncoding(), sm.Markov(1)).fit(CORPUS)
    return [pipeline.save(tmp_path / name) for name in ("a=1.smm", "b.smm")]


def weights(files, first, second, **size):
    found = _mixing.opened(None, [f"{files[0]}={first}", f"{files[1]}={second}"], size.get("bars"), size.get("length"))
    return found.pipeline.model.weights


def test_weights_glide_over_what_was_asked_for(files, capsys):
    assert weights(files, "0.3", ".7") == (0.3, 0.7)
    assert weights(files, "1..0", "0..1", bars=8) == Glide((1, 0), (0, 1), 1, 9)
    assert weights(files, "1..0.5", "2", length=20) == Glide((1, 2), (0.5, 2), 0, 20, "event")
    assert not capsys.readouterr().err
    assert weights(files, "1..0", "0..1") == Glide((1, 0), (0, 1), 0, 7, "event")
    assert "glide over 7 notes" in capsys.readouterr().err


def test_takes_are_named_after_all_models(files):
    found = _mixing.opened(None, [f"{path}=1" for path in files], None, None)
    assert found.stem == "a=1+b"
    assert [Path(text.rpartition("=1 sha256:")[0]) for text in found.provenance["models"]] == files


@pytest.mark.parametrize("text", ["a.smm", "a.smm=", "=1", "a.smm=x", "a.smm=1..", "a.smm=..1"])
def test_what_is_no_weight_is_shown_one(text):
    with pytest.raises(UsageError, match=r"expected a fitted model and its weight"):
        _mixing.opened(None, [text, "b.smm=1"], None, None)


def test_one_model_alone_is_no_mixture(files):
    with pytest.raises(UsageError, match="alone"):
        _mixing.opened(None, [f"{files[1]}=1"], None, None)
    with pytest.raises(UsageError, match="both given"):
        _mixing.opened("a.smm", ["b.smm=1"], None, None)
