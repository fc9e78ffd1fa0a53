"""Models that look up contexts (Markov, PPM): what follows what, how surely, and where that was learned.

Pasts are the last notes of the line (`line`), whatever their rhythm and place in the bar; what the model says after one
is the mean of what it says at the places of the training pieces where that past stands, each given all that it
remembers there. So for a model of pitches alone whose order is the length of the past this is its own probability.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stochastic_music.errors import UsageError
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.render.heat import HeatMap, heat_maps
from stochastic_music.render.inspections import Bars
from stochastic_music.reports.inspection import following
from stochastic_music.reports.inspection.distribution import Distribution, Heard, affordable, of_contexts
from stochastic_music.reports.inspection.general import alphabet, facts_of, kind_of, title_of, transposition
from stochastic_music.reports.inspection.inspection import Cell, Column, Inspection, Request, Table
from stochastic_music.reports.inspection.line import ANY, NOTHING, START, Line, Wanted
from stochastic_music.reports.inspection.orders import shares
from stochastic_music.reports.inspection.telling import percent
from stochastic_music.reports.inspection.unsourced import remembered

if TYPE_CHECKING:
    from stochastic_music.pipeline import Pipeline

#: notes of the longest pasts that are listed; a past heard less often than this says little of how sure a model is
_DEPTH, _OFTEN = 3, 5
#: notes and lengths that a heat map shows: those heard most
_ROWS = 32
_UNSOURCED = "It was saved without its sources: what it remembers is told, and not where that was learned."
#: continuations that are named of each note
_BEST = 4


def inspect(pipeline: Pipeline, request: Request) -> Inspection:
    """The inspection of a model of contexts; with `request.context` of what comes after it."""
    if request.context is not None:
        kept = pipeline.corpus_ is not None
        return following.after(pipeline, request, _answer) if kept else _after_unsourced(pipeline, request)
    line = Line.of(pipeline)
    return _whole(pipeline, line, _known(pipeline, line), request.at_most)


class Known(NamedTuple):
    """What follows pasts of up to three notes, what length follows what (where that is known), and what to say."""

    longest: Distribution
    lengths: Mapping[str, Distribution]
    lines: Sequence[str]


def _known(pipeline: Pipeline, line: Line) -> Known:
    """What is known from the training pieces, or from the model's memory where these were not kept."""
    model, corpus = pipeline.model, pipeline.corpus_
    if corpus is None:
        return Known(remembered(model, line, _DEPTH), {}, [_UNSOURCED])
    heard, along = Heard.of(corpus, line, _DEPTH), model.contexts_along(corpus)
    lengths = {}
    if line.length_field is not None:
        lengths = {"length": of_contexts(model, along, heard, heard.places.lengths[:, :1], line.length_field)}
    pasts = affordable(heard.places.before, line.size + 1)
    longest = of_contexts(model, along, heard, pasts, line.field)
    return Known(longest, lengths, following.asked(len(heard.asked), len(heard.places.at)))


def _answer(pipeline: Pipeline, line: Line, heard: Heard) -> following.Answer:
    """What comes next, and which orders say so."""
    along = pipeline.model.contexts_along(heard.corpus)
    return _with_orders(
        pipeline.model, of_contexts(pipeline.model, along, heard, heard.places.before[:, :0], line.field)
    )


def _after_unsourced(pipeline: Pipeline, request: Request) -> Inspection:
    """The same of a model without its training pieces: of the context it knows what it remembers."""
    line = Line.of(pipeline)
    wanted = line.read(request.context or "", pipeline.alphabet_, middle_c=request.middle_c)
    if any(length != ANY for length in wanted.lengths):
        raise UsageError("lengths in --context need the training pieces, and this model was saved without its sources")
    known = remembered(pipeline.model, line, len(wanted.symbols))
    depth = int((known.before != NOTHING).any(axis=0).sum())
    forgets = [f"It remembers {depth} of these notes."] if depth < len(wanted.symbols) else []
    wanted = Wanted(wanted.symbols[:depth], wanted.lengths[:depth])
    for lost in range(depth):
        notes = wanted.symbols[: depth - lost]
        rows = np.flatnonzero((known.before[:, : len(notes)] == notes).all(axis=1) & (known.times > 0))
        if len(rows):
            answer = _with_orders(pipeline.model, known.only(rows).shorter(0))
            told = answer._replace(lines=(*forgets, _UNSOURCED))
            return following.told(pipeline, following.Standing(line, wanted, lost, None), told, request.at_most)
    raise UsageError("--context: this model was saved without its sources, and remembers nothing after these notes")


def _with_orders(model: Any, found: Distribution) -> following.Answer:
    """What comes next with the table of orders, where anything but the end may come."""
    if found.due is None or not len(found.due.weight):
        return following.Answer(found)
    table = _orders(shares(model, found.due._replace(group=np.zeros_like(found.due.group)), 1)[0])
    names, said = [f"order {row[0]}" for row in table.rows], [float(row[1] or 0) for row in table.rows]
    beside = Bars(table.caption, names, said, [percent(share) for share in said], "share of the prediction")
    return following.Answer(found, (table,), (beside,))


def _orders(said: FloatArray) -> Table:
    """How much each order says, the highest first; order -1 is chance."""
    share = said / said.sum()
    rows = [(n, float(share[n])) for n in range(len(share) - 2, -2, -1) if share[n] > 0]
    note = "order: how many events are remembered; -1: equal chances for all"
    return Table("orders", "Which orders say so", (Column("order"), Column("share", unit="probability")), rows, note)


def _facts(pipeline: Pipeline) -> dict[str, Cell]:
    """The size of the tables, beside what is told of every model."""
    contexts = pipeline.model.contexts_
    return {**facts_of(pipeline), "contexts": contexts.n_contexts, "continuations": len(contexts.entries.key)}


def _whole(pipeline: Pipeline, line: Line, known: Known, at_most: int) -> Inspection:
    """What follows each note, and how open pasts of one to three notes are."""
    n_remembered = int((known.longest.before != NOTHING).any(axis=0).sum())
    by_length = [known.longest.shorter(k) for k in range(1 + n_remembered)]
    maps = {line.noun: by_length[min(1, n_remembered)], **known.lengths}
    tables = [
        _memory(by_length, line),
        _follows(maps[line.noun], line, at_most),
        _extremes("certain", "Where it is most certain", by_length, line, at_most),
        _extremes("open", "Where it is most open", by_length, line, at_most),
        alphabet(pipeline),
    ]
    title = title_of(pipeline)
    return Inspection(
        kind_of(pipeline),
        title,
        _facts(pipeline),
        tables,
        [*line.remarks(), *([] if line.drums else transposition(pipeline)), *known.lines],
        draw=lambda: heat_maps(_panels(maps, line), label="probability", title=f"{title}: what follows what"),
        data={f"{name}s": _matrix(found, line) for name, found in maps.items()},
        ask=_worth_asking(by_length[-1].shorter(2), line),
    )


# Tables


def _memory(by_length: Sequence[Distribution], line: Line) -> Table:
    """How many pasts of each length there are, and how much they leave open."""
    names = ("before", "different", "heard_once")
    rows = [
        (k, len(found.times), int((found.times == 1).sum()), float(np.average(found.bits, weights=found.asked)))
        for k, found in enumerate(by_length)
    ]
    note = f"left open: the entropy of the next {line.noun} once so many are known, in bits, on average"
    columns = (*map(Column, names), Column("left_open", unit="bits"))
    return Table("memory", f"How much the last {line.noun}s tell of the next", columns, rows, note)


def _follows(found: Distribution, line: Line, at_most: int) -> Table:
    """The commonest notes, and what follows them."""
    columns = (Column("after"), Column("heard"), Column("left_open", unit="bits"), Column("then"))
    most = [i for i in np.argsort(-found.times, kind="stable") if found.asked[i]][:at_most]
    rows = [(*_of_past(found, i, line), ", ".join(_best(found, i, line))) for i in most]
    left = len(found.times) - len(rows)
    return Table("follows", "What follows what", columns, rows, f"{left} rarer left out" if left else "")


def _best(found: Distribution, i: int, line: Line) -> list[str]:
    """The likeliest continuations in words: "B4 41 % (37)"."""
    return [
        f"{line.name(symbol)} {percent(chance)} ({times:,})"
        for symbol, chance, times in following.likeliest(found, i)[:_BEST]
    ]


def _extremes(key: str, caption: str, by_length: Sequence[Distribution], line: Line, at_most: int) -> Table:
    """The pasts after which least, or most, is left open, of those heard often enough."""
    sign = 1 if key == "certain" else -1
    known = [(found, i) for found in by_length[1:] for i in _often(found)]
    known.sort(key=lambda one: (sign * float(one[0].bits[one[1]]), -int(one[0].times[one[1]])))
    rows = [_extreme(found, i, line) for found, i in known[:at_most]]
    columns = (Column("after"), Column("heard"), Column("left_open", unit="bits"), Column("next"))
    chance = Column("probability", "chance", unit="probability")
    return Table(key, caption, (*columns, chance), rows, f"of pasts heard {_OFTEN} times or more")


def _often(found: Distribution) -> list[int]:
    """The pasts heard often enough, those of a piece that has hardly begun left to shorter ones."""
    whole = found.before[:, -1] != NOTHING
    often: list[int] = np.flatnonzero(whole & (found.asked >= _OFTEN)).tolist()
    return often


def _extreme(found: Distribution, i: int, line: Line) -> tuple[Cell, ...]:
    symbol, chance, _ = following.likeliest(found, i)[0]
    return *_of_past(found, i, line), line.name(symbol), chance


def _of_past(found: Distribution, i: int, line: Line) -> tuple[Cell, ...]:
    """A past, how often it was heard, and what it leaves open."""
    return _past(found.before[i], line), int(found.times[i]), float(found.bits[i])


def _past(before: IntArray, line: Line) -> str:
    """Symbols that came before, the latest first, as they were heard."""
    return " ".join(line.name(symbol) for symbol in before[::-1].tolist() if symbol >= START) or "anything"


def _worth_asking(pairs: Distribution, line: Line) -> str:
    """The two notes in a row that were heard most."""
    inside = np.flatnonzero((pairs.before >= 0).all(axis=1))
    return _past(pairs.before[inside[np.argmax(pairs.times[inside])]], line) if len(inside) else ""


# Matrices and pictures


def _matrix(found: Distribution, line: Line) -> dict[str, Any]:
    """For programs: a row for each past of one symbol, a column for each symbol that ever came, and one for others."""
    columns = np.flatnonzero((found.came > 0).any(axis=0))
    return {
        "from": [_past(before, line) for before in found.before],
        "to": [*(line.name(symbol) for symbol in found.symbols[columns].tolist()), "others"],
        "heard": found.times,
        "probability": _with_others(found, columns),
        "count": np.pad(found.came[:, columns], ((0, 0), (0, 1))),
    }


def _panels(maps: dict[str, Distribution], line: Line) -> list[HeatMap]:
    return [_panel(name, found, line) for name, found in maps.items()]


def _panel(noun: str, found: Distribution, line: Line) -> HeatMap:
    """The commonest of a distribution as a heat map, in the order of their symbols."""
    came = found.came.sum(axis=0)
    rows, columns = _commonest(found.times, _ROWS), _commonest(came, _ROWS + 1)
    left = len(found.times) - len(rows)
    rarer = f"; {left} rarer left out" if left else ""
    names = [f"{_past(found.before[i], line)} ({found.times[i]:,})" for i in rows]
    across = [*(line.name(symbol) for symbol in found.symbols[columns].tolist()), "others"]
    values = _with_others(found, columns)[rows]
    return HeatMap(values, names, across, f"From {noun} to {noun}{rarer}", f"{noun} (times heard)", f"next {noun}")


def _with_others(found: Distribution, columns: IntArray) -> FloatArray:
    """Some columns, and what rows lack to 1 as a last one; nan where the model was not asked."""
    shown = found.probability[:, columns]
    whole = np.column_stack([shown, np.maximum(1 - shown.sum(axis=1), 0.0)])
    return np.where(found.asked[:, None] > 0, whole, np.nan)


def _commonest(times: IntArray, n: int) -> IntArray:
    """The `n` largest of those above 0, in their own order."""
    most: IntArray = np.sort(np.argsort(-times, kind="stable")[: min(n, int((times > 0).sum()))])
    return most
