"""Melodies upside down.

Every step up becomes a step down about a first note, which stays. In a key steps are counted along its scale, so that
what was in the key stays in it: in C major, C E G about C becomes C A F. Notes beside the scale count as raised notes
of it, and are lowered instead. Without a key steps are semitones: C E G becomes C Ab F.
"""

from __future__ import annotations

import numpy as np

from stochastic_music.music.keys import Key
from stochastic_music.protocols import IntArray

_MAJOR = np.array([0, 2, 4, 5, 7, 9, 11])
_N = 128


def inversions(key: Key | None) -> IntArray:
    """Which pitch each pitch becomes about each first one, MIDI numbers, as [first, pitch]: (128, 128); -1 outside.

    >>> inversions(Key(0))[60, [60, 64, 67, 66]].tolist(), inversions(None)[60, [60, 64, 67]].tolist()
    ([60, 57, 53, 54], [60, 56, 53])
    """
    if key is None:
        about = 2 * np.arange(_N)[:, None] - np.arange(_N)
        return _inside(about)
    scale = np.sort((_MAJOR + 7 * key.sharps) % 12)
    octave, within = np.divmod(np.arange(_N), 12)
    below = np.searchsorted(scale, within, side="right") - 1  # -1: the last note of the octave below
    step = 7 * octave + below
    raised = np.arange(_N) - _pitch(scale, step)
    about = _pitch(scale, 2 * step[:, None] - step) + 2 * raised[:, None] - raised
    return _inside(about)


def _pitch(scale: IntArray, step: IntArray) -> IntArray:
    """The pitch of a step of the scale, counted from the lowest."""
    octave, degree = np.divmod(step, len(scale))
    pitch: IntArray = 12 * octave + scale[degree]
    return pitch


def _inside(pitches: IntArray) -> IntArray:
    return np.where((pitches >= 0) & (pitches < _N), pitches, -1)
