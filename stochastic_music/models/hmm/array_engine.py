"""Exact inference over pieces side by side, on NumPy or CuPy arrays.

All pieces of a batch take a step together, so that each step is one product of matrices; `observations.packed` lays
them out without padding. The filter is scaled [1]: each row is divided by its sum c, log p is the sum of log c, and
backward messages are divided by the same c. With a_t the filter, b_t the emissions and m_t the backward messages,

    c_t a_t = (a_t-1 A) b_t        w_t = b_t m_t / c_t        m_t-1 = w_t A'

the posterior of a state is a_t m_t, and that of a step from i to j the sum of a_t-1[i] A[i, j] w_t[j].

`xp` is the module whose arrays are used, NumPy unless given. Arrays are (n_events, K), events in the order of a batch.

[1] L. R. Rabiner. A tutorial on hidden Markov models and selected applications in speech recognition. Proceedings of
    the IEEE 77(2), 1989, section V.A.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.spatial.distance import cdist

from stochastic_music import _optional, _random
from stochastic_music.models.hmm.observations import BATCH_EVENTS, Batch, Observations, packed
from stochastic_music.models.hmm.parameters import Counts, Parameters
from stochastic_music.protocols import FloatArray, IntArray

#: sums below this are none: their events are impossible
_TINY = 1e-300
#: numbers of a batch, at most: those of one array of events and states
_BATCH_NUMBERS = 1 << 22


class Filtered(NamedTuple):
    """The filter of a batch: `filtered` (n, K), rows sum to 1; `scale` (n,), its c; `weights` (n, K) are b / c."""

    filtered: Any
    scale: Any
    weights: Any


class Prepared(NamedTuple):
    """What EM needs of a batch, over and over: where its events' columns are, and which events hold each column."""

    batch: Batch
    columns: list[Any]
    holders: list[Any]


class ArrayEngine:
    """EM over one corpus: see the module's article."""

    def __init__(self, observations: Observations, sizes: Sequence[int], n_states: int, xp: Any = np) -> None:
        self.xp = xp
        self.n_events = len(observations.columns)
        self.sizes = list(sizes)
        self._parts = [
            _prepared(batch, observations.columns, self.sizes, xp)
            for batch in packed(observations.offsets, batch_events(n_states))
        ]
        most = max((len(part.batch.order) for part in self._parts), default=0)
        self._rooms = xp.empty((3, most, n_states))

    def expect(self, parameters: Parameters) -> Counts:
        """The E-step: what is expected to have happened, and the log likelihood of all pieces."""
        with one_blas_thread():
            return self._expect(parameters)

    def _expect(self, parameters: Parameters) -> Counts:
        xp, n_states = self.xp, parameters.n_states
        start, steps = xp.zeros(n_states), xp.zeros((n_states, n_states))
        emitted = [xp.zeros((size + 2, n_states)) for size in self.sizes]
        log_likelihood = 0.0
        tables = [xp.asarray(table) for table in parameters.with_padding()]
        transitions = xp.asarray(parameters.transitions)
        for part in self._parts:
            rooms = self._rooms[:, : len(part.batch.order)]
            weights = emission_rows(tables, part.columns, xp, rooms)
            found = filtered(xp.asarray(parameters.start), transitions, weights, part.batch.starts, xp, out=rooms[1])
            log_likelihood += float(_log(found.scale, xp).sum())
            posterior = smoothed(found, transitions, part.batch.starts, xp, steps)
            start += posterior[: int(part.batch.starts[1])].sum(axis=0)
            for f, holders in enumerate(part.holders):
                emitted[f] += holders @ posterior
        as_numpy = np.asarray if xp is np else xp.asnumpy
        return Counts(
            as_numpy(start),
            as_numpy(steps * transitions),
            tuple(as_numpy(table[:-2].T) for table in emitted),
            log_likelihood,
        )


def one_blas_thread() -> contextlib.AbstractContextManager[Any]:
    """BLAS keeps to one thread: the products of a step are small, and two threads spend their time on waiting."""
    controller = _controller()
    return contextlib.nullcontext() if controller is None else controller.limit(limits=1, user_api="blas")


@functools.cache
def _controller() -> Any:
    if not _optional.available("threadpoolctl"):
        return None
    return _optional.require("threadpoolctl").ThreadpoolController()


def batch_events(n_states: int) -> int:
    """How many events a batch may have, so that its arrays stay small."""
    return max(min(BATCH_EVENTS, _BATCH_NUMBERS // n_states), 1)


def emission_rows(tables: Sequence[Any], columns: Any, xp: Any = np, rooms: Any = None) -> Any:
    """The probability of each event given each state, (n, K), from `with_padding` and columns (n_fields, n).

    `rooms` (3, n, K) are overwritten where they are given: the rows are the first.
    """
    rows = _taken(tables[0], columns[0], xp, None if rooms is None else rooms[0])
    for table, column in zip(tables[1:], columns[1:], strict=True):
        rows *= _taken(table, column, xp, None if rooms is None else rooms[2])
    return rows


def _taken(table: Any, column: Any, xp: Any, out: Any) -> Any:
    if xp is np and out is not None:
        return np.take(table, column, axis=0, out=out, mode="clip")  # other modes copy through a buffer
    return table.take(column, axis=0)


def filtered(
    start: Any, transitions: Any, weights: Any, starts: IntArray, xp: Any = np, *, out: Any = None
) -> Filtered:
    """The filter, given emissions as `weights` (n, K), which are divided by c in place.

    Where an event is impossible c is 0, and so is the filter from there on.
    """
    out, scale = xp.empty_like(weights) if out is None else out, xp.empty(len(weights))
    ones = xp.ones(len(start))
    edges = starts.tolist()
    for t, (begin, end) in enumerate(pairwise(edges)):
        now, here = out[begin:end], weights[begin:end]
        if t == 0:
            xp.multiply(here, start, out=now)
        else:
            before = edges[t - 1]
            xp.matmul(out[before : before + end - begin], transitions, out=now)
            now *= here
        c = scale[begin:end]
        xp.matmul(now, ones, out=c)
        inverse = (1.0 / xp.maximum(c, _TINY))[:, None]
        now *= inverse
        here *= inverse
    return Filtered(out, scale, weights)


def smoothed(found: Filtered, transitions: Any, starts: IntArray, xp: Any = np, steps: Any = None) -> Any:
    """The posterior of each state at each event: (n, K). Adds to `steps` (K, K) what is there of steps, less A.

    Overwrites `found.weights` with the posterior.
    """
    out, _, weights = found
    backwards = xp.ascontiguousarray(transitions.T)
    edges = starts.tolist()
    message = xp.ones_like(out[edges[-2] : edges[-1]])
    for t in range(len(edges) - 2, -1, -1):
        begin, end = edges[t], edges[t + 1]
        here = weights[begin:end]
        if t == 0:
            xp.multiply(out[begin:end], message, out=here)
            break
        before = edges[t - 1]
        here *= message  # w of the article
        if steps is not None:
            steps += out[before : before + end - begin].T @ here
        earlier = xp.ones_like(out[before:begin])
        xp.matmul(here, backwards, out=earlier[: end - begin])
        xp.multiply(out[begin:end], message, out=here)
        message = earlier
    return weights


def posteriors(parameters: Parameters, observations: Observations) -> FloatArray:
    """The posterior of all events, in their own order: (n_events, K). Rows of impossible pieces are 0."""
    out = np.zeros((len(observations.columns), parameters.n_states))
    with one_blas_thread():
        for batch, found in _filters(parameters, observations):
            out[batch.order] = smoothed(found, parameters.transitions, batch.starts)
    return out


def field_log_probs(parameters: Parameters, observations: Observations) -> FloatArray:
    """The log probability of the symbol in each column given all before it: (n_events, n_fields), in nats."""
    columns, tables = observations.columns, parameters.with_padding()
    out = np.zeros(columns.shape)
    with one_blas_thread():
        for batch, found in _filters(parameters, observations):
            belief = predicted(parameters, found, batch.starts)
            left = belief.sum(axis=1)
            for f, table in enumerate(tables):
                belief *= table[columns[batch.order, f]]
                total = belief.sum(axis=1)
                out[batch.order, f] = _log(total / np.maximum(left, _TINY))
                left = total
    return out


def predicted(parameters: Parameters, found: Filtered, starts: IntArray) -> FloatArray:
    """What is believed of each event's state before it is heard: (n, K)."""
    belief: FloatArray = np.empty_like(found.filtered)
    belief[: starts[1]] = parameters.start
    for t in range(1, len(starts) - 1):
        begin, end, before = starts[t], starts[t + 1], starts[t - 1]
        np.matmul(found.filtered[before : before + end - begin], parameters.transitions, out=belief[begin:end])
    return belief


def _filters(parameters: Parameters, observations: Observations) -> Iterator[tuple[Batch, Filtered]]:
    tables = parameters.with_padding()
    for batch in packed(observations.offsets, batch_events(parameters.n_states)):
        weights = emission_rows(tables, observations.columns[batch.order].T)
        yield batch, filtered(parameters.start, parameters.transitions, weights, batch.starts)


def best_paths(parameters: Parameters, observations: Observations) -> tuple[IntArray, FloatArray]:
    """The likeliest state of each event, in the events' own order, and what each piece's path scores, in nats.

    (n_events,) and (n_pieces,); of equally likely states the first wins. The score is -inf for impossible pieces.
    """
    path = np.zeros(len(observations.columns), dtype=np.int64)
    logs = Parameters(_log(parameters.start), _log(parameters.transitions), parameters.emissions)
    tables = [_log(table) for table in parameters.with_padding()]

    def solve(batch: Batch) -> None:
        emissions = _log_emissions(tables, observations.columns[batch.order])
        best = _best_scores(logs, emissions, batch.starts)
        path[batch.order] = _traced(best, logs.transitions, batch.starts)

    in_threads(solve, packed(observations.offsets, _shared_out(observations, parameters.n_states)))
    return path, path_scores(parameters, observations, path)


def path_scores(parameters: Parameters, observations: Observations, path: IntArray) -> FloatArray:
    """The log probability of each piece together with its path, in nats: (n_pieces,)."""
    columns, offsets = observations
    first = np.zeros(len(path), dtype=bool)
    first[offsets[:-1][np.diff(offsets) > 0]] = True
    come: FloatArray = _log(np.where(first, parameters.start[path], parameters.transitions[np.roll(path, 1), path]))
    for f, table in enumerate(parameters.with_padding()):
        come += _log(table[columns[:, f], path])
    scores = np.zeros(len(offsets) - 1)
    np.add.at(scores, np.repeat(np.arange(len(scores)), np.diff(offsets)), come)
    return scores


def _log_emissions(tables: Sequence[FloatArray], columns: IntArray) -> FloatArray:
    rows: FloatArray = tables[0].take(columns[:, 0], axis=0)
    for f in range(1, len(tables)):
        rows += tables[f].take(columns[:, f], axis=0)
    return rows


def _best_scores(logs: Parameters, emissions: FloatArray, starts: IntArray) -> FloatArray:
    """What the best path to each state of each event scores, (n, K), up to a constant of the event."""
    if np.isfinite(logs.transitions).all() and np.isfinite(logs.start).all() and np.isfinite(emissions).all():
        return _best_by_distance(logs, emissions, starts)
    best, edges = np.empty_like(emissions), starts.tolist()
    best[: edges[1]] = logs.start + emissions[: edges[1]]
    for t in range(1, len(edges) - 1):
        begin, end, before = edges[t], edges[t + 1], edges[t - 1]
        now = (best[before : before + end - begin, 0, None] + logs.transitions[0]) + 0.0
        for i in range(1, len(logs.start)):
            np.maximum(now, best[before : before + end - begin, i, None] + logs.transitions[i], out=now)
        best[begin:end] = now + emissions[begin:end]
    return best


def _best_by_distance(logs: Parameters, emissions: FloatArray, starts: IntArray) -> FloatArray:
    """The same where all is finite: max over i of (d_i + A_ij) is the Chebyshev distance of d + lift and -A_j.

    Scores are taken relative to state 0; they differ by `spread` at most, so that with `lift` no sum is below 0.
    """
    edges, away = starts.tolist(), np.ascontiguousarray(-logs.transitions.T)
    spread = sum(float(np.ptp(logs_of)) for logs_of in (logs.start, logs.transitions, emissions))
    lift = spread + float(away.max())
    best = np.empty_like(emissions)
    for t in range(len(edges) - 1):
        begin, end = edges[t], edges[t + 1]
        now = best[begin:end]
        if t == 0:
            np.add(logs.start, emissions[begin:end], out=now)
        else:
            before = edges[t - 1]
            np.add(cdist(best[before : before + end - begin], away, "chebyshev"), emissions[begin:end], out=now)
        now += lift - now[:, :1]
    return best


def _traced(best: FloatArray, transitions: FloatArray, starts: IntArray) -> IntArray:
    """The best path of each row, from the end: (n,)."""
    path, edges = np.empty(len(best), dtype=np.int64), starts.tolist()
    backwards = np.ascontiguousarray(transitions.T)
    later = np.zeros(0, dtype=np.int64)
    for t in range(len(edges) - 2, -1, -1):
        here, n = best[edges[t] : edges[t + 1]], len(later)
        here[:n] += backwards[later]
        path[edges[t] : edges[t + 1]] = later = here.argmax(axis=1)
    return path


def sampled_paths(parameters: Parameters, observations: Observations, *, key: int, n: int = 1) -> IntArray:
    """`n` draws of the state of each event given its whole piece: (n, n_events).

    The last state is drawn from the filter, each one before from the filter and the step to the state drawn after it.
    Draw d of piece i uses the lane d * n_pieces + i of the block counted by its event's number in the piece.
    """
    n_pieces = len(observations.offsets) - 1
    out = np.zeros((n, len(observations.columns)), dtype=np.int64)
    into = np.ascontiguousarray(parameters.transitions.T)
    with one_blas_thread():
        for batch, found in _filters(parameters, observations):
            edges, later = batch.starts.tolist(), np.zeros((n, 0), dtype=np.int64)
            for t in range(batch.n_steps - 1, -1, -1):
                here = found.filtered[edges[t] : edges[t + 1]]
                uniforms = _random.uniforms(key, t, n * n_pieces).reshape(n, n_pieces)
                weights = np.repeat(here[None], n, axis=0)
                weights[:, : later.shape[1]] *= into[later]
                later = _drawn(weights, uniforms[:, batch.pieces[: len(here)]])
                out[:, batch.order[edges[t] : edges[t + 1]]] = later
    return out


def _drawn(weights: FloatArray, uniforms: FloatArray) -> IntArray:
    """One state of the last axis by inverse cumulative weight; a state of weight 0 is never drawn.

    A product with ones above the diagonal adds up rows ten times as fast as `cumsum`.
    """
    cumulative = weights @ np.triu(np.ones((weights.shape[-1],) * 2))
    total = cumulative[..., -1]
    least = np.minimum(uniforms * total, np.nextafter(total, 0.0))
    drawn: IntArray = (cumulative > least[..., None]).argmax(axis=-1)
    return drawn


def in_threads(work: Callable[[Batch], None], batches: Sequence[Batch], n_threads: int = 2) -> None:
    """Batches one after another, or two at a time: NumPy lets go of the interpreter while it computes."""
    if len(batches) < 2:
        for batch in batches:
            work(batch)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(work, batches))


def _shared_out(observations: Observations, n_states: int) -> int:
    """Events of a batch, so that there is work for two where there are many pieces."""
    half = -(-len(observations.columns) // 2)
    return max(min(batch_events(n_states), max(half, 20_000)), 1)


def _prepared(batch: Batch, columns: IntArray, sizes: Sequence[int], xp: Any) -> Prepared:
    here = np.ascontiguousarray(columns[batch.order].T)
    holders = [_holders(column, size + 2) for column, size in zip(here, sizes, strict=True)]
    if xp is not np:
        from cupyx.scipy import sparse as device_sparse  # arrives with CuPy

        holders = [device_sparse.csr_matrix(matrix) for matrix in holders]
    return Prepared(batch, [xp.asarray(column) for column in here], holders)


def _holders(column: IntArray, size: int) -> Any:
    """Which events hold each column: a sparse (size, n) matrix of ones."""
    order = np.argsort(column, kind="stable")
    edges = np.append(0, np.cumsum(np.bincount(column, minlength=size)))
    return sparse.csr_array((np.ones(len(column)), order, edges), shape=(size, len(column)))


def _log(values: Any, xp: Any = np) -> Any:
    """The natural logarithm, -inf of 0, without a warning."""
    some = values > 0
    return xp.where(some, xp.log(xp.where(some, values, 1.0)), -xp.inf)
