"""The likeliest path of states, and draws of paths, for pieces side by side.

Both go through the events twice: forward, for what is known of each event's state by itself (the best score of a path
that ends there [1], or the filter), and back, choosing each state by that and by the state chosen after it: the best,
or one drawn by weight [2]. Scores are logarithms, up to a constant of each event.

The parts of a long piece (a chained batch) begin together here too: forward with a guess of what came before, back with
a guess of the state that follows. Parts are then run again with what they were handed, each until it does what it did
before. A draw uses one random number an event, the same whatever follows: so paths meet, and what comes out is what
going through the piece in one run gives.

Scores and weights are computed in a `Room`, NumPy's by default; states are chosen there and noted on the host.

[1] A. J. Viterbi. Error bounds for convolutional codes and an asymptotically optimum decoding algorithm. IEEE
    Transactions on Information Theory 13(2), 1967.
[2] S. L. Scott. Bayesian methods for hidden Markov models. Journal of the American Statistical Association 97, 2002.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
from scipy.spatial.distance import cdist

from stochastic_music import _random
from stochastic_music._backends import Room, as_numpy
from stochastic_music.models.hmm.filtering import SAME, batch_events, forgets, log_of, one_blas_thread, room_on
from stochastic_music.models.hmm.inference import filters
from stochastic_music.models.hmm.observations import Batch, Observations, packed
from stochastic_music.models.hmm.parameters import Parameters
from stochastic_music.protocols import FloatArray, IntArray

#: events of a batch at least, where batches are shared out among threads
_SHARE = 20_000
#: no state: nothing follows
_NONE = -1
#: (events in the batch, draws, the states that follow them) -> states, (m,) each
Choose: TypeAlias = Callable[[IntArray, IntArray, IntArray], IntArray]
#: what comes after the scores of some rows, (n, K), emissions left out
Extend: TypeAlias = Callable[[Any], Any]


def best_paths(
    parameters: Parameters, observations: Observations, room: Room | None = None
) -> tuple[IntArray, FloatArray]:
    """The likeliest state of each event, in the events' own order, and what each piece's path scores, in nats.

    (n_events,) and (n_pieces,); of equally likely states the first wins. The score is -inf for impossible pieces.
    """
    room = room or room_on("numpy")
    path: IntArray = room.run(lambda: _best_paths(parameters, observations, room))
    return path, path_scores(parameters, observations, path)


def _best_paths(parameters: Parameters, observations: Observations, room: Room) -> IntArray:
    xp, path = room.xp, np.zeros(len(observations.columns), dtype=np.int64)
    start, transitions = (xp.asarray(log_of(table)) for table in parameters[:2])
    tables = [xp.asarray(log_of(table)) for table in parameters.with_padding()]
    into = xp.concatenate([transitions.T, xp.zeros((1, len(start)))])

    def solve(batch: Batch) -> None:
        emissions = _log_emissions(tables, xp.asarray(observations.columns[batch.order]))
        best = _best_scores(start, transitions, emissions, batch, room)

        def choose(at: IntArray, _: IntArray, later: IntArray) -> IntArray:
            chosen: IntArray = as_numpy((best[xp.asarray(at)] + into[xp.asarray(later)]).argmax(axis=1))
            return chosen

        path[batch.order] = _backwards(batch, choose, 1)[0]

    fitting = batch_events(len(start), room)
    share = min(fitting, max(_SHARE, -(-len(path) // 2))) if xp is np else fitting
    batches = packed(observations.offsets, share, cut=forgets(parameters))
    _in_threads(solve, batches, n_threads=2 if xp is np else 1)
    return path


def path_scores(parameters: Parameters, observations: Observations, path: IntArray) -> FloatArray:
    """The log probability of each piece together with its path, in nats: (n_pieces,)."""
    columns, offsets = observations
    first = np.zeros(len(path), dtype=bool)
    first[offsets[:-1][np.diff(offsets) > 0]] = True
    come: FloatArray = log_of(np.where(first, parameters.start[path], parameters.transitions[np.roll(path, 1), path]))
    for f, table in enumerate(parameters.with_padding()):
        come += log_of(table[columns[:, f], path])
    scores = np.zeros(len(offsets) - 1)
    np.add.at(scores, np.repeat(np.arange(len(scores)), np.diff(offsets)), come)
    return scores


def sampled_paths(
    parameters: Parameters, observations: Observations, *, key: int, n: int = 1, room: Room | None = None
) -> IntArray:
    """`n` draws of the state of each event given its whole piece: (n, n_events).

    Draw d of piece i uses the words of the Philox block counted by d * n_pieces + i, one an event: the same on every
    back end, so that draws are the same too, but where a number falls on the edge between two states, to rounding.
    """
    room = room or room_on("numpy")
    words = _words(observations.offsets, key, n)
    with one_blas_thread():
        return room.run(lambda: _sampled_paths(parameters, observations, words, room))


def _words(offsets: IntArray, key: int, n: int) -> FloatArray:
    """The random numbers of `sampled_paths`: (n, n_events)."""
    words, n_pieces = np.zeros((n, int(offsets[-1]))), len(offsets) - 1
    for d in range(n):
        for i, (begin, end) in enumerate(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)):
            words[d, begin:end] = _random.uniforms(key, d * n_pieces + i, end - begin)
    return words


def _sampled_paths(parameters: Parameters, observations: Observations, uniforms: FloatArray, room: Room) -> IntArray:
    xp, n_states = room.xp, parameters.n_states
    out = np.zeros(uniforms.shape, dtype=np.int64)
    into = xp.asarray(np.vstack([parameters.transitions.T, np.ones(n_states)]))
    above = xp.asarray(np.triu(np.ones((n_states, n_states))))
    for batch, found in filters(parameters, observations, room):
        known, words = found.filtered, uniforms[:, batch.order]

        def choose(
            at: IntArray, draw: IntArray, later: IntArray, known: Any = known, words: FloatArray = words
        ) -> IntArray:
            weights = (known[xp.asarray(at)] * into[xp.asarray(later)]) @ above
            chosen: IntArray = as_numpy(_drawn(weights, xp.asarray(words[draw, at]), xp))
            return chosen

        out[:, batch.order] = _backwards(batch, choose, len(out))
    return out


def _drawn(cumulative: Any, uniforms: Any, xp: Any = np) -> Any:
    """A state by inverse cumulative weight, (m, K), and uniforms (m,); one of weight 0 is never drawn."""
    total = cumulative[:, -1]
    least = xp.minimum(uniforms * total, xp.nextafter(total, 0.0))
    return (cumulative > least[:, None]).argmax(axis=1)


# Back


def _backwards(batch: Batch, choose: Choose, n: int) -> IntArray:
    """`n` paths through a batch, chosen from the end: (n, n_events)."""
    n_rows, width = int(batch.starts[1]), len(batch.order)
    paths = np.zeros((n, width), dtype=np.int64)
    draw, row = np.repeat(np.arange(n), n_rows), np.tile(np.arange(n_rows), n)
    follows = np.full(n * n_rows, _NONE)
    if batch.chained:
        follows[row < n_rows - 1] = 0
    _go_back(batch, choose, paths, (draw, row, follows), mending=False)
    while batch.chained:
        handed = np.where(row < n_rows - 1, paths[draw, np.minimum(row + 1, n_rows - 1)], _NONE)
        wrong = np.flatnonzero(handed != follows)
        if not len(wrong):
            break
        follows[wrong] = handed[wrong]
        _go_back(batch, choose, paths, (draw[wrong], row[wrong], follows[wrong]), mending=True)
    return paths


def _go_back(batch: Batch, choose: Choose, paths: IntArray, chains: tuple[IntArray, ...], *, mending: bool) -> None:
    """Choose states from the end; `chains` are draws, their rows, and what follows each: (m,) each.

    While `mending`, a row that chooses what it chose before is left as it is from there on.
    """
    draw, row, later = chains
    edges = batch.starts.tolist()
    live = np.diff(batch.starts)
    length = np.searchsorted(-live, -row, side="left")
    order = np.lexsort((row, -length)) if mending or len(paths) > 1 else np.arange(len(row))
    draw, row, later, length = draw[order], row[order], later[order], length[order]
    n_begun = np.searchsorted(-length, -np.arange(batch.n_steps), side="left")
    done = np.zeros(len(row), dtype=bool)
    for t in range(batch.n_steps - 1, -1, -1):
        here = np.arange(n_begun[t])
        if mending:
            here = here[~done[: len(here)]]
            if not len(here):
                if done.all():
                    return
                continue
        at = edges[t] + row[here]
        chosen = choose(at, draw[here], later[here])
        if mending:
            done[here] = chosen == paths[draw[here], at]
        paths[draw[here], at] = later[here] = chosen


# Forward


def _log_emissions(tables: Sequence[Any], columns: Any) -> Any:
    rows = tables[0].take(columns[:, 0], axis=0)
    for f in range(1, len(tables)):
        rows += tables[f].take(columns[:, f], axis=0)
    return rows


def _best_scores(start: Any, transitions: Any, emissions: Any, batch: Batch, room: Room) -> Any:
    """What the best path to each state of each event scores, (n, K), relative to the event's state 0 or its best."""
    xp = room.xp
    extend, relative = _extension(start, transitions, emissions, room)
    heads = xp.tile(start, (int(batch.starts[1]), 1))
    if batch.chained:
        heads[1:] = transitions.max(axis=0)
    best, edges = xp.empty_like(emissions), batch.starts.tolist()
    for t in range(batch.n_steps):
        begin, end = edges[t], edges[t + 1]
        come = extend(best[edges[t - 1] : edges[t - 1] + end - begin]) if t else heads
        xp.add(come, emissions[begin:end], out=best[begin:end])
        relative(best[begin:end])
    if batch.chained:
        _mend_scores(best, emissions, batch, (extend, relative), xp)
    return best


def _mend_scores(best: Any, emissions: Any, batch: Batch, steps: tuple[Extend, Callable[[Any], None]], xp: Any) -> None:
    """Run rows again from where the rows before them stop, until nothing changes."""
    extend, relative = steps
    last, edges = batch.last, batch.starts.tolist()
    live = np.diff(batch.starts)
    rows = np.arange(1, edges[1])
    while len(rows):
        come, reached = extend(best[xp.asarray(last[rows - 1])]), []
        for t in range(batch.n_steps):
            over = rows >= live[t]
            reached += rows[over].tolist()
            rows, come = rows[~over], come[xp.asarray(~over)]
            if not len(rows):
                break
            at = xp.asarray(edges[t] + rows)
            now = come + emissions[at]
            relative(now)
            before = best[at]
            differs = ((now != before) & ~(xp.abs(now - before) <= _SLACK)).any(axis=1)
            best[at] = now
            rows = rows[as_numpy(differs)]
            come = extend(now[differs])
        reached += rows.tolist()
        rows = np.array(sorted(row + 1 for row in reached if row < edges[1] - 1), dtype=np.int64)


#: scores that differ by less are the same, in nats
_SLACK = 1e3 * SAME


def _extension(start: Any, transitions: Any, emissions: Any, room: Room) -> tuple[Extend, Callable[[Any], None]]:
    """How scores go on by a step, the best over where it came from; and how they are made relative, in place.

    Where all is finite, max over i of (d_i + A_ij) is the Chebyshev distance of d + lift and -A_j: scores relative to
    state 0 differ by `spread` at most, so that with `lift` no sum is below 0.
    """
    xp, n_states = room.xp, len(transitions)
    if xp is np and all(np.isfinite(logs).all() for logs in (start, transitions, emissions)):
        away = np.ascontiguousarray(-transitions.T)
        spread = sum(float(np.ptp(logs)) if logs.size else 0.0 for logs in (start, transitions, emissions))
        lift = spread + float(away.max())

        def distance(scores: Any) -> Any:
            return cdist(scores, away, "chebyshev")

        def to_first(scores: Any) -> None:
            scores += lift - scores[:, :1]

        return distance, to_first

    def one_by_one(scores: Any) -> Any:
        found = scores[:, :1] + transitions[0]
        for i in range(1, n_states):
            np.maximum(found, scores[:, i : i + 1] + transitions[i], out=found)
        return found

    def at_once(scores: Any) -> Any:
        share = max(room.numbers // n_states**2, 1)
        parts = range(0, max(len(scores), 1), share)
        return xp.concatenate([(scores[i : i + share, :, None] + transitions).max(axis=1) for i in parts])

    def to_best(scores: Any) -> None:
        top = scores.max(axis=1, keepdims=True)
        scores -= xp.where(xp.isfinite(top), top, 0.0)

    return one_by_one if xp is np else at_once, to_best


def _in_threads(work: Callable[[Batch], None], batches: Sequence[Batch], n_threads: int) -> None:
    """Batches one after another, or several at a time: NumPy lets go of the interpreter while it computes."""
    if n_threads < 2 or len(batches) < 2:
        for batch in batches:
            work(batch)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(work, batches))
