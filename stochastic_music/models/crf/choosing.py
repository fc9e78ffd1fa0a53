"""Parameters chosen by cross-validation inside the training pieces, for any labeller.

The pieces are dealt to folds (`corpus.folds`); every combination of candidates is fitted on all folds but one and
labels that one. What counts is the share of events that are labelled rightly; the log probability that the given labels
have is told beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from stochastic_music._random import Seed
from stochastic_music.corpus import folds as dealt
from stochastic_music.errors import InvalidParameterError, UnknownNameError
from stochastic_music.protocols import IntArray, Observation


class Choice(NamedTuple):
    """A combination of parameters: the share of held-out events that it labelled rightly, 0 to 1."""

    parameters: dict[str, Any]
    accuracy: float


def choose(
    labeller: Any,
    candidates: Mapping[str, Sequence[Any]],
    observations: Sequence[Sequence[Observation]],
    labels: Sequence[Sequence[str]],
    *,
    folds: int = 5,
    seed: Seed = 0,
    groups: Sequence[int] | None = None,
) -> tuple[Choice, ...]:
    """Every combination of `candidates`, in their order, with its accuracy on pieces that it was not fitted on.

    `labeller` gives the other parameters. Where there are fewer pieces than `folds` there is a fold for each. Raises
    UnknownNameError for a parameter that the labeller does not take, InvalidParameterError where a parameter has no
    candidates or there is one piece only.
    """
    parameters = (
        {**labeller.get_params(), "choose": None} if "choose" in labeller.get_params() else labeller.get_params()
    )
    for name, values in candidates.items():
        if name not in parameters or name == "choose":
            raise UnknownNameError(f"parameter of {type(labeller).__name__}", name, parameters)
        if isinstance(values, str) or not len(values):
            raise InvalidParameterError(f"the candidates of {name} are {values!r}; expected a list of one or more")
    if len(observations) < 2:
        raise InvalidParameterError("one piece cannot be dealt to folds: give more, or set the parameters yourself")
    fold = dealt(len(observations), min(folds, len(observations)), seed=seed, groups=groups)
    tried = []
    for values in product(*candidates.values()):
        own = dict(zip(candidates, values, strict=True))
        right = _held_out(type(labeller), {**parameters, **own}, observations, labels, fold)
        tried.append(Choice(own, right))
    return tuple(tried)


def _held_out(
    kind: Any,
    parameters: Mapping[str, Any],
    observations: Sequence[Sequence[Observation]],
    labels: Sequence[Sequence[str]],
    fold: IntArray,
) -> float:
    right = total = 0
    for k in np.unique(fold):
        rest, held = np.flatnonzero(fold != k).tolist(), np.flatnonzero(fold == k).tolist()
        model = kind(**parameters).fit([observations[i] for i in rest], [labels[i] for i in rest])
        for said, given in zip(model.predict([observations[i] for i in held]), (labels[i] for i in held), strict=True):
            right += sum(a == b for a, b in zip(said, given, strict=True))
            total += len(given)
    return right / max(total, 1)
