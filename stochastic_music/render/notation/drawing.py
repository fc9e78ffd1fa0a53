"""What Verovio drew, as a flat list of shapes: glyphs, outlines and words, each with the note that it belongs to.

Verovio's SVG nests a group for every measure, staff and layer. Here a page is read into plain values, from which SVG
and PDF are written, so that both show the same and neither carries what nobody looks at. Lengths are Verovio's units,
180 to a staff space; y runs downwards.

Signs within words (the note of a tempo, the accidentals of chord symbols) come as characters of the music font. A
renderer without that font would leave them out, so signs before words become glyphs and accidentals become ♭, ♮, ♯.
"""

from __future__ import annotations

import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, TypeAlias

_SVG, _HREF = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
_FONT, _SPACE = "Leipzig", "0020"
#: of the two blocks of SMuFL that Verovio takes for words
_ACCIDENTALS = str.maketrans(
    {0xE260: "♭", 0xE261: "♮", 0xE262: "♯", 0xE263: "♯♯", 0xE264: "♭♭"}
    | {0xEA64: "♭", 0xEA65: "♮", 0xEA66: "♯", 0xEA67: "♯♯", 0xEA63: "♭♭"}
)
_BLANKS = str.maketrans("\t\n\r", "   ")
_BOLD, _ITALIC = {"tempo", "reh"}, {"dir", "dynam", "mNum"}
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


class Glyph(NamedTuple):
    """A sign of the music font with its origin at (x, y); `code` is its place in SMuFL, as E0A4."""

    code: str
    x: float
    y: float
    width: float
    height: float


class Outline(NamedTuple):
    """A path in the language of SVG, `stroke` wide (0: none), and filled or not."""

    path: str
    stroke: float
    filled: bool


class Run(NamedTuple):
    """Words of one size and style."""

    text: str
    size: float
    bold: bool
    italic: bool


class Words(NamedTuple):
    """Runs one after the other; `anchor` is start, middle or end."""

    x: float
    y: float
    anchor: str
    runs: tuple[Run, ...]


Shape: TypeAlias = Glyph | Outline | Words


class Drawing(NamedTuple):
    """A page: its size, where its origin lies, its shapes with the ids of their notes ('' for none), its glyphs."""

    width: float
    height: float
    origin: tuple[float, float]
    shapes: list[tuple[str, Shape]]
    glyphs: dict[str, str]


class Style(NamedTuple):
    """What a text inherits."""

    x: float = 0.0
    y: float = 0.0
    anchor: str = "start"
    size: float = 0.0
    bold: bool = False
    italic: bool = False
    musical: bool = False


def read(svg: str, resources: Path, *, headed: bool = True) -> Drawing:
    """A page of Verovio's, whose fonts lie in `resources`; one that is not `headed` has its page number left out."""
    root = ET.fromstring(svg)  # noqa: S314 - made here, from escaped text
    page = next(e for e in root.iter(f"{_SVG}svg") if e.get("class") == "definition-scale")
    _, _, width, height = _numbers(page.get("viewBox", ""))
    margin = page[0]
    for element in [] if headed else [e for e in margin if "pgHead" in e.get("class", "")]:
        margin.remove(element)
    x, y = _numbers(margin.get("transform", ""))
    shapes = [(note, _fitted(shape, width - 2 * x)) for note, shape in _shapes(margin, "", Style(), resources)]
    drawn = {e.get("id", "")[:4]: e[0].get("d", "") for defs in root.iter(f"{_SVG}defs") for e in defs if len(e)}
    used = sorted({shape.code for _, shape in shapes if isinstance(shape, Glyph)})
    return Drawing(width, height, (x, y), shapes, {code: drawn.get(code) or _sign(code, resources) for code in used})


def _shapes(element: ET.Element, note: str, style: Style, resources: Path) -> Iterator[tuple[str, Shape]]:
    """All shapes within an element, in the order of drawing."""
    kinds = element.get("class", "").split()
    if "placeholder" in kinds:
        return
    tag = element.tag.removeprefix(_SVG)
    if tag == "text":
        yield from ((note, shape) for shape in _words(element, style, resources))
    elif tag == "use":
        x, y, width, height = _numbers(element.get("transform", ""))
        yield note, Glyph(element.get(_HREF, "")[1:5], x, y, width, height)
    elif tag != "g":
        stroke = float(element.get("stroke-width", 0))
        yield note, Outline(_path(tag, element), stroke, element.get("fill") != "none")
    note = element.get("id", "") if "note" in kinds else note
    bold, italic = (style.bold or not _BOLD.isdisjoint(kinds), style.italic or not _ITALIC.isdisjoint(kinds))
    for child in element if tag == "g" else ():
        yield from _shapes(child, note, style._replace(bold=bold, italic=italic), resources)


def _path(tag: str, element: ET.Element) -> str:
    """Paths, polygons, rectangles and ellipses, all as paths."""
    if tag == "path":
        return " ".join(element.get("d", "").split())
    if tag in {"polygon", "polyline"}:
        return f"M{' '.join(element.get('points', '').split())}" + "Z" * (tag == "polygon")
    if tag == "rect":
        x, y, width, height = (float(element.get(name, 0)) for name in ("x", "y", "width", "height"))
        return f"M{x:g} {y:g}h{width:g}v{height:g}h{-width:g}Z"
    x, y, rx, ry = (float(element.get(name, 0)) for name in ("cx", "cy", "rx", "ry"))
    half = f"a{rx:g} {ry:g} 0 1 0"
    return f"M{x - rx:g} {y:g}{half} {2 * rx:g} 0{half} {-2 * rx:g} 0Z"


def _words(element: ET.Element, style: Style, resources: Path) -> Iterator[Shape]:
    """A text as words, signs of the music font before them as glyphs."""
    for (left, y, anchor), group in groupby(_pieces(element, style), key=lambda piece: piece[0][:3]):
        x, runs = left, list[Run]()
        for here, text in group:
            if here.musical and not runs:
                for code in (f"{ord(character):04X}" for character in text):
                    if code != _SPACE:
                        yield Glyph(code, x, y, here.size / 1000, here.size / 1000)
                    x += _advances(resources).get(code, 0.0) * here.size / 1000
            elif here.musical:
                runs.append(runs[-1]._replace(text=text.translate(_ACCIDENTALS)))
            else:
                runs.append(Run(text, here.size, here.bold, here.italic))
        if runs:
            yield Words(x, y, anchor, tuple(runs))


def _pieces(element: ET.Element, style: Style) -> Iterator[tuple[Style, str]]:
    """The pieces of a text with their styles; empty ones and titles stay out."""
    if element.tag == f"{_SVG}title":
        return
    style = Style(
        float(element.get("x", style.x)),
        float(element.get("y", style.y)),
        element.get("text-anchor", style.anchor),
        float(element.get("font-size", f"{style.size}px").removesuffix("px")),
        style.bold or element.get("font-weight") == "bold",
        style.italic or element.get("font-style") == "italic",
        element.get("font-family") == _FONT or style.musical,
    )
    if len(element) == 0 and (text := element.text or ""):
        yield style, text.translate(_BLANKS)
    for child in element:
        yield from _pieces(child, style)


def _fitted(shape: Shape, width: float) -> Shape:
    """Words that are longer than a line, as titles can be, made smaller; other shapes as they are."""
    if not isinstance(shape, Words):
        return shape
    length = sum(run.size * sum(map(_broad, run.text)) for run in shape.runs)
    if length <= width:
        return shape
    return shape._replace(runs=tuple(run._replace(size=round(run.size * width / length)) for run in shape.runs))


def _broad(character: str) -> float:
    """About how wide a character is, in its size: small letters, capitals, those of East Asia."""
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    return 0.85 if character.isupper() else 0.48


def _numbers(text: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(text)]


def _sign(code: str, resources: Path) -> str:
    """The outline of a glyph that Verovio used in words only."""
    sign = ET.parse(resources / _FONT / f"{code}.xml")  # noqa: S314 - Verovio's own
    return sign.getroot()[0].get("d", "")


@cache
def _advances(resources: Path) -> dict[str, float]:
    """How far each glyph moves what follows it, in thousandths of its size."""
    table = ET.parse(resources / f"{_FONT}.xml")  # noqa: S314 - Verovio's own
    return {g.get("c", ""): float(g.get("h-a-x", 0)) for g in table.getroot().iter("g")}
