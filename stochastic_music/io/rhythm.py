"""From times to note values: which symbols, ties, tuplets and beams write a rhythm down readably.

Times are whole *units*, 48 to a quarter note: a 64th note is 3 units, a triplet 64th 2. A bar is cut in four steps:

1. *Snap* (`snap`): times that are neither 64ths nor triplet 64ths go to the nearest sixteenth or, in a beat where
   that fits the onsets better, the nearest triplet eighth.
2. *Tuplets* (`tuplets`): the shortest of half, quarter and eighth that holds a rhythm not made of 64ths becomes a
   3:2 tuplet, within which every multiple of 2 units can be written.
3. *Values* (`values`): a length is one note where its value shows the meter, else it is cut at the strongest place
   inside it and tied. Off-beat values as long as the beat (eighth, quarter, eighth) stay whole, but never
   across the middle of a bar. Rests never hide a beat.
4. *Beams* (`beams`): flags within one beat are joined; plain eighths over two beats of 4/4 and 2/4 or a bar of 3/4.

The rules are those of E. Gould, Behind Bars (Faber 2011), chapters "Meter" and "Grouping".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import groupby, pairwise
from typing import Literal, NamedTuple

import numpy as np

from stochastic_music.errors import EncodingError
from stochastic_music.protocols import BoolArray, FloatArray, IntArray

#: Units a quarter note.
UNITS = 48

_TYPES = ("breve", "whole", "half", "quarter", "eighth", "16th", "32nd", "64th")
#: units -> (note type, dots)
VALUES: dict[int, tuple[str, int]] = {384 >> i: (name, 0) for i, name in enumerate(_TYPES)} | {
    (384 >> i) * 3 // 2: (name, 1) for i, name in enumerate(_TYPES[:-1]) if i > 0
}
_FLAGS = {"eighth": 1, "16th": 2, "32nd": 3, "64th": 4}


class Grid(NamedTuple):
    """The inside of a bar: `rank` of each unit (the higher, the stronger), and the places no beam crosses.

    `beat` is the longest length, 48 or 24 units, that tuplets divide by themselves.
    """

    rank: tuple[int, ...]
    beat: int
    beats: tuple[int, ...]
    wide_beats: tuple[int, ...]

    @property
    def length(self) -> int:
        """Units in the bar."""
        return len(self.rank) - 1


class Region(NamedTuple):
    """A 3:2 tuplet, from `start` to `end`."""

    start: int
    end: int


class Value(NamedTuple):
    """One written note or rest: units [start, end) of the bar, its note type, dots, and its tuplet if any."""

    start: int
    end: int
    type: str
    dots: int
    tuplet: Region | None = None

    @property
    def flags(self) -> int:
        """How many beams the value takes."""
        return _FLAGS.get(self.type, 0)


Beam = Literal["begin", "continue", "end", "forward hook", "backward hook"]


@cache
def grid(numerator: int, denominator: int) -> Grid:
    """The grid of a full bar.

    >>> [grid(6, 8).rank[place] for place in (0, 24, 48, 72)]
    [6, 4, 4, 5]
    """
    unit = 4 * UNITS // denominator
    groups = [unit * n for n in _groups(numerator, denominator)]
    length = sum(groups)
    starts = list(np.cumsum([0, *groups[:-1]]))
    halves = [0, length // 2] if len(groups) == 4 else []
    levels = [[0], halves, starts, range(0, length, unit), *_halvings(unit, length)]
    fine = starts if max(groups) > unit and unit < UNITS else list(range(0, length, max(UNITS, unit // 2)))
    wide = {(4, 4): [0, 96], (2, 4): [0], (3, 4): [0], (3, 8): [0], (2, 8): [0]}.get((numerator, denominator), fine)
    fine = wide if denominator == 8 and numerator <= 3 else fine
    return Grid(
        _ranks(levels, length), UNITS if unit >= UNITS else 24, tuple(int(x) for x in fine), tuple(int(x) for x in wide)
    )


def _groups(numerator: int, denominator: int) -> list[int]:
    """How a bar is felt, in its own beats: 4 = 2 + 2, 6 = 3 + 3, 5 = 3 + 2, 7 = 2 + 2 + 3."""
    if numerator > 3 and numerator % 3 == 0 and (denominator >= 8 or numerator == 6):
        return [3] * (numerator // 3)
    if numerator <= 3:
        return [1] * numerator
    if numerator == 5:
        return [3, 2]
    return [2] * (numerator // 2 - numerator % 2) + [3] * (numerator % 2)


def _halvings(unit: int, length: int) -> Iterator[range]:
    while unit % 2 == 0:
        unit //= 2
        yield range(0, length, unit)


def _ranks(levels: Sequence[Sequence[int]], length: int) -> tuple[int, ...]:
    rank = np.zeros(length + 1, dtype=int)
    distinct: list[list[int]] = []
    for level in levels:
        if len(level) and [int(x) for x in level] not in distinct:
            distinct.append([int(x) for x in level])
    for strength, level in enumerate(reversed(distinct), start=1):
        rank[level] = strength
    rank[length] = rank[0]
    return tuple(int(x) for x in rank)


@cache
def _thirds(length: int) -> tuple[int, ...]:
    """The ranks inside a tuplet of nominal `length`: three equal parts, each halved."""
    third = length // 3
    return _ranks([[0], range(0, length, third), *_halvings(third, length)], length)


def snap(times: IntArray, onsets: IntArray, resolution: int) -> IntArray:
    """Times in ticks as units that can be written; `resolution` is ticks a quarter note.

    Beats are counted from time 0; `onsets`, in ticks, decide which of them are in triplets. Times that can be
    written stay as they are.

    >>> snap(np.array([0, 121, 240, 320]), np.array([0, 121, 240, 320]), 480).tolist()
    [0, 12, 24, 32]
    """
    exact, rest = np.divmod(times * UNITS, resolution)
    exactly = (rest == 0) & ((exact % 2 == 0) | (exact % 3 == 0))
    triplet = _triplet_beats(onsets * UNITS / resolution, int(exact.max(initial=0)) // UNITS + 1)
    place = times * UNITS / resolution
    to_sixteenth, to_third = (_nearest(place, step) for step in (12, 16))
    # a tick or two beside a triplet is that triplet, whatever other parts do in this beat
    is_third = triplet[exact // UNITS] | (np.abs(place - to_third) <= np.minimum(1, np.abs(place - to_sixteenth)))
    return _even_in_tuplets(np.where(exactly, exact, np.where(is_third, to_third, to_sixteenth)))


def _nearest(places: FloatArray, step: int) -> IntArray:
    return np.floor(places / step + 0.5).astype(np.int64) * step


def _triplet_beats(onsets: FloatArray, n_beats: int) -> BoolArray:
    """Which beats have onsets nearer to triplet eighths than to sixteenths, by summed distance."""
    beat = (onsets // UNITS).astype(np.int64)
    sixteenth, third = (np.bincount(beat, np.abs(onsets - _nearest(onsets, step)), n_beats) for step in (12, 16))
    return np.asarray(third + 1 < sixteenth)


def _even_in_tuplets(units: IntArray) -> IntArray:
    """Within a tuplet only even places can be written: 64ths off them move by one unit."""
    odd_beats = np.unique(units[units % 3 != 0] // UNITS)
    return np.where(np.isin(units // UNITS, odd_beats), units & ~1, units)


def writable(time: Fraction) -> int:
    """A bar line, in quarter notes, as units; one that cannot be written goes to the nearest sixteenth."""
    units = Fraction(time * UNITS)
    if units.denominator == 1 and (units % 2 == 0 or units % 3 == 0):
        return int(units)
    return 12 * round(units / 12)


def tuplets(places: Sequence[int], bar: Grid, first: int = 0) -> list[Region]:
    """The tuplets that a bar needs whose notes and rests begin and end at `places`.

    `first` is where in a full bar it begins (pickups, whose tuplets may have begun before them).

    >>> tuplets([0, 16, 32, 48, 72, 96], grid(2, 4)), tuplets([0, 32, 64, 96], grid(2, 4))
    ([Region(start=0, end=48)], [Region(start=0, end=96)])
    """
    regions: list[Region] = []
    for place in sorted({p for p in places if (p + first) % 3}):
        if not regions or place >= regions[-1].end:
            regions.append(_region(place, regions[-1].end if regions else -first, places, bar, first))
    return regions


def _region(place: int, free: int, places: Sequence[int], bar: Grid, first: int) -> Region:
    """The tuplet around `place`: a half note in quarters, an eighth that stands alone, else the beat.

    Raises EncodingError in bars that are shorter than an eighth.
    """
    if bar.length < 24:
        share = Fraction(bar.length, 4 * UNITS)
        raise EncodingError(f"a bar of {share} of a whole note is too short for the tuplet that its notes would need")
    half, quarter, eighth = ((place + first) // size * size - first for size in (96, 48, 24))
    if bar.beat == 24 or quarter < free or {eighth, eighth + 24} <= set(places):
        return Region(eighth, eighth + 24)
    if half >= free and half + 96 <= bar.length - first and _in_quarters(half, places):
        return Region(half, half + 96)
    return Region(quarter, quarter + 48)


def _in_quarters(half: int, places: Sequence[int]) -> bool:
    return all((p - half) % 32 == 0 for p in places if half < p < half + 96)


def values(start: int, end: int, rank: Sequence[int], *, rest: bool = False) -> list[tuple[int, int]]:
    """Cut [start, end) into lengths that have a note value and show the meter; `rank` as in `Grid`.

    >>> values(24, 96, grid(4, 4).rank), values(24, 72, grid(4, 4).rank), values(72, 120, grid(4, 4).rank)
    ([(24, 48), (48, 96)], [(24, 72)], [(72, 96), (96, 120)])
    """
    inner = rank[start + 1 : end]
    top = max(inner, default=0)
    if end - start in VALUES and (_shows_rest if rest else _shows)(start, end, rank, top):
        return [(start, end)]
    strongest = [start + 1 + i for i, r in enumerate(inner) if r == top]
    cut = strongest[0] if rank[start] < top else strongest[-1]
    return values(start, cut, rank, rest=rest) + values(cut, end, rank, rest=rest)


def _shows(start: int, end: int, rank: Sequence[int], top: int) -> bool:
    length = end - start
    if top == 0:
        return True
    if not VALUES[length][1]:
        return rank[start + length // 2] == top <= rank[start] + 1
    inner_beats = {p - start for p in range(start + 1, end) if rank[p] == top}
    return rank[start] >= top and inner_beats <= {length // 3, length // 2, 2 * length // 3}


def _shows_rest(start: int, end: int, rank: Sequence[int], top: int) -> bool:
    return top < min(rank[start], rank[end]) or top == 0


def written(start: int, end: int, regions: Sequence[Region], rank: Sequence[int], *, rest: bool) -> list[Value]:
    """The values that write [start, end) of a bar, in and between its tuplets."""
    edges = sorted({start, end, *(p for region in regions for p in region if start < p < end)})
    out: list[Value] = []
    for a, b in pairwise(edges):
        region = next((r for r in regions if r.start <= a < r.end), None)
        out += _in_tuplet(a, b, region, rest) if region else _plain(a, b, rank, rest)
    return out


def _plain(start: int, end: int, rank: Sequence[int], rest: bool) -> list[Value]:
    return [Value(a, b, *VALUES[b - a]) for a, b in values(start, end, rank, rest=rest)]


def _in_tuplet(start: int, end: int, region: Region, rest: bool) -> list[Value]:
    """Within a tuplet lengths are written half as long again as they sound."""
    zero = region.start
    rank = _thirds((region.end - zero) * 3 // 2)
    cut = values((start - zero) * 3 // 2, (end - zero) * 3 // 2, rank, rest=rest)
    return [Value(zero + a * 2 // 3, zero + b * 2 // 3, *VALUES[b - a], region) for a, b in cut]


def beams(row: Sequence[Value | None], bar: Grid, first: int = 0) -> list[list[Beam]]:
    """For each value of one voice in a bar (None: a rest), its beams from the first level on."""
    out: list[list[Beam]] = [[] for _ in row]
    for members in _runs(row, bar, first):
        flags = [row[i].flags for i in members]  # type: ignore[union-attr]
        for i, place in enumerate(members):
            out[place] = [_beam(flags, i, level) for level in range(1, flags[i] + 1)] if len(members) > 1 else []
    return out


def _runs(row: Sequence[Value | None], bar: Grid, first: int) -> Iterator[list[int]]:
    """Indices of neighbors that share a beam."""

    def beat(i: int) -> tuple[object, ...]:
        value = row[i]
        if value is None or not value.flags:
            return ("alone", i)
        wide = _last_at(bar.wide_beats, value.start + first)
        fine = wide if wide in plain else _last_at(bar.beats, value.start + first)
        return ("beamed", wide, fine)

    plain = _plain_eighths(row, bar, first)
    for (kind, *_), members in groupby(range(len(row)), key=beat):
        if kind == "beamed":
            yield list(members)


def _plain_eighths(row: Sequence[Value | None], bar: Grid, first: int) -> set[int]:
    """The wide beats in which whatever takes a beam is a plain eighth."""
    kinds: dict[int, bool] = {}
    for value in row:
        if value is not None and value.flags:
            wide = _last_at(bar.wide_beats, value.start + first)
            is_plain = value.flags == 1 and not value.dots and value.tuplet is None
            kinds[wide] = kinds.get(wide, True) and is_plain
    return {wide for wide, is_plain in kinds.items() if is_plain}


def _last_at(places: Sequence[int], place: int) -> int:
    return max((p for p in places if p <= place), default=0)


def _beam(flags: Sequence[int], i: int, level: int) -> Beam:
    before = i > 0 and flags[i - 1] >= level
    after = i + 1 < len(flags) and flags[i + 1] >= level
    if before:
        return "continue" if after else "end"
    if after:
        return "begin"
    return "forward hook" if i == 0 else "backward hook"
