"""Runs: many steps, what they visited, and when to stop.

A run keeps every `thin`-th state of every chain. Its first half counts as the way in (*burn-in*): draws and diagnostics
are of the second half. It stops after `steps` steps, or sooner, when the log density is known as precisely as was
asked for, and says which.

With a *ladder* of inverse temperatures (parallel tempering) every chain has a replica on each rung; all step
together, and neighbours exchange places after each step. Only what stands on the first rung is kept. With *cooling*
(annealing) the temperature falls to 1 on the way in: 1 / beta = first ^ (1 - step / until).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stochastic_music import _checkpoint, _random
from stochastic_music._showing import ShowsItself
from stochastic_music.errors import InvalidParameterError, UsageError
from stochastic_music.protocols import FloatArray, IntArray, Progress
from stochastic_music.sampling.metropolis.chains import Chains, Draws, Pieces, picked
from stochastic_music.sampling.metropolis.diagnostics import Diagnostics, diagnosed
from stochastic_music.sampling.metropolis.step import Proposal, begin, exchange, step
from stochastic_music.sampling.metropolis.target import Target

#: states a chain that are kept, unless `thin` says otherwise
KEPT = 1000
#: how often a run looks whether it is precise enough
LOOKS = 20


class Precision(NamedTuple):
    """When the log density is known well enough: all that are given must hold, looked at in the second half so far.

    `r_hat` and `mcse` (nats) must be below, `ess` above.
    """

    r_hat: float | None = None
    ess: float | None = None
    mcse: float | None = None

    def met(self, found: Diagnostics) -> bool:
        """Whether a run has come so far."""
        row = found.rows[0]
        return (
            (self.r_hat is None or row.r_hat < self.r_hat)
            and (self.ess is None or row.ess > self.ess)
            and (self.mcse is None or row.mcse < self.mcse)
        )


@dataclass(frozen=True)
class Plan:
    """How a run goes. Raises InvalidParameterError for numbers that make no sense.

    Args:
        steps: how many steps each chain takes at most.
        thin: every how many steps a state is kept; None keeps about 1,000.
        ladder: inverse temperatures, the first of them 1; more than one is parallel tempering.
        cooling: the temperature at the beginning, which falls to 1 in the first quarter of the run.
        precision: when to stop sooner.
    """

    steps: int = 20_000
    thin: int | None = None
    ladder: tuple[float, ...] = (1.0,)
    cooling: float = 1.0
    precision: Precision | None = None

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise InvalidParameterError(f"steps is {self.steps}; expected 1 or more")
        if self.thin is not None and not 1 <= self.thin <= self.steps:
            raise InvalidParameterError(f"thin is {self.thin}; expected a number of steps from 1 to {self.steps}")
        if not self.ladder or self.ladder[0] != 1 or not all(0 < beta <= 1 for beta in self.ladder):
            raise InvalidParameterError(
                f"the ladder is {self.ladder}; expected inverse temperatures from 1 down, above 0: (1.0, 0.7, 0.5)"
            )
        if not 0 < self.cooling < np.inf:
            raise InvalidParameterError(f"cooling starts at {self.cooling}; expected a temperature above 0")

    @property
    def every(self) -> int:
        """Every how many steps a state is kept."""
        return self.thin or max(1, self.steps // KEPT)

    def beta(self, at: int) -> float:
        """The inverse temperature of the first rung at a step."""
        until = self.steps // 4
        return 1.0 if at >= until else float(self.cooling ** -(1 - at / until))


@dataclass(frozen=True, eq=False)
class Run(ShowsItself):
    """What a run visited.

    `symbols` (n_kept, n_chains, T), `lengths`, `log_density` (n_kept, n_chains) and `terms` (n_kept, n_chains,
    n_terms) are the states kept; `tried` (n_proposals,) counts steps, `accepted` (n_proposals, n_chains) those that
    moved. `stopped` says why it stopped, in words.
    """

    shown_by = "walks"

    target: Target
    plan: Plan
    proposals: tuple[str, ...]
    symbols: IntArray
    lengths: IntArray
    log_density: FloatArray
    terms: FloatArray
    tried: IntArray
    accepted: IntArray
    start: Pieces
    n_steps: int = 0
    stopped: str = ""
    last: Chains | None = field(default=None, repr=False)

    @property
    def diagnostics(self) -> Diagnostics:
        """How well the chains mixed, in their second half."""
        return diagnosed(self)

    @property
    def burn_in(self) -> int:
        """How many kept states count as the way in."""
        return len(self.lengths) // 2

    def pieces(self) -> Pieces:
        """The kept states of the second half, chain by chain within each."""
        late = slice(self.burn_in, None)
        return Pieces(self.symbols[late].reshape(-1, self.symbols.shape[2]), self.lengths[late].ravel())


def run(
    target: Target,
    start: Pieces,
    proposal: Proposal,
    plan: Plan | None = None,
    *,
    seed: _random.Seed = None,
    save_to: Path | None = None,
    progress: Progress | None = None,
) -> Run:
    """Let chains walk from `start`, one each; see the module's article.

    With `save_to` the run is saved there as it goes, and goes on from there if it was broken off: to the bytes that it
    would have come to. Without cooling it can be asked for more steps, too, and keeps states as often as it did; or for
    another precision. Equal seeds give equal draws. Raises InvalidParameterError without chains, UsageError where the
    target is -inf at the start, or what stands at `save_to` is of another run.
    """
    plan, key = plan or Plan(), _random.key(seed)
    now = _begun(target, start, proposal, plan)
    who = {} if save_to is None else _identity(target, start, proposal, plan, key)
    if save_to is not None and save_to.exists():
        now = _judged(_resumed(now, _checkpoint.load(save_to, "metropolis", who), save_to))
    look = max(1, plan.steps // LOOKS)
    while not now.stopped:
        until = min(now.n_steps + look - now.n_steps % look, plan.steps)
        now = _judged(_walked(now, proposal, key, until, progress))
        if save_to is not None:
            _checkpoint.save(save_to, "metropolis", who, _contents(now))
    return now


def _begun(target: Target, start: Pieces, proposal: Proposal, plan: Plan) -> Run:
    if not len(start.lengths):
        raise InvalidParameterError("there are no chains: give one piece or more to start from")
    rungs, n_chains = len(plan.ladder), len(start.lengths)
    chains = begin(target, Pieces(start.symbols.repeat(rungs, axis=0), start.lengths.repeat(rungs)))
    bad = np.flatnonzero(~np.isfinite(chains.log_density))
    if len(bad):
        name = next(n for n, v in zip(target.names, chains.terms[bad[0]], strict=True) if not np.isfinite(v))
        raise UsageError(
            f"chain {bad[0] // rungs + 1} begins at a piece that cannot be, says the {name}: start from pieces that "
            "meet the constraint and that the model can play"
        )
    parts = getattr(proposal, "proposals", (proposal,))
    width = start.symbols.shape[1]
    return Run(
        target,
        plan,
        tuple(part.name for part in parts),
        np.zeros((0, n_chains, width), dtype=np.int64),
        np.zeros((0, n_chains), dtype=np.int64),
        np.zeros((0, n_chains)),
        np.zeros((0, n_chains, len(target.names))),
        np.zeros(len(parts), dtype=np.int64),
        np.zeros((len(parts), n_chains), dtype=np.int64),
        start,
        last=chains,
    )


def _walked(now: Run, proposal: Proposal, key: int, until: int, progress: Progress | None) -> Run:
    """The run some steps later."""
    plan, chains = now.plan, now.last
    assert chains is not None  # noqa: S101 - it has begun
    rungs, n = len(plan.ladder), len(chains.lengths)
    ladder = np.tile(np.array(plan.ladder), n // rungs)
    first = np.arange(0, n, rungs)
    kept: list[Chains] = []
    tried, accepted = now.tried.copy(), now.accepted.copy()
    for at in range(now.n_steps, until):
        rng, beta = Draws(key, at, n), ladder * plan.beta(at)
        chains, info = step(rng, chains, now.target, proposal, beta)
        tried[info.which] += 1
        accepted[info.which] += info.accepted[first]
        if rungs > 1:
            chains, _ = exchange(rng, chains, beta, rungs)
        if (at + 1) % plan.every == 0:
            kept.append(picked(chains, first)._replace(readings={}))
        if progress is not None:
            progress(at + 1, plan.steps, "metropolis")
    return replace(now, tried=tried, accepted=accepted, n_steps=until, last=chains, **_longer(now, kept))


def _longer(now: Run, kept: list[Chains]) -> dict[str, Any]:
    names = ("symbols", "lengths", "log_density", "terms")
    return {name: np.concatenate([getattr(now, name), *([getattr(c, name)] for c in kept)]) for name in names}


def _judged(now: Run) -> Run:
    """The run, stopped where it is precise enough or its budget is spent."""
    plan = now.plan
    arrived = plan.steps // 4 * (1 if plan.cooling == 1 else 2)  # what counts was drawn at the final temperature
    if plan.precision is not None and now.n_steps >= arrived and len(now.lengths) >= 8:
        found = now.diagnostics
        if plan.precision.met(found):
            return replace(
                now, stopped=f"precise enough after {now.n_steps:,} of {plan.steps:,} steps: {found.rows[0]}"
            )
    if now.n_steps >= plan.steps:
        return replace(now, stopped=f"the budget of {plan.steps:,} steps is spent")
    return now


def _identity(target: Target, start: Pieces, proposal: Proposal, plan: Plan, key: int) -> dict[str, str]:
    """What makes a run what it is, by name. Precision is not part of it, nor steps where nothing cools down by them."""
    until = None if plan.cooling == 1 else plan.steps
    return {
        **target.identity,
        "proposals": _described(proposal),
        "number of chains": str(len(start.lengths)),
        "plan": json.dumps([plan.thin, plan.ladder, plan.cooling, until]),
        "seed": str(key),
        "start": f"{start.symbols.shape} {_checkpoint.digest(start._asdict())}",
    }


def _described(proposal: Any) -> str:
    """A proposal, or the parts of a mixture, with its numbers and what it reads."""
    if hasattr(proposal, "proposals"):
        parts = zip(proposal.proposals, proposal.weights, strict=True)
        return "; ".join(f"{_described(part)}: {weight:g}" for part, weight in parts)
    numbers = [f"{name}={value}" for name, value in vars(proposal).items() if isinstance(value, int | float | tuple)]
    return f"{proposal.name} {' '.join(numbers)} {getattr(proposal, 'reader', '')}".strip()


def _contents(now: Run) -> _checkpoint.Contents:
    assert now.last is not None  # noqa: S101 - it has begun
    names = ("symbols", "lengths", "log_density", "terms", "tried", "accepted")
    arrays = {name: getattr(now, name) for name in names}
    last = {f"last_{name}": getattr(now.last, name) for name in names[:4]}
    return _checkpoint.Contents({**arrays, **last}, {"n_steps": str(now.n_steps), "every": str(now.plan.every)})


def _resumed(now: Run, saved: _checkpoint.Contents, path: Path) -> Run:
    """The run where it was broken off; readings are made anew, densities are taken as they were."""
    done, every = int(saved.facts["n_steps"]), int(saved.facts["every"])
    if done > now.plan.steps:
        raise UsageError(
            f"{path} has gone {done:,} steps, and {now.plan.steps:,} were asked for: ask for as many or more, or name "
            "another file"
        )
    kept: dict[str, Any] = {name: array for name, array in saved.arrays.items() if not name.startswith("last_")}
    last: Mapping[str, Any] = {n: saved.arrays[f"last_{n}"] for n in ("symbols", "lengths", "log_density", "terms")}
    readings = begin(now.target, Pieces(last["symbols"], last["lengths"])).readings
    chains = Chains(**last, readings=readings)
    return replace(now, **kept, plan=replace(now.plan, thin=every), n_steps=done, last=chains)
