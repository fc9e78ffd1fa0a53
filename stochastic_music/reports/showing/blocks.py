"""What the pictures of this room are built of: a frame for all of them, facts, tables, lists that end in time.

The style sheet is written into each picture, since a notebook has no other place for it, and holds for what bears the
class `stochastic-music` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from itertools import chain

from stochastic_music.reports.pages.markup import Html, element
from stochastic_music.reports.pages.tables import Row, table

#: rows of a table, and lines of a list, that are shown
ROWS, LINES = 40, 10
#: characters of one text
_LONG = 300


def picture(title: str, *parts: str) -> Html:
    """The picture of one thing: a title, and parts below each other; what is empty is left out."""
    shown = [part if isinstance(part, Html) else element("p", part) for part in parts if part]
    heading = element("p", title, class_="title") if title else Html()
    return element("div", element("style", _style()), heading, *shown, class_="stochastic-music")


def facts(pairs: Iterable[tuple[str, object]]) -> Html:
    """Terms and what is known of them; without those of which nothing is (None, or no text)."""
    known = [(term, value if isinstance(value, str) else str(value)) for term, value in pairs if value is not None]
    rows = [(element("dt", term), element("dd", shortened(value))) for term, value in known if value]
    return element("dl", *chain(*rows)) if rows else Html()


def rows(caption: str, columns: Sequence[str], found: Sequence[Row], *, words: int = 0, at_most: int = ROWS) -> Html:
    """A table, of whose rows so many are shown; its caption says how many there are. Nothing where there are none."""
    if not found:
        return Html()
    told = caption if len(found) <= at_most else f"{caption} (the first {at_most:,} of {len(found):,})"
    return table(told, columns, found[:at_most], words=words)


def listed(lines: Sequence[str], *, at_most: int = LINES) -> Html:
    """A list, of whose lines so many are shown, and how many are left; nothing where there are none."""
    if not lines:
        return Html()
    items = [element("li", shortened(line)) for line in lines[:at_most]]
    left = len(lines) - at_most
    more = [element("li", f"and {left:,} more", class_="faint")] if left > 0 else []
    return element("ul", *items, *more)


def folded(summary: str, *parts: str) -> Html:
    """Parts that are seen when they are asked for; nothing where they are empty."""
    shown = [part for part in parts if part]
    return element("details", element("summary", summary), *shown) if shown else Html()


def ranked(counts: Iterable[tuple[str, int]], *, at_most: int = LINES) -> str:
    """Names with their counts, as many as are worth a line.

    >>> ranked([("4/4", 300), ("3/4", 40), ("6/8", 1)], at_most=2)
    '4/4 (300), 3/4 (40) and 1 more'
    """
    found = list(counts)
    shown = ", ".join(f"{name} ({n:,})" for name, n in found[:at_most])
    return shown + (f" and {len(found) - at_most:,} more" if len(found) > at_most else "")


def shortened(text: str) -> str:
    """Markup as it is; of a long text the beginning.

    >>> shortened("abc"), len(shortened("a" * 1000))
    ('abc', 300)
    """
    return text if isinstance(text, Html) or len(text) <= _LONG else f"{text[: _LONG - 4]} ..."


@cache
def _style() -> Html:
    return Html(resources.files(__package__).joinpath("shown.css").read_text(encoding="utf-8"))
