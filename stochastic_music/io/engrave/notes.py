"""What a note or a rest is made of beside its pitch, in the order that the format asks for."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import NamedTuple

from stochastic_music.io.engrave.elements import text_element
from stochastic_music.io.engrave.frame import Signature
from stochastic_music.io.engrave.sounds import Sound
from stochastic_music.music.spelling import Spelling


class Place(NamedTuple):
    """Where a value is written: voice and staff (0: the only one), and what is in force there."""

    voice: int
    staff: int
    signature: Signature
    accidentals: set[tuple[int, Spelling]]


class Look(NamedTuple):
    """What a note shows beside its pitch and value."""

    accidental: str = ""
    head: str = "normal"
    instrument: str = ""


_PLAIN = Look()


def add_rhythm(
    note: ET.Element,
    sound: Sound,
    place: Place,
    ties: Sequence[str] = (),
    look: Look = _PLAIN,
    *,
    is_chord: bool = False,
) -> None:
    """Duration, ties, voice, type, dots, accidental, tuplet, staff and beams, in the order the format asks for."""
    value = sound.value
    text_element(note, "duration", value.end - value.start)
    for tie in ties:
        ET.SubElement(note, "tie", type=tie)
    if look.instrument:
        ET.SubElement(note, "instrument", id=look.instrument)
    text_element(note, "voice", place.voice)
    if value.type:
        text_element(note, "type", value.type)
    for _ in range(value.dots):
        ET.SubElement(note, "dot")
    if look.accidental:
        text_element(note, "accidental", look.accidental)
    if value.tuplet:
        modification = ET.SubElement(note, "time-modification")
        text_element(modification, "actual-notes", 3)
        text_element(modification, "normal-notes", 2)
    if look.head != "normal":
        text_element(note, "notehead", look.head)
    if place.staff:
        text_element(note, "staff", place.staff)
    for level, beam in enumerate(() if is_chord else sound.beams, start=1):
        text_element(note, "beam", beam).set("number", str(level))


def add_notations(note: ET.Element, marks: Sequence[ET.Element]) -> None:
    """Ties as curves, tuplet brackets and fermatas."""
    if marks:
        ET.SubElement(note, "notations").extend(marks)


def tuplet_ends(sound: Sound) -> list[ET.Element]:
    """Brackets that begin or end with a value."""
    region, value = sound.value.tuplet, sound.value
    if region is None:
        return []
    kinds = [*["start"] * (value.start <= max(region.start, 0)), *["stop"] * (value.end >= region.end)]
    return [ET.Element("tuplet", type=kind, number="1") for kind in kinds]
