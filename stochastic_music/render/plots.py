"""Pictures of scores: the piano roll, as PNG.

Time runs to the right in systems of about eight bars; pitch runs upwards, the rows of black keys shaded. Thin lines are
beats, thick lines bars, numbered as printed (a pickup is bar 0); a new meter stands beside the number of its first full
bar. Each part has a color that the color-blind can tell apart; a fermata over a note says that a phrase ends with it.
Drums lie below the pitches in lanes of their own, by name.

`surprise_roll` colors notes by how much they surprise instead, from pale for what was expected to dark red; the scale
stands above. A note that was held to be impossible has the color of the most surprising one, and a black frame.

Figures are drawn through matplotlib's object interface: no window, no global state. Provenance is the PNG text
`Comment`; equal scores give equal bytes with one version of matplotlib.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stochastic_music import _optional
from stochastic_music.music import marks
from stochastic_music.music.bars import Bar, bars
from stochastic_music.music.instruments import drum_name
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.render import surprise
from stochastic_music.tokens import pitch_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from symusic.core import ScoreTick

#: Okabe and Ito's colors, told apart by the color-blind.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#6b6b6b")
INK, FAINT, _BEAT, _BAR, _SHADE = "#22262b", "#6b7280", "#e3e5e9", "#9aa1ab", "#f4f5f7"
_BLACK_KEYS = (1, 3, 6, 8, 10)
#: inches
_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM, _GAP = 12.0, 0.8, 0.35, 0.95, 0.3, 0.5
_DPI = 150
_QUARTERS_A_SYSTEM, _MAX_SYSTEMS = 33, 8


class Part(NamedTuple):
    """The notes of one track: times in quarter notes, rows of the picture, each (n,); `faces` and `edges` (n, 4)."""

    name: str
    color: str
    start: FloatArray
    end: FloatArray
    row: IntArray
    faces: FloatArray
    edges: FloatArray
    closes: IntArray


class Rows(NamedTuple):
    """The rows from `low` to `high`, and the names of some."""

    low: int
    high: int
    names: dict[int, str]
    n_lanes: int


def write_piano_roll(score: ScoreTick, path: str | os.PathLike[str], *, provenance: str = "", title: str = "") -> None:
    """Draw a score as a PNG file; `provenance` is kept as its comment."""
    Path(path).write_bytes(to_png(piano_roll(score, title=title), title=title, provenance=provenance))


def to_png(figure: Figure, *, title: str = "", provenance: str = "") -> bytes:
    """The bytes of a figure as PNG."""
    texts = {"Software": "stochastic_music", "Title": title, "Comment": provenance}
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={name: text for name, text in texts.items() if text})
    return buffer.getvalue()


def provenance(data: bytes) -> str:
    """The comment of a PNG file, '' where there is none."""
    image = _optional.require("PIL.Image")
    try:
        with image.open(io.BytesIO(data)) as picture:
            return str(picture.text.get("Comment", ""))
    except (OSError, AttributeError, SyntaxError, ValueError):
        return ""


def piano_roll(score: ScoreTick, *, title: str = "") -> Figure:
    """A score as a matplotlib figure; see the module's article. Raises EncodingError for an impossible meter."""
    with _optional.require("matplotlib.style").context("default"):
        rows = _rows(score)
        parts = _parts(score, rows)
        figure = _drawn(score, rows, parts)
        _captions(figure, score, title)
        if len(parts) > 1:
            _legend(figure, parts)
    return figure


def surprise_roll(score: ScoreTick, bits: Sequence[FloatArray], *, title: str = "") -> Figure:
    """A score with its notes colored by surprise, as a matplotlib figure.

    `bits` holds an array for each track, (n_notes,) in the order of its notes, nan for those of which nothing is told:
    they are gray. Raises EncodingError for an impossible meter.
    """
    with _optional.require("matplotlib.style").context("default"):
        rows = _rows(score)
        scale = _scale(bits)
        parts = [
            _surprising(part, bits[i], scale) for part, i in zip(_parts(score, rows), _sounding(score), strict=True)
        ]
        figure = _drawn(score, rows, parts)
        _captions(figure, score, title)
        _color_bar(figure, scale)
        for axes in figure.axes[:-1]:
            axes.set_ylabel("pitch", fontsize=8, color=FAINT)
        figure.axes[-2].set_xlabel("bars, as printed", fontsize=8, color=FAINT)
    return figure


def _drawn(score: ScoreTick, rows: Rows, parts: Sequence[Part]) -> Figure:
    """The systems of a score, with nothing around them."""
    printed = bars(score)
    systems = list(_systems(printed))
    figure, boxes = _paper(systems, rows)
    for system, box in zip(systems, boxes, strict=True):
        axes = figure.add_axes(box)
        _keyboard(axes, rows)
        _grid(axes, system, previous=None if system is systems[0] else printed[printed.index(system[0]) - 1])
        for part in parts:
            _draw(axes, part, system)
    return figure


# What is drawn


def _systems(printed: Sequence[Bar]) -> Iterator[list[Bar]]:
    """Bars in lines of equal length, more bars a line where there would be too many lines."""
    total = printed[-1].end - printed[0].start
    limit = max(Fraction(_QUARTERS_A_SYSTEM), total / _MAX_SYSTEMS)
    system: list[Bar] = []
    for bar in printed:
        if system and bar.end - system[0].start > limit:
            yield system
            system = []
        system.append(bar)
    yield system


def _rows(score: ScoreTick) -> Rows:
    """The pitches in use, over one lane for each drum."""
    drums = _all_pitches(score, drums=True).tolist()
    low, high = _span(_all_pitches(score, drums=False), spare=0 if drums else 12)
    wanted = _named_steps(high - low)
    names = {pitch: pitch_name(pitch) for pitch in range(low, high + 1) if pitch % 12 in wanted}
    lanes = {low - len(drums) + i: drum_name(p) for i, p in enumerate(drums)}
    return Rows(low - len(drums), high, names | lanes, len(drums))


def _span(pitches: IntArray, *, spare: int) -> tuple[int, int]:
    """The rows for `pitches`, two more on both sides and an octave at least; `spare` rows for no pitches."""
    if not len(pitches):
        return 60, 59 + spare
    low, high = int(pitches[0]) - 2, int(pitches[-1]) + 2
    missing = max(0, 11 - (high - low))
    return low - missing // 2, high + (missing + 1) // 2


def _named_steps(span: int) -> tuple[int, ...]:
    """Which pitch classes are named on the axis: all white keys, then fewer as the range grows."""
    if span <= 20:
        return (0, 2, 4, 5, 7, 9, 11)
    return (0, 5, 9) if span <= 32 else (0, 7) if span <= 48 else (0,)


def _all_pitches(score: ScoreTick, *, drums: bool) -> IntArray:
    found = [track.notes.numpy()["pitch"] for track in score.tracks if bool(track.is_drum) == drums]
    return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *found]).astype(np.int64))


def _sounding(score: ScoreTick) -> list[int]:
    return [i for i, track in enumerate(score.tracks) if len(track.notes)]


def _parts(score: ScoreTick, rows: Rows) -> list[Part]:
    lanes = _all_pitches(score, drums=True)
    colors = _optional.require("matplotlib.colors")
    out = []
    for n, i in enumerate(_sounding(score)):
        track, color = score.tracks[i], COLORS[n % len(COLORS)]
        arrays = track.notes.numpy()
        start = arrays["time"].astype(np.float64) / score.ticks_per_quarter
        end = start + arrays["duration"] / score.ticks_per_quarter
        pitch = arrays["pitch"].astype(np.int64)
        row = rows.low + np.searchsorted(lanes, pitch) if track.is_drum else pitch
        strength = 0.65 + 0.35 * np.clip(arrays["velocity"].astype(np.float64) / 90, 0, 1)
        closes = np.flatnonzero(np.isin(arrays["time"], marks.phrase_ends(score, i)))
        name = " ".join(str(track.name).split()) or f"Part {n + 1}"
        faces = np.array([colors.to_rgba(color, alpha) for alpha in strength.tolist()])
        edges = np.tile(colors.to_rgba(color), (len(faces), 1))
        out.append(Part(name, color, start, end, row, faces, edges, closes))
    return out


def _scale(bits: Sequence[FloatArray]) -> Any:
    """The scale of `surprise`; what has no finite surprise lies over it."""
    colors = _optional.require("matplotlib.colors")
    normalize = colors.Normalize(0, surprise.highest(bits), clip=True)
    ramp = colors.LinearSegmentedColormap.from_list("surprise", surprise.COLORS)
    return _optional.require("matplotlib.cm").ScalarMappable(normalize, ramp)


def _surprising(part: Part, bits: FloatArray, scale: Any) -> Part:
    """A part colored by the surprise of its notes."""
    faces = scale.to_rgba(np.where(np.isfinite(bits), bits, scale.norm.vmax))
    ink, faint, gray = (_optional.require("matplotlib.colors").to_rgba(color) for color in (INK, _BAR, _BEAT))
    faces[np.isnan(bits)] = gray
    return part._replace(color=INK, faces=faces, edges=np.where(np.isposinf(bits)[:, None], ink, faint))


# How it is drawn


def _paper(systems: Sequence[Sequence[Bar]], rows: Rows) -> tuple[Figure, list[tuple[float, float, float, float]]]:
    """A figure, and the place of each system in it, as shares of the figure."""
    tall = max(1.3, 0.115 * (rows.high - rows.low + 1))
    height = _TOP + len(systems) * tall + (len(systems) - 1) * _GAP + _BOTTOM
    lengths = [float(system[-1].end - system[0].start) for system in systems]
    wide = _WIDTH - _LEFT - _RIGHT
    boxes = [
        (
            _LEFT / _WIDTH,
            (height - _TOP - (i + 1) * tall - i * _GAP) / height,
            wide / _WIDTH * length / max(lengths),
            tall / height,
        )
        for i, length in enumerate(lengths)
    ]
    figure = _optional.require("matplotlib.figure").Figure(figsize=(_WIDTH, height), facecolor="white")
    _optional.require("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    return figure, boxes


def _keyboard(axes: Any, rows: Rows) -> None:
    """Shaded rows for black keys, names at the left, and the frame."""
    axes.set_ylim(rows.low - 0.5, rows.high + 0.5)
    for row in range(rows.low + rows.n_lanes, rows.high + 1):
        if row % 12 in _BLACK_KEYS:
            axes.axhspan(row - 0.5, row + 0.5, color=_SHADE, linewidth=0, zorder=0)
        if row % 12 == 0:
            axes.axhline(row - 0.5, color=_BEAT, linewidth=0.8, zorder=0.5)
    if rows.n_lanes:
        axes.axhline(rows.low + rows.n_lanes - 0.5, color=_BAR, linewidth=0.8, zorder=1)
    axes.set_yticks(list(rows.names), list(rows.names.values()))
    axes.tick_params(axis="y", length=0, labelsize=8, labelcolor=FAINT, pad=5)
    for text, row in zip(axes.get_yticklabels(), rows.names, strict=True):
        if row % 12 == 0 and row >= rows.low + rows.n_lanes:
            text.set(color=INK, fontweight="bold")
    for side in ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(False)


def _grid(axes: Any, system: Sequence[Bar], previous: Bar | None) -> None:
    """Bar lines with numbers, and beats; a meter where it is new."""
    axes.set_xlim(float(system[0].start), float(system[-1].end))
    axes.set_xticks([])
    beats = [beat for bar in system for beat in _beats(bar)]
    lines = [*(float(bar.start) for bar in system), float(system[-1].end)]
    vertical = {"transform": axes.get_xaxis_transform(), "clip_on": False}
    axes.vlines(beats, 0, 1, color=_BEAT, linewidth=0.7, zorder=1, gid="beats", **vertical)
    axes.vlines(lines, 0, 1, color=_BAR, linewidth=1.1, zorder=1.5, gid="bars", **vertical)
    shown = previous and (previous.numerator, previous.denominator)
    for bar in system:
        meter = (bar.numerator, bar.denominator)
        waits = bar.number == 0 and len(system) > 1  # a pickup is narrow: the first full bar has more room
        _bar_label(axes, bar, f"{meter[0]}/{meter[1]}" if meter != shown and not waits else "")
        shown = shown if waits else meter


def _bar_label(axes: Any, bar: Bar, meter: str) -> None:
    place = {"xy": (float(bar.start), 1), "xycoords": axes.get_xaxis_transform(), "textcoords": "offset points"}
    number = axes.annotate(str(bar.number), xytext=(1, 4), fontsize=8.5, color=FAINT, **place)
    if meter:
        width = 6.5 * len(str(bar.number))
        axes.annotate(meter, xytext=(4 + width, 4), fontsize=8.5, color=INK, fontweight="bold", **place)
    number.set_annotation_clip(False)


def _beats(bar: Bar) -> list[float]:
    """The beats inside a bar: dotted in compound meters; those of a pickup are counted from its end."""
    compound = bar.denominator >= 8 and bar.numerator > 3 and bar.numerator % 3 == 0
    beat = Fraction(12 if compound else 4, bar.denominator)
    first = bar.length % beat if bar.number == 0 else Fraction(0)
    n = int((bar.length - first) / beat) + 1
    places = [bar.start + first + i * beat for i in range(n)]
    return [float(place) for place in places if bar.start < place < bar.end]


def _draw(axes: Any, part: Part, system: Sequence[Bar]) -> None:
    """The notes that sound during a system, and fermatas where phrases end."""
    left, right = float(system[0].start), float(system[-1].end)
    inside = np.flatnonzero((part.end > left) & (part.start < right))
    start, end, row = part.start[inside], part.end[inside], part.row[inside]
    # a sliver of white keeps repeated notes apart
    shown = np.maximum(end - 0.05, start + 0.6 * (end - start))
    corners = [(start, row - 0.4), (start, row + 0.4), (shown, row + 0.4), (shown, row - 0.4)]
    boxes = np.stack([np.stack(corner, axis=-1) for corner in corners], axis=1)
    style = {"facecolors": part.faces[inside], "edgecolors": part.edges[inside], "linewidths": 0.8}
    axes.add_collection(
        _optional.require("matplotlib.collections").PolyCollection(boxes, zorder=3, gid="notes", **style)
    )
    closing = np.intersect1d(part.closes, inside)
    closing = closing[part.start[closing] >= left]
    _fermatas(axes, (part.start[closing] + part.end[closing]) / 2, part.row[closing], part.color)


def _fermatas(axes: Any, x: FloatArray, row: IntArray, color: str) -> None:
    path = _optional.require("matplotlib.path").Path
    arc = path.arc(0, 180)
    style = {"linestyle": "none", "color": color, "zorder": 4, "clip_on": False}
    axes.plot(x, row + 0.75, marker=path(arc.vertices, arc.codes), markersize=9, fillstyle="none", **style)
    axes.plot(x, row + 0.95, marker=".", markersize=3, **style)


def _captions(figure: Figure, score: ScoreTick, title: str) -> None:
    """Title, length and tempo."""
    height = figure.get_size_inches()[1]
    left = _LEFT / _WIDTH
    figure.text(left, 1 - 0.3 / height, title, fontsize=15, fontweight="bold", color=INK, va="center")
    figure.text(left, 1 - 0.56 / height, _facts(score), fontsize=9, color=FAINT, va="center")


def _color_bar(figure: Figure, scale: Any) -> None:
    """What the colors mean, at the right above the music."""
    height = figure.get_size_inches()[1]
    wide = 2.4 / _WIDTH
    axes = figure.add_axes((1 - _RIGHT / _WIDTH - wide, 1 - 0.34 / height, wide, 0.1 / height))
    bar = figure.colorbar(scale, cax=axes, orientation="horizontal")
    bar.outline.set_visible(False)
    bar.set_label("surprise in bits", fontsize=8, color=FAINT, labelpad=1)
    axes.tick_params(labelsize=8, labelcolor=FAINT, length=2, color=_BAR, pad=1)


def _legend(figure: Figure, parts: Sequence[Part]) -> None:
    """The colors of several parts."""
    height = figure.get_size_inches()[1]
    patch = _optional.require("matplotlib.patches").Patch
    figure.legend(
        handles=[patch(facecolor=part.color, label=part.name) for part in parts],
        loc="center right",
        bbox_to_anchor=(1 - _RIGHT / _WIDTH, 1 - 0.36 / height),
        ncols=min(len(parts), 4),
        frameon=False,
        fontsize=9,
        handlelength=1.1,
        handleheight=0.9,
        columnspacing=1.4,
        borderpad=0,
        borderaxespad=0,
    )


def _facts(score: ScoreTick) -> str:
    speeds = [float(tempo.qpm) for tempo in score.tempos] or [120.0]
    n_notes = sum(len(track.notes) for track in score.tracks)
    n_bars = sum(bar.number > 0 for bar in bars(score))
    tempo = f"{min(speeds):.0f}" if max(speeds) - min(speeds) < 1 else f"{min(speeds):.0f} to {max(speeds):.0f}"
    return f"{n_notes} notes, {n_bars} bars, {tempo} quarter notes a minute"
