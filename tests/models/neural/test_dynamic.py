"""Dynamic evaluation: it learns the style of what it hears, and leaves the network that it began with alone."""

import math
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.neural

from stochastic_music.errors import DivergedError, InvalidParameterError
from stochastic_music.models.neural.batches import Material
from stochastic_music.models.neural.dynamic import adapted
from stochastic_music.models.neural.hearing import Hearing
from stochastic_music.models.neural.lesson import Lesson
from stochastic_music.models.neural.networks.predictor import Predictor
from stochastic_music.models.neural.networks.recurrent import Recurrent
from stochastic_music.models.neural.training import mean_loss, train
from tests.models.neural.pupils import flat, pupil, tunes


def falling(corpus):
    """The same tunes upside down: another style."""
    ends = corpus.symbols == corpus.vocabulary.end
    return replace(corpus, symbols=np.where(ends, corpus.symbols, 22 - corpus.symbols))


@pytest.fixture(scope="module")
def taught():
    corpus = tunes(16)
    hearing, predictor = pupil(corpus + falling(corpus), width=16)
    lesson = Lesson(learning_rate=0.02, batch_size=4, max_epochs=8, patience=8, warm_up=3, reach=0)
    train(predictor, hearing, corpus.select(range(12)), corpus.select(range(12, 16)), lesson)
    return hearing, predictor


def losses(hearing, predictor, corpus, **options):
    """The loss of each piece, the predictor learning from each once it was predicted."""
    found, trained = [], predictor
    for i in range(len(corpus)):
        piece = corpus.select([i])
        found.append(mean_loss(predictor, Material.of(hearing, piece), Lesson(), corpus.vocabulary.mask))
        predictor = adapted(predictor, hearing, piece, trained=trained, **options)
    return np.array(found)


def test_it_learns_another_style_while_it_listens(taught):
    hearing, predictor = taught
    other = falling(tunes(24, seed=7))
    static = losses(hearing, predictor, other, rate=0.0)
    dynamic = losses(hearing, predictor, other)
    assert dynamic[0] == static[0]
    assert dynamic[12:].mean() < static[12:].mean() - 0.2


def test_it_does_not_forget_its_own_style(taught):
    hearing, predictor = taught
    own = tunes(12, seed=9)
    assert losses(hearing, predictor, own).mean() < losses(hearing, predictor, own, rate=0.0).mean() + 0.05


def test_what_it_began_with_stays_as_it_is(taught):
    hearing, predictor = taught
    before = flat(predictor)
    first, second = (adapted(predictor, hearing, tunes(1, seed=3)) for _ in range(2))
    assert (flat(predictor) == before).all()
    assert flat(first).tobytes() == flat(second).tobytes() != before.tobytes()
    assert all(weights.grad is None for weights in first.parameters())


def test_decay_leads_back_to_what_was_trained(taught):
    hearing, predictor = taught
    far = adapted(predictor, hearing, falling(tunes(5)))
    back = adapted(far, hearing, tunes(1), trained=predictor, rate=0.0, decay=1.0)
    assert flat(back) == pytest.approx(flat(predictor), abs=1e-6)
    half = adapted(far, hearing, tunes(1), trained=predictor, rate=0.0, decay=0.5)
    assert flat(half) == pytest.approx((flat(far) + flat(predictor)) / 2, abs=1e-6)


def test_symbols_that_training_could_not_know_teach_nothing():
    corpus = tunes(2)
    narrow = Hearing(corpus.vocabulary, np.setdiff1d(np.unique(corpus.symbols), [12]))
    small = Predictor(narrow, lambda n: Recurrent(n, width=4))
    assert np.isfinite(flat(adapted(small, narrow, corpus))).all()
    assert (flat(adapted(small, narrow, corpus.select([]))) == flat(small)).all()


def test_what_makes_no_sense_is_refused(taught):
    hearing, predictor = taught
    for setting in ({"rate": -1.0}, {"decay": math.nan}, {"clip": 0.0}):
        with pytest.raises(InvalidParameterError, match=next(iter(setting))):
            adapted(predictor, hearing, tunes(1), **setting)
    with pytest.raises(DivergedError, match="adapt at a rate below"):
        adapted(predictor, hearing, tunes(4), rate=1e38, clip=1e38)
