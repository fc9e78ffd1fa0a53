"""A fit for `test_training_killed`, which runs this module in a process of its own and kills it."""

import sys
from pathlib import Path

from stochastic_music.models.neural import checkpoints
from stochastic_music.models.neural.lesson import Lesson
from stochastic_music.models.neural.training import train
from tests.models.neural.pupils import pupil, tunes

LESSON = Lesson(learning_rate=0.02, batch_size=4, max_epochs=12, patience=12, warm_up=3, reach=2, seed=1)


def fit(checkpoint=None, progress=None):
    """The predictor, and its history."""
    corpus = tunes()
    hearing, predictor = pupil(corpus)
    sides = corpus.select(range(9)), corpus.select(range(9, 12))
    return predictor, train(predictor, hearing, *sides, LESSON, checkpoint=checkpoint, progress=progress)


if __name__ == "__main__":
    checkpoints.EVERY = 0.0
    fit(Path(sys.argv[1]), lambda done, _total, _label: print(done, flush=True))
