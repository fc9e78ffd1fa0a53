"""What every labeller of linear chains has: everything that follows from its potentials.

Given a piece, such a model is a linear chain over labels (`sampling.chains`): a subclass implements `chain`, and the
likeliest labels, marginals, exact log probabilities and exact samples follow, each under demands on the labels if there
are any.

Demands (`allowed`) on the labels of a piece are one of

    an array (T, n_labels)               True where a label may stand
    {-1: "C_M", 4: ("G_M", "G_M7")}      by place, counted from 0, or from the end below 0
    [None, "C_M", ("G_M", "G_M7"), ...]  one for each event; None demands nothing

They are met exactly: probabilities are those of the model conditioned on them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self

import numpy as np

from stochastic_music import _random
from stochastic_music.corpus.labelled import check_observations, checked_labels
from stochastic_music.errors import InvalidParameterError, NotFittedError, UnsatisfiableError
from stochastic_music.models.base import Estimator
from stochastic_music.protocols import BoolArray, FloatArray, Observation
from stochastic_music.sampling.chains import (
    Chain,
    best_path,
    log_partition,
    marginals,
    path_score,
    restricted,
    sample_paths,
)


class ChainLabeller(Estimator, ABC):
    """A labeller whose labels form a linear chain; subclasses supply `fit` and `chain`, and set `labels_` in `fit`."""

    labels_: tuple[str, ...]

    @abstractmethod
    def fit(self, observations: Sequence[Sequence[Observation]], labels: Sequence[Sequence[str]]) -> Self:
        """Learn from pieces with a label for each event; returns self."""

    @abstractmethod
    def chain(self, observation: Sequence[Observation]) -> Chain:
        """The potentials of one piece's labels: unary (T, n_labels)."""

    def predict(self, observations: Sequence[Sequence[Observation]], *, allowed: Any = None) -> list[list[str]]:
        """The likeliest labels of each piece. `allowed` holds demands for each, or None.

        Raises UnsatisfiableError, naming the first place where nothing is left.
        """
        return [self._named(best_path(chain).tolist()) for chain in self._chains(observations, allowed)]

    def predict_marginals(
        self, observations: Sequence[Sequence[Observation]], *, allowed: Any = None
    ) -> list[FloatArray]:
        """The probability of each label at each event: (T, n_labels) for each piece, columns as in `labels_`."""
        return [marginals(chain) for chain in self._chains(observations, allowed)]

    def log_prob(self, labels: Sequence[Sequence[str]], observations: Sequence[Sequence[Observation]]) -> FloatArray:
        """The log probability of the labels of each piece given all of its observations, in nats: (n,).

        It is -inf for a label that training never held. Raises InputError for labels of another length.
        """
        checked = checked_labels(observations, labels)
        chains = self._chains(observations, None)
        return np.array([self._log_prob(own, chain) for own, chain in zip(checked, chains, strict=True)])

    def sample(
        self, observations: Sequence[Observation], n: int = 1, *, allowed: Any = None, seed: _random.Seed = None
    ) -> list[list[str]]:
        """`n` independent draws of the labels of one piece; draw i depends on the seed and on i alone.

        Raises UnsatisfiableError, naming the first place where nothing is left.
        """
        [chain] = self._chains([observations], None if allowed is None else [allowed])
        return [self._named(path) for path in sample_paths(chain, n, seed=seed).tolist()]

    def score(self, observations: Sequence[Sequence[Observation]], labels: Sequence[Sequence[str]]) -> float:
        """The share of events whose likeliest label is the given one, 0 to 1; nan where there are no events."""
        pairs = [
            (self._place(said), self._place(given))
            for own, given_labels in zip(self.predict(observations), checked_labels(observations, labels), strict=True)
            for said, given in zip(own, given_labels, strict=True)
        ]
        return float(np.mean([said == given for said, given in pairs])) if pairs else float("nan")

    def _chains(self, observations: Sequence[Sequence[Observation]], allowed: Any) -> list[Chain]:
        self._check_fitted()
        check_observations(observations)
        if allowed is None:
            return [self.chain(piece) for piece in observations]
        if len(allowed) != len(observations):
            raise InvalidParameterError(
                f"got {len(observations)} pieces and demands on {len(allowed)}; expected demands, or None, for each"
            )
        return [
            restricted(self.chain(piece), allowed_mask(demands, len(piece), self.labels_))
            for piece, demands in zip(observations, allowed, strict=True)
        ]

    def _log_prob(self, labels: Sequence[str], chain: Chain) -> float:
        places = [self._place(label) for label in labels]
        if None in places:
            return -np.inf
        return path_score(chain, np.array(places, dtype=np.int64)) - log_partition(chain)

    def _place(self, label: str) -> int | None:
        """The column of a label; None for one that training never held."""
        return self.labels_.index(label) if label in self.labels_ else None

    def _named(self, path: Sequence[int]) -> list[str]:
        return [self.labels_[k] for k in path]

    def _check_fitted(self) -> None:
        if not hasattr(self, "labels_"):
            raise NotFittedError(
                f"this {type(self).__name__} has not learned anything yet: call fit(observations, labels) first"
            )


def allowed_mask(allowed: Any, n_places: int, labels: Sequence[str]) -> BoolArray:
    """Demands on the labels of one piece as an array (n_places, n_labels); the module's article tells their forms.

    Raises InvalidParameterError for another shape or a place outside the piece, UnsatisfiableError where none of the
    labels demanded is among `labels`.

    >>> allowed_mask({-1: "G"}, 2, ["C", "G"]).tolist()
    [[True, True], [False, True]]
    """
    if isinstance(allowed, np.ndarray):
        return _checked_mask(allowed, (n_places, len(labels)))
    mask = np.ones((n_places, len(labels)), dtype=bool)
    if allowed is None:
        return mask
    if not isinstance(allowed, Mapping) and len(allowed) != n_places:
        raise InvalidParameterError(f"got demands on {len(allowed)} events of a piece of {n_places}; expected one each")
    demands = allowed.items() if isinstance(allowed, Mapping) else enumerate(allowed)
    for place, wanted in demands:
        if not -n_places <= place < n_places:
            raise InvalidParameterError(f"a demand is on event {place} of a piece of {n_places} (counted from 0)")
        if wanted is not None:
            mask[place] &= _wanted(wanted, place % n_places, labels)
    return mask


def _wanted(wanted: str | Collection[str], place: int, labels: Sequence[str]) -> BoolArray:
    names = {wanted} if isinstance(wanted, str) else set(wanted)
    found = np.array([label in names for label in labels], dtype=bool)
    if not found.any():
        raise UnsatisfiableError(
            f"place {place + 1} must be {' or '.join(sorted(names)) or 'nothing at all'}, which training never held. "
            "Ask for a label that it did, or train on pieces that have it"
        )
    return found


def _checked_mask(mask: Any, shape: tuple[int, int]) -> BoolArray:
    if mask.shape != shape or mask.dtype != bool:
        raise InvalidParameterError(
            f"the labels allowed are an array of {mask.dtype} of shape {mask.shape}; expected bool of shape {shape}, "
            "a row for each event and a column for each label"
        )
    found: BoolArray = mask
    return found
