"""Particles: constraints on models whose memory has no bound, by sequential importance resampling [1].

Masking alone (`greedy`) meets a constraint and forgets what it did to the probabilities: a piece that had to stop on
the bar line is as good as one that came to rest there. Here every piece grows as a crowd of particles. Each is drawn
from the masked model, and weighs what the mask left of the model's probability at every step; when few particles
hold most of the weight, all are drawn anew by weight, so that those continue for which what was asked for came
naturally. At the end one is drawn.

The constraint holds in every piece. As the number of particles grows the pieces follow the model conditioned on the
constraint; with any fixed number that is an approximation, and samples say `guarantee="particle"`. The *effective
sample size*, 1 / sum of squared weights, tells how many particles had a say in the last choice.

[1] N. J. Gordon, D. J. Salmond, A. F. M. Smith. Novel approach to nonlinear/non-Gaussian Bayesian state estimation.
    IEE Proceedings F 140(2), 1993; with systematic resampling: G. Kitagawa. Monte Carlo filter and smoother for
    non-Gaussian nonlinear state space models. Journal of Computational and Graphical Statistics 5(1), 1996.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
from scipy.special import logsumexp

from stochastic_music import _random
from stochastic_music.errors import UnsatisfiableError
from stochastic_music.protocols import AutoregressiveModel, BoolArray, Constraint, FloatArray, IntArray
from stochastic_music.sampling.ancestral import begun
from stochastic_music.sampling.drawing import NO_START, Sample, as_samples, choose, vocabulary_of
from stochastic_music.sampling.greedy import Masks
from stochastic_music.sampling.shaping import Shaping, normalized
from stochastic_music.tokens import Header

#: particles a piece
N_PARTICLES = 64
#: a crowd is drawn anew when its effective sample size falls below this share of it
_SHARE = 0.5
_BELOW_ONE = np.nextafter(1.0, 0.0)
#: added to the 64-bit seed for the draws of particles by weight; keys of 128 bits leave room above every seed
_RESAMPLING = 1 << 96


def particles(
    model: AutoregressiveModel[Any],
    headers: list[Header | None],
    constraint: Constraint,
    *,
    key: int,
    max_events: int,
    shaping: Shaping | None = None,
    n_particles: int = N_PARTICLES,
    most_repeats: int | None = None,
    start: IntArray = NO_START,
) -> list[Sample]:
    """One sample a header that meets `constraint` and begins with `start`; see the module's article.

    No pitch comes more than `most_repeats` times in a row after the start.

    Raises UnsatisfiableError where all particles of a piece have nowhere left to go, or the model holds the start to be
    impossible.
    """
    vocabulary, n, shape = vocabulary_of(model), len(headers), shaping or Shaping()
    crowd = [header for header in headers for _ in range(n_particles)]
    masks = Masks(vocabulary, constraint, crowd)
    state = begun(model, crowd, start, masks)
    weight, ended = np.zeros((n, n_particles)), np.zeros(len(crowd), dtype=bool)
    runs, pitch = np.zeros(len(crowd), dtype=np.int64), vocabulary.index("pitch")
    symbols, scores = np.zeros((0, len(crowd)), dtype=np.int64), np.zeros((0, len(crowd)))
    most = max_events * vocabulary.n_fields
    for step in range(len(start), most + 1):  # END may follow the last event of a whole piece
        rows = model.next_log_probs(state)
        held = np.where(masks.allowed(), rows, -np.inf)
        weight += left(rows, held, shape.temperature).reshape(n, n_particles)
        _check(weight, masks)
        drawn = choose(np.exp(shape(normalized(held))), _random.uniforms(key, step, len(crowd)))
        drawn = np.where(ended, vocabulary.end, np.minimum(drawn, vocabulary.end))  # one that is stuck weighs nothing
        if most_repeats and step % vocabulary.n_fields == pitch:
            same = len(symbols) >= vocabulary.n_fields and drawn == symbols[-vocabulary.n_fields]
            runs = np.where(same & ~ended, runs + 1, 1)
            weight[runs.reshape(weight.shape) > most_repeats] = -np.inf
        symbols = np.append(symbols, drawn[None], axis=0)
        scores = np.append(scores, np.where(ended, 0.0, rows[np.arange(len(crowd)), drawn])[None], axis=0)
        ended |= drawn == vocabulary.end
        if ended.all() or step == most:
            break
        state = model.advance(state, drawn)
        masks.advance(drawn)
        going = ~ended.reshape(n, n_particles).all(axis=1)
        _check(weight, masks)
        few = going & (effective(weight) < _SHARE * n_particles)
        if few.any():
            kept = resampled(weight, few, _random.uniforms(key + _RESAMPLING, step, n))
            weight[few] = 0.0
            state, ended, symbols, scores = pick(state, kept), ended[kept], symbols[:, kept], scores[:, kept]
            masks.pick(kept)
            runs = runs[kept]
    last = _random.uniforms(key + _RESAMPLING, most + 1, n)  # whatever the length of the others
    chosen = choose(shares(weight), last) + n_particles * np.arange(n)
    found = as_samples(
        symbols[:, chosen].T,
        scores[:, chosen].T,
        headers,
        end=vocabulary.end,
        most=most,
        guarantee="particle",
        start=start,
    )
    return [replace(sample, effective=size) for sample, size in zip(found, effective(weight).tolist(), strict=True)]


def _check(weight: FloatArray, masks: Masks) -> None:
    """Raise UnsatisfiableError where no particle of a crowd weighs anything."""
    stuck = np.flatnonzero(np.isneginf(weight).all(axis=1))
    if len(stuck):
        raise UnsatisfiableError(masks.message(int(stuck[0]) * weight.shape[1]))


def left(rows: FloatArray, held: FloatArray, temperature: float) -> FloatArray:
    """The log of what a mask left of the probability of rows at a temperature: (n_rows,).

    Of `top_k` and `top_p` weights know nothing: they apply to what is left.
    """
    lost: FloatArray = logsumexp(held / temperature, axis=1) - logsumexp(rows / temperature, axis=1)
    return lost


def shares(weight: FloatArray) -> FloatArray:
    """The weights of each crowd, given as logarithms, as shares of 1: (n, n_particles)."""
    return np.exp(normalized(weight))


def effective(weight: FloatArray) -> FloatArray:
    """The effective sample size of each crowd, 1 to n_particles: (n,).

    >>> effective(np.log([[0.5, 0.5, 1e-300], [0.2, 0.2, 0.2]])).round(6).tolist()
    [2.0, 3.0]
    """
    size: FloatArray = 1 / (shares(weight) ** 2).sum(axis=1)
    return size


def resampled(weight: FloatArray, few: BoolArray, uniforms: FloatArray) -> IntArray:
    """Which particle each one continues: (n * n_particles,); in the crowds `few` (n,) drawn by weight, systematically.

    >>> resampled(np.log([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]]), np.array([False, True]), np.array([0.5, 0.5])).tolist()
    [0, 1, 2, 4, 4, 4]
    """
    n, n_particles = weight.shape
    kept = np.arange(n * n_particles).reshape(n, n_particles)
    for i in np.flatnonzero(few):
        kept[i] = i * n_particles + choose(
            np.broadcast_to(shares(weight[i : i + 1]), (n_particles, n_particles)),
            np.minimum((uniforms[i] + np.arange(n_particles)) / n_particles, _BELOW_ONE),
        )
    return kept.ravel()


def pick(state: Any, rows: IntArray) -> Any:
    """Some rows of a model's state, once or more: what it holds has the batch axis first, or a method `rows`.

    >>> pick((np.array([5, 6, 7]), "same for all"), np.array([2, 0, 0]))
    (array([7, 5, 5]), 'same for all')
    """
    if isinstance(state, np.ndarray):
        return state[rows]
    if hasattr(state, "rows"):
        return state.rows(rows)
    if isinstance(state, tuple):
        parts = [pick(part, rows) for part in state]
        return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)
    if isinstance(state, dict):
        return {name: pick(part, rows) for name, part in state.items()}
    if is_dataclass(state) and not isinstance(state, type):
        return replace(state, **{part.name: pick(getattr(state, part.name), rows) for part in fields(state)})
    return state
