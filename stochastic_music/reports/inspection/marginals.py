"""What conditional random fields believe of a piece: how likely each label is at each event.

Marginals are exact, given all that is seen of the whole piece [1]; the labels told are the likeliest of all together. A
context is a few quarter notes for a labeller of chords, those that sound together joined by `+`.

[1] J. Lafferty, A. McCallum, F. Pereira. Conditional random fields: probabilistic models for segmenting and labeling
    sequence data. ICML 2001.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stochastic_music.errors import UsageError
from stochastic_music.music.bars import Bar
from stochastic_music.music.keys import key_of
from stochastic_music.protocols import FloatArray, Observation
from stochastic_music.render.heat import HeatMap, heat_maps
from stochastic_music.reports.inspection.inspection import Cell, Column, Request, Table
from stochastic_music.reports.inspection.named import Named
from stochastic_music.reports.inspection.telling import percent
from stochastic_music.sampling.chains import best_path, marginals
from stochastic_music.tasks.chords.events import Events, chord_observations, key_observations, melody_observations
from stochastic_music.tasks.chords.labeller import ChordLabeller
from stochastic_music.tasks.given.composer import CRFComposer
from stochastic_music.tasks.harmonize import Harmonizer
from stochastic_music.tokens import Header, Meter, Part, pitch_name, pitch_number
from stochastic_music.tokens.heading import add_track, blank_score

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: a label is drawn where it is this likely somewhere; events of a piece that are drawn
_SHOWN, _EVENTS = 0.1, 64


class Believed(NamedTuple):
    """What a field believes of some events: their names, `marginals` (T, n_labels), the likeliest labels together."""

    of: Named
    events: Sequence[str]
    marginals: FloatArray
    labels: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """The same by name, as `Inspection.data` holds it."""
        return {"events": list(self.events), "marginals": self.marginals, "labels": list(self.labels)}


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


def believed(model: Any, fields: Sequence[Named], request: Request) -> list[Believed]:
    """What the fields of a model believe of what was asked; nothing where nothing was.

    Raises UsageError for a context and a piece at once, and for what the model does not see.
    """
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


# Tables and pictures


def table(found: Believed, at_most: int) -> Table:
    """The likeliest label of each event, how surely, and what it may be else."""
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
    return None if k is None or row[k] < 0.01 else f"{one.said(one.field.labels_[k])} ({percent(float(row[k]))})"


def draw(believed: Sequence[Believed], *, title: str = "") -> Figure:
    """The labels that are likely somewhere, down, and events, across, as a matplotlib figure."""
    return heat_maps([_map(found) for found in believed], label="probability", title=title)


def _map(found: Believed) -> HeatMap:
    n = min(len(found.events), _EVENTS)
    seen = found.marginals[:n]
    likely = np.union1d(np.flatnonzero(seen.max(axis=0) >= _SHOWN), seen.argmax(axis=1))
    labels = [found.of.said(found.of.field.labels_[k]) for k in likely.tolist()]
    cut = f" (the first {n} of {len(found.events):,} events)" if n < len(found.events) else ""
    heading = f"The {found.of.name}: marginal probabilities{cut}"
    return HeatMap(found.marginals[:n, likely].T, labels, found.events[:n], heading, "label")
