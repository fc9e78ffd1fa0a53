"""Markup made of values: what comes from files is escaped, because everything is that was not made here.

`element` builds a piece of HTML or SVG. Its children are escaped, unless they are `Html` already; so text of any origin
can be passed on without a thought, and an f-string around markup becomes text again, never the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from html import escape

_VOID = {"br", "hr", "img", "input", "link", "meta", "wbr"}

#: What an attribute may be: True stands alone, None and False leave the attribute out.
Attribute = str | float | bool | None


class Html(str):
    """Text that is markup."""

    __slots__ = ()


def element(tag: str, /, *children: str, **attributes: Attribute) -> Html:
    """An element; underscores in names of attributes are hyphens, those at their end are dropped.

    >>> element("td", "R&B", class_="name", data_x=None)
    '<td class="name">R&amp;B</td>'
    >>> element("p", element("b", "<script>"), hidden=True)
    '<p hidden><b>&lt;script&gt;</b></p>'
    """
    opening = f"<{tag}{''.join(_attribute(*item) for item in attributes.items())}>"
    return Html(opening if tag in _VOID else f"{opening}{joined(children)}</{tag}>")


def joined(parts: Iterable[str], separator: str = "") -> Html:
    """Parts in a row, escaped where they are not markup.

    >>> joined(["a<b", Html("<br>")], " ")
    'a&lt;b <br>'
    """
    return Html(separator.join(part if isinstance(part, Html) else escape(part, quote=False) for part in parts))


def short(number: float | Fraction) -> float | int:
    """At most four decimals, and none where they are zero.

    >>> short(2.0), short(1 / 3)
    (2, 0.3333)
    """
    rounded = round(float(number), 4)
    return int(rounded) if rounded == int(rounded) else rounded


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    shown = name.rstrip("_").replace("_", "-")
    return f" {shown}" if value is True else f' {shown}="{escape(str(value))}"'
