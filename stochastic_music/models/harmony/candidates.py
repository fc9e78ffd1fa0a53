"""Candidates: the voicings of each beat that exact inference chooses among.

At each frame the *proposal* gives every voicing in range, in order, of a chord that may stand there, the weight

    p(chord | melody)  x  p(B, T, A | chord, soprano)

the first being the skeleton's share of the chord at the frame, the second the standing mixtures of `Voices`. A voicing
is of a chord if it would be labelled so, and the soprano's note belongs to it; breaches of hard rules of single chords
are left out. The K heaviest are the candidates, and the share of the proposal's weight that they hold is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from stochastic_music.models.harmony.harmony import Harmony
from stochastic_music.models.harmony.melody import Melody
from stochastic_music.models.harmony.voices import ORDER, PLACES, SPANS
from stochastic_music.music.voice_leading import Context, count
from stochastic_music.protocols import BoolArray, FloatArray, IntArray

#: chords of a smaller share at a frame are not proposed there, unless fewer than FEWEST are larger
LEAST_SHARE, FEWEST = 1e-3, 8


class Candidates(NamedTuple):
    """The candidates of one frame: `voices` (k, 4) from the top, their chords' numbers `label` (k,), heaviest first.

    `kept` is their share of the proposal's weight, `n_all` how many voicings it weighed.
    """

    voices: IntArray
    label: IntArray
    kept: float
    n_all: int


class Bounds(NamedTuple):
    """What candidates keep to.

    `ranges` are the lowest and highest pitch of "A", "T" and "B", `hard` the rules of single chords that none may
    break, `most` is K. Where no chord that holds the soprano's note is known, it may be foreign to the chord, in the
    frames `foreign` (n_frames,).
    """

    ranges: Mapping[str, tuple[int, int]]
    hard: Sequence[str]
    most: int
    foreign: BoolArray


class _Proposed(NamedTuple):
    """Voicings with their frames, chords and weights: (n,), (n,), (n,), (n, 4)."""

    frames: IntArray
    label: IntArray
    weight: FloatArray
    voices: IntArray

    def where(self, rows: BoolArray | IntArray) -> _Proposed:
        return _Proposed(self.frames[rows], self.label[rows], self.weight[rows], self.voices[rows])

    def plus(self, other: _Proposed) -> _Proposed:
        joined: Any = (np.concatenate(pair) for pair in zip(self, other, strict=True))
        return _Proposed(*joined)


def propose(harmony: Harmony, melody: Melody, shares: FloatArray, bounds: Bounds) -> list[Candidates]:
    """The heaviest voicings of each frame; a frame may have none.

    `shares` (n_frames, n_labels) are the skeleton's.
    """
    found = _known(harmony, melody, shares, bounds, foreign=False)
    missing = np.bincount(found.frames, minlength=len(melody)) == 0
    if (missing & bounds.foreign).any():
        only = np.where((missing & bounds.foreign)[:, None], shares, 0.0)
        more = _known(harmony, melody, only, bounds, foreign=True)
        found = found.plus(more)
    return [_heaviest(found.where(found.frames == t), bounds.most) for t in range(len(melody))]


def _known(harmony: Harmony, melody: Melody, shares: FloatArray, bounds: Bounds, *, foreign: bool) -> _Proposed:
    """All voicings of the chords worth proposing; with `foreign` the soprano's note need not be theirs."""
    frames, label = _chords(shares)
    with np.errstate(divide="ignore"):
        weight = np.log(shares[frames, label])
    found = _Proposed(frames, label, weight, np.full((len(frames), 4), -1, dtype=np.int64))
    found.voices[:, 0] = melody.pitch[frames]
    tones = _tones(harmony, melody.tonic)
    if not foreign:
        found = found.where(tones[label, melody.pitch[frames] % 12])
    found = found.where(found.label != harmony.alphabet.other)
    for voice in ORDER:
        found = _sung(harmony, melody, voice, found, room=(bounds.ranges[voice], tones))
    if not len(found.frames):
        return found
    heard = found.voices[:, 1:] if foreign else found.voices
    sound = harmony.alphabet.numbers(heard, melody.tonic) == found.label
    for name in bounds.hard:
        sound &= count(name, None, found.voices, Context(melody.tonic, melody.minor)) == 0
    return found.where(sound)


def _sung(
    harmony: Harmony, melody: Melody, voice: str, found: _Proposed, *, room: tuple[tuple[int, int], BoolArray]
) -> _Proposed:
    """Every pitch that the next voice may add, with its weight."""
    frames, label, weight, voices = found
    columns = dict(harmony.columns(melody, frames, label))
    columns |= {name: voices[:, place] for name, place in PLACES.items()}
    log_probs = harmony.voices_.log_probs(voice, columns, len(frames), standing=True)
    (lowest, highest), tones = room
    low, n = SPANS[voice]
    pitches = low + np.arange(n)
    top = np.minimum(melody.pitch, melody.lowest)[frames]
    fits = (pitches >= lowest) & (pitches <= highest) & (pitches <= top[:, None])
    if voice == "B":
        fits &= pitches[None] % 12 == (columns["bass"] % 12)[:, None]
    else:
        fits &= (pitches >= voices[:, PLACES[voice] + 1][:, None]) & tones[label][:, pitches % 12]
    row, pitch = np.nonzero(fits)
    grown = voices[row]
    grown[:, PLACES[voice]] = pitches[pitch]
    return _Proposed(frames[row], label[row], weight[row] + log_probs[row, pitch], grown)


def _chords(shares: FloatArray) -> tuple[IntArray, IntArray]:
    """The chords worth proposing: frames and labels, (n,) each."""
    rank = np.argsort(np.argsort(-shares, axis=1, kind="stable"), axis=1)
    frames, labels = np.nonzero((shares > 0) & ((shares >= LEAST_SHARE) | (rank < FEWEST)))
    return frames.astype(np.int64), labels.astype(np.int64)


def _tones(harmony: Harmony, tonic: int) -> BoolArray:
    """Which pitch classes belong to each label: (n, 12)."""
    table = np.zeros((harmony.alphabet.n, 12), dtype=bool)
    for i, label in enumerate(harmony.alphabet.labels):
        chord = label.chord(tonic)
        table[i, [*chord.pitch_classes, chord.lowest]] = True
    return table


def _heaviest(found: _Proposed, most: int) -> Candidates:
    order = np.argsort(-found.weight, kind="stable")
    ranked = found.where(order)
    shares = np.exp(ranked.weight - ranked.weight[:1].max(initial=-np.inf)) if len(order) else np.zeros(0)
    kept = float(shares[:most].sum() / shares.sum()) if len(order) else 0.0
    return Candidates(ranked.voices[:most], ranked.label[:most], kept, len(order))
