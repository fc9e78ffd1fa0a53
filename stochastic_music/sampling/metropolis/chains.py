"""Many chains side by side, and the random numbers of a step.

A chain is a piece that changes. All chains of a batch are rows of one array, filled up with END to a width that
never changes: `n_events` events and one symbol more.

Randomness is counted, not consumed: a number depends on the key, the step, the chain and the *slot* (what it is
drawn for) alone. So a step is a function of its arguments, a chain does not depend on how many run beside it, and a
run that was broken off goes on as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from stochastic_music import _random
from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.sampling.drawing import choose

#: keys of steps lie above those of every other sampler with the same seed
_STEPS = 1 << 112


class Pieces(NamedTuple):
    """A batch: symbols (n, T), filled up with END, and lengths (n,), which count an END that belongs to the piece."""

    symbols: IntArray
    lengths: IntArray


class Reading(NamedTuple):
    """What a reader found in each piece: its log density `total` (n,), in nats, -inf for what cannot be.

    `log_probs` (n, T) are the terms of that sum, one a symbol, and `states` (n, T + 1, k) what the reader remembers
    before each, for readers that go from symbol to symbol.
    """

    total: FloatArray
    log_probs: FloatArray | None = None
    states: IntArray | None = None


#: by reader
Readings: TypeAlias = Mapping[Any, Reading]


class Chains(NamedTuple):
    """The state of a batch of chains: pieces, their log density (n,), its terms (n, n_terms), what readers know."""

    symbols: IntArray
    lengths: IntArray
    log_density: FloatArray
    terms: FloatArray
    readings: Readings

    @property
    def pieces(self) -> Pieces:
        """Without what is known of them."""
        return Pieces(self.symbols, self.lengths)


@dataclass(frozen=True)
class Draws:
    """The random numbers of step `step` for chains 0 .. n - 1, by slot; see the module's article.

    >>> few, many = Draws(7, 0, 2), Draws(7, 0, 5)
    >>> bool((few.uniforms(3) == many.uniforms(3)[:2]).all())
    True
    """

    key: int
    step: int
    n: int

    def uniforms(self, slot: int) -> FloatArray:
        """In [0, 1): (n,)."""
        found: FloatArray = _random.uniforms(self.key + _STEPS + (slot << 64), self.step, self.n)
        return found

    def below(self, counts: IntArray | int, slot: int) -> IntArray:
        """A whole number from 0 to counts - 1 each, 0 where there is none: (n,)."""
        drawn: IntArray = np.floor(self.uniforms(slot) * counts).astype(np.int64)
        return drawn

    def choose(self, weights: FloatArray, slot: int) -> IntArray:
        """A column each, by its row's weights (n, k): (n,)."""
        return choose(weights, self.uniforms(slot))

    def together(self, weights: FloatArray, slot: int) -> int:
        """One number for all chains, by weights (k,)."""
        uniform = _random.uniforms(self.key + _STEPS + (slot << 64), self.step, 1)
        return int(choose(np.asarray(weights)[None], uniform)[0])


def merged(accepted: BoolArray, new: Reading, old: Reading) -> Reading:
    """The new reading where `accepted` (n,) holds, the old one elsewhere."""
    return Reading(*(_where(accepted, a, b) for a, b in zip(new, old, strict=True)))


def _where(accepted: BoolArray, new: Any, old: Any) -> Any:
    if new is None:
        return None
    return np.where(accepted.reshape(-1, *(1,) * (new.ndim - 1)), new, old)


def picked(chains: Chains, rows: IntArray) -> Chains:
    """Some chains, in the order of `rows`."""
    readings = {reader: _picked(reading, rows) for reader, reading in chains.readings.items()}
    return Chains(chains.symbols[rows], chains.lengths[rows], chains.log_density[rows], chains.terms[rows], readings)


def _picked(reading: Reading, rows: IntArray) -> Reading:
    log_probs = None if reading.log_probs is None else reading.log_probs[rows]
    return Reading(reading.total[rows], log_probs, None if reading.states is None else reading.states[rows])
