"""How pitches are spelled: names by their place on the line of fifths.

The line of fifths runs ... Eb Bb F C G D A E B F# C# ..., C being 0 and each sharp one step up. A MIDI pitch has
many names twelve steps apart; the one within twelve neighbors around the key is what a reader expects [1].
In major these are the scale, three steps of flats and three of sharps (C major: Eb to G#); in minor the raised
sixth, seventh and fourth lie one step further up (A minor: Bb to D#).

`fifths` of a key is its number of sharps, flats being negative, as in MIDI and MusicXML.

[1] D. Temperley. The Cognition of Basic Musical Structures. MIT Press 2001, chapter 5.
"""

from __future__ import annotations

from typing import NamedTuple

_STEPS = "FCGDAEB"
_PITCH_CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SIGNS = {-2: "bb", -1: "b", 0: "", 1: "#", 2: "##"}


class Spelling(NamedTuple):
    """A written pitch: step A .. G, `alter` in semitones, octave (C4 = middle C)."""

    step: str
    alter: int
    octave: int

    def __str__(self) -> str:
        return f"{self.step}{_SIGNS.get(self.alter, f'({self.alter:+d})')}{self.octave}"


def spell(pitch: int, fifths: int = 0, *, minor: bool = False) -> Spelling:
    """The name of a MIDI pitch in the key of `fifths` sharps.

    >>> [str(spell(68, fifths)) for fifths in (0, -3)], str(spell(66, -5)), str(spell(59, -6))
    (['G#4', 'Ab4'], 'Gb4', 'Cb4')
    """
    lowest = fifths - (2 if minor else 3)
    place = lowest + (7 * pitch - lowest) % 12
    step, alter = _STEPS[(place + 1) % 7], (place + 1) // 7
    return Spelling(step, alter, (pitch - alter - _PITCH_CLASSES[step]) // 12 - 1)
