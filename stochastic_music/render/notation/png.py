"""Engraved music as PNG: the SVG, drawn by resvg with the fonts of this package and no others."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

from stochastic_music import _optional
from stochastic_music.errors import UsageError
from stochastic_music.render.notation import typefaces
from stochastic_music.render.notation.engraving import engrave
from stochastic_music.render.notation.look import Look
from stochastic_music.render.notation.svg import UNITS_A_PIXEL, picture

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: a larger picture takes 200 MB of memory, and few programs open it
MOST_PIXELS = 50_000_000
#: signature and header, after which texts may stand
_HEAD = 33


def to_png(
    score: ScoreTick, *, title: str = "", provenance: str = "", look: Look | None = None, width: int = 1800
) -> bytes:
    """Engrave a score as one tall PNG, `width` pixels wide, black on white; its comment is the provenance.

    Raises MissingExtraError without Verovio and resvg, InvalidParameterError for a look that does not fit the score,
    EncodingError for what cannot be printed, and UsageError where the picture would be gigantic.
    """
    resvg: Any = _optional.require("resvg_py")
    engraving = engrave(score, width=round(width / 2 * UNITS_A_PIXEL), title=title, look=look)
    wide, high = max(page.width for page in engraving.pages), sum(page.height for page in engraving.pages)
    height = round(width * high / wide)
    if width * height > MOST_PIXELS:
        raise UsageError(
            f"the picture would be {width:,} by {height:,} pixels; "
            "take PDF, which has pages, or SVG for a score of this length"
        )
    svg = picture(engraving._replace(pages=typefaces.boxed(engraving.pages)), wide=width)
    fonts = [str(path) for path in typefaces.files()]
    drawn: bytes = resvg.svg_to_bytes(
        svg_string=svg,
        background="#ffffff",
        skip_system_fonts=True,
        font_files=fonts,
        serif_family=typefaces.FAMILY,
    )
    texts = {"Software": "stochastic_music", "Title": title, "Comment": provenance}
    return drawn[:_HEAD] + b"".join(_text(key, text) for key, text in texts.items() if text) + drawn[_HEAD:]


def _text(key: str, text: str) -> bytes:
    """An iTXt chunk: PNG (third edition), 11.3.3.4."""
    data = b"iTXt" + key.encode() + bytes(5) + text.encode("utf-8", "replace")
    return struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
