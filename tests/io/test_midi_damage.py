"""Real bytes, flipped, cut and shuffled by the thousand: every file is read or refused with a reason."""

from __future__ import annotations

import numpy as np
import pytest
from midi_bytes import TUNE
from symusic import Note, Score, TimeSignature, Track

from stochastic_music.errors import UnreadableFileError
from stochastic_music.io._repair import note_arrays, overlapping
from stochastic_music.io.midi import midi_bytes, read_midi


def _chorale() -> bytes:
    random = np.random.default_rng(0)
    score = Score(480)
    score.time_signatures.append(TimeSignature(0, 3, 4))
    for voice in range(4):
        steps = random.integers(-2, 3, 24).cumsum() + 72 - 7 * voice
        score.tracks.append(Track(f"{voice}", 0, False, [Note(480 * i, 480, int(p), 80) for i, p in enumerate(steps)]))
    return midi_bytes(score, provenance="made up")


def _mutant(data: bytes, random: np.random.Generator) -> bytes:
    b = bytearray(data)
    kind = random.integers(4)
    if kind == 0:
        for place in random.integers(0, len(b), random.integers(1, 6)):
            b[place] = random.integers(256)
    elif kind == 1:
        b = b[: random.integers(0, len(b))]
    elif kind == 2:
        place = random.integers(0, len(b))
        b[place:place] = random.bytes(random.integers(1, 20))
    else:
        a, c = sorted(random.integers(0, len(b), 2))
        del b[a : min(c, a + 30)]
    return bytes(b)


@pytest.mark.parametrize("seed", range(8))
def test_mutants_are_read_or_refused(seed: int) -> None:
    random = np.random.default_rng(seed)
    originals = [TUNE, _chorale()]
    read = 0
    for i in range(150):
        try:
            pieces = read_midi(_mutant(originals[i % 2], random))
        except UnreadableFileError:
            continue
        read += 1
        for piece in pieces:
            notes = note_arrays(piece.score)
            assert len(notes.onset)
            assert notes.duration.min() > 0
            assert notes.onset.min() >= 0
            assert not overlapping(notes)
            assert piece.score.time_signatures[0].time == 0
            assert all(s.denominator in (1, 2, 4, 8, 16, 32, 64) for s in piece.score.time_signatures)
    assert read > 5
