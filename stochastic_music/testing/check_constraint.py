"""The contract of constraints, for whoever writes one.

`check_constraint(MyConstraint(...), vocabulary)` walks random sequences through the compiled automaton and raises
AssertionError at the first broken promise.
"""

from __future__ import annotations

import numpy as np

from stochastic_music.protocols import DEAD, Automaton, Constraint, IntArray
from stochastic_music.tokens import Header, Vocabulary


def check_constraint(
    constraint: Constraint,
    vocabulary: Vocabulary,
    header: Header | None = None,
    *,
    n_walks: int = 32,
    n_steps: int = 64,
    seed: int = 0,
) -> None:
    """Raise AssertionError unless the automaton is total, pure and honest.

    Checked on `n_walks` random walks of `n_steps` symbols: states are int64, every symbol of every state has a
    successor, DEAD absorbs, `allowed` agrees with `advance`, `progress` grows strictly before END, and END may
    follow END.

    >>> from stochastic_music.constraints import Length
    >>> check_constraint(Length(2, 5), Vocabulary.plain(3))
    """
    automaton = constraint.compile(vocabulary, header)
    random = np.random.default_rng(seed)
    states = np.full(n_walks, automaton.start(), dtype=np.int64)
    _require(automaton.start() != DEAD, "start() is DEAD: raise a UsageError in compile instead")
    _check_dead(automaton, vocabulary)
    for _ in range(n_steps):
        states = _check_step(automaton, vocabulary, states, random)


def _check_step(
    automaton: Automaton, vocabulary: Vocabulary, states: IntArray, random: np.random.Generator
) -> IntArray:
    allowed = automaton.allowed(states)
    _require(allowed.shape == (len(states), vocabulary.n_symbols), "allowed() must be (n, n_symbols)")
    row = np.repeat(np.arange(len(states)), vocabulary.n_symbols)
    symbols = np.tile(np.arange(vocabulary.n_symbols), len(states))
    following = automaton.advance(states[row], symbols)
    _require(following.dtype == np.int64 and following.shape == row.shape, "advance() must give (n,) int64")
    _require(bool((following >= DEAD).all()), "states must not be below DEAD")
    _require(bool(((following != DEAD).reshape(allowed.shape) == allowed).all()), "allowed() disagrees with advance()")
    again = automaton.advance(states[row], symbols)
    _require(bool((again == following).all()), "advance() gave another answer when asked again")
    alive = (following != DEAD) & (symbols != vocabulary.end)
    _check_progress(automaton, states[row[alive]], following[alive])
    _check_after_end(automaton, following[(symbols == vocabulary.end) & (following != DEAD)], vocabulary)
    return _random_successors(states, following.reshape(allowed.shape), alive.reshape(allowed.shape), random)


def _check_dead(automaton: Automaton, vocabulary: Vocabulary) -> None:
    dead = np.full(vocabulary.n_symbols, DEAD, dtype=np.int64)
    _require(bool((automaton.advance(dead, np.arange(len(dead))) == DEAD).all()), "DEAD must absorb")
    _require(not automaton.allowed(dead[:1]).any(), "nothing is allowed at DEAD")


def _check_progress(automaton: Automaton, before: IntArray, after: IntArray) -> None:
    first, second = automaton.progress(before), automaton.progress(after)
    if first is not None and second is not None:
        _require(bool((second > first).all()), "progress() must grow with every symbol")


def _check_after_end(automaton: Automaton, ended: IntArray, vocabulary: Vocabulary) -> None:
    end = np.full(len(ended), vocabulary.end, dtype=np.int64)
    _require(bool((automaton.advance(ended, end) != DEAD).all()), "END may follow END")


def _random_successors(states: IntArray, following: IntArray, alive: IntArray, random: np.random.Generator) -> IntArray:
    """A random living successor of each state, the start of the walk again where there is none."""
    weight = np.where(alive, random.random(alive.shape), -1.0)
    best = weight.argmax(axis=1)
    rows = np.arange(len(states))
    return np.where(alive[rows, best], following[rows, best], states)


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)
