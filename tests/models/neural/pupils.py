"""Small corpora and predictors for tests of training."""

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.models.neural.hearing import Hearing
from stochastic_music.models.neural.networks.predictor import Predictor
from stochastic_music.models.neural.networks.recurrent import Recurrent
from stochastic_music.models.neural.training import seeded
from stochastic_music.tokens import Vocabulary

SCALE = np.array([0, 2, 4, 5, 7, 9, 11, 12])


def tunes(n=12, length=12, *, seed=0, size=24, lowest=5):
    """Tunes that go up a scale by one or two steps at a time, and begin again below."""
    rng = np.random.default_rng(seed)
    pieces = []
    for _ in range(n):
        walk = np.cumsum(rng.integers(1, 3, length)) % 8
        pieces.append(SCALE[walk] + lowest)
    return TokenCorpus.from_sequences(pieces, Vocabulary.plain(size, name="pitch"))


def pupil(corpus, *, reach=2, width=8, seed=0, dropout=0.1):
    """A hearing and a small recurrent predictor for a corpus."""
    hearing = Hearing.of(corpus, reach)
    with seeded(seed):
        predictor = Predictor(
            hearing, lambda n: Recurrent(n, width=width, n_layers=1), embedding=8, input_dropout=dropout,
            output_dropout=dropout,
        )  # fmt: skip
    return hearing, predictor


def flat(predictor):
    """All weights as one array."""
    return np.concatenate([tensor.detach().numpy().ravel() for tensor in predictor.state_dict().values()])
