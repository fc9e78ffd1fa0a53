"""Models that look up the longest context they have seen, and back off to shorter ones.

Everything such a model knows of the next symbol w after context c is a table of *entries* p(c, w), one
for each symbol seen there, and a *back-off weight* b(c) for all the others [1]:

    P(w | c) = p(c, w)                        where w was seen after c
             = b(c) P(w | c')                 elsewhere, c' being the next shorter context
             = b(root) base(w)                where no context saw w

Interpolated models have the same form: their entries hold what all the shorter contexts add.
What is stored is sparse; a row is made when it is asked for, a whole batch at once.

[1] The ARPA form of language models: S. M. Katz. Estimation of probabilities from sparse data for the
    language model component of a speech recognizer. IEEE Trans. ASSP 35(3), 1987.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from copy import copy
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stochastic_music.corpus import TokenCorpus
from stochastic_music.counting.tally import tally_in_place
from stochastic_music.errors import EmptyCorpusError, VocabularyError
from stochastic_music.models.base import BaseModel, headers_of
from stochastic_music.models.contexts import (
    Contexts,
    Heard,
    Stream,
    combined,
    end_is_last,
    fit_into_words,
    from_arrays,
    grow,
    grow_from,
    grow_parts,
    listen,
    narrow,
    read,
    taken,
    to_arrays,
    windows,
)
from stochastic_music.models.reasons import backoff_reasons
from stochastic_music.models.stepping import Steps, Strides
from stochastic_music.protocols import Arcs, BoolArray, FloatArray, IntArray, Reasons
from stochastic_music.tokens import ClockState, Header, Vocabulary

#: cells of a batch of rows that are made at once; a few megabytes, so that they stay in the cache
_CELLS = 1 << 18


_OF_TABLE = ("probability", "weight", "base", "speaker", "shorter", "total")


class BackoffState(NamedTuple):
    """The longest seen context and the clock of each row: context is (batch,)."""

    context: IntArray
    clock: ClockState


@dataclass(frozen=True, eq=False)
class BackoffTable:
    """The next symbol after each context; see the module's article.

    `probability` is (n_entries,), aligned with the entries of `contexts`; `weight` (n_contexts,).
    `speaker` (n_contexts,) is the context that predicts for a context (None: each for itself); `shorter`
    (n_contexts,) what it backs off to (None: its parent), -1 being `base`, (n_fields + 1, n_symbols). Rows are
    divided by `total`, (n_contexts,) (None: 1).
    """

    contexts: Contexts
    probability: FloatArray
    weight: FloatArray
    base: FloatArray
    speaker: IntArray | None = None
    shorter: IntArray | None = None
    total: FloatArray | None = None

    def speakers(self, contexts: IntArray) -> IntArray:
        """The contexts that predict for `contexts`: (n,)."""
        return contexts if self.speaker is None else taken(self.speaker, contexts)

    def shortened(self, contexts: IntArray) -> IntArray:
        """The contexts that `contexts` back off to, -1 where that is `base`: (n,)."""
        return self.contexts.shortened(contexts) if self.shorter is None else taken(self.shorter, contexts)

    def scales(self, contexts: IntArray) -> FloatArray:
        """What the rows of `contexts` are multiplied by, so that they sum to 1: (n,)."""
        one: FloatArray = self.contexts.xp.ones(len(contexts))
        return one if self.total is None else one / self.total[contexts]

    def look_up(self, contexts: IntArray, symbols: IntArray) -> FloatArray:
        """The log of P(symbol | context) of each pair: (n,)."""
        xp, due = self.contexts.xp, self.contexts.due_after(contexts)
        probability, rows, at = self.scales(contexts), xp.arange(len(contexts)), self.speakers(contexts)
        while len(rows):
            entry = self.contexts.find(at, symbols[rows])
            hit = entry >= 0
            probability[rows] *= xp.where(hit, self.probability[entry], self.weight[at])
            at = xp.where(hit, -1, self.shortened(at))
            bottom = rows[~hit & (at < 0)]
            probability[bottom] *= self.base[due[bottom], symbols[bottom]]
            rows, at = rows[at >= 0], at[at >= 0]
        with np.errstate(divide="ignore"):
            log_probs: FloatArray = xp.log(probability)
        return log_probs

    def on(self, xp: Any) -> Self:
        """The same table for `look_up`, and steps of its contexts, on arrays of `xp`, NumPy or CuPy."""
        columns = {name: getattr(self, name) for name in _OF_TABLE}
        sent = {name: xp.asarray(column) for name, column in columns.items() if column is not None}
        return replace(self, contexts=self.contexts.on(xp), **sent)

    @property
    def by_parents(self) -> bool:
        """Whether every context predicts for itself and backs off to its parent."""
        return self.speaker is None and self.shorter is None

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What `from_arrays` needs, besides the contexts."""
        columns = {name: getattr(self, name) for name in _OF_TABLE}
        return {
            name: narrow(column) if column.dtype.kind == "i" else column
            for name, column in columns.items()
            if column is not None
        }

    @classmethod
    def from_arrays(cls, contexts: Contexts, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        return cls(contexts, **{name: arrays[name] for name in _OF_TABLE if name in arrays})


class BackoffModel(BaseModel[BackoffState]):
    """A frozen table over contexts: an autoregressive model and a finite-context model.

    Subclasses say how long contexts may be and how counts become probabilities.
    """

    contexts_: Contexts
    table_: BackoffTable

    @abstractmethod
    def _check_params(self) -> None:
        """Raise InvalidParameterError or UnknownNameError where a parameter makes no sense."""

    @abstractmethod
    def _bound(self) -> int | None:
        """How many complete events a context may hold; None for all of them."""

    @abstractmethod
    def _smooth(self, contexts: Contexts, vocabulary: Vocabulary) -> BackoffTable:
        """Probabilities from the counts of `contexts`."""

    def fit(self, corpus: TokenCorpus) -> Self:
        """Count the contexts of `corpus`; returns self. Raises EmptyCorpusError, InvalidParameterError."""
        self._check_params()
        if not len(corpus.symbols):
            raise EmptyCorpusError("there is nothing to learn from: the corpus has no symbols")
        return self._settle(self._grow(corpus), corpus.vocabulary)

    def fit_parts(
        self, parts: Sequence[TokenCorpus], *, memory: int | None = None, executor: Executor | None = None
    ) -> Self:
        """Count the contexts of all `parts`, corpora over one vocabulary; see `protocols.CountingModel`.

        Contexts without a bound are not counted in parts: for `PPM(None)` all pieces are brought together.
        """
        self._check_params()
        if not any(len(part.symbols) for part in parts):
            raise EmptyCorpusError("there is nothing to learn from: the corpus has no symbols")
        bound = self._bound()
        if bound is None:
            return self.fit(TokenCorpus.together(parts))
        contexts = grow_parts(parts, bound, memory=memory, executor=executor)
        return self._settle(contexts, parts[0].vocabulary)

    def _grow(self, corpus: TokenCorpus) -> Contexts:
        bound = self._bound()
        if bound is not None and fit_into_words(corpus.vocabulary, bound) and end_is_last(corpus):
            return grow_from(tally_in_place(windows(corpus, bound)), bound, corpus.vocabulary)
        heard = listen(corpus)
        marks = np.unique(heard.mark[heard.mark >= 0])
        stream = read(corpus, heard, marks, bound)
        return grow([self._prune(stream, corpus)], corpus.vocabulary, marks)

    def _prune(self, stream: Stream, corpus: TokenCorpus) -> Stream:  # noqa: ARG002, for those that bound it otherwise
        """`stream` with the depths that the model needs."""
        return stream

    def _settle(self, contexts: Contexts, vocabulary: Vocabulary) -> Self:
        return self._take(self._smooth(contexts, vocabulary), vocabulary)

    def _take(self, table: BackoffTable, vocabulary: Vocabulary) -> Self:
        self.vocabulary_ = vocabulary
        self.contexts_ = table.contexts
        self.table_ = table
        self._grid = _Grid.of(table, vocabulary)
        return self

    def merge(self, other: Self, *, pieces: TokenCorpus | None = None) -> Self:
        """The model fitted on the pieces of both: counts add, without `pieces`; otherwise as `BaseModel.merge`.

        That takes about as long as counting again. Contexts without a bound do not add up: `PPM(None)` needs `pieces`.
        """
        if self._bound() is None:
            return super().merge(other, pieces=pieces)
        self._check_alike(other)
        vocabulary = self.vocabulary_.union(other.vocabulary_)
        return copy(self)._settle(combined(self.contexts_, other.contexts_), vocabulary)

    def forget(self, lost: TokenCorpus, *, kept: TokenCorpus | None = None) -> Self:
        """The model fitted without `lost`, whose counts are taken away; otherwise as `BaseModel.forget`."""
        if self._bound() is None:
            return super().forget(lost, kept=kept)
        contexts = self._grow(self._same_symbols(lost))
        return copy(self)._settle(combined(self.contexts_, contexts, sign=-1), self.vocabulary_)

    def restricted(self, vocabulary: Vocabulary) -> Self:
        """The same counts over another alphabet of the same declaration; symbols seen must stay in it."""
        self._check_fitted()
        reason = self.vocabulary_.difference(vocabulary)
        if reason:
            raise VocabularyError(f"the model cannot take this vocabulary: {reason}")
        contexts = self.contexts_
        vocabulary.check(contexts.entries.key[: contexts.rows[contexts.n_roots]] % contexts.base)
        return copy(self)._settle(self.contexts_, vocabulary)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What was learned, as plain arrays, which `from_arrays` takes as they are."""
        self._check_fitted()
        return {**to_arrays(self.contexts_), **self.table_.to_arrays()}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]], vocabulary: Vocabulary) -> Self:
        """Take back what `to_arrays` gave, in a model with the same parameters; returns self."""
        self._check_params()
        contexts = from_arrays(arrays, vocabulary)
        if "probability" not in arrays:  # a file of format 1
            return self._settle(contexts, vocabulary)
        return self._take(BackoffTable.from_arrays(contexts, arrays), vocabulary)

    def initial_state(
        self, batch_size: int = 1, header: Header | Sequence[Header | None] | None = None
    ) -> BackoffState:
        """Nothing heard but START and the clock's first mark."""
        self._check_fitted()
        clock = self.vocabulary_.clock.start(headers_of(header, batch_size))
        return self._hear(np.full(batch_size, self.start(), dtype=np.int64), clock)

    def advance(self, state: BackoffState, symbols: IntArray) -> BackoffState:
        """The longest seen contexts after one more symbol each."""
        clock = self.vocabulary_.clock.advance(state.clock, symbols)
        return self._hear(self.contexts_.step(state.context, symbols), clock)

    def _hear(self, contexts: IntArray, clock: ClockState) -> BackoffState:
        return BackoffState(self.hear(contexts, self.vocabulary_.clock.marks(clock)), clock)

    def next_log_probs(self, state: BackoffState) -> FloatArray:
        """(batch, n_symbols): the log probability of every symbol."""
        row, symbol, log_prob, _ = self.arcs(state.context)
        out = np.full((len(state.context), self.vocabulary_.n_symbols), -np.inf)
        out[row, symbol] = log_prob
        return out

    def corpus_log_probs(self, corpus: TokenCorpus) -> FloatArray:
        """The log probability of every symbol, aligned with `corpus.symbols`, in nats: (n,)."""
        corpus = self._same_symbols(corpus)
        return self.look_up(self.contexts_along(corpus), corpus.symbols)

    def contexts_along(self, corpus: TokenCorpus) -> IntArray:
        """The context before each symbol of `corpus`, as steps find them: (n,)."""
        heard = listen(corpus)
        if self.contexts_.steps_look_back:
            return self.contexts_.trace(self._stream(corpus, heard))
        return self.contexts_.walk(corpus, heard.mark)

    def longest_contexts(self, corpus: TokenCorpus) -> IntArray:
        """The longest context seen before each symbol of `corpus`, looking back at the whole past: (n,)."""
        return self.contexts_.trace(self._stream(corpus, listen(corpus)))

    def _stream(self, corpus: TokenCorpus, heard: Heard) -> Stream:
        return read(corpus, heard, self.contexts_.marks, self._bound())

    def reasons(
        self, corpus: TokenCorpus, places: IntArray, learned: TokenCorpus | None = None, *, at_most: int = 3
    ) -> list[Reasons]:
        """What each order says for or against the symbols at `places`; see `protocols.ReasoningModel`."""
        corpus = self._same_symbols(corpus)
        return backoff_reasons(self, corpus, places, learned and self._same_symbols(learned), at_most)

    def look_up(self, contexts: IntArray, symbols: IntArray) -> FloatArray:
        """The log of P(symbol | context) of each pair: (n,)."""
        return self.table_.look_up(contexts, symbols)

    def follow(self, contexts: IntArray, symbols: IntArray) -> tuple[FloatArray, IntArray]:
        """The log probability of one symbol after each context, in nats, and the context it leads to: (n,) each.

        What `arcs` says of that symbol alone; -inf where it is not among them.
        """
        return self.look_up(contexts, symbols), self.contexts_.step(contexts, symbols)

    def steps(self) -> Steps:
        """`follow` and `hear` for one context at a time, in plain numbers."""
        self._check_fitted()
        return Steps(self.table_)

    def strides(self, backend: str) -> Strides:
        """`follow` for many contexts at once, on a back end that arrays have."""
        self._check_fitted()
        return Strides(self.table_, backend)

    @property
    def n_contexts(self) -> int:
        """How many contexts there are."""
        self._check_fitted()
        return self.contexts_.n_contexts

    def start(self) -> int:
        """The context before the first symbol."""
        self._check_fitted()
        return self.contexts_.start

    def hear(self, contexts: IntArray, marks: IntArray) -> IntArray:
        """The contexts after the clock's marks (-1: none); a mark never seen is not read."""
        return self.contexts_.hear(contexts, marks)

    def arcs(self, contexts: IntArray) -> Arcs:
        """Every symbol of positive probability after each context, rows ascending: contexts (m,)."""
        self._check_fitted()
        contexts = np.asarray(contexts, dtype=np.int64)
        size = max(1, _CELLS // self._grid.width)
        parts = [self._arcs(contexts[i : i + size], i) for i in range(0, max(len(contexts), 1), size)]
        return Arcs(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _arcs(self, contexts: IntArray, first: int) -> Arcs:
        probability, target = self._grid.rows(contexts)
        row, column = np.nonzero(probability > 0)
        symbol = self._grid.symbol[self.contexts_.due_after(contexts[row]), column]
        return Arcs(row + first, symbol, np.log(probability[row, column]), target[row, column])


@dataclass(frozen=True, eq=False)
class _Grid:
    """Rows over *columns*: a symbol's column is its rank in the alphabet of its field, END's the last.

    `column` is (n_symbols,), `symbol` (n_fields + 1, width) with -1 where a field has fewer symbols;
    `base` and `root` say, in the same shape, what holds where no context saw the symbol.
    """

    table: BackoffTable
    column: IntArray
    symbol: IntArray
    base: FloatArray
    root: IntArray

    @classmethod
    def of(cls, table: BackoffTable, vocabulary: Vocabulary) -> _Grid:
        """The columns of a vocabulary, END apart."""
        due = vocabulary.due_mask[:-1, :-1]
        width = int(due.sum(axis=1).max(initial=0)) + 1
        column = np.full(vocabulary.n_symbols, width - 1, dtype=np.int64)
        symbol = np.full((vocabulary.n_fields + 1, width), -1, dtype=np.int64)
        for field, mask in enumerate(due):
            members = np.flatnonzero(mask)
            column[members] = np.arange(len(members))
            symbol[field, : len(members)] = members
        symbol[[0, -1], -1] = vocabulary.end
        roots = np.arange(vocabulary.n_fields + 1, dtype=np.int64)[:, None]
        base = np.where(symbol >= 0, table.base[roots, symbol], 0.0)
        return cls(table, column, symbol, base, table.contexts.after(roots, symbol))

    @property
    def width(self) -> int:
        """Columns a row."""
        return int(self.symbol.shape[1])

    def rows(self, contexts: IntArray) -> tuple[FloatArray, IntArray]:
        """Probability and target of every column after each context: (m, width) both."""
        known, due = self.table.contexts, self.table.contexts.due_after(contexts)
        scale = self.table.scales(contexts)
        heard = self._heard(self.table.speakers(contexts), self.table.shortened, scale)
        probability: FloatArray = self.base[due] * scale[:, None]
        said = _latest(heard.cell, probability.size)
        there = np.flatnonzero(said >= 0)
        at = said[there]
        probability.reshape(-1)[there] = self.table.probability[heard.entry[at]] * heard.weight[at]
        if not self.table.by_parents:
            heard = self._heard(contexts, known.shortened, scale)
        target = known.fallen(contexts[:, None], self.root[due])
        found = taken(known.entries.target, heard.entry)
        longer = np.flatnonzero(found >= known.n_roots)
        led = _latest(heard.cell[longer], target.size)
        there = np.flatnonzero(led >= 0)
        target.reshape(-1)[there] = found[longer[led[there]]]
        return probability, target

    def _heard(self, at: IntArray, shortened: Callable[[IntArray], IntArray], scale: FloatArray) -> _Heard:
        """What each context has heard, and the shorter ones within it; the shortest first.

        `scale` is left as what remains for the base.
        """
        known, rows, rungs = self.table.contexts, np.arange(len(at)), list[tuple[IntArray, IntArray, FloatArray]]()
        while len(rows) or not rungs:
            rungs.append((rows, at, scale[rows]))
            scale[rows] *= self.table.weight[at]
            at = shortened(at)
            rows, at = rows[at >= 0], at[at >= 0]
        rows, at, weight = (np.concatenate(column) for column in zip(*reversed(rungs), strict=True))
        rung, entry = ragged(taken(known.rows, at), taken(known.rows, at + 1))
        column = self.column[known.entries.key[entry] % known.base]
        return _Heard(rows[rung] * self.width + column, entry, weight[rung])


class _Heard(NamedTuple):
    """Entries, the cells of a grid that they speak of, and the weights with which they count: (n,) each."""

    cell: IntArray
    entry: IntArray
    weight: FloatArray


def _latest(cells: IntArray, size: int) -> IntArray:
    """Where each of `size` cells is named last, -1 where it is not: (size,)."""
    latest = np.full(size, -1, dtype=np.int64)
    np.maximum.at(latest, cells, np.arange(len(cells)))  # plain assignment promises no order
    return latest


def ragged(first: IntArray, last: IntArray) -> tuple[IntArray, IntArray]:
    """The numbers first[i] .. last[i] - 1 one after another, with their i before them.

    >>> [x.tolist() for x in ragged(np.array([5, 9]), np.array([7, 10]))]
    [[0, 0, 1], [5, 6, 9]]
    """
    count = last - first
    row = np.repeat(np.arange(len(count)), count)
    return row, np.arange(len(row)) + (first - np.cumsum(count) + count)[row]


def order_minus_one(contexts: Contexts, count: FloatArray, vocabulary: Vocabulary) -> FloatArray:
    """Symbols of the alphabet that were never seen share what their field's root leaves: equal parts of 1.

    Where every symbol of a field was seen the row is zero. (n_fields + 1, n_symbols)
    """
    unseen = vocabulary.due_mask.copy()
    n_root = int(contexts.rows[contexts.bounds[1]])
    seen = count[:n_root] > 0
    unseen[contexts.entries.context[:n_root][seen], contexts.entries.element[:n_root][seen]] = False
    share: FloatArray = unseen / np.maximum(unseen.sum(axis=1, keepdims=True), 1)
    return share


def interpolated(contexts: Contexts, kept: FloatArray, given: FloatArray, base: FloatArray) -> BackoffTable:
    """P(w | c) = (kept(c, w) + given(c) P(w | c')) / (sum of kept(c, .) + given(c)), c' being the next shorter context.

    `kept` is (n_entries,), `given` (n_contexts,); roots back off to `base`, (n_fields + 1, n_symbols).
    A context that nothing followed passes on what the shorter one says.
    """
    entries = contexts.entries
    mass = totals(contexts, kept) + given
    some = np.where(mass > 0, mass, 1.0)
    weight = np.where(mass > 0, given / some, 1.0)
    probability = kept / some[entries.context]
    levels = np.searchsorted(entries.context, contexts.bounds)
    for first, last in pairwise(levels):
        context, element, suffix = entries.context[first:last], entries.element[first:last], entries.suffix[first:last]
        below = np.where(suffix < 0, base[contexts.due[context], element], probability[suffix])
        probability[first:last] += weight[context] * below
    return BackoffTable(contexts, probability, weight, base)


def says_nothing_new(contexts: Contexts) -> BoolArray:
    """Contexts whose oldest event is incomplete and that were seen as often as the next shorter one: (n_contexts,)."""
    n = totals(contexts, contexts.entries.count.astype(np.float64))
    same: BoolArray = n == n[contexts.parent]
    same[: contexts.bounds[1]] = False
    same &= ~contexts.whole
    return same


def spoken(contexts: Contexts, mass: FloatArray) -> IntArray:
    """For each context the longest one within it whose `mass` is above 0, else its root: (n_contexts,)."""
    out = np.arange(contexts.n_contexts, dtype=np.int64)
    for first, last in pairwise(contexts.bounds[1:]):
        out[first:last] = np.where(mass[first:last] > 0, out[first:last], out[contexts.parent[first:last]])
    return out


def continuation_counts(contexts: Contexts) -> FloatArray:
    """In how many contexts one element longer each entry was seen; its count, where none is longer: (n_entries,)."""
    suffix = contexts.entries.suffix
    longer = np.bincount(suffix[suffix >= 0], minlength=len(suffix))
    return np.where(longer > 0, longer, contexts.entries.count).astype(np.float64)


def totals(contexts: Contexts, count: FloatArray) -> FloatArray:
    """What the entries of each context add up to: (n_contexts,)."""
    return np.bincount(contexts.entries.context, weights=count, minlength=contexts.n_contexts).astype(np.float64)
