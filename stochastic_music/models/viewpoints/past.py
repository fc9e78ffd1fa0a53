"""What has been heard, and what can be read off it.

A batch of pieces is heard side by side, one symbol a row and step, so that all rows stand in the same field of the
same event. `Past` holds the complete events and the symbols of the present one; its methods are the questions that
viewpoints ask. Every answer is a function of the symbols so far and of the header, never of what comes.

Values are whole numbers, (batch,) each: pitches are MIDI, times units of the vocabulary. Where there is no answer
(no note before the first, no bars without a clock) it is `NONE`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np

from stochastic_music.music.keys import key_distances, parse_key
from stochastic_music.protocols import IntArray
from stochastic_music.tokens import HOLD, Header, Vocabulary
from stochastic_music.tokens.clock import ClockState, Place, Spans

#: "there is none"
NONE = -(1 << 40)
#: what is known of a voice after each event: what it sounds and since when, its latest note, and the other before that
_LINES = ("sounding", "since", "note", "prior")
#: how fast the local key forgets: an event counts so many times as much as the next
LOCAL = 0.85
#: repeats longer than this are not told apart
LONGEST_REPEAT = 8


@dataclass(frozen=True, eq=False)
class Past:
    """The events so far; see the module's article.

    `events` are the complete ones by field, and their `onset`: (batch, n_events) each. `present` holds the values
    heard of the event under way, `do` the tonics that headers give (of the major key with the same signature, as a
    pitch class from -5 to 6; NONE where unknown), `given` the values of the fields that are known from beginning to
    end, (batch, n) each and NONE after the piece, `answers` what was asked since the last complete event.
    """

    vocabulary: Vocabulary
    clock: ClockState
    do: IntArray
    events: Mapping[str, IntArray]
    present: Mapping[str, IntArray]
    given: Mapping[str, IntArray]
    answers: dict[str, IntArray] = field(default_factory=dict)

    @classmethod
    def begin(cls, vocabulary: Vocabulary, headers: Sequence[Header | None]) -> Self:
        """Nothing heard yet."""
        empty = np.zeros((len(headers), 0), dtype=np.int64)
        lines = [f"{voice} {line}" for voice in vocabulary.voices for line in _LINES]
        events = dict.fromkeys((*(f.name for f in vocabulary.fields), "onset", *lines), empty)
        return cls(vocabulary, vocabulary.clock.start(headers), tonics(headers), events, {}, given_by(headers))

    def hear(self, symbols: IntArray) -> Self:
        """The past after one more symbol a row: (batch,)."""
        clock = self.vocabulary.clock.advance(self.clock, symbols)
        name = self.vocabulary.fields[len(self.present)].name
        present = {**self.present, name: self.vocabulary.values(symbols)}
        if len(present) < self.vocabulary.n_fields:
            return type(self)(self.vocabulary, clock, self.do, self.events, present, self.given, self.answers)
        latest = {**present, "onset": self.clock.time, **self._lines(present)}
        events = {name: np.concatenate([column, latest[name][:, None]], axis=1) for name, column in self.events.items()}
        return type(self)(self.vocabulary, clock, self.do, events, {}, self.given)

    def _lines(self, present: Mapping[str, IntArray]) -> dict[str, IntArray]:
        """What is known of each voice after this event."""
        lines: dict[str, IntArray] = {}
        for voice in self.vocabulary.voices:
            sounding, note = self._sounds(voice, present[voice]), self.last(f"{voice} note")
            since = np.where(present[voice] == HOLD, self.last(f"{voice} since"), self.clock.time)
            latest = np.where(sounding >= 0, sounding, note)
            prior = np.where(latest == note, self.last(f"{voice} prior"), note)
            lines.update(zip([f"{voice} {line}" for line in _LINES], (sounding, since, latest, prior), strict=True))
        return lines

    def _sounds(self, voice: str, value: IntArray) -> IntArray:
        return np.where(value == HOLD, self.last(f"{voice} sounding"), value)

    def sounding(self, voice: str, lag: int = 0) -> IntArray:
        """What a voice sounds, a pitch or REST, `lag` events ago; below 0 ahead, if it is given. NONE if not known."""
        if lag > 0:
            return self.last(f"{voice} sounding", lag)
        if lag == 0:
            return self._sounds(voice, self.present[voice]) if voice in self.present else self.none
        return self.ahead(f"{voice} sounding", -lag)

    def ahead(self, name: str, lag: int) -> IntArray:
        """The value of a given field `lag` events after the present one; NONE after the piece, or if not given."""
        values, event = self.given.get(name), self.n_events + lag
        return self.none if values is None or event >= values.shape[1] else values[:, event]

    def rows(self, chosen: slice | IntArray) -> Self:
        """Some of the rows."""
        due, time, lag, spans = self.clock
        clock = ClockState(due[chosen], time[chosen], lag[chosen], Spans(*(part[chosen] for part in spans)))
        events = {name: column[chosen] for name, column in self.events.items()}
        present = {name: column[chosen] for name, column in self.present.items()}
        given = {name: column[chosen] for name, column in self.given.items()}
        return type(self)(self.vocabulary, clock, self.do[chosen], events, present, given)

    @property
    def n_events(self) -> int:
        """How many events are complete."""
        return int(self.events["onset"].shape[1])

    @property
    def none(self) -> IntArray:
        """No answer, for every row."""
        return np.full(len(self.do), NONE)

    @cached_property
    def _place(self) -> Place:
        return self.vocabulary.clock.place(self.clock)

    def place(self) -> Place:
        """Where in the bar the event under way begins, or, before its rest is heard, where the last one stopped."""
        return self._place

    def last(self, name: str, lag: int = 1) -> IntArray:
        """The value of a field `lag` events ago."""
        column = self.events[name]
        return column[:, -lag] if column.shape[1] >= lag else self.none

    def first(self, name: str) -> IntArray:
        """The value of a field in the first event of the piece."""
        return self.events[name][:, 0] if self.n_events else self.none

    def at(self, name: str, event: IntArray) -> IntArray:
        """The value of a field in the events numbered `event`, (batch,); NONE where there is no such event."""
        column = self.events[name]
        n = column.shape[1]
        if not n:
            return self.none
        inside = (event >= 0) & (event < n)
        return np.where(inside, column[np.arange(len(event)), event * inside], NONE)

    def tonic(self) -> IntArray:
        """`do`, from the header or else from the pitches so far, -5 to 6; NONE before the first."""
        return self._once("tonic", self._tonic)

    def _tonic(self) -> IntArray:
        unknown = self.do == NONE
        if not unknown.any() or not self.n_events:
            return self.do
        return np.where(unknown, _major_tonic(self.key()), self.do)

    def key(self, fade: float = 1.0) -> IntArray:
        """The key nearest to the pitches so far, 0 to 11 major and 12 to 23 minor from C; NONE before the first.

        An event counts `fade` times as much as the one after it.
        """
        return self._once(f"key {fade}", lambda: self._key(fade))

    def _key(self, fade: float) -> IntArray:
        names = [f"{voice} sounding" for voice in self.vocabulary.voices] or ["pitch"]
        pitches = np.stack([self.events[name] for name in names], axis=2)
        weight = fade ** np.arange(self.n_events)[::-1]
        weight = weight[None, :, None] * (pitches >= 0)
        cell = 12 * np.arange(len(pitches))[:, None, None] + pitches % 12
        total = np.bincount(cell.ravel(), weight.ravel(), 12 * len(pitches)).reshape(-1, 12)
        sums = total.sum(axis=1)
        nearest = key_distances(total / np.maximum(sums, 1e-300)[:, None]).argmin(axis=1)
        return np.where(sums > 0, nearest, NONE)

    def local_tonic(self) -> IntArray:
        """`do` as the latest pitches have it, -5 to 6; NONE before the first."""
        return self._once("local tonic", lambda: _major_tonic(self.key(LOCAL)))

    def phrase_start(self) -> IntArray:
        """The number of the first event of the phrase under way (it may be the present one)."""
        return self._once("phrase start", lambda: self._after_phrase(0))

    def previous_phrase_start(self) -> IntArray:
        """The number of the first event of the phrase before; -1 in the first phrase."""
        return self._once("previous phrase start", lambda: self._after_phrase(1))

    def _after_phrase(self, back: int) -> IntArray:
        """The event after the phrase end that lies `back` phrase ends before the latest one."""
        ends = self.events["phrase"] == 1
        passed = np.cumsum(ends[:, ::-1], axis=1)[:, ::-1]  # phrase ends from here on
        number = ends.sum(axis=1) - back
        start = (passed > back).sum(axis=1)
        return np.where(number < 0, -1, start)

    def phrase_time(self) -> IntArray:
        """How long the phrase under way has lasted when the event under way begins."""
        return self._now() - self._onset_or_now(self.phrase_start())

    def previous_phrase_time(self) -> IntArray:
        """How long the phrase before lasted; NONE in the first one."""
        start = self.previous_phrase_start()
        length = self._onset_or_now(self.phrase_start()) - self._onset_or_now(start)
        return np.where(start < 0, NONE, length)

    def _now(self) -> IntArray:
        return self.clock.time

    def _onset_or_now(self, event: IntArray) -> IntArray:
        return np.where(event < self.n_events, self.at("onset", event), self._now())

    def bars_ago(self, bars: int) -> IntArray:
        """The number of the event that sounded, or last began, at this place of the bar so many bars ago; -1: none."""
        return self._once(
            f"bars ago {bars} {'rest' in self.present}", lambda: self._begun_by(bars * self.place().bar_length)
        )

    def _begun_by(self, ago: IntArray) -> IntArray:
        begun: IntArray = (self.events["onset"] <= (self.clock.time - ago)[:, None]).sum(axis=1)
        return begun - 1

    def aligned(self, bars: int) -> IntArray:
        """1 where an event began exactly so many bars ago, 0 where one went on sounding, NONE where there was none."""
        event = self.bars_ago(bars)
        same = self.at("onset", event) == self.clock.time - bars * self.place().bar_length
        return np.where(event < 0, NONE, same.astype(np.int64))

    def repeat(self, name: str, *, steps: bool = False) -> tuple[IntArray, IntArray]:
        """Where the latest events were heard before: the event that followed then (-1: none), and how many agree.

        The longest agreement counts, of equal ones the latest. With `steps` differences are compared, so that a
        repeat may be moved up or down.
        """
        key = f"repeat {name} {steps}"
        event = self._once(key, lambda: self._repeat(name, key, steps))
        return event, self.answers[f"{key} length"]

    def _repeat(self, name: str, key: str, steps: bool) -> IntArray:
        column = self.events[name]
        column = np.diff(column, axis=1) if steps else column
        n = column.shape[1]
        run = np.zeros((len(column), max(n - 1, 0)), dtype=np.int64)
        agrees = np.ones(run.shape, dtype=bool)
        for back in range(min(LONGEST_REPEAT, n - 1)):
            agrees[:, :back] = False
            agrees[:, back:] &= column[:, : n - 1 - back] == column[:, n - 1 - back, None]
            run += agrees
        score = run * n + np.arange(run.shape[1]) if run.shape[1] else np.zeros((len(column), 1), dtype=np.int64)
        best = score.argmax(axis=1)
        length = score.max(axis=1) // max(n, 1)
        self.answers[f"{key} length"] = length
        return np.where(length > 0, best + 1 + steps, -1)

    def run(self, name: str) -> IntArray:
        """How many of the latest events in a row had the same value, up to LONGEST_REPEAT."""
        latest = self.events[name][:, ::-1][:, :LONGEST_REPEAT]
        same: IntArray = np.cumprod(latest == latest[:, :1], axis=1).sum(axis=1)
        return same

    def _once(self, key: str, ask: Callable[[], IntArray]) -> IntArray:
        """Answers that hold until the next complete event are worked out once."""
        if key not in self.answers:
            self.answers[key] = ask()
        return self.answers[key]


def _major_tonic(key: IntArray) -> IntArray:
    """The tonic, -5 to 6, of the major key with the signature of keys 0 to 23; NONE of NONE."""
    heard = np.where(key < 12, key, key + 3) % 12
    return np.where(key == NONE, NONE, np.where(heard > 6, heard - 12, heard))


def given_by(headers: Sequence[Header | None]) -> dict[str, IntArray]:
    """The fields that any of the headers gives, and what voices sound there: (batch, n) each, filled up with NONE.

    >>> given_by([Header(1, given=(("voice1", (72, 74)),)), None])["voice1"].tolist() == [[72, 74], [NONE, NONE]]
    True
    """
    rows = [dict(header.given) if header else {} for header in headers]
    given = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        given[name] = np.full((len(rows), max(len(row.get(name, ())) for row in rows)), NONE)
        for line, row in zip(given[name], rows, strict=True):
            line[: len(row.get(name, ()))] = row.get(name, ())
        given[f"{name} sounding"] = _looked_through(given[name])
    return given


def _looked_through(values: IntArray) -> IntArray:
    """The latest value that is no HOLD, (batch, n)."""
    latest = np.where(values != HOLD, np.arange(values.shape[1]), 0)
    found: IntArray = np.take_along_axis(values, np.maximum.accumulate(latest, axis=1), axis=1)
    return found


def tonics(headers: Sequence[Header | None]) -> IntArray:
    """The tonic of the major key with each header's signature, -5 to 6; NONE where the key is not known.

    >>> tonics([Header(12, key="Em"), None, Header(12, key="F#")]).tolist() == [-5, NONE, 6]
    True
    """
    return np.array([_tonic_of(header) for header in headers], dtype=np.int64)


def _tonic_of(header: Header | None) -> int:
    if header is None or header.key is None:
        return NONE
    pitch_class = 7 * parse_key(header.key).sharps % 12
    return pitch_class - 12 if pitch_class > 6 else pitch_class
