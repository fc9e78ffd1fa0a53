"""RomanText (`.rntxt`): Roman-numeral analyses as lines of text, read and written.

    Time Signature: 3/4
    m0 b3 G: I                 the last beat of the pickup, in G major: I
    m1 b2 IV6 b3 V6            a chord lasts to the next one; lower-case keys are minor
    m2-3 = m0-1                bars as others

Bars are numbered as printed, a pickup is bar 0, beats count from 1 (three-eighths beats in compound meters). Variants
(`m1var1`), doubtful keys (`?(g:`), notes, forms and pedals are passed over; what stands in no known place is a
*problem* that the caller may report.

[1] D. Tymoczko, M. Gotham, M. S. Cuthbert, C. Ariza. The RomanText format. ISMIR 2019.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from stochastic_music.errors import InvalidParameterError
from stochastic_music.music.bars import Bar
from stochastic_music.music.chords import Chord, parse_roman
from stochastic_music.music.keys import MODES, Key, parse_key
from stochastic_music.music.slices import beat_length

_HEADING = re.compile(r"([A-Za-z][A-Za-z ]*):\s*(.*)")
_BARS = re.compile(r"m(\d+)(?:-(?:m?)(\d+))?(var\d*|)\b(.*)")
_KEY = re.compile(r"([A-Ga-g])(#{0,2}|b{0,2}|-{0,2}):")
_BEAT = re.compile(r"b(\d+(?:\.\d+)?)")


class Numeral(NamedTuple):
    """A Roman numeral where it stands in the text: its bar, beat, local key and words."""

    bar: int
    beat: Fraction
    key: Key
    text: str


@dataclass(frozen=True)
class RomanText:
    """What a RomanText file says: headings (Composer, Analyst), numerals in order, and what makes no sense."""

    headings: Mapping[str, str]
    numerals: tuple[Numeral, ...]
    problems: tuple[str, ...]


class Harmony(NamedTuple):
    """A chord from `onset` (quarter notes) on, in a local key where that is known; None for no chord."""

    onset: Fraction
    chord: Chord | None
    key: Key | None = None


@dataclass
class _Reading:
    """What is known while lines are read."""

    headings: dict[str, str] = field(default_factory=dict)
    bars: dict[int, list[Numeral]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    key: Key | None = None


def read_roman_text(text: str) -> RomanText:
    r"""The analysis in a RomanText file.

    >>> found = read_roman_text("Analyst: me\nm0 b3 G: I\nm1 b2 IV6 b3 V6/5")
    >>> [(n.bar, str(n.beat), str(n.key), n.text) for n in found.numerals]
    [(0, '3', 'G', 'I'), (1, '2', 'G', 'IV6'), (1, '3', 'G', 'V6/5')]
    """
    reading = _Reading()
    for number, line in enumerate(text.replace("\r", "\n").splitlines(), 1):
        _read_line(reading, line.strip(), number)
    numerals = tuple(numeral for bar in sorted(reading.bars) for numeral in reading.bars[bar])
    return RomanText(reading.headings, numerals, tuple(reading.problems))


def placed(analysis: RomanText, bars: Sequence[Bar]) -> tuple[list[Harmony], list[str]]:
    """The numerals as chords with onsets in the printed bars of a score, and what could not be placed.

    >>> bar = Bar(1, Fraction(0), Fraction(4), 4, 4)
    >>> chords, problems = placed(read_roman_text("m1 C: I b3 V7"), [bar])
    >>> [(int(c.onset), c.chord.symbol()) for c in chords], problems
    ([(0, 'C'), (2, 'G7')], [])
    """
    by_number = {bar.number: bar for bar in bars}
    harmonies: list[Harmony] = []
    problems: list[str] = []
    for numeral in analysis.numerals:
        bar = by_number.get(numeral.bar)
        if bar is None:
            problems.append(
                f"bar {numeral.bar} is not in the score, which has bars {min(by_number)} to {max(by_number)}"
            )
            continue
        try:
            chord = parse_roman(numeral.text, numeral.key)
        except InvalidParameterError as error:
            problems.append(f"bar {numeral.bar}: {error}")
            continue
        harmonies.append(Harmony(time_of(bar, numeral.beat), chord, numeral.key))
    return harmonies, problems


def time_of(bar: Bar, beat: Fraction) -> Fraction:
    """When a beat of a bar begins, in quarter notes; beats of a pickup are counted as those of a full bar."""
    missing = bar.nominal - bar.length if bar.number == 0 else Fraction(0)
    return bar.start - missing + (beat - 1) * beat_length(bar)


def beat_of(bar: Bar, time: Fraction) -> Fraction:
    """The inverse of `time_of`.

    >>> beat_of(Bar(0, Fraction(0), Fraction(1), 3, 4), Fraction(0))
    Fraction(3, 1)
    """
    missing = bar.nominal - bar.length if bar.number == 0 else Fraction(0)
    return (time - bar.start + missing) / beat_length(bar) + 1


def write_roman_text(
    harmonies: Sequence[tuple[Fraction, Key, str]], bars: Sequence[Bar], headings: Mapping[str, str]
) -> str:
    """RomanText of numerals with their onsets (quarter notes) and keys, in order, on the printed bars of a score."""
    lines = [f"{name}: {value}" for name, value in headings.items()] + [""]
    starts = [bar.start for bar in bars]
    words: dict[int, list[str]] = {}
    last: Key | None = None
    for onset, key, text in harmonies:
        index = max(bisect_right(starts, onset) - 1, 0)
        beat = beat_of(bars[index], onset)
        here = words.setdefault(index, [])
        if beat != 1:
            here.append(f"b{_decimal(beat)}")
        if key != last:
            here.append(f"{_key_name(key)}:")
            last = key
        here.append(text)
    meter: tuple[int, int] | None = None
    for index, bar in enumerate(bars):
        if (bar.numerator, bar.denominator) != meter:
            meter = bar.numerator, bar.denominator
            lines += [f"Time Signature: {meter[0]}/{meter[1]}", ""]
        lines.append(" ".join([f"m{bar.number}", *words.get(index, [])]))
    return "\n".join(lines) + "\n"


def _read_line(reading: _Reading, line: str, number: int) -> None:
    if match := _BARS.match(line):
        _read_bars(reading, match, number)
    elif match := _HEADING.fullmatch(line):
        reading.headings.setdefault(match[1].strip(), match[2].strip())
    elif line and not line.startswith("Pedal"):
        reading.problems.append(f"line {number}: '{line[:60]}' is neither a heading nor a bar (m1 ...)")


def _read_bars(reading: _Reading, match: re.Match[str], number: int) -> None:
    first, last, variant, rest = int(match[1]), int(match[2] or match[1]), match[3], match[4].strip()
    if variant:
        return
    if rest.startswith("="):
        _copy_bars(reading, range(first, last + 1), rest[1:].strip(), number)
        return
    beat = Fraction(1)
    found: list[Numeral] = []
    for raw in re.sub(r" */ *(?=[#b]*[IViv])", "/", rest.replace("||", " ")).split():
        word = "" if "?" in raw else raw.strip("():|;,") if not _KEY.fullmatch(raw) else raw
        if key := _KEY.fullmatch(word):
            reading.key = _key_named(key[1], key[2])
        elif timed := _BEAT.fullmatch(word):
            beat = Fraction(timed[1]).limit_denominator(12)
        elif word and reading.key is None:
            reading.problems.append(f"line {number}: '{word}' stands before any key (as in 'm1 G: I')")
        elif word and reading.key is not None:
            found.append(Numeral(first, beat, reading.key, word))
    reading.bars[first] = found


def _copy_bars(reading: _Reading, bars: range, source: str, number: int) -> None:
    match = _BARS.match(source)
    first = int(match[1]) if match else -1
    if first < 0 or any(first + i not in reading.bars for i in range(len(bars))):
        reading.problems.append(f"line {number}: there is no '{source}' to repeat")
        return
    for i, bar in enumerate(bars):
        reading.bars[bar] = [numeral._replace(bar=bar) for numeral in reading.bars[first + i]]
        if reading.bars[bar]:
            reading.key = reading.bars[bar][-1].key


def _key_named(letter: str, accidental: str) -> Key:
    name = letter.upper() + accidental.replace("-", "b")
    return parse_key(name + ("m" if letter.islower() else ""))


def _key_name(key: Key) -> str:
    """As RomanText writes a key; modes as major or minor on their tonic."""
    mode = "minor" if key.is_minor else "major"
    plain = Key(key.sharps + MODES[key.mode] - MODES[mode], mode)
    name = str(plain).removesuffix("m")
    return name[0].lower() + name[1:] if plain.is_minor else name


def _decimal(beat: Fraction) -> str:
    return str(int(beat)) if beat.denominator == 1 else f"{float(beat):.3f}".rstrip("0")
