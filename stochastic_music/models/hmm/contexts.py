"""A hidden Markov model as one of finitely many contexts, for exact sampling under constraints.

Hearing symbols alone, one can only believe this or that of the hidden state, and beliefs are endlessly many. Knowing
the state there are few contexts: which field is due, which state speaks (before an event's first field, which state
spoke last, or none), and, as long as it matters, where in the bar the event begins. So arcs choose symbols *and*
states: before an event a context has an arc for each pair of first symbol and state,

    step[z', z] * emission_1[z, x]        then        emission_f[z, x] for each other field

and several of them may share a symbol. A draw of arcs, conditioned on what the symbols must meet, is a draw of symbols
and states together, and its symbols are a draw from the model conditioned on the same [1].

[1] S. L. Scott. Bayesian methods for hidden Markov models. Journal of the American Statistical Association 97, 2002.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stochastic_music.models.hmm.observations import blocks
from stochastic_music.models.hmm.parameters import Parameters
from stochastic_music.protocols import Arcs, FloatArray, IntArray
from stochastic_music.tokens import Vocabulary


class _Field(NamedTuple):
    """What states may emit: `emissions` (K + 1, n_blocks, n) of the `symbols` (n,) that any of them does.

    The last row, of no state, emits nothing.
    """

    symbols: IntArray
    emissions: FloatArray


class HiddenContexts:
    """The contexts of a fitted HMM: a `FiniteContextModel` whose arcs may share a symbol; see the module's article.

    A context packs (field due, state, block of the bar), state K being none.
    """

    def __init__(self, parameters: Parameters, vocabulary: Vocabulary, marks: IntArray) -> None:
        self.vocabulary_, self._marks = vocabulary, marks
        self._n_states, self._n_blocks = parameters.n_states, len(marks) + 1
        self._steps = np.pad(np.vstack([parameters.transitions, parameters.start]), ((0, 0), (0, 1)))
        self._fields = [
            _field(table, int(start)) for table, start in zip(parameters.emissions, vocabulary.starts, strict=False)
        ]
        if vocabulary.closed:  # END is the last column of the first field's table
            first = self._fields[0].symbols
            first[first == vocabulary.starts[0] + parameters.emissions[0].shape[-1] - 1] = vocabulary.end
        self._last_in_time = max((f for f, table in enumerate(parameters.emissions) if table.ndim > 2), default=-1)

    @property
    def n_contexts(self) -> int:
        """Fields, states and one for none, blocks."""
        return len(self._fields) * (self._n_states + 1) * self._n_blocks

    def start(self) -> int:
        """No state has spoken."""
        return int(self._packed(0, self._n_states, self._n_blocks - 1))

    def hear(self, contexts: IntArray, marks: IntArray) -> IntArray:
        """The contexts after the clock's marks (-1: none), which are read where an event begins."""
        field, state, _ = self._unpacked(contexts)
        return np.where(field == 0, self._packed(field, state, blocks(marks, self._marks)), contexts)

    def arcs(self, contexts: IntArray) -> Arcs:
        """Every symbol of positive probability after each context, with each state that may emit it: rows ascend."""
        field = self._unpacked(contexts)[0]
        parts = [
            self._from_first(contexts, np.flatnonzero(field == 0)),
            *(self._from_other(f, contexts, np.flatnonzero(field == f)) for f in range(1, len(self._fields))),
        ]
        row, symbol, probability, following = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.argsort(row, kind="stable")
        return Arcs(row[order], symbol[order], np.log(probability)[order], following[order])

    def _from_first(self, contexts: IntArray, rows: IntArray) -> tuple[IntArray, IntArray, FloatArray, IntArray]:
        """Rows, symbols, probabilities and next contexts of arcs that choose a state as well."""
        _, before, block = self._unpacked(contexts[rows])
        emissions = self._fields[0].emissions.transpose(1, 0, 2)[np.minimum(block, self._width(0) - 1)]
        probability = self._steps[before][:, :, None] * emissions
        row, state, column = np.nonzero(probability)
        return (
            rows[row],
            self._fields[0].symbols[column],
            probability[row, state, column],
            self._after(0, state, block[row]),
        )

    def _from_other(
        self, f: int, contexts: IntArray, rows: IntArray
    ) -> tuple[IntArray, IntArray, FloatArray, IntArray]:
        """Rows, symbols, probabilities and next contexts of arcs that the present state emits."""
        _, state, block = self._unpacked(contexts[rows])
        probability = self._fields[f].emissions[state, np.minimum(block, self._width(f) - 1)]
        row, column = np.nonzero(probability)
        following = self._after(f, state[row], block[row])
        return rows[row], self._fields[f].symbols[column], probability[row, column], following

    def _after(self, f: int, state: IntArray, block: IntArray) -> IntArray:
        """The contexts after field `f`: the block is forgotten where no later field of the event asks for it."""
        forgotten = f >= self._last_in_time
        return self._packed((f + 1) % len(self._fields), state, self._n_blocks - 1 if forgotten else block)

    def _width(self, f: int) -> int:
        return int(self._fields[f].emissions.shape[1])

    def _packed(self, field: IntArray | int, state: IntArray | int, block: IntArray | int) -> IntArray:
        packed: IntArray = np.asarray((field * (self._n_states + 1) + state) * self._n_blocks + block)
        return packed

    def _unpacked(self, contexts: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        rest, block = np.divmod(contexts, self._n_blocks)
        field, state = np.divmod(rest, self._n_states + 1)
        return field, state, block


def _field(table: FloatArray, start: int) -> _Field:
    """The columns of an emission table that are ever in use."""
    in_blocks = table if table.ndim > 2 else table[:, None]
    used = np.flatnonzero((in_blocks > 0).any(axis=(0, 1)))
    return _Field(used + start, np.pad(in_blocks[:, :, used], ((0, 1), (0, 0), (0, 0))))
