"""Tables and lists of measures: figures with what they mean and which way is better.

A column that is a measure bears an arrow in its head, spoken as words, and its meaning stands in a list under the
heading, on screen and on paper alike. Wide tables scroll sideways under their caption; the first column stays.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from stochastic_music.reports.pages.markup import Html, element, joined

#: How a measure's direction is shown and spoken.
_DIRECTIONS = {
    "lower": ("\u00a0↓", "lower is better"),
    "higher": ("\u00a0↑", "higher is better"),
    "closer": ("\u00a0≈", "closer to the held-out music is better"),
}

Measures = Mapping[str, Mapping[str, Any]]


class Row(NamedTuple):
    """A row: its head, its cells, and a class for its looks."""

    head: str
    cells: Sequence[str]
    kind: str | None = None


def table(caption: str, columns: Sequence[str], rows: Iterable[Row], *, words: int = 0) -> Html:
    """A table in a region that scrolls; `columns` are the heads, that of the rows' heads first.

    The last `words` columns hold words, the others figures. A row with one cell where there should be several stretches
    it over them: it says why there are none.
    """
    kinds = [None] * (len(columns) - words) + ["words"] * words
    heads = [element("th", column, scope="col", class_=kind) for column, kind in zip(columns, kinds, strict=True)]
    body = [_row(row, kinds[1:]) for row in rows]
    named = element("caption", element("span", caption))
    whole = element("table", named, element("thead", element("tr", *heads)), element("tbody", *body))
    return element("div", whole, class_="scroll", role="region", aria_label=caption, tabindex="0")


def _row(row: Row, kinds: Sequence[str | None]) -> Html:
    if len(row.cells) == 1 < len(kinds):
        cells = [element("td", element("span", row.cells[0]), colspan=len(kinds), class_="failed")]
    else:
        cells = [element("td", cell, class_=kind) for cell, kind in zip(row.cells, kinds, strict=True)]
    return element("tr", element("th", row.head, scope="row"), *cells, class_=row.kind)


def head(measures: Measures, key: str) -> Html:
    """A column's head: the measure's title, and its direction as an arrow and as words."""
    measure = measures.get(key, {})
    arrow, words = _DIRECTIONS.get(measure.get("better", ""), ("", ""))
    sign = element("span", arrow, aria_hidden="true"), element("span", f" ({words})" if words else "", class_="unseen")
    return element("span", _capital(measure.get("title", key)), *sign, title=measure.get("meaning"))


def titled(measures: Measures, key: str) -> str:
    """A measure's title and direction, in words."""
    measure = measures.get(key, {})
    words = _DIRECTIONS.get(measure.get("better", ""), ("", ""))[1]
    return f"{_capital(measure.get('title', key))}{f' ({words})' if words else ''}"


def meanings(measures: Measures, keys: Iterable[str]) -> Html:
    """What measures mean, as a list: title, meaning, unit, direction."""
    known = [measures[key] for key in keys if key in measures]
    pairs = [(element("dt", _capital(one["title"])), element("dd", _meaning(one))) for one in known]
    return element("dl", *chain(*pairs), class_="measures") if pairs else Html()


def _meaning(measure: Mapping[str, Any]) -> str:
    words = _DIRECTIONS.get(measure.get("better", ""), ("", ""))[1]
    sentences = (measure["meaning"], _unit(measure.get("unit", "")), words)
    return " ".join(f"{_capital(sentence).rstrip('.')}." for sentence in sentences if sentence)


def _unit(unit: str) -> str:
    parts = ("share", "probability")
    return f"as a {unit}, 0 to 1" if unit.startswith(parts) else f"in {unit}" if unit else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# Figures


def figure(value: float | None, digits: int = 2) -> str:
    """A number to so many decimals; a dash for what was not measured.

    >>> figure(2.3456), figure(None), figure(-0.001), figure(float("inf"))
    ('2.35', '–', '0.00', '∞')
    """
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def with_interval(measured: Mapping[str, Any] | None, digits: int = 2) -> Html:
    """A value over its interval, or over its spread: `{"value", "interval": [low, high]}` or `{"value", "std"}`."""
    if not measured or measured.get("value") is None:
        return Html("–")
    return joined((figure(measured["value"], digits), _below(measured, digits)))


def _below(measured: Mapping[str, Any], digits: int) -> Html:
    if measured.get("interval"):
        low, high = (figure(x, digits) for x in measured["interval"])
        return element("span", f" {low} to {high}", class_="interval")
    spread = measured.get("std")
    return Html() if spread is None else element("span", f" ± {figure(spread, digits)}", class_="interval")


def count(value: float | None) -> str:
    """A large number.

    >>> count(1234567)
    '1,234,567'
    """
    return "–" if value is None else f"{value:,.0f}"


def several(n: int, thing: str) -> str:
    """How many of a thing.

    >>> several(1, "pair"), several(1000, "pair")
    ('1 pair', '1,000 pairs')
    """
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


def size(n_bytes: float | None) -> str:
    """Bytes in a unit that reads well.

    >>> size(1536), size(3_400_000_000)
    ('1.5 kB', '3.4 GB')
    """
    if n_bytes is None:
        return "–"
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if n_bytes >= factor:
            return f"{n_bytes / factor:.1f} {unit}"
    return f"{n_bytes:.0f} B"


def probability(p: float | None) -> str:
    """A p-value.

    >>> probability(0.0213), probability(0.00002)
    ('0.021', '< 0.001')
    """
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
