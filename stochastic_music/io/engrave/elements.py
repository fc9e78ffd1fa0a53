"""Elements of MusicXML that say one thing each: a key, a time, a clef, a tempo, a chord symbol, a lyric."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from stochastic_music.io.layout import PERCUSSION, Clef
from stochastic_music.music import chords as music
from stochastic_music.music.keys import Key

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")

#: quality of a chord -> MusicXML's kind, and the degrees (value, alter, add or alter) that it takes besides
_KINDS: dict[str, tuple[str, tuple[tuple[int, int, str], ...]]] = {
    "maj": ("major", ()), "min": ("minor", ()), "dim": ("diminished", ()), "aug": ("augmented", ()),
    "7": ("dominant", ()), "maj7": ("major-seventh", ()), "min7": ("minor-seventh", ()),
    "hdim7": ("half-diminished", ()), "dim7": ("diminished-seventh", ()), "minmaj7": ("major-minor", ()),
    "6": ("major-sixth", ()), "min6": ("minor-sixth", ()), "sus2": ("suspended-second", ()),
    "sus4": ("suspended-fourth", ()), "7sus4": ("suspended-fourth", ((7, -1, "add"),)),
    "aug7": ("augmented-seventh", ()), "augmaj7": ("major-seventh", ((5, 1, "alter"),)),
    "7b5": ("dominant", ((5, -1, "alter"),)), "7b9": ("dominant", ((9, -1, "add"),)),
    "7#9": ("dominant", ((9, 1, "add"),)), "9": ("dominant-ninth", ()), "maj9": ("major-ninth", ()),
    "min9": ("minor-ninth", ()), "11": ("dominant-11th", ()), "min11": ("minor-11th", ()), "13": ("dominant-13th", ()),
    "add9": ("major", ((9, 0, "add"),)), "minadd9": ("minor", ((9, 0, "add"),)),
    "6/9": ("major-sixth", ((9, 0, "add"),)), "5": ("power", ()),
}  # fmt: skip


def printable(text: str) -> str:
    """Text without what XML 1.0 has no place for: control characters, of MIDI tracks, and halves of names of files."""
    return _UNPRINTABLE.sub("", text)


def text_element(parent: ET.Element, tag: str, value: object) -> ET.Element:
    """An element of one text, in which everything can be printed."""
    element = ET.SubElement(parent, tag)
    element.text = printable(str(value))
    return element


def key_element(parent: ET.Element, key: Key) -> None:
    """A key signature, with its mode."""
    element = ET.SubElement(parent, "key")
    text_element(element, "fifths", key.sharps)
    text_element(element, "mode", key.mode)


def time_element(parent: ET.Element, meter: tuple[int, int]) -> None:
    """A time signature."""
    element = ET.SubElement(parent, "time")
    text_element(element, "beats", meter[0])
    text_element(element, "beat-type", meter[1])


def clef_element(parent: ET.Element, clef: Clef, *, number: int) -> None:
    """A clef; `number` is its staff, 0 where there is but one."""
    element = ET.SubElement(parent, "clef", {"number": str(number)} if number else {})
    text_element(element, "sign", clef.sign)
    if clef is not PERCUSSION:
        text_element(element, "line", clef.line)
    if clef.octave:
        text_element(element, "clef-octave-change", clef.octave)


def tempo_element(bar: ET.Element, offset: int, qpm: float, compound: bool, *, printed: bool) -> None:
    """A tempo in quarter notes a minute for players, `printed` as a metronome mark, dotted in `compound` meters."""
    parent = bar
    if printed:
        parent = ET.SubElement(bar, "direction", placement="above")
        metronome = ET.SubElement(ET.SubElement(parent, "direction-type"), "metronome")
        text_element(metronome, "beat-unit", "quarter")
        if compound:
            ET.SubElement(metronome, "beat-unit-dot")
        text_element(metronome, "per-minute", f"{qpm / 1.5 if compound else qpm:.4g}")
    sound = ET.Element("sound", tempo=f"{qpm:g}")
    if offset:
        text_element(parent if printed else sound, "offset", offset)
    parent.append(sound)


def harmony_element(bar: ET.Element, chord: music.Chord | None, offset: int, key: Key) -> None:
    """A chord symbol: MusicXML's kind of chord, and the text that lead sheets have for it."""
    harmony = ET.SubElement(bar, "harmony")
    if chord is None:
        _pitch_name(harmony, "root", "C")
        text_element(harmony, "kind", "none").set("text", "N.C.")
    else:
        root, suffix = chord.spelled(key)
        kind, degrees = _KINDS[chord.quality]
        _pitch_name(harmony, "root", root)
        text_element(harmony, "kind", kind).set("text", suffix)
        if chord.bass is not None:
            _pitch_name(harmony, "bass", chord.symbol(key).rpartition("/")[2])
        for value, alter, how in degrees:
            degree = ET.SubElement(harmony, "degree")
            for tag, text in (("value", value), ("alter", alter), ("type", how)):
                text_element(degree, f"degree-{tag}", text)
    text_element(harmony, "offset", offset)


def _pitch_name(harmony: ET.Element, which: str, name: str) -> None:
    element = ET.SubElement(harmony, which)
    text_element(element, f"{which}-step", name[0])
    if alter := name.count("#") - name.count("b"):
        text_element(element, f"{which}-alter", alter)


def lyric_element(note: ET.Element, text: str) -> None:
    """A word, or a figure, under a note."""
    lyric = ET.SubElement(note, "lyric", number="1")
    text_element(lyric, "syllabic", "single")
    text_element(lyric, "text", text)
