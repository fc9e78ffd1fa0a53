"""Notation files with letters changed, cut and doubled: every one is read or refused with a reason."""

from __future__ import annotations

import numpy as np
import pytest
from test_engraved import KERN, TUNES, mxl, note, xml

from stochastic_music.errors import UnreadableFileError
from stochastic_music.io.engraved import read_engraved

SCORE = xml(*(note("C", 4, 1) + note("F#", 4, 2, '<tie type="start"/>') + note("F#", 4, 1) for _ in range(3)))


def _mutant(data: bytes, random: np.random.Generator) -> bytes:
    b = bytearray(data)
    for place in random.integers(0, len(b), random.integers(1, 4)):
        match random.integers(4):
            case 0:
                b[place] = b[random.integers(len(b))]
            case 1:
                b[place:place] = bytes([random.integers(32, 127)])
            case 2:
                del b[place : place + random.integers(1, 9)]
            case _:
                b[place:place] = b[place : place + random.integers(1, 30)]
    return bytes(b)


@pytest.mark.parametrize(
    ("data", "suffix"),
    [(SCORE, ".musicxml"), (mxl(SCORE), ".mxl"), (TUNES, ".abc"), (KERN.encode(), ".krn")],
    ids=["musicxml", "mxl", "abc", "kern"],
)
def test_mutants_are_read_or_refused(data: bytes, suffix: str) -> None:
    random = np.random.default_rng(1)
    read = 0
    for _ in range(80):
        try:
            pieces = read_engraved(_mutant(data, random), suffix)
        except UnreadableFileError:
            continue
        read += 1
        assert all(piece.score.note_num() and piece.score.time_signatures[0].time == 0 for piece in pieces)
    assert read


def test_scores_with_wrong_numbers_are_read_or_refused() -> None:
    random = np.random.default_rng(2)
    digits = [i for i, byte in enumerate(SCORE) if 48 <= byte < 58 and i > 40]
    read = 0
    for _ in range(150):
        b = bytearray(SCORE)
        for place in random.choice(digits, 3):
            b[place : place + 1] = random.choice([b"0", b"7", b"-", b"99", b"4.5", b"x"])
        try:
            pieces = read_engraved(bytes(b), ".musicxml")
        except UnreadableFileError:
            continue
        read += 1
        assert all(note.duration > 0 for piece in pieces for track in piece.score.tracks for note in track.notes)
    assert read > 20
