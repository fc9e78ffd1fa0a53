"""Automata with many states, carried along with the model's contexts.

An automaton that counts or keeps time has few states that matter at any moment, and the sampler treats each of them
together with all contexts that are alive there (`product`). An automaton that remembers a past, such as the longest run
of notes that some corpus has too, is another thing: of its hundred thousand states nearly each goes with a context or
two. Such an automaton is *wide*. It is joined to the model itself: a context of the *lifted* model is a pair (context,
state), and arcs that the automaton forbids are left out, END's among them, so that the probabilities of what may follow
a pair can add up to less than 1. All that stands on contexts goes on as before.

Pairs are numbered as they are met, from 0, the start's: so only those count that can be reached.

    >>> from stochastic_music.constraints import Length
    >>> from stochastic_music.models import Markov
    >>> from stochastic_music.corpus import TokenCorpus
    >>> from stochastic_music.sampling.shaping import Shaping
    >>> from stochastic_music.tokens import Vocabulary
    >>> corpus = TokenCorpus.from_sequences([[0, 1, 0, 1]], Vocabulary.plain(2))
    >>> table = ArcTable(Markov(1, "none").fit(corpus), Shaping())
    >>> lifted = LiftedTable(table, Length(1).compile(corpus.vocabulary, None))
    >>> contexts = np.array([lifted.start()])
    >>> lifted.fetch(contexts, limit=100)
    >>> lifted.symbol.tolist(), lifted.n_contexts
    ([0], 2)
    >>> lifted.fetch(lifted.next_context, limit=100)  # after one note nothing may come but END, which 0 never has
    >>> len(lifted)
    1
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stochastic_music.protocols import DEAD, Arcs, Automaton, FloatArray, IntArray
from stochastic_music.sampling.exact.context_sets import ArcTable, grown

#: a run of numbers is merged with the one before it unless that is so much longer: there are few, each seldom rewritten
_RATIO = 8


class Numbering:
    """Whole numbers of any size, numbered from 0 as they are met; kept in a few sorted runs.

    >>> numbering = Numbering()
    >>> numbering.of(np.array([70, 5, 70])).tolist(), numbering.of(np.array([8, 5])).tolist(), len(numbering)
    ([1, 0, 1], [2, 0], 3)
    """

    def __init__(self) -> None:
        self._runs = [_Run(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))]
        self._met = np.zeros(1024, dtype=np.int64)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def met(self) -> IntArray:
        """What each number stands for."""
        return self._met[: len(self)]

    def of(self, values: IntArray) -> IntArray:
        """The numbers of `values` (n,), made where they are new."""
        numbers = np.full(len(values), -1, dtype=np.int64)
        for run in self._runs:
            run.find(values, numbers)
        missing = np.flatnonzero(numbers < 0)
        if len(missing):
            new, place = np.unique(values[missing], return_inverse=True)
            numbers[missing] = self._size + place
            self._add(new)
        return numbers

    def _add(self, new: IntArray) -> None:
        first, self._size = self._size, self._size + len(new)
        if self._size > len(self._met):
            self._met = grown(self._met, max(self._size, 2 * len(self._met)))
        self._met[first : self._size] = new
        self._runs.append(_Run(new, np.arange(first, self._size)))
        while len(self._runs) > 1 and len(self._runs[-2].values) < _RATIO * len(self._runs[-1].values):
            self._runs[-2:] = [self._runs[-2].merged(self._runs[-1])]


class _Run(NamedTuple):
    """Ascending values with their numbers: (n,) each."""

    values: IntArray
    numbers: IntArray

    def find(self, wanted: IntArray, numbers: IntArray) -> None:
        """Write the numbers of those `wanted` that are here."""
        if len(self.values):
            place = np.minimum(np.searchsorted(self.values, wanted), len(self.values) - 1)
            here = self.values[place] == wanted
            numbers[here] = self.numbers[place[here]]

    def merged(self, other: _Run) -> _Run:
        values = np.concatenate([self.values, other.values])
        order = np.argsort(values, kind="stable")
        return _Run(values[order], np.concatenate([self.numbers, other.numbers])[order])


class LiftedTable(ArcTable):
    """The arcs of pairs (context of `base`, state of `automaton`), as far as they were asked for; see the article.

    To number pairs takes longer, and more memory, than to look up arcs: each counts for several.
    """

    cost = 5

    def __init__(self, base: ArcTable, automaton: Automaton) -> None:
        self._base, self._automaton = base, automaton
        self._states, self._pairs = Numbering(), Numbering()
        self._paired(np.array([base.start()]), np.array([automaton.start()]))
        super().__init__(base.model, base.shaping)

    @property
    def n_contexts(self) -> int:
        """How many pairs were met."""
        return len(self._pairs)

    def start(self) -> int:
        """The pair before the first symbol."""
        return 0

    def hear(self, contexts: IntArray, marks: IntArray) -> IntArray:
        """The model reads the clock's marks; the automaton does not."""
        pairs = self._pairs.met[contexts]
        heard = self._base.hear(pairs >> 32, marks)
        return self._pairs.of((heard << 32) | (pairs & 0xFFFFFFFF))

    def parts(self, pairs: IntArray) -> tuple[IntArray, IntArray]:
        """The context and the automaton's state of each pair: (n,) each."""
        packed = self._pairs.met[pairs]
        return packed >> 32, self._states.met[packed & 0xFFFFFFFF]

    def _paired(self, contexts: IntArray, states: IntArray) -> IntArray:
        return self._pairs.of((contexts << 32) | self._states.of(states))

    def _found(self, contexts: IntArray, limit: int) -> tuple[Arcs, FloatArray]:
        heard, states = self.parts(contexts)
        self._base.fetch(heard, limit)
        row, arcs = self._base.rows(heard)
        symbol = self._base.symbol[arcs].astype(np.int64)
        found = Arcs(row, symbol, self._base.log_prob[arcs], self._base.next_context[arcs])
        kept, after = self._followed(states, found)
        return after, self._base.weight[arcs[kept]]

    def unshaped(self, contexts: IntArray) -> Arcs:
        """The arcs of pairs as they were before shaping, which are not kept."""
        heard, states = self.parts(contexts)
        return self._followed(states, self._base.unshaped(heard))[1]

    def _followed(self, states: IntArray, arcs: Arcs) -> tuple[IntArray, Arcs]:
        """Which arcs of contexts the automaton allows, and these as arcs of pairs; `states` are those of the rows."""
        following = self._automaton.advance(states[arcs.row], arcs.symbol)
        kept = np.flatnonzero(following != DEAD)
        after = self._paired(arcs.next_context[kept], following[kept])
        return kept, Arcs(arcs.row[kept], arcs.symbol[kept], arcs.log_prob[kept], after)
