"""The grid that notes are counted on.

A grid such as `1/16,1/12` names parts of a whole note. A position is on the grid if it is a multiple
of any of them, *counted from the bar line* of its own bar; a pickup counts as the end of a full bar. The *unit* is
the largest time that divides all parts and a quarter note: 12 units a quarter for `1/16,1/12`.

Ties (a position halfway between two grid points) go to the earlier point. All arithmetic is in whole
numbers, so the result depends neither on the machine nor on how long the piece is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from stochastic_music.errors import EncodingError, InvalidParameterError
from stochastic_music.protocols import IntArray
from stochastic_music.tokens.header import Meter


@dataclass(frozen=True)
class Grid:
    """Which positions in a bar exist; see the module's article.

    >>> grid = Grid("1/16,1/12")
    >>> grid.resolution, grid.period, grid.points.tolist()
    (12, 12, [0, 3, 4, 6, 8, 9, 12])
    >>> grid.snap(np.array([0, 125, 160, 230, 300]), 480).tolist()
    [0, 3, 4, 6, 8]
    """

    spec: str = "1/16,1/12"

    @cached_property
    def denominators(self) -> tuple[int, ...]:
        """The parts of a whole note; raises InvalidParameterError where `spec` names none."""
        parts = [re.fullmatch(r"\s*1/([1-9]\d{0,3})\s*", part) for part in self.spec.split(",")]
        if not all(parts):
            raise InvalidParameterError(
                f"the grid is '{self.spec}'; expected parts of a whole note such as 1/16 or 1/16,1/12"
            )
        return tuple(int(part[1]) for part in parts if part)

    @cached_property
    def resolution(self) -> int:
        """Units a quarter note."""
        return math.lcm(4, *self.denominators) // 4

    @cached_property
    def period(self) -> int:
        """Units after which the pattern of grid points repeats."""
        return math.lcm(*(4 * self.resolution // d for d in self.denominators))

    @cached_property
    def points(self) -> IntArray:
        """Grid points of one period, in units, both ends included."""
        steps = (4 * self.resolution // d for d in self.denominators)
        return np.array(sorted({u for step in steps for u in range(0, self.period + 1, step)}), dtype=np.int64)

    @cached_property
    def _midpoints_doubled(self) -> IntArray:
        return self.points[:-1] + self.points[1:]

    def snap(self, ticks: IntArray, tpq: int) -> IntArray:
        """The nearest grid points (units) to `ticks`, counted from a bar line; ticks may be negative."""
        periods, rest = np.divmod(ticks * self.resolution, self.period * tpq)
        nearest = np.searchsorted(self._midpoints_doubled * tpq, 2 * rest)
        snapped: IntArray = periods * self.period + self.points[nearest]
        return snapped

    def after(self, units: IntArray) -> IntArray:
        """The first grid points later than `units`, counted from a bar line."""
        periods, rest = np.divmod(units, self.period)
        later: IntArray = periods * self.period + self.points[np.searchsorted(self.points, rest, side="right")]
        return later


@lru_cache(maxsize=32)
def grid_of(spec: str) -> Grid:
    """The grid that `spec` names, built once."""
    return Grid(spec)


class Timeline:
    """Ticks to units for one score: where its bars lie, and the grid inside them.

    `meters` are (tick, numerator, denominator), the first at 0; `pickup` is in ticks. Raises
    EncodingError where a bar is no whole number of units.

        >>> timeline = Timeline(Grid("1/16,1/12"), 480, pickup=480, meters=[(0, 3, 4)])
        >>> timeline.units(np.array([0, 240, 480, 1760])).tolist(), timeline.pickup
        ([0, 6, 12, 44], 12)
    """

    def __init__(self, grid: Grid, tpq: int, *, pickup: int, meters: Sequence[tuple[int, int, int]]) -> None:
        self.grid, self.tpq = grid, tpq
        self._origin = pickup
        # Times count from the first bar line here; the first meter holds before it, too.
        since = self._unit_after_origin(np.array([tick for tick, _, _ in meters], dtype=np.int64)).tolist()
        changes = tidy_meters([Meter(start, n, d) for start, (_, n, d) in zip(since, meters, strict=True)])
        self._starts = [0, *(change.start for change in changes[1:])]
        self._lengths = [_checked_bar(change, grid.resolution) for change in changes]
        self._regular = not any(n % grid.period for n in (*self._starts, *self._lengths))
        self.pickup = -int(self._snap(np.zeros(1, dtype=np.int64))[0]) if pickup else 0
        later = (change._replace(start=max(change.start + self.pickup, 0)) for change in changes[1:])
        self.meters = (changes[0]._replace(start=0), *later)

    def units(self, ticks: IntArray) -> IntArray:
        """The grid points (units from the start of the piece) nearest to `ticks`."""
        positions: IntArray = np.maximum(self._snap(ticks) + self.pickup, 0)
        return positions

    def nearest(self, ticks: IntArray) -> IntArray:
        """The units nearest to `ticks`, on the grid or not: for events that are no notes."""
        if not ticks.any():
            return ticks
        units: IntArray = np.where(ticks > 0, np.maximum(self._unit_after_origin(ticks) + self.pickup, 0), 0)
        return units

    def spans(self, onset: IntArray, duration: IntArray) -> tuple[IntArray, IntArray]:
        """Onsets and ends on the grid of notes given in ticks, no note of length zero."""
        start, end = self.units(np.stack([onset, onset + duration]))
        short = end <= start
        if short.any():
            end[short] = self.after(start[short])
        return start, end

    def after(self, units: IntArray) -> IntArray:
        """The first grid points later than `units`."""
        if self._regular:
            return self.grid.after(units - self.pickup) + self.pickup
        bar, length = self._bars((units - self.pickup) * self.tpq)
        later: IntArray = bar + np.minimum(self.grid.after(units - self.pickup - bar), length) + self.pickup
        return later

    def error(self, ticks: IntArray, units: IntArray) -> IntArray:
        """How far each was moved, in parts of a quarter note that `error_scale` counts."""
        moved: IntArray = np.abs((units - self.pickup) * self.tpq - (ticks - self._origin) * self.grid.resolution)
        return moved

    @property
    def error_scale(self) -> int:
        """Parts of a quarter note that `error` counts in; one tick is `resolution` of them."""
        return self.tpq * self.grid.resolution

    def _unit_after_origin(self, ticks: IntArray) -> IntArray:
        units: IntArray = (2 * (ticks - self._origin) * self.grid.resolution + self.tpq) // (2 * self.tpq)
        return units

    def _snap(self, ticks: IntArray) -> IntArray:
        """The nearest grid points in units from the first bar line."""
        if self._regular:
            return self.grid.snap(ticks - self._origin, self.tpq)
        scaled = (ticks - self._origin) * self.grid.resolution
        bar, length = self._bars(scaled)
        # `snap` multiplies by the resolution: with as many ticks a quarter again, nothing is rounded.
        inside = self.grid.snap(scaled - bar * self.tpq, self.tpq * self.grid.resolution)
        snapped: IntArray = bar + np.minimum(inside, length)
        return snapped

    def _bars(self, scaled: IntArray) -> tuple[IntArray, IntArray]:
        """Start (units from the first bar line) and length of the bar each time lies in; a unit is `tpq` here."""
        starts = np.array(self._starts, dtype=np.int64)
        ends = np.append(starts[1:], 2**62)
        lengths = np.array(self._lengths, dtype=np.int64)
        span = np.maximum(np.searchsorted(starts * self.tpq, scaled, side="right") - 1, 0)
        bar = starts[span] + (scaled - starts[span] * self.tpq) // (lengths[span] * self.tpq) * lengths[span]
        return bar, np.minimum(lengths[span], ends[span] - bar)


def tidy_meters(meters: Sequence[Meter]) -> tuple[Meter, ...]:
    """Meters in order without repetition: the last of several at one time holds, one that changes nothing goes.

    >>> tidy_meters([Meter(0, 4, 4), Meter(48, 4, 4), Meter(96, 3, 4)])
    (Meter(start=0, numerator=4, denominator=4), Meter(start=96, numerator=3, denominator=4))
    """
    latest = sorted({meter.start: meter for meter in meters}.values())
    return tuple(m for i, m in enumerate(latest) if i == 0 or m[1:] != latest[i - 1][1:])


def _checked_bar(meter: Meter, resolution: int) -> int:
    if meter.numerator < 1 or meter.denominator < 1:
        raise EncodingError(f"the score has a time signature of {meter}, which is none: repair it")
    try:
        return meter.bar_length(resolution)
    except InvalidParameterError as error:
        raise EncodingError(str(error)) from error
