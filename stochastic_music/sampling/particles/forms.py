"""Forms for particles: what a section must take from an earlier one.

An automaton sees to the lines between sections (`constraints.section_lines`). Here particles look back at what they
themselves have played. In a section that comes back each symbol is forced: it is that of the first section of the
letter, its pitch moved; a rest at a line, whose length depends on how the section before ended, is forced by the onset
it leads to. In a varied section what can no longer come near enough, or keep far enough away, is masked. And in a first
section pitches are masked that would leave the alphabet when they are moved.

`Plan` is what holds for all chains under one header, `Tied` the tracker of a batch of them (see `foresight`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stochastic_music.constraints.form import Form
from stochastic_music.errors import UnsatisfiableError, UsageError
from stochastic_music.music.inversion import inversions
from stochastic_music.music.keys import parse_key
from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.tokens import Header, Vocabulary

_PITCHES = 128
_EPSILON = 1e-9
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Plan:
    """A form under a header.

    `first` (n_sections,) is the first section of each one's letter, `lines` (n_sections + 1,) are times in units.
    `moves` has for each section which symbol each symbol becomes, given the first pitch of the letter where it is
    inverted: (1 or 128, n_symbols), -1 where it becomes none. `usable` has for each section the symbols that every
    section of its letter can take, in the same shape.
    """

    form: Form
    vocabulary: Vocabulary
    header: Header
    lines: IntArray
    first: IntArray
    moves: tuple[IntArray, ...]
    usable: tuple[BoolArray, ...]

    @classmethod
    def of(cls, form: Form, vocabulary: Vocabulary, header: Header | None, mask: BoolArray) -> Plan:
        """The plan of a form for music of the symbols in `mask` (n_symbols,).

        Raises UsageError where sections are to be moved that have no pitches, or inverted that have several voices.
        """
        under = header or Header(vocabulary.resolution)
        turned = inversions(parse_key(under.key) if under.key else None)
        moves = tuple(_moves(vocabulary, s.shift, turned if s.inverted else None) for s in form.sections)
        copies = [[i for i, first in enumerate(form.first) if first == own] for own in form.first]
        usable = tuple(_usable([moves[i] for i in own], mask) for own in copies)
        lines, first = np.array(form.lines(under)), np.array(form.first)
        _check_moves(form, vocabulary)
        return cls(form, vocabulary, under, lines, first, moves, usable)

    def is_copy(self, section: int) -> bool:
        """Whether a section is another one again, exactly or moved."""
        return bool(self.first[section] != section) and not self.form.sections[section].varied

    def is_varied(self, section: int) -> bool:
        """Whether a section is to differ a little."""
        return self.form.sections[section].varied


def is_pitched(vocabulary: Vocabulary) -> BoolArray:
    """Which fields hold pitches: (n_fields,)."""
    return np.array([f.name == "pitch" or f.name.startswith("voice") for f in vocabulary.fields], dtype=bool)


def _moves(vocabulary: Vocabulary, shift: int, turned: IntArray | None) -> IntArray:
    """Which symbol each symbol becomes: (128, n_symbols) by the first pitch where it is `turned`, else (1, n_symbols).

    `turned` are the `inversions`. Rests and held notes stay; a pitch outside the field becomes -1.
    """
    symbols = np.arange(vocabulary.n_symbols)
    field, value = vocabulary.field_of(symbols), vocabulary.values(symbols)
    pitched = np.append(is_pitched(vocabulary), False)[field] & (value >= 0)
    moved = np.tile(value, (1 if turned is None else _PITCHES, 1))
    if turned is not None:
        moved[:, pitched] = turned[:, value[pitched]]
    lost = pitched & (moved < 0)
    moved[:, pitched] += shift
    offset = moved - np.array([*(f.first for f in vocabulary.fields), 0])[field]
    size = np.array([*(f.size for f in vocabulary.fields), 1])[field]
    inside = ~lost & (offset >= 0) & (offset < size) & (~pitched | (moved >= 0))
    return np.where(inside, vocabulary.starts[field] + offset, -1)


def _usable(moves: Sequence[IntArray], mask: BoolArray) -> BoolArray:
    """The symbols that are in `mask` however they are moved."""
    usable = np.ones((max(len(move) for move in moves), len(mask)), dtype=bool)
    for move in moves:
        usable &= (move >= 0) & mask[move]
    return usable


def _check_moves(form: Form, vocabulary: Vocabulary) -> None:
    n_pitched = int(is_pitched(vocabulary).sum())
    for section in form.sections:
        if (section.shift or section.inverted) and not n_pitched:
            raise UsageError(f"{form}: {section} moves pitches, and this encoding has none")
        if section.inverted and n_pitched > 1:
            raise UsageError(f"{form}: {section} turns a melody upside down, and this encoding has {n_pitched} voices")


class Tied:
    """Chains that follow a plan; see the module's article.

    `symbols` is (n_steps, n), `onset` (n_events, n) in units; `begins` (n, n_sections) are the events with which
    sections begin, -1 where they have not; `section` (n,) is that of the latest onset, -1 before it. In varied
    sections `met` (n,) counts the notes that are as in the first section, and `same` says whether the present one
    still may be. Raises UnsatisfiableError where `start` does not agree with the plan.
    """

    def __init__(self, plan: Plan, start: IntArray, n: int) -> None:
        self.plan, self.vocabulary = plan, plan.vocabulary
        self.clock = self.vocabulary.clock.start([plan.header] * n)
        self.symbols, self.onset = np.zeros((0, n), dtype=np.int64), np.zeros((0, n), dtype=np.int64)
        self.begins = np.full((n, len(plan.first)), -1, dtype=np.int64)
        self.section, self.met = np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self.same, self.ended = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
        self._pitched = is_pitched(self.vocabulary)
        self._rests = self.vocabulary.fields[0].advances == "now"
        if not self._rests:
            self._open(np.arange(n))
        for symbol in start.tolist():
            self._begin_with(symbol)

    @property
    def event(self) -> int:
        """How many events are complete."""
        return len(self.symbols) // self.vocabulary.n_fields

    @property
    def field(self) -> int:
        """The field now due."""
        return len(self.symbols) % self.vocabulary.n_fields

    def now(self) -> FloatArray:
        """0: chains are alive."""
        return np.zeros(len(self.section))

    def ahead(self) -> FloatArray:
        """0 where a symbol agrees with the plan."""
        allowed = np.zeros((len(self.section), self.vocabulary.n_symbols), dtype=bool)
        allowed[:, self.vocabulary.end] = self.ended
        due = np.arange(self.vocabulary.starts[self.field], self.vocabulary.starts[self.field + 1])
        follow = self._rest if self._rests and self.field == 0 else self._within
        for section in np.unique(self.section[~self.ended]).tolist():
            rows = np.flatnonzero(~self.ended & (self.section == section))
            allowed[np.ix_(rows, due)] = follow(section, rows, due)
            if section == len(self.plan.first) - 1:
                allowed[rows, self.vocabulary.end] = self._whole(section, rows)
        return np.where(allowed, 0.0, -np.inf)

    def advance(self, symbols: IntArray) -> None:
        """Remember what was played."""
        field = self.field
        self.ended = self.ended | (symbols == self.vocabulary.end)
        if self._pitched[field]:
            self._compare(symbols)
        self.symbols = np.append(self.symbols, symbols[None], axis=0)
        self.clock = self.vocabulary.clock.advance(self.clock, symbols)
        if self.field == 0:
            self.met = self.met + self.same
        if self.field == int(self._rests):
            self._open(np.flatnonzero(~self.ended))

    def pick(self, rows: IntArray) -> None:
        """What was played goes with its chain."""
        due, time, lag, spans = self.clock
        picked = type(spans)(*(column[rows] for column in spans))
        self.clock = type(self.clock)(due[rows], time[rows], lag[rows], picked)
        self.symbols, self.onset, self.begins = self.symbols[:, rows], self.onset[:, rows], self.begins[rows]
        self.section, self.met = self.section[rows], self.met[rows]
        self.same, self.ended = self.same[rows], self.ended[rows]

    def describe(self, row: int) -> str:
        """The section."""
        section = int(self.section[row])
        return f"section {section + 1} ({self.plan.form.sections[section]})" if section >= 0 else ""

    def _begin_with(self, symbol: int) -> None:
        if np.isneginf(self.ahead()[:, symbol]).any():
            raise UnsatisfiableError(
                f"the start does not agree with {self.plan.form}: its event {self.event + 1} "
                f"({self.vocabulary.describe(symbol)}) cannot stand in {self.describe(0) or 'the first section'}"
            )
        self.advance(np.full(len(self.section), symbol, dtype=np.int64))

    def _open(self, rows: IntArray) -> None:
        """Events of these chains begin now: note their onsets, and the sections that they open."""
        self.onset = np.append(self.onset, np.full((1, len(self.section)), _NEVER), axis=0)
        section = np.searchsorted(self.plan.lines, self.clock.time[rows], side="right") - 1
        inside = section < len(self.plan.first)  # what stops at the last line has no event more
        rows, section = rows[inside], section[inside]
        self.onset[-1, rows] = self.clock.time[rows]
        opened = section > self.section[rows]
        self.begins[rows[opened], section[opened]] = self.event
        self.met[rows[opened]] = 0
        self.section[rows] = section
        self.same = np.zeros_like(self.same)
        for varied in filter(self.plan.is_varied, np.unique(section).tolist()):
            own = rows[section == varied]
            self.same[own] = self._counterpart(varied, own) >= 0

    def _compare(self, symbols: IntArray) -> None:
        """A note of another pitch is not the same."""
        for section in np.unique(self.section[self.same]).tolist():
            rows = np.flatnonzero(self.same & (self.section == section))
            self.same[rows] = symbols[rows] == self._expected(section, rows)

    def _rest(self, section: int, rows: IntArray, symbols: IntArray) -> BoolArray:
        """Which rests lead to an onset that agrees with the plan, in this section or the next one."""
        onset = self.clock.time[rows][:, None] + self.vocabulary.values(symbols)
        target = np.searchsorted(self.plan.lines, onset, side="right") - 1
        stays: BoolArray = (target == section) & self._onset_agrees(section, rows, onset)
        enters: BoolArray = (target == section + 1) & self._whole(section, rows)[:, None]
        if section + 1 == len(self.plan.first) or not enters.any():
            return stays
        entered: BoolArray = enters & self._onset_agrees(section + 1, rows, onset)
        return stays | entered

    def _onset_agrees(self, section: int, rows: IntArray, onset: IntArray) -> BoolArray:
        """Whether an event of a section may begin at `onset` (n_rows, k)."""
        if section < 0 or self.plan.first[section] == section:
            return np.ones(onset.shape, dtype=bool)
        after, n_heard = onset - self.plan.lines[section], self._heard(section, rows)
        onsets, count = self._first_section(section, rows)
        if not self.plan.is_varied(section):
            padded = np.append(onsets, np.full((len(rows), 1), _NEVER), axis=1)
            expected = padded[np.arange(len(rows)), np.minimum(n_heard, count)]
            agrees: BoolArray = after == expected[:, None]
            return agrees
        new = ~np.any(onsets[:, :, None] == after[:, None, :], axis=1)
        met = np.where(n_heard > 0, self.met[rows], 0)[:, None]
        return self._within_limits(section, rows, met, n_heard[:, None] + new, after)

    def _within(self, section: int, rows: IntArray, symbols: IntArray) -> BoolArray:
        """Which symbols of the present event agree with the plan."""
        if self.plan.is_varied(section):
            return self._varied(section, rows, symbols)
        if self.plan.is_copy(section):
            forced: BoolArray = self._expected(section, rows)[:, None] == symbols
            return forced
        usable: BoolArray = self.plan.usable[section]
        if len(usable) == 1 or not self._pitched[self.field]:
            return np.tile(usable[:, symbols].any(axis=0), (len(rows), 1))
        opens = self._heard(section, rows) == 0
        own: BoolArray = usable[np.maximum(self.vocabulary.values(symbols), 0), symbols]
        pitch = np.zeros(len(rows), dtype=np.int64)
        pitch[~opens] = self._first_pitch(section, rows[~opens])
        return np.where(opens[:, None], own, usable[pitch[:, None], symbols])

    def _varied(self, section: int, rows: IntArray, symbols: IntArray) -> BoolArray:
        """Which symbols leave a varied section near enough to the first one, and far enough from it."""
        shape = (len(rows), len(symbols))
        best = np.broadcast_to(self.same[rows][:, None], shape)
        if self._pitched[self.field]:
            best = best & (self._expected(section, rows)[:, None] == symbols)
        worst = best if not self._pitched[self.field + 1 :].any() else np.zeros(shape, dtype=bool)
        after = self._stop(rows, symbols) - self.plan.lines[section]
        n_events, met = self._heard(section, rows)[:, None] + 1, self.met[rows][:, None]
        may = [self._within_limits(section, rows, met + same, n_events, after) for same in (best, worst)]
        return may[0] | may[1]

    def _stop(self, rows: IntArray, symbols: IntArray) -> IntArray:
        """When the present event stops with each symbol, at the earliest: (n_rows, n_symbols)."""
        onset, lag = self.onset[-1, rows][:, None], self.clock.lag[rows][:, None]
        if self.vocabulary.step:
            lag = np.full_like(onset, self.vocabulary.step)
        elif self.vocabulary.fields[self.field].advances == "later":
            lag = self.vocabulary.values(symbols)[None]
        return np.broadcast_to(onset + np.maximum(lag, 1), (len(rows), len(symbols)))

    def _within_limits(
        self, section: int, rows: IntArray, met: IntArray, n_events: IntArray, after: IntArray
    ) -> BoolArray:
        """Whether a varied section can still come to lie within its limits: (n_rows, k).

        `met` of the `n_events` so far, the present one among them, are as in the first section; from `after` on (units
        since the section began) more can follow.
        """
        onsets, count = self._first_section(section, rows)
        length = self.plan.lines[section + 1] - self.plan.lines[section]
        to_meet = (onsets[:, :, None] >= after[:, None, :]).sum(axis=1, where=(onsets < _NEVER)[:, :, None])
        form, first = self.plan.form, count[:, None]
        near = met + to_meet >= (1 - form.most) * np.maximum(first, n_events + to_meet) - _EPSILON
        far = met <= (1 - form.least) * np.maximum(first, n_events + length - after) + _EPSILON
        both: BoolArray = near & far
        return both

    def _whole(self, section: int, rows: IntArray) -> BoolArray:
        """Whether a section has all that it is to have: (n_rows,)."""
        if section < 0 or self.plan.first[section] == section:
            return np.ones(len(rows), dtype=bool)
        _, count = self._first_section(section, rows)
        n_heard = self._heard(section, rows)
        if self.plan.is_copy(section):
            done: BoolArray = n_heard == count
            return done
        differs = 1 - self.met[rows] / np.maximum(count, n_heard)
        form = self.plan.form
        whole: BoolArray = (differs >= form.least - _EPSILON) & (differs <= form.most + _EPSILON)
        return whole

    def _heard(self, section: int, rows: IntArray) -> IntArray:
        """How many events of a section are complete, 0 before it begins: (n_rows,)."""
        begins = self.begins[rows, section]
        return np.where(begins < 0, 0, self.event - begins)

    def _first_section(self, section: int, rows: IntArray) -> tuple[IntArray, IntArray]:
        """The onsets of the first section of a letter, since it began, (n_rows, most) padded; how many they are."""
        first = int(self.plan.first[section])
        begins, ends = self.begins[rows, first], self.begins[rows, first + 1]
        count = np.where(ends < 0, self.event, ends) - begins
        place = np.arange(count.max(initial=0))
        event = np.minimum(begins[:, None] + place, len(self.onset) - 1)
        onset = self.onset[event, rows[:, None]] - self.plan.lines[first]
        return np.where(place < count[:, None], onset, _NEVER), count

    def _counterpart(self, section: int, rows: IntArray) -> IntArray:
        """The event of the first section that begins where the present one does, -1 for none: (n_rows,)."""
        onsets, _ = self._first_section(section, rows)
        met = onsets == (self.onset[-1, rows] - self.plan.lines[section])[:, None]
        first = self.begins[rows, self.plan.first[section]]
        return np.where(met.any(axis=1), first + met.argmax(axis=1), -1)

    def _expected(self, section: int, rows: IntArray) -> IntArray:
        """The symbol that the present event takes from the first section, moved; -1 where there is none: (n_rows,)."""
        event, moves = self._counterpart(section, rows), self.plan.moves[section]
        symbol = self.symbols[np.maximum(event, 0) * self.vocabulary.n_fields + self.field, rows]
        pitch = self._first_pitch(section, rows) if len(moves) > 1 else np.zeros(len(rows), dtype=np.int64)
        return np.where(event >= 0, moves[pitch, symbol], -1)

    def _first_pitch(self, section: int, rows: IntArray) -> IntArray:
        """The pitch with which the first section of the letter begins: (n_rows,), MIDI."""
        event = self.begins[rows, self.plan.first[section]]
        field = int(self._pitched.argmax())
        return self.vocabulary.values(self.symbols[event * self.vocabulary.n_fields + field, rows])
