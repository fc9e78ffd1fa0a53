"""What must happen at a place in the piece: a note, chord tones on the beats.

Bars count as printed: a pickup is bar 0, the first full bar is 1. Beats count from 1 in the meter's own unit, as it is
printed below the line; fractions are allowed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, count

import numpy as np

from stochastic_music.constraints.automata.automaton import join
from stochastic_music.constraints.automata.events import ByOnset, Values
from stochastic_music.constraints.constraint import Joinable
from stochastic_music.constraints.naming import field_names, is_step, line_field, moved, normal, pitches_named
from stochastic_music.errors import InvalidParameterError, UsageError
from stochastic_music.music.beats import beat_lengths
from stochastic_music.music.chords import Chord, parse_chart, parse_chord
from stochastic_music.protocols import DEAD, Automaton, BoolArray, IntArray
from stochastic_music.tokens import Header, Vocabulary

_BEAT = re.compile(r"(?:(\d+)\+)?(\d+(?:/[1-9]\d*|\.\d+)?)")


@dataclass(frozen=True, init=False)
class At(Joinable):
    """A note begins in printed bar `bar` on `beat`: a pitch, a note in any octave, or a step of the key.

    Bar 0 is the pickup, whose beats are the last ones of its bar. A beat may be a fraction: 2.5, "2+1/2" or "5/2" lie
    halfway between 2 and 3. Where events are slices of several voices the top one is meant. Raises
    InvalidParameterError for what is no bar, beat or note.

    >>> At(5, 1, "D5"), At(3, "2+1/2", 62), At.parse("5.1=D5") == At(5, 1, "D5")
    (At(5.1=D5), At(3.2+1/2=D4), True)
    """

    bar: int
    beat: Fraction
    note: str
    key: str | None

    def __init__(self, bar: int, beat: float | str | Fraction, note: int | str, *, key: str | None = None) -> None:
        if bar < 0:
            raise InvalidParameterError(f"At({bar}, ...): bars count from 1, and a pickup is bar 0")
        when = _beat(beat)
        if when < 1:
            raise InvalidParameterError(f"At({bar}, {beat}, {note}): beats count from 1")
        for name, value in (("bar", bar), ("beat", when), ("note", normal(note)), ("key", key)):
            object.__setattr__(self, name, value)

    @classmethod
    def parse(cls, text: str, *, key: str | None = None) -> At:
        """From "bar.beat=note", as on the command line; raises InvalidParameterError for any other text."""
        place, equals, note = text.partition("=")
        bar, dot, beat = place.partition(".")
        if not (equals and dot and bar.strip().isdigit()):
            raise InvalidParameterError(f"'{text}' is no note at a place: expected bar.beat=note, as in 5.1=D5")
        return cls(int(bar), beat.strip(), note, key=key)

    @property
    def reads_key(self) -> bool:
        """Whether what it asks depends on the header's key."""
        return is_step(self.note)

    def moved(self, semitones: int) -> At:
        """The note so many semitones higher; a step of the key stays."""
        return At(self.bar, self.beat, moved(self.note, semitones), key=self.key)

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> ByOnset:
        """A machine that waits for the place; raises UsageError where there is no such bar or beat under `header`."""
        check_time(vocabulary, self)
        line = line_field(vocabulary, self)
        header = header or Header(vocabulary.resolution)
        mask = pitches_named(self.note, header, self.key, self)
        chords = any(field.advances == "sounds" for field in vocabulary.fields)
        return ByOnset(vocabulary, header, _NoteAt(line, _time_of(self, header), mask, chords=chords))

    def __str__(self) -> str:
        return f"At({self.bar}.{_spelled(self.beat)}={self.note})"

    __repr__ = __str__


class _NoteAt:
    """0 until the note came at its time, then 1."""

    def __init__(self, line: str, time: int, mask: BoolArray, *, chords: bool) -> None:
        self.line, self.wanted, self.time, self.mask = line, (line,), time, mask
        self.until = time + 1
        self._last = time if chords else time - 1  # when another note may still leave it open

    def start(self) -> int:
        return 0

    def step(self, states: IntArray, onsets: IntArray, values: Values) -> IntArray:
        hit = (onsets == self.time) & self.mask[values[self.line]]
        return np.where((states == 1) | hit, 1, np.where(onsets > self._last, DEAD, 0))

    def misses(self, states: IntArray, times: IntArray) -> BoolArray:
        missed: BoolArray = (states == 0) & (times > self.time)
        return missed

    def accepts(self, states: IntArray) -> BoolArray:
        accepted: BoolArray = states == 1
        return accepted


@dataclass(frozen=True, init=False)
class ChordTones(Joinable):
    """Notes that begin on a beat belong to the chord there, from bar 1 on.

    `chords` is a chart, as in "C | F G | C" (bars parted by `|`, whose chords share the bar equally), or a sequence of
    chord symbols, one a beat. Where it says N.C., in the pickup, off the beats and after its end notes are free. A
    beat is a quarter in x/4, a dotted quarter in 6/8 (see `music.beats`). All voices are bound where there are several.
    Raises InvalidParameterError for what is no chord.

    >>> ChordTones("C | F G | C"), ChordTones(["C", "C", "G7"])
    (ChordTones(C | F G | C), ChordTones(C, C, G7))
    """

    chords: tuple[tuple[Chord | None, ...], ...]
    by_beat: bool

    def __init__(self, chords: str | Iterable[str | Chord]) -> None:
        by_beat = not isinstance(chords, str)
        found = (
            parse_chart(chords)
            if isinstance(chords, str)
            else tuple((parse_chord(c) if isinstance(c, str) else c,) for c in chords)
        )
        if not found:
            raise InvalidParameterError("ChordTones() got no chord: give a chart such as 'C | F G | C'")
        object.__setattr__(self, "chords", found)
        object.__setattr__(self, "by_beat", by_beat)

    def moved(self, semitones: int) -> ChordTones:
        """The chords so many semitones higher."""
        copy = object.__new__(ChordTones)
        bars = tuple(tuple(chord and chord.transposed(semitones) for chord in bar) for bar in self.chords)
        object.__setattr__(copy, "chords", bars)
        object.__setattr__(copy, "by_beat", self.by_beat)
        return copy

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> Automaton:
        """A machine that knows the chord of each beat; raises UsageError where there is no time or no pitch."""
        check_time(vocabulary, self)
        top, header = line_field(vocabulary, self), header or Header(vocabulary.resolution)
        lines = [top] if top == "pitch" else vocabulary.voices
        by_time = dict(self._on_beats(header))
        chords = [by_time.get(time) for time in range(max(by_time) + 1)]
        machines = [ByOnset(vocabulary, header, _OnBeats(line, chords)) for line in lines]
        return join(machines, vocabulary.n_symbols)

    def _on_beats(self, header: Header) -> Iterator[tuple[int, Chord | None]]:
        """The time (units) of each beat, as far as the chords go, and the chord there."""
        if self.by_beat:
            beats = (time for bar in count(1) for time in _beats_of(header, bar))
            yield from zip(beats, (chord for (chord,) in self.chords), strict=False)
            return
        for bar, shared in enumerate(self.chords, 1):
            begins, ends = header.bar_start(bar), header.bar_start(bar + 1)
            for time in _beats_of(header, bar):
                yield time, shared[(time - begins) * len(shared) // (ends - begins)]

    def __str__(self) -> str:
        bars = [" ".join("N.C." if chord is None else chord.symbol() for chord in bar) for bar in self.chords]
        return f"ChordTones({(', ' if self.by_beat else ' | ').join(bars)})"

    __repr__ = __str__


class _OnBeats:
    """One state; `allowed` (n_times, 128) says which pitches may begin when."""

    def __init__(self, line: str, chords: Sequence[Chord | None]) -> None:
        self.line, self.wanted, self.until = line, (line,), len(chords)
        classes = np.arange(128) % 12
        free = np.ones(128, dtype=bool)
        rows = [free if chord is None else np.isin(classes, chord.pitch_classes) for chord in chords]
        self._allowed = np.stack([*rows, free])

    def start(self) -> int:
        return 0

    def step(self, states: IntArray, onsets: IntArray, values: Values) -> IntArray:
        time = np.minimum(onsets, self.until)
        return np.where(self._allowed[time, values[self.line]], states, DEAD)

    def accepts(self, states: IntArray) -> BoolArray:
        accepted: BoolArray = states == 0
        return accepted


def check_time(vocabulary: Vocabulary, asker: object) -> None:
    """Raise UsageError, in the name of `asker`, where symbols carry no time."""
    if not vocabulary.clock.ticks:
        raise UsageError(
            f"{asker} needs symbols that carry time, and this encoding has only {field_names(vocabulary)}: "
            "use an encoding with durations"
        )


def _time_of(place: At, header: Header) -> int:
    """When a place is, in units; raises UsageError where there is none, or where the grid has no such moment."""
    start, length, denominator = _bar(place.bar, header)
    if place.bar == 0 and not header.pickup:
        raise UsageError(f"{place} asks for bar 0, the pickup, and the piece has none: its first bar is 1")
    offset = (place.beat - 1) * 4 * header.resolution / denominator
    if offset >= length or start + offset < 0:
        first = 1 + Fraction(max(-start, 0) * denominator, 4 * header.resolution)
        last = math.ceil(Fraction(length * denominator, 4 * header.resolution))
        raise UsageError(
            f"{place} asks for a beat that bar {place.bar} lacks: it has beats {_spelled(first)} to {last}"
        )
    if offset.denominator > 1:
        raise UsageError(
            f"{place} lies between the units of time, of which a quarter note has {header.resolution}: "
            "ask for another fraction, or use a finer --grid"
        )
    return int(start + offset)


def _bar(bar: int, header: Header) -> tuple[int, int, int]:
    """Where a full bar of that number would start, its length (both in units), and the meter's denominator."""
    starts, lengths, numbers = header.bar_spans()
    span = max((i for i, first in enumerate(numbers) if first <= bar), default=0)
    start = starts[span] + (bar - numbers[span]) * lengths[span]
    ends = min([start + lengths[span], *(later for later in starts[span + 1 :])])
    return start, ends - start, header.meters[span].denominator


def _beats_of(header: Header, bar: int) -> list[int]:
    """The times (units) of the beats of a full bar."""
    span = max(i for i, first in enumerate(header.bar_spans()[2]) if first <= bar)
    start, length, _ = _bar(bar, header)
    meter = header.meters[span]
    offsets = accumulate(beat_lengths(meter.numerator, meter.denominator), initial=Fraction(0))
    return [start + int(offset * header.resolution) for offset in offsets if offset * header.resolution < length]


def _beat(value: float | str | Fraction) -> Fraction:
    """A place in a bar as an exact number; raises InvalidParameterError for what is none."""
    if not isinstance(value, str):
        return Fraction(value).limit_denominator(960)
    match = _BEAT.fullmatch(value.strip())
    if not match:
        raise InvalidParameterError(f"'{value}' is no beat: expected a number from 1 such as 2, 2.5, 2+1/2 or 5/2")
    return int(match[1] or 0) + Fraction(match[2])


def _spelled(beat: Fraction) -> str:
    """A beat as it is written: 2, 2+1/2."""
    whole, rest = divmod(beat, 1)
    return f"{whole}+{rest}" if rest else str(whole)
