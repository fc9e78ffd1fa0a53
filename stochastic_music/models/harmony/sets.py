"""How likely sets of pitches are under a melody: what other models of frames are measured by.

Frames of the published data sets say which pitches sound, not who sings them. So the probability of the pitches below
the soprano, given the whole soprano and the frames before, sums over all that could have made them: every skeleton
of chords, and every way in which four voices sing the set, some in unison. That is a forward pass over (chord, way).

Some sets cannot be sung by four voices within their spans. A small share of each frame, the *escape*, measured in
training, goes to sets drawn pitch by pitch: so every set of pitches below the soprano has its probability, and they
add up to 1. A frame that rests when the melody rests is certain.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import NamedTuple, TypeAlias

import numpy as np

from stochastic_music.models.harmony.harmony import Harmony, Setting
from stochastic_music.models.harmony.melody import Melody
from stochastic_music.models.harmony.mixture import NONE
from stochastic_music.models.harmony.voices import PLACES, SPANS
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.sampling.chains import conditionals

#: pitches of one frame, the soprano first, descending; empty where all rest
Frame: TypeAlias = tuple[int, ...]

#: what is drawn pitch by pitch lies from here up to the soprano
LOWEST = 28
_PORTION = 20_000


def frame(pitches: Sequence[int]) -> Frame:
    """The frame of pitches in any order."""
    return tuple(sorted({int(pitch) for pitch in pitches}, reverse=True))


def ways(sounding: Frame) -> list[tuple[int, int, int, int]]:
    """The ways in which four voices sing a frame, from the top; none where they cannot within their spans.

    >>> ways((72, 64, 48))
    [(72, 72, 64, 48), (72, 64, 64, 48), (72, 64, 48, 48)]
    """
    below = set(sounding[1:])
    found = [(*sounding[:1], *lower) for lower in combinations_with_replacement(sounding, 3) if below <= set(lower)]
    return [(s, a, t, b) for s, a, t, b in found if all(_within(v, p) for v, p in zip("ATB", (a, t, b), strict=True))]


def _within(voice: str, pitch: int) -> bool:
    low, n = SPANS[voice]
    return low <= pitch < low + n


def melody_of(frames: Sequence[Frame]) -> Melody:
    """The melody of frames in C, its mode heard from its notes."""
    from stochastic_music.music.keys import key_distances

    pitch = np.array([sounding[0] if sounding else NONE for sounding in frames], dtype=np.int64)
    shares = np.bincount(pitch[pitch != NONE] % 12, minlength=12) / max(int((pitch != NONE).sum()), 1)
    major, minor = key_distances(shares)[[0, 12]]
    return Melody.of(pitch, minor=bool(minor < major))


def setting_of(frames: Sequence[Frame]) -> Setting:
    """Frames as a setting for four voices: of several ways that which moves least."""
    voices = np.full((len(frames), 4), NONE)
    for t, sounding in enumerate(frames):
        found = ways(sounding)
        if found:
            last = voices[t - 1] if t and voices[t - 1, 0] != NONE else np.array(found[len(found) // 2])
            voices[t] = min(found, key=lambda way: int(np.abs(np.array(way) - last).sum()))
    return Setting(melody_of(frames), voices)


class Escape(NamedTuple):
    """The share of frames that no four voices sing, and how likely each pitch sounds in one."""

    share: float
    density: float

    @classmethod
    def fit(cls, pieces: Sequence[Sequence[Frame]]) -> Escape:
        """Measured: half a frame more than there were, so that it is never 0."""
        sounding = [frame for frames in pieces for frame in frames if frame]
        strays = [frame for frame in sounding if not ways(frame)]
        room = sum(max(frame[0] - LOWEST, 1) for frame in strays) + 36
        return cls((len(strays) + 0.5) / (len(sounding) + 1), (sum(len(f) - 1 for f in strays) + 3) / room)

    def log_prob(self, sounding: Frame) -> float:
        """The log probability of the pitches below the soprano, drawn one by one; -inf where one lies below LOWEST."""
        below = len(sounding) - 1
        if below and sounding[-1] < LOWEST:
            return -np.inf
        absent = max(sounding[0] - LOWEST, 0) - below
        return float(below * np.log(self.density) + absent * np.log1p(-self.density))


class SetScorer(NamedTuple):
    """A fitted harmony and its escape; chords whose share at a beat is below `prune` are left out of the sum.

    What is left out can only make a frame less likely than it is; 0 leaves nothing out.
    """

    harmony: Harmony
    escape: Escape
    prune: float = 0.0

    def log_prob(self, frames: Sequence[Frame], melody: Melody | None = None) -> float:
        """The log probability of all lower pitches of a piece, given its whole soprano, in nats.

        `melody` are the soprano's frames where more is known of them than their pitches.
        """
        melody = melody_of(frames) if melody is None else melody
        initial, steps = conditionals(self.harmony.chain(melody))
        sung: list[list[tuple[int, ...] | None]] = [
            [*ways(sounding), None] if sounding else [None] for sounding in frames
        ]
        scores = self._scores(melody, sung, _shares(initial, steps))
        beliefs: FloatArray = np.zeros((1, 0))
        for t, sounding in enumerate(frames):
            prior = initial[None] if t == 0 else _log_matmul(beliefs, steps[t - 1])
            beliefs = np.stack([self._heard(way, t, sounding, prior, scores) for way in sung[t]])
        return float(np.logaddexp.reduce(beliefs, axis=None)) if len(frames) else 0.0

    def _heard(
        self,
        way: tuple[int, ...] | None,
        t: int,
        sounding: Frame,
        prior: FloatArray,
        scores: dict[tuple[int, tuple[int, ...], int], FloatArray],
    ) -> FloatArray:
        """What is believed of each chord where the frame was sung one `way`, None for drawn: (n,)."""
        if way is None:
            drawn = (self.escape.log_prob(sounding) + np.log(self.escape.share)) if sounding else 0.0
            return np.asarray(np.logaddexp.reduce(prior, axis=0) + drawn)
        each = [row + scores[t, way, i] for i, row in enumerate(prior)]
        return np.asarray(np.logaddexp.reduce(each, axis=0) + np.log1p(-self.escape.share))

    def _scores(
        self, melody: Melody, sung: list[list[tuple[int, ...] | None]], shares: FloatArray
    ) -> dict[tuple[int, tuple[int, ...], int], FloatArray]:
        """The log probability of each way of a frame after each way before, for every chord: (n,) by (t, way, i)."""
        n = shares.shape[1]
        asked = [
            (t, way, i, before)
            for t, found in enumerate(sung)
            for way in found
            if way is not None
            for i, before in enumerate(sung[t - 1] if t else [None])
        ]
        if not asked:
            return {}
        which, label = np.nonzero(shares[[t for t, *_ in asked]] > self.prune)
        frames = np.array([t for t, *_ in asked], dtype=np.int64)
        voices = np.array([way for _, way, _, _ in asked], dtype=np.int64)
        last = np.array([before or (NONE,) * 4 for *_, before in asked], dtype=np.int64)
        found = np.full((len(asked), n), -np.inf)
        for begin in range(0, len(which), _PORTION):
            row, chord = which[begin : begin + _PORTION], label[begin : begin + _PORTION]
            found[row, chord] = self._voices(melody, frames[row], chord, voices[row], last[row])
        return {(t, way, i): found[j] for j, (t, way, i, _) in enumerate(asked)}

    def _voices(
        self, melody: Melody, frames: IntArray, label: IntArray, voices: IntArray, before: IntArray
    ) -> FloatArray:
        columns = dict(self.harmony.columns(melody, frames, label, before))
        columns |= {voice: voices[:, place] for voice, place in PLACES.items()}
        return self.harmony.voices_.log_prob(columns, len(frames))


def _shares(initial: FloatArray, steps: FloatArray) -> FloatArray:
    """The probability of each chord at each frame: (n_frames, n)."""
    shares = [np.exp(initial)]
    for step in steps:
        shares.append(shares[-1] @ np.exp(step))
    return np.array(shares)


def _log_matmul(beliefs: FloatArray, step: FloatArray) -> FloatArray:
    """Beliefs (m, n) one step on: (m, n)."""
    top = beliefs.max(axis=1, keepdims=True)
    top = np.where(np.isneginf(top), 0.0, top)
    with np.errstate(divide="ignore"):
        moved: FloatArray = np.log(np.exp(beliefs - top) @ np.exp(step)) + top
    return moved
