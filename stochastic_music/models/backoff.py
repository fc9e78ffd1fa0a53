"""Models that look up the longest context they have seen, and back off to shorter ones.

Everything such a model knows of the next symbol w after context c is a table of *entries* p(c, w), one
for each symbol seen there, and a *back-off weight* b(c) for all the others [1]:

    P(w | c) = p(c, w)                        where w was seen after c
             = b(c) P(w | c')                 elsewhere, c' being the next shorter context
             = b(root) base(w)                where no context saw w

Interpolated models have the same form: their entries hold what all the shorter contexts add.

[1] The ARPA form of language models: S. M. Katz. Estimation of probabilities from sparse data for the
    language model component of a speech recognizer. IEEE Trans. ASSP 35(3), 1987.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from copy import copy
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stochastic_music.corpus import TokenCorpus
from stochastic_music.counting.tally import tally_in_place
from stochastic_music.errors import EmptyCorpusError, VocabularyError
from stochastic_music.models.backoff_table import BackoffTable, Grid
from stochastic_music.models.base import BaseModel, headers_of
from stochastic_music.models.contexts import (
    Contexts,
    Heard,
    Stream,
    check_memory,
    combined,
    end_is_last,
    fit_into_words,
    from_arrays,
    grow,
    grow_from,
    grow_parts,
    listen,
    read,
    to_arrays,
    windows,
)
from stochastic_music.models.reasons import backoff_reasons
from stochastic_music.models.stepping import Steps, Strides
from stochastic_music.protocols import Arcs, FloatArray, IntArray, Reasons
from stochastic_music.tokens import ClockState, Header, Vocabulary

#: cells of a batch of rows that are made at once; a few megabytes, so that they stay in the cache
_CELLS = 1 << 18


class BackoffState(NamedTuple):
    """The longest seen context and the clock of each row: context is (batch,)."""

    context: IntArray
    clock: ClockState


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

    def check_memory(self, parts: Sequence[TokenCorpus], memory: int | None) -> None:
        """Raise UsageError where `memory` is too little for `fit_parts`, as far as is known before it counts."""
        if (bound := self._bound()) is not None:
            check_memory(parts, bound, memory)

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
        self._grid = Grid.of(table, vocabulary)
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
        if vocabulary == self.vocabulary_:
            return self
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
