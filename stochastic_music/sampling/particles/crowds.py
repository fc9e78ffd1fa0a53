"""Particles: constraints on models whose memory has no bound, by twisted sequential Monte Carlo.

Masking alone (`greedy`) meets a constraint and forgets what it did to the probabilities: a piece that had to stop on
the bar line is as good as one that came to rest there. Here every piece grows as a crowd of particles. Each is drawn
from the model, and weighs what was taken of the model's probability at every step; when few particles hold most of the
weight, all are drawn anew by weight, so that those continue for which what was asked for came naturally [1]. At the
end one is drawn.

*A guide* tells the crowd what is to come. It is a small model of the same corpus, of finitely many contexts, for which
the probability psi of meeting the constraint from any place is known exactly, by backward messages. With p the model
whose pieces are wanted, a particle at place x takes symbol s with probability proportional to p(s) psi(x s), and its
weight is multiplied by

    sum over s of  p(s) psi(x s) / psi(x)

which is 1 where the guide is right [2, 3]. Without a guide psi is 1 wherever the constraint can still be met.

*Metropolis* corrects what is left of the error. A crowd estimates, without bias, the probability that the model meets
the constraint, the *evidence*. Further crowds are drawn, one a sweep, and each takes the place of the last one
accepted with probability min(1, its evidence / that one's): a chain whose stationary distribution is the model
conditioned on the constraint, with any number of particles [4].

The constraint holds in every piece. As particles and sweeps grow in number the pieces follow the model conditioned on
the constraint; with any fixed numbers that is an approximation, and samples say `guarantee="particle"`. The *effective
sample size*, 1 / sum of squared weights, tells how many particles had a say in the last choice.

[1] N. J. Gordon, D. J. Salmond, A. F. M. Smith. Novel approach to nonlinear/non-Gaussian Bayesian state estimation.
    IEE Proceedings F 140(2), 1993; with systematic resampling: G. Kitagawa. Monte Carlo filter and smoother for
    non-Gaussian nonlinear state space models. Journal of Computational and Graphical Statistics 5(1), 1996.
[2] N. Whiteley, A. Lee. Twisted particle filters. Annals of Statistics 42(1), 2014.
[3] P. Guarniero, A. M. Johansen, A. Lee. The iterated auxiliary particle filter. Journal of the American Statistical
    Association 112(520), 2017.
[4] C. Andrieu, A. Doucet, R. Holenstein. Particle Markov chain Monte Carlo methods. Journal of the Royal Statistical
    Society B 72(3), 2010: the particle independent Metropolis-Hastings sampler.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from stochastic_music import _random
from stochastic_music.errors import InvalidParameterError, UnsatisfiableError
from stochastic_music.protocols import AutoregressiveModel, BoolArray, Constraint, FloatArray, IntArray
from stochastic_music.sampling.ancestral import begun
from stochastic_music.sampling.compiling import by_timing
from stochastic_music.sampling.drawing import NO_START, Sample, as_samples, choose, vocabulary_of
from stochastic_music.sampling.particles.foresight import Foresight, Guide, Outlook, Prepared
from stochastic_music.sampling.shaping import Shaping, log_mass, normalized
from stochastic_music.tokens import Header

#: particles a piece
N_PARTICLES = 64
#: crowds that are drawn after the first, and accepted or not
N_SWEEPS = 2
#: a crowd is drawn anew when its effective sample size falls below this share of it
_SHARE = 0.5
#: crowds of several sweeps grow side by side up to so many particles, which is quicker than one after the other
_ABREAST = 4096
#: pieces under one timing, and what follows their chains
_Plan: TypeAlias = tuple[IntArray, list[Prepared]]
_BELOW_ONE = np.nextafter(1.0, 0.0)
#: added to the 64-bit seed for the draws of particles by weight, and for each sweep; keys of 128 bits leave room above
_RESAMPLING, _ACCEPTING, _SWEEP = 1 << 96, 1 << 97, 1 << 100


def particles(
    model: AutoregressiveModel[Any],
    headers: list[Header | None],
    constraint: Constraint,
    *,
    key: int,
    max_events: int,
    shaping: Shaping | None = None,
    n_particles: int = N_PARTICLES,
    sweeps: int = N_SWEEPS,
    guide: Guide = None,
    most_repeats: int | None = None,
    start: IntArray = NO_START,
) -> list[Sample]:
    """One sample a header that meets `constraint` and begins with `start`; see the module's article.

    A `guide` must hold possible what the model does; of several the first is taken whose product with the constraint is
    small enough. No pitch comes more than `most_repeats` times in a row after the start.

    Raises InvalidParameterError for fewer than one particle or a negative number of sweeps, UnsatisfiableError where
    all particles of a piece have nowhere left to go, or the model holds the start to be impossible.
    """
    if n_particles < 1 or sweeps < 0:
        raise InvalidParameterError(
            f"n_particles is {n_particles} and sweeps {sweeps}; expected 1 particle or more, and 0 sweeps or more"
        )
    outlook = Outlook(vocabulary_of(model), constraint, guide, shaping or Shaping(), start)
    plans = [(np.array(pieces), outlook.under(headers[pieces[0]])) for pieces in by_timing(headers, constraint)]

    def drawn(keys: Sequence[int]) -> list[_Drawn]:
        foresight = Foresight(_repeated(plans, len(headers), len(keys)), n_particles, vocabulary_of(model).n_symbols)
        crowds = _Crowds(model, headers * len(keys), foresight, n_particles, start)
        return crowds.drawn(keys, max_events * crowds.vocabulary.n_fields, shaping or Shaping(), most_repeats)

    keys, together = (
        [key + sweep * _SWEEP for sweep in range(sweeps + 1)],
        max(_ABREAST // (len(headers) * n_particles), 1),
    )
    crowds = [crowd for i in range(0, len(keys), together) for crowd in drawn(keys[i : i + together])]
    kept, accepted = crowds[0], np.zeros(len(headers))
    for sweep, fresh in zip(keys[1:], crowds[1:], strict=True):
        uniforms = _random.uniforms(sweep + _ACCEPTING, 0, len(headers))
        better = kept.log_evidence + np.log1p(-uniforms) < fresh.log_evidence
        kept, accepted = _better(kept, fresh, better), accepted + better
    dead = np.flatnonzero(np.isneginf(kept.log_evidence))
    if len(dead):
        raise UnsatisfiableError(_dead_end(constraint, kept.stuck[dead[0]]))
    shares = [float(share) if sweeps else None for share in accepted / max(sweeps, 1)]
    return [replace(sample, acceptance=share) for sample, share in zip(kept.samples, shares, strict=True)]


def _repeated(plans: Sequence[_Plan], n: int, times: int) -> list[_Plan]:
    """The plans of so many crowds for each of `n` pieces, all pieces once, then all again."""
    return [(np.concatenate([pieces + n * i for i in range(times)]), prepared) for pieces, prepared in plans]


class _Drawn(NamedTuple):
    """What a crowd of each piece gave: a sample, the estimate of the evidence in nats, where it was stuck if it was."""

    samples: list[Sample]
    log_evidence: FloatArray
    stuck: list[str]

    def parts(self, n: int) -> list[_Drawn]:
        """The pieces in `n` equal shares."""
        ends = np.linspace(0, len(self.samples), n + 1).astype(int).tolist()
        return [
            _Drawn(self.samples[first:last], self.log_evidence[first:last], self.stuck[first:last])
            for first, last in pairwise(ends)
        ]


def _better(kept: _Drawn, fresh: _Drawn, better: BoolArray) -> _Drawn:
    """The pieces of `fresh` where it is better, the others of `kept`."""
    samples = [new if take else old for old, new, take in zip(kept.samples, fresh.samples, better, strict=True)]
    return _Drawn(samples, np.where(better, fresh.log_evidence, kept.log_evidence), kept.stuck)


def _dead_end(constraint: Constraint, where: str) -> str:
    return (
        f"{constraint} leaves nothing to play{f' in {where}' if where else ''}: every particle ran into a dead end. "
        "Try another seed, more particles, or relax the constraint"
    )


class _Crowds:
    """The particles of all pieces, side by side: `weight` is (n, n_particles), what a particle has (n * n_particles,).

    `symbols` and `scores` are (n_steps, n * n_particles), `runs` how often the latest pitch came in a row. `evidence`
    (n,) is what crowds weighed when they were drawn anew; `stuck` says where one died.
    """

    def __init__(
        self,
        model: AutoregressiveModel[Any],
        headers: list[Header | None],
        foresight: Foresight,
        n_particles: int,
        start: IntArray,
    ) -> None:
        self.model, self.headers, self.start, self.foresight = model, headers, start, foresight
        self.vocabulary = vocabulary_of(model)
        crowd = [header for header in headers for _ in range(n_particles)]
        self.state = begun(model, crowd, start, None)
        self.weight = foresight.now().reshape(len(headers), n_particles)
        self.evidence, self.stuck = np.zeros(len(headers)), [""] * len(headers)
        self.ended, self.runs = np.zeros(len(crowd), dtype=bool), np.zeros(len(crowd), dtype=np.int64)
        self.symbols, self.scores = np.zeros((0, len(crowd)), dtype=np.int64), np.zeros((0, len(crowd)))
        at_end = np.arange(self.vocabulary.n_symbols) == self.vocabulary.end
        self.due = [np.flatnonzero(due | at_end) for due in self.vocabulary.due_mask[:-1]]

    def drawn(self, keys: Sequence[int], most: int, shape: Shaping, most_repeats: int | None) -> list[_Drawn]:
        """Grow the crowds to their ends, of at most `most` symbols, and draw one particle of each.

        Each of `keys` seeds an equal share of the pieces, in order: what it gives does not depend on the others.
        """
        n, n_particles = self.weight.shape

        def uniforms(more: int, step: int, each: int) -> FloatArray:
            return np.concatenate([_random.uniforms(key + more, step, n // len(keys) * each) for key in keys])

        for step in range(len(self.start), most + 1):  # END may follow the last event of a whole piece
            self._grow(uniforms(0, step, n_particles), shape, most_repeats)
            if self.ended.all() or step == most:
                break
            self._advance()
            self._renew(uniforms(_RESAMPLING, step, 1))
        chosen = self._chosen(uniforms(_RESAMPLING, most + 1, 1), most)  # whatever the others' lengths
        return chosen.parts(len(keys))

    def _grow(self, uniforms: FloatArray, shape: Shaping, most_repeats: int | None) -> None:
        """One more symbol a particle, by model and foresight; its weight is multiplied by what that took from it."""
        due = self.due[(len(self.start) + len(self.symbols)) % len(self.due)]  # nothing else can come
        rows, ahead = self.model.next_log_probs(self.state)[:, due], self.foresight.ahead()[:, due]
        held = np.where(ahead > -np.inf, rows, -np.inf)
        twisted = shape(normalized(held)) + ahead
        gain = left(rows, held, shape.temperature) + log_mass(twisted) - self.foresight.now()
        self.weight = self.weight + gain.reshape(self.weight.shape)
        chosen = np.minimum(choose(np.exp(normalized(twisted)), uniforms), len(due) - 1)  # if stuck, weighs nothing
        drawn = np.where(self.ended, self.vocabulary.end, due[chosen])
        if most_repeats:
            self._count_repeats(drawn, most_repeats)
        self.symbols = np.append(self.symbols, drawn[None], axis=0)
        said = np.where(self.ended, 0.0, rows[np.arange(len(drawn)), chosen])
        self.scores = np.append(self.scores, said[None], axis=0)
        self.ended = self.ended | (drawn == self.vocabulary.end)
        self._bury()

    def _count_repeats(self, drawn: IntArray, most: int) -> None:
        """Particles that repeat a pitch too often weigh nothing."""
        n_fields, n_heard = self.vocabulary.n_fields, len(self.symbols)
        if (len(self.start) + n_heard) % n_fields != self.vocabulary.index("pitch"):
            return
        same = n_heard >= n_fields and drawn == self.symbols[-n_fields]
        self.runs = np.where(same & ~self.ended, self.runs + 1, 1)
        self.weight[self.runs.reshape(self.weight.shape) > most] = -np.inf

    def _bury(self) -> None:
        """Crowds of which no particle weighs anything have ended; note where that was."""
        ended = self.ended.reshape(self.weight.shape)
        for piece in np.flatnonzero(np.isneginf(self.weight).all(axis=1) & ~np.isneginf(self.evidence)):
            self.stuck[piece] = self.foresight.describe(int(piece) * self.weight.shape[1])
            self.evidence[piece], ended[piece] = -np.inf, True

    def _advance(self) -> None:
        """The model and the foresight hear what was drawn."""
        self.state = self.model.advance(self.state, self.symbols[-1])
        self.foresight.advance(self.symbols[-1])

    def _renew(self, uniforms: FloatArray) -> None:
        """Draw anew the crowds in which few particles hold most of the weight; those that have ended stay."""
        going = ~self.ended.reshape(self.weight.shape).all(axis=1)
        few = going & (effective(self.weight) < _SHARE * self.weight.shape[1])
        if not few.any():
            return
        kept = resampled(self.weight, few, uniforms)
        self.evidence[few] += mean_weight(self.weight[few])
        self.weight[few] = 0.0
        self.state, self.ended, self.runs = pick(self.state, kept), self.ended[kept], self.runs[kept]
        self.symbols, self.scores = self.symbols[:, kept], self.scores[:, kept]
        self.foresight.pick(kept)

    def _chosen(self, uniforms: FloatArray, most: int) -> _Drawn:
        """One particle of each crowd, by weight."""
        n, n_particles = self.weight.shape
        number = np.minimum(choose(shares(self.weight), uniforms), n_particles - 1)
        chosen = number + n_particles * np.arange(n)
        end, columns = self.vocabulary.end, (self.symbols[:, chosen].T, self.scores[:, chosen].T)
        found = as_samples(*columns, self.headers, end=end, most=most, guarantee="particle", start=self.start)
        evidence = self.evidence + mean_weight(self.weight)
        known = zip(found, effective(self.weight).tolist(), evidence.tolist(), strict=True)
        samples = [replace(sample, effective=size, log_evidence=value) for sample, size, value in known]
        return _Drawn(samples, evidence, self.stuck)


def mean_weight(weight: FloatArray) -> FloatArray:
    """The log of the mean weight of each crowd, of weights given as logarithms: (n,)."""
    mean: FloatArray = log_mass(weight) - np.log(weight.shape[1])
    return mean


def left(rows: FloatArray, held: FloatArray, temperature: float) -> FloatArray:
    """The log of what a mask left of the probability of rows at a temperature: (n_rows,).

    Of `top_k` and `top_p` weights know nothing: they apply to what is left.
    """
    lost: FloatArray = log_mass(held / temperature) - log_mass(rows / temperature)
    return lost


def shares(weight: FloatArray) -> FloatArray:
    """The weights of each crowd, given as logarithms, as shares of 1: (n, n_particles)."""
    return np.exp(normalized(weight))


def effective(weight: FloatArray) -> FloatArray:
    """The effective sample size of each crowd, 1 to n_particles: (n,); without end where nothing weighs anything.

    >>> effective(np.log([[0.5, 0.5, 1e-300], [0.2, 0.2, 0.2]])).round(6).tolist()
    [2.0, 3.0]
    """
    size: FloatArray = 1 / np.maximum((shares(weight) ** 2).sum(axis=1), np.finfo(float).tiny)
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
