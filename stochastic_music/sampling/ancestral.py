"""Ancestral sampling: one symbol after another, each from the model's own next-symbol probabilities.

Draws are by inverse cumulative probability, in batch. Without constraint and reshaping the samples follow the
model exactly.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from stochastic_music import _random
from stochastic_music.protocols import AutoregressiveModel, FloatArray, IntArray
from stochastic_music.sampling.drawing import Guarantee, Sample, as_samples, choose, vocabulary_of
from stochastic_music.sampling.shaping import Shaping, normalized
from stochastic_music.tokens import Header


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
) -> list[Sample]:
    """One sample a header; see the module's article. A chain that reaches `max_events` events is capped."""
    vocabulary, n = vocabulary_of(model), len(headers)
    shape = shaping or Shaping()
    most = max_events * vocabulary.n_fields
    state = model.initial_state(n, headers)
    ended = np.zeros(n, dtype=bool)
    columns, scores = [], []
    for step in range(most + 1):  # END may follow the last event of a whole piece
        rows = model.next_log_probs(state)
        held = rows if reins is None else reins.hold(rows)
        symbols = choose(np.exp(shape(normalized(held))), _random.uniforms(key, step, n))
        columns.append(symbols)
        scores.append(rows[np.arange(n), symbols])
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
    )
