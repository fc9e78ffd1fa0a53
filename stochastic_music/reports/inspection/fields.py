"""Inside conditional random fields: what speaks for each label and against it, and which label follows which.

Weights are in nats: what speaks for a label with 0.7 makes it twice as likely, all else equal. A model may hold several
fields (a labeller of chords: chords, chords of melodies, keys; a composer over a rhythm: pitches and rhythms; a
harmoniser: chords), each told of under its name. Fields that are shared by all roots (`models.crf.relative`) are told
of by mode, and by the interval from root to root.

Of a piece or a context, marginals are told (`marginals`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from stochastic_music.models.crf import LabelWeight, RelativeCRF
from stochastic_music.protocols import FloatArray
from stochastic_music.render.heat import HeatMap, heat_maps
from stochastic_music.reports.inspection import marginals
from stochastic_music.reports.inspection.attributes import INTERVALS
from stochastic_music.reports.inspection.inspection import Cell, Column, Inspection, Request, Table
from stochastic_music.reports.inspection.named import Named, fields_of
from stochastic_music.tasks.chords.labeller import ChordLabeller
from stochastic_music.tasks.given.composer import CRFComposer
from stochastic_music.tasks.harmonize import Harmonizer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: weights of a label on each side in text; features and labels of a heat map; characters of a feature there
_EACH, _MAPPED, _WIDTH = 3, 24, 64
_KINDS: dict[type, str] = {CRFComposer: "crf", ChordLabeller: "chord_labeller", Harmonizer: "harmonizer"}
_COMMON = "Pitches and chords are told in C major and A minor, in which this model reads all music."


def inspect(model: Any, request: Request) -> Inspection:
    """The inspection of a `ChordLabeller`, `CRFComposer` or `Harmonizer`; of a piece or context, marginals of labels.

    Raises UsageError for a context that is none, or that the model does not see; EncodingError for a piece that it
    cannot read.
    """
    fields = fields_of(model)
    believed = marginals.believed(model, fields, request)
    tables = list(chain.from_iterable(_tables(one, request.at_most) for one in fields))
    if believed:
        tables = [marginals.table(found, request.at_most) for found in believed]
    kind = _KINDS[type(model)]
    return Inspection(
        kind,
        kind,
        _facts(model, fields),
        tables,
        [*map(_sentence, fields), *([_COMMON] if isinstance(model, CRFComposer) else [])],
        lambda: marginals.draw(believed, title=kind) if believed else draw(fields, title=kind),
        {
            "fields": {one.name: _data(one) for one in fields},
            "marginals": {found.of.name: found.to_json() for found in believed},
        },
    )


# Values


def label_weights(one: Named) -> tuple[Sequence[str], Sequence[str], FloatArray]:
    """Labels (of relative fields modes), attributes, and the weight of each attribute for each label: (A, L)."""
    field = one.field
    if isinstance(field, RelativeCRF):
        return field.modes_, field.attributes_, field.weights_.state
    return field.labels_, field.attributes_, field.state_.toarray()


def steps_of(one: Named) -> tuple[Sequence[str], Sequence[str], FloatArray]:
    """What transitions weigh: names of rows and columns, and the table.

    From label to label; of relative fields a row for each two modes, and a column for each interval between roots.
    """
    field = one.field
    if not isinstance(field, RelativeCRF):
        names = [one.said(label) for label in field.labels_]
        return names, names, field.transitions_
    modes = [one.said(mode) for mode in field.modes_]
    rows = [f"{before} to {after}" for before in modes for after in modes]
    return rows, ["same root", *(f"{name} up" for name in INTERVALS[1:])], field.weights_.move.reshape(-1, 12)


# In words


def _facts(model: Any, fields: Sequence[Named]) -> dict[str, Cell]:
    card = model.card_
    learned = {f"{one.name}_labels": len(one.field.labels_) for one in fields}
    seen = {f"{one.name}_features": len(one.field.attributes_) for one in fields}
    return {"pieces": card.get("n_pieces"), "fields": ", ".join(one.name for one in fields), **learned, **seen}


def _tables(one: Named, at_most: int) -> Iterable[Table]:
    yield _weights_table(one, at_most)
    yield _steps_table(one, at_most)


def _weights_table(one: Named, at_most: int) -> Table:
    """The strongest weights of the labels of which most is known."""
    told = _labels_told(one, at_most)
    rows = [
        (one.said(w.label), one.feature(w.feature), w.weight) for w in one.field.strongest(_EACH) if w.label in told
    ]
    left = len(label_weights(one)[0]) - len(told)
    columns = (Column("label"), Column("feature", "what is seen"), Column("weight", "weight, nats", "nats"))
    note = f"{left} more labels" if left else ""
    return Table(
        f"{one.name}_weights", f"What speaks for each label of {one.name}, and against it", columns, rows, note
    )


def _labels_told(one: Named, at_most: int) -> set[str]:
    labels, _, table = label_weights(one)
    heaviest = np.argsort(-np.abs(table).sum(axis=0), kind="stable")[:at_most]
    return {labels[k] for k in heaviest.tolist()}


def _steps_table(one: Named, at_most: int) -> Table:
    rows, columns, table = steps_of(one)
    flat = np.argsort(-np.abs(table), axis=None, kind="stable")[:at_most]
    told = [(rows[i], columns[j], float(table[i, j])) for i, j in (divmod(k, len(columns)) for k in flat.tolist())]
    relative = isinstance(one.field, RelativeCRF)
    heads = (Column("step" if relative else "before"), Column("interval" if relative else "after"))
    unit = Column("weight", "weight, nats", "nats")
    return Table(f"{one.name}_steps", f"Strongest transitions of {one.name}", (*heads, unit), told)


def _sentence(one: Named) -> str:
    strongest: LabelWeight = max(one.field.strongest(1), key=lambda w: w.weight)
    feature = one.feature(strongest.feature)
    return f"Of {one.name} most speaks for {one.said(strongest.label)}: {feature} ({strongest.weight:+.2f} nats)."


def _data(one: Named) -> dict[str, Any]:
    strongest = [{"label": w.label, "feature": w.feature, "weight": w.weight} for w in one.field.strongest(10)]
    rows, columns, table = steps_of(one)
    return {
        "labels": list(one.field.labels_),
        "strongest": strongest,
        "steps": {"rows": list(rows), "columns": list(columns), "weights": table},
    }


# Pictures


def draw(fields: Sequence[Named], *, title: str = "") -> Figure:
    """Weights and transitions of each field, side by side, as a matplotlib figure."""
    maps = chain.from_iterable((_weights_map(one), _steps_map(one)) for one in fields)
    return heat_maps(list(maps), label="nats: for above 0, against below", signed=True, abreast=2, title=title)


def _weights_map(one: Named) -> HeatMap:
    """The features that weigh most, down, and the labels on which most weighs, across."""
    labels, attributes, table = label_weights(one)
    rows = np.argsort(-np.abs(table).max(axis=1), kind="stable")[:_MAPPED]
    columns = np.sort(np.argsort(-np.abs(table).sum(axis=0), kind="stable")[:_MAPPED])
    names = [_short(one.feature(attributes[i])) for i in rows.tolist()]
    heads = [one.said(labels[k]) for k in columns.tolist()]
    return HeatMap(table[np.ix_(rows, columns)], names, heads, f"{one.name.capitalize()}: weights", across="label")


def _steps_map(one: Named) -> HeatMap:
    rows, columns, table = steps_of(one)
    i = np.sort(np.argsort(-np.abs(table).max(axis=1), kind="stable")[:_MAPPED])
    relative = isinstance(one.field, RelativeCRF)
    j = np.arange(12) if relative else i
    picked = [rows[k] for k in i.tolist()], [columns[k] for k in j.tolist()]
    words = ("", "root moves") if relative else ("before", "after")
    return HeatMap(table[np.ix_(i, j)], *picked, f"{one.name.capitalize()}: transitions", *words)


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."
