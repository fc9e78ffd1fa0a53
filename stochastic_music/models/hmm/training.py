"""Baum-Welch from several starts, and the choice of how many states.

EM climbs to a maximum nearby, so it begins at several random places, and the best is kept: the one of greatest log
likelihood plus log prior. It stops when a step gains less than `tolerance` nats an event, after `n_iterations`, or when
time is up: one step is taken in any case, from one start.

How many states there are is chosen by held-out likelihood: a fifth of the pieces, drawn by seed, is put aside, each
number of states is fitted to the others, and the one that finds the pieces put aside likeliest is fitted again, to all.
A corpus of one piece leaves nothing to put aside; then BIC decides. AIC and BIC stand beside either way, and may
decide instead [1, 2]:

    AIC = 2 n - 2 log L        BIC = n log(events) - 2 log L        n: numbers learned; the least is best

[1] H. Akaike. A new look at the statistical model identification. IEEE Transactions on Automatic Control 19(6), 1974.
[2] G. Schwarz. Estimating the dimension of a model. Annals of Statistics 6(2), 1978.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from stochastic_music.models.deadline import Deadline
from stochastic_music.models.hmm.engines import Engine
from stochastic_music.models.hmm.parameters import Parameters, Priors, random_start
from stochastic_music.protocols import FloatArray, Progress

#: share of the pieces put aside
HELD_OUT = 0.2
#: what may choose the number of states
CRITERIA = ("held_out", "aic", "bic")


class Climb(NamedTuple):
    """One run of EM: where it came to, after how many steps, and the log likelihood and objective there, in nats."""

    parameters: Parameters
    log_likelihood: float
    objective: float
    n_steps: int
    converged: bool


class Choice(NamedTuple):
    """What one number of states came to.

    `held_out` and `in_sample` are nats an event, of the pieces put aside (None where there are none) and of the others;
    `n_parameters` were learned.
    """

    n_states: int
    held_out: float | None
    in_sample: float
    n_parameters: int
    aic: float
    bic: float


def climb(
    engine: Engine,
    start: Parameters,
    prior: Priors,
    *,
    n_iterations: int,
    tolerance: float,
    n_events: int,
    watch: Callable[[int, float], None] | None = None,
    deadline: Deadline | None = None,
) -> Climb:
    """EM from `start` until `deadline`; `watch` is told of each step and its log likelihood."""
    parameters, before, limit = start, -math.inf, deadline or Deadline(None)
    log_likelihood = objective = -math.inf
    for n_steps in range(n_iterations + 1):
        after, log_likelihood = engine.step(parameters, prior)
        objective = log_likelihood + prior.log_density(parameters)
        if watch:
            watch(n_steps, log_likelihood)
        if objective - before < tolerance * n_events and n_steps:
            return Climb(parameters, log_likelihood, objective, n_steps, converged=True)
        if n_steps and limit.passed():
            return Climb(parameters, log_likelihood, objective, n_steps, converged=False)
        if n_steps < n_iterations:
            parameters, before = after, objective
    return Climb(parameters, log_likelihood, objective, n_iterations, converged=False)


def best_climb(
    engine: Engine,
    prior: Priors,
    bases: Sequence[FloatArray],
    *,
    n_restarts: int,
    n_iterations: int,
    tolerance: float,
    n_events: int,
    key: int,
    progress: Progress | None = None,
    done: int = 0,
    total: int | None = None,
    deadline: Deadline | None = None,
) -> Climb:
    """The best of `n_restarts` runs, or as many as `deadline` allows; run r begins at the same place in any case."""
    n_states, best, limit = len(prior.start), None, deadline or Deadline(None)
    in_all = total or n_restarts * n_iterations
    for restart in range(n_restarts):
        first = done + restart * n_iterations

        def watch(step: int, log_likelihood: float, first: int = first, restart: int = restart) -> None:
            if progress:
                bits = -log_likelihood / max(n_events, 1) / math.log(2)
                label = f"{n_states} states, start {restart + 1} of {n_restarts}: {bits:.3f} bits an event"
                progress(first + step, in_all, label)

        start = random_start(prior, bases, np.random.default_rng([key, n_states, restart]))
        found = climb(
            engine,
            start,
            prior,
            n_iterations=n_iterations,
            tolerance=tolerance,
            n_events=n_events,
            watch=watch,
            deadline=limit,
        )
        if best is None or found.objective > best.objective:
            best = found
        if restart + 1 < n_restarts and limit.passed():
            break
    assert best is not None  # noqa: S101 - there is one start at least
    return best


def put_aside(n_pieces: int, key: int) -> np.ndarray:
    """Which pieces are put aside, one at least where there are two: (n_pieces,) of bool."""
    aside = np.zeros(n_pieces, dtype=bool)
    if n_pieces > 1:
        chosen = np.random.default_rng([key, n_pieces]).permutation(n_pieces)
        aside[chosen[: max(1, round(HELD_OUT * n_pieces))]] = True
    return aside


def choice(n_states: int, *, held_out: float | None, log_likelihood: float, n_parameters: int, n_events: int) -> Choice:
    """The figures of one number of states."""
    return Choice(
        n_states,
        held_out,
        log_likelihood / n_events,
        n_parameters,
        2 * n_parameters - 2 * log_likelihood,
        n_parameters * math.log(n_events) - 2 * log_likelihood,
    )


def chosen(choices: Sequence[Choice], criterion: str) -> int:
    """The number of states that is best by one of CRITERIA; by BIC where no likelihood was measured."""
    if criterion == "aic":
        return min(choices, key=lambda row: row.aic).n_states
    measured = [(row.held_out, -row.n_states) for row in choices if row.held_out is not None]
    if len(measured) < len(choices) or criterion == "bic":
        return min(choices, key=lambda row: row.bic).n_states
    return -max(measured)[1]
