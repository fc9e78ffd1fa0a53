"""What every piece is made of: whole events, then END; and what is left when a demand is taken out of that.

`Grammar` accepts every well-formed piece. `Complement` accepts the well-formed pieces that another automaton does not:
so `~demand` never speaks of pieces that break off within an event.
"""

from __future__ import annotations

import numpy as np

from stochastic_music.constraints.automata.automaton import BaseAutomaton, alike
from stochastic_music.protocols import DEAD, Automaton, BoolArray, IntArray
from stochastic_music.tokens import Vocabulary


class Grammar(BaseAutomaton):
    """Accepts every well-formed piece; a state is the field now due, n_fields after END.

    >>> grammar = Grammar(Vocabulary.plain(2))
    >>> grammar.advance(np.array([0, 0, 1, 1]), np.array([1, 2, 2, 0])).tolist()
    [0, 1, 1, -1]
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.n_fields, self.n_symbols = vocabulary.n_fields, vocabulary.n_symbols
        #: how many states there are: 0 to n_states - 1
        self.n_states = vocabulary.n_fields + 1
        self._field_of = vocabulary.field_of(np.arange(vocabulary.n_symbols))

    def advance(self, states: IntArray, symbols: IntArray) -> IntArray:
        """The next field in turn; a symbol of another field is DEAD."""
        field = self._field_of[symbols]
        ends = (field == self.n_fields) & ((states == 0) | (states == self.n_fields))
        following = np.where(states == field, (states + 1) % self.n_fields, DEAD)
        return np.where(ends, self.n_fields, np.where(field < self.n_fields, following, DEAD))

    def due(self, states: IntArray) -> IntArray:
        """The state itself."""
        return np.maximum(states, 0)

    def alike(self) -> IntArray:
        """All of a field."""
        return np.zeros(self.n_symbols, dtype=np.int64)


class Complement(BaseAutomaton):
    """Accepts the well-formed pieces that `part` does not accept.

    A state packs that of `part`, DEAD counted as 0, with that of the grammar; so states of `part` must lie below
    2**63 / (n_fields + 1).
    """

    def __init__(self, part: Automaton, vocabulary: Vocabulary) -> None:
        self.part, self.grammar = part, Grammar(vocabulary)
        self.n_symbols = vocabulary.n_symbols
        self.wide = getattr(part, "wide", False)

    def start(self) -> int:
        """Both at their beginning."""
        return (self.part.start() + 1) * self.grammar.n_states + self.grammar.start()

    def advance(self, states: IntArray, symbols: IntArray) -> IntArray:
        """Both go on; END is DEAD where `part` accepts it."""
        inner, outer = np.divmod(np.maximum(states, 0), self.grammar.n_states)
        outer = self.grammar.advance(outer, symbols)
        inner = self.part.advance(inner - 1, symbols)
        accepted = (outer == self.grammar.n_fields) & (inner != DEAD)
        alive: BoolArray = (states != DEAD) & (outer != DEAD) & ~accepted
        return np.where(alive, (inner + 1) * self.grammar.n_states + outer, DEAD)

    def alike(self) -> IntArray:
        """Those that are so to `part`."""
        return alike(self.part, self.n_symbols)
