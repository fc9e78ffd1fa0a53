"""Inside conditional random fields: what speaks for each label and against it, and which label follows which.

Weights are in nats: what speaks for a label with 0.7 makes it twice as likely, all else equal. A model may hold several
fields (a labeller of chords: chords, chords of melodies, keys; a composer over a rhythm: pitches and rhythms; a
harmoniser: chords), each told of under its name. Fields that are shared by all roots (`models.crf.relative`) are told
of by mode, and by the interval from root to root.

Of a piece, the marginals are told: how likely each label is at each event, given all that is seen of the whole piece
[1], and the likeliest labels of all together. A context is a few quarter notes for a labeller of chords, those that
sound together joined by `+`.

[1] J. Lafferty, A. McCallum, F. Pereira. Conditional random fields: probabilistic models for segmenting and labeling
    sequence data. ICML 2001.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stochastic_music.errors import UsageError
from stochastic_music.models.crf import LabelWeight, RelativeCRF
from stochastic_music.models.crf.features import PITCHED
from stochastic_music.models.harmony.labels import Alphabet
from stochastic_music.models.harmony.skeleton import CRFSkeleton
from stochastic_music.music.bars import Bar
from stochastic_music.music.chords import roman
from stochastic_music.music.keys import Key, key_of
from stochastic_music.protocols import FloatArray, Observation
from stochastic_music.render.heat import HeatMap, heat_maps
from stochastic_music.reports.inspection.attributes import (
    INTERVALS,
    OF_BEATS,
    OF_CHORDS,
    OF_NOTES,
    OF_SOPRANOS,
    Sight,
    cell_in_words,
    chord_in_words,
    in_words,
    note_in_words,
)
from stochastic_music.reports.inspection.inspection import Cell, Column, Inspection, Request, Table
from stochastic_music.sampling.chains import best_path, marginals
from stochastic_music.tasks.chords.events import (
    Events,
    chord_observations,
    key_observations,
    melody_observations,
)
from stochastic_music.tasks.chords.labeller import ChordLabeller
from stochastic_music.tasks.given.composer import CRFComposer
from stochastic_music.tasks.harmonize import Harmonizer
from stochastic_music.tokens import Header, Meter, Part, pitch_name, pitch_number
from stochastic_music.tokens.heading import add_track, blank_score

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: weights of a label on each side in text; features and labels of a heat map; characters of a feature there
_EACH, _MAPPED, _WIDTH = 3, 24, 64
#: a label is drawn where it is this likely somewhere; events of a piece that are drawn
_SHOWN, _EVENTS = 0.1, 64
_KINDS: dict[type, str] = {CRFComposer: "crf", ChordLabeller: "chord_labeller", Harmonizer: "harmonizer"}
_COMMON = "Pitches and chords are told in C major and A minor, in which this model reads all music."


class Named(NamedTuple):
    """One field of a model: its name, what its features mean, and how its labels are said."""

    name: str
    field: Any
    sight: Sight
    said: Callable[[str], str]

    def feature(self, feature: str) -> str:
        """A feature in words; the label before is one (`after=...`)."""
        before = feature.removeprefix("after=")
        known = before != feature and before in self.field.labels_
        return f"after {self.said(before)}" if known else in_words(feature, self.sight)


class Believed(NamedTuple):
    """What a field believes of some events: their names, `marginals` (T, n_labels), the likeliest labels together."""

    of: Named
    events: Sequence[str]
    marginals: FloatArray
    labels: Sequence[str]


def inspect(model: Any, request: Request) -> Inspection:
    """The inspection of a `ChordLabeller`, `CRFComposer` or `Harmonizer`; of a piece or context, marginals of labels.

    Raises UsageError for a context that is none, or that the model does not see; EncodingError for a piece that it
    cannot read.
    """
    fields = fields_of(model)
    believed = _believed(model, fields, request)
    tables = list(chain.from_iterable(_tables(one, request.at_most) for one in fields))
    if believed:
        tables = [_marginals_table(one, request.at_most) for one in believed]
    kind = _KINDS[type(model)]
    return Inspection(
        kind,
        kind,
        _facts(model, fields),
        tables,
        [*map(_sentence, fields), *([_COMMON] if isinstance(model, CRFComposer) else [])],
        lambda: _draw_marginals(believed, title=kind) if believed else draw(fields, title=kind),
        {
            "fields": {one.name: _data(one) for one in fields},
            "marginals": {b.of.name: _believed_data(b) for b in believed},
        },
    )


# Which fields


def fields_of(model: ChordLabeller | CRFComposer | Harmonizer) -> list[Named]:
    """The fields of a model, by name. Raises UsageError for a harmoniser whose chords are told in another way."""
    if isinstance(model, Harmonizer):
        skeleton = model.harmony_.skeleton_
        if not isinstance(skeleton, CRFSkeleton):
            raise UsageError(
                f"the chords of this harmoniser are told by '{model.skeleton}': only those of 'crf' are weights"
            )
        return [Named("chords", skeleton.field, OF_SOPRANOS, partial(_roman, skeleton.alphabet))]
    if isinstance(model, CRFComposer):
        quarter = model.resolution
        return [
            Named("pitches", model.pitches_, OF_NOTES._replace(quarter=quarter), note_in_words),
            Named("rhythms", model.cells_, OF_BEATS._replace(quarter=quarter), partial(cell_in_words, quarter=quarter)),
        ]
    named = [("chords", model.chords_, "root"), ("melodies", model.melodies_, "root"), ("keys", model.keys_, "tonic")]
    return [
        Named(name, field, OF_CHORDS._replace(pitched=PITCHED | set(field.pitched), home=home), chord_in_words)
        for name, field, home in named
        if field is not None
    ]


def _roman(alphabet: Alphabet, number: str) -> str:
    """The chord of a number, as a Roman numeral of a major key."""
    return "other" if int(number) == alphabet.other else roman(alphabet.labels[int(number)].chord(0), Key(0))


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


def score_of(context: str, middle_c: str = "C4") -> Any:
    """Quarter notes one after another, those joined by `+` together; raises UsageError for no notes.

    >>> len(score_of("C4+E4+G4 G3").tracks[0].notes)
    4
    """
    words = context.split()
    if not words:
        raise UsageError('--context names no note; expected notes, those that sound together joined: "C4+E4+G4 G3+B3"')
    sounding = [[pitch_number(name, middle_c=middle_c) for name in word.split("+")] for word in words]
    header = Header(1, (Meter(0, 4, 4),), parts=(Part(),))
    onset = np.repeat(np.arange(len(words)), [len(notes) for notes in sounding])
    score = blank_score(header)
    add_track(score, header, 0, (onset, np.ones_like(onset), np.concatenate([np.array(notes) for notes in sounding])))
    return score


def _believed(model: Any, fields: Sequence[Named], request: Request) -> list[Believed]:
    if request.context is not None and request.score is not None:
        raise UsageError("a context and a piece were given: expected one of them")
    if isinstance(model, Harmonizer):
        if request.context is not None or request.score is not None:
            raise UsageError(
                "of a harmoniser the weights are told: ask 'stochmusic harmonize' what it makes of a piece"
            )
        return []
    if isinstance(model, CRFComposer):
        if request.context is not None:
            raise UsageError("--context does not go with crf, which sees rhythms and chords: give it a --piece")
        return [] if request.score is None else [_pitches(model, fields[0], request.score)]
    score = request.score if request.context is None else score_of(request.context, request.middle_c)
    return [] if score is None else _chords(model, {one.name: one for one in fields}, score)


def _pitches(model: CRFComposer, one: Named, score: Any) -> Believed:
    """What pitches the notes of a score may have, given its rhythm and harmony."""
    rhythm, found = model.over(score)
    starts, lengths, numbers = rhythm.header.bar_spans()
    at = [max(int(np.searchsorted(starts, time, side="right")) - 1, 0) for time in rhythm.onset.tolist()]
    bars = [numbers[i] + (time - starts[i]) // lengths[i] for i, time in zip(at, rhythm.onset.tolist(), strict=True)]
    labels = [one.field.labels_[k] for k in best_path(found).tolist()]
    return Believed(one, [f"bar {bar}" for bar in bars], marginals(found), labels)


def _chords(model: ChordLabeller, fields: dict[str, Named], score: Any) -> list[Believed]:
    """The chords of a score, and the keys given the chords that the labeller tells."""
    found, chords, _ = model.event_labels(score)
    names = _named_events(found)
    if found.texture == "melody":
        return [_of(fields["melodies"], names, melody_observations(found, key_of(score).key))]
    believed = [_of(fields["chords"], names, chord_observations(found))]
    if "keys" in fields:
        believed.append(_of(fields["keys"], names, key_observations(found, chords)))
    return believed


def _of(one: Named, names: Sequence[str], seen: Sequence[Observation]) -> Believed:
    [shares], [labels] = one.field.predict_marginals([seen]), one.field.predict([seen])
    return Believed(one, names, shares, labels)


def _named_events(found: Events) -> list[str]:
    """Bar and beat of each event, and its notes from the bass up."""
    by_number = {bar.number: bar for bar in found.bars}
    return [
        f"{piece.bar}.{_beat(by_number[piece.bar], piece.onset)} {' '.join(map(pitch_name, piece.pitches[:5]))}"
        for piece in found.slices
    ]


def _beat(bar: Bar, onset: Fraction) -> str:
    """Where in its bar a time (quarter notes) is, as printed: a pickup counts to its bar line."""
    missing = bar.nominal - bar.length if bar.number == 0 else 0
    return f"{1 + float((onset - bar.start + missing) * bar.denominator / 4):g}"


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


def _marginals_table(found: Believed, at_most: int) -> Table:
    columns = (Column("event"), Column("label"), Column("believed", unit="probability"), Column("else", "or else"))
    number = {label: k for k, label in enumerate(found.of.field.labels_)}
    rows = []
    for name, label, row in list(zip(found.events, found.labels, found.marginals, strict=True))[:at_most]:
        other = (
            next(k for k in np.argsort(-row, kind="stable").tolist() if k != number[label]) if len(row) > 1 else None
        )
        rows.append((name, found.of.said(label), float(row[number[label]]), _other(found.of, other, row)))
    left = len(found.events) - len(rows)
    return Table(
        f"{found.of.name}_marginals", f"The {found.of.name}", columns, rows, f"{left:,} more events" if left else ""
    )


def _other(one: Named, k: int | None, row: FloatArray) -> Cell:
    from stochastic_music.reports.inspection.telling import percent

    return None if k is None or row[k] < 0.01 else f"{one.said(one.field.labels_[k])} ({percent(float(row[k]))})"


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


def _believed_data(found: Believed) -> dict[str, Any]:
    return {"events": list(found.events), "marginals": found.marginals, "labels": list(found.labels)}


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


def _draw_marginals(believed: Sequence[Believed], *, title: str = "") -> Figure:
    return heat_maps([_marginals_map(found) for found in believed], label="probability", title=title)


def _marginals_map(found: Believed) -> HeatMap:
    """The labels that are likely somewhere, down, and events, across."""
    n = min(len(found.events), _EVENTS)
    likely = np.flatnonzero(found.marginals[:n].max(axis=0) >= _SHOWN)
    labels = [found.of.said(found.of.field.labels_[k]) for k in likely.tolist()]
    cut = f" (the first {n} of {len(found.events):,} events)" if n < len(found.events) else ""
    heading = f"The {found.of.name}: marginal probabilities{cut}"
    return HeatMap(found.marginals[:n, likely].T, labels, found.events[:n], heading, "label")


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."
