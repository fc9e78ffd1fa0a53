"""Pictures of what models expect: chances as bars, with how often each thing came.

Drawn as `render.plots`, without a window; equal values give equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from stochastic_music import _optional
from stochastic_music.render.plots import COLORS, FAINT, INK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: inches
_WIDTH, _ROW, _AROUND = 8.0, 0.26, 0.75
_GRID = "#e3e5e9"
_STYLE = ("default", {"text.parse_math": False})


class Bars(NamedTuple):
    """A panel of bars: names, lengths and what is written beside each; `intervals` are (low, high), where there are."""

    title: str
    names: Sequence[str]
    values: Sequence[float]
    beside: Sequence[str]
    label: str
    intervals: Sequence[tuple[float, float]] = ()


def bars(panels: Sequence[Bars], *, title: str = "") -> Figure:
    """Panels of horizontal bars, one above the other, as a matplotlib figure.

    >>> figure = bars([Bars("next", ["B4", "C5"], [0.6, 0.4], ["60 % (3 times)", "40 %"], "probability")])
    >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ['B4', 'C5']
    """
    with _optional.require("matplotlib.style").context(_STYLE):
        heights = [_AROUND + _ROW * max(len(panel.names), 1) for panel in panels]
        figure: Figure = _optional.require("matplotlib.figure").Figure(
            figsize=(_WIDTH, sum(heights) + 0.35), facecolor="white", layout="constrained"
        )
        _optional.require("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
        drawn = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights).ravel()
        for i, (axes, panel) in enumerate(zip(drawn, panels, strict=True)):
            _panel(axes, panel, COLORS[i % len(COLORS)])
        _one_scale(drawn, [panel.label for panel in panels])
        figure.suptitle(title, fontsize=11, color=INK, x=0.01, ha="left", weight="bold")
    return figure


def _one_scale(drawn: Iterable[Any], labels: Sequence[str]) -> None:
    """Panels of one label reach equally far."""
    for label in dict.fromkeys(labels):
        alike = [axes for axes, own in zip(drawn, labels, strict=True) if own == label]
        low, high = zip(*(axes.get_xlim() for axes in alike), strict=True)
        for axes in alike:
            axes.set_xlim(min(low), max(high))


def _panel(axes: Any, panel: Bars, color: str) -> None:
    rows = range(len(panel.names))
    axes.barh(rows, panel.values, color=color, height=0.72)
    for y, (value, text) in enumerate(zip(panel.values, panel.beside, strict=True)):
        reach = max(value, *(high for _, high in panel.intervals[y : y + 1]), 0.0)
        axes.annotate(text, (reach, y), (5, 0), textcoords="offset points", va="center", fontsize=8, color=INK)
    for y, (low, high) in enumerate(panel.intervals):
        axes.plot([low, high], [y, y], color=INK, linewidth=1.2)
    axes.set_yticks(rows, list(panel.names), fontsize=9, color=INK)
    axes.set_ylim(len(panel.names) - 0.4, -0.6)
    axes.margins(x=0.22)
    axes.set_title(panel.title, fontsize=9, color=INK, loc="left")
    axes.set_xlabel(panel.label, fontsize=8, color=FAINT)
    axes.tick_params(length=0, labelsize=8)
    axes.grid(visible=True, axis="x", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
