"""Sound without a sound font: a small additive synthesizer, and WAV files of what it plays.

A pitched note is a sum of up to ten harmonics under an envelope: attack, then a decay (struck and plucked instruments)
or a steady tone (bowed and blown ones), and a release after the note ends. Harmonics above 0.45 of the sampling rate
are left out. Drums are filtered noise and falling tones. Timbres go by the family of the General MIDI program
(`instruments.py`). The tempo map is respected; pedals, bends and controllers are not.

Harmonics are summed by Clenshaw's recurrence [1] from one sine and one cosine, and equal notes are computed once.
Every file comes out about equally loud: -20 dBFS while something sounds, or less where the peak would pass -1 dBFS.
Equal scores give equal samples on one machine.

[1] C. W. Clenshaw. A note on the summation of Chebyshev series. Mathematical Tables and Other Aids to
Computation 9, 1955.
"""

from __future__ import annotations

import io
import os
import struct
import wave
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from stochastic_music.errors import InputError
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.render.audio.instruments import family

if TYPE_CHECKING:
    from symusic.core import ScoreSecond, ScoreTick

#: Longer scores are refused, in seconds: an hour takes 300 MB.
MAX_SECONDS = 3600
_LOUDNESS, _PEAK = 0.1, 0.89
_COMMENT, _SOFTWARE = b"ICMT", b"ISFT"

Sound = NDArray[np.float32]


class Timbre(NamedTuple):
    """How a family of instruments sounds.

    `harmonics` are amplitudes from the fundamental up; times are in seconds, `half_life` 0 being a steady tone.
    """

    harmonics: tuple[float, ...]
    attack: float
    half_life: float
    release: float


_PIANO = Timbre((1, 0.5, 0.28, 0.2, 0.1, 0.08, 0.05, 0.03), 0.004, 0.5, 0.12)
_BELL = Timbre((1, 0.05, 0.25, 0.02, 0.12, 0.01, 0.06), 0.002, 0.35, 0.25)
_ORGAN = Timbre((1, 0.7, 0.35, 0.4, 0.08, 0.2, 0.05, 0.15), 0.02, 0, 0.06)
_PLUCKED = Timbre((1, 0.6, 0.4, 0.25, 0.18, 0.1, 0.06, 0.04), 0.003, 0.3, 0.1)
_BASS = Timbre((1, 0.55, 0.25, 0.12, 0.06), 0.006, 0.5, 0.08)
_STRINGS = Timbre((1, 0.55, 0.4, 0.28, 0.2, 0.14, 0.1, 0.07, 0.05), 0.06, 0, 0.14)
_CHOIR = Timbre((1, 0.65, 0.3, 0.12, 0.08, 0.03), 0.07, 0, 0.16)
_BRASS = Timbre((1, 0.85, 0.65, 0.45, 0.3, 0.2, 0.12, 0.08), 0.04, 0, 0.08)
_REED = Timbre((1, 0.25, 0.6, 0.18, 0.35, 0.12, 0.15, 0.06), 0.03, 0, 0.08)
_PIPE = Timbre((1, 0.3, 0.12, 0.05, 0.02), 0.05, 0, 0.1)
_TIMBRES = {
    **{"piano": _PIANO, "bell": _BELL, "organ": _ORGAN, "plucked": _PLUCKED, "bass": _BASS},
    **{"strings": _STRINGS, "choir": _CHOIR, "brass": _BRASS, "reed": _REED, "pipe": _PIPE, "drums": _PIANO},
}


class _Notes(NamedTuple):
    """The notes of one track in samples, each (n,)."""

    start: IntArray
    length: IntArray
    pitch: IntArray
    velocity: IntArray


def synthesize(score: ScoreTick, sample_rate: int = 44100) -> FloatArray:
    """The sound of a score: (n_samples, n_channels), between -1 and 1, one channel for one part, else two.

    Raises InputError for a score that lasts more than an hour.

    >>> from symusic import Note, Score, Track
    >>> score = Score(480)
    >>> score.tracks.append(Track(notes=[Note(0, 480, 69, 80)]))
    >>> synthesize(score, sample_rate=8000).shape  # half a second at 120 a minute, and the release
    (4960, 1)
    """
    in_seconds = cast("ScoreSecond", score.to("second"))
    tracks = [track for track in in_seconds.tracks if len(track.notes)]
    channels = 1 if len(tracks) < 2 else 2
    sounding = [_notes(track.notes.numpy(), sample_rate) for track in tracks]
    timbres = [_TIMBRES[family(track.program, track.is_drum)] for track in tracks]
    tails = [_tail(track.is_drum, timbre, sample_rate) for track, timbre in zip(tracks, timbres, strict=True)]
    ends = [int((n.start + n.length).max()) + tail for n, tail in zip(sounding, tails, strict=True)]
    mix = np.zeros((max(ends, default=0), channels), dtype=np.float32)
    for i, (track, notes, timbre) in enumerate(zip(tracks, sounding, timbres, strict=True)):
        line = _drums(notes, sample_rate) if track.is_drum else _pitched(notes, timbre, sample_rate)
        mix[: len(line)] += line[:, None] * _pan(i, len(tracks), channels)
    return _leveled(mix).astype(np.float64)


def write_wav(
    score: ScoreTick, path: str | os.PathLike[str], *, provenance: str = "", sample_rate: int = 44100
) -> None:
    """Write a score as a 16-bit WAV file; `provenance` is kept as its comment. Errors as `synthesize`."""
    Path(path).write_bytes(to_wav(synthesize(score, sample_rate), sample_rate, provenance=provenance))


def to_wav(sound: FloatArray, sample_rate: int = 44100, *, provenance: str = "") -> bytes:
    """A WAV file of samples (n_samples, n_channels) between -1 and 1."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(sound.shape[1])
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(np.round(sound * 32767).astype("<i2").tobytes())
    texts = {_COMMENT: provenance, _SOFTWARE: "stochastic_music"}
    info = b"INFO" + b"".join(_chunk(name, text.encode() + b"\0") for name, text in texts.items() if text)
    data = buffer.getvalue() + _chunk(b"LIST", info)
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


def provenance(data: bytes) -> str:
    """The comment of a WAV file, '' where there is none.

    >>> provenance(to_wav(np.zeros((3, 1)), provenance="seed 1"))
    'seed 1'
    """
    at = 12 if data[:4] == b"RIFF" else len(data)
    while at + 8 <= len(data):
        name, size = struct.unpack("<4sI", data[at : at + 8])
        if name == _COMMENT:
            return data[at + 8 : at + 8 + size].rstrip(b"\0").decode("utf-8", "replace")
        is_list = name == b"LIST" and data[at + 8 : at + 12] == b"INFO"
        at += 12 if is_list else 8 + size + size % 2
    return ""


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _notes(arrays: dict[str, NDArray[np.float32]], sample_rate: int) -> _Notes:
    start, duration = (arrays[name].astype(np.float64) for name in ("time", "duration"))
    last = float((start + duration).max())
    if not last <= MAX_SECONDS:
        raise InputError(
            f"the score lasts {last / 60:.0f} minutes; sound is written for at most {MAX_SECONDS // 60}: cut it first"
        )
    begin = np.round(start * sample_rate).astype(np.int64)
    length = np.maximum(np.round((start + duration) * sample_rate).astype(np.int64) - begin, 1)
    return _Notes(begin, length, arrays["pitch"].astype(np.int64), arrays["velocity"].astype(np.int64))


def _pan(part: int, n_parts: int, channels: int) -> Sound:
    """Gains of the channels, equal in power: the first part a little left, the last a little right."""
    if channels == 1:
        return np.ones(1, dtype=np.float32)
    angle = np.pi / 4 * (1 + 0.6 * (2 * part / (n_parts - 1) - 1))
    return np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)


def _leveled(mix: Sound) -> Sound:
    """`mix` at the loudness of the module's article."""
    peak = float(np.abs(mix).max(initial=0))
    if peak == 0:
        return mix
    loud = mix[np.abs(mix).max(axis=1) > peak / 100]
    return mix * np.float32(min(_PEAK / peak, _LOUDNESS / float(np.sqrt(np.mean(loud**2)))))


# Pitched instruments


def _tail(is_drum: bool, timbre: Timbre, sample_rate: int) -> int:
    """Samples that a note sounds on after its end; drums end by themselves."""
    return round((_DRUM_SECONDS if is_drum else timbre.release) * sample_rate)


def _pitched(notes: _Notes, timbre: Timbre, sample_rate: int) -> Sound:
    """One part: each distinct note is computed once, and added wherever it begins."""
    release = _tail(False, timbre, sample_rate)
    out = np.zeros(int((notes.start + notes.length).max()) + release, dtype=np.float32)
    kinds, which = np.unique(np.stack([notes.pitch, notes.length]), axis=1, return_inverse=True)
    for k, (pitch, length) in enumerate(kinds.T.tolist()):
        sound = _tone(pitch, length + release, timbre, sample_rate) * _envelope(length, release, timbre, sample_rate)
        for i in np.flatnonzero(which.ravel() == k):
            at = int(notes.start[i])
            out[at : at + len(sound)] += sound * _gain(int(notes.velocity[i]))
    return out


def _gain(velocity: int) -> np.float32:
    """Loudness grows with velocity, and never vanishes: a written note is heard."""
    return np.float32(0.25 + 0.75 * (max(velocity, 1) / 127) ** 1.5)


def _tone(pitch: int, n: int, timbre: Timbre, sample_rate: int) -> Sound:
    """`n` samples of a steady note: sum of a_k sin(k x) by Clenshaw's recurrence."""
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    kept = [a for k, a in enumerate(timbre.harmonics, start=1) if k * frequency < 0.45 * sample_rate]
    phase = (2 * np.pi * np.modf(np.arange(n) * (frequency / sample_rate))[0]).astype(np.float32)
    twice_cosine = 2 * np.cos(phase)
    b, before = np.zeros(n, dtype=np.float32), np.zeros(n, dtype=np.float32)
    for a in reversed(kept):
        b, before = np.float32(a) + twice_cosine * b - before, b
    # the ear is less open for low notes
    loudness = 2 ** ((60 - min(max(pitch, 36), 84)) / 48) / np.linalg.norm(timbre.harmonics)
    sound: Sound = b * np.sin(phase) * np.float32(loudness)
    return sound


def _envelope(length: int, release: int, timbre: Timbre, sample_rate: int) -> Sound:
    """Attack, decay and release over `length + release` samples."""
    shape = np.ones(length + release, dtype=np.float32)
    if timbre.half_life:
        shape *= np.exp2(-np.arange(len(shape), dtype=np.float32) / np.float32(timbre.half_life * sample_rate))
    attack = min(round(timbre.attack * sample_rate), length)
    shape[:attack] *= _rise(attack)
    shape[length:] *= _rise(release)[::-1]
    return shape


def _rise(n: int) -> Sound:
    """From 0 to 1 along half a cosine."""
    return (0.5 - 0.5 * np.cos(np.linspace(0, np.pi, n, endpoint=False))).astype(np.float32)


# Drums

_DRUM_SECONDS = 0.6


class Drum(NamedTuple):
    """A tone that falls from `high` to `low` Hz, and noise, each with a half-life in seconds; `bright` noise hisses."""

    high: float
    low: float
    tone: float
    tone_half_life: float
    noise: float
    noise_half_life: float
    bright: bool


def _tom(low: float) -> Drum:
    return Drum(2.2 * low, low, 1, 0.1, 0.1, 0.01, False)


_KICK = Drum(150, 45, 1.4, 0.06, 0.1, 0.005, False)
_SNARE = Drum(220, 180, 0.5, 0.04, 0.7, 0.05, False)
_HAT = Drum(0, 0, 0, 1, 0.5, 0.02, True)
_OPEN_HAT = Drum(0, 0, 0, 1, 0.5, 0.12, True)
_CYMBAL = Drum(0, 0, 0, 1, 0.6, 0.18, True)
_DRUMS = {
    **dict.fromkeys((35, 36), _KICK),
    **dict.fromkeys((37, 38, 39, 40), _SNARE),
    **dict.fromkeys((42, 44), _HAT),
    46: _OPEN_HAT,
    **dict.fromkeys((49, 51, 52, 53, 55, 57, 59), _CYMBAL),
    **{pitch: _tom(low) for pitch, low in ((41, 70), (43, 90), (45, 110), (47, 130), (48, 150), (50, 170))},
}
_OTHER = Drum(900, 800, 0.6, 0.03, 0.2, 0.01, True)


def _drums(notes: _Notes, sample_rate: int) -> Sound:
    n = _tail(True, _PIANO, sample_rate)
    out = np.zeros(int((notes.start + notes.length).max()) + n, dtype=np.float32)
    strokes = {pitch: _stroke(pitch, n, sample_rate) for pitch in set(notes.pitch.tolist())}
    for start, pitch, velocity in zip(notes.start.tolist(), notes.pitch.tolist(), notes.velocity.tolist(), strict=True):
        out[start : start + n] += strokes[pitch] * _gain(velocity)
    return out


def _stroke(pitch: int, n: int, sample_rate: int) -> Sound:
    drum = _DRUMS.get(pitch, _OTHER)
    time = np.arange(n) / sample_rate
    falling = drum.low + (drum.high - drum.low) * np.exp2(-time / 0.02)
    tone = drum.tone * np.sin(2 * np.pi * np.cumsum(falling) / sample_rate) * np.exp2(-time / drum.tone_half_life)
    # always the same noise: equal scores sound equal
    noise = np.random.default_rng(pitch).standard_normal(n + 1)
    hiss = np.diff(noise) if drum.bright else noise[1:]
    sound = tone + 0.5 * drum.noise * hiss * np.exp2(-time / drum.noise_half_life)
    sound *= np.minimum(1, (n - np.arange(n)) / (0.05 * sample_rate))
    return sound.astype(np.float32)
