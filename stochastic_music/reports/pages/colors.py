"""Surprise in color: the switch of a take, and the scale beside it (`render.surprise`)."""

from __future__ import annotations

from stochastic_music.render import surprise
from stochastic_music.reports.pages.markup import Html, element, short


def switch(top: float, *, impossible: bool, on: bool = False) -> Html:
    """Colors notes by their bits, on a scale from 0 to `top`; `impossible` says that there are notes beyond it."""
    toggle = element("label", element("input", type="checkbox", class_="surprise", checked=on), "Color by surprise")
    return element("div", toggle, _legend(top, impossible), class_="controls surprises", data_top=short(top))


def _legend(top: float, impossible: bool) -> Html:
    boxes = [element("path", d=f"M{i} 0h1.02v1h-1.02z", fill=color) for i, color in enumerate(surprise.COLORS)]
    ramp = element(
        "svg", *boxes, class_="ramp", viewBox=f"0 0 {len(boxes)} 1", preserveAspectRatio="none", aria_hidden="true"
    )
    beyond = " Framed notes were thought impossible." if impossible else ""
    words = f"Surprise from 0 to {top:.1f} bits a note: pale was expected, dark red was not.{beyond}"
    return element(
        "span",
        "0 ",
        ramp,
        f" {top:.1f} bits a note",
        element("span", words, class_="unseen"),
        *([element("span", ", framed: thought impossible")] if impossible else []),
        class_="scale",
    )
