"""What stands over all parts: bars, key signatures, tempos, chord symbols and numerals, their times in units."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from stochastic_music.errors import InvalidParameterError
from stochastic_music.io.rhythm import UNITS, Grid, grid, writable
from stochastic_music.music import chords as music
from stochastic_music.music import marks
from stochastic_music.music.bars import Bar, bars
from stochastic_music.music.keys import Key, key_of
from stochastic_music.music.spelling import Spelling, spell

if TYPE_CHECKING:
    from symusic.core import ScoreTick


class Signature(NamedTuple):
    """The key that is printed from `time` (units) on."""

    time: int
    key: Key

    def spell(self, pitch: int) -> Spelling:
        """The name of a MIDI pitch in this key."""
        return spell(pitch, self.key.sharps, minor=self.key.is_minor)


class Measure(NamedTuple):
    """A bar in units, with its grid; `first` is where in a full bar it begins."""

    number: int
    start: int
    end: int
    meter: tuple[int, int]
    grid: Grid
    first: int


class Frame(NamedTuple):
    """What stands over the parts of a score; tempos are in quarter notes a minute."""

    measures: list[Measure]
    signatures: list[Signature]
    tempos: list[tuple[int, float]]
    chords: list[tuple[int, music.Chord | None]]
    numerals: list[tuple[int, str]]

    def signature(self, measure: Measure) -> Signature:
        """What is printed at a bar; a change within a bar waits for the next."""
        return [signature for signature in self.signatures if signature.time <= measure.start][-1]

    def of_part(self, *, first: bool, last: bool) -> Frame:
        """What one of the parts shows: tempos and chords stand over the first, numerals under the last."""
        return self._replace(
            tempos=self.tempos if first else [],
            chords=self.chords if first else [],
            numerals=self.numerals if last else [],
        )


def frame(score: ScoreTick) -> Frame:
    """The frame of a score."""
    return Frame(_measures(score), _signatures(score), _tempos(score), _printed_chords(score), _printed_numerals(score))


def _measures(score: ScoreTick) -> list[Measure]:
    return [measure for bar in bars(score) if (measure := _measure(bar)).end > measure.start]


def _measure(bar: Bar) -> Measure:
    start, end = writable(bar.start), writable(bar.end)
    full = grid(bar.numerator, bar.denominator)
    first = full.length - (end - start) if bar.number == 0 else 0
    return Measure(bar.number, start, end, (bar.numerator, bar.denominator), full, first)


def _signatures(score: ScoreTick) -> list[Signature]:
    """The printed key signatures, or the estimated key where there are none."""
    opening = key_of(score).key
    printed = {int(k.time): Key(int(k.key), "minor" if k.tonality else "major") for k in score.key_signatures}
    usable = [(time, key) for time, key in sorted(printed.items()) if -7 <= key.sharps <= 7]
    if not usable:
        return [Signature(0, opening)]
    (_, first), later = usable[0], usable[1:]
    times = [writable(Fraction(time, score.ticks_per_quarter)) for time, _ in later]
    # a signature knows no modes, the key found may
    first = opening if opening.sharps == first.sharps else first
    return [Signature(0, first), *(Signature(time, key) for time, (_, key) in zip(times, later, strict=True))]


def _tempos(score: ScoreTick) -> list[tuple[int, float]]:
    """(units, quarter notes a minute), the last of those at one time."""
    found = {int(t.time) * UNITS // score.ticks_per_quarter: round(float(t.qpm), 3) for t in score.tempos}
    return sorted(found.items())


def _printed_chords(score: ScoreTick) -> list[tuple[int, music.Chord | None]]:
    """Chord symbols with their times in units; markers that are none stay out."""
    found = []
    for time, text in marks.chord_symbols(score):
        with contextlib.suppress(InvalidParameterError):
            found.append((_unit(time, score), music.parse_chord(text)))
    return found


def _printed_numerals(score: ScoreTick) -> list[tuple[int, str]]:
    return [(_unit(time, score), text) for time, text in marks.roman_numerals(score)]


def _unit(time: int, score: ScoreTick) -> int:
    return writable(Fraction(time, score.ticks_per_quarter))
