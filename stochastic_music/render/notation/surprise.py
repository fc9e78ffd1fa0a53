"""Surprise in notation: notes from ink to red, dark enough to be read on white, with their bits beneath."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from stochastic_music.protocols import FloatArray
from stochastic_music.render.notation.look import Look
from stochastic_music.render.surprise import highest

#: red, green and blue of what was expected, of what lies half way, and of what surprises most
_SCALE = np.array([[0x22, 0x26, 0x2B], [0xA8, 0x4E, 0x00], [0xE3, 0x1A, 0x1C]], dtype=np.float64)


def surprise_look(bits: Sequence[FloatArray]) -> Look:
    """The look of notes that took so many `bits`: an array a track, (n_notes,), in order of time and pitch.

    What was held to be impossible (inf) is as red as can be; nothing is said of notes that are nan.

    >>> surprise_look([np.array([0.0, 2.0, np.nan])])
    Look(colors=[['#22262b', '#e31a1c', None]], lyrics=[['0.0', '2.0', None]])
    """
    top, rows = highest(bits), [track.tolist() for track in bits]
    colors = [[None if math.isnan(value) else _color(value / top) for value in row] for row in rows]
    return Look(colors, [[None if math.isnan(value) else f"{value:.1f}" for value in row] for row in rows])


def _color(share: float) -> str:
    place = min(share, 1.0) * (len(_SCALE) - 1)
    channels = [round(float(np.interp(place, np.arange(len(_SCALE)), column))) for column in _SCALE.T]
    return f"#{bytes(channels).hex()}"
