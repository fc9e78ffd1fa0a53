"""Scores as sound, with nothing to install: instruments made of sines, drums, a room, an even level, and files.

    notes in seconds (tempo map) --> tones, or drums --> left to right --> room --> level --> WAV, FLAC, OGG

A tone is a sum of damped sinusoids (`partials`), which ones its family says (`timbres`, `drums`); each is as loud to
the ear as any other at the same velocity, and so is each score (`leveling`), and no sample passes -1 dBFS. Tempo
changes are followed; pedals, bends and controllers are not. A SoundFont is played by FluidSynth where asked for
(`soundfonts`). Equal scores give equal bytes on one machine.
"""

from stochastic_music.render.audio.instruments import FAMILIES, family
from stochastic_music.render.audio.mixing import MAX_SECONDS, synthesize
from stochastic_music.render.audio.wav import to_wav
from stochastic_music.render.audio.writing import SUFFIXES, provenance, sounded, write_sound

__all__ = [
    "FAMILIES",
    "MAX_SECONDS",
    "SUFFIXES",
    "family",
    "provenance",
    "sounded",
    "synthesize",
    "to_wav",
    "write_sound",
]
