"""How a network is taught: what training may be told, and how fast it learns when."""

from __future__ import annotations

import math
from dataclasses import dataclass

from stochastic_music.errors import InvalidParameterError

_LEAST = {"batch_size": 1, "max_epochs": 1, "patience": 1, "chunk": 1, "warm_up": 0, "reach": 0, "seed": 0}


@dataclass(frozen=True)
class Lesson:
    """Settings of training.

    learning_rate   of AdamW, at its highest
    weight_decay    of weights; biases, embeddings and scales of norms do not decay
    batch_size      whole pieces in a batch
    max_epochs      how often training goes through the corpus at most
    patience        epochs without a better validation loss after which it stops
    clip            the largest norm of a gradient; longer ones are shortened to it
    warm_up         steps over which the rate rises in a straight line to its highest
    reach           semitones by which pieces are moved, up or down, anew in each epoch (0: not at all)
    chunk           symbols through which gradients go back; longer pieces are read in chunks, memory carried over
    seed            of the order of pieces, their shifts, and dropout

    >>> Lesson(learning_rate=0.0)
    Traceback (most recent call last):
    stochastic_music.errors.InvalidParameterError: learning_rate is 0.0; expected a number above 0
    """

    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    batch_size: int = 16
    max_epochs: int = 80
    patience: int = 15
    clip: float = 1.0
    warm_up: int = 50
    reach: int = 5
    chunk: int = 1024
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("learning_rate", "clip"):
            if not 0 < (value := getattr(self, name)) < math.inf:
                raise InvalidParameterError(f"{name} is {value}; expected a number above 0")
        if not 0 <= self.weight_decay < math.inf:
            raise InvalidParameterError(f"weight_decay is {self.weight_decay}; expected 0 or more")
        for name, least in _LEAST.items():
            if (value := getattr(self, name)) < least:
                raise InvalidParameterError(f"{name} is {value}; expected a whole number from {least}")

    def rate(self, step: int, done: float) -> float:
        """The learning rate of step `step`, counted from 0, when the share `done` (0 to 1) of training has gone.

        It rises over `warm_up` steps and falls along half a cosine to 0 [1].

            >>> lesson = Lesson(learning_rate=1.0, warm_up=4)
            >>> [round(lesson.rate(step, done), 2) for step, done in [(0, 0.0), (3, 0.0), (50, 0.5), (99, 1.0)]]
            [0.25, 1.0, 0.5, 0.0]

        [1] I. Loshchilov and F. Hutter. SGDR: stochastic gradient descent with warm restarts. ICLR 2017.
        """
        risen = min(1.0, (step + 1) / max(self.warm_up, 1))
        return self.learning_rate * risen * (1 + math.cos(math.pi * min(done, 1.0))) / 2
