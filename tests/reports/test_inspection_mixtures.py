"""Mixtures and networks looked into."""

import numpy as np
import pytest

from stochastic_music import model_file
from stochastic_music.cli import inspect as verb
from stochastic_music.corpus import Corpus
from stochastic_music.errors import MissingExtraError, UsageError
from stochastic_music.model_file import ModelFile
from stochastic_music.models import STM, Glide, Markov, Mixture
from stochastic_music.models.neural.history import History
from stochastic_music.pipeline import Pipeline
from stochastic_music.reports.inspection import Request, inspect
from stochastic_music.tokens import MelodyEncoding, Vocabulary

TUNE = "4/4 c4 d e c c d e c e f g2 e4 f g2"


def fitted(model):
    return Pipeline(MelodyEncoding(fields=("pitch",)), model).fit(Corpus.from_text(TUNE))


def rows(found, key):
    return found.to_json()["tables"][key]["rows"]


def test_members_and_their_weights():
    found = inspect(fitted(Mixture([Markov(1), STM(2)], weights=(1, 3))))
    assert [(row["model"], row["weight_all"]) for row in rows(found, "members")] == [
        ("markov(order=1)", 0.25),
        ("stm(order_bound=2)", 0.75),
    ]
    assert found.lines[0] == "It says the weighted mean of what its members say."
    assert len(found.draw().axes) == 1


def test_weights_that_glide_are_told_at_both_ends():
    found = inspect(
        fitted(Mixture([Markov(0), Markov(1)], weights=Glide((1, 0), (1, 3), first=1, last=9, unit="event")))
    )
    assert [row["weight_from event 9"] for row in rows(found, "members")] == [0.25, 0.75]
    assert "straight line" in found.lines[1]


def test_learned_exponents_are_told_by_field():
    mixture = fitted(Mixture([Markov(0), Markov(1)], "learned"))
    found = inspect(mixture)
    assert [row["weight_pitch"] for row in rows(found, "members")] == mixture.model.exponents_[0].tolist()


def test_each_member_is_asked_after_a_context():
    """After C4 an order of 1, counted: D4 2 of 4; an order of 0: D4 2 of 15, END among them."""
    found = inspect(fitted(Mixture([Markov(1, "none"), Markov(0, "none")])), Request(context="C4"))
    told = {row["next"]: row for row in rows(found, "members")}["D4"]
    assert (told["member_1"], told["member_2"], told["mixture"]) == pytest.approx((0.5, 2 / 15, (0.5 + 2 / 15) / 2))


@pytest.fixture
def network(tmp_path):
    """The file of a network, as far as its training is told, without torch."""
    vocabulary = Vocabulary.plain(8, name="pitch")
    arrays = {
        **History((2.5, 2.0, 1.9), (2.25, 2.1, 2.2), best=2, stopped="nothing improved for 1 epoch").to_arrays(),
        "weights.embeddings.1.weight": np.eye(9, 4, dtype=np.float32),
        "weights.network.layers.weight": np.zeros((4, 8), dtype=np.float32),
        "weights.network.layers.bias": np.zeros(8, dtype=np.float32),
        "symbols": np.arange(8),
    }
    meta = {
        "model": ["lstm", {}],
        "encoding": ["melody", {}],
        "transpose": "none",
        "vocabulary": vocabulary.to_json(),
        "card": {"n_pieces": 3, "n_notes": 30},
    }
    path = tmp_path / "net.smm"
    model_file.write(path, meta, {f"model.{name}": array for name, array in arrays.items()})
    return path


def test_a_file_tells_its_training_without_torch(network):
    found = inspect(ModelFile(network))
    assert found.kind == "lstm"
    assert (found.facts["epochs"], found.facts["best_epoch"], found.facts["validation_nats"]) == (3, 2, 2.1)
    assert found.lines[0] == "Training ended after 3 epochs: nothing improved for 1 epoch."
    assert "torch is not installed" in found.lines[1]
    assert [row["kept"] for row in rows(found, "epochs")] == ["", "kept", ""]
    assert {row["layer"]: row["parameters"] for row in rows(found, "layers")} == {
        "network layers": 40,
        "embedding of 'latest pitch'": 36,
    }
    assert [line.get_ydata().tolist() for line in found.draw().axes[0].lines[:2]] == [[2.5, 2.0, 1.9], [2.25, 2.1, 2.2]]
    with pytest.raises(UsageError, match="needs torch"):
        inspect(ModelFile(network), Request(context="C4"))


def test_the_verb_falls_back_to_the_file_where_torch_is_missing(network, monkeypatch):
    def missing(_):
        raise MissingExtraError("this needs torch")

    monkeypatch.setattr(Pipeline, "from_file", missing)
    assert isinstance(verb._fitted(ModelFile(network)), ModelFile)
    model_file.write(network, {"model": ["hmm", {}]}, {}, force=True)
    with pytest.raises(MissingExtraError):
        verb._fitted(ModelFile(network))


def test_a_network_is_told_and_asked():
    pytest.importorskip("torch")
    from stochastic_music.models.neural import LSTM

    pipeline = fitted(LSTM(width=4, embedding=2, max_epochs=2, validation=0.0))
    found = inspect(pipeline)
    assert found.facts["epochs"] == 2
    assert found.facts["learned_parameters"] == pipeline.model.n_parameters_
    assert sum(row["parameters"] for row in rows(inspect(pipeline, Request(at_most=99)), "layers")) == (
        pipeline.model.n_parameters_
    )
    after = inspect(pipeline, Request(context="C4"))
    assert after.facts["heard"] == 4
    assert 0 < rows(after, "next")[0]["probability"] < 1
