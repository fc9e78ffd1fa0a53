"""A score cut into slices: a new one wherever a note of any part begins.

A slice holds what sounds from its onset to the next: pitches, which of them are struck there, and where in the bar that
is. Notes that begin within a twelfth of a quarter note of each other begin together, and a note that only reaches that
far into a slice is not heard in it: performances are cut as printed scores are. Drums are left out. Rests begin no
slice.

`grouped` and `joined` make wider slices of them, beats or bars, for textures where few notes sound at once: broken
chords, melodies.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stochastic_music.music.bars import Bar

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: quarter notes within which notes begin together
TOGETHER = Fraction(1, 12)


class Slice(NamedTuple):
    """What sounds from `onset` for `length` quarter notes.

    `pitches` are MIDI numbers, ascending, one for each sounding note; `struck` those that begin here. `weight` is the
    place in the meter: 4 the first beat of a bar, 3 its middle, 2 another beat, 1 half a beat, 0 else.
    """

    onset: Fraction
    length: Fraction
    pitches: tuple[int, ...]
    struck: tuple[int, ...]
    bar: int
    weight: int

    @property
    def pitch_classes(self) -> frozenset[int]:
        """The pitch classes that sound."""
        return frozenset(pitch % 12 for pitch in self.pitches)


def slices(score: ScoreTick, bars: Sequence[Bar]) -> list[Slice]:
    """The slices of a score on its printed bars (`music.bars`); none where it has no notes but drums.

    >>> from symusic import Note, Score, Track
    >>> score = Score(480)
    >>> score.tracks.append(Track(notes=[Note(0, 960, 60, 80), Note(480, 480, 64, 80)]))
    >>> [(str(s.onset), s.pitches, s.struck, s.weight) for s in slices(score, [Bar(1, Fraction(0), Fraction(4), 4, 4)])]
    [('0', (60,), (60,), 4), ('1', (60, 64), (64,), 2)]
    """
    columns = [track.notes.numpy() for track in score.tracks if not track.is_drum and len(track.notes)]
    if not columns:
        return []
    start = np.concatenate([c["time"] for c in columns]).astype(np.int64)
    end = start + np.concatenate([c["duration"] for c in columns])
    pitch = np.concatenate([c["pitch"] for c in columns]).astype(np.int64)
    quarter = score.ticks_per_quarter
    near = int(TOGETHER * quarter)
    cuts = _cuts(np.unique(start).tolist(), near)
    first = np.searchsorted(cuts, start, side="right") - 1
    ends = [*cuts[1:], int(end.max())]
    last = np.maximum(np.searchsorted(cuts, end - near, side="left") - 1, first)
    sounding: list[list[int]] = [[] for _ in cuts]
    struck: list[list[int]] = [[] for _ in cuts]
    for note, begin, stop in zip(pitch.tolist(), first.tolist(), last.tolist(), strict=True):
        struck[begin].append(note)
        for i in range(begin, stop + 1):
            sounding[i].append(note)
    starts = [bar.start for bar in bars]
    return [
        Slice(onset, Fraction(b - a, quarter), tuple(sorted(sounding[i])), tuple(sorted(struck[i])), bar.number, weight)
        for i, (a, b) in enumerate(zip(cuts, ends, strict=True))
        for onset in [Fraction(a, quarter)]
        for bar in [bars[_bar_index(starts, onset)]]
        for weight in [metrical_weight(bar, onset)]
    ]


def grouped(narrow: Sequence[Slice], bars: Sequence[Bar], width: Callable[[Bar], Fraction]) -> list[list[Slice]]:
    """Slices by the stretch of `width(bar)` quarter notes, counted from each bar line, in which they begin."""
    starts = [bar.start for bar in bars]

    def window(piece: Slice) -> tuple[int, int]:
        index = _bar_index(starts, piece.onset)
        return index, int((piece.onset - starts[index]) // width(bars[index]))

    return [list(group) for _, group in groupby(narrow, window)]


def metrical_weight(bar: Bar, onset: Fraction) -> int:
    """The place of a time (quarter notes) in its bar, as of `Slice`.

    >>> bar = Bar(1, Fraction(0), Fraction(4), 4, 4)
    >>> [metrical_weight(bar, Fraction(t, 4)) for t in (0, 8, 4, 2, 1)]
    [4, 3, 2, 1, 0]
    """
    place = onset - bar.start + (bar.nominal - bar.length if bar.number == 0 else 0)
    beat = beat_length(bar)
    n_beats = bar.nominal / beat
    if place == 0:
        return 4
    if n_beats % 2 == 0 and place == bar.nominal / 2:
        return 3
    if place % beat == 0:
        return 2
    return int(place % (beat / 2) == 0)


def beat_length(bar: Bar) -> Fraction:
    """A beat in quarter notes: three of the meter's units where it is compound (6/8, 9/8, 12/8), else one."""
    compound = bar.numerator % 3 == 0 and bar.numerator > 3 and bar.denominator >= 8
    return Fraction(4 * (3 if compound else 1), bar.denominator)


def _cuts(onsets: Sequence[int], near: int) -> list[int]:
    """The onsets that are no nearer than `near` to the cut before."""
    kept: list[int] = []
    for onset in onsets:
        if not kept or onset - kept[-1] > near:
            kept.append(onset)
    return kept


def _bar_index(starts: Sequence[Fraction], onset: Fraction) -> int:
    return max(bisect_right(starts, onset) - 1, 0)


def joined(parts: Sequence[Slice]) -> Slice:
    """One slice of several that follow each other: all that sounds within is together."""
    length = parts[-1].onset + parts[-1].length - parts[0].onset
    pitches = tuple(sorted({pitch for part in parts for pitch in part.pitches}))
    struck = tuple(sorted({pitch for part in parts for pitch in part.struck}))
    return parts[0]._replace(length=length, pitches=pitches, struck=struck)
