"""Sheets: engraved music for screens, which knows which drawn signs are which note."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stochastic_music.io.layout import note_names
from stochastic_music.render.notation.engraving import engrave
from stochastic_music.render.notation.look import Look
from stochastic_music.render.notation.svg import UNITS_A_PIXEL, picture

if TYPE_CHECKING:
    from symusic.core import ScoreTick


class SheetNote(NamedTuple):
    """A note of a score: `onset` and `duration` in quarter notes, `part` the index of its track.

    `ids` name the groups in the SVG that show it, several where it is tied; notes that coincide share them.
    """

    onset: float
    duration: float
    part: int
    pitch: int
    ids: tuple[str, ...]


class Sheet(NamedTuple):
    """One tall picture that scales, and its notes by part, time and pitch."""

    svg: str
    notes: tuple[SheetNote, ...]


def sheet(score: ScoreTick, *, width: int = 900, look: Look | None = None, prefix: str = "") -> Sheet:
    """Engrave a score for a screen, with lines as long as `width` pixels hold; ids begin with `prefix`.

    Raises MissingExtraError without Verovio, InvalidParameterError for a look that does not fit, and EncodingError for
    what cannot be printed.

    >>> from symusic import Note, Score, Track
    >>> score = Score(480)
    >>> score.tracks.append(Track(notes=[Note(1440, 960, 67, 80)]))
    >>> sheet(score, prefix="a-").notes
    (SheetNote(onset=3.0, duration=2.0, part=0, pitch=67, ids=('a-n0', 'a-n1')),)
    """
    engraving = engrave(score, width=round(width * UNITS_A_PIXEL), look=look)
    ids = {name: tuple(f"{prefix}{sign}" for sign in signs) for name, signs in engraving.ids.items()}
    return Sheet(picture(engraving, prefix=prefix), tuple(_notes(score, ids)))


def _notes(score: ScoreTick, ids: Mapping[str, tuple[str, ...]]) -> Iterator[SheetNote]:
    quarter = score.ticks_per_quarter
    for part, (track, names) in enumerate(zip(score.tracks, note_names(score), strict=True)):
        notes = track.notes.numpy()
        order = np.lexsort((notes["pitch"], notes["time"]))
        columns = (notes[field][order].tolist() for field in ("time", "duration", "pitch"))
        for time, duration, pitch, name in zip(*columns, names, strict=True):
            yield SheetNote(time / quarter, duration / quarter, part, pitch, ids.get(name, ()))
