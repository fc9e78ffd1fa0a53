"""General MIDI instruments and drums by name."""

from __future__ import annotations

from stochastic_music.errors import UnknownNameError

#: the 128 programs of General MIDI level 1, in order
NAMES = tuple(
    name.strip()
    for name in """
    acoustic grand piano, bright acoustic piano, electric grand piano, honky-tonk piano, electric piano 1,
    electric piano 2, harpsichord, clavinet, celesta, glockenspiel, music box, vibraphone, marimba, xylophone,
    tubular bells, dulcimer, drawbar organ, percussive organ, rock organ, church organ, reed organ, accordion,
    harmonica, tango accordion, acoustic guitar nylon, acoustic guitar steel, electric guitar jazz,
    electric guitar clean, electric guitar muted, overdriven guitar, distortion guitar, guitar harmonics,
    acoustic bass, electric bass finger, electric bass pick, fretless bass, slap bass 1, slap bass 2,
    synth bass 1, synth bass 2, violin, viola, cello, contrabass, tremolo strings, pizzicato strings,
    orchestral harp, timpani, string ensemble 1, string ensemble 2, synth strings 1, synth strings 2, choir aahs,
    voice oohs, synth voice, orchestra hit, trumpet, trombone, tuba, muted trumpet, french horn, brass section,
    synth brass 1, synth brass 2, soprano sax, alto sax, tenor sax, baritone sax, oboe, english horn, bassoon,
    clarinet, piccolo, flute, recorder, pan flute, blown bottle, shakuhachi, whistle, ocarina, square lead,
    sawtooth lead, calliope lead, chiff lead, charang lead, voice lead, fifths lead, bass and lead, new age pad,
    warm pad, polysynth pad, choir pad, bowed pad, metallic pad, halo pad, sweep pad, rain, soundtrack, crystal,
    atmosphere, brightness, goblins, echoes, sci-fi, sitar, banjo, shamisen, koto, kalimba, bagpipe, fiddle, shanai,
    tinkle bell, agogo, steel drums, woodblock, taiko drum, melodic tom, synth drum, reverse cymbal,
    guitar fret noise, breath noise, seashore, bird tweet, telephone ring, helicopter, applause, gunshot
    """.replace("\n", " ").split(",")
)

_SHORT = {
    "piano": 0,
    "organ": 19,
    "guitar": 24,
    "bass": 32,
    "strings": 48,
    "choir": 52,
    "voice": 52,
    "sax": 65,
    "horn": 60,
}

_DRUMS = {
    **{35: "kick", 36: "kick", 37: "rim", 38: "snare", 39: "clap", 40: "snare", 41: "low tom", 42: "hi-hat"},
    **{43: "low tom", 44: "pedal hat", 45: "mid tom", 46: "open hat", 47: "mid tom", 48: "high tom", 49: "crash"},
    **{50: "high tom", 51: "ride", 52: "china", 53: "bell", 54: "tambourine", 55: "splash", 56: "cowbell", 57: "crash"},
}


def drum_name(pitch: int) -> str:
    """What a pitch means on the channel of drums.

    >>> drum_name(38), drum_name(99)
    ('snare', 'drum 99')
    """
    return _DRUMS.get(pitch, f"drum {pitch}")


def program_number(name: str) -> int:
    """The program, 0 .. 127, of an instrument's name or of its number counted from 1.

    Raises UnknownNameError naming the nearest.

    >>> program_number("violin"), program_number("41"), program_number("piano")
    (40, 40, 0)
    """
    text = " ".join(name.lower().split())
    if text.isdigit() and 1 <= int(text) <= 128:
        return int(text) - 1
    if text in _SHORT:
        return _SHORT[text]
    if text not in NAMES:
        raise UnknownNameError("instrument", name, [*NAMES, *_SHORT])
    return NAMES.index(text)
