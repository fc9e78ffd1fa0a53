"""IDyOM: sequences of viewpoints, each predicted by PPM, combined by their certainty [1, 2, 3].

A *viewpoint* turns the events of a piece into a sequence of its own: intervals, scale degrees, or, for a link such as
`cpint*dur`, pairs of an interval and a duration. Two PPM models of any order predict each sequence:

    long-term   knows the corpus and the piece so far; interpolated, escape C, no update exclusion; `adapt` lets it
                go on learning piece by piece (LTM+)
    short-term  knows the piece so far; interpolated, escape AX, update exclusion

What they say of the next element becomes a distribution over the symbols that may come: each symbol takes the
probability of the element it would be, given the past and the known part of the present, and symbols that would be
the same element (octaves, for `cpintfref`) share it evenly [4]. Elements that no symbol would be are left out. Then
distributions are multiplied, weighted by (relative entropy) to the power -bias: all viewpoints of the long-term
models with the bias 2, those of the short-term models likewise, and these two with the bias 7. That rule is
`mixture.geometric`.

Where a viewpoint has no reference (no note before the first), "none" is what it sees: all symbols are one element
then, and alike. START opens every sequence. The alphabet of a sequence is what it has held and what may come.

Every step compares the present with the whole corpus, as `online` does: time and memory grow with its notes, times
the number of links. That is quick for ten thousand notes and slow for a million.

`PUBLISHED` is the system that [3] selected for chorale melodies, but for its two threads, sequences of the notes that
fall on beats or open phrases, which have no counterpart here. Fields that no viewpoint predicts are predicted from
themselves alone.

[1] D. Conklin, I. H. Witten. Multiple viewpoint systems for music prediction. Journal of New Music Research 24(1),
    1995.
[2] M. T. Pearce, D. Conklin, G. A. Wiggins. Methods for combining statistical models of music. CMMR 2004.
[3] M. T. Pearce. The construction and evaluation of statistical models of melodic structure in music perception
    and composition. PhD thesis, City University London, 2005, chapters 6 to 9.
[4] T. Hedges, G. A. Wiggins. Improving predictions of derived viewpoints in multiple viewpoint systems. ISMIR 2016,
    which describes this and betters it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import (
    EmptyCorpusError,
    InvalidParameterError,
    ModelFileError,
    UnknownNameError,
    UsageError,
    VocabularyError,
)
from stochastic_music.models.base import BaseModel, headers_of, still_live
from stochastic_music.models.idyom_reasons import idyom_reasons
from stochastic_music.models.mixture import certainty, geometric
from stochastic_music.models.online import STM, OnlinePPM, tally
from stochastic_music.models.viewpoints.language import Term, check_available, known_at, missing_fields, resolve
from stochastic_music.models.viewpoints.learning import Record, longest_first, portions, record
from stochastic_music.models.viewpoints.reading import FieldPlan, Reader, Reading
from stochastic_music.models.viewpoints.tables import Keys
from stochastic_music.protocols import FloatArray, IntArray, Reasons
from stochastic_music.tokens import Header, Vocabulary

#: a selection for melodies; see the module's article
PUBLISHED = "cpint*dur,cpintfref*cpintfip,cpitch*ioi,cpintfref*fib,cpintfref*dur,cpint*dur-ratio,cpintfip"

#: who blends what was read, which is in memories and traces
MEMORIES: dict[str, tuple[OnlinePPM, ...]] = {"long": (OnlinePPM(),), "short": (STM(),), "both": (OnlinePPM(), STM())}
#: keys that stand for no element of a sequence, and for the end of a piece
_START, _END = np.uint64(1), np.uint64(2)
#: the multipliers of all keys come from this
_MULTIPLIERS = 0x6964796F6D


@dataclass(frozen=True)
class Link:
    """Viewpoints that are seen together.

    Those `derived` from the field that they predict differ from symbol to symbol; the others are `known` before it.
    """

    field: str
    derived: tuple[str, ...]
    known: tuple[str, ...]

    @property
    def term(self) -> Term:
        """What a reader is asked for: the known parts."""
        return Term(self.derived[0], tuple((name, 0) for name in self.known))


@dataclass(frozen=True, eq=False)
class Spelling:
    """The elements that symbols of one field are in each link, as keys: random linear functions of their parts.

    Link l takes the known parts from term `terms[l]` of the reader, and its derived ones with `multipliers`,
    (n_links, n_targets). Two elements share a key with probability 2^-60 or so, as in `viewpoints.tables`.
    """

    terms: IntArray
    multipliers: Keys

    @classmethod
    def of(cls, links: Sequence[Link], plan: FieldPlan) -> Self:
        """The spelling of links that predict the field of `plan`."""
        terms = np.array([plan.terms.index(link.term) for link in links])
        taken = np.array([[viewpoint.name in link.derived for viewpoint in plan.targets] for link in links])
        odd = np.random.default_rng(_MULTIPLIERS).integers(1 << 63, size=taken.shape, dtype=np.uint64) * 2 + 1
        return cls(terms, np.where(taken, odd, np.uint64(0)))

    def keys(self, known: Keys, seen: IntArray) -> Keys:
        """From the known parts (n, n_terms) and what targets see of symbols (n, n_targets, m): (n, n_links, m)."""
        derived = np.einsum("lt,ntm->nlm", self.multipliers, seen.astype(np.uint64))
        keys: Keys = known[:, self.terms, None] + derived
        return keys


def _without(texts: Sequence[Keys], lost: Sequence[Keys]) -> list[Keys]:
    """Texts of each field without the last piece that reads as `lost` in all of them. Raises UsageError."""
    cuts = [np.append(np.flatnonzero(text[0] == _START), text.shape[1]).tolist() for text in texts]
    for number in range(len(cuts[0]) - 2, -1, -1):
        spans = [slice(cut[number], cut[number + 1]) for cut in cuts]
        if all(np.array_equal(text[:, span], gone) for text, span, gone in zip(texts, spans, lost, strict=True)):
            return [np.delete(text, span, axis=1) for text, span in zip(texts, spans, strict=True)]
    raise UsageError("this model has not read all of these pieces: what it never saw cannot be forgotten")


def parse_links(text: str, vocabulary: Vocabulary) -> list[Link]:
    """The links that `text` names, each once; raises InvalidParameterError or UnknownNameError.

    >>> [link.derived for link in parse_links("cpint*cpintfip, cpitch", Vocabulary.plain(4, name="pitch"))]
    [('cpint', 'cpintfip'), ('cpitch',)]
    """
    return [_link(part, vocabulary) for part in dict.fromkeys(part.strip() for part in text.split(",")) if part]


def _link(text: str, vocabulary: Vocabulary) -> Link:
    parts = [resolve(name.strip(), vocabulary) for name in text.split("*")]
    for part in parts:
        check_available(part, vocabulary)
    field = parts[0].field
    if not field:
        raise InvalidParameterError(f"'{text}' begins with '{parts[0].name}', which predicts nothing: begin otherwise")
    others = [part for part in parts if part.field != field]
    for part in others:
        if not known_at(part, field, vocabulary):
            raise InvalidParameterError(f"'{text}' predicts {field}, before '{part.name}' is known: leave that out")
    derived = tuple(part.name for part in parts if part.field == field)
    return Link(field, derived, tuple(part.name for part in others))


def _readable(text: str, vocabulary: Vocabulary) -> bool:
    parts = [resolve(name, vocabulary) for name in text.split("*")]
    return all(
        not missing_fields(part, vocabulary) and (part.field == "pitch" or known_at(part, "pitch", vocabulary))
        for part in parts
    )


@dataclass(frozen=True, eq=False)
class Memory:
    """What the links of one field saw of the corpus: `text` (n_links, n) holds keys, START before every piece."""

    text: Keys

    @cached_property
    def known(self) -> list[Keys]:
        """The different elements of each link, ascending."""
        return [np.unique(row) for row in self.text]

    @cached_property
    def n_known(self) -> int:
        """Of the link that knows most."""
        return max(len(known) for known in self.known)

    @cached_property
    def column(self) -> IntArray:
        """The text in numbers: (n_links, n)."""
        return np.stack([np.searchsorted(known, row) for known, row in zip(self.known, self.text, strict=True)])

    def columns(self, keys: Keys, own: Keys) -> IntArray:
        """Numbers for `keys` (batch, n_links, m), where pieces brought `own` (batch, n_links, n) so far.

        What the corpus knows comes first, then what is new in the piece, by its first place, then what is new in
        `keys`.
        """
        pool = np.concatenate([own, keys], axis=2)
        out: IntArray = self.n_known + (keys[..., None] == pool[:, :, None]).argmax(axis=3)
        for link, known in enumerate(self.known):
            at = np.minimum(np.searchsorted(known, keys[:, link]), len(known) - 1)
            out[:, link] = np.where(known[at] == keys[:, link], at, out[:, link])
        return out


class Trace(NamedTuple):
    """What the links of one field saw of the pieces so far, START first.

    Keys, their columns, and the longest context of the piece that had them before (-1: none) are (batch, n_links, n).
    `match` (batch, n_links, n_memory + n) is how long the suffix before each place of memory and piece equals the
    present one.
    """

    key: Keys
    column: IntArray
    longest: IntArray
    match: IntArray

    @classmethod
    def begin(cls, memory: Memory, batch: int) -> Trace:
        """START alone."""
        n_links, n = memory.text.shape
        none = np.zeros((batch, n_links, 0), dtype=np.int64)
        nowhere = np.zeros((batch, n_links, n), dtype=np.int64)
        start = np.full((batch, n_links, 1), _START)
        return cls(none.astype(np.uint64), none, none, nowhere).then(memory, start)

    def then(self, memory: Memory, key: Keys) -> Trace:
        """One element more: (batch, n_links, 1)."""
        column, n = memory.columns(key, self.key), memory.text.shape[1]
        same = self.text(memory) == column
        longest = np.where(same, self.match, -1)[:, :, n:].max(axis=2, initial=-1, keepdims=True)
        return Trace(
            np.concatenate([self.key, key], axis=2),
            np.concatenate([self.column, column], axis=2),
            np.concatenate([self.longest, longest], axis=2),
            np.concatenate([np.zeros_like(column), np.where(same, self.match + 1, 0)], axis=2),
        )

    def text(self, memory: Memory) -> IntArray:
        """The columns of memory and piece, one after the other: (batch, n_links, n_memory + n)."""
        known = np.broadcast_to(memory.column, (len(self.key), *memory.column.shape))
        return np.concatenate([known, self.column], axis=2)

    def rows(self, chosen: IntArray) -> Trace:
        """Some of the rows."""
        return Trace(self.key[chosen], self.column[chosen], self.longest[chosen], self.match[chosen])

    def says(self, memory: Memory, keys: Keys, models: Sequence[OnlinePPM]) -> list[FloatArray]:
        """What each model says of symbols that would be the elements `keys`, (batch, n_links, m).

        These are log probabilities, (n_links, batch, m). An STM reads the piece alone.
        """
        batch, n_links, m = keys.shape
        n_rows, n, n_own = batch * n_links, memory.text.shape[1], self.key.shape[2]
        columns, text, match, longest = (
            part.reshape(n_rows, -1)
            for part in (memory.columns(keys, self.key), self.text(memory), self.match, self.longest)
        )
        rows, width = np.arange(n_rows)[:, None], memory.n_known + n_own + m
        shared = tally((rows * width + columns).ravel(), n_rows, width)
        heard = text != text[:, n, None]  # all but START
        said = []
        for model in models:
            first = n if isinstance(model, STM) else 0
            row, place = np.nonzero(heard[:, first:])
            place += first
            before = longest[row, place - n] if model.exclusion else np.zeros_like(row)
            blend = model.blend(row * width + text[row, place], match[row, place], before, shared > 0)
            chosen = blend[rows, columns] / shared[rows, columns]
            log_probs = np.log(chosen / chosen.sum(axis=1, keepdims=True))
            said.append(log_probs.reshape(batch, n_links, m).swapaxes(0, 1))
        return said


def shares(rows: FloatArray, bias: float) -> FloatArray:
    """How much each of distributions over the same symbols, logs (n, batch, m), counts by its certainty: (batch, n)."""
    weights = certainty(rows, np.ones(rows.shape[1:], dtype=bool)) ** bias
    share: FloatArray = weights / weights.sum(axis=1, keepdims=True)
    return share


def combined(rows: FloatArray, bias: float) -> FloatArray:
    """Distributions over the same symbols, logs (n, batch, m), multiplied by their certainty: (batch, m)."""
    return geometric(rows, shares(rows, bias))


class IdyomState(NamedTuple):
    """What the rows have read that have not ended: `live` (n_live,) are their numbers in a batch of `batch_size`.

    There is a trace a field.
    """

    reading: Reading
    traces: tuple[Trace, ...]
    live: IntArray
    batch_size: int

    def rows(self, chosen: IntArray) -> IdyomState:
        """Some of the rows, once or more."""
        places, live = still_live(self.live, self.batch_size, chosen)
        traces = tuple(trace.rows(places) for trace in self.traces)
        return IdyomState(self.reading.rows(places), traces, live, len(chosen))


class Idyom(BaseModel[IdyomState]):
    """Multiple viewpoints as IDyOM combines them, with its published settings; see the module's article.

    Args:
        viewpoints: names, links with `*` between them, separated by commas; a link predicts the field that its first
            viewpoint is derived from. "auto" takes those of `PUBLISHED` that events have the fields for.
        memory: "both", or "long" or "short" for models of one kind alone.
        bias: how much the more certain of long- and short-term models counts, 0 or more.
        viewpoint_bias: likewise of viewpoints.

    `fit` raises InvalidParameterError or UnknownNameError for what it cannot read.

        >>> scales = [[0, 1, 2, 3], [3, 2, 1, 0], [1, 2, 3, 4]]
        >>> corpus = TokenCorpus.from_sequences(scales, Vocabulary.plain(6, closed=False, name="pitch"))
        >>> model = Idyom("cpint").fit(corpus)
        >>> np.exp(model.log_probs([2, 3, 4])).round(2).tolist()  # the first has no reference: all are alike
        [0.17, 0.58, 0.89]
    """

    reader_: Reader
    links_: tuple[list[Link], ...]
    spellings_: tuple[Spelling, ...]
    memories_: tuple[Memory, ...]

    def __init__(
        self, viewpoints: str = "auto", memory: str = "both", *, bias: float = 7.0, viewpoint_bias: float = 2.0
    ) -> None:
        self.viewpoints = viewpoints
        self.memory = memory
        self.bias = bias
        self.viewpoint_bias = viewpoint_bias

    def fit(self, corpus: TokenCorpus) -> Self:
        """Remember `corpus`; returns self. Raises EmptyCorpusError, InvalidParameterError, UnknownNameError."""
        if not len(corpus.symbols):
            raise EmptyCorpusError("there is nothing to learn from: the corpus has no symbols")
        self._plan(corpus.vocabulary)
        self.memories_ = tuple(map(Memory, self._texts(corpus)))
        return self

    def _plan(self, vocabulary: Vocabulary) -> None:
        """Set what follows from the parameters alone."""
        if self.memory not in MEMORIES:
            raise UnknownNameError("memory", str(self.memory), MEMORIES)
        for name, bias in (("bias", self.bias), ("viewpoint_bias", self.viewpoint_bias)):
            if not 0 <= bias < np.inf:
                raise InvalidParameterError(f"{name} is {bias!r}; expected a number, 0 or more")
        links = self._links(vocabulary)
        terms = {
            field: [term for link in group for term in (link.term, *(Term(name, ()) for name in link.derived))]
            for field, group in links.items()
        }
        self.reader_ = Reader(vocabulary, terms, {})
        self.links_ = tuple(links.values())
        self.spellings_ = tuple(map(Spelling.of, self.links_, self.reader_.plans))
        self.vocabulary_ = vocabulary

    def _links(self, vocabulary: Vocabulary) -> dict[str, list[Link]]:
        """The links of every field: those named, or else the field by itself."""
        text = self.viewpoints
        if text == "auto":
            text = ",".join(part for part in PUBLISHED.split(",") if _readable(part, vocabulary))
        named = parse_links(text, vocabulary)
        found = {field.name: [link for link in named if link.field == field.name] for field in vocabulary.fields}
        return {name: links or parse_links(name, vocabulary) for name, links in found.items()}

    def _texts(self, corpus: TokenCorpus) -> list[Keys]:
        """What the links of each field see of the pieces, in their order: (n_links, n) each."""
        numbered = replace(corpus, names=tuple(map(str, range(len(corpus)))))
        portioned, order = [], []
        for part in portions(numbered):
            portioned.append(list(map(self._text, self.spellings_, record(self.reader_, part))))
            order += [int(part.names[i]) for i in longest_first(part)]
        texts = [np.concatenate(texts, axis=1) for texts in zip(*portioned, strict=True)]
        piece = [np.array(order)[np.cumsum(text[0] == _START) - 1] for text in texts]
        return [text[:, np.argsort(of, kind="stable")] for text, of in zip(texts, piece, strict=True)]

    def _text(self, spelling: Spelling, record: Record) -> Keys:
        heard = record.heard
        keys = spelling.keys(record.keys[heard], record.seen[heard][:, :, None])[:, :, 0].T
        text = np.full((len(keys), len(heard), heard.shape[1] + 1), _START)
        text[:, :, 1:][:, heard] = np.where(record.came[heard] == self.vocabulary_.end, _END, keys)
        return text[:, np.pad(heard, ((0, 0), (1, 0)), constant_values=True)]

    def adapt(self, symbols: Sequence[int] | IntArray, header: Header | None = None) -> Self:
        """The model that has also learned the piece `symbols`; self stays as it is.

        Raises VocabularyError for symbols outside the alphabet.
        """
        return self._knowing(self._texts(self._piece(symbols, header)), self.vocabulary_)

    def merge(self, other: Self, *, pieces: TokenCorpus | None = None) -> Self:  # noqa: ARG002, texts add up without
        """The model fitted on the pieces of both, one text after the other; otherwise as `BaseModel.merge`."""
        self._check_alike(other)
        return self._knowing([memory.text for memory in other.memories_], self.vocabulary_.union(other.vocabulary_))

    def forget(self, lost: TokenCorpus, *, kept: TokenCorpus | None = None) -> Self:  # noqa: ARG002, as above
        """The model fitted without `lost`, whose texts are cut out; otherwise as `BaseModel.forget`."""
        lost = self._same_symbols(lost)
        texts = [memory.text for memory in self.memories_]
        for i in range(len(lost)):
            texts = _without(texts, self._texts(lost.select([i])))
        other = copy(self)
        other.memories_ = tuple(map(Memory, texts))
        return other

    def _knowing(self, texts: Sequence[Keys], vocabulary: Vocabulary) -> Self:
        """The model over another alphabet that has also read `texts`, one a field."""
        other = copy(self)
        pairs = zip(self.memories_, texts, strict=True)
        other.memories_ = tuple(Memory(np.concatenate([memory.text, text], axis=1)) for memory, text in pairs)
        other.vocabulary_ = vocabulary
        return other

    def parts(self) -> dict[str, Self]:
        """The model with long-term memory alone and with short-term memory alone; empty where it has only one."""
        self._check_fitted()
        if self.memory != "both":
            return {}
        return {f"{name}_term": copy(self).set_params(memory=name) for name in ("long", "short")}

    def restricted(self, vocabulary: Vocabulary) -> Self:
        """The same memories over another alphabet of the same declaration."""
        self._check_fitted()
        if reason := self.vocabulary_.difference(vocabulary):
            raise VocabularyError(f"the model cannot take this vocabulary: {reason}")
        other = copy(self)
        other.vocabulary_ = vocabulary
        return other

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What was read, by field."""
        self._check_fitted()
        return {field.name: memory.text for field, memory in zip(self.vocabulary_.fields, self.memories_, strict=True)}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]], vocabulary: Vocabulary) -> Self:
        """Take back what `to_arrays` gave, in a model with the same parameters; returns self."""
        names = [field.name for field in vocabulary.fields]
        if missing := set(names) - set(arrays):
            raise ModelFileError(f"these arrays hold no text of {', '.join(sorted(missing))}: fit the model again")
        self._plan(vocabulary)
        self.memories_ = tuple(Memory(np.asarray(arrays[name])) for name in names)
        return self

    def initial_state(self, batch_size: int = 1, header: Header | Sequence[Header | None] | None = None) -> IdyomState:
        """Nothing heard."""
        self._check_fitted()
        reading = self.reader_.begin(headers_of(header, batch_size))
        traces = tuple(Trace.begin(memory, batch_size) for memory in self.memories_)
        return IdyomState(reading, traces, np.arange(batch_size), batch_size)

    def advance(self, state: IdyomState, symbols: IntArray) -> IdyomState:
        """One more symbol a row: symbols (batch,)."""
        heard = np.asarray(symbols, dtype=np.int64)[state.live]
        if (heard == self.vocabulary_.end).any():
            kept = np.flatnonzero(heard != self.vocabulary_.end)
            traces = tuple(trace.rows(kept) for trace in state.traces)
            state, heard = IdyomState(state.reading.rows(kept), traces, state.live[kept], state.batch_size), heard[kept]
        if not len(heard):
            return state
        reading, field = state.reading, state.reading.field
        seen = self.reader_.symbols(reading, self.vocabulary_.values(heard))[:, :, None]
        trace = state.traces[field].then(self.memories_[field], self.spellings_[field].keys(reading.keys, seen))
        traces = (*state.traces[:field], trace, *state.traces[field + 1 :])
        return state._replace(reading=self.reader_.advance(reading, heard), traces=traces)

    def next_log_probs(self, state: IdyomState) -> FloatArray:
        """(batch, n_symbols): the log probability of every symbol."""
        vocabulary = self.vocabulary_
        out = np.full((state.batch_size, vocabulary.n_symbols), -np.inf)
        out[:, vocabulary.end] = 0.0
        if len(state.live):
            may_come = np.flatnonzero(vocabulary.due_mask[state.reading.field])
            out[state.live, vocabulary.end] = -np.inf
            out[state.live[:, None], may_come] = self._say(state, may_come)
        return out

    def _say(self, state: IdyomState, symbols: IntArray) -> FloatArray:
        """The log probabilities of the symbols (m,) of the field now due: (n_live, m)."""
        return self.together(self.said(state, symbols))

    def said(self, state: IdyomState, symbols: IntArray) -> list[FloatArray]:
        """What each link says of them, out of each memory: (n_links, n_live, m) each."""
        field = state.reading.field
        return state.traces[field].says(self.memories_[field], self.elements(state, symbols), self.readers)

    def elements(self, state: IdyomState, symbols: IntArray) -> Keys:
        """What the symbols (m,) of the field now due would be in each link: (n_live, n_links, m)."""
        reading, field = state.reading, state.reading.field
        seen = self.reader_.plans[field].see(self.vocabulary_.values(symbols)[None], reading.references)
        keys = self.spellings_[field].keys(reading.keys, seen)
        keys[:, :, symbols == self.vocabulary_.end] = _END
        return keys

    def together(self, said: Sequence[FloatArray]) -> FloatArray:
        """What all say together: (n_live, m)."""
        return combined(np.stack([combined(rows, self.viewpoint_bias) for rows in said]), self.bias)

    def shares(self, said: Sequence[FloatArray]) -> FloatArray:
        """How much each link counts, out of each memory: (n_memories, n_live, n_links)."""
        memories = shares(np.stack([combined(rows, self.viewpoint_bias) for rows in said]), self.bias)
        return memories.T[:, :, None] * np.stack([shares(rows, self.viewpoint_bias) for rows in said])

    @property
    def readers(self) -> tuple[OnlinePPM, ...]:
        """Who blends what was read, one a memory."""
        return MEMORIES[self.memory]

    def reasons(
        self,
        corpus: TokenCorpus,
        places: IntArray,
        learned: TokenCorpus | None = None,  # noqa: ARG002, it does not know where it learned
        *,
        at_most: int = 3,  # noqa: ARG002
    ) -> list[Reasons]:
        """What each link says for or against the symbols at `places`; see `protocols.ReasoningModel`."""
        return idyom_reasons(self, self._same_symbols(corpus), places)
