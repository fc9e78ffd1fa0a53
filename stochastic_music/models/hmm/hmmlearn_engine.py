"""EM by hmmlearn: the one place that imports it.

`fit` with one iteration from given parameters is one step. `implementation="scaling"` is several times as fast as the
default, and `n_features` has to be said, or symbols that the corpus lacks would be missing. Priors are concentrations:
1 + pseudo-count.
"""

from __future__ import annotations

import logging

import numpy as np

from stochastic_music import _optional
from stochastic_music.models.hmm.observations import Observations
from stochastic_music.models.hmm.parameters import Parameters, Priors


class HmmlearnEngine:
    """One field's columns as hmmlearn reads them."""

    def __init__(self, observations: Observations, size: int) -> None:
        self._hmm = _optional.require("hmmlearn.hmm")
        lengths = observations.lengths
        self.lengths = lengths[lengths > 0]
        self.symbols = observations.columns
        self.size = size

    def step(self, parameters: Parameters, prior: Priors) -> tuple[Parameters, float]:
        """The parameters after one step, and the log likelihood of those before it, in nats."""
        model = self._hmm.CategoricalHMM(
            parameters.n_states,
            n_features=self.size,
            startprob_prior=1 + prior.start,
            transmat_prior=1 + prior.transitions,
            emissionprob_prior=1 + prior.emissions[0],
            n_iter=1,
            tol=-np.inf,
            init_params="",
            implementation="scaling",
        )
        model.startprob_, model.transmat_ = parameters.start, parameters.transitions
        model.emissionprob_ = parameters.emissions[0]
        with _silent(logging.getLogger("hmmlearn")):
            model.fit(self.symbols, self.lengths)
        found = Parameters(model.startprob_, model.transmat_, (model.emissionprob_,))
        return _kept(found, parameters), float(model.monitor_.history[-1])


def _kept(found: Parameters, last: Parameters) -> Parameters:
    """Rows that hmmlearn leaves empty, of states that explain nothing, stay as they were."""

    def rows(new: np.ndarray, old: np.ndarray) -> np.ndarray:
        return np.where(new.sum(axis=-1, keepdims=True) > 0, new, old)

    return Parameters(
        rows(found.start, last.start),
        rows(found.transitions, last.transitions),
        (rows(found.emissions[0], last.emissions[0]),),
    )


class _silent:  # noqa: N801 - a with statement
    """Keeps a logger and those below it from warning of what we mend, and say ourselves."""

    def __init__(self, logger: logging.Logger) -> None:
        self.logger = logger

    def __enter__(self) -> None:
        self.before = self.logger.level
        self.logger.setLevel(logging.CRITICAL)

    def __exit__(self, *_: object) -> None:
        self.logger.setLevel(self.before)
