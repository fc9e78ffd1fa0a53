"""Forward and back through pieces side by side, on NumPy or CuPy arrays.

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
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from stochastic_music import _optional
from stochastic_music._backends import Room, as_numpy
from stochastic_music.models.hmm.observations import BATCH_EVENTS, Batch
from stochastic_music.models.hmm.parameters import Parameters
from stochastic_music.protocols import IntArray

#: sums below this are none: their events are impossible
TINY = 1e-300
#: numbers that differ by less, relatively, are the same
SAME = 1e-12
#: numbers of a batch, at most: those of one array of events and states
_NUMBERS, _NUMBERS_ON_GPU = 1 << 22, 1 << 27


class Filtered(NamedTuple):
    """The filter of a batch: `filtered` (n, K), rows sum to 1; `scale` (n,), its c; `weights` (n, K) are b / c.

    `heads` (n_rows, K) is what is believed of the first state of each row before it is heard.
    """

    filtered: Any
    scale: Any
    weights: Any
    heads: Any


def one_blas_thread() -> contextlib.AbstractContextManager[Any]:
    """BLAS keeps to one thread: the products of a step are small, and two threads spend their time on waiting."""
    controller = _controller()
    return contextlib.nullcontext() if controller is None else controller.limit(limits=1, user_api="blas")


@functools.cache
def _controller() -> Any:
    if not _optional.available("threadpoolctl"):
        return None
    return _optional.require("threadpoolctl").ThreadpoolController()


def room_on(backend: str) -> Room:
    """Where work on arrays of events and states is done. Raises as `Room`."""
    return Room(backend, numbers=_NUMBERS, numbers_on_gpu=_NUMBERS_ON_GPU)


def forgets(parameters: Parameters) -> bool:
    """Whether every state may follow every state, so that where it began matters less and less."""
    return bool((parameters.transitions > 0).all())


def batch_events(n_states: int, room: Room) -> int:
    """How many events a batch may have, so that its arrays stay small."""
    fitting = max(room.numbers // n_states, 1)
    return min(BATCH_EVENTS, fitting) if room.xp is np else fitting


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
        inverse = (1.0 / xp.maximum(c, TINY))[:, None]
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
            inverse = (1.0 / xp.maximum(c, TINY))[:, None]
            now = now * inverse
            differs = (xp.abs(now - out[at]) > SAME * now).any(axis=1)
            out[at], scale[at], weights[at] = now, c, emitted * inverse
            rows, now = rows[as_numpy(differs)], now[differs]
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
            on = as_numpy(differs)
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
        ends[xp.asarray(rows)] = passed / xp.maximum(held, TINY)[:, None]
    return ends


def log_of(values: Any, xp: Any = np) -> Any:
    """The natural logarithm, -inf of 0, without a warning."""
    some = values > 0
    return xp.where(some, xp.log(xp.where(some, values, 1.0)), -xp.inf)
