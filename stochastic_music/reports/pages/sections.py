"""What the sections of a comparison's page have in common: an anchor, words, and tables with a row for each model.

What a report does not hold is left out, with a word where a reader would miss it; a model that failed keeps its row in
every table, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from stochastic_music.reports.pages.markup import Html, element, joined
from stochastic_music.reports.pages.tables import Row, table

#: What has a smaller corrected p-value is called a difference.
ALPHA = 0.05

Report = Mapping[str, Any]
Model = Mapping[str, Any]


class Section(NamedTuple):
    """A section: its anchor, its heading and what it holds."""

    anchor: str
    title: str
    content: Sequence[Html]


def paragraph(*text: str) -> Html:
    """A paragraph."""
    return element("p", *text)


def subheading(text: str) -> Html:
    """The heading of a part of a section."""
    return element("h3", text)


def by_model(
    report: Report,
    caption: str,
    columns: Sequence[str],
    cells: Callable[[Model], Sequence[str]],
    *,
    references: Sequence[Row] = (),
    part: str | None = None,
    words: int = 0,
) -> Html:
    """A table with a row for each model, `references` below.

    `part` names what of a model may have failed by itself; the last `words` columns hold words.
    """
    rows = []
    for model in report["models"]:
        reason = failure(model, part)
        rows.append(Row(name_of(model), cells(model) if reason is None else [f"did not finish: {reason}"]))
    below = [row._replace(kind="reference") for row in references]
    return table(caption, ["Model", *columns], [*rows, *below], words=words)


def name_of(model: Model) -> Html:
    """A model's name, which may break after underscores."""
    return joined(str(model["name"]).split("_"), Html("_<wbr>"))


def failure(model: Model, part: str | None = None) -> str | None:
    """Why a model, or a part of what was asked of it, did not finish."""
    reason = model.get("failed") or (part is not None and (model.get(part) or {}).get("failed"))
    return str(reason) if reason else None


def names_in(report: Report, part: str) -> list[str]:
    """The names under `part` of the held-out music and of all models, in their order."""
    holders = [report.get("held_out") or {}, *report["models"]]
    return list(dict.fromkeys(name for holder in holders for name in holder.get(part) or {}))
