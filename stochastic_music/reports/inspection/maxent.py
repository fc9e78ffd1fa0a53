"""Inside a maximum-entropy model: what each symbol adds by itself, and what pairs of symbols add at each distance.

Everything is in nats, as the model has it (`models.maxent.potentials`). A coupling of +0.7 makes a pair twice as likely
beside what its symbols are by themselves, all else equal; one of -0.7 half as likely. Of *fields* only differences
between symbols of one kind mean anything, since a constant added to all of them changes nothing: they are told from
their mean.

The told pairs are those of pitches (of several voices, of all voices; of other symbols, of all fields), and pairs with
the silence before a piece and after it: they say how pieces begin and end. Model and notation are Sakellariou and
others' [1].

[1] J. Sakellariou, F. Tria, V. Loreto, F. Pachet. Maximum entropy models capture melodic styles. Scientific Reports 7,
    9172, 2017.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stochastic_music.errors import UsageError
from stochastic_music.models.hmm.states import describe
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.render.heat import HeatMap, heat_maps
from stochastic_music.reports.inspection.general import facts_of, kind_of, title_of, transposition
from stochastic_music.reports.inspection.inspection import Cell, Column, Inspection, Request, Table
from stochastic_music.tokens.clock import describe_mark

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from stochastic_music.models.maxent import MaxEnt
    from stochastic_music.pipeline import Pipeline

_ORDINALS = ("", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_NUMBERS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
#: distances whose couplings are drawn
_DRAWN = 6


class Pairs(NamedTuple):
    """Couplings one after another: columns `earlier` and `later` (Q for silence), events between them, nats; (n,) each.

    Distance 0 is the same event, `earlier` being of the earlier field.
    """

    earlier: IntArray
    later: IntArray
    distance: IntArray
    nats: FloatArray

    def strongest(self, n: int, sign: int) -> Pairs:
        """The `n` pairs of the greatest couplings of this sign."""
        order = np.argsort(-sign * self.nats, kind="stable")[:n]
        return self.select(order[sign * self.nats[order] > 0])

    def select(self, rows: IntArray) -> Pairs:
        """Some of them."""
        return Pairs(self.earlier[rows], self.later[rows], self.distance[rows], self.nats[rows])

    def listed(self) -> Iterator[tuple[int, int, int, float]]:
        """One after another, as plain numbers."""
        return zip(*(column.tolist() for column in self), strict=True)


def inspect(pipeline: Pipeline, request: Request) -> Inspection:
    """The inspection of a maximum-entropy model; raises UsageError for a context, after which it predicts nothing."""
    if request.context is not None:
        raise UsageError(
            "--context does not go with maxent: it compares whole pieces, and predicts nothing from left to right"
        )
    model: MaxEnt = pipeline.model
    found, told = pairs(model), told_fields(model)
    tables = [
        _pairs_table("attractions", "Strongest attractions", model, found.strongest(request.at_most, 1)),
        _pairs_table("repulsions", "Strongest repulsions", model, found.strongest(request.at_most, -1)),
        _strengths(model),
        _fields(model, told[0], request.at_most),
    ]
    title = title_of(pipeline)
    return Inspection(
        kind_of(pipeline),
        title,
        facts_of(pipeline) | _facts(model),
        tables,
        [*_lines(model, found), *transposition(pipeline)],
        lambda: draw(model, title=title),
        {"symbols": model.columns_.symbols, "marks": model.columns_.marks, **model.potentials_._asdict()},
    )


# Values


def told_fields(model: MaxEnt) -> list[int]:
    """The fields whose pairs are told: pitches, else voices, else all."""
    vocabulary = model.vocabulary_
    pitch = vocabulary.index("pitch")
    voices = [vocabulary.place(voice) for voice in vocabulary.voices]
    return [pitch] if pitch is not None else voices or list(range(vocabulary.n_fields))


def pairs(model: MaxEnt) -> Pairs:
    """The couplings of all pairs that are told, those of one event first, then by distance."""
    across, within, silence = model.potentials_.across, model.potentials_.within, model.columns_.n_columns
    columns = np.concatenate([_columns(model, f) for f in told_fields(model)])
    field = np.searchsorted(model.columns_.bounds, columns, side="right")
    together = np.nonzero(
        (field[:, None] < field) & ~model.columns_.blocked(model.vocabulary_)[np.ix_(columns, columns)]
    )
    ends = np.append(columns, silence)
    apart = np.nonzero(np.add.outer(ends < silence, ends < silence))  # all but silence with silence
    parts = [Pairs(columns[together[0]], columns[together[1]], *_at(within, columns, together, 0))]
    parts += [Pairs(ends[apart[0]], ends[apart[1]], *_at(table, ends, apart, d)) for d, table in enumerate(across, 1)]
    return Pairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _at(
    table: FloatArray, columns: IntArray, places: tuple[IntArray, ...], distance: int
) -> tuple[IntArray, FloatArray]:
    earlier, later = places
    return np.full(len(earlier), distance), table[columns[earlier], columns[later]]


def _columns(model: MaxEnt, field: int) -> IntArray:
    return np.arange(*model.columns_.bounds[field : field + 2])


def from_mean(model: MaxEnt, field: int) -> FloatArray:
    """What each symbol of a field adds by itself, less their mean, in nats: (size,)."""
    own = model.potentials_.bias[_columns(model, field)]
    centred: FloatArray = own - own.mean()
    return centred


def strength(model: MaxEnt, earlier: int, later: int, distance: int) -> float:
    """The root mean square of the couplings of two fields at a distance, silence left out, in nats."""
    table = model.potentials_.across[distance - 1]
    return float(np.sqrt(np.mean(table[np.ix_(_columns(model, earlier), _columns(model, later))] ** 2)))


# In words


def in_words(model: MaxEnt, earlier: int, later: int, distance: int) -> str:
    """A pair of columns at a distance, as a musician says it: "C5 two notes after A4"."""
    silence, noun = model.columns_.n_columns, "note" if model.vocabulary_.index("pitch") is not None else "event"
    if earlier == silence:
        return f"{_named(model, later)} as the {_ordinal(distance)} {noun}"
    if later == silence:
        return f"{_named(model, earlier)} as the last {noun}{f' but {distance - 1}' if distance > 1 else ''}"
    if distance == 0:
        return f"{_named(model, later)} together with {_named(model, earlier)}"
    far = f"{_NUMBERS[distance] if distance < len(_NUMBERS) else distance} {noun}s after"
    return f"{_named(model, later)} {'right after' if distance == 1 else far} {_named(model, earlier)}"


def _ordinal(n: int) -> str:
    return _ORDINALS[n] if n < len(_ORDINALS) else f"{n}th"


def _named(model: MaxEnt, column: int) -> str:
    """A symbol in words, with its field where several are told of."""
    f = int(np.searchsorted(model.columns_.bounds, column, side="right")) - 1
    name = _symbol(model, column)
    return name if len(told_fields(model)) == 1 else f"{model.vocabulary_.fields[f].name} {name}"


def _symbol(model: MaxEnt, column: int) -> str:
    vocabulary = model.vocabulary_
    symbol = model.columns_.symbols[column : column + 1]
    field = vocabulary.fields[int(vocabulary.field_of(symbol)[0])]
    return describe(field, int(vocabulary.values(symbol)[0]), vocabulary.resolution)


def _facts(model: MaxEnt) -> dict[str, Cell]:
    return {
        "reach": model.reach,
        "symbols_used": model.columns_.n_columns,
        "places_of_the_bar": len(model.columns_.marks) or None,
        "events": model.n_events_,
        "came_to_rest": "yes" if model.converged_ else "no",
    }


def _pairs_table(key: str, caption: str, model: MaxEnt, found: Pairs) -> Table:
    rows = [(in_words(model, a, b, d), d, j) for a, b, d, j in found.listed()]
    columns = (Column("pair"), Column("distance", "events apart"), Column("coupling", "coupling, nats", "nats"))
    return Table(key, caption, columns, rows, "" if rows else "none")


def _strengths(model: MaxEnt) -> Table:
    """How strongly each field hears each, by distance."""
    fields = model.vocabulary_.fields
    columns = (Column("earlier"), Column("later"), *(Column(f"at_{d}", f"{d} apart", "nats") for d in _reaches(model)))
    rows: list[tuple[Cell, ...]] = [
        (fields[g].name, fields[f].name, *(strength(model, g, f, d) for d in _reaches(model)))
        for f in range(len(fields))
        for g in range(len(fields))
        if model.columns_.size(f) and model.columns_.size(g)
    ]
    return Table("strengths", "Couplings by distance: root mean square, nats", columns, rows)


def _reaches(model: MaxEnt) -> range:
    return range(1, model.reach + 1)


def _fields(model: MaxEnt, field: int, at_most: int) -> Table:
    values, columns = from_mean(model, field), _columns(model, field)
    order = np.argsort(-values, kind="stable")
    rows = [(_symbol(model, int(columns[i])), float(values[i])) for i in order[:at_most].tolist()]
    name, left = model.vocabulary_.fields[field].name, len(order) - len(rows)
    heads = (Column("symbol", name), Column("field", "field, nats from the mean", "nats"))
    return Table("fields", f"What each {name} adds by itself", heads, rows, f"{left} more" if left else "")


def _lines(model: MaxEnt, found: Pairs) -> list[str]:
    """The strongest attraction and repulsion, and what they amount to."""
    said = []
    for sign, what in ((1, "Most attracted"), (-1, "Most repelled")):
        for a, b, d, j in found.strongest(1, sign).listed():
            times = f"{math.exp(j):.2g} times as likely, all else equal"
            said.append(f"{what}: {in_words(model, a, b, d)}: {j:+.1f} nats ({times}).")
    return said


# Pictures


def draw(model: MaxEnt, *, title: str = "") -> Figure:
    """Fields by place of the bar, and the couplings of the first told field by distance, as a matplotlib figure."""
    first, *others = told_fields(model)
    across = [_lag_map(model, first, d) for d in _reaches(model)[:_DRAWN]]
    within = [_within_map(model, first, other) for other in others]
    maps = [_field_map(model, first), *across, *within]
    return heat_maps(maps, label="nats: for above 0, against below", signed=True, abreast=2, title=title)


def _field_map(model: MaxEnt, field: int) -> HeatMap:
    columns, vocabulary = _columns(model, field), model.vocabulary_
    marks = [describe_mark(mark, vocabulary.resolution) for mark in model.columns_.marks.tolist()]
    values = np.vstack([from_mean(model, field), model.potentials_.place[:, columns]])
    return HeatMap(
        values, ["by itself", *marks], _symbols(model, field), "Fields", across=vocabulary.fields[field].name
    )


def _lag_map(model: MaxEnt, field: int, distance: int) -> HeatMap:
    """Couplings at one distance: earlier symbols down, later ones across, silence at the edges."""
    columns = np.append(_columns(model, field), model.columns_.n_columns)
    values = model.potentials_.across[distance - 1][np.ix_(columns, columns)].copy()
    values[-1, -1] = np.nan
    names = _symbols(model, field)
    apart = "1 event apart" if distance == 1 else f"{distance} events apart"
    return HeatMap(values, [*names, "(begin)"], [*names, "(end)"], f"Couplings {apart}", "earlier", "later")


def _within_map(model: MaxEnt, field: int, other: int) -> HeatMap:
    values = model.potentials_.within[np.ix_(_columns(model, field), _columns(model, other))]
    upper, lower = (model.vocabulary_.fields[f].name for f in (field, other))
    rows, columns = _symbols(model, field), _symbols(model, other)
    return HeatMap(values, rows, columns, f"Couplings of {upper} and {lower} in one event", upper, lower)


def _symbols(model: MaxEnt, field: int) -> list[str]:
    return [_symbol(model, column) for column in _columns(model, field).tolist()]
