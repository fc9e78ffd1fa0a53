"""EM over one corpus, on NumPy or CuPy arrays: the E-step of Baum-Welch, all pieces side by side (see `filtering`).

What stands in the corpus is sent to a GPU once; a step sends parameters there and brings expected counts back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from stochastic_music._backends import Room, as_numpy, sparse_matrix
from stochastic_music.models.hmm.filtering import (
    batch_events,
    emission_rows,
    filtered,
    forgets,
    log_of,
    one_blas_thread,
    room_on,
    smoothed,
)
from stochastic_music.models.hmm.observations import Batch, Observations, packed
from stochastic_music.models.hmm.parameters import Counts, Parameters
from stochastic_music.protocols import IntArray


class Prepared(NamedTuple):
    """What EM needs of a batch, over and over: where its events' columns are, and which events hold each column."""

    batch: Batch
    columns: list[Any]
    holders: list[Any]


class ArrayEngine:
    """EM over one corpus: see the module's article."""

    def __init__(
        self, observations: Observations, sizes: Sequence[int], n_states: int, room: Room | None = None
    ) -> None:
        self.n_events = len(observations.columns)
        self.sizes = list(sizes)
        self.n_states = n_states
        self._observations = observations
        self._room = room or room_on("numpy")
        self._laid_out = (self._room.xp, 0)
        self._prepared: dict[bool, list[Prepared]] = {}
        self._buffers: Any = None

    def expect(self, parameters: Parameters) -> Counts:
        """The E-step: what is expected to have happened, and the log likelihood of all pieces."""
        with one_blas_thread():
            return self._room.run(lambda: self._expect(parameters))

    def _parts(self, parameters: Parameters) -> list[Prepared]:
        """All pieces in batches, laid out anew where there is less room than there was."""
        room, cut = self._room, forgets(parameters)
        if self._laid_out != (room.xp, room.numbers):
            self._laid_out, self._prepared, self._buffers = (room.xp, room.numbers), {}, None
        if cut not in self._prepared:
            batches = packed(self._observations.offsets, batch_events(self.n_states, room), cut=cut)
            columns = self._observations.columns
            self._prepared[cut] = [_prepared(batch, columns, self.sizes, room.xp) for batch in batches]
            most = max((len(batch.order) for batch in batches), default=0)
            if self._buffers is None or most > self._buffers.shape[1]:
                self._buffers = room.xp.empty((3, most, self.n_states))
        return self._prepared[cut]

    def _expect(self, parameters: Parameters) -> Counts:
        xp, n_states = self._room.xp, self.n_states
        start, steps = xp.zeros(n_states), xp.zeros((n_states, n_states))
        emitted = [xp.zeros((size + 2, n_states)) for size in self.sizes]
        log_likelihood = 0.0
        tables = [xp.asarray(table) for table in parameters.with_padding()]
        transitions = xp.asarray(parameters.transitions)
        for part in self._parts(parameters):
            buffers = self._buffers[:, : len(part.batch.order)]
            weights = emission_rows(tables, part.columns, xp, buffers)
            found = filtered(xp.asarray(parameters.start), transitions, weights, part.batch, xp, out=buffers[1])
            log_likelihood += float(log_of(found.scale, xp).sum())
            posterior = smoothed(found, transitions, part.batch, xp, steps)
            start += posterior[: 1 if part.batch.chained else int(part.batch.starts[1])].sum(axis=0)
            for f, holders in enumerate(part.holders):
                emitted[f] += holders @ posterior
        return Counts(
            as_numpy(start),
            as_numpy(steps * transitions),
            tuple(as_numpy(table[:-2].T) for table in emitted),
            log_likelihood,
        )


def _prepared(batch: Batch, columns: IntArray, sizes: Sequence[int], xp: Any) -> Prepared:
    here = np.ascontiguousarray(columns[batch.order].T)
    holders = [_holders(column, size + 2) for column, size in zip(here, sizes, strict=True)]
    return Prepared(batch, [xp.asarray(column) for column in here], [sparse_matrix(held, xp) for held in holders])


def _holders(column: IntArray, size: int) -> Any:
    """Which events hold each column: a sparse (size, n) matrix of ones."""
    order = np.argsort(column, kind="stable")
    edges = np.append(0, np.cumsum(np.bincount(column, minlength=size)))
    return sparse.csr_array((np.ones(len(column)), order, edges), shape=(size, len(column)))
