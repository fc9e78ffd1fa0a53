"""Kinds of models for workers that a comparison ends, or that leave a reason: registered as a plug-in would be."""
# ruff: noqa: ARG002

import threading

from stochastic_music.models import Markov


class Slow(Markov):
    """Never done, and cannot be asked to stop."""

    def fit(self, corpus):
        threading.Event().wait()


class Failing(Markov):
    """Breaks while it is fitted."""

    def fit(self, corpus):
        raise ArithmeticError("the loss is no number")


class Patient(Markov):
    """Learns until it is asked to stop; where nobody asks soon, it stops by itself."""

    def __init__(self, order=1, seed=0):
        super().__init__(order)
        self.seed = seed

    def fit(self, corpus, *, seconds=None, checkpoint=None, progress=None):
        threading.Event().wait(min(seconds, 2.0))
        return super().fit(corpus)


class Mute(Markov):
    """Predicts, and cannot compose."""

    def restricted(self, vocabulary):
        raise ArithmeticError("no note comes to mind")
