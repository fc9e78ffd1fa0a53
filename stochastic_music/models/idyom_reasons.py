"""Why IDyOM's model gave a symbol its probability: what each link of viewpoints said, out of each memory.

The model multiplies distributions p_m to the power w_m, the shares that their certainty gives them. So, but for a
constant, log P(x) is the sum of w_m log p_m(x), and what m says of x is

    w_m (log p_m(x) - mean of log p_m),

the mean taken over what the whole model expects. All of it adds up to log P(x) plus the entropy of P, in nats. Counts
are those of the longest context that a memory has met. Where in the corpus that was it does not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.models.online import STM
from stochastic_music.protocols import FloatArray, IntArray, Reason, Reasons

if TYPE_CHECKING:
    from stochastic_music.models.idyom import Idyom, IdyomState


def idyom_reasons(model: Idyom, corpus: TokenCorpus, places: IntArray) -> list[Reasons]:
    """The reasons at ascending `places`; see `protocols.ReasoningModel`."""
    nowhere = np.zeros(0, dtype=np.int64)
    return [Reasons(_reasons(model, state, symbol), nowhere, 0) for state, symbol in _moments(model, corpus, places)]


def _moments(model: Idyom, corpus: TokenCorpus, places: IntArray) -> Iterator[tuple[IdyomState, int]]:
    """Where the model stands before each place, and the symbol that came."""
    wanted = set(places.tolist())
    for i, symbols in enumerate(corpus):
        state = model.initial_state(1, corpus.headers[i])
        for place, symbol in enumerate(symbols.tolist(), start=int(corpus.offsets[i])):
            if place in wanted:
                yield state, symbol
            state = model.advance(state, np.array([symbol]))


def _reasons(model: Idyom, state: IdyomState, symbol: int) -> tuple[Reason, ...]:
    """A reason for each link and memory, the one that said most first."""
    names = ["*".join((*link.derived, *link.known)) for link in model.links_[state.reading.field]]
    reasons = []
    for reader, nats in zip(model.readers, said_by_each(model, state, symbol), strict=True):
        short = isinstance(reader, STM)
        counts = _counts(model, state, symbol, short=short)
        for name, value, (length, times, total) in zip(names, nats.tolist(), counts, strict=True):
            context = f"after the {length} latest" if length > 0 else ""
            reasons.append(Reason(name, "piece" if short else "corpus", value, context, times, total))
    return tuple(sorted((reason for reason in reasons if reason.nats), key=lambda reason: -abs(reason.nats)))


def said_by_each(model: Idyom, state: IdyomState, symbol: int) -> FloatArray:
    """What each link says out of each memory, in nats: (n_memories, n_links); see the module's article."""
    may_come = np.flatnonzero(model.vocabulary_.due_mask[state.reading.field])
    said = model.said(state, may_come)
    rows, expected = np.stack(said)[:, :, 0], np.exp(model.together(said)[0])
    nats: FloatArray = model.shares(said)[:, 0] * (rows[:, :, np.searchsorted(may_come, symbol)] - rows @ expected)
    return nats


def _counts(model: Idyom, state: IdyomState, symbol: int, *, short: bool) -> list[tuple[int, int, int]]:
    """For each link: the length of the longest context met, how often the symbol's element followed, and anything."""
    trace, memory = state.traces[state.reading.field], model.memories_[state.reading.field]
    n = memory.text.shape[1]
    element = memory.columns(model.elements(state, np.array([symbol])), trace.key)[0]
    text = trace.text(memory)[0]
    length = np.where(text == text[:, n, None], -1, trace.match[0])[:, n if short else 0 :]
    longest = length == np.maximum(length.max(axis=1, initial=-1), 0)[:, None]
    followed = longest & (text[:, n if short else 0 :] == element)
    columns = (length.max(axis=1, initial=-1), followed.sum(axis=1), longest.sum(axis=1))
    return list(zip(*(column.tolist() for column in columns), strict=True))
