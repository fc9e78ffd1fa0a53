"""Real music: the collections that music21 brings, against what is published of them."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from stochastic_music import io
from stochastic_music.io.loaded import LoadedScore
from stochastic_music.music import marks
from stochastic_music.music.keys import key_of

CORPUS = Path(importlib.util.find_spec("music21").origin).parent / "corpus"  # type: ignore[union-attr,arg-type]
CHORALES = sorted(
    path
    for path in (CORPUS / "bach").glob("bwv*.mxl")
    if 253 <= int(re.match(r"bwv(\d+)", path.name)[1]) <= 438  # type: ignore[index]
)


@cache
def read(name: str) -> list[LoadedScore]:
    return io.read(CORPUS / name)


def meters(piece: LoadedScore) -> list[tuple[float, str]]:
    quarter = piece.score.ticks_per_quarter
    return [(s.time / quarter, f"{s.numerator}/{s.denominator}") for s in piece.score.time_signatures]


def test_a_chorale_as_printed() -> None:
    (piece,) = read("bach/bwv269.mxl")
    score = piece.score
    assert [t.name for t in score.tracks] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert marks.pickup(score) == 480
    assert meters(piece) == [(0, "3/4")]
    assert str(key_of(score).key) == "G"
    assert [(n.time, n.duration, n.pitch) for n in score.tracks[0].notes][:4] == [
        (0, 480, 67),
        (480, 960, 67),
        (1440, 480, 74),
        (1920, 720, 71),
    ]
    # six lines of the hymn, each under a fermata
    assert [t / 480 for t in marks.phrase_ends(score, 0)] == [10, 19, 28, 40, 52, 61]


@pytest.mark.slow
def test_the_chorale_melodies() -> None:
    # 9339 events are published for these files; three of them are grace notes (in two melodies), which are left out
    pieces = [io.load(path) for path in CHORALES]
    sopranos = [score.tracks[0].notes.numpy() for score in pieces]
    assert len(pieces) == 186
    assert sum(len(s["pitch"]) for s in sopranos) == 9339 - 3
    assert len({int(p) for s in sopranos for p in s["pitch"]}) == 22
    assert all(marks.phrase_ends(score, 0) for score in pieces)
    assert all([t.name for t in score.tracks] == ["Soprano", "Alto", "Tenor", "Bass"] for score in pieces)


def test_a_sample_of_the_chorales_has_four_equally_long_voices() -> None:
    for path in CHORALES[::30]:
        score = io.load(path)
        ends = [max(note.end for note in track.notes) for track in score.tracks]
        assert len(ends) == 4
        assert max(ends) - min(ends) <= 2 * score.ticks_per_quarter, path.name


def test_the_german_childrens_songs() -> None:
    pieces = read("essenFolksong/kinder0.abc")
    notes = [note for piece in pieces for note in piece.score.tracks[0].notes]
    assert len(pieces) == 213
    assert len(notes) == 8393
    assert len({note.pitch for note in notes}) == 27
    assert all(marks.phrase_ends(piece.score, 0) for piece in pieces)
    first = pieces[0]
    assert (first.tune, first.title) == ("1", "SCHLAF KINDLEIN SCHLAF")
    # the ends of the first tune's lines: | A2GG | F2z / C | AAGG | F2z / F | BBGG | ccA / A | BBGG | ccA2 / B2GG | F2z2
    assert [t / 480 for t in marks.phrase_ends(first.score, 0)] == [2, 6, 11, 15, 18]


def test_irish_tunes_keep_their_odd_bars() -> None:
    pieces = read("essenFolksong/irl.abc")
    counts = Counter(name for piece in pieces for _, name in meters(piece))
    assert len(pieces) == 62
    assert {"3/4", "4/4", "5/8"} <= set(counts)


def test_triplets_are_on_the_grid_of_twelfths() -> None:
    (piece,) = read("ryansMammoth/AutographHornpipe.abc")
    onsets = [note.time for note in piece.score.tracks[0].notes]
    assert piece.score.ticks_per_quarter == 480
    assert sum(t % 160 == 0 and t % 120 != 0 for t in onsets) == 40  # begins on a third of a quarter
    assert all(t % 40 == 0 for t in onsets)


def test_palestrina_from_kern() -> None:
    (piece,) = read("palestrina/Agnus_00.krn")
    assert [track.name for track in piece.score.tracks] == ["Soprano", "Alto", "Tenor", "Tenor", "Bass"]
    assert meters(piece) == [(0, "4/2")]


def test_a_rag_for_two_hands() -> None:
    (piece,) = read("joplin/maple_leaf_rag.mxl")
    assert [track.name for track in piece.score.tracks] == ["Piano", "Piano"]
    assert "repeats are printed: taken once" in piece.warnings


def test_drums_are_drums() -> None:
    (piece,) = read("demos/drum_sample.xml")
    assert [(track.name, track.is_drum) for track in piece.score.tracks] == [("Drums", True), ("Cowbell", True)]
