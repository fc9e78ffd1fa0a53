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

from stochastic_music.constraints import TimedAutomaton
from stochastic_music.errors import UnsatisfiableError
from stochastic_music.protocols import DEAD, AutoregressiveModel, BoolArray, Constraint, FloatArray, IntArray
from stochastic_music.sampling.ancestral import ancestral
from stochastic_music.sampling.compiling import by_timing, compiled, conjuncts
from stochastic_music.sampling.drawing import NO_START, Sample, vocabulary_of
from stochastic_music.sampling.reachable import Ways
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

    def __init__(self, vocabulary: Vocabulary, automaton: TimedAutomaton) -> None:
        self.automaton = automaton
        self._alphabet, self._end = vocabulary.mask, vocabulary.end
        ways = Ways.of(automaton, vocabulary)
        self._hopeful = ways.states[ways.hopeful]

    def allowed(self, states: IntArray) -> BoolArray:
        """Symbols of the alphabet that leave hope: (n, n_symbols)."""
        n, (asked, place) = len(self._alphabet), np.unique(states, return_inverse=True)
        following = self.automaton.advance(np.repeat(asked, n), np.tile(np.arange(n), len(asked))).reshape(-1, n)
        hope = np.isin(following, self._hopeful) & self._alphabet
        hope[:, self._end] = following[:, self._end] != DEAD
        allowed: BoolArray = hope[place]
        return allowed


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
