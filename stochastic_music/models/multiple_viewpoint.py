"""Multiple viewpoints: many small models of one piece, each listening to something else, mixed log-linearly.

A *viewpoint* [1] sees one aspect of music: pitches, intervals, distances from the tonic, the place in the bar. A *term*
counts, in contexts that it makes of viewpoints (the last two intervals; scale degree and duration), how far the symbol
that came lay from its reference (the note before, the tonic). Long-term terms count in the corpus, short-term terms
in the piece so far. For the field now due,

    p(x | past)  is proportional to  exp( sum over terms m of  w[m, what m knows] * log p_m(x - reference | context) )

over the symbols that training brought, louder where few terms know the context, with weights that maximize the
likelihood of the training pieces, each seen without its own counts [2, 3]; see `viewpoints.weights` for their exact
form, `viewpoints.language` for how viewpoints are written, `viewpoints.viewpoint` and `viewpoints.voices` for those
there are. Symbols of the alphabet that training never brought share a small novelty. A corpus of one piece leaves
nothing to learn weights from: then `learned_` is False and all terms are believed alike.

Being a normalized conditional over whole events (rest, duration, phrase mark and pitch in turn, or duration, phrase
mark and one voice after another), END included, it samples, scores and takes constraints like any autoregressive model.
References and contexts are functions of the symbols so far and the header; the tonic is the header's, or estimated from
the pitches so far where it has none.

[1] D. Conklin, I. H. Witten. Multiple viewpoint systems for music prediction. Journal of New Music Research 24(1),
    1995.
[2] G. E. Hinton. Training products of experts by minimizing contrastive divergence. Neural Computation 14(8), 2002.
[3] S. F. Chen, R. Rosenfeld. A survey of smoothing techniques for maximum entropy models. IEEE Transactions on
    Speech and Audio Processing 8(1), 2000.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stochastic_music.corpus import TokenCorpus
from stochastic_music.corpus.report import counted
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError, VocabularyError
from stochastic_music.models.base import BaseModel, headers_of, stepwise_log_probs, still_live
from stochastic_music.models.viewpoints.choice import Gains
from stochastic_music.models.viewpoints.defaults import default_terms
from stochastic_music.models.viewpoints.field_model import FieldModel
from stochastic_music.models.viewpoints.given import as_given, check_given
from stochastic_music.models.viewpoints.language import Term, check_ahead, parse, resolve
from stochastic_music.models.viewpoints.learning import Counts, Lesson, draw, learn, recounted, relearn
from stochastic_music.models.viewpoints.reading import Reader, Reading
from stochastic_music.models.viewpoints.reasons import viewpoint_reasons
from stochastic_music.protocols import FloatArray, IntArray, Reasons
from stochastic_music.tokens import Header, Vocabulary

#: contexts longer than this are written out by those who want them
MAX_ORDER = 16


class ViewpointState(NamedTuple):
    """What the rows have read that have not ended: `live` (n_live,) are their numbers in a batch of `batch_size`."""

    reading: Reading
    live: IntArray
    batch_size: int

    def rows(self, chosen: IntArray) -> ViewpointState:
        """Some of the rows, once or more."""
        places, live = still_live(self.live, self.batch_size, chosen)
        return ViewpointState(self.reading.rows(places), live, len(chosen))


class MultipleViewpoint(BaseModel[ViewpointState]):
    """Multiple viewpoints, mixed log-linearly; see the module's article.

    Args:
        viewpoints: what is counted in the corpus, as in `cpint*ioi,cpfref:3|dur` (see `viewpoints.language`). Fields
            that none of them predicts, and all with "auto", get `viewpoints.defaults`.
        short_term: likewise, what is counted in the piece so far; "none" for nothing.
        given: fields that are known from beginning to end, as in "voice1" or "duration,phrase,voice1": the model
            predicts what goes with them. Pieces to learn from and to score give their own; to compose, headers give
            them (`TokenCorpus.giving`).
        order: the highest order of viewpoints that are written without one, 0 to 16.
        choose: whether viewpoints that gain nothing on the training pieces fall silent (see `viewpoints.choice`).
        penalty: how strongly weights are held back, 1 being the usual.
        max_events: weights are learned from whole pieces drawn by `seed`, of so many events or a few more; counts come
            from all.

    After `fit`: `fields_`, one `FieldModel` a field, `reader_`, and `learned_`, whether weights were learned.
    `fit` raises InvalidParameterError or UnknownNameError for what it cannot read.

        >>> from stochastic_music.corpus import TokenCorpus
        >>> scales = [[0, 1, 2, 3], [3, 2, 1, 0], [1, 2, 3, 4]]
        >>> corpus = TokenCorpus.from_sequences(scales, Vocabulary.plain(6, name="pitch"))
        >>> model = MultipleViewpoint("cpint:2").fit(corpus)
        >>> state = model.initial_state()
        >>> for pitch in (2, 3):
        ...     state = model.advance(state, np.array([pitch]))
        >>> int(model.next_log_probs(state).argmax())
        4
    """

    fields_: tuple[FieldModel, ...]
    reader_: Reader

    def __init__(
        self,
        viewpoints: str = "auto",
        short_term: str = "auto",
        *,
        given: str = "",
        order: int = 6,
        choose: bool = True,
        penalty: float = 1.0,
        max_events: int = 10_000,
        seed: int = 0,
    ) -> None:
        self.viewpoints = viewpoints
        self.short_term = short_term
        self.given = given
        self.order = order
        self.choose = choose
        self.penalty = penalty
        self.max_events = max_events
        self.seed = seed

    def fit(self, corpus: TokenCorpus) -> Self:
        """Count and weigh; returns self. Raises EmptyCorpusError, InvalidParameterError, UnknownNameError."""
        self._check_params()
        if not len(corpus.symbols):
            raise EmptyCorpusError("there is nothing to learn from: the corpus has no symbols")
        reader = self._reader(corpus.vocabulary)
        self.stale_ = False
        return self._settle(corpus.vocabulary, reader, learn(reader, self._told(corpus), self._lesson))

    @property
    def _given(self) -> list[str]:
        return [name.strip() for name in self.given.split(",") if name.strip()]

    def _told(self, corpus: TokenCorpus) -> TokenCorpus:
        """The corpus with what is given in its headers."""
        return corpus.giving(*self._given) if self._given else corpus

    @property
    def _lesson(self) -> Lesson:
        return Lesson(self.penalty, self.max_events, self.seed, self.choose)

    @property
    def gains_(self) -> dict[str, Gains]:
        """What each viewpoint gains, by field, in bits a symbol; those not kept are silent. See `viewpoints.choice`."""
        self._check_fitted()
        return {field.name: model.gains for field, model in zip(self.vocabulary_.fields, self.fields_, strict=True)}

    @property
    def learned_(self) -> bool:
        """Whether any weights were learned; a corpus of one piece leaves nothing to learn them from."""
        self._check_fitted()
        return any(field.learned for field in self.fields_)

    def remarks(self, corpus: TokenCorpus) -> list[str]:
        """What is worth knowing of a fit to `corpus`: weights that are not learned or from a part, keys not printed."""
        n_pieces, n_weighed = len(corpus), draw(corpus, self._lesson)[0].n_events
        keyless = sum(header is None or header.key is None for header in corpus.headers)
        facts = {
            "One piece leaves nothing to learn weights from: all viewpoints are believed alike.": n_pieces == 1,
            "There is nothing to choose between, and no weights to learn.": n_pieces > 1 and not self.learned_,
            f"Weights are learned from {n_weighed:,} of {corpus.n_events:,} events, whole pieces drawn by seed "
            f"{self.seed}; counts are of all.": self.learned_ and n_weighed < corpus.n_events,
            f"No key is printed in {keyless:,} of {counted(n_pieces, 'piece')}: there the tonic is estimated from the "
            "notes so far.": keyless and "pitch" in {field.name for field in corpus.vocabulary.fields},
        }
        return [sentence for sentence, holds in facts.items() if holds]

    def _check_params(self) -> None:
        if not isinstance(self.order, int) or not 0 <= self.order <= MAX_ORDER:
            raise InvalidParameterError(f"order is {self.order!r}; expected a whole number from 0 to {MAX_ORDER}")
        if not self.penalty > 0:
            raise InvalidParameterError(f"penalty is {self.penalty!r}; expected a number above 0")
        if self.max_events < 1:
            raise InvalidParameterError(f"max_events is {self.max_events!r}; expected at least 1")

    def _reader(self, vocabulary: Vocabulary) -> Reader:
        return Reader(
            vocabulary, self._terms(self.viewpoints, vocabulary), self._terms(self.short_term, vocabulary, short=True)
        )

    def _terms(self, text: str, vocabulary: Vocabulary, *, short: bool = False) -> dict[str, list[Term]]:
        """The terms of every field: those named, or else the defaults."""
        if text == "none":
            return {}
        named = [] if text == "auto" else parse(text, self.order, vocabulary)
        check_ahead(named, vocabulary, self._given)
        found: dict[str, list[Term]] = {
            field.name: [term for term in named if resolve(term.target, vocabulary).field == field.name]
            for field in vocabulary.fields
            if field.name not in self._given
        }
        defaults = partial(default_terms, vocabulary=vocabulary, order=self.order, given=self._given, short=short)
        return {name: terms or defaults(name) for name, terms in found.items()}

    def _settle(self, vocabulary: Vocabulary, reader: Reader, fields: Sequence[FieldModel]) -> Self:
        self.vocabulary_ = vocabulary
        self.reader_ = reader
        self.fields_ = tuple(fields)
        return self

    def adapt(self, symbols: Sequence[int] | IntArray, header: Header | None = None) -> Self:
        """The model that has also counted the piece `symbols`; self stays as it is, and so do all weights.

        Raises VocabularyError for symbols outside the alphabet.
        """
        counts = self._counts().plus(Counts.of(self.reader_, self._told(self._piece(symbols, header))))
        return copy(self)._settle(self.vocabulary_, self.reader_, recounted(self.fields_, counts, self.vocabulary_))

    def merge(self, other: Self, *, pieces: TokenCorpus | None = None) -> Self:
        """The model fitted on the pieces of both. Counts add; weights are learned again from `pieces`.

        Without `pieces` they stay as they were here, and `stale_` is True. Otherwise as `BaseModel.merge`.
        """
        self._check_alike(other)
        vocabulary = self.vocabulary_.union(other.vocabulary_)
        return self._recounted(self._counts().plus(other._counts()), vocabulary, pieces)

    def forget(self, lost: TokenCorpus, *, kept: TokenCorpus | None = None) -> Self:
        """The model fitted without `lost`. Counts are taken away; weights are learned again from `kept`.

        Without `kept` they stay as they were, and `stale_` is True. Otherwise as `BaseModel.forget`.
        """
        counts = self._counts().plus(Counts.of(self.reader_, self._told(self._same_symbols(lost))), sign=-1)
        return self._recounted(counts, self.vocabulary_, kept)

    def _counts(self) -> Counts:
        self._check_fitted()
        return Counts([field.table for field in self.fields_], [field.tally for field in self.fields_])

    def _recounted(self, counts: Counts, vocabulary: Vocabulary, pieces: TokenCorpus | None) -> Self:
        other = copy(self)
        other.stale_ = pieces is None
        if pieces is None:
            return other._settle(vocabulary, self.reader_, recounted(self.fields_, counts, vocabulary))
        return other._settle(vocabulary, self.reader_, relearn(self.reader_, counts, self._told(pieces), self._lesson))

    def parts(self) -> dict[str, Self]:
        """The model with long-term terms alone and with short-term terms alone, weights as they are.

        Empty where it has only one kind.
        """
        self._check_fitted()
        plans = self.reader_.plans
        if not any(plan.n_long for plan in plans) or not any(len(plan.short) for plan in plans):
            return {}
        long, short = [field.long_term() for field in self.fields_], [field.short_term() for field in self.fields_]
        return {
            name: copy(self)._settle(self.vocabulary_, self.reader_, fields)
            for name, fields in (("long_term", long), ("short_term", short))
        }

    def restricted(self, vocabulary: Vocabulary) -> Self:
        """The same model over another alphabet of the same declaration; symbols seen must stay in it."""
        self._check_fitted()
        reason = self.vocabulary_.difference(vocabulary)
        if reason:
            raise VocabularyError(f"the model cannot take this vocabulary: {reason}")
        vocabulary.check(np.unique(np.concatenate([field.candidates for field in self.fields_])))
        return copy(self)._settle(vocabulary, self.reader_, self.fields_)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What was learned, as plain arrays: `<field>.<name>`."""
        self._check_fitted()
        named = zip(self.vocabulary_.fields, self.fields_, strict=True)
        return {f"{field.name}.{name}": array for field, model in named for name, array in model.to_arrays().items()}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]], vocabulary: Vocabulary) -> Self:
        """Take back what `to_arrays` gave, in a model with the same parameters; returns self."""
        self._check_params()
        reader = self._reader(vocabulary)
        fields = []
        for field, plan in zip(vocabulary.fields, reader.plans, strict=True):
            prefix = f"{field.name}."
            own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
            fields.append(FieldModel.from_arrays(plan, own, vocabulary))
        return self._settle(vocabulary, reader, fields)

    def initial_state(
        self, batch_size: int = 1, header: Header | Sequence[Header | None] | None = None
    ) -> ViewpointState:
        """Nothing heard. Raises VocabularyError where a header does not give what is `given`."""
        self._check_fitted()
        headers = headers_of(header, batch_size)
        check_given(headers, self._given, self.vocabulary_)
        return ViewpointState(self.reader_.begin(headers), np.arange(batch_size), batch_size)

    def corpus_log_probs(self, corpus: TokenCorpus) -> FloatArray:
        """The log probability of every symbol, in nats: (n,); 0 for those of fields that are given.

        Raises VocabularyError where `corpus` does not fit the model's vocabulary.
        """
        return stepwise_log_probs(self, self._told(self._same_symbols(corpus)))

    def advance(self, state: ViewpointState, symbols: IntArray) -> ViewpointState:
        """One more symbol a row: symbols (batch,)."""
        reading, live, heard = state.reading, state.live, symbols[state.live]
        goes_on = heard != self.vocabulary_.end
        if not goes_on.all():
            reading, live, heard = reading.rows(np.flatnonzero(goes_on)), live[goes_on], heard[goes_on]
        if not len(live):
            return ViewpointState(reading, live, state.batch_size)
        return ViewpointState(self.reader_.advance(reading, heard), live, state.batch_size)

    def next_log_probs(self, state: ViewpointState) -> FloatArray:
        """(batch, n_symbols): the log probability of every symbol."""
        reading, vocabulary = state.reading, self.vocabulary_
        out = np.full((state.batch_size, vocabulary.n_symbols), -np.inf)
        out[:, vocabulary.end] = 0.0
        if len(state.live):
            possible = vocabulary.possible(reading.field, np.arange(vocabulary.n_symbols), reading.past.present)
            due = vocabulary.due_mask[reading.field]
            rows = self.fields_[reading.field].log_probs(reading, due, possible)
            out[state.live] = as_given(rows, reading.past, reading.field, self._given) if self.given else rows
        return out

    def contributions(self, state: ViewpointState, symbols: IntArray) -> dict[str, FloatArray]:
        """What each term says for (above 0) or against each row's symbol, in nats: (n_live,) by the term's name.

        It is what the term adds to the symbol's score, less what it adds on average over the candidates as the model
        expects them. Raises VocabularyError for symbols that training never brought, of which no term has heard.
        """
        return self.fields_[state.reading.field].contributions(state.reading, symbols[state.live])

    def reasons(
        self, corpus: TokenCorpus, places: IntArray, learned: TokenCorpus | None = None, *, at_most: int = 3
    ) -> list[Reasons]:
        """What each viewpoint says for or against the symbols at `places`; see `protocols.ReasoningModel`."""
        corpus = self._same_symbols(corpus)
        return viewpoint_reasons(self, corpus, places, learned and self._same_symbols(learned), at_most)
