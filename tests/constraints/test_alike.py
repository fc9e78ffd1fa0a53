"""Symbols that automata call alike: each of them leads to the same state as the others, wherever one stands."""

import numpy as np
import pytest

from stochastic_music.constraints import Length, Metre
from stochastic_music.constraints.automata.automaton import alike
from tests.constraints.kinds import HEADERS, KINDS, MELODY, NOTES


def reached(automaton, vocabulary, n_steps=7):
    """All states that a few symbols lead to, where they are few, or else some."""
    symbols, states = np.arange(vocabulary.n_symbols), np.array([automaton.start()])
    met = states
    for _ in range(n_steps):
        following = automaton.advance(np.repeat(states, len(symbols)), np.tile(symbols, len(states)))
        states = np.unique(following[following >= 0])[:200]
        met = np.union1d(met, states)
    return met


def agree(automaton, labels, vocabulary):
    """Whether symbols of one field and one label lead from each state to the same state."""
    states = reached(automaton, vocabulary)
    fields = vocabulary.field_of(np.arange(vocabulary.n_symbols))
    kinds = np.unique(np.stack([fields, labels]), axis=1, return_inverse=True)[1].ravel()
    first = np.unique(kinds, return_index=True)[1][kinds]
    each, symbols = np.repeat(states, vocabulary.n_symbols), np.tile(np.arange(vocabulary.n_symbols), len(states))
    return np.array_equal(automaton.advance(each, symbols), automaton.advance(each, first[symbols]))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("vocabulary", [MELODY, NOTES], ids=["melody", "notes"])
def test_symbols_that_are_alike_lead_to_the_same_state(kind, vocabulary):
    for demand in (kind.make(), ~kind.make(), kind.make() & Length(3), kind.make() | Metre()):
        automaton = demand.compile(vocabulary, HEADERS["pickup"])
        assert agree(automaton, alike(automaton, vocabulary.n_symbols), vocabulary)


def test_not_all_symbols_are_alike():  # the control: what says so is found out
    disagree = [
        not agree(automaton, np.zeros(MELODY.n_symbols, dtype=np.int64), MELODY)
        for automaton in (kind.make().compile(MELODY, HEADERS["pickup"]) for kind in KINDS)
    ]
    assert sum(disagree) > len(KINDS) // 2
