"""What notebooks show of the things of this package: tables, facts, pictures, and players for what can be heard.

    show(thing)      a thing, or a list of scores and takes, as something that a notebook shows
    drawn(thing)     its markup; None where there is nothing to draw

Each module has one function `drawn(thing)`, and is found by the name that a class gives (`_showing`):

    corpora       pieces, their symbols, and what became of files
    models        pipelines and models, fitted or not
    demands       constraints, in words
    walks         Metropolis chains: traces, acceptance, effective sizes
    scores        scores, takes, harmonies: notation that plays
    findings      explanations, originality, harmony and form of a piece; what is in a model
    comparisons   reports of `reports.compare`

`blocks` holds what they are built of. What is shown is bounded, however large the thing is, and says what was left
out. Text takes the color of the notebook, and nothing has a background of its own, so that it reads in light and dark
themes; nothing is asked of any network; whatever comes from files is escaped.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stochastic_music import _showing
from stochastic_music.errors import UsageError
from stochastic_music.reports.pages.markup import Html

__all__ = ["Shown", "drawn", "show"]


@dataclass(frozen=True)
class Shown:
    """Something to show: notebooks take its `html`, everything else the text of the thing."""

    html: str
    thing: Any = field(compare=False)

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return repr(self.thing)


def show(thing: Any) -> Shown:
    """Anything of this package, as a notebook shows it: the last line of a cell, or an argument of `display`.

    Of a list of scores, takes or pieces it is one page with a player for each, of the report of a comparison its page.
    Raises UsageError for what has no picture.

        >>> import stochastic_music as sm
        >>> shown = sm.show(sm.PitchRange("C4", "A5") & sm.Bars(8))
        >>> shown
        PitchRange(C4, A5) & Bars(8)
        >>> "exactly 8 full bars" in shown.html
        True
    """
    found = drawn(thing)
    if found is None:
        raise UsageError(
            f"{type(thing).__name__} has no picture: expected a score, a take, a list of these, a corpus, a pipeline, "
            "a model, a constraint, a comparison, or what was found out with them"
        )
    return Shown(found, thing)


def drawn(thing: Any) -> Html | None:
    """The markup of a thing; None where there is nothing to draw."""
    artist = getattr(thing, "shown_by", None) or _artist(thing)
    if artist is None:
        return None
    found: Html | None = importlib.import_module(f"{__name__}.{artist}").drawn(thing)
    return found


def _artist(thing: Any) -> str | None:
    """Who draws what is no class of ours: scores, lists of what has one, reports of comparisons."""
    if isinstance(thing, Mapping) and _REPORT.issubset(thing):
        return "comparisons"
    return _showing.SCORES if _sounds(thing) else None


#: what every report of a comparison holds
_REPORT = {"schema", "title", "models", "measures", "held_out"}


def _sounds(thing: Any) -> bool:
    """Whether it is a score of symusic's, or a list of what has a score."""
    if isinstance(thing, Sequence) and not isinstance(thing, str):
        return bool(thing) and all(_sounds(one) or hasattr(one, "score") for one in thing)
    return any((cls.__module__, cls.__qualname__) in _showing.SCORE_CLASSES for cls in type(thing).__mro__)
