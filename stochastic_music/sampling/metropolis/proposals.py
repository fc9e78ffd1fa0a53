"""Proposals that know notes and not models: swapping, transposing, moving time, splitting and joining; and mixtures.

Each is a small frozen value with `propose(rng, chains) -> (pieces, log_hastings)`, where log_hastings is
log q(back) - log q(forth): 0 where the way back is as likely as the way there, -inf where there is nothing to propose.
A place is drawn evenly among the events of each piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from stochastic_music.errors import InvalidParameterError, UsageError
from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.sampling.metropolis.chains import Chains, Draws, Pieces
from stochastic_music.sampling.metropolis.layout import Layout
from stochastic_music.sampling.metropolis.step import OWN, WHICH, Proposal


@dataclass(frozen=True)
class Mixture:
    """One of several proposals each step, drawn by weight, the same for all chains.

    Every part leaves the target as it is, so the mixture does. Raises InvalidParameterError without proposals, and for
    weights that are not above 0, or not one each.
    """

    proposals: tuple[Proposal, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.proposals or len(self.weights) != len(self.proposals):
            raise InvalidParameterError(
                f"{len(self.weights)} weights arrived for {len(self.proposals)} proposals: give one each, one at least"
            )
        for proposal, weight in zip(self.proposals, self.weights, strict=True):
            if not 0 < weight < np.inf:
                raise InvalidParameterError(
                    f"the weight of {proposal.name} is {weight:g}; expected a number above 0 (or leave it out)"
                )

    @property
    def name(self) -> str:
        """The parts with their weights."""
        return ",".join(f"{p.name}:{w:g}" for p, w in zip(self.proposals, self.weights, strict=True))

    def draw(self, rng: Draws) -> int:
        """Which one it is at this step."""
        return rng.together(np.array(self.weights), WHICH)

    def propose(self, rng: Draws, chains: Chains) -> tuple[Pieces, FloatArray]:
        """What the one that is drawn proposes."""
        return self.proposals[self.draw(rng)].propose(rng, chains)


@dataclass(frozen=True)
class Swap:
    """Two notes, `reach` events apart at most, change places; their lengths stay where they are. Symmetric."""

    layout: Layout
    reach: int = 4
    name: str = "swap"

    def propose(self, rng: Draws, chains: Chains) -> tuple[Pieces, FloatArray]:
        """The notes of two events exchanged."""
        counts, events = self.layout.n_events(chains.pieces), self.layout.events(chains.pieces)
        first = rng.below(counts, OWN)
        second = first + 1 + rng.below(self.reach, OWN + 1)
        possible = second < counts
        rows, second = rng.xp.arange(len(counts)), np.where(possible, second, first)
        events = events.copy()
        for tone in self.layout.tones:
            one, other = events[rows, first, tone], events[rows, second, tone]
            events[rows, first, tone], events[rows, second, tone] = other, one
        return self.layout.pieces(events, counts, rng.xp), allowed(possible)


@dataclass(frozen=True)
class Transpose:
    """Up to `longest` notes in a row move together, up or down, by `reach` semitones at most. Symmetric."""

    layout: Layout
    longest: int = 4
    reach: int = 4
    name: str = "transpose"

    def propose(self, rng: Draws, chains: Chains) -> tuple[Pieces, FloatArray]:
        """The notes of a span moved."""
        counts, events = self.layout.n_events(chains.pieces), self.layout.events(chains.pieces)
        first = rng.below(counts, OWN)
        last = first + rng.below(self.longest, OWN + 1)
        size = rng.below(2 * self.reach, OWN + 2) - self.reach
        by = np.where(size >= 0, size + 1, size)
        place = rng.xp.arange(events.shape[1])
        inside = (place >= first[:, None]) & (place <= last[:, None])
        moved, there = self.layout.raised(events, (by[:, None] * inside)[..., None])
        possible = (last < counts) & (there | ~inside[..., None]).all(axis=(1, 2))
        moved = np.where(possible[:, None, None], moved, events)
        return self.layout.pieces(moved, counts, rng.xp), allowed(possible)


@dataclass(frozen=True)
class Durations:
    """The lengths that notes may have, and how a sum of two of them may be divided."""

    layout: Layout

    @cached_property
    def lengths(self) -> IntArray:
        """All lengths of the alphabet, in units, ascending."""
        field = self.layout.duration
        if field is None:
            return np.zeros(0, dtype=np.int64)
        symbols = np.flatnonzero(self.layout.vocabulary.mask & (self.layout.field == field))
        found: IntArray = self.layout.vocabulary.values(symbols)
        return found

    @cached_property
    def _division(self) -> tuple[IntArray, IntArray]:
        known = set(self.lengths.tolist())
        parts = [[d for d in self.lengths.tolist() if s - d in known] for s in range(2 * max(known, default=0) + 1)]
        table = np.zeros((len(parts), max((len(p) for p in parts), default=1) or 1), dtype=np.int64)
        for s, found in enumerate(parts):
            table[s, : len(found)] = found
        return table, np.array([len(p) for p in parts], dtype=np.int64)

    def ways(self, sums: IntArray) -> IntArray:
        """In how many ways each sum may be divided: (n,)."""
        counts = self._division[1]
        return np.where(sums < len(counts), counts[np.minimum(sums, len(counts) - 1)], 0)

    def part(self, sums: IntArray, way: IntArray) -> IntArray:
        """The first length of division `way` of each sum: (n,)."""
        table = self._division[0]
        return table[np.minimum(sums, len(table) - 1), way]

    def known(self, lengths: IntArray) -> BoolArray:
        """Which lengths are in the alphabet."""
        return np.isin(lengths, self.lengths)


@dataclass(frozen=True)
class Shift:
    """Time moves between two neighbours: the sum of their lengths stays, and is divided anew. Symmetric.

    Both lengths are of the alphabet. Raises UsageError where events have no lengths.
    """

    layout: Layout
    name: str = "shift"

    def __post_init__(self) -> None:
        if self.layout.duration is None:
            raise UsageError("shifting rhythm needs notes that have lengths, one after the other: leave 'shift' out")

    @cached_property
    def _durations(self) -> Durations:
        return Durations(self.layout)

    def propose(self, rng: Draws, chains: Chains) -> tuple[Pieces, FloatArray]:
        """Two lengths divided anew."""
        counts, events = self.layout.n_events(chains.pieces), self.layout.events(chains.pieces).copy()
        field, rows = self.layout.duration, rng.xp.arange(len(counts))
        first = rng.below(np.maximum(counts - 1, 0), OWN)
        second = np.minimum(first + 1, events.shape[1] - 1)
        possible = first + 1 < counts
        one = np.where(possible, self.layout.vocabulary.values(events[rows, first, field]), 0)
        other = np.where(possible, self.layout.vocabulary.values(events[rows, second, field]), 0)
        longer = self._durations.part(one + other, rng.below(self._durations.ways(one + other), OWN + 1)) - one
        longer = np.where(possible, longer, 0)
        events[rows, first, field] += longer
        events[rows, second, field] -= longer
        return self.layout.pieces(events, counts, rng.xp), allowed(possible)


@dataclass(frozen=True)
class Split:
    """A note is split in two, or two neighbours are joined into one: half of the time each.

    A split divides the length in one of its w ways; the first note keeps the pitch, the second takes one of the v of
    the alphabet that lie `reach` semitones away at most. Joining drops the second pitch; it needs neighbours without
    a rest or the end of a phrase between them. With n notes before the split there are n notes to split, and n
    pairs to join after it: q(back) / q(forth) = (1 / n) / (1 / n * 1 / w * 1 / v) = w v, and 1 / (w v) for joining.
    Where events have no lengths a split puts a note in. Raises UsageError where events have several notes.
    """

    layout: Layout
    reach: int = 5
    name: str = "split"

    def __post_init__(self) -> None:
        _ = self.layout.tone

    @cached_property
    def _durations(self) -> Durations:
        return Durations(self.layout)

    @cached_property
    def _near(self) -> tuple[IntArray, IntArray]:
        """For each symbol the tones near it, and how many they are."""
        n, layout = self.layout.vocabulary.n_symbols, self.layout
        steps = np.arange(-self.reach, self.reach + 1)
        symbols = np.arange(n)[:, None] + steps
        inside = (symbols >= 0) & (symbols < n)
        symbols = np.clip(symbols, 0, n - 1)
        fits = inside & (layout.field[symbols] == layout.tone) & layout.vocabulary.mask[symbols]
        order = np.argsort(~fits, axis=1, kind="stable")
        return np.take_along_axis(symbols, order, axis=1), fits.sum(axis=1)

    def propose(self, rng: Draws, chains: Chains) -> tuple[Pieces, FloatArray]:
        """One note more, or one less."""
        splits = rng.below(rng.xp.full(len(chains.lengths), 2), OWN) == 0
        counts, events = self.layout.n_events(chains.pieces), self.layout.events(chains.pieces)
        place = rng.below(np.where(splits, counts, np.maximum(counts - 1, 0)), OWN + 1)
        more, more_hastings = self._split(rng, events, counts, place)
        less, less_hastings = self._joined(rng, events, counts, place)
        log_hastings = np.where(splits, more_hastings, less_hastings)
        possible = log_hastings > -np.inf
        changed = np.where(splits[:, None, None], more, less)
        counts_after = counts + np.where(possible, np.where(splits, 1, -1), 0)
        changed = np.where(possible[:, None, None], changed, events)
        return self.layout.pieces(changed, counts_after, rng.xp), log_hastings

    def _split(self, rng: Draws, events: IntArray, counts: IntArray, place: IntArray) -> tuple[IntArray, FloatArray]:
        xp, layout, rows = rng.xp, self.layout, rng.xp.arange(len(counts))
        at = xp.arange(events.shape[1])
        split = np.take_along_axis(events, (at - (at > place[:, None]))[..., None], axis=1)
        second = np.minimum(place + 1, events.shape[1] - 1)
        possible = (counts > 0) & (counts < events.shape[1])
        ways = xp.ones(len(counts), dtype=np.int64)
        if layout.duration is not None:
            whole = np.where(possible, layout.vocabulary.values(events[rows, place, layout.duration]), 0)
            ways = self._durations.ways(whole)
            part = self._durations.part(whole, rng.below(ways, OWN + 2))
            split[rows, place, layout.duration] += part - whole
            split[rows, second, layout.duration] -= part
        near, n_near = (xp.asarray(table) for table in self._near)
        tone = np.where(possible, events[rows, place, layout.tone], 0)
        split[rows, second, layout.tone] = near[tone, rng.below(n_near[tone], OWN + 3)]
        for field, symbol in self._between:
            where, which = (place, field) if layout.vocabulary.fields[field].name == "phrase" else (second, field)
            split[rows, where, which] = symbol
        possible &= (ways > 0) & (n_near[tone] > 0)
        return split, np.where(possible, _log(ways) + _log(n_near[tone]), -np.inf)

    def _joined(self, rng: Draws, events: IntArray, counts: IntArray, place: IntArray) -> tuple[IntArray, FloatArray]:
        xp, layout, rows = rng.xp, self.layout, rng.xp.arange(len(counts))
        at = xp.arange(events.shape[1])
        after = np.minimum(at + (at > place[:, None]), events.shape[1] - 1)
        joined = np.take_along_axis(events, after[..., None], axis=1)
        second = np.minimum(place + 1, events.shape[1] - 1)
        possible = counts > 1
        ways = xp.ones(len(counts), dtype=np.int64)
        if layout.duration is not None:
            one, other = (events[rows, i, layout.duration] for i in (place, second))
            lengths = [np.where(possible, layout.vocabulary.values(symbols), 0) for symbols in (one, other)]
            whole = lengths[0] + lengths[1]
            possible &= self._durations.known(whole)
            ways = np.where(possible, self._durations.ways(whole), 1)
            joined[rows, place, layout.duration] += lengths[1]
        for field, symbol in self._between:
            name = layout.vocabulary.fields[field].name
            possible &= events[rows, place if name == "phrase" else second, field] == symbol
            if name == "phrase":
                joined[rows, place, field] = events[rows, second, field]
        tone, other = events[rows, place, layout.tone], events[rows, second, layout.tone]
        possible &= layout.vocabulary.mask[other] & (np.abs(other - tone) <= self.reach)
        tone = np.where(possible, tone, 0)
        n_near = xp.asarray(self._near[1])[tone]
        return joined, np.where(possible, -_log(ways) - _log(n_near), -np.inf)

    @cached_property
    def _between(self) -> list[tuple[int, int]]:
        """What stands between the two notes of a split: fields with the symbol they must have there."""
        fields = self.layout.vocabulary.fields
        return [
            (i, int(self.layout.vocabulary.starts[i]))
            for i, field in enumerate(fields)
            if field.name == "phrase" or (field.advances == "now" and field.first == 0)
        ]


def allowed(possible: BoolArray) -> FloatArray:
    """0 where something was proposed, -inf elsewhere: (n,)."""
    found: FloatArray = np.where(possible, 0.0, -np.inf)
    return found


def _log(counts: IntArray) -> FloatArray:
    return np.log(np.maximum(counts, 1))


def mixture(proposals: Sequence[tuple[Any, float]]) -> Mixture:
    """A mixture of pairs (proposal, weight)."""
    return Mixture(tuple(p for p, _ in proposals), tuple(float(w) for _, w in proposals))
