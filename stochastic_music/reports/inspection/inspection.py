"""An inspection: plain values, told as text, JSON and HTML, and drawn when somebody asks for a picture.

Probabilities are numbers from 0 to 1, in JSON too; text and HTML show them in percent. A cell is text, a number, or
None where there is nothing to say. Keys of facts, tables and columns are for programs: lower case, with underscores,
and stable (`"schema": 1`); captions and heads are for people.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from stochastic_music._showing import ShowsItself
from stochastic_music.reports.pages.markup import Html

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Cell: TypeAlias = str | int | float | None

#: of the JSON object; keys are added, never renamed, while it stays
SCHEMA = 1


class Request(NamedTuple):
    """What to look at: notes heard last, as people write them ("G4 A4"), and how many rows a table may have.

    `middle_c` is what those notes call MIDI 60, C4 or C3. `score` is a piece to look at through the model instead.
    """

    context: str | None = None
    middle_c: str = "C4"
    at_most: int = 12
    score: Any = None


class Column(NamedTuple):
    """A column of a table: its key, its head (None: the key in words), and the unit and decimals of its numbers.

    Units that are shown in a way of their own: "probability" (as percent), "bits", "nats" (two decimals).
    """

    key: str
    head: str | None = None
    unit: str = ""
    digits: int | None = None

    @property
    def title(self) -> str:
        """The head, as it is shown."""
        return self.key.replace("_", " ") if self.head is None else self.head


class Table(NamedTuple):
    """Rows of cells under heads; `note` says what is left out, or how to read it."""

    key: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: str = ""


@dataclass(frozen=True, eq=False)
class Inspection(ShowsItself):
    """What was found inside a model, or a walk: see the module's article.

    `kind` is the registered name of the model, or "walk". `facts` are single values by key, `lines` sentences. `data`
    holds what only programs and pictures need: matrices, traces. `draw` makes the picture, None where there is none.
    `ask` is a context that is worth asking for next, '' where none is.

        >>> found = Inspection("toy", "A toy", {"order": 1}, lines=["It says little."])
        >>> print(found.text())
        A toy
        <BLANKLINE>
        order  1
        <BLANKLINE>
        It says little.
    """

    shown_by = "findings"

    kind: str
    title: str
    facts: Mapping[str, Cell]
    tables: Sequence[Table] = ()
    lines: Sequence[str] = ()
    draw: Callable[[], Figure] | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    ask: str = ""

    def to_json(self) -> dict[str, Any]:
        """One JSON object; numbers that are not finite are null."""
        return {
            "schema": SCHEMA,
            "kind": self.kind,
            "title": self.title,
            "facts": _plain(self.facts),
            "lines": list(self.lines),
            "tables": {table.key: _table_json(table) for table in self.tables},
            "data": _plain(self.data),
        }

    def json(self) -> str:
        """The same as text, equal for equal inspections."""
        return json.dumps(self.to_json(), indent=2, allow_nan=False)

    def text(self) -> str:
        """The inspection for a terminal."""
        from stochastic_music.reports.inspection.telling import text

        return text(self)

    def to_html(self, *, picture: bool = True) -> Html:
        """A fragment of HTML for pages and notebooks; with `picture` it holds the drawing as PNG."""
        from stochastic_music.reports.inspection.telling import html

        return html(self, picture=picture)


def _table_json(table: Table) -> dict[str, Any]:
    """Caption, note, units by column, and a row as an object."""
    keys = [column.key for column in table.columns]
    return {
        "caption": table.caption,
        "note": table.note,
        "units": {column.key: column.unit for column in table.columns if column.unit},
        "rows": [dict(zip(keys, map(_plain, row), strict=True)) for row in table.rows],
    }


def _plain(value: Any) -> Any:
    """A value for JSON: arrays as lists, tuples as lists, what is not finite as None.

    >>> _plain({"a": (1, float("inf"))})
    {'a': [1, None]}
    """
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
