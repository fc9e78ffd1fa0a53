"""The E-step by pomegranate: the one place that imports it, and torch.

`DenseHMM` learns when a sequence ends, and with the `ends` it takes unless told otherwise EM stands still after one
step. So every step makes the model anew, with p = 1/2 of ending everywhere and steps of probability A (1 - p). That
multiplies the likelihood of n events by p (1 - p)^(n - 1) whatever the path: posteriors stay as they are, and the term
is taken off again. All sequences of a call have one length; they go in groups.
"""

from __future__ import annotations

import math

import numpy as np

from stochastic_music import _optional
from stochastic_music.models.hmm.observations import Observations
from stochastic_music.models.hmm.parameters import Counts, Parameters
from stochastic_music.protocols import FloatArray, IntArray

#: of ending after each event
_END = 0.5
#: numbers that one call may hold: its table of steps is n * length * K^2
_NUMBERS = 1 << 24


class PomegranateEngine:
    """One field's columns, pieces of one length together."""

    def __init__(self, observations: Observations, size: int) -> None:
        self._torch = _optional.require("torch")
        self._hmm = _optional.require("pomegranate.hmm")
        self._distributions = _optional.require("pomegranate.distributions")
        self.size = size
        lengths = observations.lengths
        self.groups = [
            np.stack([observations.columns[o : o + n, 0] for o in observations.offsets[:-1][lengths == n]])
            for n in np.unique(lengths[lengths > 0]).tolist()
        ]

    def expect(self, parameters: Parameters) -> Counts:
        """The E-step."""
        n_states = parameters.n_states
        model = self._model(parameters)
        start, steps = np.zeros(n_states), np.zeros((n_states, n_states))
        emitted, log_likelihood = np.zeros((self.size, n_states)), 0.0
        for group in self.groups:
            length = group.shape[1]
            at_once = max(1, _NUMBERS // (length * n_states**2))
            for first in range(0, len(group), at_once):
                symbols = group[first : first + at_once]
                stepped, posterior, log_prob = self._posterior(model, parameters, symbols)
                steps += stepped
                start += posterior[:, 0].sum(axis=0)
                np.add.at(emitted, symbols.ravel(), posterior.reshape(-1, n_states))
                log_likelihood += log_prob - len(symbols) * (math.log(_END) + (length - 1) * math.log(1 - _END))
        return Counts(start, steps, (emitted.T,), log_likelihood)

    def _model(self, parameters: Parameters) -> object:
        torch = self._torch
        double = {"dtype": torch.float64}
        categorical = self._distributions.Categorical
        distributions = [categorical(torch.tensor(row[None], **double)) for row in parameters.emissions[0]]
        model = self._hmm.DenseHMM(
            distributions,
            edges=torch.tensor(parameters.transitions * (1 - _END), **double),
            starts=torch.tensor(parameters.start, **double),
            ends=torch.full((parameters.n_states,), _END, **double),
            check_data=False,
        )
        return model.double()

    def _posterior(
        self, model: object, parameters: Parameters, symbols: IntArray
    ) -> tuple[FloatArray, FloatArray, float]:
        """Expected steps (K, K), posterior (n, length, K) and summed log likelihood of sequences (n, length)."""
        torch = self._torch
        if symbols.shape[1] == 1:  # pomegranate cannot reshape its table of no steps
            weights = parameters.start * parameters.emissions[0][:, symbols[:, 0]].T * _END
            total = weights.sum(axis=1, keepdims=True)
            nothing = np.zeros((parameters.n_states,) * 2)
            return nothing, (weights / total)[:, None], float(np.log(total).sum())
        steps, log_posterior, _, _, log_prob = model.forward_backward(torch.tensor(symbols[:, :, None]))  # type: ignore[attr-defined]
        return steps.sum(0).numpy(), log_posterior.exp().numpy(), float(log_prob.sum())
