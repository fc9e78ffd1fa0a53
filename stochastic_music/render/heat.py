"""Heat maps: tables of numbers as shades, a panel a table.

Numbers of one sign (probabilities, counts) run from white for 0 to dark blue. Signed ones (weights, couplings) run from
orange, against, through white at 0 to blue, for: colors that the color-blind can tell apart, and the darker the further
from 0. Cells that say nothing (NaN) are gray. Small tables have their numbers written in.

All panels have one scale. Drawn through matplotlib's object interface, as `render.plots`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stochastic_music import _optional
from stochastic_music.errors import InvalidParameterError
from stochastic_music.protocols import FloatArray
from stochastic_music.render.plots import FAINT, INK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: from 0 up; and from below 0 to above it
_UPWARDS = ("#ffffff", "#9ecae8", "#0072b2", "#00304d")
_BOTH_WAYS = ("#6e2f00", "#d55e00", "#f6c9a8", "#ffffff", "#9ecae8", "#0072b2", "#00304d")
_NOTHING = "#e3e5e9"
#: inches: a cell, and one of a large table; the least a panel is; what stands around it, a character, the color bar
_CELL, _SMALL_CELL, _LEAST, _AROUND, _CHARACTER, _BAR = 0.27, 0.18, 1.6, 0.75, 0.075, 1.0
#: cells of a table whose numbers are written in, each way; the share of the scale from which on they are white
_WRITTEN, _DARK = 16, 0.55
#: characters of names that stand upright below a table
_UPRIGHT = 2
#: names are no formulas
_STYLE = ("default", {"text.parse_math": False})


class HeatMap(NamedTuple):
    """A panel: `values` (n_rows, n_columns), the names of rows and columns, and what each of the two is."""

    values: FloatArray
    rows: Sequence[str]
    columns: Sequence[str]
    title: str = ""
    down: str = ""
    across: str = ""


def heat_maps(
    maps: Sequence[HeatMap], *, label: str, signed: bool = False, abreast: int = 1, title: str = ""
) -> Figure:
    """Tables as a matplotlib figure, `abreast` panels in a row; `label` says what is shown, and in which unit.

    Raises InvalidParameterError without a finite number to draw.

    >>> found = heat_maps([HeatMap(np.eye(2), ["C4", "D4"], ["C4", "D4"])], label="probability")
    >>> [text.get_text() for text in found.axes[0].get_xticklabels()]
    ['C4', 'D4']
    """
    limit = max((float(np.abs(one.values[np.isfinite(one.values)]).max(initial=0)) for one in maps), default=0.0)
    if not any(np.isfinite(one.values).any() for one in maps):
        raise InvalidParameterError("there is nothing to draw: expected at least one finite value")
    with _optional.require("matplotlib.style").context(_STYLE):
        figure, panels = _paper(maps, abreast)
        for axes, one in zip(panels, maps, strict=False):
            drawn = draw_heat_map(axes, one, limit or 1.0, signed=signed)
        for axes in panels[len(maps) :]:
            axes.set_visible(False)
        draw_scale(figure, drawn, panels, label)
        figure.suptitle(title, fontsize=11, color=INK, x=0.01, ha="left", weight="bold")
    return figure


def draw_heat_map(axes: Any, one: HeatMap, limit: float, *, signed: bool = False, numbers: bool = True) -> Any:
    """Draw one table on the axes of a figure: shades end at `limit`. Returns what was drawn, for `draw_scale`."""
    shades = _color_map(signed=signed)
    drawn = axes.pcolormesh(
        one.values, cmap=shades, vmin=-limit if signed else 0.0, vmax=limit, edgecolors="white", linewidth=0.5
    )
    axes.set_aspect("equal", anchor="NW")
    axes.invert_yaxis()
    upright = max(map(len, one.columns)) <= _UPRIGHT
    axes.set_xticks(np.arange(len(one.columns)) + 0.5, list(one.columns), rotation=0 if upright else 90)
    axes.set_yticks(np.arange(len(one.rows)) + 0.5, list(one.rows))
    axes.tick_params(length=0, labelsize=7, labelcolor=INK)
    axes.set_title(one.title, fontsize=9, color=INK, loc="left")
    axes.set_xlabel(one.across, fontsize=8, color=FAINT)
    axes.set_ylabel(one.down, fontsize=8, color=FAINT)
    for spine in axes.spines.values():
        spine.set_color(_NOTHING)
    if numbers and max(one.values.shape) <= _WRITTEN:
        _write(axes, one.values, limit, signed=signed)
    return drawn


def draw_scale(figure: Figure, drawn: Any, beside: Sequence[Any], label: str) -> None:
    """The color bar of a heat map, beside some axes; `label` says what is shown, and in which unit."""
    bar = figure.colorbar(drawn, ax=list(beside), fraction=0.03, pad=0.02, shrink=0.9, aspect=24, panchor=False)
    bar.set_label(label, fontsize=8, color=FAINT)
    bar.ax.tick_params(labelsize=7, length=0)
    bar.outline.set_visible(False)


def _color_map(*, signed: bool) -> Any:
    colors = _optional.require("matplotlib.colors")
    # an odd number of shades, so that 0 is white
    shades = colors.LinearSegmentedColormap.from_list("heat", _BOTH_WAYS if signed else _UPWARDS, N=257)
    return shades.with_extremes(bad=_NOTHING)


def _paper(maps: Sequence[HeatMap], abreast: int) -> tuple[Figure, Any]:
    """A figure on which every cell has its size, and the axes of its panels."""
    n_columns = min(abreast, len(maps))
    n_rows = -(-len(maps) // n_columns)
    cell = _CELL if max(max(one.values.shape) for one in maps) <= _WRITTEN else _SMALL_CELL
    widths = [_side(cell * len(one.columns), one.rows) for one in maps]
    heights = [_side(cell * len(one.rows), one.columns) for one in maps]
    in_columns = [max(widths[i::n_columns]) for i in range(n_columns)]
    in_rows = [max(heights[i : i + n_columns]) for i in range(0, len(maps), n_columns)]
    figure: Figure = _optional.require("matplotlib.figure").Figure(
        figsize=(sum(in_columns) + _BAR, sum(in_rows) + 0.3), facecolor="white", layout="constrained"
    )
    _optional.require("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    grid = figure.subplots(n_rows, n_columns, squeeze=False, height_ratios=in_rows, width_ratios=in_columns)
    return figure, grid.ravel()


def _side(cells: float, beside: Sequence[str]) -> float:
    return _AROUND + max(cells, _LEAST) + _CHARACTER * max(map(len, beside), default=0)


def _write(axes: Any, values: FloatArray, limit: float, *, signed: bool) -> None:
    """The numbers of a table in its cells; those that would read 0 are left out."""
    for (y, x), value in np.ndenumerate(values):
        text = f"{value:+.1f}" if signed else f"{value:.2f}".removeprefix("0")
        if np.isfinite(value) and float(text) != 0:
            color = "white" if abs(value) > _DARK * limit else INK
            axes.text(x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=6, color=color)
