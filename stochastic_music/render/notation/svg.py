"""Drawings as SVG: one tall picture, small, with nothing in it that runs or is fetched.

Everything is drawn in the color of the surrounding text (`currentColor`), so that pages may be dark. Only notes have
groups of their own: `<g class="note" id="...">`; all other lines of one width are one path. Ids and glyphs take a
prefix, so that several pictures fit into one page.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from stochastic_music.io.engrave import printable
from stochastic_music.render.notation.drawing import Drawing, Glyph, Outline, Run, Shape, Words
from stochastic_music.render.notation.engraving import Engraving, engrave
from stochastic_music.render.notation.look import Look

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: serifs with the widths of Times, for which Verovio lays words out
FONT = "Times, 'Times New Roman', 'Liberation Serif', 'Nimbus Roman', serif"
#: units of a page's width a pixel, where a staff is 29 pixels high
UNITS_A_PIXEL = 2.5


def to_svg(
    score: ScoreTick, *, title: str = "", provenance: str = "", look: Look | None = None, width: int = 900
) -> str:
    """Engrave a score as one tall SVG, `width` pixels wide, with its title above and its provenance as metadata.

    Raises MissingExtraError without Verovio, InvalidParameterError for a look that does not fit the score, and
    EncodingError for what cannot be printed.

    >>> from symusic import Note, Score, Track
    >>> score = Score(480)
    >>> score.tracks.append(Track(notes=[Note(0, 480, 66, 80)]))
    >>> "<title>One &amp; only</title>" in to_svg(score, title="One & only")
    True
    """
    engraving = engrave(score, width=round(width * UNITS_A_PIXEL), title=title, look=look)
    told = {"title": title, "metadata": provenance}
    head = "".join(f"<{tag}>{escape(printable(text))}</{tag}>" for tag, text in told.items() if text)
    return picture(engraving, head=head, wide=width)


def picture(engraving: Engraving, *, prefix: str = "", head: str = "", wide: int = 0) -> str:
    """The pages of an engraving one beneath the other, so many pixels `wide`; without, it scales."""
    pages = engraving.pages
    width, height = max(page.width for page in pages), sum(page.height for page in pages)
    glyphs = {code: path for page in pages for code, path in page.glyphs.items()}
    defs = "".join(f'<path id="{prefix}{code}" transform="scale(1,-1)" d="{d}"/>' for code, d in sorted(glyphs.items()))
    tops = [sum(page.height for page in pages[:i]) for i in range(len(pages))]
    body = "".join(_page(page, top, engraving.colors, prefix) for page, top in zip(pages, tops, strict=True))
    size = f' width="{wide}" height="{round(wide * height / width)}"' if wide else ""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        f'{size} viewBox="0 0 {width:.10g} {height:.10g}">{head}<defs>{defs}</defs>'
        f'<g fill="currentColor" stroke="currentColor" stroke-width="0" font-family="{FONT}">{body}</g></svg>\n'
    )


def _page(page: Drawing, top: float, colors: dict[str, str], prefix: str) -> str:
    x, y = page.origin
    parts = [f'<g transform="translate({x:g},{y + top:.10g})">', *_strokes(page)]
    for note, shapes in groupby((pair for pair in page.shapes if not _is_plain(*pair)), key=lambda pair: pair[0]):
        drawn = "".join(_element(shape, prefix) for _, shape in shapes)
        color = f' fill="{colors[note]}" stroke="{colors[note]}"' if note in colors else ""
        parts.append(f'<g class="note" id="{prefix}{note}"{color}>{drawn}</g>' if note else drawn)
    return "".join([*parts, "</g>"])


def _is_plain(note: str, shape: Shape) -> bool:
    """Whether a shape is a line of no note."""
    return not note and isinstance(shape, Outline) and shape.stroke > 0 and "C" not in shape.path


def _strokes(page: Drawing) -> Iterator[str]:
    """All lines of no note, one path a width."""
    paths: dict[float, list[str]] = {}
    for note, shape in page.shapes:
        if isinstance(shape, Outline) and _is_plain(note, shape):
            paths.setdefault(shape.stroke, []).append(shape.path)
    for width, lines in sorted(paths.items()):
        yield f'<path stroke-width="{width:g}" fill="none" d="{"".join(map(_short, lines))}"/>'


def _short(path: str) -> str:
    """A path with fewer characters.

    >>> _short("M10 20 L30 20"), _short("M10 20 L10 90"), _short("M1,2 C3,4 5,6 7,8")
    ('M10 20H30', 'M10 20V90', 'M1,2C3,4 5,6 7,8')
    """
    if path.count(" ") == 3 and path.count("L") == 1:
        x, y, to_x, to_y = path.replace("M", "").replace("L", "").split()
        if y == to_y:
            return f"M{x} {y}H{to_x}"
        if x == to_x:
            return f"M{x} {y}V{to_y}"
    return path.replace(" L", "L").replace(" C", "C")


def _element(shape: Shape, prefix: str) -> str:
    if isinstance(shape, Glyph):
        scale = f"{shape.width:g}" if shape.width == shape.height else f"{shape.width:g},{shape.height:g}"
        where = f"translate({shape.x:g},{shape.y:g}) scale({scale})"
        return f'<use xlink:href="#{prefix}{shape.code}" transform="{where}"/>'
    if isinstance(shape, Words):
        anchor = f' text-anchor="{shape.anchor}"' if shape.anchor != "start" else ""
        runs = "".join(map(_run, shape.runs))
        return f'<text x="{shape.x:g}" y="{shape.y:g}"{anchor} xml:space="preserve">{runs}</text>'
    stroke = f' stroke-width="{shape.stroke:g}"' if shape.stroke else ""
    fill = "" if shape.filled else ' fill="none"'
    return f'<path{stroke}{fill} d="{_short(shape.path)}"/>'


def _run(run: Run) -> str:
    bold, italic = ' font-weight="bold"' * run.bold, ' font-style="italic"' * run.italic
    return f'<tspan font-size="{run.size:g}"{bold}{italic}>{escape(run.text)}</tspan>'
