"""Which family of instruments plays a track: one word, on which WAV files and players in pages agree.

Programs are those of General MIDI, 0 to 127: eight in a row are of a family, but for a few that sound otherwise than
their neighbours (a harp stands among the strings).
"""

from __future__ import annotations

_EIGHTS = (
    *("piano", "bell", "organ", "plucked", "bass", "strings", "strings", "brass"),
    *("reed", "pipe", "reed", "choir", "strings", "plucked", "bell", "bell"),
)
_OTHERWISE = {
    **dict.fromkeys((6, 7, 15, 45, 46), "plucked"),  # harpsichord, clavinet, dulcimer, pizzicato, harp
    **dict.fromkeys((21, 22, 23, 109, 111), "reed"),  # accordion, harmonica, bandoneon, bagpipe, shanai
    **dict.fromkeys((52, 53, 54), "choir"),
    **dict.fromkeys((47, 108), "bell"),  # timpani, kalimba
    110: "strings",  # fiddle
}

#: Every family there is.
FAMILIES = (*sorted({*_EIGHTS, *_OTHERWISE.values()}), "drums")


def family(program: int, is_drum: bool = False) -> str:
    """The family of a General MIDI program, one of FAMILIES; programs beyond 127 begin again at 0.

    >>> family(0), family(46), family(73), family(0, is_drum=True)
    ('piano', 'plucked', 'pipe', 'drums')
    """
    program = int(program) % 128
    return "drums" if is_drum else _OTHERWISE.get(program, _EIGHTS[program // 8])
