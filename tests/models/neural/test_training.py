"""Training: it learns, stops, repeats, goes on where it was broken off, and says what went wrong."""

import math
from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings
from hypothesis import strategies as st

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import DivergedError, EmptyCorpusError, InvalidParameterError, UsageError, VocabularyError
from stochastic_music.models import deadline
from stochastic_music.models.neural import checkpoints, training
from stochastic_music.models.neural.batches import Material
from stochastic_music.models.neural.hearing import Hearing
from stochastic_music.models.neural.lesson import Lesson
from stochastic_music.models.neural.training import train
from stochastic_music.models.neural.validation import divided
from stochastic_music.tokens import Vocabulary
from tests.models.neural.pupils import flat, pupil, tunes

pytestmark = pytest.mark.neural

LESSON = Lesson(learning_rate=0.02, batch_size=4, max_epochs=6, patience=3, warm_up=3, reach=2, chunk=8, seed=1)


def lesson(**changes):
    return Lesson(**{**vars(LESSON), **changes})


def taught(how=LESSON, *, corpus=None, seed=0, dropout=0.1, **options):
    """A small predictor after training, and its history."""
    corpus = corpus or tunes()
    hearing, predictor = pupil(corpus, seed=seed, dropout=dropout)
    history = train(predictor, hearing, corpus.select(range(9)), corpus.select(range(9, 12)), how, **options)
    return hearing, predictor, history


class Clock:
    """A clock that goes on by `step` seconds whenever it is looked at."""

    def __init__(self, step):
        self.time, self.step = 0.0, step

    def __call__(self):
        self.time += self.step
        return self.time


def test_what_it_learns_is_better_than_what_it_began_with():
    corpus = tunes()
    hearing, predictor, history = taught(lesson(max_epochs=20, patience=20))
    validation = Material.of(hearing, corpus.select(range(9, 12)))
    loss = training.mean_loss(predictor, validation, LESSON, corpus.vocabulary.mask)
    assert loss == pytest.approx(min(history.validation), abs=1e-6)  # the best weights are those left behind
    assert history.validation[history.best - 1] == min(history.validation)
    assert loss < history.validation[0] - 0.5
    assert history.training[-1] < history.training[0] - 0.5
    assert history.stopped == "all 20 epochs are done"
    assert not predictor.training


def test_equal_seeds_give_equal_weights_and_leave_the_callers_randomness_alone():
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002 - what callers may use
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first, second, other = (flat(taught(lesson(seed=seed, max_epochs=2))[1]) for seed in (1, 1, 2))
    assert first.tobytes() == second.tobytes()
    assert (first != other).any()
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002


def test_it_stops_when_validation_gets_no_better():
    _, _, history = taught(lesson(max_epochs=60, learning_rate=0.1, reach=0))
    assert len(history.validation) == history.best + 3 < 60
    assert history.stopped == "validation was no better for 3 epochs"


def test_stopping_early_on_a_schedule_that_the_clock_shortened_is_told(monkeypatch):
    monkeypatch.setattr(deadline, "clock", Clock(0.1))
    how = lesson(max_epochs=10_000, learning_rate=0.1, reach=0)
    hurried, leisurely = (taught(how, seconds=seconds)[2].stopped for seconds in (2_000, 1e9))
    assert hurried == "validation was no better for 3 epochs, at a rate that fell with the time"
    assert leisurely == "validation was no better for 3 epochs"


def test_progress_is_told_after_each_epoch():
    told = []
    taught(lesson(max_epochs=2), progress=lambda *what: told.append(what))
    assert [(done, total) for done, total, _ in told] == [(1, 2), (2, 2)]
    assert told[1][2].startswith("epoch 2: training ")
    assert "validation" in told[1][2]
    assert "nats a symbol" in told[1][2]


@pytest.mark.parametrize("at", [1, 3, 5])
def test_broken_off_and_gone_on_is_the_same_as_in_one_go(at, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "EVERY", 0.0)
    path = tmp_path / "fit.ckpt"

    def stop(done, total, label):
        if done == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        taught(checkpoint=path, progress=stop)
    assert path.exists()
    _, resumed, history = taught(checkpoint=path)
    _, at_once, expected = taught()
    assert flat(resumed).tobytes() == flat(at_once).tobytes()
    assert history == expected
    assert not path.exists()


def test_checkpoints_are_written_now_and_then_only(tmp_path, monkeypatch):
    monkeypatch.setattr(deadline, "clock", Clock(1.0))
    monkeypatch.setattr(checkpoints, "EVERY", 1e6)
    found = []
    path = tmp_path / "fit.ckpt"
    taught(lesson(max_epochs=2), checkpoint=path, progress=lambda *_: found.append(path.exists()))
    assert found == [False, False]


def broken_off(path, monkeypatch):
    monkeypatch.setattr(checkpoints, "EVERY", 0.0)

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        taught(checkpoint=path, progress=stop)


def test_checkpoints_of_other_fits_are_refused_by_name(tmp_path, monkeypatch):
    path = tmp_path / "fit.ckpt"
    broken_off(path, monkeypatch)
    with pytest.raises(UsageError, match="another lesson"):
        taught(lesson(seed=2), checkpoint=path)
    with pytest.raises(UsageError, match="another network or seed"):
        taught(seed=1, checkpoint=path)
    with pytest.raises(UsageError, match="another training pieces"):
        taught(corpus=tunes(seed=3), checkpoint=path)
    with pytest.raises(UsageError, match="another network or seed"):
        taught(dropout=0.3, checkpoint=path)  # equal weights at first
    assert path.exists()


def test_damaged_checkpoints_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "fit.ckpt"
    broken_off(path, monkeypatch)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(UsageError, match="damaged"):
        taught(checkpoint=path)
    path.write_bytes(whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:])
    with pytest.raises(UsageError, match="do not match their checksum"):
        taught(checkpoint=path)
    path.write_bytes(b"")
    with pytest.raises(UsageError, match="no checkpoint, or damaged"):
        taught(checkpoint=path)


def test_time_that_is_up_in_the_first_epoch_keeps_what_was_reached(monkeypatch):
    monkeypatch.setattr(deadline, "clock", Clock(1.0))
    before = flat(pupil(tunes())[1])
    _, after, history = taught(seconds=12)
    assert len(history.validation) == history.best == 1
    assert history.stopped == "the time was up"
    assert (flat(after) != before).any()


def test_time_that_was_spent_before_an_interruption_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(deadline, "clock", Clock(1.0))
    monkeypatch.setattr(checkpoints, "EVERY", 0.0)
    how = lesson(max_epochs=100, patience=100)
    whole = len(taught(how, seconds=200, checkpoint=tmp_path / "whole.ckpt")[2].validation)
    assert whole > 6

    def stop(done, total, label):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        taught(how, seconds=200, checkpoint=tmp_path / "fit.ckpt", progress=stop)
    resumed = len(taught(how, seconds=200, checkpoint=tmp_path / "fit.ckpt")[2].validation)
    assert abs(resumed - whole) <= 1  # not five more


def test_time_that_is_up_before_the_first_step_is_an_error(monkeypatch):
    monkeypatch.setattr(deadline, "clock", Clock(1.0))
    with pytest.raises(InvalidParameterError, match=r"one step was done after [0-9]+ seconds, the limit is 1\."):
        taught(seconds=1)


def test_losses_that_are_no_numbers_end_with_what_to_set():
    with pytest.raises(DivergedError, match=r"epoch 1: the loss was (nan|inf) at a learning rate of 2.5e\+29, 2 times"):
        taught(lesson(learning_rate=1e30, clip=1e30))


def test_after_one_loss_that_is_no_number_it_goes_on_from_the_best_weights():
    corpus = tunes()
    hearing, predictor = pupil(corpus)
    calls = []

    def spoiled(module, inputs, output):
        calls.append(module.training)
        log_probs, memory = output
        return (log_probs * math.nan if len(calls) == 15 else log_probs), memory

    predictor.register_forward_hook(spoiled)
    rates = []
    course_step = training.Course._set_rate

    def listened(course, *rest):
        course_step(course, *rest)
        rates.append(course.optimiser.param_groups[0]["lr"])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.Course, "_set_rate", listened)
        history = train(predictor, hearing, corpus.select(range(9)), corpus.select(range(9, 12)), LESSON)
    assert all(map(math.isfinite, history.training + history.validation))
    assert len(history.validation) == 6
    assert max(rates[20:]) < 0.51 * LESSON.learning_rate < max(rates)


def test_empty_corpora_are_refused():
    corpus = TokenCorpus.from_sequences([[], []], Vocabulary.plain(3, closed=False))
    hearing, predictor = pupil(tunes())
    with pytest.raises(EmptyCorpusError, match="the training pieces hold no symbols"):
        train(predictor, hearing, corpus, corpus, LESSON)
    with pytest.raises(VocabularyError, match="make it of all"):
        train(predictor, Hearing.of(tunes(1)), tunes(), tunes(), LESSON)


ODD = {
    "one piece of one symbol": ([[0]], Vocabulary.plain(3)),
    "nothing but ends": ([[], [], []], Vocabulary.plain(3)),
    "empty pieces among others": ([[], [0, 1, 2], []], Vocabulary.plain(3, closed=False)),
    "an alphabet of one": ([[0, 0, 0]] * 5, Vocabulary.plain(1, closed=False)),
    "a large alphabet": ([[0, 2999, 17, 5], [1234, 5]], Vocabulary.plain(3000)),
    "the ends of the range": ([[0, 127] * 4, [127, 0]], Vocabulary.plain(128, name="pitch")),
    "very unequal pieces": ([[1] * n for n in (1, 300, 2, 9)], Vocabulary.plain(2, name="pitch", closed=False)),
}


@pytest.mark.parametrize("name", [*ODD])
def test_odd_corpora_are_learned_from(name):
    pieces, vocabulary = ODD[name]
    corpus = TokenCorpus.from_sequences(pieces, vocabulary)
    hearing, predictor = pupil(corpus, width=4)
    history = train(predictor, hearing, *divided(corpus), lesson(max_epochs=2))
    assert all(map(math.isfinite, history.training + history.validation))
    assert np.isfinite(flat(predictor)).all()


def test_chunks_say_what_whole_pieces_say():
    corpus = tunes(5, 40)
    hearing, predictor = pupil(corpus)
    material = Material.of(hearing, corpus)
    losses = [training.mean_loss(predictor, material, lesson(chunk=n), corpus.vocabulary.mask) for n in (1, 7, 500)]
    assert losses == pytest.approx([losses[0]] * 3, abs=1e-5)


def test_long_pieces_are_read_in_chunks():
    corpus = tunes(2, 2000)
    hearing, predictor = pupil(corpus)
    sizes = []
    predictor.register_forward_pre_hook(lambda _, inputs: sizes.append(tuple(inputs[0].shape[:2])))
    history = train(predictor, hearing, corpus.select([0]), corpus.select([1]), lesson(max_epochs=1, chunk=256))
    assert max(sizes) == (1, 256)
    assert len(sizes) == 2 * 8
    assert history.validation[0] < 3


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.integers(1, 5), st.integers(1, 6), st.booleans())
@settings(max_examples=40, deadline=None)
def test_batches_hold_each_symbol_once(lengths, size, chunk, at_random):
    vocabulary = Vocabulary.plain(30, name="pitch", closed=False)
    rng = np.random.default_rng(len(lengths))
    corpus = TokenCorpus.from_sequences([rng.integers(10, 20, n) for n in lengths], vocabulary)
    hearing = Hearing.of(corpus)
    material = Material.of(hearing, corpus)
    found, n_symbols = [], 0
    for batch in material.batches(size, rng if at_random else None):
        found += batch.tolist()
        held = corpus.lengths[batch]
        assert len(batch) <= size
        assert all(a >= b for a, b in pairwise(held))
        for part in material.chunks(batch, chunk):
            assert part.held[:, 0].all()
            n_symbols += int(part.held.sum())
            assert np.take_along_axis(part.allowed, part.target[..., None], axis=2)[part.held].all()
    assert sorted(found) == np.flatnonzero(corpus.lengths).tolist()
    assert n_symbols == len(corpus.symbols)


@given(st.integers(0, 99), st.integers(0, 6))
@settings(max_examples=25, deadline=None)
def test_moved_material_is_what_moved_pieces_sound_like(seed, reach):
    corpus = tunes(4, 6, seed=seed, size=80, lowest=35)
    hearing = Hearing.of(corpus, 30)  # whatever the copy proposes is known
    moved = Material.of(hearing, corpus).moved(reach, np.random.default_rng(seed))
    again = Material.of(hearing, moved.corpus)
    assert (moved.heard == again.heard).all()


def test_biases_and_embeddings_do_not_decay():
    _, predictor = pupil(tunes())
    groups = training._optimiser(predictor, LESSON).param_groups
    named = {id(weights): name for name, weights in predictor.named_parameters()}
    decay = {named[id(weights)]: group["weight_decay"] for group in groups for weights in group["params"]}
    assert set(decay) == set(named.values())
    for name, rate in decay.items():
        assert (rate == 0) == ("bias" in name or "embedding" in name), name


@pytest.mark.parametrize("name", [*vars(LESSON)])
def test_settings_out_of_range_are_named(name):
    with pytest.raises(InvalidParameterError, match=name):
        lesson(**{name: -1})
