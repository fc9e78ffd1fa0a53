"""Pictures of a report, drawn by `render` and set into the page as SVG that takes the page's colors.

Matplotlib styles each line by a `style` attribute, which the page's policy forbids; these become presentation
attributes. Inks become variables of the style sheet, so that pictures are dark where the page is. Names of parts get
the picture's own name before them, since a page has one space of names.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stochastic_music.render.comparisons import (
    Series,
    Value,
    forest_plot,
    learning_curves,
    similarity_curves,
    to_svg,
    training_curves,
)
from stochastic_music.render.plots import COLORS, FAINT, INK
from stochastic_music.reports.pages.markup import Html, element
from stochastic_music.reports.pages.sections import Model, Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SVG, _LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
#: Inks, as the style sheet calls them.
_INKS = {
    **{color: f"var(--part-{i})" for i, color in enumerate(COLORS)},
    **{"#ffffff": "var(--paper)", "#000000": "currentColor", INK: "currentColor"},
    **{FAINT: "var(--faint)", "#e3e5e9": "var(--line)", "#d5d8dd": "var(--line)"},
}
#: Left to the page, or without meaning in it.
_DROPPED = {"style", "font-family", "id", "version", _LINK}


def forest(report: Report, which: str, caption: str) -> Html:
    """Bits per note of each model with its interval; nothing where there are none."""
    rows = [_value(model, (model.get(which) or {}).get("bits_per_note")) for model in report["models"]]
    if not any(math.isfinite(row.value) for row in rows):
        return Html()
    return picture(forest_plot(rows, label="bits per note"), f"forest-{which}", caption)


def learning(report: Report, caption: str) -> Html:
    """Bits per note against the number of pieces learned from."""
    series = [_curve(model) for model in report["models"] if model.get("curve")]
    if not any(np.isfinite(one.y).any() for one in series):
        return Html()
    return picture(learning_curves(series, label="bits per note"), "curves", caption)


def training(report: Report, caption: str) -> Html:
    """Losses by epoch, of each network and seed."""
    fits = {
        model["name"]: [_losses(run) for run in model["history"]] for model in report["models"] if model.get("history")
    }
    if not fits:
        return Html()
    return picture(training_curves(fits, label="nats a symbol"), "losses", caption)


def similarity(report: Report, caption: str) -> Html:
    """How similar bars are that lie so far apart, of each model and of held-out music behind."""
    found = [_similar(model["name"], model["similarity"]) for model in report["models"] if model.get("similarity")]
    if not any(np.isfinite(one.y).any() for one in found):
        return Html()
    held_out = (report.get("held_out") or {}).get("similarity")
    reference = _similar("held-out music", held_out) if held_out else None
    return picture(similarity_curves(found, reference=reference), "similarity", caption)


def _similar(name: str, curve: Sequence[float | None]) -> Series:
    values = np.array([_number(value) for value in curve])
    return Series(name, np.arange(1.0, len(values) + 1), values)


def _value(model: Model, measured: Mapping[str, Any] | None) -> Value:
    value, (low, high) = _numbers(measured)
    return Value(model["name"], value, (low, high), str(model.get("family", "")))


def _curve(model: Model) -> Series:
    found = [_numbers(point.get("bits_per_note")) for point in model["curve"]]
    low, high = np.array([interval for _, interval in found]).T
    x = np.array([point["n_pieces"] for point in model["curve"]], dtype=np.float64)
    return Series(model["name"], x, np.array([value for value, _ in found]), low, high)


def _numbers(measured: Mapping[str, Any] | None) -> tuple[float, tuple[float, float]]:
    """A value and its interval, NaN for what is not there."""
    found = measured or {}
    value, (low, high) = found.get("value"), found.get("interval") or (None, None)
    return _number(value), (_number(low), _number(high))


def _losses(run: Mapping[str, Any]) -> tuple[Series, Series]:
    training, validation = (np.array([_number(loss) for loss in run[name]]) for name in ("training", "validation"))
    epochs = np.arange(1, len(training) + 1, dtype=np.float64)
    return Series("training", epochs, training), Series("validation", epochs, validation)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def picture(figure: Figure, name: str, caption: str) -> Html:
    """A figure of matplotlib under its caption; `name` is its own on the page."""
    root = ET.fromstring(to_svg(figure))  # noqa: S314 - written here and now
    for size in ("width", "height"):  # that is for the style sheet to say
        del root.attrib[size]
    drawn = _inlined(root, name, role="img", aria_label=caption, fill="currentColor", stroke_linejoin="round")
    scroll = element("div", drawn, class_="scroll", role="region", aria_label=caption, tabindex="0")
    return element("figure", scroll, element("figcaption", caption), class_="picture")


def _inlined(node: ET.Element, name: str, **more: str) -> Html:
    """An element of SVG and all in it."""
    kept = [child for child in node if child.tag not in (f"{_SVG}metadata", f"{_SVG}style")]
    children = [_inlined(child, name) for child in kept]
    return element(node.tag.removeprefix(_SVG), (node.text or "").strip(), *children, **_attributes(node, name), **more)


def _attributes(node: ET.Element, name: str) -> dict[str, str]:
    """Attributes and styles of an element alike, with names and inks of the page."""
    styles = (style.split(":", 1) for style in node.get("style", "").split(";") if style.strip())
    given = {key.strip(): value.strip() for key, value in styles} | dict(node.attrib)
    found = {key: _INKS.get(value, value) for key, value in given.items() if key not in _DROPPED}
    if "clip-path" in found:
        found["clip-path"] = found["clip-path"].replace("#", f"#{name}-")
    if _LINK in node.attrib:
        found["href"] = node.attrib[_LINK].replace("#", f"#{name}-")
    if node.tag != f"{_SVG}g" and "id" in node.attrib:
        found["id"] = f"{name}-{node.attrib['id']}"
    return found
