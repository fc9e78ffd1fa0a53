"""The beats of a score: where harmony may change.

A beat is a quarter in x/4, a half in x/2, a dotted quarter in 6/8, 9/8 and 12/8, and the whole bar in 3/8. Other meters
in eighths or less are counted in twos, with a three at the end where one is left over. A pickup has the last
beats of its bar; what is left before its first full beat is a beat cut short.

The *place* of a beat is 0 for a downbeat, 2 for the beat that halves the bar, 3 for the last, 1 for others: four
quarters are at 0, 1, 2, 3, three at 0, 1, 3, two at 0, 3.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from stochastic_music.music.bars import Bar, bars

if TYPE_CHECKING:
    from symusic.core import ScoreTick


class Beat(NamedTuple):
    """From `start` to `end` in quarter notes, at a `place` of a bar printed as `bar`; `number` counts from 1 there."""

    start: Fraction
    end: Fraction
    place: int
    bar: int
    number: int


def beats(score: ScoreTick) -> list[Beat]:
    """The beats up to the end of the last bar.

    >>> from symusic import Note, Score, TimeSignature, Track
    >>> score = Score(480)
    >>> score.time_signatures.append(TimeSignature(0, 6, 8))
    >>> score.tracks.append(Track(notes=[Note(0, 480 * 3, 60, 80)]))
    >>> [(str(beat.start), str(beat.end), beat.place) for beat in beats(score)]
    [('0', '3/2', 0), ('3/2', '3', 3)]
    """
    found: list[Beat] = []
    for bar in bars(score):
        found += _of_bar(bar)
    return found


def _of_bar(bar: Bar) -> list[Beat]:
    lengths = beat_lengths(bar.numerator, bar.denominator)
    edges = [Fraction(0)]
    for length in lengths:
        edges.append(edges[-1] + length)
    missing = bar.nominal - bar.length if bar.number == 0 else Fraction(0)  # a pickup is the end of its bar
    found = []
    for i, (start, end) in enumerate(pairwise(edges)):
        begin, stop = max(start - missing, Fraction(0)), min(end - missing, bar.length)
        if begin < stop:
            found.append(Beat(bar.start + begin, bar.start + stop, _place(i, len(lengths)), bar.number, i + 1))
    return found


def beat_lengths(numerator: int, denominator: int) -> list[Fraction]:
    """The lengths of the beats of a full bar, in quarter notes.

    >>> [str(length) for length in beat_lengths(7, 8)]
    ['1', '1', '3/2']
    """
    unit = Fraction(4, denominator)
    if denominator <= 4:
        return [unit] * numerator
    if numerator % 3 == 0:
        return [3 * unit] * (numerator // 3)
    if numerator == 1:
        return [unit]
    pairs = [2 * unit] * (numerator // 2)
    return [*pairs[:-1], 3 * unit] if numerator % 2 else pairs


def _place(i: int, n: int) -> int:
    if i == 0:
        return 0
    if n % 2 == 0 and 2 * i == n and n > 2:
        return 2
    return 3 if i == n - 1 else 1
