"""Timbres: the partials of a note for each family of instruments, and how it begins and ends.

Struck and plucked strings have slightly stretched partials [1], the higher ones dying sooner; a piano's die in two
stages, since its strings beat [2]. Bars ring at 1 : 4 : 10. Bowed strings and voices are three players slightly out
of tune, voices with the formants of "ah" [3]; brass opens up as it sounds; reeds and pipes have a vibrato that comes
in late. The louder, the brighter.

[1] H. Fletcher. Normal vibration frequencies of a stiff piano string. JASA 36, 1964.
[2] G. Weinreich. Coupled piano strings. JASA 62, 1977.
[3] G. E. Peterson, H. L. Barney. Control methods used in a study of the vowels. JASA 24, 1952.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from stochastic_music.protocols import FloatArray
from stochastic_music.render.audio.partials import Partials, ensemble, vibrato

#: Partials above this many Hz, or beyond this many, add nothing that is missed.
_HIGHEST, _MOST = 12000.0, 32


class Timbre(NamedTuple):
    """How a family sounds.

    `partials(frequency, strength, beat)` are those of a note at `frequency` Hz, `strength` being in (0, 1). Those of a
    sustained timbre that do not die are at multiples of `beat` Hz, as `frequency` is, so that they can be looped.
    Attack and release are in seconds.
    """

    partials: Callable[[float, float, float], Partials]
    attack: float
    release: float
    sustained: bool


def _numbers(frequency: float) -> FloatArray:
    """The numbers of the harmonics that are heard: 1 at least."""
    return np.arange(1.0, 1 + max(1, min(_MOST, int(_HIGHEST / frequency))))


def _soft(frequency: FloatArray, strength: float, cutoff: float) -> FloatArray:
    """What remains of high partials: less where a note is played softly."""
    return np.exp(-frequency / (cutoff * (0.35 + strength)))


def _stretched(number: FloatArray, frequency: float, stiffness: float) -> FloatArray:
    return frequency * number * np.sqrt((1 + stiffness * number**2) / (1 + stiffness))


def _scattered(number: FloatArray) -> FloatArray:
    """Phases that keep peaks low: quadratic in the number of the harmonic."""
    return np.pi * number**2 * 0.618


# Struck and plucked


def _piano(frequency: float, strength: float, _: float) -> Partials:
    k = _numbers(frequency)
    at = _stretched(k, frequency, min(1e-4 * max(frequency / 130, 1) ** 1.5, 0.01))
    loud = np.abs(np.sin(np.pi * k / 8.3)) / k**0.9 * _soft(at, strength, 1800)
    dying = max(0.25, 0.5 * (frequency / 262) ** 0.8) + 6e-4 * at
    slow = Partials.of(at + 0.25, 0.35 * loud, dying)
    knock = Partials.of([95, 190, 330], 0.04 * loud.sum() * strength, 45)
    return Partials.of(at, loud, 3.5 * dying) + slow + knock


def _plucked(frequency: float, strength: float, _: float) -> Partials:
    k = _numbers(frequency)
    at = _stretched(k, frequency, 4e-5)
    loud = np.abs(np.sin(0.23 * np.pi * k)) / k**1.1 * _soft(at, strength, 2600)
    return Partials.of(at, loud, 1.1 * (frequency / 262) ** 0.7 + 1.4e-3 * at)


def _bass(frequency: float, strength: float, _: float) -> Partials:
    k = _numbers(frequency)
    at = _stretched(k, frequency, 1e-4)
    loud = np.abs(np.sin(0.17 * np.pi * k)) / k * _soft(at, strength, 550)
    return Partials.of(at, loud, 0.9 + 4e-3 * at)


def _bell(frequency: float, strength: float, _: float) -> Partials:
    ratio = np.array([1, 2, 4, 10.0])
    loud = np.array([1, 0.08, 0.35 * (0.4 + strength), 0.12 * strength])
    return Partials.of(frequency * ratio, loud, (frequency / 523) ** 0.4 * np.array([1.1, 3, 4, 14]))


# Sustained


def _organ(frequency: float, _strength: float, beat: float) -> Partials:
    drawn = np.array([1, 2, 3, 4, 6, 8.0])
    loud = np.array([1, 0.7, 0.3, 0.4, 0.1, 0.16])
    pipes = Partials.of(frequency * drawn, loud, 0, _scattered(drawn))
    second = Partials.of((frequency + 2 * beat) * drawn, 0.25 * loud, 0, 2 * _scattered(drawn))
    return pipes + second + Partials.of(frequency * np.array([5.0, 7, 11]), 0.12, 35)


def _strings(frequency: float, strength: float, beat: float) -> Partials:
    k = _numbers(frequency)
    body = 1 + 0.8 * _bump(k * frequency, 480, 160) + 0.6 * _bump(k * frequency, 2600, 900)
    loud = body / k * _soft(k * frequency, strength, 3600)
    return ensemble(Partials.of(frequency * k, loud, 0, _scattered(k)), frequency, 5, beat)


def _choir(frequency: float, strength: float, beat: float) -> Partials:
    k = _numbers(frequency)
    at = k * frequency
    vowel = _bump(at, 700, 140) + 0.7 * _bump(at, 1150, 160) + 0.22 * _bump(at, 2700, 300) + 0.1
    loud = vowel / k**0.7 * _soft(at, strength, 4000) + 0.5 * (k == 1)
    return ensemble(Partials.of(at, loud, 0, _scattered(k)), frequency, 8, beat)


def _brass(frequency: float, strength: float, _: float) -> Partials:
    k = _numbers(frequency)
    loud = k**-0.25 * _soft(k * frequency, strength, 1300)
    steady = Partials.of(frequency * k, loud, 0, _scattered(k))
    return steady + steady._replace(amplitude=-0.9 * loud, decay=40 / (1 + k / 4) + 6)


def _reed(frequency: float, strength: float, beat: float) -> Partials:
    k = _numbers(frequency)[:14]
    loud = np.where(k % 2 == 1, 1.0, 0.28) / k**0.6 * _soft(k * frequency, strength, 2400)
    return vibrato(Partials.of(frequency * k, loud, 0, _scattered(k)), 0.0022, round(4.8 / beat) * beat, 7)


def _pipe(frequency: float, strength: float, beat: float) -> Partials:
    k = np.array([1, 2, 3, 4, 5.0])
    loud = np.array([1, 0.32, 0.14, 0.05, 0.02]) * (0.5 + 0.5 * strength) ** (k - 1)
    swaying = vibrato(Partials.of(frequency * k, loud, 0, _scattered(k)), 0.0035, round(5.2 / beat) * beat, 6)
    breath = Partials.of(frequency * np.array([2.47, 3.53, 4.41, 5.37, 6.61]), 0.05, 28)
    return swaying + breath


def _bump(frequency: FloatArray, center: float, width: float) -> FloatArray:
    """A resonance, 1 at its center."""
    return 1 / (1 + ((frequency - center) / width) ** 2)


TIMBRES = {
    "piano": Timbre(_piano, 0.003, 0.12, False),
    "plucked": Timbre(_plucked, 0.002, 0.1, False),
    "bass": Timbre(_bass, 0.004, 0.08, False),
    "bell": Timbre(_bell, 0.002, 0.35, False),
    "organ": Timbre(_organ, 0.02, 0.09, True),
    "strings": Timbre(_strings, 0.08, 0.2, True),
    "choir": Timbre(_choir, 0.1, 0.25, True),
    "brass": Timbre(_brass, 0.02, 0.1, True),
    "reed": Timbre(_reed, 0.035, 0.09, True),
    "pipe": Timbre(_pipe, 0.045, 0.12, True),
}
