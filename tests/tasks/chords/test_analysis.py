"""What an analysis tells of itself, in every form."""

from __future__ import annotations

from fractions import Fraction

import pytest
from symusic import Note, Score, TimeSignature, Track

from stochastic_music import io
from stochastic_music.io.roman_text import read_roman_text
from stochastic_music.music import marks
from stochastic_music.music.bars import bars
from stochastic_music.music.chords import QUALITIES, chord, parse_chord
from stochastic_music.music.keys import KeyFinding, parse_key
from stochastic_music.tasks.chords import Analysis, ChordSpan


def score() -> Score:
    found = Score(480)
    found.time_signatures.append(TimeSignature(0, 3, 4))
    found.tracks.append(Track("a", notes=[Note(480 * i, 480, 60 + i, 80) for i in range(13)]))
    marks.set_pickup(found, 480)
    return found


def analysis(symbols: dict[str, str]) -> Analysis:
    """Chords in keys, {"C Am7/G": ...}: a quarter note each, the first on the pickup."""
    spans = []
    for i, (place, key) in enumerate(symbols.items()):
        value = parse_chord(place.split()[-1])
        assert value is not None
        spans.append(ChordSpan(Fraction(i), Fraction(1), parse_key(key), value, 0.876, 0.5))
    home = KeyFinding(parse_key("G"), "printed", 1.0)
    return Analysis("a piece", home, tuple(spans), tuple(bars(score())), remarks=("mind this",))


PIECE = analysis({"1 G": "G", "2 C/E": "G", "3 D7/F#": "G", "4 Em": "Em", "5 B7/D#": "Em", "6 A7": "G"})


def test_the_table_counts_bars_as_printed() -> None:
    assert PIECE.table().splitlines() == [
        "bar  beat  key  chord  roman  sure",
        "  0  3     G    G      I       88%",
        "  1  1          C/E    IV6     88%",
        "  1  2          D7/F#  V65     88%",
        "  1  3     Em   Em     i       88%",
        "  2  1          B7/D#  V65     88%",
        "  2  2     G    A7     V7/V    88%",
    ]


def test_json_keeps_its_keys() -> None:
    told = PIECE.to_json()
    assert set(told) == {"piece", "key", "texture", "chords", "remarks"}
    assert told["key"] == {"name": "G", "source": "printed", "confidence": 1.0}
    assert told["chords"][2] == {
        "bar": 1, "beat": 2.0, "onset": 2.0, "length": 1.0, "key": "G", "chord": "D7/F#", "roman": "V65", "root": 2,
        "quality": "7", "bass": 6, "confidence": 0.876, "key_confidence": 0.5,
    }  # fmt: skip


def test_music21_reads_the_roman_text() -> None:
    converter = pytest.importorskip("music21.converter")
    text = PIECE.to_roman_text(Analyst="a model")
    read = converter.parse(text, format="romanText").recurse().getElementsByClass("RomanNumeral")
    found = [(n.key.tonicPitchNameWithCase, n.figure, {p.pitchClass for p in n.pitches}) for n in read]
    assert [row for row, last in zip(found, [None, *found], strict=False) if row != last] == [
        ("G", "I", {7, 11, 2}), ("G", "IV6", {0, 4, 7}), ("G", "V65", {2, 6, 9, 0}), ("e", "i", {4, 7, 11}),
        ("e", "V65", {11, 3, 6, 9}), ("G", "V7/V", {9, 1, 4, 7}),
    ]  # fmt: skip
    assert [n.text for n in read_roman_text(text).numerals] == ["I", "IV6", "V65", "i", "V65", "V7/V"]


@pytest.mark.parametrize("quality", QUALITIES)
def test_roman_text_has_a_word_for_every_quality(quality: str) -> None:
    span = ChordSpan(Fraction(0), Fraction(1), parse_key("C"), chord(7, quality, 11), 1.0, 1.0)
    text = Analysis("x", KeyFinding(parse_key("C"), "printed", 1.0), (span,), tuple(bars(score()))).to_roman_text()
    [numeral] = read_roman_text(text).numerals
    roman = pytest.importorskip("music21.roman")
    # a chord with an added sixth is the seventh chord of its notes
    root = 4 if quality in ("6", "min6") else 7
    assert roman.RomanNumeral(numeral.text, "C").root().pitchClass == root


def test_music21_reads_the_chord_symbols(tmp_path) -> None:
    converter = pytest.importorskip("music21.converter")
    path = tmp_path / "a.musicxml"
    io.save(PIECE.annotated(score()), path)
    stream = converter.parse(path)
    symbols = stream.recurse().getElementsByClass("ChordSymbol")
    assert [(float(s.getOffsetInHierarchy(stream)), s.figure) for s in symbols] == [
        (0.0, "G"), (1.0, "C/E"), (2.0, "D7/F#"), (3.0, "Em"), (4.0, "B7/D#"), (5.0, "A7"),
    ]  # fmt: skip
    words = [w.content for w in stream.recurse().getElementsByClass("TextExpression")]
    assert words == ["G: I", "IV6", "V65", "Em: i", "V65", "G: V7/V"]


def test_annotating_leaves_the_score_alone() -> None:
    plain = score()
    copy = PIECE.annotated(plain)
    assert not marks.chord_symbols(plain)
    assert len(marks.chord_symbols(copy)) == len(marks.roman_numerals(copy)) == 6
    assert copy.tracks[0].notes == plain.tracks[0].notes
