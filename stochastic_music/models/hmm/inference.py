"""What is believed of all events of a corpus, by the forward and backward pass of `filtering`, batch by batch.

Each takes the `Room` in which it works, NumPy's by default, and gives arrays in the memory of the host.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from stochastic_music._backends import Room, as_numpy
from stochastic_music.models.hmm.filtering import (
    TINY,
    Filtered,
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
from stochastic_music.models.hmm.parameters import Parameters
from stochastic_music.protocols import FloatArray, IntArray


def posteriors(parameters: Parameters, observations: Observations, room: Room | None = None) -> FloatArray:
    """The posterior of all events, in their own order: (n_events, K). All pieces must be possible."""
    room = room or room_on("numpy")

    def work() -> FloatArray:
        out = np.zeros((len(observations.columns), parameters.n_states))
        transitions = room.xp.asarray(parameters.transitions)
        for batch, found in filters(parameters, observations, room):
            out[batch.order] = as_numpy(smoothed(found, transitions, batch, room.xp))
        return out

    with one_blas_thread():
        return room.run(work)


def field_log_probs(parameters: Parameters, observations: Observations, room: Room | None = None) -> FloatArray:
    """The log probability of the symbol in each column given all before it: (n_events, n_fields), in nats."""
    room = room or room_on("numpy")
    with one_blas_thread():
        return room.run(lambda: _field_log_probs(parameters, observations, room))


def _field_log_probs(parameters: Parameters, observations: Observations, room: Room) -> FloatArray:
    xp, columns = room.xp, observations.columns
    out = np.zeros(columns.shape)
    tables = [xp.asarray(table) for table in parameters.with_padding()]
    transitions = xp.asarray(parameters.transitions)
    for batch, found in filters(parameters, observations, room):
        belief = predicted(transitions, found, batch.starts, xp)
        left = belief.sum(axis=1)
        for f, table in enumerate(tables):
            belief *= table[xp.asarray(columns[batch.order, f])]
            total = belief.sum(axis=1)
            out[batch.order, f] = as_numpy(log_of(total / xp.maximum(left, TINY), xp))
            left = total
    return out


def predicted(transitions: Any, found: Filtered, starts: IntArray, xp: Any = np) -> Any:
    """What is believed of each event's state before it is heard: (n, K)."""
    belief = xp.empty_like(found.filtered)
    belief[: int(starts[1])] = found.heads
    edges = starts.tolist()
    for t in range(1, len(edges) - 1):
        begin, end, before = edges[t], edges[t + 1], edges[t - 1]
        xp.matmul(found.filtered[before : before + end - begin], transitions, out=belief[begin:end])
    return belief


def filters(parameters: Parameters, observations: Observations, room: Room) -> Iterator[tuple[Batch, Filtered]]:
    """The filter of all pieces, batch by batch."""
    xp = room.xp
    tables = [xp.asarray(table) for table in parameters.with_padding()]
    start, transitions = xp.asarray(parameters.start), xp.asarray(parameters.transitions)
    for batch in packed(observations.offsets, batch_events(parameters.n_states, room), cut=forgets(parameters)):
        weights = emission_rows(tables, xp.asarray(observations.columns[batch.order].T), xp)
        yield batch, filtered(start, transitions, weights, batch, xp)
