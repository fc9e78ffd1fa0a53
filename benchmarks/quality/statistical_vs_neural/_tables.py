"""Rows of the comparison's tables, and what its figure is drawn from: `NAME.json` beside each table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _fits import NEURAL, Result

from stochastic_music.evaluation.likelihood import Estimate, Totals, difference, estimate


class Scored(NamedTuple):
    """A model of one panel of the figure: what it costs to tell it the music, and the fits that said so."""

    model: str
    totals: Totals
    results: Sequence[Result]

    @property
    def estimate(self) -> Estimate:
        """The figure and its interval over pieces."""
        return estimate(self.totals)

    def beside(self, other: Scored) -> str:
        """How much more it costs than by `other`, paired by piece, with its interval."""
        if other is self:
            return ""
        found = difference(other.totals, self.totals)
        low, high = found.interval
        return f"{found.value:+.3f} ({low:+.3f} to {high:+.3f})"

    def cost(self) -> list[str]:
        """Parameters, epochs until the best weights, and seconds of a fit, each the mean over fits."""
        if ", adapting" in self.model:
            return ["", "", ""]
        epochs = np.mean([result.best for result in self.results])
        seconds = np.mean([result.seconds for result in self.results])
        n_parameters = np.mean([result.n_parameters for result in self.results])
        neural = self.model in NEURAL
        return [f"{n_parameters:,.0f}" if neural else "", f"{epochs:.0f}" if neural else "", f"{seconds:.0f} s"]


#: headings of what `Scored.cost` gives
COST = ("parameters", "best epoch", "fit")


def scored(model: str, results: Sequence[Result], counts: Sequence[np.ndarray]) -> Scored:
    """One model from its fits; `counts` are what each test piece's bits are divided by, fit by fit."""
    bits = np.concatenate([result.bits["test"] for result in results])
    return Scored(model, Totals(bits, np.concatenate(counts)), results)


def interval(found: Estimate) -> str:
    """The interval of a figure, in words."""
    return "{:.3f} to {:.3f}".format(*found.interval)


def keep(script: str, panels: Mapping[tuple[str, str], Sequence[Scored]]) -> None:
    """Write the figures of panels, by title and unit, beside the script's table."""
    told: list[dict[str, Any]] = [
        {
            "title": title,
            "unit": unit,
            "models": {one.model: [one.estimate.value, *one.estimate.interval] for one in rows},
        }
        for (title, unit), rows in panels.items()
    ]
    Path(script).with_suffix(".json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
