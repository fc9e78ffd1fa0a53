"""MusicXML 4.0, engraved: what a score holds, written so that a musician can read it.

`write_musicxml` spells notes by the key (`music.spelling`), gives each part the clef that fits its range
(`layout`), fills every bar with rests, ties notes over bar lines, and writes tuplets and beams by the meter
(`rhythm`). Bars are numbered as printed: a pickup is bar 0. Without a key signature the key is estimated.

Three conventions: a phrase end is a fermata over the last note of the phrase, as in chorale books; where a note
lies on no 64th or triplet, it goes to the nearest sixteenth or triplet eighth; provenance is the miscellaneous
field `stochastic_music`. No date is written: equal scores give equal bytes.

Format: W3C Music Notation Community Group. MusicXML 4.0 (2021). https://www.w3.org/2021/06/musicxml40/
"""

from __future__ import annotations

import io
import os
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

from stochastic_music.io.engrave.elements import printable
from stochastic_music.io.engrave.frame import frame
from stochastic_music.io.engrave.front import FIELD, front_matter
from stochastic_music.io.engrave.writer import Writer
from stochastic_music.io.layout import lay_out

if TYPE_CHECKING:
    from symusic.core import ScoreTick

__all__ = ["printable", "provenance", "to_musicxml", "write_musicxml"]

_DOCTYPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">\n'
)


def write_musicxml(score: ScoreTick, path: str | os.PathLike[str], *, provenance: str = "", title: str = "") -> None:
    """Write an engraved score; see the module's article. Without `title` the file's name is the title.

    Raises EncodingError for a time signature that cannot be printed, and OSError as the system gives it.
    """
    name = title or Path(path).stem.replace("_", " ")
    Path(path).write_bytes(to_musicxml(score, provenance=provenance, title=name))


def to_musicxml(score: ScoreTick, *, provenance: str = "", title: str = "", named: bool = False) -> bytes:
    """The bytes of an engraved score, UTF-8.

    `named` notes have ids: the name of `layout.note_names`, a hyphen, and the unit at which this sign stands.

    >>> from symusic import Note, Score, Track
    >>> score = Score(480)
    >>> score.tracks.append(Track(name="Flute", program=73, notes=[Note(0, 480, 66, 80)]))
    >>> b"<step>F</step>" in to_musicxml(score)
    True
    """
    parts, whole = lay_out(score), frame(score)
    root = ET.Element("score-partwise", version="4.0")
    front_matter(root, parts, title, provenance)
    for i, part in enumerate(parts, start=1):
        shown = whole.of_part(first=i == 1, last=i == len(parts))
        Writer(part, f"P{i}", shown, named=named).write(ET.SubElement(root, "part", id=f"P{i}"))
    ET.indent(root, " ")
    buffer = io.BytesIO()
    ET.ElementTree(root).write(buffer, encoding="utf-8")
    return _DOCTYPE.encode() + buffer.getvalue() + b"\n"


def provenance(data: bytes) -> str:
    """What `write_musicxml` was told about the making of a file, '' where it says nothing.

    >>> from symusic import Score
    >>> provenance(to_musicxml(Score(480), provenance="seed 1"))
    'seed 1'
    """
    try:
        root = ET.fromstring(data)  # noqa: S314 - expat itself bounds the expansion of entities
    except ET.ParseError:
        return ""
    return root.findtext(f".//miscellaneous-field[@name='{FIELD}']", "")
