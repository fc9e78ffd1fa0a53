"""Learning a field: read the corpus, count, leave each piece out in turn, and fit the weights.

Weights must meet counts as sparse as they will be on new music. So every training event is seen with the counts of
the other pieces only: those of its own are subtracted, context by context. What the piece itself brought before the
event is the short-term terms' part, as it will be later.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.models.viewpoints.field_model import FieldModel, Numbering, recall
from stochastic_music.models.viewpoints.past import NONE
from stochastic_music.models.viewpoints.reading import FieldPlan, Reader
from stochastic_music.models.viewpoints.tables import END, Keys, Table
from stochastic_music.models.viewpoints.weights import N_BUCKETS, Features, Weights, bucket, fit_weights
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.tokens import Vocabulary


class Record(NamedTuple):
    """One field of a corpus, longest piece first.

    Before event t of piece i the `keys` (n, n_events, n_terms) and `references` (n, n_events, n_targets), and what
    came: its id in `came` (n, n_events), what the targets saw of it in `seen` (n, n_events, n_targets). `heard`
    (n, n_events) says where anything came.
    """

    keys: Keys
    references: IntArray
    came: IntArray
    seen: IntArray
    heard: BoolArray

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
        )

    def pieces(self, kept: IntArray) -> Record:
        """Some of the pieces."""
        return Record(self.keys[kept], self.references[kept], self.came[kept], self.seen[kept], self.heard[kept])


class Events(NamedTuple):
    """The events of a record one after another.

    `piece` and `came` are (n,), `keys` and `symbol` (n, n_terms), `references` (n, n_targets). is 0 where its term is
    silent, also because its target sees nothing.
    """

    piece: IntArray
    came: IntArray
    keys: Keys
    symbol: IntArray
    references: IntArray


def record(reader: Reader, corpus: TokenCorpus) -> list[Record]:
    """Read all pieces of `corpus` side by side: one record a field."""
    n_fields = corpus.vocabulary.n_fields
    order = np.argsort(-corpus.lengths, kind="stable")
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


def fit_field(
    plan: FieldPlan, record: Record, vocabulary: Vocabulary, *, penalty: float, max_events: int, seed: int
) -> FieldModel:
    """Count everything, and learn the weights from whole pieces, drawn by `seed`, of `max_events` events or so."""
    events = events_of(plan, record)
    table, ids = count(plan, events), np.unique(events.came)
    alone = heard_in_one_piece(events)[events.came]
    novelty = float((alone.sum() + 0.5) / (len(alone) + 1))
    weights = Weights.fixed(plan.n_long + len(plan.short))
    learned = len(np.unique(events.piece)) > 1 and len(ids) > 1 and not alone.all()
    if learned:
        kept = _some_pieces(record.heard.sum(axis=1), max_events, seed)
        part = record.pieces(kept)
        weights = _learn(
            plan,
            part,
            table,
            Numbering.of(plan, table, ids, vocabulary),
            penalty,
            alone_ids=np.unique(events.came[alone]),
        )
    return FieldModel.of(plan, table, ids, vocabulary, weights=weights, novelty=novelty, learned=learned)


def heard_in_one_piece(events: Events) -> BoolArray:
    """By id, whether a symbol came in one piece only: (highest id + 1,)."""
    pairs = np.unique(np.stack([events.came, events.piece]), axis=1)
    return np.asarray(np.bincount(pairs[0]) == 1)


def _some_pieces(lengths: IntArray, max_events: int, seed: int) -> IntArray:
    """The pieces, ascending, that a seeded draw takes until there are `max_events` events; all if there are fewer."""
    order = np.random.default_rng(seed).permutation(len(lengths))
    n = int(np.searchsorted(np.cumsum(lengths[order]), max_events)) + 1
    return np.sort(order[:n])


def _learn(
    plan: FieldPlan, record: Record, table: Table, numbering: Numbering, penalty: float, *, alone_ids: IntArray
) -> Weights:
    events = events_of(plan, record)
    candidates = numbering.of_candidates(events.references)
    parts = [*long_features(numbering, table, events, candidates), *short_features(numbering, record, candidates)]
    features = Features(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    # what no other piece has is novelty's part
    known = ~np.isin(events.came, alone_ids)
    n = len(numbering.ids)
    number = np.cumsum(known) - 1
    kept = known[features.row // n]
    features = Features(*(column[kept] for column in features))
    features = features._replace(row=number[features.row // n] * n + features.row % n)
    chosen = np.searchsorted(numbering.ids, events.came[known])
    return fit_weights(features, chosen, n, plan.n_long + len(plan.short), penalty=penalty)


def long_features(numbering: Numbering, table: Table, events: Events, candidates: IntArray) -> Iterator[Features]:
    """The counts of the corpus without the event's own piece, term by term."""
    width, target = numbering.width, numbering.plan.target
    for term in range(numbering.plan.n_long):
        rows, context = np.unique(table.find(events.keys[:, term]), return_inverse=True)
        which, entry = table.entries(rows)
        cells = which * width + numbering(table.symbol[entry], target[term])
        total = np.bincount(cells, table.count[entry], len(rows) * width).reshape(-1, width)
        pairs, pair = np.unique(events.piece * len(rows) + context, return_inverse=True)
        cells = pair * width + numbering(events.symbol[:, term], target[term])
        own = np.bincount(cells, minlength=len(pairs) * width).reshape(-1, width)
        left = (total[context] - own[pair]).astype(np.int64)
        left[events.keys[:, term] == 0] = 0
        left[:, -1] = 0
        counts = np.take_along_axis(left, candidates[:, target[term]], axis=1)
        yield _features(counts[:, None], left.sum(axis=1)[:, None], (left > 0).sum(axis=1)[:, None], term)


def short_features(numbering: Numbering, record: Record, candidates: IntArray) -> Iterator[Features]:
    """The counts of the piece so far, event by event, all pieces at once."""
    plan, n = numbering.plan, len(numbering.ids)
    if not len(plan.short):
        return
    number = np.cumsum(record.heard).reshape(record.heard.shape) - 1
    keys = record.keys[:, :, plan.short]
    for t in range(1, record.heard.shape[1]):
        rows = np.flatnonzero(record.heard[:, t])
        at = number[rows, t]
        found = recall(numbering, keys[rows, :t], record.seen[rows, :t], keys[rows, t], candidates[at])
        features = _features(found.times, found.total, found.kinds, plan.n_long)
        yield features._replace(row=at[features.row // n] * n + features.row % n)


def _features(counts: IntArray, total: IntArray, kinds: IntArray, first_term: int) -> Features:
    """Features of counts (n, n_terms, n_candidates) with totals and kinds (n, n_terms)."""
    row, term, candidate = np.nonzero(counts)
    column = (first_term + term) * N_BUCKETS + bucket(total, kinds)[row, term]
    return Features(row * counts.shape[2] + candidate, column, counts[row, term, candidate])
