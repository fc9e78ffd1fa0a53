"""Linear chains: exact inference over a row of hidden states with any potentials.

A conditional random field given its observation, a hidden Markov model given what it emitted, and the candidates of a
harmony beat by beat are one thing: T places with K states each, and

    p(y)  is proportional to  exp( sum over t of unary[t, y_t]  +  sum over t of pairwise[t - 1, y_t-1, y_t] )

Potentials are natural logarithms and need not be normalised; -inf forbids a state or a step, exactly. Messages stay
logarithms, so that potentials of any size neither overflow nor vanish. Everything costs T * K^2.

    forward, log_partition           the filter [1], and the logarithm of the normaliser
    marginals, pair_marginals        what is believed of each place, and of each two neighbours
    conditionals                     the same distribution as a Markov chain: each state given the one before
    best_path, path_score            Viterbi [2], and what a path scores
    sample_paths                     forward-filter backward-sample [3]: independent draws from p
    tempered                         the chain with its probabilities raised to a power
    restricted                       the chain conditioned on which states are allowed where

A chain that nothing satisfies raises UnsatisfiableError, which names the first place (from 1) that cannot be passed.

[1] L. R. Rabiner. A tutorial on hidden Markov models and selected applications in speech recognition. Proceedings of
    the IEEE 77(2), 1989.
[2] A. J. Viterbi. Error bounds for convolutional codes and an asymptotically optimum decoding algorithm. IEEE
    Transactions on Information Theory 13(2), 1967.
[3] C. K. Carter, R. Kohn. On Gibbs sampling for state space models. Biometrika 81(3), 1994.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stochastic_music import _random
from stochastic_music.errors import InvalidParameterError, UnsatisfiableError
from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.sampling.drawing import choose


class Varying(NamedTuple):
    """What steps add to those that all share: `weights` (T - 1, G) of `patterns` (G, K, K).

    So steps that differ in few ways, such as how likely it is that nothing changes, need not be written out.
    """

    weights: FloatArray
    patterns: FloatArray


class Chain(NamedTuple):
    """The potentials of a chain, in nats.

    `unary` (T, K) is that of each state at each place, `pairwise` that of a step [from, to]: (K, K) for all steps, or
    (T - 1, K, K), one a step. `varying`, where there is any, is added to them.

    Two states that would rather stay, seen at both ends:

        >>> stay = np.log([[0.8, 0.2], [0.2, 0.8]])
        >>> seen = np.log([[0.9, 0.1], [0.5, 0.5], [0.9, 0.1]])
        >>> marginals(Chain(seen, stay)).round(3).tolist()
        [[0.942, 0.058], [0.89, 0.11], [0.942, 0.058]]
    """

    unary: FloatArray
    pairwise: FloatArray
    varying: Varying | None = None

    def step(self, t: int) -> FloatArray:
        """The potentials of the step from place `t` to the next: (K, K)."""
        steps: FloatArray = self.pairwise if self.pairwise.ndim == 2 else self.pairwise[t]
        if self.varying is None:
            return steps
        added: FloatArray = np.tensordot(self.varying.weights[t], self.varying.patterns, axes=1)
        return steps + added


def forward(chain: Chain) -> FloatArray:
    """The logarithm of the summed weight of all paths that end in each state of each place: (T, K)."""
    messages = np.empty_like(chain.unary)
    for t, unary in enumerate(chain.unary):
        messages[t] = unary if t == 0 else unary + _log_sum(messages[t - 1][:, None] + chain.step(t - 1), axis=0)
        _check_passable(messages[t], t, len(messages))
    return messages


def backward(chain: Chain) -> FloatArray:
    """The logarithm of the summed weight of all ways on from each state of each place, itself left out: (T, K)."""
    messages = np.zeros_like(chain.unary)
    for t in range(len(messages) - 2, -1, -1):
        messages[t] = _log_sum(chain.step(t) + (chain.unary[t + 1] + messages[t + 1])[None, :], axis=1)
    return messages


def log_partition(chain: Chain) -> float:
    """The logarithm of the summed weight of all paths, in nats; 0 for a chain of no places."""
    return float(_log_sum(forward(chain)[-1], axis=0)) if len(chain.unary) else 0.0


def marginals(chain: Chain) -> FloatArray:
    """The probability of each state at each place: (T, K), rows sum to 1."""
    weights = forward(chain) + backward(chain)
    return _normalised(weights, axis=1)


def pair_marginals(chain: Chain) -> FloatArray:
    """The probability of each two neighbouring states: (T - 1, K, K) as [place, from, to], each sums to 1."""
    ahead, behind = forward(chain), backward(chain)
    n_places, n_states = chain.unary.shape
    pairs = np.empty((max(n_places - 1, 0), n_states, n_states))
    for t in range(n_places - 1):
        pairs[t] = ahead[t][:, None] + chain.step(t) + (chain.unary[t + 1] + behind[t + 1])[None, :]
    return _normalised(pairs, axis=(1, 2))


def conditionals(chain: Chain) -> tuple[FloatArray, FloatArray]:
    """The chain as an ordinary Markov chain: log p(y_1), (K,), and log p(y_t | y_t-1), (T - 1, K, K) as [from, to].

    Each is locally normalised and knows the whole chain, the future too. Rows of states that cannot occur are -inf.
    """
    forward(chain)  # a chain that cannot be passed is told here
    behind = chain.unary + backward(chain)
    n_places, n_states = chain.unary.shape
    if not n_places:
        return np.zeros(n_states), np.zeros((0, n_states, n_states))
    steps = np.empty((n_places - 1, n_states, n_states))
    for t in range(n_places - 1):
        weights = chain.step(t) + behind[t + 1][None, :]
        steps[t] = _minus(weights, _log_sum(weights, axis=1)[:, None])
    return _minus(behind[0], _log_sum(behind[0], axis=0)), steps


def best_path(chain: Chain) -> IntArray:
    """The likeliest path, (T,); of equally likely ones the first state wins."""
    n_places, n_states = chain.unary.shape
    came_from = np.zeros((n_places, n_states), dtype=np.int64)
    path = np.zeros(n_places, dtype=np.int64)
    best = np.zeros(n_states)
    for t, unary in enumerate(chain.unary):
        if t:
            weights = best[:, None] + chain.step(t - 1)
            came_from[t] = weights.argmax(axis=0)
            best = weights.max(axis=0)
        best = best + unary
        _check_passable(best, t, n_places)
    for t in range(n_places - 1, -1, -1):
        path[t] = best.argmax() if t == n_places - 1 else came_from[t + 1, path[t + 1]]
    return path


def path_score(chain: Chain, path: IntArray) -> float:
    """What a path (T,) scores, in nats; less `log_partition` it is its log probability."""
    places = np.arange(len(path))
    before, after = path[:-1], path[1:]
    pairwise = np.broadcast_to(chain.pairwise, (max(len(path) - 1, 0), *chain.pairwise.shape[-2:]))
    score = chain.unary[places, path].sum() + pairwise[places[:-1], before, after].sum()
    if chain.varying is not None:
        score += (chain.varying.weights * chain.varying.patterns[:, before, after].T).sum()
    return float(score)


def sample_paths(chain: Chain, n: int, *, seed: _random.Seed = None) -> IntArray:
    """`n` independent paths: (n, T). Row i depends on the seed and on i alone, not on `n`.

    The last state is drawn from the filter, each one before from the filter and the step to the state drawn after it.
    Raises InvalidParameterError for a negative number of paths.
    """
    if n < 0:
        raise InvalidParameterError(f"n is {n}; expected how many paths to draw, 0 or more")
    ahead, key = forward(chain), _random.key(seed)
    n_places = len(ahead)
    paths = np.zeros((n, n_places), dtype=np.int64)
    for t in range(n_places - 1, -1, -1):
        weights = np.tile(ahead[t], (n, 1))
        if t < n_places - 1:
            weights += chain.step(t)[:, paths[:, t + 1]].T
        weights = np.exp(weights - weights.max(axis=1, keepdims=True))
        paths[:, t] = choose(weights, _random.uniforms(key, t, n))
    return paths


def restricted(chain: Chain, allowed: BoolArray) -> Chain:
    """The chain conditioned on states that are `allowed` (T, K) at each place.

    Raises InvalidParameterError for another shape.
    """
    if allowed.shape != chain.unary.shape:
        raise InvalidParameterError(
            f"the states allowed are an array of shape {allowed.shape}; expected {chain.unary.shape}, a row for each "
            "place and a column for each state"
        )
    return chain._replace(unary=np.where(allowed, chain.unary, -np.inf))


def tempered(chain: Chain, temperature: float) -> Chain:
    """The chain whose paths have their probabilities raised to 1 / `temperature`: below 1 safer, above 1 bolder.

    Raises InvalidParameterError for a temperature below 0.001.
    """
    if not 1e-3 <= temperature < np.inf:
        raise InvalidParameterError(f"temperature is {temperature}; expected 0.001 or more (1 changes nothing)")
    if temperature == 1:
        return chain
    varying = chain.varying and chain.varying._replace(weights=chain.varying.weights / temperature)
    return Chain(chain.unary / temperature, chain.pairwise / temperature, varying)


def _check_passable(messages: FloatArray, t: int, n_places: int) -> None:
    if np.isneginf(messages).all():
        raise UnsatisfiableError(
            f"nothing is left at place {t + 1} of {n_places}: what is allowed there cannot follow what is allowed "
            "before it. Allow more at one of them"
        )


def _log_sum(weights: FloatArray, axis: int) -> FloatArray:
    """log(sum(exp(weights))) along an axis; -inf where there is nothing."""
    top = weights.max(axis=axis, keepdims=True)
    top = np.where(np.isneginf(top), 0.0, top)
    with np.errstate(divide="ignore"):
        found: FloatArray = np.log(np.exp(weights - top).sum(axis=axis)) + top.squeeze(axis)
    return found


def _normalised(weights: FloatArray, axis: int | tuple[int, ...]) -> FloatArray:
    """exp(weights) divided by its sum along `axis`."""
    if not weights.size:
        return weights
    shares = np.exp(weights - weights.max(axis=axis, keepdims=True))
    found: FloatArray = shares / shares.sum(axis=axis, keepdims=True)
    return found


def _minus(weights: FloatArray, total: FloatArray) -> FloatArray:
    """The difference, -inf where nothing is possible."""
    return np.where(np.isneginf(weights), -np.inf, weights - np.where(np.isneginf(total), 0.0, total))
