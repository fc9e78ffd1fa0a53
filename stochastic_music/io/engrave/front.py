"""What stands before the music: title, how it was made, and the list of parts with their instruments."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from stochastic_music.io.engrave.elements import text_element
from stochastic_music.io.layout import PartLayout

#: the miscellaneous field that says how a score was made
FIELD = "stochastic_music"


def front_matter(root: ET.Element, parts: Sequence[PartLayout], title: str, provenance: str) -> None:
    """Title, software, provenance where there is one, and the parts, bracketed where there are several."""
    if title:
        text_element(ET.SubElement(root, "work"), "work-title", title)
    identification = ET.SubElement(root, "identification")
    encoding = ET.SubElement(identification, "encoding")
    text_element(encoding, "software", "stochastic_music")
    for element in ("accidental", "beam"):
        ET.SubElement(encoding, "supports", element=element, type="yes")
    if provenance:
        field = text_element(ET.SubElement(identification, "miscellaneous"), "miscellaneous-field", provenance)
        field.set("name", FIELD)
    part_list = ET.SubElement(root, "part-list")
    if len(parts) > 1:
        group = ET.SubElement(part_list, "part-group", type="start", number="1")
        text_element(group, "group-symbol", "bracket")
    for i, part in enumerate(parts, start=1):
        _score_part(part_list, part, f"P{i}", _channel(i))
    if len(parts) > 1:
        ET.SubElement(part_list, "part-group", type="stop", number="1")


def _score_part(parent: ET.Element, part: PartLayout, part_id: str, channel: int) -> None:
    element = ET.SubElement(parent, "score-part", id=part_id)
    text_element(element, "part-name", part.name)
    drums = _drum_pitches(part) if part.is_drum else [-1]
    ids = [instrument_id(part_id, pitch) for pitch in drums]
    for instrument in ids:
        text_element(ET.SubElement(element, "score-instrument", id=instrument), "instrument-name", part.name)
    for instrument, pitch in zip(ids, drums, strict=True):
        midi = ET.SubElement(element, "midi-instrument", id=instrument)
        text_element(midi, "midi-channel", 10 if part.is_drum else channel)
        text_element(midi, "midi-program", part.program + 1)
        if part.is_drum:
            text_element(midi, "midi-unpitched", pitch + 1)


def _channel(part: int) -> int:
    """MIDI channels 1 .. 16 in turn, without the drums' tenth."""
    channels: list[int] = [*range(1, 10), *range(11, 17)]
    return channels[(part - 1) % 15]


def instrument_id(part_id: str, pitch: int = -1) -> str:
    """The id of an instrument: drums have one for each pitch."""
    return f"{part_id}-I{pitch + 1}" if pitch >= 0 else f"{part_id}-I1"


def _drum_pitches(part: PartLayout) -> list[int]:
    return sorted({note.pitch for staff in part.staves for voice in staff.voices for c in voice for note in c.notes})
