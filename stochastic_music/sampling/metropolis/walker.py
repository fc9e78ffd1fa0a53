"""Walkers: readers that go from symbol to symbol, and read as little as they can after a change.

They begin where the piece first differs from what it was, and stop as soon as they remember, behind the last
difference, what they remembered there before. Chains that are many go side by side, symbol by symbol. Chains that are
few tread the same ground again and again, so that what a step gave is kept: each goes on by itself as far as that
leads, and those that are left then ask for what is new together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.sampling.metropolis.chains import Chains, Pieces, Reading

#: chains that are few, and how many steps are kept for them
FEW, MEMO = 64, 300_000

#: what is remembered of one piece
State: TypeAlias = tuple[int, ...]


class Walker:
    """A reader that goes from symbol to symbol; see the module's article.

    Subclasses have `first`, what is remembered at the start (k,), and `step`. `closes`: an END is read after pieces
    that hold none.
    """

    first: IntArray
    closes: bool = False

    def step(self, states: IntArray, symbols: IntArray) -> tuple[IntArray, FloatArray]:
        """What is remembered after one more symbol each (m, k), and its log probability (m,): both rows of a batch."""
        raise NotImplementedError

    def stepped(self, states: IntArray, symbols: IntArray) -> tuple[IntArray, FloatArray]:
        """As `step`, by what is kept where they are few."""
        if not 0 < len(states) <= FEW:
            return self.step(states, symbols)
        self._spare()
        asked = list(zip(map(tuple, states.tolist()), symbols.tolist(), strict=True))
        self._learn(pair for pair in asked if self.recall(*pair) is None)
        found = [pair for pair in (self.recall(*pair) for pair in asked) if pair is not None]
        return np.array([state for state, _ in found]), np.array([log_prob for _, log_prob in found])

    def recall(self, state: State, symbol: int) -> tuple[State, float] | None:
        """What `step` gave, or None where that is not kept."""
        found: tuple[State, float] | None = self.memos[0].get((state, symbol))
        return found

    def keep(self, states: IntArray, symbols: IntArray) -> None:
        """Ask `step`, for `recall` to know."""
        following, log_probs = self.step(states, symbols)
        keys = zip(map(tuple, states.tolist()), symbols.tolist(), strict=True)
        self.memos[0].update(
            zip(keys, zip(map(tuple, following.tolist()), log_probs.tolist(), strict=True), strict=True)
        )

    @cached_property
    def memos(self) -> tuple[dict[Any, Any], ...]:
        """What is kept."""
        return ({},)

    def _spare(self) -> None:
        if sum(map(len, self.memos)) > MEMO:
            for memo in self.memos:
                memo.clear()

    def _learn(self, pairs: Iterable[tuple[State, int]]) -> None:
        new = list(dict.fromkeys(pairs))
        if new:
            self.keep(np.array([state for state, _ in new]), np.array([symbol for _, symbol in new]))

    def read(self, pieces: Pieces, near: Chains | None = None) -> Reading:
        """The readings of pieces."""
        symbols, lengths = pieces.symbols, pieces.lengths + int(self.closes)
        before = self._before(pieces, near)
        place, settles = _difference(symbols, lengths, before.symbols, before.lengths)
        way = _Way(symbols, lengths, place, settles, before)
        (self._apart if len(lengths) <= FEW else self._side_by_side)(way)
        states, log_probs = way.states, way.log_probs
        if way.shift.any():
            states, log_probs = _shifted(states, log_probs, before, way.rest, way.shift)
        log_probs[np.arange(symbols.shape[1]) >= lengths[:, None]] = 0.0
        return Reading(log_probs.sum(axis=1), log_probs, states)

    def _side_by_side(self, way: _Way) -> None:
        """All rows go on together, symbol by symbol."""
        rows = np.flatnonzero(way.place < way.lengths)
        at, now = way.place[rows], way.states[rows, way.place[rows]]
        while len(rows):
            now, said = self.step(now, way.symbols[rows, at])
            way.log_probs[rows, at] = said
            at = at + 1
            way.states[rows, at] = now
            known = way.before.states[rows, np.maximum(at - way.shift[rows], 0)]
            same = (at >= way.settles[rows]) & (now == known).all(axis=1)
            way.rest[rows[same]] = at[same]
            on = ~same & (at < way.lengths[rows]) & (said > -np.inf)
            rows, at, now = rows[on], at[on], now[on]

    def _apart(self, way: _Way) -> None:
        """Each row goes on by what is kept; what then is missing is asked for together, until all are through."""
        self._spare()
        going = [_Row(way, row) for row in np.flatnonzero(way.place < way.lengths).tolist()]
        rows = going
        while rows := [row for row in rows if not row.goes_on(self)]:
            self._learn((row.state, row.symbol) for row in rows)
        for row in going:
            row.write()

    def _before(self, pieces: Pieces, near: Chains | None) -> _Before:
        """What is known of what the pieces were; nothing, of pieces without symbols, where they are new."""
        reading = None if near is None else near.readings.get(self)
        if near is not None and reading is not None and reading.states is not None and reading.log_probs is not None:
            return _Before(near.symbols, near.lengths + int(self.closes), reading.states, reading.log_probs)
        n, width = pieces.symbols.shape
        states = np.zeros((n, width + 1, len(self.first)), dtype=np.int64)
        states[:, 0] = self.first
        nothing = np.full_like(pieces.symbols, -1)
        return _Before(nothing, np.zeros(n, dtype=np.int64), states, np.zeros((n, width)))


class _Before(NamedTuple):
    """What pieces were: symbols (n, T), lengths (n,), states (n, T + 1, k) and log probabilities (n, T)."""

    symbols: IntArray
    lengths: IntArray
    states: IntArray
    log_probs: FloatArray


@dataclass
class _Way:
    """What is read: where rows begin to differ, where they settle, what they were, and what is found on the way."""

    symbols: IntArray
    lengths: IntArray
    place: IntArray
    settles: IntArray
    before: _Before

    def __post_init__(self) -> None:
        self.shift = self.lengths - self.before.lengths
        self.states, self.log_probs = self.before.states.copy(), self.before.log_probs.copy()
        #: where each row goes on as it did before
        self.rest = np.full(len(self.lengths), self.symbols.shape[1] + 1)


class _Row:
    """One row on its way, in plain numbers: `at` which symbol it is, the state there, and what was found so far."""

    def __init__(self, way: _Way, row: int) -> None:
        self.way, self.row, self.at = way, row, int(way.place[row])
        self.symbols, self.known = way.symbols[row], way.before.states[row]
        self.length, self.settles, self.shift = int(way.lengths[row]), int(way.settles[row]), int(way.shift[row])
        self.state: State = tuple(way.states[row, self.at].tolist())
        self.states: list[State] = []
        self.log_probs: list[float] = []

    @property
    def symbol(self) -> int:
        return int(self.symbols[self.at])

    def goes_on(self, walker: Walker) -> bool:
        """Go on by what is kept; whether that led to the end, or to what was remembered before."""
        while self.at < self.length:
            found = walker.recall(self.state, self.symbol)
            if found is None:
                return False
            self.state, log_prob = found
            self.at += 1
            self.states.append(self.state)
            self.log_probs.append(log_prob)
            if self.at >= self.settles and self.state == tuple(self.known[max(self.at - self.shift, 0)].tolist()):
                self.way.rest[self.row] = self.at
                return True
            if log_prob == -np.inf:
                return True
        return True

    def write(self) -> None:
        """Put down what was found."""
        first = self.at - len(self.states)
        self.way.states[self.row, first + 1 : self.at + 1] = self.states
        self.way.log_probs[self.row, first : self.at] = self.log_probs


def _difference(
    symbols: IntArray, lengths: IntArray, old: IntArray, old_lengths: IntArray
) -> tuple[IntArray, IntArray]:
    """Where pieces first differ from what they were (the length where they do not), and where they last do, one behind.

    Behind the latter the new piece ends as the old one did.
    """
    width = symbols.shape[1]
    differs = symbols != old
    place = np.where(differs.any(axis=1), differs.argmax(axis=1), lengths)
    at = lengths[:, None] - 1 - np.arange(width)
    before = old_lengths[:, None] - 1 - np.arange(width)
    both = (at >= place[:, None]) & (before >= place[:, None])
    same: BoolArray = both & (
        np.take_along_axis(symbols, np.maximum(at, 0), 1) == np.take_along_axis(old, np.maximum(before, 0), 1)
    )
    return place, lengths - np.logical_and.accumulate(same, axis=1).sum(axis=1)


def _shifted(
    states: IntArray, log_probs: FloatArray, before: _Before, rest: IntArray, shift: IntArray
) -> tuple[IntArray, FloatArray]:
    """States and log probabilities; from `rest` on those of before, `shift` places later."""
    columns = np.arange(states.shape[1])
    source = np.clip(columns - shift[:, None], 0, states.shape[1] - 1)
    goes_on = columns >= rest[:, None]
    states = np.where(goes_on[..., None], np.take_along_axis(before.states, source[..., None], 1), states)
    source = np.minimum(source[:, :-1], log_probs.shape[1] - 1)
    return states, np.where(goes_on[:, :-1], np.take_along_axis(before.log_probs, source, 1), log_probs)
