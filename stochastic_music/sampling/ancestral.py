"""Ancestral sampling: one symbol after another, each from the model's own next-symbol probabilities.

Draws are by alias columns (`backends.alias`), in batch: those that a table of the same rows would hold, so that a
piece is the same whichever way it was drawn. Without constraint and reshaping the samples follow the model, its
probabilities rounded to 2^-32 of a column.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from stochastic_music import _random
from stochastic_music.errors import UnsatisfiableError
from stochastic_music.protocols import AutoregressiveModel, FloatArray, IntArray
from stochastic_music.sampling.backends.alias import choose
from stochastic_music.sampling.drawing import NO_START, Guarantee, Sample, as_samples, impossible, vocabulary_of
from stochastic_music.sampling.shaping import Shaping, normalized
from stochastic_music.tokens import Header

if TYPE_CHECKING:
    from stochastic_music.sampling.through_tables import Tables

#: rounds of drawing again before `redrawn` gives up
MAX_ROUNDS = 200
#: how often a piece that did not end is drawn again
PATIENCE = 8
#: added to the 64-bit seed for each round; keys of 128 bits leave room above every seed
_NEXT = 1 << 64
#: pieces under headers, of the chains that are named
_Draw: TypeAlias = Callable[..., list[Sample]]


class Reins(Protocol):
    """What may hold the chains back at each step."""

    def hold(self, log_probs: FloatArray) -> FloatArray:
        """Rows with -inf for what may not come: (n_chains, n_symbols)."""

    def advance(self, symbols: IntArray) -> None:
        """One more symbol a chain: (n_chains,)."""


def ancestral(
    model: AutoregressiveModel[Any],
    headers: list[Header | None],
    *,
    key: int,
    max_events: int,
    shaping: Shaping | None = None,
    reins: Reins | None = None,
    chains: IntArray | None = None,
    start: IntArray = NO_START,
) -> list[Sample]:
    """One sample a header; see the module's article. A chain that reaches `max_events` events is capped.

    All begin with `start`; raises UnsatisfiableError where the model holds that to be impossible.

    `chains` (n,) are the numbers by which the chains draw; None: 0, 1, ...
    """
    vocabulary, n = vocabulary_of(model), len(headers)
    numbers = np.arange(n) if chains is None else chains
    shape = shaping or Shaping()
    most = max_events * vocabulary.n_fields
    state = begun(model, headers, start, reins)
    ended = np.zeros(n, dtype=bool)
    columns, scores = [], []
    for step in range(len(start), most + 1):  # END may follow the last event of a whole piece
        rows = model.next_log_probs(state)
        held = rows if reins is None else normalized(reins.hold(rows))
        live = np.flatnonzero(~ended)
        symbols, score = np.full(n, vocabulary.end), np.zeros(n)
        words = _random.lanes(key, step, int(numbers[-1]) + 1)[numbers[live]]
        symbols[live] = choose(np.exp(shape(held[live])), words)
        score[live] = rows[live, symbols[live]]
        columns.append(symbols)
        scores.append(score)
        ended |= symbols == vocabulary.end
        if ended.all() or step == most:
            break
        state = model.advance(state, symbols)
        if reins is not None:
            reins.advance(symbols)
    guarantee: Guarantee = "exact" if reins is None else "greedy"
    return as_samples(
        np.stack(columns, axis=1),
        np.stack(scores, axis=1),
        headers,
        end=vocabulary.end,
        most=most,
        guarantee=guarantee,
        start=start,
    )


def begun(model: AutoregressiveModel[Any], headers: list[Header | None], start: IntArray, reins: Reins | None) -> Any:
    """The state of all chains after `start`, which they hear together."""
    state = model.initial_state(len(headers), headers)
    for place, symbol in enumerate(start.tolist()):
        if np.isneginf(model.next_log_probs(state)[:, symbol]).any():
            raise impossible(vocabulary_of(model), symbol, place)
        symbols = np.full(len(headers), symbol, dtype=np.int64)
        state = model.advance(state, symbols)
        if reins is not None:
            reins.advance(symbols)
    return state


def redrawn(
    model: AutoregressiveModel[Any],
    headers: list[Header | None],
    *,
    least_events: int,
    most_repeats: int | None = None,
    whole: bool = False,
    key: int,
    max_events: int,
    shaping: Shaping | None = None,
    start: IntArray = NO_START,
    tables: Tables | None = None,
) -> list[Sample]:
    """Ancestral samples of at least `least_events` events, no pitch coming more than `most_repeats` times in a row.

    Other pieces are drawn again, under the next key, and with `whole` those that were capped, though not more than
    PATIENCE times: a model that does not end is cut at last. That conditions exactly, and is cheap where many pieces
    are as asked for. A chain does not depend on the others. With `tables`, which are of the same shaping and start,
    pieces that these hold come from there. Raises UnsatisfiableError after MAX_ROUNDS.
    """
    vocabulary = vocabulary_of(model)

    def wanted(sample: Sample, attempt: int) -> bool:
        if whole and sample.capped and attempt < PATIENCE:
            return False
        long = len(sample.symbols) - (not sample.capped) >= least_events * vocabulary.n_fields
        return long and (not most_repeats or vocabulary.most_repeats(sample.symbols[len(start) :]) <= most_repeats)

    kept: dict[int, Sample] = {}
    chains = np.arange(len(headers))
    for attempt in range(MAX_ROUNDS):
        limits: dict[str, Any] = {"key": key + attempt * _NEXT, "max_events": max_events}
        step_by_step = functools.partial(ancestral, model, shaping=shaping, start=start)
        found: dict[int, Sample] = {}
        for draw, part in _shared(chains, step_by_step, tables):
            drawn = draw([headers[i] for i in part], chains=part, **limits)
            found |= zip(part.tolist(), drawn, strict=True)
        kept |= {i: sample for i, sample in found.items() if wanted(sample, attempt)}
        chains = np.array([i for i in chains.tolist() if i not in kept], dtype=np.int64)
        if not len(chains):
            return [kept[i] for i in range(len(headers))]
    raise UnsatisfiableError(
        f"hardly any piece of this model has {least_events} notes"
        f"{f', and no pitch more than {most_repeats} times in a row' if most_repeats else ''} "
        f"({MAX_ROUNDS} rounds gave too few): "
        "ask for a length, such as --bars 8 or --length 20"
    )


def _shared(chains: IntArray, step_by_step: _Draw, tables: Tables | None) -> list[tuple[_Draw, IntArray]]:
    """Who draws which of the `chains`."""
    if tables is None:
        return [(step_by_step, chains)]
    held = tables.holds[chains]
    shares = [(tables.draw, chains[held]), (step_by_step, chains[~held])]
    return [(draw, part) for draw, part in shares if len(part)]
