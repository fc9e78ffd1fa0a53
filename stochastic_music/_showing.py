"""Values that show themselves in notebooks, and know nothing of how.

A notebook asks a value for `_repr_html_`. What draws it (tables, players, pictures) stands far above most values in the
house, and may not be imported from there. So a class only names its artist,

    class Corpus(ShowsItself, Sequence[Piece]):
        shown_by = "corpora"

a module of `reports.showing`, which is imported when a notebook asks for the first time. Subclasses inherit the name,
those of plug-ins too; a plug-in that draws better defines `_repr_html_` itself.

A picture that fails breaks no cell: the notebook gets the value's text, and a line that says why. `drawn` of
`reports.showing` raises, for those who want to know.

Scores are symusic's, and have no `_repr_html_`. Where IPython runs, `register` tells it who draws them, by the names of
their classes: neither IPython nor symusic is imported for that.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any, ClassVar

#: the room of those who draw
ROOM = "stochastic_music.reports.showing"
#: who draws scores, and what symusic calls their classes: `symusic.Score` only makes one of these
SCORES = "scores"
SCORE_CLASSES = tuple(("symusic.core", name) for name in ("ScoreTick", "ScoreQuarter", "ScoreSecond"))


class ShowsItself:
    """A value that notebooks show as `reports.showing` draws it; see the module's article."""

    #: the module of `reports.showing` that draws it
    shown_by: ClassVar[str]

    def _repr_html_(self) -> str | None:
        """What a notebook shows; None where there is nothing to draw."""
        return html_of(self)


def html_of(thing: Any) -> str | None:
    """What a notebook shows of a thing: its picture, or its text and why there is no picture."""
    try:
        found: str | None = importlib.import_module(ROOM).drawn(thing)
    except Exception as error:
        return _undrawn(thing, error)
    return found


def _undrawn(thing: Any, error: Exception) -> str:
    import logging  # as all that this file needs, imported late: the package itself loads next to nothing
    from html import escape

    logging.getLogger(__name__).debug("%s could not be drawn", type(thing).__name__, exc_info=error)
    why = f"It could not be drawn: {type(error).__name__}: {error}"
    return f"<pre>{escape(repr(thing))}</pre>\n<p>{escape(why)}</p>"


def register() -> None:
    """Have IPython show scores, where it runs; elsewhere nothing happens, and nothing is imported."""
    if "IPython" in sys.modules and (shell := sys.modules["IPython"].get_ipython()) is not None:
        load_ipython_extension(shell)


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext stochastic_music` does: scores are shown as notation that plays."""
    if (display := getattr(shell, "display_formatter", None)) is not None:
        for module, name in SCORE_CLASSES:
            display.formatters["text/html"].for_type_by_name(module, name, html_of)
