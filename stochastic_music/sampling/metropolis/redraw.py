"""Proposals that draw from a model: notes anew, given what came before them; and phrases copied to another place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.sampling.metropolis.chains import Chains, Draws, Pieces, Reading
from stochastic_music.sampling.metropolis.layout import Layout
from stochastic_music.sampling.metropolis.reading import ContextReader, Reader, WholeReader
from stochastic_music.sampling.metropolis.step import OWN
from stochastic_music.sampling.particles.crowds import pick


class Conditionals(Protocol):
    """What a model says of the next symbol, along a span of each chain."""

    def rows(self) -> FloatArray:
        """The log probability of every symbol: (n, n_symbols)."""

    def hear(self, symbols: IntArray) -> None:
        """One more symbol each: (n,)."""


@dataclass(frozen=True)
class Span:
    """The events from `first` on, `size` of them, of each chain: (n,) both."""

    first: IntArray
    size: IntArray


@dataclass(frozen=True)
class Redraw:
    """Up to `longest` notes in a row are drawn anew by a model, each given all that came before it.

    Of each event the `fields` are drawn, the others stay. The way there has probability p(new | past), the way back
    p(old | past): so what follows alone decides about a change under a target that is the model itself.
    """

    reader: ContextReader | WholeReader
    fields: tuple[int, ...]
    longest: int = 1
    name: str = "redraw"

    def propose(self, rng: Draws, chains: Chains) -> tuple[Pieces, FloatArray]:
        """Some notes anew."""
        span, possible = spans(rng, self.reader, chains, self.longest)
        pieces, log_new = drawn(rng, self.reader, chains, span, self.fields, OWN + 2)
        log_old = said(known(self.reader, chains), self.reader, span, self.fields)
        return pieces, np.where(possible, log_old - log_new, -np.inf)


@dataclass(frozen=True)
class Copy:
    """The notes of one place are copied to another: `n_events` of them, their `fields`; the rest stays as it was.

    To have a way back, half of the time the place is drawn anew by a model instead. With S places to copy from, and
    k(z) of them holding the notes z, q(z) = 1/2 k(z) / S + 1/2 p(z | past), whichever way z came about.
    """

    reader: ContextReader | WholeReader
    fields: tuple[int, ...]
    n_events: int = 4
    name: str = "copy"

    def propose(self, rng: Draws, chains: Chains) -> tuple[Pieces, FloatArray]:
        """A copied phrase, or one drawn anew."""
        layout, size = Layout(self.reader.vocabulary), self.n_events
        counts = layout.n_events(chains.pieces)
        place = rng.below(np.maximum(counts - size + 1, 0), OWN)
        span = Span(place, np.where(counts >= size, size, 0))
        sources = _sources(layout.events(chains.pieces).shape[1], counts, span)
        n_sources = sources.sum(axis=1)
        possible = (counts >= size) & (n_sources > 0)
        copied = self._copied(rng, layout, chains.pieces, span, sources)
        fresh, log_fresh = drawn(rng, self.reader, chains, span, self.fields, OWN + 3)
        copies = rng.below(np.full(len(counts), 2), OWN + 1) == 0
        possible &= copies | (log_fresh < np.inf)
        symbols = np.where(copies[:, None], copied.symbols, fresh.symbols)
        pieces = Pieces(np.where(possible[:, None], symbols, chains.symbols), chains.lengths)
        before = known(self.reader, chains)
        log_new = self._log_q(pieces, self.reader.read(pieces, chains), span, sources)
        return pieces, np.where(possible, self._log_q(chains.pieces, before, span, sources) - log_new, -np.inf)

    def _copied(self, rng: Draws, layout: Layout, pieces: Pieces, span: Span, sources: BoolArray) -> Pieces:
        source = rng.choose(sources + (sources.sum(axis=1, keepdims=True) == 0), OWN + 2)
        events, rows = layout.events(pieces).copy(), np.arange(len(source))
        for i in range(self.n_events):
            on, to = i < span.size, np.minimum(span.first + i, events.shape[1] - 1)
            come = np.minimum(source + i, events.shape[1] - 1)
            for field in self.fields:
                events[rows[on], to[on], field] = events[rows[on], come[on], field]
        return layout.pieces(events, layout.n_events(pieces))

    def _log_q(self, pieces: Pieces, reading: Reading, span: Span, sources: BoolArray) -> FloatArray:
        """The log of q(z), z being what `pieces` have in the span."""
        events = Layout(self.reader.vocabulary).events(pieces)[:, :, list(self.fields)]
        same, n = sources.copy(), events.shape[1]
        for i in range(self.n_events):
            there = np.minimum(span.first + i, n - 1)
            shifted = events[:, np.minimum(np.arange(n) + i, n - 1)]
            same &= (shifted == events[np.arange(len(there)), there][:, None]).all(axis=2)
        copies = same.sum(axis=1) / np.maximum(sources.sum(axis=1), 1)
        with np.errstate(divide="ignore"):
            log: FloatArray = np.log((copies + np.exp(said(reading, self.reader, span, self.fields))) / 2)
        return log


def spans(rng: Draws, reader: Any, chains: Chains, longest: int) -> tuple[Span, BoolArray]:
    """A span of 1 to `longest` events of each chain, and whether it lies within the piece; two slots from OWN on."""
    counts = Layout(reader.vocabulary).n_events(chains.pieces)
    first = rng.below(counts, OWN)
    size = 1 + rng.below(longest, OWN + 1)
    possible = first + size <= counts
    return Span(first, np.where(possible, size, 0)), possible


def _sources(n_events: int, counts: IntArray, span: Span) -> BoolArray:
    """The places from which a phrase as long as the span may be copied into it: (n, n_events)."""
    place, size = np.arange(n_events), span.size[:, None]
    apart: BoolArray = (np.abs(place - span.first[:, None]) >= size) & (place + size <= counts[:, None]) & (size > 0)
    return apart


def known(reader: Reader, chains: Chains) -> Reading:
    """What the reader found in the chains as they are."""
    found = chains.readings.get(reader)
    return reader.read(chains.pieces) if found is None else found


def said(reading: Reading, reader: Any, span: Span, fields: tuple[int, ...]) -> FloatArray:
    """The log probability of the `fields` of a span: (n,)."""
    n_fields = reader.vocabulary.n_fields
    assert reading.log_probs is not None  # noqa: S101 - models that conditionals are drawn from say them
    event, field = np.divmod(np.arange(reading.log_probs.shape[1]), n_fields)
    inside = (event >= span.first[:, None]) & (event < (span.first + span.size)[:, None]) & np.isin(field, fields)
    total: FloatArray = np.where(inside, reading.log_probs, 0.0).sum(axis=1)
    return total


def drawn(  # noqa: PLR0917, all that a draw stands on
    rng: Draws, reader: Any, chains: Chains, span: Span, fields: tuple[int, ...], slot: int
) -> tuple[Pieces, FloatArray]:
    """The `fields` of a span drawn by the reader's model, and their log probability, inf where it would end: (n,)."""
    n_fields, end = reader.vocabulary.n_fields, reader.vocabulary.end
    symbols, log_q = chains.symbols.copy(), np.zeros(len(chains.lengths))
    rows = np.arange(len(symbols))
    along = _along(reader, chains, span)
    for i in range(int(span.size.max(initial=0)) * n_fields):
        place = np.minimum(span.first * n_fields + i, symbols.shape[1] - 1)
        on = i < span.size * n_fields
        if i % n_fields in fields and on.any():
            log_probs = along.rows()
            new = np.minimum(rng.choose(np.exp(log_probs), slot + i), end)
            log_q += np.where(on, np.where(new == end, np.inf, log_probs[rows, new]), 0.0)
            on &= new != end
            symbols[rows[on], place[on]] = new[on]
        along.hear(symbols[rows, place])
    return Pieces(symbols, chains.lengths), log_q


def _along(reader: Any, chains: Chains, span: Span) -> Conditionals:
    if isinstance(reader, ContextReader):
        return _ByContext(reader, known(reader, chains), span)
    return _ByStepping(reader, chains, span)


class _ByContext:
    """Contexts are known: start where the span does."""

    def __init__(self, reader: ContextReader, reading: Reading, span: Span) -> None:
        assert reading.states is not None  # noqa: S101 - walkers remember
        self._reader = reader
        rows, place = np.arange(len(span.first)), span.first * reader.vocabulary.n_fields
        self._states = reading.states[rows, place]

    def rows(self) -> FloatArray:
        return self._reader.rows(self._states)

    def hear(self, symbols: IntArray) -> None:
        self._states, _ = self._reader.stepped(self._states, symbols)


class _ByStepping:
    """The model hears all pieces together; each chain's state is taken aside where its span begins."""

    def __init__(self, reader: WholeReader, chains: Chains, span: Span) -> None:
        self._model, n = reader.model, len(span.first)
        first = span.first * reader.vocabulary.n_fields
        state = self._model.initial_state(n, [reader.header] * n)
        self._states: list[Any] = [None] * n
        for place in range(int(first.max()) + 1):
            for chain in np.flatnonzero(first == place):
                self._states[chain] = pick(state, np.array([chain]))
            state = self._model.advance(state, chains.symbols[:, place])

    def rows(self) -> FloatArray:
        return np.concatenate([self._model.next_log_probs(state) for state in self._states])

    def hear(self, symbols: IntArray) -> None:
        self._states = [self._model.advance(s, symbols[i : i + 1]) for i, s in enumerate(self._states)]
