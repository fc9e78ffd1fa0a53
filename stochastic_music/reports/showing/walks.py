"""Metropolis chains: their traces, how often each change was accepted, and how far the draws can be trusted.

A trace has a line for each chain, in a color that reads on light and dark ground; the way in, which counts for
nothing, ends at the dashed line. Of a long run as many points are drawn as there are pixels.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from stochastic_music.corpus.report import counted
from stochastic_music.pipeline.walking import Walk
from stochastic_music.protocols import FloatArray
from stochastic_music.render.plots import COLORS
from stochastic_music.reports.pages.markup import Html, element
from stochastic_music.reports.pages.tables import Row, count, figure
from stochastic_music.reports.showing import scores
from stochastic_music.reports.showing.blocks import facts, listed, picture, rows
from stochastic_music.sampling.metropolis import Diagnostics, Run
from stochastic_music.sampling.metropolis.diagnostics import GOOD_ESS, GOOD_R_HAT, quantities

#: of a trace, in pixels, and the chains that are drawn
_WIDTH, _HEIGHT, _CHAINS = 640, 56, 8


def drawn(thing: Any) -> Html:
    """The picture of a walk with its takes, of a run, or of its diagnostics."""
    run = thing.run if isinstance(thing, Walk) else thing
    told = run if isinstance(run, Diagnostics) else run.diagnostics
    n_chains = len(told.frozen)
    title = f"Metropolis: {counted(n_chains, 'chain')}, {counted(told.n_steps, 'step')} each"
    traces = [_traces(run)] if isinstance(run, Run) else []
    heard = [scores.players(thing.takes)] if isinstance(thing, Walk) else []
    remarks = listed([f"{remark}." for remark in told.remarks()])
    return picture(title, _summary(told), *traces, _quantities(told), _proposals(told), remarks, *heard)


def _summary(told: Diagnostics) -> Html:
    return facts([
        ("Stopped", f"{told.stopped}."),
        ("Accepted", f"{told.acceptance:.0%} of all steps"),
        ("Kept", f"{counted(told.n_kept, 'state')} a chain; the second half counts"),
    ])  # fmt: skip


def _quantities(told: Diagnostics) -> Html:
    caption = f"Over all chains. R-hat below {GOOD_R_HAT}: the chains agree. ESS above {GOOD_ESS}: enough for a mean."
    found = [
        Row(row.name, [figure(row.mean, 3), figure(row.mcse, 3), _whole(row.ess), figure(row.r_hat, 3)])
        for row in told.rows
    ]
    return rows(caption, ["Quantity", "Mean", "Error", "ESS", "R-hat"], found)


def _whole(value: float) -> str:
    return count(value) if math.isfinite(value) else "–"


def _proposals(told: Diagnostics) -> Html:
    found = [Row(moved.name, [count(moved.tried), f"{moved.accepted:.1%}"]) for moved in told.proposals]
    return rows("How often each kind of change was tried, and accepted", ["Proposal", "Tried", "Accepted"], found)


def _traces(run: Run) -> Html:
    """A picture for each quantity that changes, its name above."""
    found = [
        (element("span", name, class_="faint"), element("br"), trace(values, run.burn_in, name))
        for name, values in quantities(run).items()
        if len(values) > 1 and (values != values[0, 0]).any()
    ]
    return element("div", *(element("div", *parts) for parts in found))


def trace(values: FloatArray, burn_in: int, name: str) -> Html:
    """Lines of `values` (n_kept, n_chains), and a mark where the way in ends.

    >>> trace(np.array([[1.0, 2.0], [2.0, 1.0]]), 1, "notes")[:41]
    '<svg role="img" aria-label="Trace of note'
    """
    n_kept, n_chains = values.shape
    low, high = _bounds(values)
    lines = [
        element("path", d=_line(values[:, i], low, high), stroke=COLORS[i % len(COLORS)])
        for i in range(min(n_chains, _CHAINS))
    ]
    end = _WIDTH * burn_in / max(n_kept, 1)
    mark = element("path", d=f"M{end:.0f} 0V{_HEIGHT}", stroke_dasharray="2 3")
    first = f"; the first {_CHAINS} are drawn" if n_chains > _CHAINS else ""
    said = f"Trace of {name}: {n_chains} chains from {low:.4g} to {high:.4g}{first}"
    look: dict[str, Any] = {"fill": "none", "stroke": "currentColor", "width": _WIDTH, "height": _HEIGHT}
    return element("svg", mark, *lines, role="img", aria_label=said, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", **look)


def _bounds(values: FloatArray) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)


def _line(values: FloatArray, low: float, high: float) -> str:
    """A path through the values, at most two a pixel."""
    chosen = np.unique(np.linspace(0, len(values) - 1, min(len(values), 2 * _WIDTH)).astype(np.int64))
    x = _WIDTH * chosen / max(len(values) - 1, 1)
    y = 2 + (_HEIGHT - 4) * (high - values[chosen]) / max(high - low, np.finfo(float).tiny)
    places = [f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True) if math.isfinite(b)]
    return f"M{' '.join(places)}"
