"""Masking step by step: constraints on models whose memory has no bound.

At each step the symbols that the constraint forbids get probability 0 and the rest are renormalised.
Every sample meets the constraint, but this is not conditioning: what the constraint will demand later
does not weigh on what is played now, so the music drifts to its limits and only then turns. Samples say
so: `guarantee="greedy"`. Symbols after which the constraint can no longer be met by any continuation,
whatever the model thinks of it, are masked too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stochastic_music.errors import UnsatisfiableError
from stochastic_music.protocols import DEAD, Automaton, AutoregressiveModel, BoolArray, Constraint, FloatArray, IntArray
from stochastic_music.sampling.ancestral import ancestral
from stochastic_music.sampling.compiling import by_timing, compiled, conjuncts
from stochastic_music.sampling.drawing import NO_START, Sample, vocabulary_of
from stochastic_music.sampling.shaping import Shaping
from stochastic_music.tokens import Header, Vocabulary


def greedy(
    model: AutoregressiveModel[Any],
    headers: list[Header | None],
    constraint: Constraint,
    *,
    key: int,
    max_events: int,
    shaping: Shaping | None = None,
    start: IntArray = NO_START,
) -> list[Sample]:
    """One sample a header that meets `constraint`; see the module's article.

    Raises UnsatisfiableError where a chain has nowhere left to go.
    """
    masks = Masks(vocabulary_of(model), constraint, headers)
    return ancestral(model, headers, key=key, max_events=max_events, shaping=shaping, reins=masks, start=start)


class Hope:
    """Which states of an automaton can still be accepted by some well-formed continuation, found backward once."""

    def __init__(self, vocabulary: Vocabulary, automaton: Automaton) -> None:
        self.automaton = automaton
        self._alphabet = vocabulary.mask
        self._hopeful = _hopeful(automaton, np.flatnonzero(vocabulary.mask), vocabulary.end)

    def allowed(self, states: IntArray) -> BoolArray:
        """Symbols of the alphabet that leave hope: (n, n_symbols)."""
        n, (asked, place) = len(self._alphabet), np.unique(states, return_inverse=True)
        following = self.automaton.advance(np.repeat(asked, n), np.tile(np.arange(n), len(asked)))
        hope = np.isin(following, self._hopeful).reshape(len(asked), n) & self._alphabet
        allowed: BoolArray = hope[place]
        return allowed


def _hopeful(automaton: Automaton, symbols: IntArray, end: int) -> IntArray:
    """The states from which END can be reached, ended ones among them."""
    known = frontier = np.array([automaton.start()], dtype=np.int64)
    before, after, hope = [], [], []
    while len(frontier):
        source = np.repeat(frontier, len(symbols))
        symbol = np.tile(symbols, len(frontier))
        following = automaton.advance(source, symbol)
        alive = following != DEAD
        edges = np.unique(np.stack([source[alive], following[alive]]), axis=1)
        before.append(edges[0])
        after.append(edges[1])
        hope.append(following[alive & (symbol == end)])
        frontier = np.setdiff1d(edges[1], known)
        known = np.union1d(known, frontier)
    return _ancestors(np.concatenate(before), np.concatenate(after), np.unique(np.concatenate(hope)))


def _ancestors(before: IntArray, after: IntArray, found: IntArray) -> IntArray:
    """`found` and everything from which an edge leads there, again and again."""
    while True:
        more = np.union1d(found, before[np.isin(after, found)])
        if len(more) == len(found):
            return found
        found = more


class Masks:
    """The automata of a batch of chains, as `Reins` of ancestral sampling."""

    def __init__(self, vocabulary: Vocabulary, constraint: Constraint, headers: list[Header | None]) -> None:
        self._groups = [np.array(chains) for chains in by_timing(headers, constraint)]
        parts = conjuncts(constraint)
        self._automata = [compiled(parts, vocabulary, headers[chains[0]]) for chains in self._groups]
        self._hopes = [Hope(vocabulary, automaton) for automaton in self._automata]
        self._constraint, self._n_symbols = constraint, vocabulary.n_symbols
        self._states = np.zeros(len(headers), dtype=np.int64)
        for chains, automaton in zip(self._groups, self._automata, strict=True):
            self._states[chains] = automaton.start()

    def hold(self, log_probs: FloatArray) -> FloatArray:
        """-inf where the constraint could not be met any more; raises UnsatisfiableError where nothing is left."""
        held = np.where(self.allowed(), log_probs, -np.inf)
        stuck = np.flatnonzero((held == -np.inf).all(axis=1))
        if len(stuck):
            raise UnsatisfiableError(self.message(int(stuck[0])))
        return held

    def allowed(self) -> BoolArray:
        """Which symbols leave hope: (n_chains, n_symbols)."""
        allowed = np.zeros((len(self._states), self._n_symbols), dtype=bool)
        for chains, hope in zip(self._groups, self._hopes, strict=True):
            allowed[chains] = hope.allowed(self._states[chains])
        return allowed

    def pick(self, kept: IntArray) -> None:
        """Chain i goes on where chain `kept[i]`, of the same timing, stands."""
        self._states = self._states[kept]

    def advance(self, symbols: IntArray) -> None:
        """One more symbol a chain."""
        for chains, automaton in zip(self._groups, self._automata, strict=True):
            self._states[chains] = automaton.advance(self._states[chains], symbols[chains])

    def message(self, chain: int) -> str:
        """What is wrong where a chain has nowhere left to go."""
        automaton = next(a for chains, a in zip(self._groups, self._automata, strict=True) if chain in chains)
        where = automaton.describe(int(self._states[chain]))
        place = f" in {where}" if where else ""
        return (
            f"{self._constraint} leaves nothing to play{place}: masking step by step ran into a dead end. "
            "Try another seed, or relax the constraint"
        )
