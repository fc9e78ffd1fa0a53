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
