"""Prediction by partial matching that learns as it reads: short-term memory, and long-term memory that grows.

    STM        empty at the start of every piece; what it knows is the piece so far
    OnlinePPM  knows a corpus, and the piece so far; `adapt` makes of it a model that also knows a piece: read a
               corpus so, piece by piece, and it is the LTM+ of [1]. `PPM` is the frozen LTM

Both predict exactly as a `PPM` would that is fitted, before every symbol, to all that was read. Their
memory is a *text*: the elements read so far, as in `stochastic_music.models.contexts`. For every place in it
the state holds how long a suffix before that place equals the suffix before the present one. One more element e
lengthens by one what stands where e stands, and ends the rest:

    match'[j + 1] = match[j] + 1 where text[j] = e, else 0

so the places whose match has length L or more are those of the context of length L, and what follows there are
its counts. A step takes time in proportion to the text, for a whole batch at once, and nothing is searched.

Update exclusion counts a symbol in a context only where no longer context had it before: each place of the text
remembers the longest context that had.

Unlike in `PPM` every mark of the clock is read, whether it was heard before or not.

[1] M. T. Pearce, G. A. Wiggins. Improved methods for statistical modelling of monophonic music.
    Journal of New Music Research 33(4), 2004.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import EmptyCorpusError, ModelFileError, UsageError, VocabularyError
from stochastic_music.models.base import BaseModel, headers_of
from stochastic_music.models.contexts import listen, read
from stochastic_music.models.ppm import PPM, gives, keeps
from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.tokens import ClockState, Header, Vocabulary

#: what rounding leaves of a difference of counts
_NOTHING = 1e-9
#: the length of a match at places that the present place cannot be compared with
_NEVER = -1


class Text(NamedTuple):
    """What was read: each (1, n) of the text that all rows of a batch know, (batch, n) of their pieces.

    `element` as in a stream; `due` the field that each was, -1 for START and marks; `lead` the element that led
    there; `known` the longest context in which the element had been seen before, -1 where none had it.
    """

    element: IntArray
    due: IntArray
    lead: IntArray
    known: IntArray

    @classmethod
    def empty(cls, batch: int = 1) -> Text:
        """Nothing read."""
        return cls(*(np.zeros((batch, 0), dtype=np.int64) for _ in range(4)))

    def then(self, element: IntArray, due: IntArray, lead: IntArray, known: IntArray) -> Text:
        """One element more in each row: (batch,) each."""
        pairs = zip(self, (element, due, lead, known), strict=True)
        return Text(*(np.concatenate([column, new[:, None]], axis=1) for column, new in pairs))

    def without(self, piece: Text, start: int) -> Text:
        """The text without the last piece that reads as `piece`; `start` is the element START.

        Raises UsageError where there is none.
        """
        elements, wanted = self.element[0], piece.element[0]
        firsts = np.flatnonzero(elements == start)
        ends = np.append(firsts[1:], len(elements))
        for first, end in zip(firsts[::-1], ends[::-1], strict=True):
            if np.array_equal(elements[first:end], wanted):
                return Text(*(np.delete(column, slice(first, end), axis=1) for column in self))
        raise UsageError("this model has not read all of these pieces: what it never saw cannot be forgotten")


class OnlineState(NamedTuple):
    """The text of the piece, how long the suffix before each place matches the present one, what leads, the clock.

    `match` is (batch, n), for the places of the text that the model knew before, then for those of the piece.
    """

    own: Text
    match: IntArray
    lead: IntArray
    clock: ClockState


class OnlinePPM(BaseModel[OnlineState]):
    """PPM that learns as it reads, from the corpus on; see the module's article.

    Args:
        order_bound: how many complete events a context may hold, 0 or more; None for any number.
        escape: "a", "b", "c", "d" or "ax".
        exclusion: update exclusion; then `fit` takes time in proportion to the square of the corpus.
        interpolated: blend all orders, or use shorter ones for unknown symbols only.
        shortest_deterministic: predict from the shortest context with a single continuation, if there is one.

    `fit` raises InvalidParameterError or UnknownNameError for parameters outside these.
    """

    def __init__(
        self,
        order_bound: int | None = None,
        escape: str = "c",
        *,
        exclusion: bool = False,
        interpolated: bool = True,
        shortest_deterministic: bool = True,
    ) -> None:
        self.order_bound = order_bound
        self.escape = escape
        self.exclusion = exclusion
        self.interpolated = interpolated
        self.shortest_deterministic = shortest_deterministic

    def fit(self, corpus: TokenCorpus) -> Self:
        """Remember `corpus`; returns self. Raises EmptyCorpusError, InvalidParameterError."""
        PPM(**self.get_params())._check_params()
        if not len(corpus.symbols):
            raise EmptyCorpusError("there is nothing to learn from: the corpus has no symbols")
        self.vocabulary_ = corpus.vocabulary
        self.text_ = self._read_through(corpus) if self.exclusion else text_of(corpus, leads=self.order_bound != 0)
        return self

    def _read_through(self, corpus: TokenCorpus) -> Text:
        """The text of `corpus`, symbol by symbol."""
        self.text_ = Text.empty()
        for symbols, header in zip(corpus, corpus.headers, strict=True):
            self.text_ = self._after(symbols, header)
        return self.text_

    def adapt(self, symbols: Sequence[int] | IntArray, header: Header | None = None) -> Self:
        """The model that has also learned the piece `symbols`; self stays as it is.

        Raises VocabularyError for symbols outside the alphabet.
        """
        self._check_fitted()
        piece = np.asarray(symbols, dtype=np.int64)
        self.vocabulary_.check(piece)
        return self._knowing(self._after(piece, header), self.vocabulary_)

    def _after(self, symbols: IntArray, header: Header | None) -> Text:
        state = self.initial_state(1, header)
        for symbol in symbols:
            state = self.advance(state, np.array([symbol], dtype=np.int64))
        # a mark that stands before nothing was never read by anyone
        last = -1 if state.own.element[0, -1] > self.vocabulary_.n_symbols else None
        pairs = zip(self.text_, state.own, strict=True)
        return Text(*(np.concatenate([known, own[:, :last]], axis=1) for known, own in pairs))

    def merge(self, other: Self, *, pieces: TokenCorpus | None = None) -> Self:
        """The model fitted on the pieces of both: one text after the other, without `pieces`.

        With update exclusion what was new in the second text depends on the first: then it is fitted anew, as
        `BaseModel.merge` says.
        """
        if self.exclusion:
            return super().merge(other, pieces=pieces)
        self._check_alike(other)
        texts = zip(self.text_, other.text_, strict=True)
        return self._knowing(
            Text(*(np.concatenate(pair, axis=1) for pair in texts)), self.vocabulary_.union(other.vocabulary_)
        )

    def forget(self, lost: TokenCorpus, *, kept: TokenCorpus | None = None) -> Self:
        """The model fitted without `lost`, whose texts are cut out; with update exclusion as `BaseModel.forget`."""
        if self.exclusion:
            return super().forget(lost, kept=kept)
        text = self.text_
        lost = self._same_symbols(lost)
        for i in range(len(lost)):
            text = text.without(text_of(lost.select([i]), leads=self.order_bound != 0), self.vocabulary_.n_symbols)
        return self._knowing(text, self.vocabulary_)

    def _knowing(self, text: Text, vocabulary: Vocabulary) -> Self:
        other = copy(self)
        other.text_, other.vocabulary_ = text, vocabulary
        return other

    def restricted(self, vocabulary: Vocabulary) -> Self:
        """The same memory over another alphabet of the same declaration; symbols read must stay in it."""
        self._check_fitted()
        if reason := self.vocabulary_.difference(vocabulary):
            raise VocabularyError(f"the model cannot take this vocabulary: {reason}")
        vocabulary.check(np.unique(self.text_.element[self.text_.due >= 0]))
        return self._knowing(self.text_, vocabulary)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What was read, as plain arrays of integers."""
        self._check_fitted()
        return {name: column[0].copy() for name, column in self.text_._asdict().items()}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]], vocabulary: Vocabulary) -> Self:
        """Take back what `to_arrays` gave, in a model with the same parameters; returns self."""
        missing = set(Text._fields) - set(arrays)
        if missing:
            raise ModelFileError(f"these arrays hold no text, for want of {sorted(missing)}: fit the model again")
        self.vocabulary_ = vocabulary
        self.text_ = Text(*(np.asarray(arrays[name]).astype(np.int64)[None] for name in Text._fields))
        return self

    def initial_state(self, batch_size: int = 1, header: Header | Sequence[Header | None] | None = None) -> OnlineState:
        """The text known before the piece, then START and the clock's first mark."""
        self._check_fitted()
        clock = self.vocabulary_.clock.start(headers_of(header, batch_size))
        none, start = np.full(batch_size, -1), np.full(batch_size, self.vocabulary_.n_symbols)
        match = np.zeros((batch_size, self.text_.element.shape[1]), dtype=np.int64)
        own, match = self._take(Text.empty(batch_size), match, start, none, none, none)
        return self._hear(OnlineState(own, match, start if self.order_bound != 0 else none, clock))

    def advance(self, state: OnlineState, symbols: IntArray) -> OnlineState:
        """The symbols learned, and what the clock shows then heard."""
        due, n_fields = state.clock.due, self.vocabulary_.n_fields
        symbols = np.asarray(symbols, dtype=np.int64)
        known = self._known(state, symbols) if self.exclusion else np.zeros_like(symbols)
        own, match = self._take(state.own, state.match, symbols, due, state.lead, known)
        clock = self.vocabulary_.clock.advance(state.clock, symbols)
        leads = (due == n_fields - 1) & (self.order_bound != 0)
        return self._hear(OnlineState(own, match, np.where(leads, symbols, state.lead), clock))

    def _hear(self, state: OnlineState) -> OnlineState:
        """The marks read, where the clock shows any: rows that have ended read one that is never read again."""
        marks = self.vocabulary_.clock.marks(state.clock)
        if (marks < 0).all():
            return state
        elements, none = marks + self.vocabulary_.n_symbols + 1, np.full(len(marks), -1)
        own, match = self._take(state.own, state.match, elements, none, none, none)
        return state._replace(own=own, match=match)

    def _take(  # noqa: PLR0917, the columns of one text
        self, own: Text, match: IntArray, element: IntArray, due: IntArray, lead: IntArray, known: IntArray
    ) -> tuple[Text, IntArray]:
        """The piece with one element more, and the matches before every place."""
        nothing = np.zeros((len(element), 1), dtype=np.int64)
        # nothing stands before START, so no match goes on beyond it
        kept = np.where(element == self.vocabulary_.n_symbols, 0, 1)[:, None] * match
        matched = np.where(self._same(own, "element", element), kept + 1, 0)
        return own.then(element, due, lead, known), np.concatenate([nothing, matched], axis=1)

    def _same(self, own: Text, column: str, value: IntArray) -> BoolArray:
        """Where a column of all that was read equals a value a row: (batch, n)."""
        texts = (getattr(text, column) for text in (self.text_, own))
        return np.concatenate([text == value[:, None] for text in texts], axis=1)

    def _at(self, own: Text, column: str, row: IntArray, place: IntArray) -> IntArray:
        """A column of all that was read, at places: (m,)."""
        before = getattr(self.text_, column)[0]
        earlier = place < len(before)
        out = np.empty(len(place), dtype=np.int64)
        out[earlier] = before[place[earlier]]
        out[~earlier] = getattr(own, column)[row[~earlier], place[~earlier] - len(before)]
        return out

    def lengths(self, state: OnlineState) -> IntArray:
        """The longest context that each place of the text shares with the present one, -1 elsewhere: (batch, n).

        Contexts take up the leading element first, then the present event, then what came before.
        """
        due = state.clock.due
        event = self.vocabulary_.n_fields + int(self.vocabulary_.clock.ticks)
        present = due + int(self.vocabulary_.clock.ticks)
        length = state.match
        if self.order_bound != 0:
            led = self._same(state.own, "lead", state.lead)
            length = np.where(led, np.where(length < present[:, None], length + 1, length), 0)
        if self.order_bound is not None:
            length = np.minimum(length, (self.order_bound * event + present)[:, None])
        return np.where(self._same(state.own, "due", due), length, _NEVER)

    def _known(self, state: OnlineState, symbols: IntArray) -> IntArray:
        """The longest context that had these symbols before, -1 where none had: (batch,)."""
        lengths = np.where(self._same(state.own, "element", symbols), self.lengths(state), _NEVER)
        longest: IntArray = lengths.max(axis=1, initial=_NEVER)
        return longest

    def next_log_probs(self, state: OnlineState) -> FloatArray:
        """(batch, n_symbols): the log probability of every symbol."""
        due_mask = self.vocabulary_.due_mask[state.clock.due]
        probability = self._blend(state, due_mask)
        ended = state.clock.due == self.vocabulary_.n_fields
        probability[ended] = due_mask[ended]
        probability = np.where(due_mask, probability, 0.0)
        with np.errstate(divide="ignore"):
            log_probs: FloatArray = np.log(probability / probability.sum(axis=1, keepdims=True))
        return log_probs

    def _blend(self, state: OnlineState, due_mask: BoolArray) -> FloatArray:
        """What all matching contexts say together: (batch, n_symbols), not yet normalized."""
        lengths = self.lengths(state)
        row, place = np.nonzero(lengths >= 0)
        cell = row * due_mask.shape[1] + self._at(state.own, "element", row, place)
        return self.blend(cell, lengths[row, place], self._at(state.own, "known", row, place), due_mask)

    def blend(self, cell: IntArray, length: IntArray, known: IntArray, may_come: BoolArray) -> FloatArray:
        """What all contexts say together, the shortest first: (batch, n_symbols), not yet normalized.

        Each symbol of the texts is counted in the `cell` row * n_symbols + symbol, in contexts up to `length`;
        `known` is the longest context that had it before (read with update exclusion only): (n,) each.
        """
        batch, n_symbols = may_come.shape
        seen = tally(cell, batch, n_symbols) > 0
        speech = Speech.before(may_come | seen, seen)
        order = 0
        while len(cell):
            counted = known <= order if self.exclusion else np.ones(len(cell), dtype=bool)
            count = tally(cell[counted], batch, n_symbols)
            speech = speech.then(count, self.escape, interpolated=self.interpolated)
            order += 1
            longer = length >= order
            if self.shortest_deterministic:
                longer &= ((count > 0).sum(axis=1) > 1)[cell // n_symbols]
            length, known, cell = length[longer], known[longer], cell[longer]
        return speech.probability


class STM(OnlinePPM):
    """Short-term memory: PPM that starts each piece knowing nothing but the alphabet; see the module's article.

    The parameters are those of `OnlinePPM`, with what [1] found best for short-term models.

    >>> from stochastic_music.tokens import Vocabulary
    >>> model = STM(escape="c", exclusion=False)
    >>> model = model.fit(TokenCorpus.from_sequences([[4, 4]], Vocabulary.plain(5, closed=False)))
    >>> np.exp(model.log_probs([0, 1, 2, 0, 1])[-1]).round(5)  # what IDyOM says of b after abra
    np.float64(0.53333)
    """

    def __init__(
        self,
        order_bound: int | None = None,
        escape: str = "ax",
        *,
        exclusion: bool = True,
        interpolated: bool = True,
        shortest_deterministic: bool = True,
    ) -> None:
        super().__init__(
            order_bound,
            escape,
            exclusion=exclusion,
            interpolated=interpolated,
            shortest_deterministic=shortest_deterministic,
        )

    def fit(self, corpus: TokenCorpus) -> Self:
        """Take the vocabulary of `corpus`, and forget the rest; returns self."""
        PPM(**self.get_params())._check_params()
        self.vocabulary_ = corpus.vocabulary
        self.text_ = Text.empty()
        return self

    def merge(self, other: Self, *, pieces: TokenCorpus | None = None) -> Self:  # noqa: ARG002, nothing is kept
        """The same model: it keeps nothing of the corpus but the alphabet."""
        self._check_alike(other)
        return self._knowing(self.text_, self.vocabulary_.union(other.vocabulary_))

    def forget(self, lost: TokenCorpus, *, kept: TokenCorpus | None = None) -> Self:  # noqa: ARG002, as above
        """The same model: it has forgotten the corpus already."""
        self._same_symbols(lost)
        return copy(self)

    def adapt(self, symbols: Sequence[int] | IntArray, header: Header | None = None) -> Self:  # noqa: ARG002, nothing is kept
        """The same model: what was read is forgotten with its piece."""
        return self


class Speech(NamedTuple):
    """What the contexts so far say, from the shortest on, row by row; see `PPM` for the blending.

    `probability` is (batch, n_symbols); `under` what the context before the last one says; `kept` and `given`
    what the last one keeps and gives away; `share` what its gift is divided by, as a factor.
    """

    probability: FloatArray
    under: FloatArray
    kept: FloatArray
    given: FloatArray
    share: FloatArray

    @classmethod
    def before(cls, alphabet: BoolArray, seen: BoolArray) -> Speech:
        """Order -1: 1 / (size of the alphabet + 1 - symbols seen), before any context speaks."""
        base: FloatArray = alphabet / (alphabet.sum(axis=1) + 1 - seen.sum(axis=1))[:, None]
        nothing = np.zeros(len(base))
        return cls(base, base, np.zeros_like(base), nothing, nothing)

    def then(self, count: FloatArray, escape: str, *, interpolated: bool) -> Speech:
        """One context more, where it counted anything: count is (batch, n_symbols)."""
        seen = count > 0
        speaks = np.asarray(seen.any(axis=1))
        kept = np.where(seen, keeps(count, escape), 0.0)
        given = gives(seen.sum(axis=1).astype(np.float64), (count == 1).sum(axis=1).astype(np.float64), escape)
        left = np.where(seen, 0.0, self.kept).sum(axis=1)
        first = self.given == 0
        passed = (left <= _NOTHING) & ~first
        share = np.where(first, 1.0, np.where(passed, self.share, 1 / np.where(first, 1.0, left + self.given)))
        lower = np.where(passed[:, None], self.under, self.probability)
        adds = speaks[:, None] & (interpolated | (kept == 0))
        said = kept + np.where(adds, (np.where(given > 0, given, 1.0) * share)[:, None] * lower, 0.0)
        new = Speech(said, lower, kept, given, share)
        return Speech(*(np.where(_as(speaks, a), a, b) for a, b in zip(new, self, strict=True)))


def text_of(corpus: TokenCorpus, *, leads: bool) -> Text:
    """A whole corpus as one text, without what update exclusion asks for."""
    heard = listen(corpus)
    marks = np.unique(heard.mark[heard.mark >= 0])
    stream = read(corpus, heard, marks, None if leads else 0)
    n_symbols, place = corpus.n_symbols, stream.place
    is_mark = stream.element > n_symbols
    element = stream.element.copy()
    element[is_mark] = marks[element[is_mark] - n_symbols - 1] + n_symbols + 1
    due, lead = np.full(len(element), -1), np.full(len(element), -1)
    due[place] = stream.due[place]
    if leads:
        lead[place] = element[place - stream.present[place] - 1]
    return Text(*(column[None] for column in (element, due, lead, np.minimum(due, 0))))


def tally(cell: IntArray, batch: int, n_symbols: int) -> FloatArray:
    """How often each cell comes: (batch, n_symbols)."""
    return np.bincount(cell, minlength=batch * n_symbols).reshape(batch, n_symbols).astype(np.float64)


def _as(rows: BoolArray, like: FloatArray) -> BoolArray:
    """`rows` (batch,) in the number of dimensions of `like`."""
    return rows if like.ndim == 1 else rows[:, None]
