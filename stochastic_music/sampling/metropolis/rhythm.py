"""Proposals that change rhythm: time that moves between neighbours, notes that are split and joined.

With the latter the number of notes changes, so that the way back is seldom as likely as the way there; `Split` works
out how much.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from stochastic_music.errors import UsageError
from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.sampling.metropolis.chains import Chains, Draws, Pieces
from stochastic_music.sampling.metropolis.layout import Layout
from stochastic_music.sampling.metropolis.proposals import allowed
from stochastic_music.sampling.metropolis.reading import ContextReader
from stochastic_music.sampling.metropolis.step import OWN

#: changed events, in how many ways a length can be divided, and where the change is possible
_Changed: TypeAlias = tuple[IntArray, IntArray, BoolArray]


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
        field, rows = self.layout.duration, np.arange(len(counts))
        first = rng.below(np.maximum(counts - 1, 0), OWN)
        second = np.minimum(first + 1, events.shape[1] - 1)
        possible = first + 1 < counts
        one = np.where(possible, self.layout.vocabulary.values(events[rows, first, field]), 0)
        other = np.where(possible, self.layout.vocabulary.values(events[rows, second, field]), 0)
        longer = self._durations.part(one + other, rng.below(self._durations.ways(one + other), OWN + 1)) - one
        longer = np.where(possible, longer, 0)
        events[rows, first, field] += longer
        events[rows, second, field] -= longer
        return self.layout.pieces(events, counts), allowed(possible)


@dataclass(frozen=True)
class Split:
    """A note is split in two, or two neighbours are joined into one: half of the time each.

    A split divides the length in one of its w ways; the first note keeps the pitch, the second takes a pitch with
    probability q: as `reader`'s model has it there, or without one evenly among those `reach` symbols away at most.
    Whatever else a note has goes to both. Joining drops the second pitch; it needs neighbours that are alike in all
    but pitch and length, without a rest or the end of a phrase between them. With n
    notes there are n to split, and n pairs to join afterwards, so that q(back) / q(forth) = w / q, and q / w for
    joining. Where events have no lengths a split puts a note in. Raises UsageError where events have several notes.
    """

    layout: Layout
    reader: ContextReader | None = None
    reach: int = 5
    name: str = "split"

    def __post_init__(self) -> None:
        _ = self.layout.tone

    @cached_property
    def _durations(self) -> Durations:
        return Durations(self.layout)

    def propose(self, rng: Draws, chains: Chains) -> tuple[Pieces, FloatArray]:
        """One note more, or one less."""
        tone = self.layout.tone
        counts, events = self.layout.n_events(chains.pieces), self.layout.events(chains.pieces)
        splits = rng.below(np.full(len(counts), 2), OWN) == 0
        place = rng.below(np.where(splits, counts, np.maximum(counts - 1, 0)), OWN + 1)
        rows, second = np.arange(len(counts)), np.minimum(place + 1, events.shape[1] - 1)
        more, ways_apart, may_split = self._split(rng, events, counts, place)
        less, ways_joined, may_join = self._joined(events, counts, place)
        apart = np.where(splits[:, None, None], more, events)
        q = self._tones(chains, apart, place)
        more[rows, second, tone] = rng.choose(q + (q.sum(axis=1, keepdims=True) == 0), OWN + 3)
        log_q = _log(q[rows, np.where(splits, more[rows, second, tone], events[rows, second, tone])])
        log_ways = _log(np.where(splits, ways_apart, ways_joined).astype(np.float64))
        possible = np.where(splits, may_split, may_join) & (log_q > -np.inf) & (log_ways > -np.inf)
        gain = np.where(possible, log_ways, 0.0) - np.where(possible, log_q, 0.0)
        changed = np.where((possible & splits)[:, None, None], more, events)
        changed = np.where((possible & ~splits)[:, None, None], less, changed)
        counts = counts + np.where(possible, np.where(splits, 1, -1), 0)
        return self.layout.pieces(changed, counts), np.where(possible, np.where(splits, gain, -gain), -np.inf)

    def _split(self, rng: Draws, events: IntArray, counts: IntArray, place: IntArray) -> _Changed:
        """Events with the one at `place` twice, its length divided; in how many ways that can be, and whether."""
        layout, rows = self.layout, np.arange(len(counts))
        at = np.arange(events.shape[1])
        split = np.take_along_axis(events, (at - (at > place[:, None]))[..., None], axis=1)
        second = np.minimum(place + 1, events.shape[1] - 1)
        possible = (counts > 0) & (counts < events.shape[1])
        ways = np.ones(len(counts), dtype=np.int64)
        if layout.duration is not None:
            whole = np.where(possible, layout.vocabulary.values(events[rows, place, layout.duration]), 0)
            ways = self._durations.ways(whole)
            part = self._durations.part(whole, rng.below(ways, OWN + 2))
            split[rows, place, layout.duration] += part - whole
            split[rows, second, layout.duration] -= part
        for field, symbol, before in self._between:
            split[rows, place if before else second, field] = symbol
        return split, ways, possible

    def _joined(self, events: IntArray, counts: IntArray, place: IntArray) -> _Changed:
        """Events with those at `place` and behind it as one; in how many ways it can be divided, and whether it can."""
        layout, rows = self.layout, np.arange(len(counts))
        at = np.arange(events.shape[1])
        after = np.minimum(at + (at > place[:, None]), events.shape[1] - 1)
        joined = np.take_along_axis(events, after[..., None], axis=1)
        second = np.minimum(place + 1, events.shape[1] - 1)
        possible = counts > 1
        ways = np.ones(len(counts), dtype=np.int64)
        if layout.duration is not None:
            both = [events[rows, i, layout.duration] for i in (place, second)]
            one, other = (np.where(possible, layout.vocabulary.values(symbols), 0) for symbols in both)
            possible &= self._durations.known(one + other)
            ways = self._durations.ways(np.where(possible, one + other, 0))
            joined[rows, place, layout.duration] += other
        for field in self._shared:
            possible &= events[rows, place, field] == events[rows, second, field]
        for field, symbol, before in self._between:
            possible &= events[rows, place if before else second, field] == symbol
            if before:
                joined[rows, place, field] = events[rows, second, field]
        return joined, ways, possible

    def _tones(self, chains: Chains, apart: IntArray, place: IntArray) -> FloatArray:
        """The probability q of each tone as the second of two notes: (n, n_symbols), rows of 0 where there is none."""
        layout, rows = self.layout, np.arange(len(place))
        fits = layout.vocabulary.mask & (layout.field == layout.tone)
        if self.reader is None:
            far = np.abs(np.arange(len(fits)) - apart[rows, place, layout.tone][:, None])
            weights = (fits & (far <= self.reach)).astype(np.float64)
        else:
            flat, first = apart.reshape(len(place), -1), place * layout.vocabulary.n_fields
            states = known_states(self.reader, chains)[rows, first]
            for i in range(layout.vocabulary.n_fields + layout.tone):
                states, _ = self.reader.step(states, flat[rows, np.minimum(first + i, flat.shape[1] - 1)])
            weights = np.exp(np.where(fits, self.reader.rows(states), -np.inf))
        total: FloatArray = weights.sum(axis=1, keepdims=True)
        shares: FloatArray = weights / np.where(total > 0, total, 1.0)
        return shares

    @cached_property
    def _shared(self) -> list[int]:
        """The fields that both notes of a split have alike."""
        apart = {self.layout.tone, self.layout.duration, *(field for field, _, _ in self._between)}
        return [i for i in range(self.layout.vocabulary.n_fields) if i not in apart]

    @cached_property
    def _between(self) -> list[tuple[int, int, bool]]:
        """What stands between the two notes of a split: fields, the symbol that each has, whether before the joint."""
        fields, starts = self.layout.vocabulary.fields, self.layout.vocabulary.starts.tolist()
        return [
            (i, starts[i], field.name == "phrase")
            for i, field in enumerate(fields)
            if field.name == "phrase" or (field.advances == "now" and field.first == 0)
        ]


def known_states(reader: ContextReader, chains: Chains) -> IntArray:
    """What the reader remembers before each symbol of the chains: (n, T + 1, 4)."""
    reading = chains.readings.get(reader) or reader.read(chains.pieces)
    assert reading.states is not None  # noqa: S101 - walkers remember
    return reading.states


def _log(values: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        logs: FloatArray = np.log(values)
    return logs
