"""Chords under a melody: where they may change, which they are, and a part that plays them.

Chords change with the bar, or twice a bar where it has an even number of beats, four or more. The skeleton is
conditioned on that exactly: within such a stretch every beat has the same chord, in root position; the last chord is
the tonic.

The part plays the bass alone and the chord above it in turn, as the meter asks:

    4/4, 2/4, 5/4    bass on downbeats and in the middle of the bar, the fifth there; chords on other beats
    3/4              bass, chord, chord
    6/8, 9/8, 12/8   on each beat bass, chord, chord in eighths
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from stochastic_music.errors import UnsatisfiableError
from stochastic_music.models.harmony.labels import Alphabet
from stochastic_music.music.beats import Beat
from stochastic_music.music.chords import Chord
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.sampling import chains
from stochastic_music.sampling.chains import Chain
from stochastic_music.tasks.harmonize.tunes import Line, Tune

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: qualities that lead sheets use
_QUALITIES = ("maj", "min", "7", "min7", "maj7", "dim")
_LOWEST_BASS, _LOWEST_CHORD = 38, 53
_BASS_LOUD, _CHORD_LOUD = 0.8, 0.62


def stretches(beats: Sequence[Beat]) -> IntArray:
    """The number of the stretch of each beat, within which the chord stays: (n,).

    >>> beats = [Beat(Fraction(i), Fraction(i + 1), place, 1, i + 1) for i, place in enumerate([0, 1, 2, 3])]
    >>> stretches(beats).tolist()
    [0, 0, 1, 1]
    """
    halves = {beat.bar: beat.number for beat in beats if beat.place == 2}
    keys = [(beat.bar, beat.bar in halves and beat.number >= halves[beat.bar]) for beat in beats]
    changes = [i > 0 and key != keys[i - 1] for i, key in enumerate(keys)]
    return np.cumsum(changes, dtype=np.int64)


def chord_chain(plain: Chain, alphabet: Alphabet, stretch: IntArray, minor: bool) -> Chain:
    """The skeleton where chords stay within stretches, stand in root position, and end on the tonic.

    Raises UnsatisfiableError where the melody allows no such row of chords.
    """
    rooted = [label.bass == label.root and label.quality in _QUALITIES for label in alphabet.labels]
    third = ("maj", "min") if minor else ("maj",)
    home = [label.bass == label.root == 0 and label.quality in third for label in alphabet.labels]
    usual = np.broadcast_to([*rooted, False], plain.unary.shape)
    for last in (home, rooted):
        allowed: BoolArray = usual.copy()
        allowed[-1:] &= np.array([*last, False])
        found = chains.restricted(_held(plain, stretch), allowed)
        try:
            chains.forward(found)
        except UnsatisfiableError:
            continue
        return found
    raise UnsatisfiableError("no row of chords is left under this melody: harmonise it in chorale style instead")


def _held(plain: Chain, stretch: IntArray) -> Chain:
    """The chain whose states stay within stretches."""
    n = plain.unary.shape[1]
    stays = np.where(np.eye(n, dtype=bool), 0.0, -np.inf)
    steps = [plain.step(t) + (stays if stretch[t] == stretch[t + 1] else 0.0) for t in range(len(stretch) - 1)]
    return Chain(plain.unary, np.array(steps).reshape(-1, n, n))


def changes(chords: Sequence[Chord], stretch: IntArray) -> list[int]:
    """The frames at which another chord begins."""
    return [t for t, chord in enumerate(chords) if t == 0 or (chord != chords[t - 1] and stretch[t] != stretch[t - 1])]


def accompaniment(tune: Tune, chords: Sequence[Chord]) -> tuple[Line, IntArray]:
    """The notes that play some chords, and whether each is a bass note, (n_notes,)."""
    notes: list[tuple[int, int, int, int]] = []
    for t, (beat, chord) in enumerate(zip(tune.beats, chords, strict=True)):
        start, end = int(tune.start[t]), int(tune.end[t])
        if beat.end - beat.start == Fraction(3, 2) and beat.place in (0, 1, 2, 3) and end - start >= 3:
            third = (end - start) // 3
            notes.append((start, start + third, _bass(chord, low=beat.place in (0, 2)), 1))
            notes += [(start + i * third, start + (i + 1) * third, p, 0) for i in (1, 2) for p in _close(chord)]
        elif beat.place in (0, 2):
            notes.append((start, end, _bass(chord, low=beat.place == 0 or chord != chords[max(t - 1, 0)]), 1))
            if t == len(chords) - 1:
                notes += [(start, end, p, 0) for p in _close(chord)]
        else:
            notes += [(start, end, p, 0) for p in _close(chord)]
    onset, end_, pitch, bass = (np.array(column, dtype=np.int64) for column in zip(*notes, strict=True))
    return Line(onset, end_, pitch), bass


def _bass(chord: Chord, *, low: bool) -> int:
    """The root, or the fifth below or above it, between D2 and C#3."""
    fifth = next((p for p in chord.pitch_classes if (p - chord.root) % 12 in (6, 7, 8)), chord.root)
    wanted = chord.root if low else fifth
    return _LOWEST_BASS + (wanted - _LOWEST_BASS) % 12


def _close(chord: Chord) -> list[int]:
    """The chord between F3 and E4."""
    return sorted(_LOWEST_CHORD + (p - _LOWEST_CHORD) % 12 for p in chord.pitch_classes)


def with_accompaniment(score: ScoreTick, tune: Tune, chords: Sequence[Chord], stretch: IntArray) -> ScoreTick:
    """A copy of the score with chord symbols, and a last track that plays them."""
    from symusic.core import NoteTick, TrackTick

    from stochastic_music.music import marks

    out = score.copy()
    melody = out.tracks[tune.track]
    loud = float(np.median(melody.notes.numpy()["velocity"].astype(np.int64)))
    track = TrackTick("Accompaniment", 0, False)
    line, bass = accompaniment(tune, chords)
    for onset, end, pitch, low in zip(*(column.tolist() for column in line), bass.tolist(), strict=True):
        velocity = max(1, round(loud * (_BASS_LOUD if low else _CHORD_LOUD)))
        track.notes.append(NoteTick(onset, end - onset, pitch, velocity))
    out.tracks.append(track)
    symbols = [(int(tune.start[t]), chords[t].symbol(tune.key.key)) for t in changes(chords, stretch)]
    marks.set_chord_symbols(out, symbols)
    return out
