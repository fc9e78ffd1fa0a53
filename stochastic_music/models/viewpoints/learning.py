"""Learning a field: read the corpus, count, leave each piece out in turn, and fit the weights.

Weights must meet counts as sparse as they will be on new music. So every training event is seen with the counts of
the other pieces only: those of its own are subtracted, context by context. What the piece itself brought before the
event is the short-term terms' part, as it will be later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.models.viewpoints.choice import Gains, gains, halves
from stochastic_music.models.viewpoints.field_model import FieldModel, Numbering, recall
from stochastic_music.models.viewpoints.past import NONE
from stochastic_music.models.viewpoints.reading import FieldPlan, Reader
from stochastic_music.models.viewpoints.tables import END, Keys, Table, Tally
from stochastic_music.models.viewpoints.weights import N_BUCKETS, Features, Problem, Weights, bucket
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.tokens import Vocabulary

#: symbols that are read side by side at most, padding included
_PORTION = 80_000


class Record(NamedTuple):
    """One field of a corpus, longest piece first.

    Before event t of piece i the `keys` (n, n_events, n_terms) and `references` (n, n_events, n_targets), and what
    came: its id in `came` (n, n_events), what the targets saw of it in `seen` (n, n_events, n_targets). `heard`
    (n, n_events) says where anything came, `above` (n, n_events) is the value of the field below which this one's lie.
    """

    keys: Keys
    references: IntArray
    came: IntArray
    seen: IntArray
    heard: BoolArray
    above: IntArray

    @classmethod
    def empty(cls, plan: FieldPlan, n: int, n_events: int) -> Record:
        """Room for `n` pieces."""
        wide = (n, n_events, len(plan.targets))
        return cls(
            np.zeros((n, n_events, len(plan.terms)), dtype=np.uint64),
            np.full(wide, NONE),
            np.zeros((n, n_events), dtype=np.int64),
            np.full(wide, NONE),
            np.zeros((n, n_events), dtype=bool),
            np.full((n, n_events), NONE),
        )


class Events(NamedTuple):
    """The events of a record one after another.

    `piece` and `came` are (n,), `keys` and `symbol` (n, n_terms), `references` (n, n_targets). A key is 0 where its
    term is silent, also because its target sees nothing.
    """

    piece: IntArray
    came: IntArray
    keys: Keys
    symbol: IntArray
    references: IntArray


def longest_first(corpus: TokenCorpus) -> IntArray:
    """The order in which records hold the pieces of `corpus`: (n_pieces,)."""
    return np.argsort(-corpus.lengths, kind="stable")


def record(reader: Reader, corpus: TokenCorpus) -> list[Record]:
    """Read all pieces of `corpus` side by side: one record a field."""
    n_fields = corpus.vocabulary.n_fields
    order = longest_first(corpus)
    padded, lengths = corpus.padded()[order], corpus.lengths[order]
    records = [Record.empty(plan, len(padded), -(-padded.shape[1] // n_fields)) for plan in reader.plans]
    reading = reader.begin([corpus.headers[i] for i in order])
    for step in range(padded.shape[1]):
        active = int((lengths > step).sum())
        if active < len(reading.keys):
            reading = reading.rows(slice(active))
        event, field = divmod(step, n_fields)
        rows, into, symbols = (slice(active), event), records[field], padded[:active, step]
        seen = reader.symbols(reading, corpus.vocabulary.values(symbols))
        ended = (symbols == corpus.vocabulary.end)[:, None] & (reading.references != NONE)
        into.keys[rows], into.references[rows] = reading.keys, reading.references
        into.came[rows], into.seen[rows], into.heard[rows] = symbols, np.where(ended, END, seen), True
        into.above[rows] = reading.past.present.get(corpus.vocabulary.fields[field].below, NONE)
        if step + 1 < padded.shape[1]:
            reading = reader.advance(reading, symbols)
    return records


def events_of(plan: FieldPlan, record: Record) -> Events:
    """The events of a record."""
    heard = record.heard
    symbol = record.seen[heard][:, plan.target]
    keys = np.where(symbol == NONE, np.uint64(0), record.keys[heard])
    return Events(np.nonzero(heard)[0], record.came[heard], keys, symbol, record.references[heard])


def count(plan: FieldPlan, events: Events) -> Table:
    """The counts of the long-term terms."""
    n = plan.n_long
    terms = np.broadcast_to(np.arange(n), (len(events.came), n))
    return Table.of(events.keys[:, :n].ravel(), terms.ravel(), events.symbol[:, :n].ravel())


class Lesson(NamedTuple):
    """How weights are learned: from whole pieces, drawn by `seed`, of `max_events` events or so.

    With `choose` what viewpoints gain is measured, and those not worth keeping fall silent.
    """

    penalty: float
    max_events: int
    seed: int
    choose: bool


def learn(reader: Reader, corpus: TokenCorpus, lesson: Lesson) -> list[FieldModel]:
    """Count everything, and learn the weights."""
    drawn, others = draw(corpus, lesson)
    kept = record(reader, drawn)
    counted = [count_fields(reader, kept), *(count_fields(reader, record(reader, part)) for part in portions(others))]
    counts = Counts([add_up(column) for column in zip(*counted, strict=True)], tallies(corpus))
    return _weighed(reader, counts, kept, corpus, lesson)


class Counts(NamedTuple):
    """What was counted of some pieces: a table and a tally a field."""

    tables: list[Table]
    tallies: list[Tally]

    @classmethod
    def of(cls, reader: Reader, corpus: TokenCorpus) -> Counts:
        """The counts of `corpus`."""
        counted = [count_fields(reader, record(reader, part)) for part in portions(corpus)]
        return cls([add_up(column) for column in zip(*counted, strict=True)], tallies(corpus))

    def plus(self, other: Counts, *, sign: int = 1) -> Counts:
        """The sum, or with `sign` -1 the difference, of two counts."""
        tables = [a.plus(b, sign=sign) for a, b in zip(self.tables, other.tables, strict=True)]
        return Counts(tables, [a.plus(b, sign=sign) for a, b in zip(self.tallies, other.tallies, strict=True)])


def relearn(reader: Reader, counts: Counts, corpus: TokenCorpus, lesson: Lesson) -> list[FieldModel]:
    """What `learn` gives, where `counts` are those of `corpus` already: only what weights are learned from is read."""
    drawn, _ = draw(corpus, lesson)
    return _weighed(reader, counts, record(reader, drawn), corpus, lesson)


def recounted(models: Sequence[FieldModel], counts: Counts, vocabulary: Vocabulary) -> list[FieldModel]:
    """The same models with other counts; weights stay as they are."""
    found = []
    for model, table, tally in zip(models, *counts, strict=True):
        options: Any = {"weights": model.weights, "learned": model.learned, "gains": model.gains}
        found.append(FieldModel.of(model.plan, table, tally, vocabulary, **options))
    return found


def _weighed(
    reader: Reader, counts: Counts, kept: Sequence[Record], corpus: TokenCorpus, lesson: Lesson
) -> list[FieldModel]:
    """The models of all fields; weights are learned from what was `kept` of `corpus`."""
    models, vocabulary = [], corpus.vocabulary
    for f, (plan, table, tally, heard) in enumerate(zip(reader.plans, *counts, kept, strict=True)):
        learned = len(corpus) > 1 and len(tally.ids) > 1 and plan.n_rows > 0
        weights, gained = Weights.fixed(plan.n_rows), Gains.unasked(plan.parts)
        if learned:
            numbering = Numbering.of(plan, table, tally.ids, vocabulary)
            above = {vocabulary.fields[f].below: heard.above[heard.heard]}
            possible = vocabulary.possible(f, tally.ids, above)
            weights, gained = _weigh(heard, table, numbering, tally.alone, lesson, possible=possible)
        options: Any = {"weights": weights, "learned": learned, "gains": gained}
        models.append(FieldModel.of(plan, table, tally, vocabulary, **options))
    return models


def draw(corpus: TokenCorpus, lesson: Lesson) -> tuple[TokenCorpus, TokenCorpus]:
    """The pieces that a seeded draw takes until there are events enough, and the others."""
    order = np.random.default_rng(lesson.seed).permutation(len(corpus))
    n_events = np.cumsum(corpus.lengths[order] // corpus.vocabulary.n_fields)
    n = int(np.searchsorted(n_events, lesson.max_events)) + 1
    return corpus.select(np.sort(order[:n])), corpus.select(np.sort(order[n:]))


def portions(corpus: TokenCorpus) -> Iterator[TokenCorpus]:
    """The pieces of a corpus in portions that can be read side by side, shortest first."""
    order = np.argsort(corpus.lengths, kind="stable")
    while len(order):
        symbols = np.arange(1, len(order) + 1) * corpus.lengths[order]
        n = max(int(np.searchsorted(symbols, _PORTION)), 1)
        yield corpus.select(order[:n])
        order = order[n:]


def count_fields(reader: Reader, records: Sequence[Record]) -> list[Table]:
    """The counts of the long-term terms, one table a field."""
    return [count(plan, events_of(plan, record)) for plan, record in zip(reader.plans, records, strict=True)]


def add_up(tables: Sequence[Table]) -> Table:
    """The sum of tables, added in pairs."""
    if len(tables) == 1:
        return tables[0]
    half = len(tables) // 2
    return add_up(tables[:half]).plus(add_up(tables[half:]))


def tallies(corpus: TokenCorpus) -> list[Tally]:
    """The tally of each field; END is counted with the first."""
    vocabulary, symbols = corpus.vocabulary, corpus.symbols
    piece = corpus.piece
    field = np.where(symbols == vocabulary.end, 0, vocabulary.field_of(symbols))
    return [Tally.of(symbols[field == f], piece[field == f]) for f in range(vocabulary.n_fields)]


def _weigh(
    record: Record,
    table: Table,
    numbering: Numbering,
    alone: IntArray,
    lesson: Lesson,
    *,
    possible: BoolArray | None,
) -> tuple[Weights, Gains]:
    """The weights, and what viewpoints gain; what no other piece has is left to novelty.

    `possible` (n_events, n_candidates) says which candidates could have come, None that all could.
    """
    plan, n = numbering.plan, len(numbering.ids)
    events = events_of(plan, record)
    known = ~np.isin(events.came, alone)
    if not known.any():
        return Weights.fixed(plan.n_rows), Gains.unasked(plan.parts)
    candidates = numbering.of_candidates(events.references[known])
    knows = np.zeros((len(candidates), plan.n_rows), dtype=bool)
    parts = [
        *long_features(numbering, table, events, candidates, knows[:, : plan.n_long], known=known),
        *short_features(numbering, record, candidates, knows[:, plan.n_long :], known=known),
    ]
    features = Features(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    del parts, candidates
    if possible is not None:
        possible = possible[known]
        features = Features(*(part[possible.ravel()[features.row]] for part in features))
    chosen, piece = np.searchsorted(numbering.ids, events.came[known]), events.piece[known]
    options: Any = {"knows": knows, "half": halves(piece), "possible": possible, "penalty": lesson.penalty}
    problem = Problem(features, chosen, n, **options)
    if not lesson.choose:
        return problem.solve().weights, Gains.unasked(plan.parts)
    gained, start = gains(problem, piece, plan.parts)
    return problem.solve(silent=~gained.rows(plan.parts), start=start).weights, gained


def long_features(
    numbering: Numbering, table: Table, events: Events, candidates: IntArray, knows: BoolArray, *, known: BoolArray
) -> Iterator[Features]:
    """The counts of the corpus without the event's own piece, term by term, of the `known` events (n_events,).

    Which terms know the context of each of them then is written to `knows` (n_known, n_long).
    """
    width, target = numbering.width, numbering.plan.target
    for term in range(numbering.plan.n_long):
        rows, context = np.unique(table.find(events.keys[:, term]), return_inverse=True)
        which, entry = table.entries(rows)
        cells = which * width + numbering(table.symbol[entry], target[term])
        total = np.bincount(cells, table.count[entry], len(rows) * width).reshape(-1, width)
        pairs, pair = np.unique(events.piece * len(rows) + context, return_inverse=True)
        cells = pair * width + numbering(events.symbol[:, term], target[term])
        own = np.bincount(cells, minlength=len(pairs) * width).reshape(-1, width)
        left = (total[context[known]] - own[pair[known]]).astype(np.int64)
        left[events.keys[known, term] == 0] = 0
        left[:, -1] = 0
        counts = np.take_along_axis(left, candidates[:, target[term]], axis=1)
        total, kinds = left.sum(axis=1), (left > 0).sum(axis=1)
        knows[:, term] = total > 0
        yield _features(counts[:, None], total[:, None], kinds[:, None], term)


def short_features(
    numbering: Numbering, record: Record, candidates: IntArray, knows: BoolArray, *, known: BoolArray
) -> Iterator[Features]:
    """The counts of the piece so far, event by event, all pieces at once; `knows` (n_known, n_short) as above."""
    plan, n = numbering.plan, len(numbering.ids)
    if not len(plan.short):
        return
    asked = np.zeros_like(record.heard)
    asked[record.heard] = known
    number = np.cumsum(asked).reshape(asked.shape) - 1
    keys = record.keys[:, :, plan.short]
    for t in range(1, asked.shape[1]):
        rows = np.flatnonzero(asked[:, t])
        at = number[rows, t]
        found = recall(numbering, keys[rows, :t], record.seen[rows, :t], keys[rows, t], candidates[at])
        knows[at] = found.total > 0
        features = _features(found.times, found.total, found.kinds, plan.n_long)
        yield features._replace(row=(at[features.row // n] * n + features.row % n).astype(np.int32))


def _features(counts: IntArray, total: IntArray, kinds: IntArray, first_term: int) -> Features:
    """Features of counts (n, n_terms, n_candidates) with totals and kinds (n, n_terms)."""
    row, term, candidate = np.nonzero(counts)
    column = (first_term + term) * N_BUCKETS + bucket(total, kinds)[row, term]
    found = (row * counts.shape[2] + candidate, column, counts[row, term, candidate])
    return Features(*(part.astype(np.int32) for part in found))
