"""The places of a product, one by one: what leads from each of them, and when they are.

A *place* is a context of the model together with a state of the automaton (`exact.Tables`). Here those that lie on some
way to the end are listed with their arcs, for samplers that follow several places at once.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from stochastic_music.errors import ProductTooLargeError
from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.sampling.exact.sampler import Tables
from stochastic_music.tokens import ClockState, Header, Vocabulary


class Places(NamedTuple):
    """Arcs in the order of `code` (n_arcs,), which is place * n_symbols + symbol; `there` is where each leads.

    `weight` is the log probability of an arc as it is sampled from, `log_prob` under the model. `first` (n_places + 1,)
    tells where the arcs of each place begin; `time` and `due` (n_places,) are those of the clock there.
    """

    n_symbols: int
    code: IntArray
    there: IntArray
    weight: FloatArray
    log_prob: FloatArray
    first: IntArray
    time: IntArray
    due: IntArray

    @classmethod
    def of(cls, tables: Tables, vocabulary: Vocabulary, header: Header) -> Self:
        """All that can be reached; raises ProductTooLargeError where a symbol leads to more than one place."""
        arcs, clock = _reached(tables, vocabulary, header)
        source, symbol, there, weight, log_prob = arcs
        code = source * vocabulary.n_symbols + symbol
        order = np.argsort(code, kind="stable")
        if len(tables.starts) > 1 or (np.diff(code[order]) == 0).any():
            raise ProductTooLargeError("the memory of this model does not follow from its notes: use particles")
        first = np.searchsorted(code[order], np.arange(len(tables.value) + 1) * vocabulary.n_symbols)
        columns = (code[order], there[order], weight[order], log_prob[order])
        return cls(vocabulary.n_symbols, *columns, first, clock.time, clock.due)

    def arcs_of(self, places: IntArray) -> tuple[IntArray, IntArray]:
        """The row of each arc of some places, and the arc."""
        count = self.first[places + 1] - self.first[places]
        row = np.repeat(np.arange(len(places)), count)
        return row, np.arange(len(row)) + (self.first[places] - np.cumsum(count) + count)[row]

    def find(self, places: IntArray, symbols: IntArray) -> tuple[IntArray, BoolArray]:
        """The arc of each place with a symbol, and whether there is one."""
        code = places * self.n_symbols + symbols
        arc = np.minimum(np.searchsorted(self.code, code), len(self.code) - 1)
        return arc, (self.code[arc] == code) & (symbols >= 0)

    def symbol(self, arcs: IntArray) -> IntArray:
        """The symbol of each arc."""
        return self.code[arcs] % self.n_symbols


def _reached(
    tables: Tables, vocabulary: Vocabulary, header: Header
) -> tuple[tuple[IntArray, IntArray, IntArray, FloatArray, FloatArray], ClockState]:
    """The arcs of all places that are reached, as (place, symbol, there, weight, log_prob), and the clocks there."""
    start, n = vocabulary.clock.start([header]), len(tables.value)
    due, time, lag = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    seen = np.zeros(n, dtype=bool)
    seen[[int(tables.starts[0]), tables.end]] = True
    frontier, found = tables.starts[:1], []
    while len(frontier):
        options = tables.options(frontier)
        row, column = np.nonzero((options.log_weight > -np.inf) & (tables.value[options.there] > -np.inf))
        source, arc, there = frontier[row], options.arc[row, column], options.there[row, column]
        symbol = tables.symbol[arc].astype(np.int64)
        found.append((source, symbol, there, tables.weight[arc], tables.log_prob[arc]))
        after = vocabulary.clock.advance(ClockState(due[source], time[source], lag[source], start.spans), symbol)
        frontier, at = np.unique(there, return_index=True)
        new = ~seen[frontier]
        frontier, at = frontier[new], at[new]
        due[frontier], time[frontier], lag[frontier], seen[frontier] = (
            after.due[at],
            after.time[at],
            after.lag[at],
            True,
        )
    columns = [np.concatenate(column) for column in zip(*found, strict=True)]
    return (columns[0], columns[1], columns[2], columns[3], columns[4]), ClockState(due, time, lag, start.spans)
