"""The transition table of a model of finitely many contexts.

A state is a context together with what the clock will show (`constraints.TimeAutomaton`: the field due, the place in
the bar, and what is left of a sounding note), so that the meter is in the states; one state more is that of a piece
that has ended. The table holds what can be reached from the start, however long the music goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from stochastic_music.constraints import TimeAutomaton
from stochastic_music.errors import ProductTooLargeError
from stochastic_music.protocols import FiniteContextModel, FloatArray, IntArray
from stochastic_music.sampling.backends.table import TransitionTable
from stochastic_music.sampling.drawing import NO_START, impossible, vocabulary_of
from stochastic_music.sampling.exact.context_sets import ArcTable
from stochastic_music.sampling.exact.lifting import LiftedTable
from stochastic_music.sampling.exact.saturation import heard, reached
from stochastic_music.sampling.shaping import Shaping
from stochastic_music.tokens import Header


@dataclass(frozen=True, eq=False)
class Explored:
    """A table, and the log probability of each of its arcs under the model as it was fitted: (n_arcs,), in nats.

    Arcs ascend by (state, symbol), and the last state is that of a piece that has ended.
    """

    table: TransitionTable
    log_prob: FloatArray

    @classmethod
    def of(
        cls,
        model: FiniteContextModel,
        header: Header | None,
        *,
        shaping: Shaping,
        start: IntArray = NO_START,
        limit: int,
    ) -> Self:
        """What can be reached after `start`. Raises UnsatisfiableError, or ProductTooLargeError past `limit`."""
        clock = TimeAutomaton(vocabulary_of(model), header)
        both = LiftedTable(ArcTable(model, shaping), clock)
        try:
            first = _begun(both, clock, start, model)
            return cls._laid_out(both, clock, first, reached(both, clock, first, clock.vocabulary.end, limit))
        except ProductTooLargeError as error:
            raise ProductTooLargeError(
                f"the chain of this model has more than {limit // both.cost:,} arcs: use a lower order, raise max_arcs "
                "(--max-arcs), or leave the back end to 'auto'"
            ) from error

    @classmethod
    def _laid_out(cls, both: LiftedTable, clock: TimeAutomaton, first: int, pairs: IntArray) -> Self:
        row, arcs = both.rows(pairs)
        probability, end = np.exp(both.weight[arcs]), clock.vocabulary.end
        order = np.lexsort((both.symbol[arcs], row))
        order = order[probability[order] > 0]
        row, arcs, probability = row[order], arcs[order], probability[order]
        symbol = both.symbol[arcs].astype(np.int64)
        goes_on = np.flatnonzero(symbol != end)
        target = np.full(len(arcs), len(pairs))
        after = both.next_context[arcs[goes_on]]
        distinct, place = np.unique(after, return_inverse=True)
        target[goes_on] = np.searchsorted(pairs, heard(both, clock, distinct))[place]
        table = TransitionTable(
            np.append(np.searchsorted(row, np.arange(len(pairs) + 1)), len(row) + 1),
            np.append(symbol, end),
            np.append(target, len(pairs)),
            np.append(probability, 1.0),
            n_symbols=clock.n_symbols,
            start=int(np.searchsorted(pairs, first)),
            end=end,
        )
        return cls(table, np.append(both.log_prob[arcs], 0.0))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> tuple[Self, IntArray]:
        """Several tables of one vocabulary as one, and where chains begin in each: (n_parts,)."""
        tables = [part.table for part in parts]
        states = np.cumsum([0, *(table.n_states for table in tables)])
        arcs = np.cumsum([0, *(len(table.symbol) for table in tables)])
        offsets = [table.offsets[:-1] + first for table, first in zip(tables, arcs[:-1], strict=True)]
        table = TransitionTable(
            np.append(np.concatenate(offsets), arcs[-1]),
            np.concatenate([table.symbol for table in tables]),
            np.concatenate([table.target + first for table, first in zip(tables, states[:-1], strict=True)]),
            np.concatenate([table.probability for table in tables]),
            n_symbols=tables[0].n_symbols,
            start=tables[0].start,
            end=tables[0].end,
        )
        starts = states[:-1] + [table.start for table in tables]
        return cls(table, np.concatenate([part.log_prob for part in parts])), starts

    def scores(self, states: IntArray, symbols: IntArray) -> FloatArray:
        """The log probability of each of the `symbols` (n, n_steps) of chains that begin in `states` (n,)."""
        scores = np.zeros(symbols.shape)
        for step, column in enumerate(symbols.T):
            arc = np.searchsorted(self._keys, states * self.table.n_symbols + column)
            scores[:, step], states = self.log_prob[arc], self.table.target[arc]
        return scores

    @cached_property
    def _keys(self) -> IntArray:
        """State and symbol of each arc, packed: ascending."""
        state = np.repeat(np.arange(self.table.n_states), np.diff(self.table.offsets))
        return state * self.table.n_symbols + self.table.symbol


def _begun(both: LiftedTable, clock: TimeAutomaton, start: IntArray, model: FiniteContextModel) -> int:
    """The pair after `start`, the clock's mark heard, which reshaping leaves alone."""
    pair = heard(both, clock, np.array([both.start()]))
    for place, symbol in enumerate(start.tolist()):
        arcs = both.unshaped(pair)
        taken = arcs.next_context[arcs.symbol == symbol]
        if not len(taken):
            raise impossible(vocabulary_of(model), symbol, place)
        pair = heard(both, clock, taken)
    return int(pair[0])
