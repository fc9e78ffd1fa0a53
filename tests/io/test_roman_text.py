from __future__ import annotations

from fractions import Fraction

import pytest

from stochastic_music.io.roman_text import beat_of, placed, read_roman_text, time_of, write_roman_text
from stochastic_music.music.bars import Bar
from stochastic_music.music.keys import parse_key

PICKUP = Bar(0, Fraction(0), Fraction(1), 3, 4)
FIRST = Bar(1, Fraction(1), Fraction(3), 3, 4)
SECOND = Bar(2, Fraction(4), Fraction(3), 3, 4)
TEXT = """Composer: J. S. Bach
Analyst: somebody
Note: something
Time Signature: 3/4

m0 b3 G: I
m1 b2 IV6 ?(a: b2.5 viio6 b3 V6 ||
m1var1 b2 ii
m2 e: i b3 V6/5 / V
"""


def test_bars_beats_keys_and_numerals() -> None:
    found = read_roman_text(TEXT)
    assert found.headings["Analyst"] == "somebody"
    assert [(n.bar, float(n.beat), str(n.key), n.text) for n in found.numerals] == [
        (0, 3, "G", "I"), (1, 2, "G", "IV6"), (1, 2.5, "G", "viio6"), (1, 3, "G", "V6"), (2, 1, "Em", "i"),
        (2, 3, "Em", "V6/5/V"),
    ]  # fmt: skip
    assert not found.problems


def test_onsets_follow_the_printed_bars() -> None:
    harmonies, problems = placed(read_roman_text(TEXT), [PICKUP, FIRST, SECOND])
    assert not problems
    assert [(float(h.onset), h.chord and h.chord.symbol()) for h in harmonies] == [
        (0, "G"), (2, "C/E"), (2.5, "F#dim/A"), (3, "D/F#"), (4, "Em"), (6, "F#7/A#"),
    ]  # fmt: skip


def test_repeated_bars_are_written_out() -> None:
    found = read_roman_text("m1 C: I b3 V\nm2 I\nm3-4 = m1-2\nm5 = m9")
    assert [(n.bar, n.text) for n in found.numerals] == [(1, "I"), (1, "V"), (2, "I"), (3, "I"), (3, "V"), (4, "I")]
    assert found.problems == ("line 4: there is no 'm9' to repeat",)


def test_what_makes_no_sense_is_told() -> None:
    found = read_roman_text("hello\nm1 V\nm2 C: I Q9\nm77 V")
    assert found.problems == (
        "line 1: 'hello' is neither a heading nor a bar (m1 ...)",
        "line 2: 'V' stands before any key (as in 'm1 G: I')",
    )
    harmonies, problems = placed(found, [FIRST, SECOND])
    assert [h.chord and h.chord.symbol() for h in harmonies] == ["C"]
    assert problems[0].startswith("bar 2: 'Q9' is no Roman numeral")
    assert problems[1] == "bar 77 is not in the score, which has bars 1 to 2"


@pytest.mark.parametrize(
    ("bar", "beat", "time"), [(PICKUP, 3, 0), (FIRST, 1, 1), (FIRST, Fraction(5, 2), Fraction(5, 2))]
)
def test_beats_and_times(bar: Bar, beat: Fraction, time: Fraction) -> None:
    assert time_of(bar, Fraction(beat)) == time
    assert beat_of(bar, Fraction(time)) == beat


def test_beats_of_compound_meters_are_three_eighths() -> None:
    assert time_of(Bar(1, Fraction(0), Fraction(3), 6, 8), Fraction(2)) == Fraction(3, 2)


def test_music21_reads_what_is_written() -> None:
    converter = pytest.importorskip("music21.converter")
    g, e = parse_key("G"), parse_key("Em")
    text = write_roman_text(
        [(Fraction(0), g, "I"), (Fraction(2), g, "IV6"), (Fraction(5, 2), g, "viio6"), (Fraction(4), e, "V65/V")],
        [PICKUP, FIRST, SECOND],
        {"Title": "A piece", "Analyst": "a model"},
    )
    read = converter.parse(text, format="romanText")
    numerals = [(n.figure, n.key.tonicPitchNameWithCase) for n in read.recurse().getElementsByClass("RomanNumeral")]
    assert [this for this, last in zip(numerals, [None, *numerals], strict=False) if this != last] == [
        ("I", "G"), ("IV6", "G"), ("viio6", "G"), ("V65/V", "e"),
    ]  # fmt: skip
    assert [(n.bar, float(n.beat), str(n.key), n.text) for n in read_roman_text(text).numerals] == [
        (0, 3, "G", "I"), (1, 2, "G", "IV6"), (1, 2.5, "G", "viio6"), (2, 1, "Em", "V65/V"),
    ]  # fmt: skip
