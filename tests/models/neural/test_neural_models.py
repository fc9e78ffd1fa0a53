"""Networks as models of the house: the contract, what they say of themselves, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.neural

from stochastic_music import registry, sampling
from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import (
    EmptyCorpusError,
    InvalidParameterError,
    MachineError,
    ModelFileError,
    UnknownNameError,
    VocabularyError,
)
from stochastic_music.models.neural.model import EPOCHS_ALONE, device_for
from stochastic_music.models.neural.validation import held_out
from stochastic_music.protocols import TrainedModel
from stochastic_music.testing import check_model
from stochastic_music.testing.toys import TOYS, plain, ticking
from stochastic_music.tokens import Vocabulary

QUICK = {"embedding": 3, "max_epochs": 2, "batch_size": 2}
KINDS = {
    "lstm": {"width": 6, **QUICK},
    "gru": {"width": 6, "n_layers": 2, **QUICK},
    "wavenet": {"width": 4, "skip_width": 5, "n_layers": 2, **QUICK},
    "transformer": {"width": 6, "n_heads": 2, "n_layers": 1, "span": 5, **QUICK},
}


def made(kind="lstm", **changes):
    return registry.create("models", kind, {**KINDS[kind], **changes})


def tunes(n=12):
    """Pieces of eleven notes that go up and down by a second and a third, from 3 to 17."""
    rng, pieces = np.random.default_rng(1), []
    for _ in range(n):
        tune = [int(rng.integers(8, 13))]
        while len(tune) < 11:
            tune.append(int(np.clip(tune[-1] + rng.choice([-1, 2]), 3, 17)))
        pieces.append(tune)
    pieces[0][:2] = [3, 17]
    return TokenCorpus.from_sequences(pieces, Vocabulary.plain(30, name="pitch"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("toy", TOYS)
def test_the_contract(kind, toy):
    check_model(made(kind), corpora={toy: TOYS[toy]})


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_what_it_hears(kind):
    corpus = tunes()
    loud = {"input_dropout": 0.0, "output_dropout": 0.0, "dropout": 0.0, "learning_rate": 0.02, "width": 16}
    taught, begun = (made(kind, **loud, max_epochs=n, patience=n).fit(corpus) for n in (40, 1))
    assert isinstance(taught, TrainedModel)
    assert taught.score(corpus) > begun.score(corpus) + 0.8


def test_equal_seeds_give_equal_weights_and_leave_the_callers_torch_alone():
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    one, again, other = (made(seed=seed).fit(tunes()).to_arrays() for seed in (3, 3, 4))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.get_num_threads() == threads
    assert torch.get_default_dtype() == torch.float32
    assert all(array.tobytes() == again[name].tobytes() for name, array in one.items())
    assert any(array.tobytes() != other[name].tobytes() for name, array in one.items())


def test_rows_of_a_state_go_on_as_they_would_alone():
    model, corpus = made("transformer").fit(ticking()), ticking()
    state = model.initial_state(len(corpus), corpus.headers)
    state = model.advance(state, corpus.padded()[:, 0])
    chosen = np.array([2, 0, 2])
    taken = model.advance(state.rows(chosen), corpus.padded()[chosen, 1])
    whole = model.advance(state, corpus.padded()[:, 1])
    np.testing.assert_allclose(taken.log_probs, whole.log_probs[chosen], atol=1e-12)


def test_symbols_that_training_never_held_share_a_novelty():
    corpus = tunes(n=8)
    model = made().fit(corpus)
    rows = model.next_log_probs(model.initial_state())[0]
    unseen = np.setdiff1d(np.arange(30), corpus.symbols)
    assert len(set(rows[unseen].round(12))) == 1
    np.testing.assert_allclose(np.exp(rows[unseen]).sum(), model.novelty_[0])
    assert np.isfinite(model.log_prob([0, 29, 0, 30]))


def test_restricted_models_stay_within_their_alphabet():
    corpus = tunes()
    model = made().fit(corpus)
    small = model.restricted(corpus.vocabulary.restrict([5, 7, 29]))
    rows = np.exp(small.next_log_probs(small.initial_state()))[0]
    assert np.flatnonzero(rows).tolist() == [5, 7, 29, 30]
    np.testing.assert_allclose(rows.sum(), 1.0)
    assert np.isfinite(model.next_log_probs(model.initial_state())).all()
    with pytest.raises(VocabularyError, match="cannot take this vocabulary"):
        model.restricted(Vocabulary.plain(7))


def test_augmentation_widens_what_it_knows():
    corpus = tunes(n=8)
    near, far = (made(reach=reach).fit(corpus).hearing_ for reach in (0, 3))
    assert (near.lowest, near.highest) == (3, 17)
    assert (far.lowest, far.highest) == (0, 20)


def test_it_composes_freely_greedily_and_under_constraints():
    from stochastic_music.constraints import PitchRange

    model = made(max_epochs=20).fit(tunes())
    for options in ({}, {"temperature": 0.8, "top_p": 0.9}, {"method": "greedy", "constraint": PitchRange(5, 12)}):
        drawn = sampling.sample(model, 2, seed=1, max_events=12, **options)
        again = sampling.sample(model, 2, seed=1, max_events=12, **options)
        assert [one.symbols.tolist() for one in drawn] == [one.symbols.tolist() for one in again]
    particles = sampling.sample(model, 2, seed=1, max_events=12, constraint=PitchRange(5, 12))
    assert {one.guarantee for one in particles} == {"particle"}
    assert all(5 <= symbol <= 12 or symbol == 30 for one in particles for symbol in one.symbols)


def test_it_says_how_training_went():
    model = made(max_epochs=3).fit(tunes())
    assert model.n_parameters_ == sum(array.size for name, array in model.to_arrays().items() if "weights" in name)
    said = " ".join(model.remarks(tunes()))
    assert f"{model.n_parameters_:,} parameters" in said
    assert "3 epochs: all 3 epochs are done" in said
    assert f"after epoch {model.history_.best}" in said


def test_pieces_that_are_held_back_and_too_few_of_them():
    kept, held = held_out(tunes(20), 0.2, seed=0)
    assert not set(kept.names) & set(held.names)
    assert held_out(tunes(5), 0.2, seed=0)[1] is None
    few = made(max_epochs=100).fit(tunes(3))
    assert len(few.history_.validation) == EPOCHS_ALONE
    assert "too few to hold any back" in " ".join(few.remarks(tunes(3)))
    assert "Nothing was held back" in " ".join(made(validation=0.0).fit(tunes()).remarks(tunes()))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"width": 0}, InvalidParameterError),
        ({"width": 2.5}, InvalidParameterError),
        ({"output_dropout": 1.0}, InvalidParameterError),
        ({"validation": -0.1}, InvalidParameterError),
        ({"learning_rate": 0.0}, InvalidParameterError),
        ({"max_epochs": 0}, InvalidParameterError),
        ({"device": "tpu"}, UnknownNameError),
    ],
)
def test_parameters_outside_their_range(changes, error):
    with pytest.raises(error, match=next(iter(changes))):
        made(**changes).fit(plain())


def test_heads_that_cannot_share_a_width():
    with pytest.raises(InvalidParameterError, match="n_heads 4"):
        made("transformer", n_heads=4).fit(plain())


def test_a_wavenet_that_would_look_back_too_far():
    with pytest.raises(InvalidParameterError, match="16,384 symbols"):
        made("wavenet", n_layers=15).fit(plain())


def test_an_empty_corpus():
    with pytest.raises(EmptyCorpusError, match="no symbols"):
        made().fit(TokenCorpus.from_sequences([], Vocabulary.plain(3)))


def test_a_gpu_that_is_not_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_for("auto") == device_for("cpu") == "cpu"
    with pytest.raises(MachineError, match="no GPU here") as told:
        made(device="cuda").fit(plain())
    assert told.value.exit_code == 4


def test_another_vocabulary_and_another_network():
    model = made().fit(plain())
    with pytest.raises(VocabularyError, match="does not fit the model"):
        model.score(ticking())
    with pytest.raises(ModelFileError, match="another network than this version"):
        made(width=5).from_arrays(model.to_arrays(), plain().vocabulary)


def test_it_goes_on_learning_while_it_is_evaluated():
    model, corpus = made(max_epochs=3, dynamic_rate=0.3).fit(tunes()), tunes()
    before = model.log_prob(corpus[0])
    adapted = model.adapt(corpus[0])
    for _ in range(5):
        adapted = adapted.adapt(corpus[0])
    assert adapted.log_prob(corpus[0]) > before == model.log_prob(corpus[0])
    assert model.adapt([29, 29, 30]).log_prob(corpus[0]) > -np.inf  # of what it cannot know it learns nothing
    still = made(max_epochs=3, dynamic_rate=0.0).fit(tunes())
    assert still.adapt(corpus[0]).log_prob(corpus[0]) == still.log_prob(corpus[0])
