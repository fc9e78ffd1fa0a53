"""Engraved music as PDF: A4 pages of lines and curves, with words that can be searched.

A staff is 7 mm high, the usual size of print, for one or two staves, and smaller for more; where a system would not fit
on a page, everything shrinks until it does. Glyphs are drawn once and repeated; the fonts of words are embedded as far
as they are used. The provenance is the document's subject. Dates and ids are fixed: equal scores give equal bytes.

Format: ISO 32000-1:2008, written by reportlab.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from stochastic_music import _optional
from stochastic_music.io.engrave import printable
from stochastic_music.render.notation import typefaces
from stochastic_music.render.notation.drawing import Drawing, Glyph, Outline, Words
from stochastic_music.render.notation.engraving import Engraving, engrave
from stochastic_music.render.notation.look import Look

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: how much larger the paper is than A4 for more than two parts
_LARGE = 1.25
#: A4 and its margins in tenths of a millimetre; points a tenth of a millimetre; units of a drawing likewise
_WIDTH, _HEIGHT, _MARGIN = 2100, 2970, 130
_POINTS, _DRAWN = 72 / 254, 10
#: no glyph reaches farther from its origin, in thousandths of its size
_REACH = 5000
_NON_ZERO = 1
_FONT, _BLACK = "ScoreSerif-Regular", "#000000"


def to_pdf(score: ScoreTick, *, title: str = "", provenance: str = "", look: Look | None = None) -> bytes:
    """Engrave a score on A4 pages.

    Raises MissingExtraError without Verovio, reportlab and fontTools, InvalidParameterError for a look that does not
    fit the score, and EncodingError for what cannot be printed.
    """
    library: Any = _optional.require("reportlab.pdfgen.canvas")
    _register_fonts()
    engraving, shrunk = _fitted(score, title, look)
    pages = typefaces.boxed(engraving.pages)
    buffer = io.BytesIO()
    size = (_WIDTH * _POINTS, _HEIGHT * _POINTS)
    canvas = library.Canvas(buffer, pagesize=size, invariant=1, pageCompression=1, initialFontName=_FONT)
    canvas.setTitle(printable(title))
    canvas.setSubject(printable(provenance))
    canvas.setAuthor("stochastic_music")
    canvas.setCreator("stochastic_music")
    _define_glyphs(canvas, pages)
    for number, page in enumerate(pages, start=1):
        if len(pages) > 1:
            canvas.setFont(_FONT, 9)
            canvas.drawCentredString(size[0] / 2, _MARGIN * _POINTS / 2, f"{number} / {len(pages)}")
        _draw_page(canvas, page, engraving.colors, _POINTS / _DRAWN / shrunk)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _fitted(score: ScoreTick, title: str, look: Look | None) -> tuple[Engraving, float]:
    """The pages, laid out on paper larger than A4, and by how much they have to shrink."""
    shrunk = _LARGE if sum(len(track.notes) > 0 for track in score.tracks) > 2 else 1.0
    while True:
        width, height, margin = (round(length * shrunk) for length in (_WIDTH, _HEIGHT, _MARGIN))
        engraving = engrave(score, width=width, height=height, margin=margin, title=title, look=look)
        tallest = max(page.height for page in engraving.pages) / _DRAWN / height
        if tallest <= 1:
            return engraving, shrunk
        shrunk *= tallest * 1.02


def _define_glyphs(canvas: Any, pages: Iterable[Drawing]) -> None:
    for code, path in sorted({code: path for page in pages for code, path in page.glyphs.items()}.items()):
        canvas.beginForm(code, -_REACH, -_REACH, _REACH, _REACH)
        canvas.drawPath(_path(canvas, path), stroke=0, fill=1, fillMode=_NON_ZERO)
        canvas.endForm()


def _draw_page(canvas: Any, page: Drawing, colors: dict[str, str], scale: float) -> None:
    """The shapes of a page, whose y runs downwards."""
    x, y = page.origin
    canvas.transform(scale, 0, 0, -scale, x * scale, _HEIGHT * _POINTS - y * scale)
    now = _BLACK
    for note, shape in page.shapes:
        if (color := colors.get(note, _BLACK)) != now:
            canvas.setFillColor(color)
            canvas.setStrokeColor(color)
            now = color
        if isinstance(shape, Glyph):
            canvas.saveState()
            canvas.transform(shape.width, 0, 0, -shape.height, shape.x, shape.y)
            canvas.doForm(shape.code)
            canvas.restoreState()
        elif isinstance(shape, Outline):
            _outline(canvas, shape)
        else:
            _write(canvas, shape)


def _outline(canvas: Any, outline: Outline) -> None:
    canvas.setLineWidth(outline.stroke)
    path = _path(canvas, outline.path)
    canvas.drawPath(path, stroke=int(outline.stroke > 0), fill=int(outline.filled), fillMode=_NON_ZERO)


def _path(canvas: Any, text: str) -> Any:
    """A path of the canvas from one of SVG."""
    pens, svg = _optional.require("fontTools.pens.recordingPen"), _optional.require("fontTools.svgLib.path")
    pen = pens.RecordingPen()
    svg.parse_path(text, pen)
    path = canvas.beginPath()
    draw = {"moveTo": path.moveTo, "lineTo": path.lineTo, "curveTo": path.curveTo, "closePath": path.close}
    for verb, points in pen.value:
        if verb in draw:
            draw[verb](*(coordinate for point in points for coordinate in point))
    return path


def _write(canvas: Any, words: Words) -> None:
    """Words along one line, upright on the page."""
    pieces = [(font, run.size, text) for run in words.runs for font, text in typefaces.cut(run)]
    length = sum(canvas.stringWidth(text, font, size) for font, size, text in pieces)
    left = words.x - length * {"start": 0.0, "middle": 0.5, "end": 1.0}[words.anchor]
    text_object = canvas.beginText()
    text_object.setTextTransform(1, 0, 0, -1, left, words.y)
    for font, size, text in pieces:
        text_object.setFont(font, size)
        text_object.textOut(text)
    canvas.drawText(text_object)


@cache
def _register_fonts() -> None:
    """Make the fonts known to reportlab by the names of their files."""
    metrics, ttf = _optional.require("reportlab.pdfbase.pdfmetrics"), _optional.require("reportlab.pdfbase.ttfonts")
    for path in typefaces.files():
        metrics.registerFont(ttf.TTFont(path.stem, str(path)))
