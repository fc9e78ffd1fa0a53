"""Inspections in words: for terminals as text in columns, for pages and notebooks as HTML.

Everything that comes from files is escaped in HTML (`reports.pages.markup`). Text is as wide as what it says: terminals
break long lines themselves.
"""

from __future__ import annotations

import base64
import math
from itertools import chain, takewhile
from typing import TYPE_CHECKING

from stochastic_music.render.plots import to_png
from stochastic_music.reports.inspection.inspection import Cell, Inspection, Table
from stochastic_music.reports.pages import tables
from stochastic_music.reports.pages.markup import Html, element, joined

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def shown(value: Cell, unit: str = "", digits: int | None = None) -> str:
    """A cell as people read it.

    >>> shown(0.412, "probability"), shown(2.345, "bits"), shown(12345), shown(None), shown(0.000123)
    ('41 %', '2.35', '12,345', '–', '0.000123')
    """
    if value is None or isinstance(value, str):
        return value or "–"
    if unit == "probability":
        return percent(value)
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return tables.figure(value)
    if digits is None:
        digits = 2 if unit in {"bits", "nats"} else None
    return f"{value:.4g}" if digits is None else f"{value:.{digits}f}"


def percent(p: float) -> str:
    """A probability in percent; what is not quite certain is not rounded to certainty.

    >>> [percent(p) for p in (0.412, 0.0412, 0.00001, 0.9996, 1, 0)]
    ['41 %', '4.1 %', '< 0.1 %', '> 99.9 %', '100 %', '0 %']
    """
    if p in {0, 1}:
        return f"{100 * p:.0f} %"
    if p < 0.0005 or p > 0.9995:
        return "< 0.1 %" if p < 0.5 else "> 99.9 %"
    return f"{100 * p:.0f} %" if 0.095 <= p < 0.985 else f"{100 * p:.1f} %"


def text(found: Inspection) -> str:
    """The inspection for a terminal: title, facts, sentences, tables."""
    parts = [found.title, _facts(found), "\n".join(found.lines), *map(_table, found.tables)]
    return "\n\n".join(part for part in parts if part)


def _facts(found: Inspection) -> str:
    width = max(map(len, found.facts), default=0)
    return "\n".join(f"{key.replace('_', ' '):<{width}}  {shown(value)}" for key, value in found.facts.items())


def _table(table: Table) -> str:
    """Columns side by side, words to the left and numbers to the right."""
    grid = [[column.title for column in table.columns], *_cells(table)]
    looks = ["<" if words else ">" for words in _of_words(table)]
    widths = [max(map(len, column)) for column in zip(*grid, strict=True)]
    lines = ["  ".join(f"{cell:{look}{w}}" for cell, look, w in zip(row, looks, widths, strict=True)) for row in grid]
    note = [f"({table.note})"] if table.note else []
    return "\n".join([table.caption, *(f"  {line}".rstrip() for line in [*lines, *note])])


def _cells(table: Table) -> list[list[str]]:
    looks = [(column.unit, column.digits) for column in table.columns]
    return [[shown(value, *look) for value, look in zip(row, looks, strict=True)] for row in table.rows]


def _of_words(table: Table) -> list[bool]:
    """Which columns hold words alone."""
    return [all(isinstance(row[i], str | None) for row in table.rows) for i in range(len(table.columns))]


def html(found: Inspection, *, picture: bool = True) -> Html:
    """The inspection as a section: heading, facts, sentences, the drawing, tables."""
    facts = chain.from_iterable(
        (element("dt", key.replace("_", " ")), element("dd", shown(value))) for key, value in found.facts.items()
    )
    return element(
        "section",
        element("h2", found.title),
        element("dl", *facts, class_="facts"),
        *(element("p", line) for line in found.lines),
        *([_drawing(found.draw(), found.title)] if picture and found.draw else []),
        *map(_html_table, found.tables),
        class_="inspection",
    )


def _drawing(figure: Figure, title: str) -> Html:
    data = base64.b64encode(to_png(figure, title=title)).decode()
    return element("img", src=f"data:image/png;base64,{data}", alt=f"{title}: its tables as a picture", width="100%")


def _html_table(table: Table) -> Html:
    """A table that scrolls, and its note."""
    heads = [column.title for column in table.columns]
    rows = [tables.Row(cells[0], cells[1:]) for cells in _cells(table)]
    words = len(list(takewhile(bool, _of_words(table)[:0:-1])))  # the first column heads the rows
    drawn = tables.table(table.caption, heads, rows, words=words)
    return joined([drawn, *([element("p", table.note, class_="note")] if table.note else [])])
