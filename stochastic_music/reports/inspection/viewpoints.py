"""Multiple viewpoints: what each gains, how much it is believed, and what it says of the next note.

*Gains* are those by which the model chose its viewpoints when it was fitted (`models.viewpoints.choice`): weights
learned from one half of the training pieces and tried on the other, and the other way round, each event without the
counts of its own piece. A gain is how many bits a symbol of its field would have cost more with this viewpoint silent
and the others as they are. Viewpoints overlap, so gains do not add up; and they are figures of training pieces.

*Opinions* are what all terms of one viewpoint in one memory add to the score of a note, less what they add on average
over what the model expects, in bits. They are means over places of the corpus, each weighted with the chance that the
model gives the note there: so they tell what speaks for the note where the model plays it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from stochastic_music.models.multiple_viewpoint import MultipleViewpoint
from stochastic_music.models.viewpoints.field_model import FieldModel
from stochastic_music.models.viewpoints.reading import FieldPlan
from stochastic_music.protocols import FloatArray
from stochastic_music.render.inspections import Bars, bars
from stochastic_music.reports.inspection import following
from stochastic_music.reports.inspection.anything import given_rhythm
from stochastic_music.reports.inspection.distribution import Heard
from stochastic_music.reports.inspection.general import alphabet, facts_of, kind_of, title_of, transposition
from stochastic_music.reports.inspection.inspection import Cell, Column, Inspection, Request, Table
from stochastic_music.reports.inspection.line import Line
from stochastic_music.reports.inspection.visiting import asked_at, notes_at, there, visits

if TYPE_CHECKING:
    from stochastic_music.pipeline import Pipeline

#: continuations whose opinions are told, and viewpoints in the picture of each field
_CHOICES, _DRAWN = 3, 8


def inspect(pipeline: Pipeline, request: Request) -> Inspection:
    """The inspection of a model of viewpoints; with `request.context` of what each says of the next note."""
    if request.context is not None:
        return following.after(pipeline, request, _answer)
    model: MultipleViewpoint = pipeline.model
    tables = [_gains(name, field, request.at_most) for name, field in _fields(model).items()]
    title = title_of(pipeline)
    known = {name: field for name, field in _fields(model).items() if field.gains.gain.any()}
    return Inspection(
        kind_of(pipeline),
        title,
        {**facts_of(pipeline), **_facts(model)},
        [*tables, alphabet(pipeline)],
        [*transposition(pipeline), *_remarks(model)],
        draw=(lambda: bars([_bars(*one) for one in known.items()], title=f"{title}: gains")) if known else None,
        data={"gains": {name: _all(field) for name, field in _fields(model).items()}},
    )


def _fields(model: MultipleViewpoint) -> dict[str, FieldModel]:
    """The model of each field that is predicted, by name, pitches first."""
    named = dict(zip((field.name for field in model.vocabulary_.fields), model.fields_, strict=True))
    sung = {"pitch", *model.vocabulary_.voices}
    ordered = sorted(named.items(), key=lambda one: one[0] not in sung)
    return {name: field for name, field in ordered if field.plan.n_rows}


def _facts(model: MultipleViewpoint) -> dict[str, Cell]:
    kept = sum(int(field.gains.kept.sum()) for field in model.fields_)
    return {
        "viewpoints": sum(len(field.gains.parts) for field in model.fields_),
        "kept": kept,
        "weights_learned": "yes" if model.learned_ else "no",
        "weights_stale": "yes" if model.stale_ else "no",
    }


def _remarks(model: MultipleViewpoint) -> list[str]:
    if not model.learned_:
        return ["No weights were learned: all viewpoints are believed alike, and nobody knows what they gain."]
    if not any(field.gains.gain.any() for field in model.fields_):
        return ["What viewpoints gain was not asked (choose=False): all are kept."]
    return [
        "Gains are measured on the training pieces: weights from one half of them tried on the other, each piece "
        "without its own counts. Viewpoints overlap, so gains do not add up."
    ]


def _gains(name: str, field: FieldModel, at_most: int) -> Table:
    """The viewpoints of a field that gain most."""
    order, believed = np.argsort(-field.gains.gain, kind="stable"), _believed(field)
    rows = [
        (
            part := field.gains.parts[i],
            float(field.gains.gain[i]),
            believed[part],
            "yes" if field.gains.kept[i] else "no",
        )
        for i in order[:at_most]
    ]
    columns = (
        Column("viewpoint"),
        Column("gain", "bits gained", "bits", 4),
        Column("weight", digits=3),
        Column("kept"),
    )
    left = len(order) - len(rows)
    silent = int((~field.gains.kept).sum())
    note = f"{left} that gain less left out; {silent} of {len(order)} were not kept" if left else ""
    return Table(f"gains_{name}", f"What the viewpoints of '{name}' gain, in bits a symbol", columns, rows, note)


def _believed(field: FieldModel) -> dict[str, float]:
    """How much the terms of each viewpoint are believed together: the mean of their weights over what they know."""
    mean = field.weights.believed.mean(axis=1)
    found = dict.fromkeys(field.gains.parts, 0.0)
    for part, weight in zip(field.plan.parts, mean.tolist(), strict=True):
        found[part] += weight
    return found


def _all(field: FieldModel) -> dict[str, dict[str, float | bool]]:
    """Every viewpoint of a field, for programs."""
    believed = _believed(field)
    columns = zip(field.gains.parts, field.gains.gain.tolist(), field.gains.kept.tolist(), strict=True)
    return {part: {"gain_bits": gain, "kept": kept, "weight": believed[part]} for part, gain, kept in columns}


def _bars(name: str, field: FieldModel) -> Bars:
    order = np.argsort(-field.gains.gain, kind="stable")[:_DRAWN]
    gains = [float(field.gains.gain[i]) for i in order]
    left = len(field.gains.parts) - len(order)
    rest = f"; {left} that gain less left out" if left else ""
    names = [field.gains.parts[i] for i in order]
    return Bars(f"{name}{rest}", names, gains, [f"{gain:.3f}" for gain in gains], "bits gained a symbol")


# After a context


def _answer(pipeline: Pipeline, line: Line, heard: Heard) -> following.Answer:
    """What comes next, and what each viewpoint says of the likeliest notes."""
    found = there(pipeline.model, line, heard)
    choices = [symbol for symbol, *_ in following.likeliest(found, 0) if symbol != line.vocabulary.end][:_CHOICES]
    field = pipeline.model.fields_[line.field]
    choices = [symbol for symbol in choices if symbol in field.candidates]
    said = _opinions(pipeline.model, heard, line, choices)
    if not said:
        return following.Answer(found)
    table = _opinion_table(said, [line.name(symbol) for symbol in choices])
    return following.Answer(found, (table,), _opinion_bars(table), given_rhythm(found, line))


def _opinions(model: MultipleViewpoint, heard: Heard, line: Line, choices: list[int]) -> dict[str, FloatArray]:
    """What each viewpoint and memory says of each choice, in bits: (n_choices,) by name; see the module's article."""
    total: dict[str, FloatArray] = {}
    weight = np.zeros(len(choices))
    for visit in visits(model, heard.corpus, notes_at(heard, line, asked_at(heard))):
        chance = np.exp(model.next_log_probs(visit.state)[visit.rows][:, choices])
        weight += chance.sum(axis=0)
        state = visit.state.rows(visit.rows)
        for c, symbol in enumerate(choices):
            said = model.contributions(state, np.full(len(visit.rows), symbol, dtype=np.int64))
            for name, nats in _by_viewpoint(model.fields_[line.field].plan, said.values()):
                total.setdefault(name, np.zeros(len(choices)))[c] += nats @ chance[:, c]
    return {name: nats / np.log(2) / weight for name, nats in total.items()}


def _by_viewpoint(plan: FieldPlan, said: Iterable[FloatArray]) -> Iterator[tuple[str, FloatArray]]:
    """What terms said, with the viewpoint of each and its memory: long-term terms come first."""
    for i, nats in enumerate(said):
        here = i >= plan.n_long
        term = int(plan.short[i - plan.n_long]) if here else i
        yield plan.terms[term].target + (" here" if here else ""), nats


def _opinion_table(said: dict[str, FloatArray], names: list[str]) -> Table:
    """Viewpoints, those that say most first."""
    rows = sorted(said.items(), key=lambda one: -float(np.abs(one[1]).max()))
    columns = (Column("viewpoint"), *(Column(f"bits_{name}", f"for {name}", "bits", 3) for name in names))
    note = "bits for (above 0) or against, where the model plays it; 'here': heard in the piece so far"
    cells = [(name, *bits.tolist()) for name, bits in rows if np.abs(bits).max() >= 0.005]
    return Table("opinions", "What speaks for each note", columns, cells, note)


def _opinion_bars(table: Table) -> list[Bars]:
    """A panel a choice."""
    names = [str(row[0]) for row in table.rows[:_DRAWN]]
    panels = []
    for i, column in enumerate(table.columns[1:], start=1):
        bits = [float(row[i] or 0.0) for row in table.rows[:_DRAWN]]
        label = "bits for (right) or against (left)"
        panels.append(Bars(f"What speaks {column.title}", names, bits, [f"{b:+.2f}" for b in bits], label))
    return panels
