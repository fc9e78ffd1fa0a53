"""Changing rhythm without leaving the bar: figures of the corpus take each other's place.

Where symbols move time, changing one of them would shift all music after it against the bar lines. So such fields are
not changed one by one. A *figure* is what they hold in one to four events in a row. A Metropolis step takes the figure
of some events and proposes one that the corpus has at the same place in the bar, of as many events and of the same
span: everything before and after stays where it was, and lengths, bar lines and the number of notes are kept. Figures
are drawn as often as the corpus has them, so the Hastings ratio is that of the counts, of the old one to the new.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from stochastic_music import _random
from stochastic_music.models.contexts import search
from stochastic_music.models.maxent.chains import Chains, Field
from stochastic_music.models.maxent.events import Columns, Events
from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.tokens import Vocabulary

#: events of the longest figure
LONGEST = 4
#: a mark holds the place in the bar below this, and the meter above
_PLACE_BITS = 20
#: added to the 64-bit seed of the chains for the words that figures draw
_RHYTHM = 1 << 65


def time_fields(vocabulary: Vocabulary) -> list[int]:
    """The fields whose symbols move time."""
    if not vocabulary.clock.ticks:
        return []
    return [f for f, field in enumerate(vocabulary.fields) if field.advances in {"now", "later"}]


class Figures(NamedTuple):
    """The figures of `width` events that a corpus has, ascending by `group`: events at one place, of one span.

    `values` (n, width, n_time_fields) and `marks` (n, width) are what they hold, `until` (n,) counts all figures up to
    each, as often as the corpus has them. `groups` (n_groups,) are the numbers of place and span, `first`
    (n_groups + 1,) where each begins; `codes` tell the figures of a group apart, and `key` (n,), which ascends, is
    made of the places in both.
    """

    width: int
    fields: tuple[int, ...]
    units: tuple[IntArray, ...]
    values: IntArray
    marks: IntArray
    codes: IntArray
    key: IntArray
    until: IntArray
    groups: IntArray
    first: IntArray

    @classmethod
    def of(cls, events: Events, columns: Columns, vocabulary: Vocabulary, width: int) -> Self:
        """Those of a corpus, of meters that do not change within."""
        last = np.repeat(events.offsets[1:], events.lengths)
        at = np.flatnonzero(np.arange(len(last)) + width <= last)
        window = at[:, None] + np.arange(width)
        following = np.minimum(at + width, last[at] - 1)
        at = window[_same_meter(events.marks[np.column_stack([window, following])], columns)]
        fields = time_fields(vocabulary)
        rows = np.concatenate([events.values[at][:, :, fields], events.marks[at][:, :, None]], axis=2)
        rows, count = np.unique(rows, axis=0, return_counts=True)
        return cls.counted(rows[:, :, :-1], rows[:, :, -1], count, (columns, vocabulary))

    @classmethod
    def counted(cls, values: IntArray, marks: IntArray, times: IntArray, declared: tuple[Columns, Vocabulary]) -> Self:
        """Different figures, each as often as `times` (n,) says."""
        columns, vocabulary = declared
        fields = time_fields(vocabulary)
        units = tuple(_units(columns, vocabulary, f) for f in fields)
        group, code = _numbers(values, marks, units)
        order = np.lexsort([code, group])
        groups, first, place = np.unique(group[order], return_index=True, return_inverse=True)
        codes, rank = np.unique(code[order], return_inverse=True)
        return cls(
            marks.shape[1],
            tuple(fields),
            units,
            values[order],
            marks[order],
            codes,
            place * len(codes) + rank,
            np.cumsum(times[order]),
            groups,
            np.append(first, len(order)),
        )

    def find(self, values: IntArray, marks: IntArray) -> tuple[IntArray, IntArray]:
        """The group of each figure (n, width, n_time_fields), and its number; -1 where the corpus has none."""
        group, code = _numbers(values, marks, self.units)
        found, rank = search(self.groups, group), search(self.codes, code)
        key = np.where((found < 0) | (rank < 0), -1, found * len(self.codes) + rank)
        return found, search(self.key, key)

    def times(self, numbers: IntArray) -> IntArray:
        """How often the corpus has each figure."""
        return self.until[numbers] - np.where(numbers > 0, self.until[numbers - 1], 0)

    def draw(self, groups: IntArray, uniforms: FloatArray) -> IntArray:
        """A figure of each group, by `uniforms` in [0, 1)."""
        before = np.where(self.first[groups] > 0, self.until[self.first[groups] - 1], 0)
        total = self.until[self.first[groups + 1] - 1] - before
        drawn: IntArray = np.searchsorted(self.until, before + np.floor(uniforms * total), side="right")
        return drawn


class Moved(NamedTuple):
    """Where figures changed: the rows of the chains, and the event from which on `width` of them are new, (n,) each."""

    rows: IntArray
    at: IntArray
    width: int


class _Windows(NamedTuple):
    """The chains in which a figure is tried, and where in their cells, (n,) each; of these figures."""

    rows: IntArray
    at: IntArray
    figures: Figures


class Rhythm:
    """Metropolis steps over the figures of chains; `fields` are the conditionals of all fields (see `chains`)."""

    def __init__(self, figures: Sequence[Figures], fields: Sequence[Field], columns: Columns, reach: int) -> None:
        self.figures = [each for each in figures if len(each.groups)]
        self.columns, self.reach = columns, reach
        moving = self.figures[0].fields if self.figures else ()
        terms = [_Terms.of(field, moving, columns.n_fields) for field in fields if self.figures]
        self._terms = [each for each in terms if len(each.table)]

    def step(self, chains: Chains, lengths: IntArray, number: int, *, first: int = 0) -> Moved:
        """One proposal for each of the chains, in place; events before `first` are left alone.

        `lengths` (n_chains,) are events of each; `number` is that of the step.
        """
        if not self.figures:
            return Moved(lengths[:0], lengths[:0], 0)
        figures = self.figures[number % len(self.figures)]
        room = lengths - first - figures.width + 1
        live = np.flatnonzero(room > 0)
        where, which, chance = (
            _random.uniforms(chains.seed + _RHYTHM, 4 * number + i, int(chains.numbers[-1]) + 1)[chains.numbers[live]]
            for i in range(3)
        )
        at = first + np.floor(where * room[live]).astype(np.int64)
        taken = self._try(chains.cells, _Windows(live, at + self.reach, figures), which, chance)
        return Moved(live[taken], at[taken], figures.width)

    def _try(self, cells: IntArray, windows: _Windows, which: FloatArray, chance: FloatArray) -> BoolArray:
        live, at, figures = windows
        width, reach, mark = figures.width, self.reach, self.columns.n_fields
        block = cells[at[:, None] + np.arange(-reach, width + reach), :, live[:, None]]
        window = slice(reach, reach + width)
        inner = block[:, window]
        groups, old = figures.find(inner[:, :, list(figures.fields)], inner[:, :, mark])
        may = (old >= 0) & self._steady(block, width)
        new = np.where(may, figures.draw(np.maximum(groups, 0), which), 0)
        other = block.copy()
        other[:, window, list(figures.fields)] = figures.values[new]
        other[:, window, mark] = figures.marks[new]
        old_energy, new_energy = np.split(self._energy(np.concatenate([block, other]), width), 2)
        gain = new_energy - old_energy
        gain += np.log(figures.times(np.maximum(old, 0)) / figures.times(new))
        taken: BoolArray = may & (np.log(np.maximum(chance, 1e-300)) < gain)
        cells[at[taken, None] + np.arange(width), :, live[taken, None]] = other[taken, window]
        return taken

    def _steady(self, block: IntArray, width: int) -> BoolArray:
        """Whether the meter is the same from the first inner event to the one that follows, if there is one."""
        marks = block[:, self.reach : self.reach + width + 1, self.columns.n_fields].copy()
        silent = marks[:, -1] == len(self.columns.marks)
        marks[:, -1] = np.where(silent, marks[:, 0], marks[:, -1])
        return _same_meter(marks, self.columns)

    def _energy(self, block: IntArray, width: int) -> FloatArray:
        """What the density owes to the moving fields of the inner events of blocks (n, width + 2 K, n_fields + 1)."""
        total = np.zeros(len(block))
        for terms in self._terms:
            own = block[:, self.reach : self.reach + width, terms.slot]
            at = self.reach + np.arange(width)[:, None] + terms.distance
            said = terms.table[block[:, at, terms.other] + terms.first, own[:, :, None]]
            met_twice = terms.moves & (at >= self.reach) & (at < self.reach + width)
            total += terms.bias[own].sum(axis=1) + np.where(met_twice, said / 2, said).sum(axis=(1, 2))
        return total


class _Terms(NamedTuple):
    """All that one field's density is made of, as one table: lookup i has the rows from `first[i]` on.

    `moves` says whether the other field moves time too: then a pair of inner events is met from both sides.
    """

    slot: int
    bias: FloatArray
    table: FloatArray
    first: IntArray
    distance: IntArray
    other: IntArray
    moves: BoolArray

    @classmethod
    def of(cls, field: Field, moving: Sequence[int], mark: int) -> Self:
        """Those of a field that moves time, or what another owes to the clock alone."""
        own = field.slot in moving
        looks = [look for look in field.lookups if own or look.slot == mark]
        empty = np.zeros((0, len(field.bias)))
        sizes = [len(look.table) for look in looks]
        other = np.array([look.slot for look in looks], dtype=np.int64)
        return cls(
            field.slot,
            field.bias if own else np.zeros_like(field.bias),
            np.concatenate([empty, *(look.table for look in looks)]),
            np.cumsum([0, *sizes[:-1]]),
            np.array([look.distance for look in looks], dtype=np.int64),
            other,
            np.isin(other, moving),
        )


def _units(columns: Columns, vocabulary: Vocabulary, field: int) -> IntArray:
    """How far each value of a field moves time; 0 for what is no symbol: (size + 2,)."""
    own = columns.symbols[columns.bounds[field] : columns.bounds[field + 1]]
    return np.append(vocabulary.values(own), [0, 0])


def _numbers(values: IntArray, marks: IntArray, units: Sequence[IntArray]) -> tuple[IntArray, IntArray]:
    """A number for place and span of each figure, and one that tells figures of one place and span apart."""
    span = np.zeros(len(values), dtype=np.int64)
    code = np.zeros(len(values), dtype=np.int64)
    for k, each in enumerate(units):
        span += each[values[:, :, k]].sum(axis=1)
        for t in range(values.shape[1]):
            code = code * len(each) + values[:, t, k]
    return marks[:, 0] << 32 | span, code


def _same_meter(marks: IntArray, columns: Columns) -> BoolArray:
    """Whether all marks (n, k) are known and of one meter: (n,)."""
    known = marks < len(columns.marks)
    meter = np.append(columns.marks, -1)[marks] >> _PLACE_BITS
    same: BoolArray = known.all(axis=1) & (meter == meter[:, :1]).all(axis=1)
    return same
