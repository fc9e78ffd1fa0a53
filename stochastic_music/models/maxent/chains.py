"""Many Markov chains over pieces at once: Gibbs and Metropolis updates of one symbol, in colors.

Two events more than K apart do not see each other. So every (K + 1)-th event of all chains can be updated at once, as
if one after the other: such a *color* of events, one field of it, is one array operation over all chains. A sweep goes
through all colors and fields; each update leaves the distribution as it is, and so does their sequence [1].

A Gibbs update draws a symbol given all others. A Metropolis update proposes one of the field's symbols, all alike, and
takes it with probability min(1, ratio of densities) [2].

Cells are (T + 2 K, n_fields + 1, n_chains): events with silence on both sides, fields as values (see `events`) and the
mark last, which is heard and never changed. A chain's random numbers depend on the seed, the sweep and the number of
the chain alone, so that neither the batch nor the number of workers matters. `xp` is NumPy or CuPy.

[1] S. Geman, D. Geman. Stochastic relaxation, Gibbs distributions, and the Bayesian restoration of images. IEEE
    Transactions on Pattern Analysis and Machine Intelligence 6, 1984.
[2] N. Metropolis et al. Equation of state calculations by fast computing machines. J. Chemical Physics 21, 1953.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from stochastic_music import _random
from stochastic_music.models.maxent.events import Columns, Events
from stochastic_music.models.maxent.potentials import Potentials, conditional_table
from stochastic_music.protocols import BoolArray, IntArray

Kernel: TypeAlias = Literal["gibbs", "metropolis"]
#: events of a color that draw from one block of random words, and how many such blocks a step may have
BLOCK, _BLOCKS = 16, 1 << 20
#: added to the 64-bit seed for the words by which proposals are accepted
_AGAIN = 1 << 64


class Lookup(NamedTuple):
    """A neighbor of an event: `slot` of the event `distance` later, and what its values add: (n_values, size)."""

    distance: int
    slot: int
    table: Any


class Field(NamedTuple):
    """All that the conditional distribution of one field is made of: `bias` (size,), -inf where it may not be."""

    slot: int
    bias: Any
    lookups: tuple[Lookup, ...]


def fields_of(
    potentials: Potentials,
    columns: Columns,
    blocked: BoolArray,
    *,
    allowed: BoolArray | None = None,
    temperature: float = 1.0,
    xp: Any = np,
) -> list[Field]:
    """The conditionals of all fields, in single precision; `allowed` (Q,) says which symbols may be drawn."""
    may = np.ones(columns.n_columns, dtype=bool) if allowed is None else allowed

    def on_device(table: Any) -> Any:
        return xp.asarray(table / temperature, dtype=xp.float32)

    out = []
    for f in range(columns.n_fields):
        own = slice(*columns.bounds[f : f + 2])
        lookups = [
            Lookup(d, g, on_device(conditional_table(potentials, columns, blocked, field=f, other=g, distance=d)))
            for d in range(-potentials.reach, potentials.reach + 1)
            for g in range(columns.n_fields)
            if d or g != f
        ]
        place = np.pad(potentials.place[:, own], ((0, 1), (0, 0)))
        lookups += [Lookup(0, columns.n_fields, on_device(place))] if len(columns.marks) else []
        bias = on_device(potentials.bias[own]) + xp.asarray(np.where(may[own], 0.0, -np.inf), dtype=xp.float32)
        out.append(Field(f, bias, tuple(lookups)))
    return out


def side_by_side(events: Events, columns: Columns, reach: int, xp: Any = np) -> tuple[Any, Any]:
    """Pieces as chains: cells (T + 2 K, n_fields + 1, n_chains), and which events are there, (T, n_chains)."""
    lengths = events.lengths
    longest = int(lengths.max(initial=0))
    cells = np.empty((longest + 2 * reach, columns.n_fields + 1, len(lengths)), dtype=np.int64)
    cells[:] = np.append(columns.silence, len(columns.marks))[:, None]
    at = np.arange(len(events.values)) - np.repeat(events.offsets[:-1], lengths) + reach
    cells[at, :-1, events.piece] = events.values
    cells[at, -1, events.piece] = events.marks
    return xp.asarray(cells), xp.asarray(np.arange(longest)[:, None] < lengths)


class _Share(NamedTuple):
    """The chains that one worker updates; `live` is None where all events are."""

    cells: Any
    live: Any
    numbers: IntArray
    kernel: Kernel


class Chains:
    """Pieces that are updated in place; see the module's article.

    Args:
        cells: (T + 2 K, n_fields + 1, n_chains); owned by the chains from now on.
        live: which events may change: (T, n_chains).
        fields: the conditionals of the fields to update.
        reach: K.
        seed: a Philox key, see `_random`.
        numbers: by which the chains draw, ascending: (n_chains,); None: 0, 1, ...
        n_workers: threads that share the chains. The result does not depend on it.
        n_shares: into how many the chains are parted, `n_workers` at least; more take less memory at a time.
    """

    def __init__(
        self,
        cells: Any,
        live: Any,
        fields: Sequence[Field],
        reach: int,
        *,
        seed: int,
        numbers: IntArray | None = None,
        n_workers: int = 1,
        n_shares: int = 1,
        xp: Any = np,
    ) -> None:
        self.cells, self.live, self.fields, self.reach, self.seed, self.xp = cells, live, fields, reach, seed, xp
        self.numbers = np.arange(cells.shape[2]) if numbers is None else numbers
        self.n_sweeps = 0
        self.n_workers = n_workers
        bounds = np.linspace(0, cells.shape[2], max(n_workers, n_shares) + 1).astype(int)
        self._shares = [slice(a, b) for a, b in pairwise(bounds) if a < b]

    def sweep(self, n: int = 1, *, kernel: Kernel = "gibbs") -> float:
        """`n` sweeps of all chains; gives the share of updates that were accepted (1 for Gibbs)."""
        if self.n_workers < 2 or len(self._shares) < 2:
            accepted = [self._sweep_share(share, n, kernel) for share in self._shares]
        else:
            with ThreadPoolExecutor(self.n_workers) as pool:
                accepted = list(pool.map(lambda share: self._sweep_share(share, n, kernel), self._shares))
        self.n_sweeps += n
        weights = [share.stop - share.start for share in self._shares]
        return float(np.average(accepted, weights=weights)) if accepted else 1.0

    def update(self, events: slice, field: Field, number: int) -> None:
        """One Gibbs update of a field of `events`, which do not see each other; `number` is that of the update."""
        step = number * self.cells.shape[1] + field.slot
        everyone = _Share(self.cells, self.live, self.numbers, "gibbs")
        self._update(everyone, events, field, step)

    def _sweep_share(self, chosen: slice, n: int, kernel: Kernel) -> float:
        live = self.live[:, chosen]
        share = _Share(
            self.cells[:, :, chosen].copy(), None if bool(live.all()) else live, self.numbers[chosen], kernel
        )
        n_colors, n_events, rates = self.reach + 1, len(live), []
        for sweep in range(self.n_sweeps, self.n_sweeps + n):
            for color in range(min(n_colors, n_events)):
                for field in self.fields:
                    step = (sweep * n_colors + color) * share.cells.shape[1] + field.slot
                    rates.append(self._update(share, slice(color, n_events, n_colors), field, step))
        self.cells[:, :, chosen] = share.cells
        return float(np.mean(rates)) if rates else 1.0

    def _update(self, share: _Share, events: slice, field: Field, step: int) -> float:
        """Update in place; gives the share of proposals accepted."""
        xp, cells = self.xp, share.cells
        old = _beside(cells, events, self.reach, field.slot)
        around = [(look.table, _beside(cells, events, self.reach + look.distance, look.slot)) for look in field.lookups]
        uniforms = xp.asarray(_uniforms(self.seed, step, share.numbers, len(old)))
        if share.kernel == "gibbs":
            new, rate = _drawn(field.bias, around, uniforms, xp), 1.0
        else:
            again = xp.asarray(_uniforms(self.seed + _AGAIN, step, share.numbers, len(old)))
            new, rate = _tried(field.bias, around, old, (uniforms, again), xp)
        old[...] = new if share.live is None else xp.where(share.live[events], new, old)
        return rate


def _beside(cells: Any, events: slice, by: int, slot: int) -> Any:
    """One slot of `events`, or of those that lie beside them: (n_events, n_chains), a view."""
    return cells[events.start + by : events.stop + by : events.step, slot]


def _drawn(bias: Any, around: Sequence[tuple[Any, Any]], uniforms: Any, xp: Any) -> Any:
    """A value from each conditional distribution: as `uniforms`, (n_events, n_chains)."""
    logits = xp.broadcast_to(bias, (uniforms.size, len(bias))).copy()
    for table, values in around:
        logits += xp.take(table, values.ravel(), axis=0)
    weights = xp.ascontiguousarray(logits.T)  # values first: what follows runs along all events at once
    weights -= weights.max(axis=0)
    xp.exp(weights, out=weights)
    for i in range(1, len(weights)):
        weights[i] += weights[i - 1]
    goal = uniforms.ravel() * weights[-1]
    chosen = xp.zeros(goal.shape, dtype=xp.uint16)
    for row in weights[:-1]:
        chosen += row <= goal
    return chosen.reshape(uniforms.shape)


def _tried(bias: Any, around: Sequence[tuple[Any, Any]], old: Any, uniforms: tuple[Any, Any], xp: Any) -> Any:
    """Each value, or another where the proposal was accepted, and the share of those: as `old`, and a number."""
    may = xp.flatnonzero(xp.isfinite(bias))
    new = may[(uniforms[0] * len(may)).astype(xp.int64)]
    gain = bias[new] - bias[old]
    for table, values in around:
        gain += table[values, new] - table[values, old]
    taken = xp.log(xp.maximum(uniforms[1], 2.0**-25)) < gain
    return xp.where(taken, new, old), float(taken.mean())


def _uniforms(key: int, step: int, numbers: IntArray, n_events: int) -> Any:
    """Numbers in [0, 1) of 24 bits for events and chains: (n_events, n_chains), in single precision.

    Events take words of a block of their own: a chain's words depend on its number and on how far its events lie.
    """
    first, n_chains = int(numbers[0]), int(numbers[-1] - numbers[0]) + 1
    blocks = [
        _random.lanes(key, step * _BLOCKS + block, n_chains * BLOCK, first=first * BLOCK).reshape(n_chains, BLOCK)
        for block in range(-(-n_events // BLOCK))
    ]
    words = np.concatenate(blocks, axis=1)[:, :n_events]
    if n_chains > len(numbers):
        words = words[numbers - first]
    return (words.T >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)
