"""Scores to and from the libraries around: `to_X(score)` gives what X works with, `from_X(thing)` a `symusic.Score`.

    music21        streams, as engraved: spelled, in bars, with key, meter, tempo, instruments
    pretty_midi    times in seconds
    muspy          the same notes in the same ticks
    partitura      notation, for music analysis
    miditok        tokens of any tokenizer
    isobar         one dictionary of patterns for each part
    numpy          a structured array of notes, or piano rolls

Each function is thin: it goes by MIDI, by MusicXML, or note by note, whichever the other library understands best, and
its docstring says what the other side has no place for. A library is imported when it is asked for; without it there is
a MissingExtraError with the line that installs it (extra `interop`; music21 comes with the package).

What comes back is a score like any other: `sm.Corpus.from_scores([from_music21(stream)])` is a corpus to learn from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stochastic_music._lazy import attach

if TYPE_CHECKING:
    from stochastic_music.interop.isobar import from_isobar as from_isobar
    from stochastic_music.interop.isobar import to_isobar as to_isobar
    from stochastic_music.interop.miditok import from_miditok as from_miditok
    from stochastic_music.interop.miditok import to_miditok as to_miditok
    from stochastic_music.interop.music21 import from_music21 as from_music21
    from stochastic_music.interop.music21 import to_music21 as to_music21
    from stochastic_music.interop.muspy import from_muspy as from_muspy
    from stochastic_music.interop.muspy import to_muspy as to_muspy
    from stochastic_music.interop.numpy import from_numpy as from_numpy
    from stochastic_music.interop.numpy import from_piano_roll as from_piano_roll
    from stochastic_music.interop.numpy import to_numpy as to_numpy
    from stochastic_music.interop.numpy import to_piano_roll as to_piano_roll
    from stochastic_music.interop.partitura import from_partitura as from_partitura
    from stochastic_music.interop.partitura import to_partitura as to_partitura
    from stochastic_music.interop.pretty_midi import from_pretty_midi as from_pretty_midi
    from stochastic_music.interop.pretty_midi import to_pretty_midi as to_pretty_midi

_NEIGHBOURS = ("isobar", "miditok", "music21", "muspy", "numpy", "partitura", "pretty_midi")
_HOMES = {f"{way}_{name}": name for name in _NEIGHBOURS for way in ("from", "to")}
_HOMES |= {"from_piano_roll": "numpy", "to_piano_roll": "numpy"}

__getattr__, __dir__ = attach(__name__, _HOMES)
