"""What comes after some notes: chances, how often each came and where that was learned, and why a model says so.

A context is looked for in the training pieces. A family of models answers what it expects at the places found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from stochastic_music.errors import UsageError
from stochastic_music.evaluation.explanation import places_named
from stochastic_music.protocols import IntArray
from stochastic_music.render.inspections import Bars, bars
from stochastic_music.reports.inspection.distribution import Distribution, Heard
from stochastic_music.reports.inspection.general import facts_of, kind_of, title_of, transposition
from stochastic_music.reports.inspection.inspection import Column, Inspection, Request, Table
from stochastic_music.reports.inspection.line import Line, Wanted
from stochastic_music.reports.inspection.telling import percent

if TYPE_CHECKING:
    from stochastic_music.pipeline import Pipeline

#: continuations in a sentence, and places that are named of each
_SAID, _NAMED = 5, 3
#: continuations that never came are listed from this chance on
_WORTH_SAYING = 0.0005


class Answer(NamedTuple):
    """What a model expects at some places, as one past, and what there is to add of its own."""

    found: Distribution
    tables: Sequence[Table] = ()
    panels: Sequence[Bars] = ()
    lines: Sequence[str] = ()


#: what a family of models answers at places
Ask: TypeAlias = "Callable[[Pipeline, Line, Heard], Answer]"


def after(pipeline: Pipeline, request: Request, ask: Ask) -> Inspection:
    """The inspection of what comes after the request's context.

    Raises UsageError for one that makes no sense, for a model without its sources, and where nothing ever came after.
    """
    line = Line.of(pipeline)
    wanted = line.read(request.context or "", pipeline.alphabet_, middle_c=request.middle_c)
    if pipeline.corpus_ is None:
        raise UsageError("this model was saved without its sources, where --context looks: fit it again with them")
    heard = Heard.of(pipeline.corpus_, line, len(wanted.symbols))
    rows, lost = standing(heard, wanted)
    at = heard.matching(rows)
    return told(pipeline, Standing(line, wanted, lost, at), ask(pipeline, line, at), request.at_most)


class Standing(NamedTuple):
    """A context that was found, without its `lost` oldest notes, at the places `at`; None where these are not kept."""

    line: Line
    wanted: Wanted
    lost: int
    at: Heard | None

    @property
    def past(self) -> str:
        """The notes that were found, in words."""
        return " ".join(map(self.line.name, self.wanted.symbols[: len(self.wanted.symbols) - self.lost][::-1]))


def told(pipeline: Pipeline, context: Standing, answer: Answer, at_most: int) -> Inspection:
    """The inspection of an answer."""
    line, found, past = context.line, answer.found, context.past
    following, title = _next(context, found, at_most), f"{title_of(pipeline)}: after {past}"
    said = [
        _sentence(past, found, line),
        *answer.lines,
        *line.remarks(),
        *(transposition(pipeline) if not line.drums else []),
        *asked(int(found.asked[0]), int(found.times[0])),
    ]
    times, bits = int(found.times[0]), round(float(found.bits[0]), 4)
    return Inspection(
        kind_of(pipeline),
        title,
        {**facts_of(pipeline), "after": past, "heard": times, "left_open_bits": bits},
        [following, *answer.tables],
        [*_lost(context), *said],
        draw=lambda: bars([_bars(following), *answer.panels], title=title),
    )


def standing(heard: Heard, wanted: Wanted) -> tuple[IntArray, int]:
    """Where a context stands, without its oldest notes where all of it never does, and how many of these are lost."""
    for lost in range(len(wanted.symbols)):
        n = len(wanted.symbols) - lost
        rows = heard.places.standing(Wanted(wanted.symbols[:n], wanted.lengths[:n]))
        if len(rows):
            return rows, lost
    raise UsageError("--context: its last note never stands so in a training piece with anything after it")


def asked(n: int, total: int) -> list[str]:
    """What to say where a model was asked at `n` of the `total` places."""
    told = f"Probabilities are means over {n:,} of {total:,} places, evenly spread; counts are of all."
    return [told] if n < total else []


def likeliest(found: Distribution, i: int) -> list[tuple[int, float, int]]:
    """Symbols that may come after a past, the likeliest first, with their chances and how often they came."""
    chance = found.probability[i]
    order = np.argsort(-chance, kind="stable")
    order = order[chance[order] > 0]
    columns = found.symbols[order].tolist(), chance[order].tolist(), found.came[i, order].tolist()
    return list(zip(*columns, strict=True))


def _known(found: Distribution) -> list[tuple[int, float, int]]:
    """Continuations that came, or are not all too unlikely."""
    return [one for one in likeliest(found, 0) if one[2] or one[1] >= _WORTH_SAYING]


def _lost(context: Standing) -> list[str]:
    """What to say where a context was never heard."""
    whole = " ".join(map(context.line.name, context.wanted.symbols[::-1]))
    told = f"{whole} was never heard in a row: what the model falls back to is {context.past}."
    return [told] if context.lost else []


def _sentence(past: str, found: Distribution, line: Line) -> str:
    """What comes in a sentence: B4 41 % (37 times)."""
    said = [
        f"{line.name(symbol)} {percent(chance)} ({_times(times)})" for symbol, chance, times in _known(found)[:_SAID]
    ]
    return f"After {past}: {', '.join(said)}."


def _times(n: int) -> str:
    return {0: "never heard", 1: "once"}.get(n, f"{n:,} times")


def _next(context: Standing, found: Distribution, at_most: int) -> Table:
    """Continuations, the likeliest first, with the places where they were learned."""
    line, at = context.line, context.at
    known = _known(found)[:at_most]
    rows = [(line.name(symbol), chance, n, _learned(at, line, symbol) if at else "") for symbol, chance, n in known]
    rest = max(1 - sum(chance for _, chance, _ in known), 0.0)
    others = int((found.probability > 0).sum()) - len(known)
    note = f"{others} other{'s' * (others > 1)}, together {percent(rest)}" if others else ""
    columns = (Column("next"), Column("probability", "chance", "probability"), Column("times"), Column("learned_in"))
    return Table("next", "What comes next", columns, rows, note)


def _learned(at: Heard, line: Line, symbol: int) -> str:
    """Pieces and bars where a continuation stands, the first few."""
    rows = np.flatnonzero(at.places.came == symbol)
    inside = 0 if symbol == line.vocabulary.end else line.field
    named = places_named(at.corpus, at.places.at[rows[:_NAMED]] + inside)
    words = dict.fromkeys(place.piece + ("" if place.bar is None else f" bar {place.bar}") for place in named)
    more = f" and {len(rows) - len(named):,} more" if len(rows) > len(named) else ""
    return ", ".join(words) + more


def _bars(following: Table) -> Bars:
    notes, chances, times, _ = zip(*following.rows, strict=True)
    beside = [f"{percent(chance)}  ({_times(n)})" for chance, n in zip(chances, times, strict=True)]
    return Bars(following.caption, notes, chances, beside, "probability")
