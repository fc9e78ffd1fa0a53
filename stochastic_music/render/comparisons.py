"""Pictures that set models side by side: values with intervals, learning curves, self-similarity.

    forest_plot        a value and its interval for each model, the best on top: bits per note
    learning_curves    a value with its interval against the number of training pieces, on a logarithmic axis
    training_curves    losses of networks by epoch: a panel for each
    similarity_curves  how similar bars are that lie so far apart: a panel for each model, held-out music behind
    density_panels     distances within held-out music, within a set and between: a panel for each model, or feature

Lines differ in color, marker and dashes, in the order in which they are given; groups in color and marker. Any one of
these is enough to tell them apart, so the pictures survive gray print and color-blind eyes. What is not finite is
not drawn, and the forest plot names it.

Figures are seven inches wide, for a column of print, and are drawn as in `render.plots`. In the SVG of `to_svg` words
are words, which can be searched and read aloud; equal figures give equal bytes.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stochastic_music import _optional
from stochastic_music.errors import InvalidParameterError
from stochastic_music.protocols import FloatArray
from stochastic_music.render.plots import COLORS, FAINT, INK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: inches
_WIDTH, _HEIGHT, _ROW, _AROUND, _PANEL = 7.0, 3.6, 0.3, 0.95, 1.35
_COLUMNS = 3
#: how far lines stand apart at one number of pieces, in natural logarithms
_BESIDE = 0.02
#: by which factor the axis of pieces goes on at either end
_MARGIN = 1.2
_MARKERS = "osD^vPX*<>hp"
_DASHES = ((), (5, 2), (1.5, 1.5), (6, 2, 1.5, 2))
#: names of models are no formulas
_STYLE = ("default", {"text.parse_math": False})
_GRID, _SHADE = "#e3e5e9", "#d5d8dd"
#: characters of a name that are shown
_NAME = 32


class Value(NamedTuple):
    """A row of a forest plot: a value, its interval (NaN for none), and the group that its color tells."""

    name: str
    value: float
    interval: tuple[float, float] = (math.nan, math.nan)
    group: str = ""


class Series(NamedTuple):
    """A line: `x` and `y`, each (n,), and the interval about y, each (n,) or None."""

    name: str
    x: FloatArray
    y: FloatArray
    low: FloatArray | None = None
    high: FloatArray | None = None


class Spread(NamedTuple):
    """A panel of densities: those of the distances `intra`, `inter` and `generated_intra` over `grid`, each (n,)."""

    name: str
    grid: FloatArray
    intra: FloatArray
    inter: FloatArray
    generated_intra: FloatArray | None = None


def forest_plot(rows: Sequence[Value], *, label: str, lower_is_better: bool = True, title: str = "") -> Figure:
    """A value and its interval for each model, the best on top, as a matplotlib figure.

    `label` says what is measured, and in which unit. Raises InvalidParameterError without a row that can be drawn.

    >>> found = forest_plot([Value("ppm", 2.3, (2.2, 2.4)), Value("lstm", 2.2, (2.1, 2.3))], label="bits per note")
    >>> [text.get_text() for text in found.axes[0].get_yticklabels()]
    ['lstm', 'ppm']
    """
    sign = 1 if lower_is_better else -1
    shown = sorted((row for row in rows if math.isfinite(row.value)), key=lambda row: sign * row.value)
    _something(shown)
    left_out = [row.name for row in rows if not math.isfinite(row.value)]
    with _optional.require("matplotlib.style").context(_STYLE):
        figure = _figure(_AROUND + _ROW * len(shown))
        axes = figure.add_subplot()
        groups = list(dict.fromkeys(row.group for row in rows))
        for y, row in enumerate(shown):
            _whisker(axes, y, row, groups.index(row.group))
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.set_yticks(range(len(shown)), [_short(row.name) for row in shown], fontsize=9, color=INK)
        better = "further left is better" if lower_is_better else "further right is better"
        missing = f"; not drawn: {', '.join(map(_short, left_out))}" if left_out else ""
        _finish(axes, x=f"{label} ({better}){missing}", title=title, grid="x")
        if len(groups) > 1:
            axes.legend(handles=[_group_handle(name, i) for i, name in enumerate(groups)], **_LEGEND)
    return figure


def learning_curves(series: Sequence[Series], *, label: str, title: str = "") -> Figure:
    """Values with intervals against the number of training pieces, as a matplotlib figure.

    Intervals at one number of pieces stand beside each other. Raises InvalidParameterError without a point to draw.
    """
    _something([one for one in series if np.isfinite(one.y).any()])
    with _optional.require("matplotlib.style").context(_STYLE):
        figure = _figure(_HEIGHT)
        axes = figure.add_subplot(xscale="log")
        sizes = np.unique(np.concatenate([one.x for one in series]))
        axes.set_xlim(sizes[0] / _MARGIN, sizes[-1] * _MARGIN)
        for i, one in enumerate(series):
            _line(axes, one._replace(x=one.x * math.exp(_BESIDE * (i - (len(series) - 1) / 2))), _look(i))
        axes.set_xticks(sizes, [f"{int(n):,}" for n in sizes])
        axes.minorticks_off()
        axes.set_ylabel(label, fontsize=9, color=FAINT)
        _finish(axes, x="training pieces", title=title, grid="both")
        axes.legend(**_LEGEND)
    return figure


def similarity_curves(series: Sequence[Series], *, reference: Series | None = None, title: str = "") -> Figure:
    """How similar bars are that lie so far apart, as a matplotlib figure: a panel for each model, one scale for all.

    `reference`, held-out music, is drawn in each panel. Raises InvalidParameterError without a point to draw.
    """
    _something([one for one in series if np.isfinite(one.y).any()])
    with _optional.require("matplotlib.style").context(_STYLE):
        n_rows = -(-len(series) // _COLUMNS)
        figure = _figure(_AROUND + _PANEL * n_rows)
        panels = figure.subplots(n_rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
        for i, (axes, one) in enumerate(zip(panels, series, strict=False)):
            if reference is not None:
                axes.fill_between(reference.x, 0, reference.y, color=_SHADE, linewidth=0, step="mid", zorder=1)
                axes.step(reference.x, reference.y, where="mid", color=INK, linewidth=1, zorder=2)
            _line(axes, one, {**_look(i), "linestyle": "-", "markersize": 2.5})
            axes.set_title(_short(one.name), fontsize=9, color=INK, loc="left")
            _plain(axes, "y")
        for axes in panels[len(series) :]:
            axes.set_visible(False)
        longest = max(float(one.x.max(initial=1)) for one in series)
        panels[0].set_xticks(np.arange(*(4, longest + 1, 4) if longest > 8 else (1, longest + 1)))
        panels[0].set_ylim(bottom=0)
        beside = f"; shaded: {reference.name}" if reference is not None else ""
        figure.supxlabel(f"bars apart{beside}", fontsize=9, color=FAINT)
        figure.supylabel("similarity of bars", fontsize=9, color=FAINT)
        figure.suptitle(title, fontsize=11, color=INK, x=0.01, ha="left", weight="bold")
    return figure


def training_curves(fits: Mapping[str, Sequence[tuple[Series, Series]]], *, label: str, title: str = "") -> Figure:
    """How networks trained, as a matplotlib figure: a panel for each, with the losses of each of its fits by epoch.

    A fit is its training and its validation losses. Raises InvalidParameterError without a point to draw.
    """
    _something([one for pairs in fits.values() for pair in pairs for one in pair if np.isfinite(one.y).any()])
    with _optional.require("matplotlib.style").context(_STYLE):
        n_rows = -(-len(fits) // _COLUMNS)
        figure = _figure(_AROUND + _PANEL * n_rows)
        panels = figure.subplots(n_rows, min(len(fits), _COLUMNS), sharey=True, squeeze=False).ravel()
        for axes, (name, pairs) in zip(panels, fits.items(), strict=False):
            for pair in pairs:
                for i, one in enumerate(pair):
                    axes.plot(one.x, one.y, color=COLORS[i], linewidth=1.2, linestyle=("--", "-")[i], label=one.name)
            axes.set_title(_short(name), fontsize=9, color=INK, loc="left")
            _plain(axes, "y")
        for axes in panels[len(fits) :]:
            axes.set_visible(False)
        handles, names = panels[0].get_legend_handles_labels()
        panels[0].legend(handles[:2], names[:2], **_LEGEND | {"loc": "upper right", "bbox_to_anchor": (1, 1)})
        figure.supxlabel("epochs", fontsize=9, color=FAINT)
        figure.supylabel(label, fontsize=9, color=FAINT)
        figure.suptitle(title, fontsize=11, color=INK, x=0.01, ha="left", weight="bold")
    return figure


def density_panels(spreads: Sequence[Spread], *, label: str, one_scale: bool = True, title: str = "") -> Figure:
    """How far pieces lie apart, as a matplotlib figure: where the line fills the grey, likeness is perfect.

    Grey: within the reference. Line: between the set and the reference. Dashes: within the set. `label` says which
    distance; panels have `one_scale` where that is the same for all. Raises InvalidParameterError without a panel.
    """
    _something([one for one in spreads if np.isfinite(one.inter).any()])
    with _optional.require("matplotlib.style").context(_STYLE):
        n_columns = min(_COLUMNS, len(spreads))
        n_rows = -(-len(spreads) // n_columns)
        figure = _figure(_AROUND + _PANEL * n_rows)
        panels = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
        reaches = np.array([_reach(one) for one in spreads])
        if one_scale:
            reaches[:] = reaches.max(axis=0)
        for axes, one, reach in zip(panels, spreads, reaches.tolist(), strict=False):
            _spread(axes, one, *reach)
        for axes in panels[len(spreads) :]:
            axes.set_visible(False)
        figure.supxlabel(label, fontsize=9, color=FAINT)
        named = panels[0].get_legend_handles_labels()
        figure.legend(*named, loc="outside upper right", ncols=3, frameon=False, fontsize=8, labelcolor=INK)
        figure.suptitle(title, fontsize=11, color=INK, x=0.01, ha="left", weight="bold")
    return figure


def to_svg(figure: Figure, *, title: str = "", provenance: str = "") -> bytes:
    """The bytes of a figure as SVG, its text as text; `provenance` is kept as its metadata."""
    buffer, named = io.BytesIO(), {"Title": title} if title else {}
    with _optional.require("matplotlib").rc_context({"svg.fonttype": "none", "svg.hashsalt": "stochastic_music"}):
        figure.draw_without_rendering()  # settles the layout, which a first drawing leaves a little off
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, **named})
    if not provenance:
        return buffer.getvalue()
    stated = f"<metadata>{escape(provenance, quote=False)}</metadata>".encode()
    return re.sub(rb"<metadata>.*?</metadata>", lambda _: stated, buffer.getvalue(), count=1, flags=re.DOTALL)


_LEGEND: dict[str, Any] = {"frameon": False, "fontsize": 8, "labelcolor": INK, "loc": "upper left"}
_LEGEND |= {"bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0, "handlelength": 3}


def _line(axes: Any, one: Series, look: dict[str, Any]) -> None:
    seen = np.isfinite(one.y)
    axes.plot(one.x[seen], one.y[seen], label=_short(one.name), zorder=3, **look)
    if one.low is not None and one.high is not None:
        seen &= np.isfinite(one.low) & np.isfinite(one.high)
        axes.vlines(one.x[seen], one.low[seen], one.high[seen], color=look["color"], linewidth=1, alpha=0.7, zorder=1)


def _spread(axes: Any, one: Spread, end: float, height: float) -> None:
    axes.fill_between(one.grid, 0, one.intra, color=_SHADE, linewidth=0, label="within the reference", zorder=1)
    axes.plot(one.grid, one.inter, color=COLORS[0], linewidth=1.6, label="between set and reference", zorder=3)
    if one.generated_intra is not None:
        look = {"color": COLORS[1], "linewidth": 1.2, "linestyle": (0, _DASHES[1])}
        axes.plot(one.grid, one.generated_intra, label="within the set", zorder=2, **look)
    axes.set_xlim(0, end)
    axes.set_ylim(0, height)
    axes.set_yticks([])
    axes.set_title(_short(one.name), fontsize=9, color=INK, loc="left")
    _plain(axes, "x")


def _reach(one: Spread) -> tuple[float, float]:
    """The distance beyond which a panel has nothing to show, and its height; the peak of equal pieces is cut."""
    seen = np.nan_to_num([one.intra, one.inter]).max(axis=0)
    top = float(seen.max())
    return float(one.grid[seen > 0.001 * top].max(initial=0.0)) or 1.0, 1.1 * top or 1.0


def _look(i: int) -> dict[str, Any]:
    """What tells line number i: color, marker and dashes, which repeat at different rates."""
    dashes = _DASHES[(i + i // len(COLORS)) % len(_DASHES)]
    line = {"linestyle": (0, dashes) if dashes else "-", "linewidth": 1.4, "markersize": 4.5}
    return {"color": COLORS[i % len(COLORS)], "marker": _MARKERS[i % len(_MARKERS)], **line}


def _whisker(axes: Any, y: int, row: Value, group: int) -> None:
    low, high = row.interval
    if math.isfinite(low) and math.isfinite(high):
        axes.plot([low, high], [y, y], color=COLORS[group % len(COLORS)], linewidth=1.8, solid_capstyle="butt")
    axes.plot([row.value], [y], **_dot(group))
    axes.annotate(f"{row.value:#.3g}", (row.value, y), (0, 5), textcoords="offset points", fontsize=7, ha="center")


def _dot(group: int) -> dict[str, Any]:
    style = {"color": COLORS[group % len(COLORS)], "marker": _MARKERS[group % len(_MARKERS)]}
    return {**style, "linestyle": "none", "markersize": 6.5}


def _group_handle(name: str, group: int) -> Any:
    return _optional.require("matplotlib.lines").Line2D([], [], label=name or "other", **_dot(group))


def _figure(height: float) -> Figure:
    figure: Figure = _optional.require("matplotlib.figure").Figure(
        figsize=(_WIDTH, height), facecolor="white", layout="constrained"
    )
    _optional.require("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    return figure


def _finish(axes: Any, *, x: str, title: str, grid: str) -> None:
    axes.set_xlabel(x, fontsize=9, color=FAINT)
    axes.set_title(title, fontsize=11, color=INK, loc="left", weight="bold")
    _plain(axes, grid)


def _plain(axes: Any, grid: str) -> None:
    axes.tick_params(labelsize=8, length=0)
    axes.grid(visible=True, axis=grid, color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _short(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 3]}..."


def _something(shown: Sequence[Any]) -> None:
    if not shown:
        raise InvalidParameterError("there is nothing to draw: expected at least one finite value")
