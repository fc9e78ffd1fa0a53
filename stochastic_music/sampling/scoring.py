"""The log probability of what is there, by stepping through it: for any autoregressive model."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.protocols import AutoregressiveModel, FloatArray


def stepwise_log_probs(model: AutoregressiveModel[Any], corpus: TokenCorpus) -> FloatArray:
    """The log probability of every symbol of `corpus`, by stepping through all pieces at once: (n,)."""
    padded = corpus.padded()
    rows = np.arange(len(corpus))
    out = np.empty(padded.shape)
    state = model.initial_state(len(corpus), corpus.headers)
    for t in range(padded.shape[1]):
        out[:, t] = model.next_log_probs(state)[rows, padded[:, t]]
        state = model.advance(state, padded[:, t])
    flat: FloatArray = out[np.arange(padded.shape[1]) < corpus.lengths[:, None]]
    return flat


def corpus_log_probs(model: Any, corpus: TokenCorpus) -> FloatArray:
    """The log probability of every symbol of `corpus` under any autoregressive model, in nats: (n,)."""
    own = getattr(model, "corpus_log_probs", None)
    return cast("FloatArray", own(corpus)) if own else stepwise_log_probs(model, corpus)
