"""From a score to drawings: MusicXML of this house, laid out by Verovio.

Verovio is told everything by MusicXML, so what is printed is what notation programs open. A toolkit is made for each
call (3 ms): nothing is left from one score to the next, and threads do not meet. Its warnings go to standard error
where debug messages are wanted, and nowhere else: they come from C, past Python's own stream.

Verovio: L. Pugin, R. Zitellini, P. Roland (2014). Verovio: a library for engraving MEI music notation into SVG. ISMIR.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from stochastic_music import _optional
from stochastic_music.errors import EncodingError
from stochastic_music.io.engrave import to_musicxml
from stochastic_music.render.notation.drawing import Drawing, read
from stochastic_music.render.notation.look import Look, colored, sung

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: Verovio's highest page
TALLEST = 60_000
#: characters of a part's name, which stands before the staff and takes its place from the music
_LONGEST_NAME = 24
_log = logging.getLogger(__name__)


class Engraving(NamedTuple):
    """Pages whose notes have ids n0, n1, ...; `ids` by names of `layout.note_names`, several where a note is tied."""

    pages: list[Drawing]
    ids: dict[str, tuple[str, ...]]
    colors: dict[str, str]


def engrave(
    score: ScoreTick,
    *,
    width: int,
    height: int = TALLEST,
    margin: int = 50,
    title: str = "",
    look: Look | None = None,
) -> Engraving:
    """A score on pages `width` wide and at most `height` high, in tenths of a millimetre of print.

    Raises MissingExtraError without Verovio, InvalidParameterError for a look that does not fit the score, and
    EncodingError for what cannot be printed.
    """
    look = look or Look()
    by_name = colored(score, look)
    musicxml = to_musicxml(_labeled(sung(score, look)), title=title, named=True)
    pages = _laid_out(musicxml, _options(width, height, margin, title))
    signs = _signs(pages)
    ids = {name: tuple(signs[sign] for sign in row) for name, row in _by_note(signs).items()}
    colors = {sign: color for name, color in by_name.items() for sign in ids.get(name, ())}
    return Engraving([_renamed(page, signs) for page in pages], ids, colors)


def _labeled(score: ScoreTick) -> ScoreTick:
    """The score with long names of parts cut, itself if there are none."""
    names = [" ".join(str(track.name).split()) for track in score.tracks]
    if all(len(name) <= _LONGEST_NAME for name in names):
        return score
    score = score.copy()
    for track, name in zip(score.tracks, names, strict=True):
        track.name = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1].rstrip()}…"
    return score


def _laid_out(musicxml: bytes, options: dict[str, Any]) -> list[Drawing]:
    verovio: Any = _optional.require("verovio")
    verovio.enableLog(verovio.LOG_WARNING if _log.isEnabledFor(logging.DEBUG) else verovio.LOG_OFF)
    resources = Path(verovio.__file__).parent / "data"
    toolkit = verovio.toolkit(False)  # which by itself finds its fonts in the main thread alone
    toolkit.setResourcePath(str(resources))
    toolkit.setOptions(options)
    if not toolkit.loadData(musicxml.decode()):
        raise EncodingError("Verovio could not lay this score out; write it as MusicXML to see what it holds")
    pages = range(1, toolkit.getPageCount() + 1)
    return [read(toolkit.renderToSVG(page), resources, headed=page == 1) for page in pages]


def _signs(pages: Sequence[Drawing]) -> dict[str, str]:
    """Short ids for the signs that were drawn, whose names are those of their notes with the unit where they stand."""
    found = dict.fromkeys(note for page in pages for note, _ in page.shapes if note)
    return {sign: f"n{i}" for i, sign in enumerate(found)}


def _by_note(signs: Iterable[str]) -> dict[str, list[str]]:
    """The signs of each note in the order of time."""
    found: dict[str, list[str]] = {}
    for sign in sorted(signs, key=lambda sign: int(sign.rpartition("-")[2])):
        found.setdefault(sign.rpartition("-")[0], []).append(sign)
    return found


def _renamed(page: Drawing, signs: dict[str, str]) -> Drawing:
    return page._replace(shapes=[(signs.get(note, ""), shape) for note, shape in page.shapes])


def _options(width: int, height: int, margin: int, title: str) -> dict[str, Any]:
    return {
        "pageWidth": width,
        "pageHeight": height,
        **{f"pageMargin{side}": margin for side in ("Top", "Bottom", "Left", "Right")},
        "adjustPageHeight": True,
        "breaks": "auto",
        "header": "auto" if title else "none",
        "footer": "none",
        "svgViewBox": True,
        "smuflTextFont": "none",
        # a little stronger than Verovio's own, which on screens pale to grey
        "staffLineWidth": 0.18,
        "stemWidth": 0.22,
        # words keep clear of ledger lines
        "lyricTopMinMargin": 3.0,
        "xmlIdSeed": 1,
    }
