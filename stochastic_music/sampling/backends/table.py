"""Transition tables: what a chain does next, as a value that every back end starts from.

A table is a list of arcs by state, in the form of a sparse matrix (CSR). An arc has a symbol, which is what is heard,
and a target, the state after it. In a *plain* chain these are the same. Higher orders are no other thing: their states
are longer contexts. With `end`, chains stop: END is the symbol `end`, and leads to a state that it never leaves.

Where chains begin is a state too. A distribution over first states becomes the arcs of one state more, which nothing
leads to; then the first symbol of a plain chain is its first state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from stochastic_music.errors import InvalidParameterError
from stochastic_music.protocols import FloatArray, IntArray

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

#: how far the sum of a row of probabilities may be from 1
_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class TransitionTable:
    """Arcs by state: those of state i are offsets[i] to offsets[i + 1], each of probability above 0.

    `offsets` (n_states + 1,); `symbol`, `target` and `probability` (n_arcs,). Chains begin in state `start`; `end` is
    the symbol after which nothing comes but itself, None where chains never stop.

    >>> chain = TransitionTable.from_matrix([[0.0, 1.0], [0.5, 0.5]])
    >>> chain.n_states, chain.n_symbols, chain.target.tolist()
    (2, 2, [1, 0, 1])
    """

    offsets: IntArray
    symbol: IntArray
    target: IntArray
    probability: FloatArray
    n_symbols: int
    start: int = 0
    end: int | None = None

    def __post_init__(self) -> None:
        n_arcs = np.diff(self.offsets)
        if len(n_arcs) < 1 or (n_arcs < 1).any():
            state = int(np.argmin(n_arcs)) if len(n_arcs) else 0
            raise InvalidParameterError(
                f"nothing leaves state {state}: every state needs an arc of probability above 0"
            )

    @property
    def n_states(self) -> int:
        """How many states there are."""
        return len(self.offsets) - 1

    @property
    def plain(self) -> bool:
        """Whether symbols are states."""
        return self.symbol is self.target

    @classmethod
    def from_matrix(cls, matrix: Any, *, start: int | ArrayLike = 0, end: int | None = None) -> Self:
        """A plain chain from a matrix of transition probabilities [from, to], dense or of scipy.sparse.

        `start` is a state, or the probabilities of the first state (n_states,); `end` the state after which chains
        stop, whose own row is not read. Raises InvalidParameterError where rows are no probabilities.
        """
        rows, targets, probability, n_states = _entries(matrix)
        if end is not None:
            _check_state("end", end, n_states)
            kept = rows != end
            rows, targets, probability = (column[kept] for column in (rows, targets, probability))
            rows, targets, probability = np.append(rows, end), np.append(targets, end), np.append(probability, 1.0)
        if np.ndim(start):
            first = np.asarray(start, dtype=np.float64)
            _check_rows(np.zeros(len(first), dtype=np.int64), first, 1, "the start's probabilities")
            begins = np.flatnonzero(first)
            rows, targets = np.append(rows, np.full(len(begins), n_states)), np.append(targets, begins)
            probability = np.append(probability, first[begins])
        else:
            _check_state("start", int(start), n_states)  # type: ignore[arg-type]
        n_rows = n_states + bool(np.ndim(start))
        _check_rows(rows, probability, n_rows, "row")
        order = np.argsort(rows, kind="stable")
        offsets = np.searchsorted(rows[order], np.arange(n_rows + 1))
        target = targets[order]
        begin = n_states if np.ndim(start) else int(start)  # type: ignore[arg-type]
        return cls(offsets, target, target, probability[order], n_states, begin, end)


def _entries(matrix: Any) -> tuple[IntArray, IntArray, FloatArray, int]:
    """Rows, columns and values above 0 of a dense or sparse matrix, rows ascending, and its size."""
    from scipy import sparse

    dense = not sparse.issparse(matrix)
    matrix = np.asarray(matrix, dtype=np.float64) if dense else matrix
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.shape[0]:
        raise InvalidParameterError(f"the transition matrix has shape {matrix.shape}; expected a square one")
    if dense:
        rows, columns = np.nonzero(matrix)
        return rows, columns, matrix[rows, columns], len(matrix)
    entries = sparse.coo_array(sparse.csr_array(matrix))
    kept = np.flatnonzero(entries.data)
    rows, columns = (entries.coords[axis][kept].astype(np.int64) for axis in (0, 1))
    order = np.lexsort((columns, rows))
    return rows[order], columns[order], entries.data[kept][order].astype(np.float64), matrix.shape[0]


def _check_state(what: str, state: int, n_states: int) -> None:
    if not 0 <= state < n_states:
        raise InvalidParameterError(f"{what} is {state}; expected a state from 0 to {n_states - 1}")


def _check_rows(rows: IntArray, probability: FloatArray, n_rows: int, what: str) -> None:
    """Raise InvalidParameterError for what is not finite or below 0, and for sums that are not 1."""
    if not (np.isfinite(probability) & (probability >= 0)).all():
        worst = probability[~(np.isfinite(probability) & (probability >= 0))][0]
        raise InvalidParameterError(f"the transition matrix holds {worst}; expected probabilities from 0 to 1")
    sums = np.bincount(rows, weights=probability, minlength=n_rows)
    wrong = np.flatnonzero(np.abs(sums - 1) > _TOLERANCE)
    if len(wrong):
        where = f"{what} {wrong[0]}" if n_rows > 1 else what
        raise InvalidParameterError(f"{where} adds up to {sums[wrong[0]]:.6g}; expected 1: divide each row by its sum")
