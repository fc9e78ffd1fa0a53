"""How Metropolis chains moved, as a picture: the trace of each quantity, and how often each proposal was accepted.

Every chain has a line of its own. The way in, which counts for nothing, is shaded. Chains that have mixed look alike:
thick bands over each other, without steps or slopes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stochastic_music import _optional
from stochastic_music.render.plots import COLORS, FAINT, INK
from stochastic_music.sampling.metropolis import Run
from stochastic_music.sampling.metropolis.diagnostics import quantities

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: inches
_WIDTH, _ROW = 10.0, 1.7


def trace_plot(run: Run, *, title: str = "") -> Figure:
    """The traces of a run over its steps, and the acceptance of its proposals, as a matplotlib figure."""
    with _optional.require("matplotlib.style").context("default"):
        found = list(quantities(run).items())
        figure: Figure = _optional.require("matplotlib.figure").Figure(
            figsize=(_WIDTH, _ROW * (len(found) + 1)), dpi=100
        )
        axes = figure.subplots(len(found) + 1, 1)
        steps = run.plan.every * np.arange(1, len(run.lengths) + 1)
        for axis, (name, values) in zip(axes, found, strict=False):
            _trace(axis, name, steps, values, run.burn_in)
        axes[0].set_title(title, fontsize=10, color=INK, loc="left")
        axes[len(found) - 1].set_xlabel("steps; the shaded way in does not count", fontsize=8, color=FAINT)
        _acceptance(axes[-1], run.diagnostics.proposals)
        figure.tight_layout()
    return figure


def _trace(axis: Any, name: str, steps: Any, values: Any, burn_in: int) -> None:
    for chain, column in enumerate(values.T):
        axis.plot(steps, column, color=COLORS[chain % len(COLORS)], linewidth=0.7, alpha=0.85)
    if burn_in and len(steps):
        axis.axvspan(0, steps[burn_in - 1], color="#e3e5e9", linewidth=0, zorder=0)
    axis.set_ylabel(name, fontsize=8, color=INK)
    _plain(axis)


def _acceptance(axis: Any, proposals: Sequence[Any]) -> None:
    names = [moved.name for moved in proposals]
    axis.bar(names, [100 * moved.accepted for moved in proposals], color=COLORS[0], width=0.6)
    axis.set_ylabel("accepted, %", fontsize=8, color=INK)
    _plain(axis)


def _plain(axis: Any) -> None:
    axis.tick_params(labelsize=8, colors=FAINT)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
