"""Why a model of contexts gave a symbol its probability: order by order, and where it was learned.

Such a model asks the longest context it has seen, which leans on the next shorter one, and so on down to no context
at all: a ladder. With P_n what the ladder says from order n downwards and P_-1 equal chances for all that may come,

    log P(x) = log P_-1(x) + sum over n of (log P_n(x) - log P_(n-1)(x))

and the n-th term is what order n says for or against x, in nats. Order counts the events that a context holds; of
several contexts with as many events the longest stands for all.

A continuation was learned where the longest context that ever led to it stands in the corpus. Of these places
those tell most that share the longest past with the piece, beyond what the model remembers.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stochastic_music.models.contexts import Contexts
from stochastic_music.protocols import IntArray, Reason, Reasons
from stochastic_music.tokens import Vocabulary, pitch_name
from stochastic_music.tokens.clock import describe_mark

if TYPE_CHECKING:
    from stochastic_music.corpus import TokenCorpus
    from stochastic_music.models.backoff import BackoffModel

#: pasts that agree in so many symbols are not told apart
_LONGEST_PAST = 128
_NOWHERE = np.zeros(0, dtype=np.int64)


class Rung(NamedTuple):
    """One context of a ladder: the log of what the ladder says from here on, and what the context counted."""

    context: int
    log_prob: float
    times: int
    total: int


class InOrder(NamedTuple):
    """The elements of a context as they were heard: those of complete events, and those of the one under way."""

    past: tuple[int, ...]
    present: tuple[int, ...]


def backoff_reasons(
    model: BackoffModel, corpus: TokenCorpus, places: IntArray, learned: TokenCorpus | None, at_most: int
) -> list[Reasons]:
    """The reasons of a back-off model; see `protocols.ReasoningModel`."""
    contexts = model.contexts_along(corpus)[places]
    ladders = [ladder(model, *pair) for pair in zip(contexts, corpus.symbols[places], strict=True)]
    knows = [next((rung.context for rung in rungs if rung.times), -1) for rungs in ladders]
    found = [_NOWHERE] * len(places)
    if learned is not None:
        found = where_learned(model, learned, np.array(knows, dtype=np.int64), corpus.symbols[places])
        found = [nearest_first(learned, at, corpus, int(place)) for at, place in zip(found, places, strict=True)]
    piece = np.searchsorted(corpus.offsets, places, side="right") - 1
    moved = [header.transposed if (header := corpus.headers[i]) else 0 for i in piece]
    return [
        Reasons(order_by_order(model, rungs, shift), at[:at_most], len(at))
        for rungs, at, shift in zip(ladders, found, moved, strict=True)
    ]


def ladder(model: BackoffModel, context: int, symbol: int) -> list[Rung]:
    """The contexts that speak for a context, the longest first, and what they say of a symbol."""
    contexts, at = model.contexts_, []
    rung = model.table_.speakers(np.array([context]))
    for _ in contexts.shortenings():
        if rung[0] < 0:
            break
        at.append(int(rung[0]))
        rung = model.table_.shortened(rung)
    rungs = np.array(at, dtype=np.int64)
    symbols = np.full(len(at), symbol, dtype=np.int64)
    entry, count = contexts.find(rungs, symbols), contexts.entries.count
    times = np.where(entry >= 0, count[entry], 0)
    total = [int(count[contexts.rows[c] : contexts.rows[c + 1]].sum()) for c in at]
    return [Rung(*row) for row in zip(at, model.look_up(rungs, symbols).tolist(), times.tolist(), total, strict=True)]


def order_by_order(model: BackoffModel, rungs: Sequence[Rung], moved: int) -> tuple[Reason, ...]:
    """A reason for each order of a ladder, the highest first; pitches are named `moved` semitones lower."""
    heard = [as_heard(model.contexts_, model.vocabulary_, rung.context) for rung in rungs]
    orders = [_order(model.vocabulary_, context) for context in heard]
    tops = [next(group) for _, group in groupby(range(len(rungs)), key=lambda i: orders[i])]
    due = int(model.contexts_.due[rungs[0].context])
    chance = -float(np.log(model.vocabulary_.due_mask[due].sum()))
    below = [*(rungs[i].log_prob for i in tops[1:]), chance]
    return tuple(
        Reason(
            f"order {orders[i]}",
            "corpus",
            rungs[i].log_prob - lower,
            in_words(heard[i], model.vocabulary_, model.contexts_.marks, moved),
            rungs[i].times,
            rungs[i].total,
        )
        for i, lower in zip(tops, below, strict=True)
    )


def as_heard(contexts: Contexts, vocabulary: Vocabulary, context: int) -> InOrder:
    """What a context holds, in the order in which it was heard; it takes up the latest, or leading, element first."""
    due, taken = int(contexts.due[context]), contexts.spelled(context)
    lead, rest = (taken[:1], taken[1:]) if contexts.leads else ([], taken)
    fields = [due, *(_field(vocabulary, element) for element in rest)]
    n = next((i for i, (later, earlier) in enumerate(pairwise(fields)) if earlier >= later), len(rest))
    return InOrder((*rest[n:][::-1], *lead), tuple(rest[:n][::-1]))


def _field(vocabulary: Vocabulary, element: int) -> int:
    """The field of an element: marks stand before the first, START after the last."""
    if element > vocabulary.end:
        return vocabulary.n_fields if element == vocabulary.n_symbols else -1
    return int(vocabulary.field_of(np.array(element)))


def _order(vocabulary: Vocabulary, heard: InOrder) -> int:
    """How many events were heard, START being one."""
    return sum(_field(vocabulary, element) >= vocabulary.n_fields - 1 for element in heard.past)


def in_words(heard: InOrder, vocabulary: Vocabulary, marks: IntArray, moved: int = 0) -> str:
    """A context as a musician reads it, pitches `moved` semitones lower: "after 1/4 G4, 1/4 A4; now beat 3, 1/8".

    Of complete events the place in the bar is left out, which follows from what came between.
    """
    events: list[list[str]] = [[]]
    for element in heard.past:
        if (field := _field(vocabulary, element)) >= 0:
            events[-1] += _element_in_words(vocabulary, marks, element, moved)
        if field >= vocabulary.n_fields - 1:
            events.append([])
    past = ", ".join(" ".join(event) for event in events if event)
    now = ", ".join(word for element in heard.present for word in _element_in_words(vocabulary, marks, element, moved))
    return "; ".join([*([f"after {past}"] if past else []), *([f"now {now}"] if now else [])])


def _element_in_words(vocabulary: Vocabulary, marks: IntArray, element: int, moved: int) -> list[str]:
    if element == vocabulary.n_symbols:
        return ["the beginning"]
    if element < vocabulary.n_symbols:
        return _symbol_in_words(vocabulary, element, moved)
    _, _, place = describe_mark(int(marks[element - vocabulary.n_symbols - 1]), vocabulary.resolution).partition(" ")
    return [place]


def _symbol_in_words(vocabulary: Vocabulary, symbol: int, moved: int) -> list[str]:
    """A symbol in words, none where it says that there is nothing: no rest, no end of a phrase."""
    field = vocabulary.fields[_field(vocabulary, symbol)]
    value = int(vocabulary.values(np.array(symbol)))
    if field.advances and vocabulary.resolution:
        length = str(Fraction(value, 4 * vocabulary.resolution))
        return [f"{field.name} {length}" if field.advances == "now" else length] if value else []
    if field.name == "pitch" or (field.name in vocabulary.voices and value >= 0):
        return [pitch_name(value - moved)]
    text = field.describe(value)
    return [] if not text else [text] if field.labels else [vocabulary.describe(symbol)]


def where_learned(model: BackoffModel, learned: TokenCorpus, contexts: IntArray, symbols: IntArray) -> list[IntArray]:
    """The places of `learned` where each symbol followed each context (-1: nowhere), ascending."""
    known = model.contexts_
    at = model.longest_contexts(learned)
    found = [_NOWHERE] * len(contexts)
    for length in range(len(known.bounds) - 2, -1, -1):
        at = np.where(at >= known.bounds[length + 1], known.shortened(at), at)
        here = np.flatnonzero((contexts >= known.bounds[length]) & (contexts < known.bounds[length + 1]))
        for i in here:
            found[i] = np.flatnonzero((at == contexts[i]) & (learned.symbols == symbols[i]))
    return found


def nearest_first(learned: TokenCorpus, found: IntArray, corpus: TokenCorpus, place: int) -> IntArray:
    """Places of `learned`, those before which the most symbols agree with those before `place` of `corpus` first."""
    back = np.arange(1, _LONGEST_PAST + 1)
    there, here = found[:, None] - back, place - back
    begins = learned.offsets[np.searchsorted(learned.offsets, found, side="right") - 1]
    began = corpus.offsets[np.searchsorted(corpus.offsets, place, side="right") - 1]
    same = (there >= begins[:, None]) & (here >= began)
    same &= learned.symbols[np.maximum(there, 0)] == corpus.symbols[np.maximum(here, 0)]
    shared = np.where(same.all(axis=1), _LONGEST_PAST, (~same).argmax(axis=1))
    nearest: IntArray = found[np.argsort(-shared, kind="stable")]
    return nearest
