"""Fixtures that every room may use: small scores made in code, and a folder of music files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def tune():
    """Build a one-part score from (start, length, pitch) in quarter notes."""
    from symusic import Note, Score, TimeSignature, Track

    def build(notes, *, meter=(4, 4), tpq=480):
        score = Score(tpq)
        score.time_signatures.append(TimeSignature(0, *meter))
        track = Track(name="melody")
        for start, length, pitch in notes:
            track.notes.append(Note(round(start * tpq), round(length * tpq), pitch, 80))
        score.tracks.append(track)
        return score

    return build


@pytest.fixture
def music_folder(tmp_path, tune):
    """A folder of twelve small MIDI files in C major, each of eight bars."""
    folder = tmp_path / "music"
    folder.mkdir()
    steps = [60, 62, 64, 65, 67, 69, 71, 72]
    for i in range(12):
        line = [steps[(i * 3 + j * (1 + i % 3)) % 8] for j in range(31)]
        notes = [(j, 1, pitch) for j, pitch in enumerate(line[:-1])] + [(30, 2, 60)]
        tune(notes).dump_midi(folder / f"tune{i:02d}.mid")
    return folder


@pytest.fixture
def stochmusic(tmp_path):
    """Run the command line in `tmp_path` as a user would; returns the finished process."""

    def run(*arguments, cwd: Path = tmp_path, timeout: float = 120, **environment: str):
        return subprocess.run(
            [sys.executable, "-m", "stochastic_music.cli.main", *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "PYTHONWARNINGS": "error", **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    return run


#: four voices from the top, in C major: several voicings of common chords
_VOICINGS = {
    "I": [(72, 67, 64, 48), (67, 64, 60, 48), (76, 67, 60, 48), (64, 60, 55, 48), (72, 64, 55, 52)],
    "ii": [(69, 65, 62, 50), (74, 69, 65, 50), (74, 65, 57, 53)],
    "IV": [(69, 65, 60, 53), (72, 69, 65, 53), (77, 69, 60, 53)],
    "V": [(71, 67, 62, 55), (67, 62, 59, 55), (74, 67, 59, 55), (74, 71, 67, 43)],
    "vi": [(72, 64, 60, 45), (69, 64, 60, 57), (76, 69, 60, 45)],
}
_NEXT = {"I": "ii IV V vi I", "ii": "V", "IV": "V I ii", "V": "I vi", "vi": "ii IV"}


def _four_parts(seed, n_beats, semitones):
    import numpy as np
    from symusic import KeySignature, Note, Score, TimeSignature, Track

    random = np.random.default_rng(seed)
    degrees = ["I"]
    while len(degrees) < n_beats - 2:
        degrees.append(str(random.choice(_NEXT[degrees[-1]].split())))
    degrees += ["V", "I"]
    chords = [_VOICINGS["I"][0]]
    for degree in degrees[1:]:
        near = sorted(_VOICINGS[degree], key=lambda chord: abs(chord[0] - chords[-1][0]))
        chords.append(near[int(random.integers(2))])
    score = Score(480)
    score.time_signatures.append(TimeSignature(0, 4, 4))
    sharps = (7 * semitones + 5) % 12 - 5
    score.key_signatures.append(KeySignature(0, sharps, 0))
    for voice, name in enumerate(("Soprano", "Alto", "Tenor", "Bass")):
        notes = [Note(480 * t, 480, chord[voice] + semitones, 80) for t, chord in enumerate(chords)]
        score.tracks.append(Track(name=name, notes=notes))
    return score


@pytest.fixture(scope="session")
def four_parts():
    """A score in four parts by seed, beats and transposition from C major: chords of a tiny grammar."""
    return _four_parts


@pytest.fixture(scope="session")
def chorales(four_parts):
    """A corpus of sixteen such scores in several keys."""
    from stochastic_music.corpus import Corpus

    return Corpus.from_scores([four_parts(i, 16 + 4 * (i % 3), (i * 5) % 7 - 2) for i in range(16)])
