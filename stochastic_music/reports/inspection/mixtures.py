"""Mixtures: who is mixed, how loud each member speaks, and what each expects after some notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stochastic_music.models.mixture import Glide, Mixture
from stochastic_music.protocols import FloatArray
from stochastic_music.render.inspections import Bars, bars
from stochastic_music.reports.inspection import following
from stochastic_music.reports.inspection.anything import given_rhythm
from stochastic_music.reports.inspection.distribution import Heard
from stochastic_music.reports.inspection.general import alphabet, facts_of, kind_of, named, title_of, transposition
from stochastic_music.reports.inspection.inspection import Cell, Column, Inspection, Request, Table
from stochastic_music.reports.inspection.line import Line
from stochastic_music.reports.inspection.visiting import there

if TYPE_CHECKING:
    from stochastic_music.pipeline import Pipeline

_RULES = {
    "linear": "the weighted mean of what its members say",
    "geometric": "the normalized product of what its members say, each to the power of its weight",
    "learned": "the normalized product of what its members say, each to a power that was learned on held-out folds",
    "posterior": "what the one member says that is most probable given the piece so far",
}


def inspect(pipeline: Pipeline, request: Request) -> Inspection:
    """The inspection of a mixture; with `request.context` of what each member expects next."""
    if request.context is not None:
        return following.after(pipeline, request, _answer)
    mixture: Mixture = pipeline.model
    loud = weights(mixture)
    title = title_of(pipeline)
    return Inspection(
        kind_of(pipeline),
        title,
        {**facts_of(pipeline), "members": mixture.n_models, "rule": mixture.rule, "bias": mixture.bias},
        [_members(mixture, loud), alphabet(pipeline)],
        [f"It says {_RULES[mixture.rule]}.", *_changing(mixture), *transposition(pipeline)],
        draw=None if not loud else lambda: bars(_panels(mixture, loud), title=f"{title}: weights"),
    )


def weights(mixture: Mixture) -> dict[str, FloatArray]:
    """The weight of each member (n_models,), by the field, or the moment, for which it holds; none where a function."""
    if mixture.rule == "learned":
        names = [field.name for field in mixture.vocabulary_.fields]
        return dict(zip(names, mixture.exponents_, strict=False))
    if isinstance(mixture.weights, Glide):
        glide = mixture.weights
        ends = {f"until {glide.unit} {glide.first:g}": glide.start, f"from {glide.unit} {glide.last:g}": glide.end}
        return {name: np.array(end) / sum(end) for name, end in ends.items()}
    if callable(mixture.weights):
        return {}
    given = mixture.weights.split(",") if isinstance(mixture.weights, str) else mixture.weights
    found = np.ones(mixture.n_models) if given is None else np.asarray(given, dtype=np.float64)
    return {"all": found / found.sum()}


def _changing(mixture: Mixture) -> list[str]:
    if isinstance(mixture.weights, Glide):
        return ["Its weights lead from the first to the last in a straight line."]
    return [f"Its weights change with time: {mixture.weights!r}."] if callable(mixture.weights) else []


def _members(mixture: Mixture, loud: dict[str, FloatArray]) -> Table:
    """A row a member: what it is, its weights, and how many numbers it learned."""
    keys = [f"weight_{name}" for name in loud]
    heads = [f"weight, {name}" if len(loud) > 1 else "weight" for name in loud]
    rows: list[tuple[Cell, ...]] = [
        (i + 1, named(model), *(float(w[i]) for w in loud.values()), _size(model))
        for i, model in enumerate(mixture.models_)
    ]
    shown = [Column(key, head, digits=3) for key, head in zip(keys, heads, strict=True)]
    columns = (Column("member"), Column("model"), *shown, Column("learned_numbers"))
    return Table("members", "Who is mixed", columns, rows)


def _size(model: Any) -> int | None:
    if not hasattr(model, "to_arrays"):
        return None
    return int(sum(np.size(array) for array in model.to_arrays().values()))


def _panels(mixture: Mixture, loud: dict[str, FloatArray]) -> list[Bars]:
    names = [f"{i + 1} {named(model)}" for i, model in enumerate(mixture.models_)]
    return [
        Bars(name if len(loud) > 1 else "weights", names, w.tolist(), [f"{x:.3f}" for x in w], "weight")
        for name, w in loud.items()
    ]


def _answer(pipeline: Pipeline, line: Line, heard: Heard) -> following.Answer:
    """What comes next, and what each member alone expects."""
    found = there(pipeline.model, line, heard)
    alone = [there(model, line, heard).probability[0] for model in pipeline.model.models_]
    place = {int(symbol): i for i, symbol in enumerate(found.symbols)}
    best = [(symbol, chance) for symbol, chance, _ in following.likeliest(found, 0)[:8]]
    rows: list[tuple[Cell, ...]] = [
        (line.name(s), chance, *(float(said[place[s]]) for said in alone)) for s, chance in best
    ]
    members = [Column(f"member_{i + 1}", f"{i + 1}", "probability") for i in range(len(alone))]
    who = ", ".join(f"{i + 1}: {named(model)}" for i, model in enumerate(pipeline.model.models_))
    columns = (Column("next"), Column("mixture", unit="probability"), *members)
    table = Table("members", "What each member expects alone", columns, rows, who)
    return following.Answer(found, (table,), lines=given_rhythm(found, line))
