"""Learning by moments: until the model's own chains hold each pair of symbols as often as the corpus does.

Pseudo-likelihood is quick and nearly right for one symbol among others as they stand in the corpus. It says little of
music that is far from the corpus, and a chain may find places there that it holds dear, such as one pitch for ever.
What maximum entropy asks for is that *moments* agree: how often each symbol comes, and each pair at each distance. So
persistent chains walk along while potentials are moved by what the moments of corpus and chains differ [1, 2]:

    step  =  rate * (n_corpus - n_chains - l2 * potential) / (n_corpus + n_chains + l2)

The denominator is about twice the curvature of the likelihood in that direction. The rate falls as the inverse of the
step's number, and potentials are averaged over the second half of the steps, or of the time. The chains are the
corpus's own pieces to begin with, so that lengths, and the ends with the silence beside them, are as in the corpus.

[1] T. Tieleman. Training restricted Boltzmann machines using approximations to the likelihood gradient. ICML 2008.
[2] L. Younes. Parametric inference for imperfectly observed Gibbsian fields. Probability Theory and Related Fields 82,
    1989.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from stochastic_music._backends import Room, as_numpy
from stochastic_music.models.deadline import Deadline
from stochastic_music.models.maxent.chains import Chains, fields_of, side_by_side
from stochastic_music.models.maxent.events import Columns, Events
from stochastic_music.models.maxent.likelihood import room_on
from stochastic_music.models.maxent.potentials import Potentials
from stochastic_music.protocols import BoolArray, FloatArray

#: notes that all chains together hold, at least; more make steps surer and slower
N_EVENTS = 20_000
#: the rate of the first step, and after how many it has halved
_RATE, _HALF = 0.2, 50
#: the share of a limited time after which potentials are averaged
_LATE = 0.75


def refined(
    potentials: Potentials,
    events: Events,
    columns: Columns,
    blocked: BoolArray,
    *,
    l2: float,
    n_steps: int,
    free: Sequence[int],
    seed: int,
    told: Callable[[int], None] | None = None,
    room: Room | None = None,
    deadline: Deadline | None = None,
) -> Potentials:
    """Potentials whose moments agree with those of `events`; fields that are not `free` stay as in the corpus.

    As many of the `n_steps` are taken as `deadline` allows.

    Chains walk, and are counted, in `room`; where its memory runs out they begin anew.
    """
    room, limit = room or room_on("numpy"), deadline or Deadline(None)

    def work() -> Potentials:
        chains = _chains(potentials, events, columns, seed, room)
        return _walked(
            chains, potentials, events, columns, blocked, l2=l2, n_steps=n_steps, free=free, told=told, deadline=limit
        )

    return room.run(work) if n_steps else potentials


def _walked(
    chains: Chains,
    potentials: Potentials,
    events: Events,
    columns: Columns,
    blocked: BoolArray,
    *,
    l2: float,
    n_steps: int,
    free: Sequence[int],
    told: Callable[[int], None] | None,
    deadline: Deadline,
) -> Potentials:
    xp = chains.xp
    copies = chains.cells.shape[2] / len(events.lengths)
    wanted = moments(chains.cells, columns, potentials.reach, xp)
    total, n_averaged = np.zeros(potentials.flat().size), 0
    for step in range(n_steps):
        if deadline.passed():
            break
        conditionals = fields_of(potentials, columns, blocked, xp=xp)
        chains.fields = [conditionals[f] for f in free]
        chains.sweep()
        found = moments(chains.cells, columns, potentials.reach, xp)
        potentials = _moved(potentials, wanted, found, l2=l2 * copies, rate=_RATE / (1 + step / _HALF))
        if 2 * step >= n_steps or deadline.share >= _LATE:
            total, n_averaged = total + potentials.flat(), n_averaged + 1
        if told is not None:
            told(step + 1)
    return potentials.filled(total / n_averaged) if n_averaged else potentials


def moments(cells: Any, columns: Columns, reach: int, xp: Any = np) -> Potentials:
    """How often each symbol, and each pair, comes in `cells` (see `chains`): counts in the shape of potentials."""
    q, n_fields = columns.n_columns, columns.n_fields
    tables = [xp.asarray(columns.columns_of(f) % (q + 2)) for f in range(n_fields)]  # a blank, -1, becomes the last
    at = [table[cells[:, f]] for f, table in enumerate(tables)]
    across = xp.zeros((reach, q + 2, q + 2))
    for d in range(1, reach + 1):
        for first in at:
            for second in at:
                across[d - 1] += _pairs(first[:-d], second[d:], (q + 2, q + 2), xp)
    across[:, q, q] = 0.0  # silence beside silence
    within = xp.zeros((q + 2, q + 2))
    for g in range(n_fields):
        for f in range(g):
            within += _pairs(at[f], at[g], (q + 2, q + 2), xp)
    marks = len(columns.marks)
    place = xp.zeros((marks + 1, q + 2))
    for a in at:
        place += _pairs(cells[:, -1], a, (marks + 1, q + 2), xp)
    counts = place.sum(axis=0)[:q], place[:marks, :q], within[:q, :q], across[:, :-1, :-1]
    return Potentials(*(as_numpy(part) for part in counts))


def _pairs(first: Any, second: Any, shape: tuple[int, int], xp: Any) -> Any:
    """How often each pair of numbers below those of `shape` comes."""
    return xp.bincount((first * shape[1] + second).ravel(), minlength=shape[0] * shape[1]).reshape(shape)


def _moved(potentials: Potentials, wanted: Potentials, found: Potentials, *, l2: float, rate: float) -> Potentials:
    """One step."""
    strengths = (0.0, l2, l2, l2)
    parts = zip(potentials, wanted, found, strengths, strict=True)
    return Potentials(*(_step(part, w, n, strength, rate) for part, w, n, strength in parts))


def _step(part: FloatArray, wanted: FloatArray, found: FloatArray, l2: float, rate: float) -> FloatArray:
    slope = wanted - found - l2 * part
    curvature = np.maximum(wanted + found + l2, 1.0)
    return part + rate * slope / curvature


def _chains(potentials: Potentials, events: Events, columns: Columns, seed: int, room: Room) -> Chains:
    """The pieces of the corpus, each as often as is needed for N_EVENTS."""
    copies = -(-N_EVENTS // max(len(events.values), 1))
    many = Events(
        np.tile(events.values, (copies, 1)),
        np.tile(events.marks, copies),
        np.concatenate([[0], np.cumsum(np.tile(events.lengths, copies))]),
    )
    cells, live = side_by_side(many, columns, potentials.reach, room.xp)
    numbers = len(live) * live.shape[1] * max(columns.size(f) for f in range(columns.n_fields))
    return Chains(cells, live, [], potentials.reach, seed=seed, n_shares=-(-numbers // room.numbers), xp=room.xp)
