"""Exact inference over pieces side by side, on NumPy or CuPy arrays.

All pieces of a batch take a step together, so that each step is one product of matrices; `observations.packed` lays
them out without padding. The filter is scaled [1]: each row is divided by its sum c, log p is the sum of log c, and
backward messages are divided by the same c. With a_t the filter, b_t the emissions and m_t the backward messages,

    c_t a_t = (a_t-1 A) b_t        w_t = b_t m_t / c_t        m_t-1 = w_t A'

the posterior of a state is a_t m_t, and that of a step from i to j the sum of a_t-1[i] A[i, j] w_t[j].

A batch that is chained holds the parts of one long piece (`observations`). All begin at once, with a guess of what the
part before hands on; then each is run again from what it did hand on, until that changes nothing any more. Hidden
Markov models forget where they began, so that a few events do; where one does not, parts are mended one after the
other, and nothing is lost but time. Models that cannot step from any state to any other are spared that (`forgets`).
Steps do not stretch differences (in Hilbert's metric): what is left of them is below SAME for each part.

`xp` is the module whose arrays are used, NumPy unless given. Arrays are (n_events, K), events in the order of a batch.

[1] L. R. Rabiner. A tutorial on hidden Markov models and selected applications in speech recognition. Proceedings of
    the IEEE 77(2), 1989, section V.A.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from stochastic_music import _optional
from stochastic_music.models.hmm.observations import BATCH_EVENTS, Batch, Observations, packed
from stochastic_music.models.hmm.parameters import Counts, Parameters
from stochastic_music.protocols import FloatArray, IntArray

#: sums below this are none: their events are impossible
_TINY = 1e-300
#: numbers that differ by less, relatively, are the same
SAME = 1e-12
#: numbers of a batch, at most: those of one array of events and states
_BATCH_NUMBERS = 1 << 22


class Filtered(NamedTuple):
    """The filter of a batch: `filtered` (n, K), rows sum to 1; `scale` (n,), its c; `weights` (n, K) are b / c.

    `heads` (n_rows, K) is what is believed of the first state of each row before it is heard.
    """

    filtered: Any
    scale: Any
    weights: Any
    heads: Any


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
        self._observations = observations
        self._prepared: dict[bool, list[Prepared]] = {}
        self._rooms = xp.empty((3, 0, n_states))

    def expect(self, parameters: Parameters) -> Counts:
        """The E-step: what is expected to have happened, and the log likelihood of all pieces."""
        with one_blas_thread():
            return self._expect(parameters)

    def _parts(self, parameters: Parameters) -> list[Prepared]:
        cut = forgets(parameters)
        if cut not in self._prepared:
            batches = packed(self._observations.offsets, batch_events(parameters.n_states), cut=cut)
            columns = self._observations.columns
            self._prepared[cut] = [_prepared(batch, columns, self.sizes, self.xp) for batch in batches]
            most = max((len(batch.order) for batch in batches), default=0)
            if most > self._rooms.shape[1]:
                self._rooms = self.xp.empty((3, most, parameters.n_states))
        return self._prepared[cut]

    def _expect(self, parameters: Parameters) -> Counts:
        xp, n_states = self.xp, parameters.n_states
        start, steps = xp.zeros(n_states), xp.zeros((n_states, n_states))
        emitted = [xp.zeros((size + 2, n_states)) for size in self.sizes]
        log_likelihood = 0.0
        tables = [xp.asarray(table) for table in parameters.with_padding()]
        transitions = xp.asarray(parameters.transitions)
        for part in self._parts(parameters):
            rooms = self._rooms[:, : len(part.batch.order)]
            weights = emission_rows(tables, part.columns, xp, rooms)
            found = filtered(xp.asarray(parameters.start), transitions, weights, part.batch, xp, out=rooms[1])
            log_likelihood += float(log_of(found.scale, xp).sum())
            posterior = smoothed(found, transitions, part.batch, xp, steps)
            start += posterior[: 1 if part.batch.chained else int(part.batch.starts[1])].sum(axis=0)
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


def forgets(parameters: Parameters) -> bool:
    """Whether every state may follow every state, so that where it began matters less and less."""
    return bool((parameters.transitions > 0).all())


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


def filtered(start: Any, transitions: Any, weights: Any, batch: Batch, xp: Any = np, *, out: Any = None) -> Filtered:
    """The filter, given emissions as `weights` (n, K), which are divided by c in place.

    Where an event is impossible c is 0, and so is the filter from there on.
    """
    heads = xp.tile(start, (int(batch.starts[1]), 1))
    if batch.chained:
        heads[1:] = transitions.mean(axis=0)
    found = Filtered(xp.empty_like(weights) if out is None else out, xp.empty(len(weights)), weights, heads)
    _filter(found, transitions, batch.starts, xp)
    if batch.chained:
        _mend_filter(found, transitions, batch, xp)
    return found


def _filter(found: Filtered, transitions: Any, starts: IntArray, xp: Any) -> None:
    out, scale, weights, heads = found
    ones = xp.ones(len(transitions))
    edges = starts.tolist()
    for t, (begin, end) in enumerate(pairwise(edges)):
        now, here = out[begin:end], weights[begin:end]
        if t == 0:
            xp.multiply(here, heads, out=now)
        else:
            before = edges[t - 1]
            xp.matmul(out[before : before + end - begin], transitions, out=now)
            now *= here
        c = scale[begin:end]
        xp.matmul(now, ones, out=c)
        inverse = (1.0 / xp.maximum(c, _TINY))[:, None]
        now *= inverse
        here *= inverse


def _mend_filter(found: Filtered, transitions: Any, batch: Batch, xp: Any) -> None:
    """Run rows of a chained batch again, from where the rows before them stop, until nothing changes."""
    out, scale, weights, heads = found
    last, edges = batch.last, batch.starts.tolist()
    rows = np.arange(1, edges[1])
    while len(rows):
        heads[xp.asarray(rows)] = now = out[xp.asarray(last[rows - 1])] @ transitions
        changed = []
        for t in range(batch.n_steps):
            over = rows >= edges[t + 1] - edges[t]
            changed += rows[over].tolist()
            rows, now = rows[~over], now[xp.asarray(~over)]
            if not len(rows):
                break
            at = xp.asarray(edges[t] + rows)
            emitted = weights[at] * scale[at][:, None]
            now = (now if t == 0 else now @ transitions) * emitted
            c = now.sum(axis=1)
            inverse = (1.0 / xp.maximum(c, _TINY))[:, None]
            now = now * inverse
            differs = (xp.abs(now - out[at]) > SAME * now).any(axis=1)
            out[at], scale[at], weights[at] = now, c, emitted * inverse
            rows, now = rows[differs if xp is np else xp.asnumpy(differs)], now[differs]
        reached = np.array(sorted([*changed, *rows.tolist()]), dtype=np.int64)
        rows = reached[reached < edges[1] - 1] + 1


def smoothed(found: Filtered, transitions: Any, batch: Batch, xp: Any = np, steps: Any = None) -> Any:
    """The posterior of each state at each event: (n, K). Adds to `steps` (K, K) what is there of steps, less A.

    Overwrites `found.weights` with the posterior.
    """
    out, _, weights, _ = found
    backwards = xp.ascontiguousarray(transitions.T)
    ends = _ends(found, backwards, batch, xp)
    edges = batch.starts.tolist()
    message = ends[: edges[-1] - edges[-2]]
    for t in range(len(edges) - 2, -1, -1):
        begin, end = edges[t], edges[t + 1]
        here = weights[begin:end]
        if t == 0:
            if batch.chained and steps is not None:
                steps += out[xp.asarray(batch.last[:-1])].T @ (here[1:] * message[1:])
            xp.multiply(out[begin:end], message, out=here)
            break
        before = edges[t - 1]
        here *= message  # w of the article
        if steps is not None:
            steps += out[before : before + end - begin].T @ here
        earlier = ends[: begin - before].copy()
        xp.matmul(here, backwards, out=earlier[: end - begin])
        xp.multiply(out[begin:end], message, out=here)
        message = earlier
    return weights


def _ends(found: Filtered, backwards: Any, batch: Batch, xp: Any) -> Any:
    """The backward message that reaches the last event of each row: (n_rows, K), ones where a piece ends."""
    out, _, weights, _ = found
    ends = xp.ones((int(batch.starts[1]), out.shape[1]))
    if not batch.chained:
        return ends
    last, edges = batch.last, batch.starts.tolist()
    lengths = np.searchsorted(-np.diff(batch.starts), -np.arange(edges[1]), side="left")
    messages = xp.zeros_like(weights)
    rows = np.arange(edges[1])
    while len(rows):
        now, left = ends[xp.asarray(rows)], rows
        reached: list[int] = []
        for t in range(batch.n_steps - 1, -1, -1):
            here = left[lengths[left] > t]
            waiting = left[lengths[left] <= t]
            at = xp.asarray(edges[t] + here)
            stays = xp.asarray(lengths[left] > t)
            differs = (xp.abs(now[stays] - messages[at]) > SAME * now[stays]).any(axis=1)
            messages[at] = now[stays]
            on = differs if xp is np else xp.asnumpy(differs)
            passed = (weights[at] * messages[at])[differs] @ backwards
            reached += here[on].tolist() if t == 0 else []
            now = xp.concatenate([passed, now[~stays]])
            left = np.concatenate([here[on], waiting])
            if not len(left):
                break
        rows = np.array(sorted(row - 1 for row in reached if row > 0), dtype=np.int64)
        first = xp.asarray(rows + 1)
        passed = (weights[first] * messages[first]) @ backwards
        held = (out[xp.asarray(last[rows])] * passed).sum(axis=1)
        ends[xp.asarray(rows)] = passed / xp.maximum(held, _TINY)[:, None]
    return ends


def posteriors(parameters: Parameters, observations: Observations) -> FloatArray:
    """The posterior of all events, in their own order: (n_events, K). Rows of impossible pieces are 0."""
    out = np.zeros((len(observations.columns), parameters.n_states))
    with one_blas_thread():
        for batch, found in filters(parameters, observations):
            out[batch.order] = smoothed(found, parameters.transitions, batch)
    return out


def field_log_probs(parameters: Parameters, observations: Observations) -> FloatArray:
    """The log probability of the symbol in each column given all before it: (n_events, n_fields), in nats."""
    columns, tables = observations.columns, parameters.with_padding()
    out = np.zeros(columns.shape)
    with one_blas_thread():
        for batch, found in filters(parameters, observations):
            belief = predicted(parameters, found, batch.starts)
            left = belief.sum(axis=1)
            for f, table in enumerate(tables):
                belief *= table[columns[batch.order, f]]
                total = belief.sum(axis=1)
                out[batch.order, f] = log_of(total / np.maximum(left, _TINY))
                left = total
    return out


def predicted(parameters: Parameters, found: Filtered, starts: IntArray) -> FloatArray:
    """What is believed of each event's state before it is heard: (n, K)."""
    belief: FloatArray = np.empty_like(found.filtered)
    belief[: starts[1]] = found.heads
    for t in range(1, len(starts) - 1):
        begin, end, before = starts[t], starts[t + 1], starts[t - 1]
        np.matmul(found.filtered[before : before + end - begin], parameters.transitions, out=belief[begin:end])
    return belief


def filters(parameters: Parameters, observations: Observations) -> Iterator[tuple[Batch, Filtered]]:
    """The filter of all pieces, batch by batch."""
    tables = parameters.with_padding()
    for batch in packed(observations.offsets, batch_events(parameters.n_states), cut=forgets(parameters)):
        weights = emission_rows(tables, observations.columns[batch.order].T)
        yield batch, filtered(parameters.start, parameters.transitions, weights, batch)


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


def log_of(values: Any, xp: Any = np) -> Any:
    """The natural logarithm, -inf of 0, without a warning."""
    some = values > 0
    return xp.where(some, xp.log(xp.where(some, values, 1.0)), -xp.inf)
