"""Dynamic evaluation [1, 2]: a trained network goes on learning from what it hears, as LTM+ counts what it hears.

Each piece that was heard is read once, and after each chunk of it the weights w take a step down the gradient g of its
mean loss, and one back towards the weights that training left:

    w  <-  w - rate * g + decay * (trained - w)

g is shortened to the norm `clip` where it is longer. Nothing is random: no dropout. The defaults were chosen on chorale
sopranos held back from training, which they leave as likely as they were, and on children's songs that a network of
sopranos listens to, which become likelier from song to song.

[1] T. Mikolov and others. Recurrent neural network based language model. Interspeech 2010.
[2] B. Krause, E. Kahembwe, I. Murray and S. Renals. Dynamic evaluation of neural sequence models. ICML 2018.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import DivergedError, InvalidParameterError
from stochastic_music.models.neural.batches import Material
from stochastic_music.models.neural.training import loss_of


def adapted(
    predictor: Any,
    hearing: Any,
    piece: TokenCorpus,
    *,
    trained: Any = None,
    rate: float = 0.02,
    decay: float = 0.002,
    clip: float = 1.0,
    chunk: int = 1024,
) -> Any:
    """A predictor that has also learned from the pieces of `piece`, one after the other; `predictor` stays as it is.

    `trained` is the predictor as training left it, `predictor` itself by default. Symbols that training could not know
    teach nothing. Raises InvalidParameterError for a rate, decay or clip that makes no sense, DivergedError where
    weights would be no numbers.
    """
    for name, value in (("rate", rate), ("decay", decay), ("clip", clip)):
        if not 0 <= value < math.inf or (name == "clip" and not value):
            raise InvalidParameterError(f"{name} is {value}; expected a number from 0, and clip above it")
    learner = copy.deepcopy(predictor).eval()
    home = [weights.detach() for weights in (predictor if trained is None else trained).parameters()]
    material = Material.of(hearing, piece)
    for i in np.flatnonzero(piece.lengths):
        memory = None
        for part in material.chunks(np.array([i]), chunk, piece.vocabulary.mask):
            loss, memory = loss_of(learner, part, memory)
            if part.held.any():
                _step(learner, loss, home, rate=rate, decay=decay, clip=clip)
    return learner


def _step(learner: Any, loss: Any, home: Sequence[Any], *, rate: float, decay: float, clip: float) -> None:
    learner.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(learner.parameters(), clip)
    if not torch.isfinite(norm):
        raise DivergedError(f"the loss of what was heard is {float(loss.detach()):g}: adapt at a rate below {rate:g}")
    with torch.no_grad():
        for weights, trained in zip(learner.parameters(), home, strict=True):
            weights.add_(decay * (trained - weights) - rate * weights.grad)
    learner.zero_grad()
