"""Soft terms: what music should be like, as numbers that are added to its log density.

A term is a small frozen value with `score(events) -> (batch,)`, in nats at weight 1; none is above 0, so that a
piece pays for what it lacks, and gains nothing by being longer. Weights say how much: at weight w a note pays w
times what the formula says.

    Contour      n (r - 1)         r: correlation of pitch with the curve over time, notes weighted by their length
    Tension      -sum |t - c|      t: level of a note's pitch class in the basic space of the key, c: the curve there
    Density      -sum |m - v|      m: notes that begin in a bar, v: how many were asked for
    Similarity   c - (n + g) / 2   c: notes in common (onset and pitch) with a given piece of g notes
    Style        log p - log q     of the piece under a model, beside another model if there is one

n is the number of notes. Curves are given over the piece from beginning (0) to end (1): "arch" is the commonest
shape of phrases in European folk song [1]; "rise", "fall", "wave" (up, down and back) and "flat"; or any numbers,
evenly spaced.

The basic space [2] has five levels: tonic 0, fifth 1, the third of the triad 2, the other tones of the scale 3, all
others 4.

[1] D. Huron. The melodic arch in Western folksongs. Computing in Musicology 10, 1996.
[2] F. Lerdahl. Tonal pitch space. Music Perception 5(3), 1988.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from stochastic_music.errors import InvalidParameterError, UnknownNameError
from stochastic_music.music.keys import parse_key
from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.sampling.metropolis.chains import Chains, Pieces, Reading
from stochastic_music.sampling.metropolis.layout import Layout
from stochastic_music.sampling.metropolis.reading import changed
from stochastic_music.tokens import Header, Vocabulary

#: named curves: heights at evenly spaced times
CURVES = {
    "arch": tuple(np.sin(np.pi * np.linspace(0, 1, 33)).round(9).tolist()),
    "fall": (1.0, 0.0),
    "flat": (0.0, 0.0),
    "rise": (0.0, 1.0),
    "wave": tuple(np.sin(2 * np.pi * np.linspace(0, 1, 33)).round(9).tolist()),
}


class Events(NamedTuple):
    """A batch of pieces as notes: `there` says which cells of the (batch, n) tables hold one.

    `pitch` is MIDI, of the highest note of an event; `onset` and `duration` in units of the grid (whole events where
    symbols carry no time).
    """

    pitch: IntArray
    onset: IntArray
    duration: IntArray
    there: BoolArray
    header: Header | None

    @property
    def n(self) -> FloatArray:
        """How many notes each piece has: (batch,)."""
        counts: FloatArray = self.there.sum(axis=1).astype(np.float64)
        return counts

    @property
    def middle(self) -> FloatArray:
        """Where the middle of each note lies, from 0 at the beginning of its piece to 1 at its end: (batch, n)."""
        end = np.where(self.there, self.onset + self.duration, 0).max(axis=1, initial=1)
        where: FloatArray = (self.onset + self.duration / 2) / end[:, None]
        return np.where(self.there, where, 0.0)


class SoftTerm(Protocol):
    """What music should be like."""

    @property
    def name(self) -> str:
        """What reports call it."""

    def score(self, events: Events) -> FloatArray:
        """In nats, at most 0: (batch,)."""


@dataclass(frozen=True)
class Contour:
    """Pitch follows a curve: n (r - 1), r the correlation of pitch with the curve, notes weighted by their length.

    Where all pitches are equal, and for a flat curve, r is 0. Raises UnknownNameError for a curve there is not.

    >>> rows = [60, 64, 67, 64, 60], [0, 1, 2, 3, 4], [1] * 5, [True] * 5
    >>> events = Events(*(np.array([row]) for row in rows), None)
    >>> Contour("arch").score(events).round(2).tolist(), Contour("rise").score(events).round(2).tolist()
    ([-0.07], [-5.0])
    """

    curve: str | tuple[float, ...]
    name: str = field(default="contour", init=False)

    def __post_init__(self) -> None:
        heights(self.curve)

    def score(self, events: Events) -> FloatArray:
        """The sum n (r - 1) of each piece: (batch,)."""
        weight = np.where(events.there, events.duration, 0).astype(np.float64)
        wanted = along(self.curve, events.middle)
        short: FloatArray = events.n * (_correlation(events.pitch.astype(np.float64), wanted, weight) - 1)
        return short


@dataclass(frozen=True)
class Tension:
    """Notes are as far from the tonic as a curve says: -sum |level - curve|, levels 0 to 4 of the basic space.

    A named curve runs from 0 to 4; numbers are levels. `key` is the key as the model reads it, such as "C" or "Am";
    None takes that of the header, or C.

    >>> events = Events(*(np.array([row]) for row in ([60, 66, 60], [0, 1, 2], [1] * 3, [True] * 3)), None)
    >>> Tension((0.0,), "C").score(events).tolist()
    [-4.0]
    """

    curve: str | tuple[float, ...]
    key: str | None = None
    name: str = field(default="tension", init=False)

    def __post_init__(self) -> None:
        heights(self.curve)
        levels(self.key or "C")

    def score(self, events: Events) -> FloatArray:
        """-sum |level - curve| of each piece: (batch,)."""
        scale = 4.0 if isinstance(self.curve, str) else 1.0
        key = self.key or (events.header.key if events.header else None) or "C"
        far = np.abs(levels(key)[events.pitch % 12] - scale * along(self.curve, events.middle))
        away: FloatArray = np.where(events.there, far, 0.0).sum(axis=1)
        return -away


@dataclass(frozen=True)
class Density:
    """So many notes begin in a bar: -sum over bars of |notes in the bar - `notes`|.

    Bars are those of the header; without one, four of whatever is counted. Raises InvalidParameterError below 0.
    """

    notes: float
    name: str = field(default="density", init=False)

    def __post_init__(self) -> None:
        if not 0 <= self.notes < np.inf:
            raise InvalidParameterError(f"density is {self.notes}; expected notes a bar, 0 or more")

    def score(self, events: Events) -> FloatArray:
        """-sum |notes - wanted| of each piece: (batch,)."""
        bar, n_bars = _bars(events)
        counts = np.zeros((len(bar), int(n_bars.max(initial=1))))
        rows = np.broadcast_to(np.arange(len(bar))[:, None], bar.shape)
        np.add.at(counts, (rows[events.there], bar[events.there]), 1)
        inside = np.arange(counts.shape[1]) < n_bars[:, None]
        away: FloatArray = np.where(inside, np.abs(counts - self.notes), 0.0).sum(axis=1)
        return -away


@dataclass(frozen=True)
class Similarity:
    """Notes are those of a given piece: (notes in common) - (notes of both) / 2, common being onset and pitch.

    0 for the piece itself; every note too many or missing costs a half. `notes` are (onset in units, MIDI pitch).
    """

    notes: frozenset[tuple[int, int]]
    name: str = field(default="similarity", init=False)

    def score(self, events: Events) -> FloatArray:
        """Shared notes less half of all notes: (batch,)."""
        known = np.array([onset << 7 | pitch for onset, pitch in self.notes], dtype=np.int64)
        shared = (np.isin(events.onset << 7 | events.pitch, known) & events.there).sum(axis=1)
        score: FloatArray = shared - (events.n + len(self.notes)) / 2
        return score


@dataclass(frozen=True)
class Style:
    """As a model would have it: log p(piece), less log q(piece) where there is a model `against`, in nats.

    What either of them holds to be impossible is impossible. Models read symbols, not notes, so there is no `score`.
    """

    model: Any
    against: Any = None
    name: str = "style"

    @property
    def signed(self) -> list[tuple[str, Any, float]]:
        """The models with the name and the sign that each has."""
        less = [] if self.against is None else [(f"{self.name}, against", self.against, -1.0)]
        return [(self.name, self.model, 1.0), *less]


class SoftReader:
    """A soft term under one header."""

    def __init__(self, term: SoftTerm, vocabulary: Vocabulary, header: Header | None = None) -> None:
        self.term, self.layout, self.header = term, Layout(vocabulary), header

    def __str__(self) -> str:
        return f"{self.term} under {self.header}"

    def read(self, pieces: Pieces, near: Chains | None = None) -> Reading:
        """What the term says of pieces; those that are as they were are not asked for again."""
        known = None if near is None else near.readings.get(self)
        if near is None or known is None:
            return Reading(self.term.score(events_of(self.layout, pieces, self.header)))
        rows, total = changed(pieces, near), known.total.copy()
        if len(rows):
            some = Pieces(pieces.symbols[rows], pieces.lengths[rows])
            total[rows] = self.term.score(events_of(self.layout, some, self.header))
        return Reading(total)


def events_of(layout: Layout, pieces: Pieces, header: Header | None = None) -> Events:
    """A batch of pieces as notes."""
    vocabulary, table = layout.vocabulary, layout.events(pieces)
    there = np.arange(table.shape[1]) < layout.n_events(pieces)[:, None]
    values = np.where(there[..., None], vocabulary.values(table), 0)
    pitch = np.where(there[..., None], layout.pitch[table], -1)[..., list(layout.tones)].max(axis=2)
    effects = [f.advances for f in vocabulary.fields]
    if not vocabulary.clock.ticks:
        onset = np.broadcast_to(np.arange(table.shape[1]), there.shape)
        return Events(np.maximum(pitch, 0), onset, np.ones_like(onset), there & (pitch >= 0), header)
    before = _sum(values, effects, "now")
    after = _sum(values, effects, "later") + vocabulary.step
    onset = np.cumsum(before + after, axis=1) - after
    duration = _sum(values, effects, "sounds") if "sounds" in effects else after
    return Events(np.maximum(pitch, 0), onset, duration, there & (pitch >= 0), header)


def _sum(values: IntArray, effects: Sequence[str], effect: str) -> IntArray:
    total: IntArray = values[..., [i for i, e in enumerate(effects) if e == effect]].sum(axis=2)
    return total


def heights(curve: str | tuple[float, ...]) -> tuple[float, ...]:
    """The heights of a curve at evenly spaced times. Raises UnknownNameError, or InvalidParameterError for none."""
    if isinstance(curve, str):
        if curve not in CURVES:
            raise UnknownNameError("curve", curve, CURVES)
        return CURVES[curve]
    if not curve or not np.isfinite(curve).all():
        raise InvalidParameterError(f"the curve is {curve}; expected one number or more, evenly spaced over the piece")
    return curve


def along(curve: str | tuple[float, ...], where: FloatArray) -> FloatArray:
    """The height of a curve at places from 0 to 1.

    >>> along((0.0, 4.0, 0.0), np.array([0.0, 0.25, 0.5, 1.0])).tolist()
    [0.0, 2.0, 4.0, 0.0]
    """
    points = heights(curve)
    return np.interp(where, np.linspace(0, 1, len(points)) if len(points) > 1 else [0.0], points)


def levels(key: str) -> FloatArray:
    """The level of each pitch class in the basic space of a key: (12,).

    >>> levels("C").astype(int).tolist()
    [0, 4, 3, 4, 2, 3, 4, 1, 4, 3, 4, 3]
    """
    found = parse_key(key)
    tonic, minor = found.tonic, found.is_minor
    scale = (0, 2, 3, 5, 7, 8, 10) if minor else (0, 2, 4, 5, 7, 9, 11)
    out = np.full(12, 4.0)
    out[list(scale)] = 3.0
    out[3 if minor else 4], out[7], out[0] = 2.0, 1.0, 0.0
    return np.roll(out, tonic)


def _correlation(values: FloatArray, wanted: FloatArray, weight: FloatArray) -> FloatArray:
    """Of each row, weighted; 0 where one of the two does not vary: (batch,)."""
    share = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1)
    x, y = (v - (share * v).sum(axis=1, keepdims=True) for v in (values, wanted))
    spread = (share * x**2).sum(axis=1) * (share * y**2).sum(axis=1)
    flat = spread < 1e-12
    return np.where(flat, 0.0, (share * x * y).sum(axis=1) / np.sqrt(np.where(flat, 1.0, spread)))


def _bars(events: Events) -> tuple[IntArray, IntArray]:
    """The bar in which each note begins, a pickup being bar 0 of all, and how many bars each piece has."""
    header = events.header or Header(1)
    starts, lengths, _ = header.bar_spans()
    lines = [0] if header.pickup else []
    last = int(np.where(events.there, events.onset, 0).max(initial=0))
    for i, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        until = starts[i + 1] if i + 1 < len(starts) else last + 1
        lines += list(range(start, max(until, start + 1), length))
    bar: IntArray = np.searchsorted(lines, events.onset, side="right") - 1
    return np.maximum(bar, 0), np.where(events.there, bar, 0).max(axis=1, initial=0) + 1
