"""Pictures of hidden Markov models: the graph of states, and the trellis of a piece.

    graph     circles are states, as large as they are frequent in the long run, their orange rims as wide as pieces
              are likely to begin there; arrows are transitions, as wide as they are likely, weak ones left out
    trellis   a column an event, a row a state: shades are what is believed of each event's state given the whole
              piece, the line is the likeliest path through all of them

States stand on a ring, in an order in which those that follow one another are near (`ring_order`): the same for equal
models. Drawn through matplotlib's object interface, as `render.plots`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stochastic_music import _optional
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.render.heat import HeatMap, draw_heat_map, draw_scale
from stochastic_music.render.plots import COLORS, FAINT, INK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: transitions that are less likely are left out
WEAK = 0.05
#: inches: the graph, a cell, what stands around tables; events of a trellis that are drawn
_GRAPH, _CELL, _AROUND, EVENTS = 7.6, 0.2, 1.3, 96
#: the circle of a state of share 1, as a radius; and the least; the widest arrow and rim, in points
_LARGEST, _SMALLEST, _WIDEST, _RIM = 0.34, 0.055, 7.0, 5.0
#: states up to which words stand upright beside their circles
_FEW = 12
_STYLE = ("default", {"text.parse_math": False})


class Graph(NamedTuple):
    """`transitions` (K, K) as [from, to], `start` (K,), `stationary` (K,): probabilities; and `words` of each state."""

    transitions: FloatArray
    start: FloatArray
    stationary: FloatArray
    words: Sequence[str]


class Trellis(NamedTuple):
    """`posterior` (T, K), the likeliest `path` (T,), and what was `heard` at each event, in words."""

    posterior: FloatArray
    path: IntArray
    heard: Sequence[str]


def ring_order(transitions: FloatArray) -> IntArray:
    """An order of states around a ring in which likely transitions are short: (K,), beginning with state 0.

    Beginning with the nearest neighbour of each, states change places while that makes the sum of probability times
    distance around the ring less.

    >>> ring_order(np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]])).tolist()
    [0, 1, 2]
    """
    mutual = transitions + transitions.T
    order = [0]
    while len(order) < len(mutual):
        left = [k for k in range(len(mutual)) if k not in order]
        order.append(left[int(np.argmax(mutual[order[-1], left]))])
    return _improved(np.array(order, dtype=np.int64), mutual)


def _improved(order: IntArray, mutual: FloatArray) -> IntArray:
    n = len(order)
    steps = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    apart = np.minimum(steps, n - steps)
    best, gained = _length(order, mutual, apart), True
    while gained:
        gained = False
        for i, j in zip(*np.triu_indices(n, 1), strict=True):
            tried = order.copy()
            tried[[i, j]] = order[[j, i]]
            if (length := _length(tried, mutual, apart)) < best - 1e-9:
                order, best, gained = tried, length, True
    return np.roll(order, -int(np.flatnonzero(order == 0)[0]))


def _length(order: IntArray, mutual: FloatArray, apart: IntArray) -> float:
    return float((mutual[np.ix_(order, order)] * apart).sum())


def hidden_picture(
    graph: Graph, emissions: Sequence[HeatMap], trellis: Trellis | None = None, *, title: str = ""
) -> Figure:
    """A whole hidden Markov model as a matplotlib figure: graph, emissions beside it, and a trellis below.

    `emissions` is a table for each field, one at least, states across; of long trellises the first `EVENTS` events are
    drawn.
    """
    with _optional.require("matplotlib.style").context(_STYLE):
        above = max(_GRAPH, _AROUND + sum(_CELL * len(one.rows) + 0.5 for one in emissions))
        below = _trellis_height(trellis) if trellis else 0.0
        width = max(_GRAPH + _emissions_width(emissions), _trellis_width(trellis) if trellis else 0.0)
        figure = _figure(width, above + below)
        heights = [above, below] if trellis else [above]
        upper, *lower = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights).ravel()
        left, right = upper.subfigures(1, 2, squeeze=False, width_ratios=[_GRAPH, width - _GRAPH]).ravel()
        _draw_graph(left.add_subplot(), graph)
        _emission_panels(right, emissions)
        if trellis:
            _trellis_panel(lower[0], trellis)
        figure.suptitle(title, **_TITLE)
    return figure


# The graph


def _draw_graph(axes: Any, graph: Graph) -> None:
    n_states, order = len(graph.start), ring_order(graph.transitions)
    angle = np.empty(n_states)
    angle[order] = math.pi / 2 - 2 * math.pi * np.arange(n_states) / n_states
    places = np.stack([np.cos(angle), np.sin(angle)], axis=1) if n_states > 1 else np.zeros((1, 2))
    room = math.sin(math.pi / n_states) * 0.8 if n_states > 1 else 1.0
    radius = np.clip(_LARGEST * np.sqrt(graph.stationary), min(_SMALLEST, room), min(room, _LARGEST))
    _arrows(axes, graph.transitions, places, radius, angle)
    shades = _optional.require("matplotlib.colors").to_rgba_array([COLORS[5]] * n_states)
    patches = _optional.require("matplotlib.patches")
    for k in range(n_states):
        rim = {"edgecolor": COLORS[1], "linewidth": _RIM * graph.start[k] ** 0.5} if graph.start[k] >= 0.005 else {}
        axes.add_patch(patches.Circle(places[k], radius[k], facecolor=shades[k], zorder=3, **rim))
        axes.text(*places[k], str(k), ha="center", va="center", fontsize=9, color=INK, weight="bold", zorder=4)
        _name(axes, graph.words[k], places[k], angle[k], radius[k], upright=n_states <= _FEW)
    weak = (graph.transitions > 0) & (graph.transitions < WEAK)
    left_out = f"; {int(weak.sum())} transitions below {WEAK:.0%} are left out" if weak.any() else ""
    axes.set_title("States and transitions", fontsize=9, color=INK, loc="left")
    axes.set_xlabel(
        "circles: share in the long run; orange rims: pieces begin there;\n"
        f"arrows: probability, loops: of staying{left_out}",
        fontsize=8,
        color=FAINT,
    )
    reach = 1.4
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _arrows(axes: Any, transitions: FloatArray, places: FloatArray, radius: FloatArray, angle: FloatArray) -> None:
    patches = _optional.require("matplotlib.patches")
    for i, j in zip(*np.nonzero(transitions >= WEAK), strict=True):
        look = _look(float(transitions[i, j]))
        if i == j:
            away = np.array([math.cos(angle[i]), math.sin(angle[i])])
            size = _loop_size(radius[i])
            axes.add_patch(patches.Circle(places[i] + (radius[i] + 0.5 * size) * away, size, fill=False, **look))
        else:
            along = (places[j] - places[i]) / np.linalg.norm(places[j] - places[i])
            ends = places[i] + along * radius[i], places[j] - along * radius[j]
            head = {"arrowstyle": "-|>", "mutation_scale": 5 + 2.2 * look["linewidth"], "shrinkA": 0, "shrinkB": 1}
            axes.add_patch(patches.FancyArrowPatch(*ends, connectionstyle="arc3,rad=0.15", **head, **look))


def _look(p: float) -> dict[str, Any]:
    return {"linewidth": 0.4 + _WIDEST * p, "color": COLORS[0], "alpha": 0.25 + 0.6 * p, "zorder": 2}


def _loop_size(radius: float) -> float:
    return 0.45 * radius + 0.02


def _name(axes: Any, words: str, place: FloatArray, angle: float, radius: float, *, upright: bool) -> None:
    """What a state is, outside the ring: beyond its loop, upright or along the spoke."""
    away = np.array([math.cos(angle), math.sin(angle)])
    x, y = place + away * (radius + 1.5 * _loop_size(radius) + 0.06)
    right = away[0] > -1e-9
    turn = 0.0 if upright else math.degrees(angle) + (0 if right else 180)
    across = "center" if upright and abs(away[0]) < 0.2 else "left" if right else "right"
    down = ("bottom" if away[1] > 0 else "top") if across == "center" else "center"
    axes.text(x, y, words, rotation=turn, rotation_mode="anchor", ha=across, va=down, fontsize=8, color=INK, zorder=5)


# Tables


def _emission_panels(figure: Any, emissions: Sequence[HeatMap]) -> None:
    panels = figure.subplots(len(emissions), 1, squeeze=False, height_ratios=[len(one.rows) for one in emissions])
    for axes, one in zip(panels.ravel(), emissions, strict=True):
        drawn = draw_heat_map(axes, one, 1.0)
    draw_scale(figure, drawn, panels.ravel(), "probability")


def _trellis_panel(figure: Any, trellis: Trellis) -> None:
    n_events = min(len(trellis.path), EVENTS)
    n_states = trellis.posterior.shape[1]
    axes = figure.add_subplot()
    what = "what is believed of each event's state; line: the likeliest path"
    cut = f" (the first {n_events} of {len(trellis.path):,} events)" if n_events < len(trellis.path) else ""
    states = [str(k) for k in range(n_states)]
    one = HeatMap(trellis.posterior[:n_events].T, states, trellis.heard[:n_events], f"Trellis: {what}{cut}", "state")
    draw_heat_map(axes, one, 1.0, numbers=False)
    path = trellis.path[:n_events] + 0.5
    axes.plot(np.arange(n_events) + 0.5, path, color=COLORS[1], linewidth=1.6, marker="o", markersize=3.5, zorder=5)


def _trellis_width(trellis: Trellis) -> float:
    return _AROUND + 0.7 + _CELL * max(min(len(trellis.path), EVENTS), 20)


def _trellis_height(trellis: Trellis) -> float:
    return _AROUND + _CELL * int(trellis.posterior.shape[1]) + 0.07 * max(map(len, trellis.heard), default=0)


def _emissions_width(emissions: Sequence[HeatMap]) -> float:
    longest = max(len(name) for one in emissions for name in one.rows)
    return _AROUND + 0.6 + _CELL * max(len(emissions[0].columns), 8) + 0.075 * longest


_TITLE: dict[str, Any] = {"fontsize": 11, "color": INK, "x": 0.01, "ha": "left", "weight": "bold"}


def _figure(width: float, height: float) -> Figure:
    figure: Figure = _optional.require("matplotlib.figure").Figure(
        figsize=(width, height), facecolor="white", layout="constrained"
    )
    _optional.require("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    return figure
