"""The MIDI keys of drums, which music21 leaves behind in MusicXML: colors, which it keeps, carry them through."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

from stochastic_music._optional import require

#: a color that nobody writes; the last two digits are the key
_COLOR = "#d5d5"


def mark(root: ET.Element) -> bool:
    """Color each unpitched note by the key of its instrument, in place; False where none has a key."""
    keys = dict(_keys(root))
    notes = [note for note in root.iter("note") if note.find("unpitched") is not None] if keys else []
    for note in notes:
        named = note.find("instrument")
        if named is not None and named.get("id") in keys:
            note.set("color", f"{_COLOR}{keys[named.get('id')]:02x}")
    return bool(notes)


def restore(stream: Any) -> None:
    """Give each note of such a color the key in place of the color."""
    for element in stream.recurse().notes:
        for note in getattr(element, "notes", [element]):
            color = str(note.style.color or "").lower() if note.hasStyleInformation else ""
            if color.startswith(_COLOR):
                note.style.color = None
                note.storedInstrument = require("music21.instrument").UnpitchedPercussion()
                note.storedInstrument.percMapPitch = int(color[len(_COLOR) :], 16)


def _keys(root: ET.Element) -> Iterator[tuple[str | None, int]]:
    """The ids of instruments that play one key of the drums each."""
    for instrument in root.iter("midi-instrument"):
        text = (instrument.findtext("midi-unpitched") or "").strip()
        if text.isascii() and text.isdigit() and 1 <= int(text) <= 128:
            yield instrument.get("id"), int(text) - 1
