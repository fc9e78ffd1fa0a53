"""Pictures of forms: a row a piece, a block a bar, a color a letter.

A section's label stands where it begins; variants (letters with primes) are paler. Bars are numbered below as they are
printed, a pickup standing before bar 1. Drawn through matplotlib's object interface, as `render.plots`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from stochastic_music import _optional
from stochastic_music.render.plots import COLORS, FAINT, INK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: inches
_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM, _ROW = 12.0, 2.6, 0.3, 0.6, 0.55, 0.34
#: characters of a piece's name that are shown
_NAME = 34
#: bars of the longest piece between two numbers
_EVERY = (1, 2, 4, 8, 16, 32, 64, 128)


class Row(NamedTuple):
    """A piece: its name, the label of each bar, and the place of each section's first bar."""

    name: str
    labels: Sequence[str]
    starts: Sequence[int]
    numbers: Sequence[int]


def form_picture(rows: Sequence[Row], *, title: str = "") -> Figure:
    """The forms of pieces, one or more, as a matplotlib figure."""
    with _optional.require("matplotlib.style").context("default"):
        height = _TOP + len(rows) * _ROW + _BOTTOM
        figure: Figure = _optional.require("matplotlib.figure").Figure(figsize=(_WIDTH, height), facecolor="white")
        _optional.require("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
        place = _LEFT / _WIDTH, _BOTTOM / height, 1 - (_LEFT + _RIGHT) / _WIDTH, len(rows) * _ROW / height
        axes = figure.add_axes(place)
        for y, row in enumerate(rows):
            _draw(axes, row, y)
        _frame(axes, rows)
        figure.text(0.3 / _WIDTH, 1 - 0.38 / height, title or "Form", fontsize=12, color=INK, weight="bold")
    return figure


def _draw(axes: Any, row: Row, y: int) -> None:
    order = list(dict.fromkeys(label.rstrip("'") for label in row.labels))
    begin = row.numbers[0]
    for x, label in enumerate(row.labels, start=begin):
        color = COLORS[order.index(label.rstrip("'")) % len(COLORS)]
        alpha = 0.45 if label.endswith("'") else 0.85
        axes.barh(y, 1, left=x, height=0.82, color=color, alpha=alpha, edgecolor="white", linewidth=0.5)
    for start in row.starts:
        x = start + begin
        axes.plot([x, x], [y - 0.46, y + 0.46], color=INK, linewidth=1.2, solid_capstyle="butt")
        axes.text(x + 0.25, y, row.labels[start], va="center", fontsize=8, color="white", weight="bold", clip_on=True)


def _frame(axes: Any, rows: Sequence[Row]) -> None:
    first, end = min(row.numbers[0] for row in rows), max(row.numbers[0] + len(row.labels) for row in rows)
    every = next((step for step in _EVERY if (end - first) / step <= 20), _EVERY[-1])
    ticks = [number for number in range(first, end) if (number - 1) % every == 0]
    axes.set_xlim(first, end)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks([number + 0.5 for number in ticks], list(map(str, ticks)), fontsize=7, color=FAINT)
    names = [row.name if len(row.name) <= _NAME else f"...{row.name[3 - _NAME :]}" for row in rows]
    axes.set_yticks(range(len(rows)), names, fontsize=8, color=INK)
    axes.tick_params(length=0)
    axes.set_xlabel("bars, as printed", fontsize=8, color=FAINT)
    for spine in axes.spines.values():
        spine.set_visible(False)
