"""Readers: what is known of pieces, and what has to be read again after a change.

Models of finitely many contexts and automata read from symbol to symbol, remembering a few whole numbers: a changed
note costs a few symbols, however long the piece is (see `walker`). Other models read whole pieces, and only those that
have changed.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

import numpy as np

from stochastic_music._checkpoint import fingerprint
from stochastic_music.constraints import conjuncts, join
from stochastic_music.corpus import TokenCorpus
from stochastic_music.protocols import DEAD, BoolArray, Constraint, FiniteContextModel, FloatArray, IntArray
from stochastic_music.sampling.drawing import vocabulary_of
from stochastic_music.sampling.metropolis.chains import Chains, Pieces, Reading
from stochastic_music.sampling.metropolis.walker import State, Walker
from stochastic_music.sampling.scoring import corpus_log_probs
from stochastic_music.tokens import ClockState, Header, Vocabulary

#: contexts that are followed one by one, where the model can
ALONE = 16


class Reader(Protocol):
    """Tells the log density of pieces, in nats."""

    def read(self, pieces: Pieces, near: Chains | None = None) -> Reading:
        """The readings of pieces; `near` are the chains they were made from, whose readings are known."""


class ContextReader(Walker):
    """A model of finitely many contexts under one header; it remembers context, field due, time and lag.

    What is kept of steps is kept apart: what contexts say and lead to, what the clock does, which marks are heard. Each
    comes back far more often than all of them together.
    """

    def __init__(self, model: FiniteContextModel, header: Header | None = None, backend: str = "numpy") -> None:
        self.model, self.vocabulary = model, vocabulary_of(model)
        strides = None if backend == "numpy" else getattr(model, "strides", None)
        self._strides = strides and strides(backend)
        self._clock = self.vocabulary.clock
        start = self._clock.start([header])
        self._spans = start.spans
        context = self.model.hear(np.array([model.start()]), self._clock.marks(start))
        self.first = np.array([context[0], 0, 0, 0], dtype=np.int64)
        self.header = header

    def __str__(self) -> str:
        return f"{fingerprint(self.model)} under {self.header}"

    def step(self, states: IntArray, symbols: IntArray) -> tuple[IntArray, FloatArray]:
        """One more symbol each; contexts hear the clock where an event begins."""
        log_probs, contexts = self.follow(states[:, 0], symbols)
        return self.following(states, symbols, contexts), log_probs

    def following(self, states: IntArray, symbols: IntArray, contexts: IntArray) -> IntArray:
        """What is remembered where symbols lead to these contexts: (m, 4)."""
        clock, marks = self._ticked(states[:, 1:], symbols)
        return np.column_stack([self._heard(contexts, marks), clock])

    def recall(self, state: State, symbol: int) -> tuple[State, float] | None:
        """What `step` gave, or None where that is not kept."""
        said, ticked, heard = self.memos
        found, then = said.get((state[0], symbol)), ticked.get((state[1:], symbol))
        if found is None or then is None:
            return None
        (context, log_prob), (clock, mark) = found, then
        context = heard.get((context, mark)) if mark >= 0 else context
        return None if context is None else ((context, *clock), log_prob)

    def keep(self, states: IntArray, symbols: IntArray) -> None:
        """Ask those of `step`'s parts that are not kept, for `recall` to know."""
        said, ticked, heard = self.memos
        asked = list(zip(map(tuple, states.tolist()), symbols.tolist(), strict=True))
        if any((state[0], symbol) not in said for state, symbol in asked):
            log_probs, contexts = self.follow(states[:, 0], symbols)
            found = zip(contexts.tolist(), log_probs.tolist(), strict=True)
            said.update(zip([(state[0], symbol) for state, symbol in asked], found, strict=True))
        if any((state[1:], symbol) not in ticked for state, symbol in asked):
            clock, marks = self._ticked(states[:, 1:], symbols)
            then = zip(map(tuple, clock.tolist()), marks.tolist(), strict=True)
            ticked.update(zip([(state[1:], symbol) for state, symbol in asked], then, strict=True))
        shown = [(said[state[0], symbol][0], ticked[state[1:], symbol][1]) for state, symbol in asked]
        new = [(context, mark) for context, mark in shown if mark >= 0 and (context, mark) not in heard]
        if new:
            following = self._heard(*np.array(new).T)
            heard.update(zip(new, following.tolist(), strict=True))

    @cached_property
    def memos(self) -> tuple[dict[Any, Any], ...]:
        """By context and symbol: context and log probability; by clock and symbol: clock and mark; then contexts."""
        return {}, {}, {}

    def rows(self, states: IntArray) -> FloatArray:
        """The log probability of every symbol: (m, n_symbols)."""
        arcs = self.model.arcs(states[:, 0])
        out = np.full((len(states), self.vocabulary.n_symbols), -np.inf)
        out[arcs.row, arcs.symbol] = arcs.log_prob
        return out

    def follow(self, contexts: IntArray, symbols: IntArray) -> tuple[FloatArray, IntArray]:
        """The log probability of a symbol after each context, and the context it leads to: (m,) each."""
        if self._steps is not None and len(contexts) <= ALONE:
            asked = zip(contexts.tolist(), symbols.tolist(), strict=True)
            said, led = zip(*(self._steps.follow(*pair) for pair in asked), strict=True)
            with np.errstate(divide="ignore"):
                return np.log(said), np.array(led)
        own = self._strides.follow if self._strides else getattr(self.model, "follow", None)
        if own is not None:
            log_probs, following = own(contexts, symbols)
            return log_probs, following
        arcs = self.model.arcs(contexts)
        hit = arcs.symbol == symbols[arcs.row]
        out, following = np.full(len(contexts), -np.inf), contexts.copy()
        out[arcs.row[hit]], following[arcs.row[hit]] = arcs.log_prob[hit], arcs.next_context[hit]
        return out, following

    def _heard(self, contexts: IntArray, marks: IntArray) -> IntArray:
        """The contexts after the clock's marks: (m,)."""
        if self._steps is not None and len(contexts) <= ALONE:
            asked = zip(contexts.tolist(), marks.tolist(), strict=True)
            return np.array([self._steps.hear(*pair) for pair in asked], dtype=np.int64)
        return self.model.hear(contexts, marks)

    @cached_property
    def _steps(self) -> Any:
        """Steps in plain numbers, of models that have them."""
        steps = getattr(self.model, "steps", None)
        return steps and steps()

    def _ticked(self, clock: IntArray, symbols: IntArray) -> tuple[IntArray, IntArray]:
        """Clocks, field due, time and lag, after one more symbol each (m, 3), and the marks that they show (m,)."""
        spans = type(self._spans)(*(column.repeat(len(clock), axis=0) for column in self._spans))
        after = self._clock.advance(ClockState(clock[:, 0], clock[:, 1], clock[:, 2], spans), symbols)
        return np.column_stack([after.due, after.time, after.lag]), self._clock.marks(after)


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


def reader_of(model: Any, header: Header | None = None, backend: str = "numpy") -> Reader:
    """The reader that suits a model: by contexts, by whole pieces, or by energies."""
    if isinstance(model, FiniteContextModel):
        return ContextReader(model, header, backend)
    if hasattr(model, "next_log_probs"):
        return WholeReader(model, header)
    return EnergyReader(model, header)


def changed(pieces: Pieces, near: Chains) -> IntArray:
    """The rows in which pieces differ from what they were."""
    same: BoolArray = (pieces.symbols == near.symbols).all(axis=1) & (pieces.lengths == near.lengths)
    return np.flatnonzero(~same)
