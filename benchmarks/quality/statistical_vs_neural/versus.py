"""Are statistical models any good beside neural ones? The figures of all tables here, in one picture.

Each panel is a data set, each row a model: its mean cost per note, pitch or frame on pieces it did not see, and the
95 % interval over pieces. Models that count and networks differ in color and marker.

    python benchmarks/quality/statistical_vs_neural/versus.py [-o docs/images/statistical_vs_neural.svg]

draws what `sopranos.py`, `chorale_frames.py` and `tunes.py` measured, from the JSON that each wrote beside its table;
models that learn on while they read the test are left to the tables.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import matplotlib.style
from _fits import NEURAL
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stochastic_music.render.comparisons import to_svg
from stochastic_music.render.plots import COLORS, FAINT, INK

HERE = Path(__file__).parent
PICTURE = HERE.parents[2] / "docs" / "images" / "statistical_vs_neural.svg"
SCRIPTS = ("sopranos", "chorale_frames", "tunes")
#: group, color and marker: False for models that count
LOOKS: dict[bool, dict[str, Any]] = {
    False: {"label": "counts", "color": COLORS[0], "marker": "o"},
    True: {"label": "network", "color": COLORS[1], "marker": "s"},
}


def panels() -> list[dict[str, Any]]:
    """What was measured: title, unit and, for each model, its figure and interval."""
    paths = [HERE / f"{name}.json" for name in SCRIPTS]
    return [panel for path in paths if path.is_file() for panel in json.loads(path.read_text(encoding="utf-8"))]


def drawn(shown: list[dict[str, Any]]) -> Figure:
    """All panels, two beside each other, the best model of each on top."""
    n_rows = -(-len(shown) // 2)
    heights = [max(len(_shown(panel)) for panel in shown[2 * row : 2 * row + 2]) for row in range(n_rows)]
    with matplotlib.style.context("default"):
        figure = Figure(figsize=(7.5, 0.9 * n_rows + 0.21 * sum(heights)), facecolor="white", layout="constrained")
        axes = figure.subplots(n_rows, 2, squeeze=False, height_ratios=[height + 2 for height in heights]).ravel()
        for panel, one in zip(shown, axes, strict=False):
            _panel(one, panel)
        for one in axes[len(shown) :]:
            one.set_visible(False)
        handles = [Line2D([], [], linestyle="none", **look) for look in LOOKS.values()]
        figure.legend(handles=handles, loc="outside upper right", ncols=2, frameon=False, fontsize=8, labelcolor=INK)
    return figure


def _shown(panel: dict[str, Any]) -> dict[str, list[float]]:
    return {name: figures for name, figures in panel["models"].items() if not name.endswith(", adapting")}


def _panel(axes: Any, panel: dict[str, Any]) -> None:
    models = sorted(_shown(panel).items(), key=lambda item: item[1][0])
    for y, (name, (value, low, high)) in enumerate(models):
        look = LOOKS[name in NEURAL]
        axes.plot([low, high], [y, y], color=look["color"], linewidth=1.6, solid_capstyle="butt")
        axes.plot([value], [y], linestyle="none", markersize=5, color=look["color"], marker=look["marker"])
        axes.annotate(f"{value:.2f}", (value, y), (0, 4), textcoords="offset points", fontsize=6.5, ha="center")
    axes.set_ylim(len(models) - 0.5, -0.7)
    axes.set_yticks(range(len(models)), [name.replace("_", " ") for name, _ in models], fontsize=7.5, color=INK)
    axes.set_title(panel["title"], fontsize=9, color=INK, loc="left", weight="bold")
    axes.set_xlabel(f"{panel['unit']} (further left is better)", fontsize=7.5, color=FAINT)
    axes.tick_params(labelsize=7.5, length=0)
    axes.grid(visible=True, axis="x", color="#e3e5e9", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-o", "--output", type=Path, default=PICTURE)
    options = parser.parse_args()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_bytes(to_svg(drawn(panels())))


if __name__ == "__main__":
    main()
