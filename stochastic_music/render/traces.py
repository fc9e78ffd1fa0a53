"""How Metropolis chains moved, as a picture: the trace of each quantity, and how often each proposal was accepted.

Every chain has a line of its own. The way in, which counts for nothing, is shaded. Chains that have mixed look alike:
thick bands over each other, without steps or slopes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from stochastic_music import _optional
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.render.plots import COLORS, FAINT, INK
from stochastic_music.sampling.metropolis import Run
from stochastic_music.sampling.metropolis.diagnostics import quantities

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: inches
_WIDTH, _ROW = 10.0, 1.7
#: kept states of each chain in a file
_FILED = 250


class Traces(NamedTuple):
    """What was followed: `steps` (n_kept,), `quantities` (n_kept, n_chains) by name, the step that ended the way in.

    `accepted` is the share of steps of each proposal, by name, in which a chain moved.
    """

    steps: IntArray
    quantities: Mapping[str, FloatArray]
    burn_in: int
    accepted: Mapping[str, float]

    @classmethod
    def of(cls, run: Run) -> Self:
        """Those of a run."""
        steps = run.plan.every * np.arange(1, len(run.lengths) + 1)
        burn_in = int(steps[run.burn_in - 1]) if run.burn_in else 0
        accepted = {moved.name: moved.accepted for moved in run.diagnostics.proposals}
        return cls(steps, quantities(run), burn_in, accepted)

    def to_json(self) -> dict[str, Any]:
        """Steps and quantities as lists, evenly thinned to so many that a file stays small."""
        rows = np.unique(np.linspace(0, len(self.steps) - 1, min(_FILED, len(self.steps))).round().astype(np.int64))
        thinned = {name: np.round(values[rows], 4).tolist() for name, values in self.quantities.items()}
        return {"steps": self.steps[rows].tolist(), "burn_in": self.burn_in, "quantities": thinned}


def trace_plot(run: Run | Traces, *, title: str = "") -> Figure:
    """The traces of a run over its steps, and the acceptance of its proposals, as a matplotlib figure."""
    traces = Traces.of(run) if isinstance(run, Run) else run
    with _optional.require("matplotlib.style").context(("default", {"text.parse_math": False})):
        found = list(traces.quantities.items())
        figure: Figure = _optional.require("matplotlib.figure").Figure(
            figsize=(_WIDTH, _ROW * (len(found) + 1)), dpi=100
        )
        axes = figure.subplots(len(found) + 1, 1)
        for axis, (name, values) in zip(axes, found, strict=False):
            _trace(axis, name, traces.steps, values, traces.burn_in)
        axes[0].set_title(title, fontsize=10, color=INK, loc="left")
        axes[len(found) - 1].set_xlabel("steps; the shaded way in does not count", fontsize=8, color=FAINT)
        _acceptance(axes[-1], traces.accepted)
        figure.tight_layout()
    return figure


def _trace(axis: Any, name: str, steps: IntArray, values: FloatArray, burn_in: int) -> None:
    for chain, column in enumerate(values.T):
        axis.plot(steps, column, color=COLORS[chain % len(COLORS)], linewidth=0.7, alpha=0.85)
    if burn_in:
        axis.axvspan(0, burn_in, color="#e3e5e9", linewidth=0, zorder=0)
    axis.set_ylabel(name, fontsize=8, color=INK)
    _plain(axis)


def _acceptance(axis: Any, accepted: Mapping[str, float]) -> None:
    axis.bar(list(accepted), [100 * share for share in accepted.values()], color=COLORS[0], width=0.6)
    axis.set_ylabel("accepted, %", fontsize=8, color=INK)
    _plain(axis)


def _plain(axis: Any) -> None:
    axis.tick_params(labelsize=8, colors=FAINT)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
