"""Scores into sound files: WAV, FLAC, OGG, by the suffix."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stochastic_music import _files
from stochastic_music.errors import UnknownNameError
from stochastic_music.render.audio import soundfonts, wav, xiph
from stochastic_music.render.audio.leveling import level
from stochastic_music.render.audio.mixing import duration, synthesize
from stochastic_music.render.audio.partials import Sound

if TYPE_CHECKING:
    from symusic.core import ScoreTick

SAMPLE_RATE = 44100

_WRITERS: dict[str, Callable[[Sound, str], bytes]] = {
    ".wav": lambda sound, told: wav.to_wav(sound, SAMPLE_RATE, provenance=told),
    ".flac": lambda sound, told: xiph.to_xiph(sound, SAMPLE_RATE, "FLAC", provenance=told),
    ".ogg": lambda sound, told: xiph.to_xiph(sound, SAMPLE_RATE, "OGG", provenance=told),
}
#: What sound files are called.
SUFFIXES = frozenset(_WRITERS)


def write_sound(
    score: ScoreTick,
    path: str | os.PathLike[str],
    *,
    provenance: str = "",
    soundfont: str | os.PathLike[str] | None = None,
) -> None:
    """Write a score as sound, 44,100 samples a second in stereo; the suffix of `path` says in which format.

    `provenance` is kept as the file's comment. `soundfont` is None for the package's own instruments, a file to be
    played by FluidSynth, or "auto" for the SoundFont of this machine where there is one and FluidSynth too.

    Raises UnknownNameError for another suffix, InputError for a score that lasts more than an hour,
    UnreadableFileError for what is no SoundFont, MissingExtraError where FluidSynth (or soundfile, for FLAC and OGG) is
    missing.
    """
    path = Path(path)
    if path.suffix.lower() not in _WRITERS:
        raise UnknownNameError("sound format", path.suffix, _WRITERS)
    data = _WRITERS[path.suffix.lower()](sounded(score, soundfont=soundfont), provenance)
    _files.write_atomically(path, lambda temporary: _write(temporary, data))


def sounded(score: ScoreTick, *, soundfont: str | os.PathLike[str] | None = None) -> Sound:
    """(n_samples, 2): the score as `write_sound` writes it."""
    font = soundfonts.found() if soundfont == "auto" else Path(soundfont) if soundfont else None
    seconds = duration(score)
    if font is None or not seconds:
        return synthesize(score, SAMPLE_RATE)
    sound = np.ascontiguousarray(soundfonts.rendered(score, font, seconds, SAMPLE_RATE).T)
    level(sound, SAMPLE_RATE)
    return sound.T


def provenance(data: bytes) -> str:
    """The comment of a WAV, FLAC or OGG file, '' where there is none.

    >>> provenance(wav.to_wav(np.zeros((3, 1)), provenance="seed 1"))
    'seed 1'
    """
    if data[:4] == b"RIFF":
        return wav.comment(data)
    return xiph.comment(data) if data[:4] in {b"fLaC", b"OggS"} else ""


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
