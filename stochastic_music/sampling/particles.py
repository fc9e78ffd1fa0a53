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
    most, n = max_events * vocabulary_of(model).n_fields, len(headers)
    crowds = _Crowds(model, headers, constraint, n_particles, start)
    for step in range(len(start), most + 1):  # END may follow the last event of a whole piece
        crowds.grow(_random.uniforms(key, step, n * n_particles), shaping or Shaping(), most_repeats)
        if crowds.ended.all() or step == most:
            break
        crowds.advance()
        crowds.renew(_random.uniforms(key + _RESAMPLING, step, n))
    return crowds.samples(_random.uniforms(key + _RESAMPLING, most + 1, n), most)  # whatever the others' lengths


class _Crowds:
    """The particles of all pieces, side by side: `weight` is (n, n_particles), what a particle has (n * n_particles,).

    `symbols` and `scores` are (n_steps, n * n_particles), `runs` how often the latest pitch came in a row.
    """

    def __init__(
        self,
        model: AutoregressiveModel[Any],
        headers: list[Header | None],
        constraint: Constraint,
        n_particles: int,
        start: IntArray,
    ) -> None:
        self.model, self.headers, self.start = model, headers, start
        self.vocabulary = vocabulary_of(model)
        crowd = [header for header in headers for _ in range(n_particles)]
        self.masks = Masks(self.vocabulary, constraint, crowd)
        self.state = begun(model, crowd, start, self.masks)
        self.weight, self.ended = np.zeros((len(headers), n_particles)), np.zeros(len(crowd), dtype=bool)
        self.runs = np.zeros(len(crowd), dtype=np.int64)
        self.symbols, self.scores = np.zeros((0, len(crowd)), dtype=np.int64), np.zeros((0, len(crowd)))

    def grow(self, uniforms: FloatArray, shape: Shaping, most_repeats: int | None) -> None:
        """One more symbol a particle; its weight is multiplied by what the mask left of the model's probability."""
        rows, end = self.model.next_log_probs(self.state), self.vocabulary.end
        held = np.where(self.masks.allowed(), rows, -np.inf)
        self.weight += left(rows, held, shape.temperature).reshape(self.weight.shape)
        self._check()
        drawn = np.minimum(choose(np.exp(shape(normalized(held))), uniforms), end)  # one that is stuck weighs nothing
        drawn = np.where(self.ended, end, drawn)
        if most_repeats:
            self._count_repeats(drawn, most_repeats)
        self.symbols = np.append(self.symbols, drawn[None], axis=0)
        said = np.where(self.ended, 0.0, rows[np.arange(len(drawn)), drawn])
        self.scores = np.append(self.scores, said[None], axis=0)
        self.ended = self.ended | (drawn == end)

    def _count_repeats(self, drawn: IntArray, most: int) -> None:
        """Particles that repeat a pitch too often weigh nothing."""
        n_fields, n_heard = self.vocabulary.n_fields, len(self.symbols)
        if (len(self.start) + n_heard) % n_fields != self.vocabulary.index("pitch"):
            return
        same = n_heard >= n_fields and drawn == self.symbols[-n_fields]
        self.runs = np.where(same & ~self.ended, self.runs + 1, 1)
        self.weight[self.runs.reshape(self.weight.shape) > most] = -np.inf
        self._check()

    def _check(self) -> None:
        """Raise UnsatisfiableError where no particle of a crowd weighs anything."""
        stuck = np.flatnonzero(np.isneginf(self.weight).all(axis=1))
        if len(stuck):
            raise UnsatisfiableError(self.masks.message(int(stuck[0]) * self.weight.shape[1]))

    def advance(self) -> None:
        """The model and the constraint hear what was drawn."""
        self.state = self.model.advance(self.state, self.symbols[-1])
        self.masks.advance(self.symbols[-1])

    def renew(self, uniforms: FloatArray) -> None:
        """Draw anew the crowds in which few particles hold most of the weight; those that have ended stay."""
        going = ~self.ended.reshape(self.weight.shape).all(axis=1)
        few = going & (effective(self.weight) < _SHARE * self.weight.shape[1])
        if not few.any():
            return
        kept = resampled(self.weight, few, uniforms)
        self.weight[few] = 0.0
        self.state, self.ended, self.runs = pick(self.state, kept), self.ended[kept], self.runs[kept]
        self.symbols, self.scores = self.symbols[:, kept], self.scores[:, kept]
        self.masks.pick(kept)

    def samples(self, uniforms: FloatArray, most: int) -> list[Sample]:
        """One particle of each crowd, by weight."""
        n, n_particles = self.weight.shape
        chosen = choose(shares(self.weight), uniforms) + n_particles * np.arange(n)
        end, columns = self.vocabulary.end, (self.symbols[:, chosen].T, self.scores[:, chosen].T)
        found = as_samples(*columns, self.headers, end=end, most=most, guarantee="particle", start=self.start)
        sizes = effective(self.weight).tolist()
        return [replace(sample, effective=size) for sample, size in zip(found, sizes, strict=True)]


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
