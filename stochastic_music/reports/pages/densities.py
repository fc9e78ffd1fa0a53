"""Densities of distances as a table of small pictures: a row for each feature, a column for each model and the ceiling.

Grey is the density of distances among held-out pieces, the line that of distances between composed and held-out pieces,
the dashes that of distances among composed pieces. A row has one scale for both axes; areas are equal, and peaks higher
than all of grey and lines, as pieces have that repeat each other, are cut. Each picture is spoken as its overlap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from stochastic_music.reports.pages.markup import Html, element, joined
from stochastic_music.reports.pages.sections import paragraph, subheading
from stochastic_music.reports.pages.tables import Row, figure, table

#: of a picture
_WIDTH, _HEIGHT = 96, 32
#: what a density is drawn to, as a share of the highest
_SEEN = 0.002
_READING = (
    "Grey: distances among held-out pieces. Line: distances between composed and held-out pieces; the more it fills "
    "the grey, the more alike they are. Dashes: distances among composed pieces. They begin at 0 on the left; of a "
    "model, its first seed is drawn."
)

Told = Mapping[str, Any]
#: points as (distance, density)
Points = list[tuple[float, float]]


def density_table(titles: Mapping[str, str], columns: Sequence[tuple[str, Told]]) -> Html:
    """The densities of features, `titles` by name; a column is its head and features by name.

    Nothing where no density is told.
    """
    rows = [Row(title, _cells([features.get(name) or {} for _, features in columns])) for name, title in titles.items()]
    if not any(isinstance(cell, Html) for row in rows for cell in row.cells):
        return Html()
    drawn = table("Distances between pieces", ["Feature", *(head for head, _ in columns)], rows)
    return joined((subheading("The densities behind these figures"), paragraph(_READING), drawn))


def _cells(found: Sequence[Told]) -> list[str]:
    """The pictures of one row, a dash for what was not measured."""
    densities = [of.get("densities") or {} for of in found]
    points = [{key: _points(one, key) for key in ("intra", "inter", "generated_intra")} for one in densities]
    compared = [point for one in points for key in ("intra", "inter") for point in one[key]]
    top = max((density for _, density in compared), default=0.0)
    end = max((distance for distance, density in compared if density > _SEEN * top), default=0.0)
    if not (top > 0 and end > 0):
        return ["–"] * len(found)
    return [
        _picture(one, end, top, f"overlap {figure(of.get('overlap'))}") if one["inter"] else "–"
        for one, of in zip(points, found, strict=True)
    ]


def _points(densities: Told, key: str) -> Points:
    pairs = zip(densities.get("grid") or [], densities.get(key) or [], strict=False)
    return [(x, y) for x, y in pairs if x is not None and y is not None and math.isfinite(y)]


def _picture(points: Mapping[str, Points], end: float, top: float, label: str) -> Html:
    paths = {key: _path(found, end, top) for key, found in points.items()}
    grey = element("path", d=f"{paths['intra']} Z", fill="var(--line)") if paths["intra"] else ""
    look: dict[str, Any] = {"fill": "none", "stroke_width": 1.5}
    own = element("path", d=paths["generated_intra"], stroke="var(--part-1)", stroke_dasharray="3 2", **look)
    line = element("path", d=paths["inter"], stroke="var(--part-0)", **look)
    box = f"0 0 {_WIDTH} {_HEIGHT}"
    return element("svg", grey, own, line, role="img", aria_label=label, viewBox=box, width=_WIDTH, height=_HEIGHT)


def _path(points: Points, end: float, top: float) -> str:
    """A line from the left edge on, as SVG writes it."""
    places = [(_WIDTH * x / end, _HEIGHT * (1 - 0.92 * y / top)) for x, y in points]
    return "M" + " ".join(f"{x:.1f},{y:.1f}" for x, y in places) if places else ""
