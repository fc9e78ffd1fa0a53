"""Drums: skins as damped modes under a falling pitch, metal as a crowd of damped modes, wires and shakers as noise.

Keys are those of General MIDI percussion, 35 to 81; other keys knock on wood. Modes of an ideal skin lie at 1 : 1.59
: 2.14 : 2.30 : 2.65 [1]. Noise and the modes of cymbals are drawn with the key as seed: equal scores sound equal.

[1] N. H. Fletcher, T. D. Rossing. The physics of musical instruments. 2nd edition, Springer, 1998. Chapter 3.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np

from stochastic_music import _random
from stochastic_music.protocols import FloatArray
from stochastic_music.render.audio.leveling import power
from stochastic_music.render.audio.partials import Partials, Sound, summed
from stochastic_music.render.audio.tones import rise

_SKIN = np.array([1, 1.59, 2.14, 2.3, 2.65])
#: seconds from the stroke on over which it is as loud as a tone
_JUDGED = 0.1


class Drum(NamedTuple):
    """What a stroke is made of; half-lives in seconds, frequencies in Hz.

    A skin sounds from `skin` Hz on, begins `fall` times higher, and dies with `ring`; `metal` modes lie between `low`
    and 14,000 Hz, and die with `shine`; `noise` above `low` Hz dies with `hiss`. `level` is loudness beside other
    drums, `strokes` how often it is hit (hands clap thrice).
    """

    level: float = 1.0
    skin: float = 0.0
    fall: float = 1.0
    ring: float = 0.1
    tuned: tuple[float, ...] = ()
    metal: int = 0
    shine: float = 0.1
    noise: float = 0.0
    low: float = 1000.0
    high: float = 14000.0
    hiss: float = 0.05
    strokes: int = 1


def _tom(skin: float) -> Drum:
    return Drum(0.9, skin=skin, fall=1.5, ring=0.11, noise=0.12, low=300, high=4000, hiss=0.012)


def _hand(skin: float, ring: float = 0.06) -> Drum:
    return Drum(0.7, skin=skin, fall=1.12, ring=ring, noise=0.1, low=800, high=6000, hiss=0.006)


def _wood(*tuned: float) -> Drum:
    return Drum(0.5, tuned=tuned, ring=0.018, noise=0.05, low=1500, hiss=0.003)


def _cymbal(shine: float, level: float = 0.55, low: float = 350.0) -> Drum:
    return Drum(level, metal=180, shine=shine, low=low, noise=0.35, hiss=shine / 3)


def _shaken(hiss: float, low: float) -> Drum:
    return Drum(0.35, noise=1, low=low, hiss=hiss)


_KICK = Drum(1.1, skin=48, fall=3.2, ring=0.09, noise=0.06, low=1500, high=5000, hiss=0.004)
_SNARE = Drum(0.9, skin=185, fall=1.25, ring=0.035, noise=0.75, low=900, high=9000, hiss=0.055)
_RIM = Drum(0.6, tuned=(430, 1050, 1720), ring=0.012, noise=0.1, low=2000, hiss=0.004)
_CLAP = Drum(0.7, noise=1, low=700, high=3500, hiss=0.045, strokes=3)
_HAT = Drum(0.4, metal=60, low=5500, shine=0.018, noise=0.8, hiss=0.016)
_PEDAL = _HAT._replace(level=0.3, shine=0.03, hiss=0.025)
_OPEN_HAT = _HAT._replace(level=0.45, shine=0.16, hiss=0.14)
_BELL = Drum(0.45, tuned=(560, 845, 1690, 2540), ring=0.09)
_TRIANGLE = Drum(0.3, tuned=(1630, 3900, 5250, 8200), ring=0.4)
_AGOGO = _BELL._replace(tuned=(920, 1380, 2310), ring=0.07)
_CABASA, _SHORT_GUIRO = _shaken(0.03, 4000), _shaken(0.04, 2000)
_OTHER = _wood(800, 2100)

_KIT = {
    **dict.fromkeys((35, 36), _KICK),
    **{37: _RIM, 38: _SNARE, 39: _CLAP, 40: _SNARE._replace(skin=210)},
    **{42: _HAT, 44: _PEDAL, 46: _OPEN_HAT},
    **{41: _tom(72), 43: _tom(88), 45: _tom(108), 47: _tom(130), 48: _tom(158), 50: _tom(190)},
    **{49: _cymbal(0.45), 57: _cymbal(0.5), 52: _cymbal(0.4, low=500), 55: _cymbal(0.22)},
    **{
        51: _cymbal(0.3, 0.4, 900),
        59: _cymbal(0.32, 0.4, 1000),
        53: _BELL._replace(tuned=(760, 2350, 4100), ring=0.25),
    },
    **{54: Drum(0.4, metal=40, low=5000, shine=0.05, noise=0.5, hiss=0.04), 56: _BELL, 58: _RIM._replace(strokes=3)},
    **{60: _hand(400), 61: _hand(290), 62: _hand(230, 0.02), 63: _hand(220), 64: _hand(165, 0.09)},
    **{65: _hand(340, 0.09), 66: _hand(250, 0.1), 67: _AGOGO, 68: _AGOGO._replace(tuned=(690, 1035, 1730))},
    **{69: _CABASA, 70: _shaken(0.015, 5000), 73: _SHORT_GUIRO, 74: _SHORT_GUIRO._replace(hiss=0.1)},
    **{71: Drum(0.4, tuned=(2350,), ring=0.06), 72: Drum(0.4, tuned=(2250,), ring=0.2)},
    **{75: _wood(2450), 76: _wood(1150, 2900), 77: _wood(820, 2050), 78: _hand(520, 0.03), 79: _hand(420, 0.1)},
    **{80: _TRIANGLE._replace(ring=0.03), 81: _TRIANGLE},
}


@functools.lru_cache(maxsize=64)
def stroke(key: int, sample_rate: int) -> Sound:
    """The sound of a General MIDI percussion key, (n_samples,), to its end."""
    drum, generator = _KIT.get(key, _OTHER), _random.generator(max(key, 0))
    longest = max(
        drum.ring * bool(drum.skin or drum.tuned), drum.shine * bool(drum.metal), drum.hiss * bool(drum.noise)
    )
    n = math.ceil((11 * longest + 0.03) * sample_rate)  # 66 dB down
    sound = _skin(drum, n, sample_rate) + _metal(drum, n, sample_rate, generator)
    sound += _noise(drum, n, sample_rate, generator)
    sound[: n // 8] *= np.minimum(1, np.arange(n // 8) / (0.0006 * sample_rate)).astype(np.float32)
    sound[-(n // 8) :] *= rise(n // 8)[::-1]
    judged = power(sound[: round(_JUDGED * sample_rate)], sample_rate)
    return sound * np.float32(drum.level / math.sqrt(judged)) if judged > 0 else sound


def _skin(drum: Drum, n: int, sample_rate: int) -> Sound:
    """Modes of a membrane whose tension falls after the stroke, or tuned bars."""
    time = np.arange(n) / sample_rate
    dying = math.log(2) / drum.ring
    if drum.tuned:
        tuned = np.array(drum.tuned)
        return summed(
            Partials.of(tuned, 1 / np.arange(1, len(tuned) + 1), dying * (tuned / tuned[0]) ** 0.7), n, sample_rate
        )
    if not drum.skin:
        return np.zeros(n, dtype=np.float32)
    turns = drum.skin * (time + (drum.fall - 1) * 0.018 * (1 - np.exp(-time / 0.018)))
    sound = np.zeros(n)
    for i, ratio in enumerate(_SKIN):
        sound += 0.35**i * np.exp(-dying * (1 + 1.5 * i) * time) * np.sin(2 * np.pi * ratio * turns)
    return sound.astype(np.float32)


def _metal(drum: Drum, n: int, sample_rate: int, generator: np.random.Generator) -> Sound:
    """Many modes, evenly spread over the octaves' square roots; the higher they are the sooner they die."""
    if not drum.metal:
        return np.zeros(n, dtype=np.float32)
    at = np.sort(generator.uniform(drum.low**0.5, 14000**0.5, drum.metal)) ** 2
    loud = generator.uniform(0.3, 1, drum.metal) * (at / 14000) ** 0.25
    dying = math.log(2) / drum.shine * (0.55 + at / 8000)
    phase = generator.uniform(0, 2 * np.pi, drum.metal)
    return summed(Partials.of(at, loud / math.sqrt(drum.metal), dying, phase), n, sample_rate)


def _noise(drum: Drum, n: int, sample_rate: int, generator: np.random.Generator) -> Sound:
    """Noise between two frequencies, for each stroke anew."""
    if not drum.noise:
        return np.zeros(n, dtype=np.float32)
    at = np.fft.rfftfreq(n, 1 / sample_rate)
    band = 1 / np.sqrt((1 + (drum.low / np.maximum(at, 1)) ** 4) * (1 + (at / drum.high) ** 4))
    noise = np.fft.irfft(band * np.fft.rfft(generator.standard_normal(n)), n)
    sound: Sound = (drum.noise * noise / noise.std() * _dying(np.arange(n) / sample_rate, drum)).astype(np.float32)
    return sound


def _dying(time: FloatArray, drum: Drum) -> FloatArray:
    """Falls by half in each `hiss` seconds; strokes before the last are short and 11 ms apart."""
    starts = 0.011 * np.arange(drum.strokes)
    shape: FloatArray = np.where(time >= starts[-1], np.exp2(-(time - starts[-1]) / drum.hiss), 0)
    for start in starts[:-1]:
        shape += np.where(time >= start, np.exp2(-(time - start) / 0.003), 0)
    return shape
