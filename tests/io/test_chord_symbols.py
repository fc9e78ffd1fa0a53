"""Chord symbols go through files: read as markers, written as MusicXML has them."""

from __future__ import annotations

from pathlib import Path

import pytest
from symusic import Note, Score, Track

from stochastic_music import io
from stochastic_music.music import keys, marks
from stochastic_music.music.chords import QUALITIES, chord
from stochastic_music.music.keys import parse_key


def score_with(symbols: list[tuple[int, str]], key: str = "C") -> Score:
    score = Score(480)
    keys.mark_key(score, parse_key(key))
    score.tracks.append(Track(notes=[Note(480 * i, 480, 60 + i % 7, 80) for i in range(64)]))
    marks.set_chord_symbols(score, symbols)
    return score


def test_abc_chord_symbols_become_markers(tmp_path: Path) -> None:
    path = tmp_path / "a.abc"
    path.write_text('X:1\nM:4/4\nL:1/4\nK:F\n"F"FGAB|"D7/F#"d2"Gm7"e2|"Bb"f"N.C."g"Gsus4"a"Bdim"b|\n')
    assert marks.chord_symbols(io.load(path)) == [
        (0, "F"), (1920, "D7/F#"), (2880, "Gm7"), (3840, "Bb"), (4320, "N.C."), (4800, "Gsus4"), (5280, "Bdim"),
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["C", "Eb", "F#m"])
def test_every_quality_is_read_back_from_musicxml(tmp_path: Path, key: str) -> None:
    home = parse_key(key)
    symbols = [(480 * i, chord(i, quality).symbol(home)) for i, quality in enumerate(QUALITIES)]
    symbols += [(480 * 40, chord(7, "7", 11).symbol(home)), (480 * 41, "N.C."), (480 * 42 + 240, "G")]
    path = tmp_path / "a.musicxml"
    io.save(score_with(symbols, key), path)
    assert marks.chord_symbols(io.load(path)) == symbols


def test_roman_numerals_are_printed_below(tmp_path: Path) -> None:
    score = score_with([(0, "C")])
    marks.set_roman_numerals(score, [(0, "I"), (960, "V65/V")])
    path = tmp_path / "a.musicxml"
    io.save(score, path)
    text = path.read_text()
    assert "<words>V65/V</words>" in text
    converter = pytest.importorskip("music21.converter")
    words = converter.parse(path).recurse().getElementsByClass("TextExpression")
    assert [(w.content, w.offset) for w in words] == [("I", 0.0), ("V65/V", 2.0)]


def test_markers_that_are_no_chords_are_not_printed(tmp_path: Path) -> None:
    path = tmp_path / "a.musicxml"
    io.save(score_with([(0, "C"), (480, "hello")]), path)
    assert marks.chord_symbols(io.load(path)) == [(0, "C")]


def test_chord_symbols_move_with_the_piece() -> None:
    moved = keys.transpose(score_with([(0, "C"), (480, "G7/B"), (960, "N.C."), (1440, "hello")]), 3)
    assert marks.chord_symbols(moved) == [(0, "Eb"), (480, "Bb7/D"), (960, "N.C."), (1440, "hello")]


def test_chord_symbols_survive_midi(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    io.save(score_with([(0, "C"), (480, "Am7/G")]), path)
    assert marks.chord_symbols(io.load(path)) == [(0, "C"), (480, "Am7/G")]


def test_no_symbols_is_no_marker() -> None:
    score = score_with([(0, "C")])
    marks.set_chord_symbols(score, [])
    assert marks.chord_symbols(score) == []
    assert len(score.markers) == 1
