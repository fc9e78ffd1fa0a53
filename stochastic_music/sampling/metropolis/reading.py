"""Readers: what is known of pieces, and what has to be read again after a change.

Models of finitely many contexts and automata read from symbol to symbol, remembering a few whole numbers. After a
change they begin where the piece first differs, and stop as soon as they remember, behind the last difference, what
they remembered there before: a changed note costs a few symbols, however long the piece is. Other models read whole
pieces, and only those that have changed.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np

from stochastic_music.constraints import conjuncts, join
from stochastic_music.corpus import TokenCorpus
from stochastic_music.protocols import DEAD, BoolArray, Constraint, FiniteContextModel, FloatArray, IntArray
from stochastic_music.sampling.drawing import vocabulary_of
from stochastic_music.sampling.metropolis.chains import Chains, Pieces, Reading
from stochastic_music.sampling.metropolis.checkpoint import fingerprint
from stochastic_music.sampling.scoring import corpus_log_probs
from stochastic_music.tokens import ClockState, Header, Vocabulary

#: chains that are few, and steps that are kept for them
FEW, MEMO = 64, 300_000


class Reader(Protocol):
    """Tells the log density of pieces, in nats."""

    def read(self, pieces: Pieces, near: Chains | None = None) -> Reading:
        """The readings of pieces; `near` are the chains they were made from, whose readings are known."""


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

    def read(self, pieces: Pieces, near: Chains | None = None) -> Reading:
        """The readings of pieces."""
        symbols, lengths = pieces.symbols, pieces.lengths + int(self.closes)
        before = self._before(pieces, near)
        place, settles = _difference(symbols, lengths, before.symbols, before.lengths)
        shift = lengths - before.lengths
        states, log_probs = before.states.copy(), before.log_probs.copy()
        rest = np.full(len(lengths), symbols.shape[1] + 1)  # where each row goes on as it did before
        rows = np.flatnonzero(place < lengths)
        at, now = place[rows], states[rows, place[rows]]
        while len(rows):
            now, said = self._stepped(now, symbols[rows, at])
            log_probs[rows, at] = said
            at = at + 1
            states[rows, at] = now
            known = before.states[rows, np.maximum(at - shift[rows], 0)]
            same = (at >= settles[rows]) & (now == known).all(axis=1)
            rest[rows[same]] = at[same]
            on = ~same & (at < lengths[rows]) & (said > -np.inf)
            rows, at, now = rows[on], at[on], now[on]
        if shift.any():
            states, log_probs = _shifted(states, log_probs, before, rest, shift)
        log_probs[np.arange(symbols.shape[1]) >= lengths[:, None]] = 0.0
        return Reading(log_probs.sum(axis=1), log_probs, states)

    def _stepped(self, states: IntArray, symbols: IntArray) -> tuple[IntArray, FloatArray]:
        """As `step`; few chains tread the same ground again and again, so that what it gave is kept."""
        if len(states) > FEW:
            return self.step(states, symbols)
        keys = [(*state, symbol) for state, symbol in zip(states.tolist(), symbols.tolist(), strict=True)]
        new = [i for i, key in enumerate(keys) if key not in self._memo]
        if new:
            if len(self._memo) > MEMO:
                self._memo.clear()
                new = list(range(len(keys)))
            following, said = self.step(states[new], symbols[new])
            self._memo.update(
                zip([keys[i] for i in new], zip(following.tolist(), said.tolist(), strict=True), strict=True)
            )
        rows = [self._memo[key] for key in keys]
        return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])

    @cached_property
    def _memo(self) -> dict[tuple[int, ...], tuple[list[int], float]]:
        return {}

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


class ContextReader(Walker):
    """A model of finitely many contexts under one header; it remembers context, field due, time and lag."""

    def __init__(self, model: FiniteContextModel, header: Header | None = None) -> None:
        self.model, self.vocabulary = model, vocabulary_of(model)
        self._clock = self.vocabulary.clock
        self._spans = self._clock.start([header]).spans
        start = np.array([[model.start(), 0, 0, 0]], dtype=np.int64)
        self.first = self._heard(start)[0]
        self.header = header

    def __str__(self) -> str:
        return f"{fingerprint(self.model)} under {self.header}"

    def step(self, states: IntArray, symbols: IntArray) -> tuple[IntArray, FloatArray]:
        """One more symbol each; contexts hear the clock where an event begins."""
        log_probs, contexts = self.follow(states[:, 0], symbols)
        return self.following(states, symbols, contexts), log_probs

    def following(self, states: IntArray, symbols: IntArray, contexts: IntArray) -> IntArray:
        """What is remembered where symbols lead to these contexts: (m, 4)."""
        clock = self._clock.advance(self._clock_of(states), symbols)
        out = np.stack([contexts, clock.due, clock.time, clock.lag], axis=1)
        begins = clock.due == 0
        out[begins] = self._heard(out[begins])
        return out

    def rows(self, states: IntArray) -> FloatArray:
        """The log probability of every symbol: (m, n_symbols)."""
        arcs = self.model.arcs(states[:, 0])
        out = np.full((len(states), self.vocabulary.n_symbols), -np.inf)
        out[arcs.row, arcs.symbol] = arcs.log_prob
        return out

    def follow(self, contexts: IntArray, symbols: IntArray) -> tuple[FloatArray, IntArray]:
        """The log probability of a symbol after each context, and the context it leads to: (m,) each."""
        own = getattr(self.model, "follow", None)
        if own is not None:
            log_probs, following = own(contexts, symbols)
            return log_probs, following
        arcs = self.model.arcs(contexts)
        hit = arcs.symbol == symbols[arcs.row]
        out, following = np.full(len(contexts), -np.inf), contexts.copy()
        out[arcs.row[hit]], following[arcs.row[hit]] = arcs.log_prob[hit], arcs.next_context[hit]
        return out, following

    def _clock_of(self, states: IntArray) -> ClockState:
        spans = type(self._spans)(*(column.repeat(len(states), axis=0) for column in self._spans))
        return ClockState(states[:, 1], states[:, 2], states[:, 3], spans)

    def _heard(self, states: IntArray) -> IntArray:
        out = states.copy()
        out[:, 0] = self.model.hear(states[:, 0], self._clock.marks(self._clock_of(states)))
        return out


class ConstraintReader(Walker):
    """A demand under one header: 0 where it is met, -inf elsewhere; it remembers the automaton's state."""

    def __init__(self, constraint: Constraint, vocabulary: Vocabulary, header: Header | None = None) -> None:
        parts = [part.compile(vocabulary, header) for part in conjuncts(constraint)]
        self.automaton = join(parts, vocabulary.n_symbols)
        self.first = np.array([self.automaton.start()], dtype=np.int64)
        self.closes = not vocabulary.closed
        self._words = f"{constraint} under {header}"

    def __str__(self) -> str:
        return self._words

    def step(self, states: IntArray, symbols: IntArray) -> tuple[IntArray, FloatArray]:
        """One more symbol each."""
        following = self.automaton.advance(states[:, 0], symbols)
        return following[:, None], np.where(following == DEAD, -np.inf, 0.0)


class WholeReader:
    """Any autoregressive model under one header, which reads whole pieces."""

    def __init__(self, model: Any, header: Header | None = None) -> None:
        self.model, self.header, self.vocabulary = model, header, vocabulary_of(model)

    def __str__(self) -> str:
        return f"{fingerprint(self.model)} under {self.header}"

    def read(self, pieces: Pieces, near: Chains | None = None) -> Reading:
        """The readings of pieces; those that are as they were are not read again."""
        n, width = pieces.symbols.shape
        known = None if near is None else near.readings.get(self)
        log_probs = np.zeros((n, width)) if known is None or known.log_probs is None else known.log_probs.copy()
        rows = np.arange(n) if near is None or known is None else changed(pieces, near)
        inside: BoolArray = np.arange(width) < pieces.lengths[:, None]
        odd = np.any(~self.vocabulary.mask[pieces.symbols] & inside, axis=1)
        log_probs[rows] = 0.0
        log_probs[rows[odd[rows]], 0] = -np.inf
        rows = rows[~odd[rows]]
        if len(rows):
            flat = self._log_probs([pieces.symbols[i, : pieces.lengths[i]] for i in rows])
            part = np.zeros((len(rows), width))
            part[inside[rows]] = flat
            log_probs[rows] = part
        return Reading(log_probs.sum(axis=1), log_probs)

    def _log_probs(self, sequences: list[IntArray]) -> FloatArray:
        offsets = np.cumsum([0, *(len(row) for row in sequences)], dtype=np.int64)
        headers, names = (self.header,) * len(sequences), ("",) * len(sequences)
        corpus = TokenCorpus(self.vocabulary, np.concatenate(sequences), offsets, headers, names)
        return corpus_log_probs(self.model, corpus)


class EnergyReader:
    """An `EnergyModel` under one header: one number a piece."""

    def __init__(self, model: Any, header: Header | None = None) -> None:
        self.model, self.header = model, header

    def __str__(self) -> str:
        return f"{fingerprint(self.model)} under {self.header}"

    @property
    def compares_lengths(self) -> bool:
        """Whether pieces of different length may be compared, as they may unless the model says otherwise."""
        return bool(getattr(self.model, "compares_lengths", True))

    def read(self, pieces: Pieces, near: Chains | None = None) -> Reading:
        """The densities of pieces; those that are as they were are not asked for again."""
        known = None if near is None else near.readings.get(self)
        if near is None or known is None:
            return Reading(self.model.log_density(*pieces, self.header))
        rows, total = changed(pieces, near), known.total.copy()
        if len(rows):
            total[rows] = self.model.log_density(pieces.symbols[rows], pieces.lengths[rows], self.header)
        return Reading(total)


def reader_of(model: Any, header: Header | None = None) -> Reader:
    """The reader that suits a model: by contexts, by whole pieces, or by energies."""
    if isinstance(model, FiniteContextModel):
        return ContextReader(model, header)
    if hasattr(model, "next_log_probs"):
        return WholeReader(model, header)
    return EnergyReader(model, header)


def changed(pieces: Pieces, near: Chains) -> IntArray:
    """The rows in which pieces differ from what they were."""
    same: BoolArray = (pieces.symbols == near.symbols).all(axis=1) & (pieces.lengths == near.lengths)
    return np.flatnonzero(~same)
