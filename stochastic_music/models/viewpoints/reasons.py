"""Why multiple viewpoints gave a symbol its probability: what each viewpoint said, and where it was learned.

A term's word on a symbol is what it adds to the symbol's score, less what it adds on average over the candidates
as the model expects them, in nats (`FieldModel.contributions`). The terms that count one viewpoint in one memory
are one reason: their words add up, and the one that said most, in the sense of them all, is the context that is shown.

For sources the corpus is read again. A term that spoke for a symbol learned so in the events that it counted:
each gets an equal part of its word. The few terms that said most for a symbol name its sources, the events
that got most from them first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.models.viewpoints.learning import record
from stochastic_music.models.viewpoints.past import NONE
from stochastic_music.models.viewpoints.reading import Reading
from stochastic_music.models.viewpoints.tables import END, Keys
from stochastic_music.protocols import FloatArray, IntArray, Reason, Reasons

if TYPE_CHECKING:
    from stochastic_music.models.multiple_viewpoint import MultipleViewpoint
    from stochastic_music.models.viewpoints.field_model import FieldModel

#: so many terms name sources
_STRONGEST = 5
#: symbols that are read side by side at most, padding included
_PORTION = 80_000


class Moment(NamedTuple):
    """Where one row of a reading stands, the symbol that came, and what each target saw of it: (n_targets,)."""

    reading: Reading
    symbol: int
    seen: IntArray


class Word(NamedTuple):
    """What one term said of a symbol, having counted it `times` of `total` times; `term` is its number in the plan."""

    term: int
    memory: Literal["corpus", "piece"]
    nats: float
    times: int
    total: int


class Question(NamedTuple):
    """What to look for in one field of the corpus: terms, their keys, what came, and what each event is worth."""

    field: int
    terms: IntArray
    keys: Keys
    seen: IntArray
    worth: FloatArray


def viewpoint_reasons(
    model: MultipleViewpoint, corpus: TokenCorpus, places: IntArray, learned: TokenCorpus | None, at_most: int
) -> list[Reasons]:
    """The reasons of a model of viewpoints; see `protocols.ReasoningModel`."""
    said, questions = [], []
    for moment in moments(model, corpus, places):
        field = model.fields_[moment.reading.field]
        words = words_of(field, moment)
        said.append(together(field, words))
        questions.append(question(field, moment, words))
    found = [np.zeros(0, dtype=np.int64)] * len(places)
    if learned is not None:
        found = where_learned(model, learned, questions)
    return [Reasons(reasons, at[:at_most], len(at)) for reasons, at in zip(said, found, strict=True)]


def moments(model: MultipleViewpoint, corpus: TokenCorpus, places: IntArray) -> Iterator[Moment]:
    """The moment before each of the ascending `places`."""
    wanted = set(places.tolist())
    for i, symbols in enumerate(corpus):
        reading = model.reader_.begin([corpus.headers[i]])
        for place, symbol in enumerate(symbols.tolist(), start=int(corpus.offsets[i])):
            if place in wanted:
                yield Moment(reading, symbol, _seen(model, reading, symbol))
            if place + 1 < corpus.offsets[i + 1]:
                reading = model.reader_.advance(reading, np.array([symbol]))


def _seen(model: MultipleViewpoint, reading: Reading, symbol: int) -> IntArray:
    if symbol == model.vocabulary_.end:
        return np.where(reading.references[0] == NONE, NONE, END)
    seen: IntArray = model.reader_.symbols(reading, model.vocabulary_.values(np.array([symbol])))[0]
    return seen


def words_of(field: FieldModel, moment: Moment) -> list[Word]:
    """What every term said that knows its context and is believed; none knows a symbol that training never brought."""
    if moment.symbol not in field.candidates:
        return []
    said = field.contributions(moment.reading, np.array([moment.symbol])).values()
    nats = np.concatenate([np.zeros(0), *said])
    n_long = field.plan.n_long
    long = [Word(i, "corpus", float(nats[i]), *_in_corpus(field, moment, i)) for i in range(n_long)]
    short = [
        Word(int(term), "piece", float(nats[n_long + i]), *_in_piece(field, moment, i))
        for i, term in enumerate(field.plan.short)
    ]
    sees = moment.seen[field.plan.target] != NONE
    return [word for word in chain(long, short) if word.nats and word.total and sees[word.term]]


def _in_corpus(field: FieldModel, moment: Moment, term: int) -> tuple[int, int]:
    """How often a long-term term counted the symbol after its present context, and how often anything."""
    [row] = field.table.find(moment.reading.keys[:1, term])
    if row < 0:
        return 0, 0
    entries = slice(field.table.first[row], field.table.first[row + 1])
    count = field.table.count[entries]
    return int(count[field.table.symbol[entries] == moment.seen[field.plan.target[term]]].sum()), int(count.sum())


def _in_piece(field: FieldModel, moment: Moment, short: int) -> tuple[int, int]:
    """The same of the short-term term numbered `short`, in the piece so far."""
    term, memory = field.plan.short[short], moment.reading.memories[moment.reading.field]
    key, target = moment.reading.keys[0, term], field.plan.target[term]
    came = memory.symbols[0, (memory.keys[0, :, short] == key) & (key != 0), target]
    return int((came == moment.seen[target]).sum()), int((came != NONE).sum())


def together(field: FieldModel, words: Sequence[Word]) -> tuple[Reason, ...]:
    """One reason for each viewpoint and memory, the one that said most first."""
    groups: dict[tuple[str, Literal["corpus", "piece"]], list[Word]] = {}
    for word in words:
        groups.setdefault((field.plan.terms[word.term].target, word.memory), []).append(word)
    reasons = [_one_reason(field, *key, group) for key, group in groups.items()]
    return tuple(sorted(reasons, key=lambda reason: -abs(reason.nats)))


def _one_reason(field: FieldModel, name: str, memory: Literal["corpus", "piece"], words: Sequence[Word]) -> Reason:
    nats = sum(word.nats for word in words)
    most = max(words, key=lambda word: word.nats if nats > 0 else -word.nats)
    context = "*".join(f"{name}@{lag}" if lag else name for name, lag in field.plan.terms[most.term].context)
    return Reason(name, memory, nats, f"given {context}" if context else "", most.times, most.total)


def question(field: FieldModel, moment: Moment, words: Sequence[Word]) -> Question:
    """The long-term terms that said most for a symbol, and what to look for."""
    spoke = [word for word in words if word.memory == "corpus" and word.nats > 0 and word.times]
    strongest = sorted(spoke, key=lambda word: -word.nats)[:_STRONGEST]
    terms = np.array([word.term for word in strongest], dtype=np.int64)
    worth = np.array([word.nats / word.times for word in strongest])
    keys, seen = moment.reading.keys[0, terms], moment.seen[field.plan.target[terms]]
    return Question(moment.reading.field, terms, keys, seen, worth)


def where_learned(model: MultipleViewpoint, learned: TokenCorpus, questions: Sequence[Question]) -> list[IntArray]:
    """The places of `learned` that each question asks for, those worth most first."""
    n_fields = learned.vocabulary.n_fields
    found: list[list[tuple[IntArray, FloatArray]]] = [[] for _ in questions]
    for pieces in learned.portions(_PORTION):
        records = record(model.reader_, learned.select(pieces))
        for into, asked in zip(found, questions, strict=True):
            target = model.reader_.plans[asked.field].target[asked.terms]
            heard = records[asked.field]
            same = (heard.keys[:, :, asked.terms] == asked.keys) & (heard.seen[:, :, target] == asked.seen)
            worth = (same & heard.heard[:, :, None]) @ asked.worth
            piece, event = np.nonzero(worth)
            places = learned.offsets[pieces[piece]] + event * n_fields + asked.field
            into.append((places, worth[piece, event]))
    return [_worth_most_first(parts) for parts in found]


def _worth_most_first(parts: Sequence[tuple[IntArray, FloatArray]]) -> IntArray:
    places = np.concatenate([np.zeros(0, dtype=np.int64), *(places for places, _ in parts)])
    worth = np.concatenate([np.zeros(0), *(worth for _, worth in parts)])
    ordered: IntArray = places[np.lexsort((places, -worth))]
    return ordered
