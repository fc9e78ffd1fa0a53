"""Engraved music in pages: the sheet of a take, and which of its signs are which note.

Notation needs the extra `notation`; where that is absent, or a score cannot be printed, pages say so in one line and
live without. Verovio takes a second for a thousand notes, so long pieces are left to files.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from stochastic_music import _optional
from stochastic_music.errors import EncodingError
from stochastic_music.reports.pages.markup import Html, element
from stochastic_music.reports.pages.takes import Take

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: Pieces of more notes are not engraved in a page.
MOST_NOTES = 3000
#: pixels at which a sheet is laid out: as wide as a page is on a desk
_WIDTH = 1000
#: what is higher than so many times its width is broken between pages in print
_TALL = 2.6

MISSING = 'Scores are engraved here too once the extra is installed: pip install "stochastic-music[notation]".'


class Engraved(NamedTuple):
    """A take whose notes know their signs, and what is to be seen: a sheet, a word why there is none, or nothing."""

    take: Take
    seen: Html


def is_there() -> bool:
    """Whether music can be engraved at all."""
    return _optional.available("verovio")


def engraved(score: ScoreTick, take: Take, name: str, prefix: str) -> Engraved:
    """The take with its sheet, whose ids begin with `prefix`."""
    n = len(take.notes)
    if n == 0:
        return Engraved(take, _word("There are no notes in it."))
    if not is_there():
        return Engraved(take, Html())
    if n > MOST_NOTES:
        return Engraved(take, _word(f"{n:,} notes are too many for notation in a page: write it to a file of its own."))
    from stochastic_music.render.notation import sheet

    try:
        found = sheet(score, width=_WIDTH, prefix=prefix)
    except EncodingError as error:
        return Engraved(take, _word(f"There is no notation: {error}."))
    signs = {part: [note.ids for note in notes] for part, notes in groupby(found.notes, key=lambda note: note.part)}
    parts = [part._replace(signs=signs.get(i, ())) for i, part in enumerate(take.parts)]
    svg = Html(found.svg.strip().replace("<svg ", '<svg aria-hidden="true" ', 1))  # text in it was escaped
    kind = "sheet whole" if _fits_a_page(svg) else "sheet"
    box = element("div", svg, class_=kind, role="group", aria_label=f"Notation of {name}", tabindex="0")
    return Engraved(take._replace(parts=parts), box)


def _fits_a_page(svg: str) -> bool:
    """Whether a printed page holds it all without making it too small to read."""
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    return size is not None and float(size[2]) < _TALL * float(size[1])


def _word(text: str) -> Html:
    return element("p", text, class_="faint")
