"""What was composed, as music: takes for players, and measures of sets of takes beside held-out pieces.

Each seed's takes are measured as a set of their own, about as large as that of the held-out pieces beside them, for
measures of sets depend on their sizes. A model's figures are means over its seeds; of copies and shapes, which are
measured piece by piece, over all its takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stochastic_music import _random, registry
from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import VocabularyError
from stochastic_music.evaluation.music import (
    DIVERSITY,
    Shape,
    averages,
    compared,
    diversity,
    judge,
    mean_curve,
    shape_of,
    summaries,
)
from stochastic_music.evaluation.music.judge import LEAST_PIECES as LEAST_JUDGED
from stochastic_music.evaluation.music.metrics import BUILT_IN
from stochastic_music.evaluation.music.metrics import measured as measure
from stochastic_music.evaluation.originality import OriginalityIndex
from stochastic_music.reports.comparison.music import pieces_of
from stochastic_music.reports.comparison.records import finite
from stochastic_music.tokens import TokenPiece

if TYPE_CHECKING:
    from symusic.core import ScoreTick as Score

#: how many takes of a model the report carries, notes and all; the others lie in its work folder
SHOWN = 24
#: how many bars apart bars are compared at most
FURTHEST = 32
#: how many traits of a judgement are told
TOLD = 8
_RESAMPLES = 2000
#: what of a comparison of features has an interval
_FIGURES = ("overlap", "kl", "generated_overlap", "generated_kl")


def take(score: Score, **facts: Any) -> dict[str, Any]:
    """A piece as players take it: `facts` of it, its tempo in quarter notes a minute, its notes.

    Those of several tracks are `parts`, each with its name.
    """
    tempo = float(score.tempos[0].qpm) if len(score.tempos) else 120.0
    parts = [{"name": str(track.name), "notes": _notes(track, score.ticks_per_quarter)} for track in score.tracks]
    heard = {"parts": parts} if len(parts) > 1 else {"notes": parts[0]["notes"] if parts else []}
    return {**facts, "tempo": round(tempo, 3), **heard}


def _notes(track: Any, quarter: int) -> list[list[float]]:
    """Notes as [onset, duration, pitch, velocity] in order, times in quarter notes."""
    found = ([note.start, note.duration, note.pitch, note.velocity] for note in track.notes)
    return sorted([round(start / quarter, 6), round(length / quarter, 6), *rest] for start, length, *rest in found)


@dataclass(frozen=True, eq=False)
class Beside:
    """What takes are measured beside: held-out pieces, and those that were learned from; `encoding` made both."""

    encoding: Any
    training: TokenCorpus
    held_out: TokenCorpus

    def scores(self, pieces: Iterable[TokenPiece]) -> list[Score]:
        """Pieces as music."""
        return [self.encoding.decode([piece]) for piece in pieces]


def measured(pieces: Sequence[TokenPiece], beside: Beside) -> dict[str, Any]:
    """Everything that is measured of one set of pieces: features as a set, copies piece by piece."""
    scores, real = beside.scores(pieces), beside.scores(pieces_of(beside.held_out))
    return {
        "features": features(scores, real),
        "shape": shapes(scores),
        "originality": copies(pieces, beside.training),
        "similarity": similarity(scores),
        "diversity": varied(scores),
        "judge": judged(scores, real),
        "metrics": brought(scores, real),
    }


def similarity(scores: Sequence[Score]) -> list[float | None]:
    """How similar bars are that lie 1, 2, 3 ... bars apart, on the average; null where no piece is so long."""
    return finite(mean_curve(scores, FURTHEST))


def varied(scores: Sequence[Score]) -> dict[str, float | None]:
    """How much the pieces of a set differ from each other."""
    return dict(zip(DIVERSITY, finite(diversity(scores)), strict=True))


def mean_similarity(sets: Sequence[Mapping[str, Any]]) -> list[float | None] | None:
    """The curves of several sets as one; None without any."""
    found: list[float | None] | None = _mean([each["similarity"] for each in sets]) if sets else None
    return found


def mean_diversity(sets: Sequence[Mapping[str, Any]]) -> dict[str, float | None] | None:
    """The diversity of several sets, each for itself, on the average; None without any."""
    return {name: _mean([each["diversity"][name] for each in sets]) for name in DIVERSITY} if sets else None


def brought(scores: Sequence[Score], real: Sequence[Score]) -> dict[str, Any]:
    """The metrics that plug-ins bring; see `evaluation.music.metrics`."""
    return measure(brought_in(), scores, real)


def brought_in() -> dict[str, Callable[[], Any]]:
    """What loads the metrics that plug-ins bring, by name."""
    return {name: entry.load for name, entry in registry.names("metrics").items() if name not in BUILT_IN}


def mean_metrics(sets: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Metrics of several sets as one: values are means over sets, null where one is."""
    return {name: {**found, "value": _mean([each[name]["value"] for each in sets])} for name, found in sets[0].items()}


def judged(scores: Sequence[Score], real: Sequence[Score]) -> dict[str, Any] | None:
    """How well a classifier tells `scores` from `real` ones; None where they are too few.

    A piece and the held-out piece whose header it stands under are judged in one fold.
    """
    if min(len(scores), len(real)) < LEAST_JUDGED:
        return None
    groups = [i % len(real) for i in range(len(scores))] + list(range(len(real)))
    return judge(scores, real, groups=groups).to_json()


def mean_judge(sets: Sequence[Mapping[str, Any] | None]) -> dict[str, Any] | None:
    """Judgements of several sets as one.

    Accuracy, its interval and AUC are means. `p` is twice the mean of those of single sets, which is a p-value however
    these depend on each other (Vovk and Wang, Combining p-values via averaging, Biometrika 107, 2020). Traits are told
    by their mean weight, in words those of the set where they weigh most.
    """
    known = [found for found in sets if found is not None]
    if not known:
        return None
    means = {name: _mean([found[name] for found in known]) for name in ("accuracy", "interval", "auc")}
    p = known[0]["p"] if len(known) == 1 else min(1.0, 2 * float(np.mean([found["p"] for found in known])))
    return {**means, "p": p, "level": known[0]["level"], "n": known[0]["n"], "telling": _telling(known)}


def _telling(sets: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The traits that weigh most, the weightiest first."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for entry in (entry for each in sets for entry in each["telling"]):
        found.setdefault(entry["feature"], []).append(entry)
    rows = [
        {
            "feature": name,
            "weight": round(sum(entry["weight"] for entry in entries) / len(sets), 6),
            "words": max(entries, key=lambda entry: float(entry["weight"]))["words"],
        }
        for name, entries in found.items()
    ]
    return sorted(rows, key=lambda row: -float(row["weight"]))[:TOLD]


def features(scores: Sequence[Score], real: Sequence[Score]) -> dict[str, dict[str, Any]]:
    """The twelve features of `scores` beside `real` ones: distances, overlap and divergence, and their own means."""
    own = summaries(scores)
    return {name: {**_flat(found.to_json()), **own[name].to_json()} for name, found in compared(scores, real).items()}


def mean_features(sets: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Features of several sets as one: every number, and both ends of every interval, is the mean over sets.

    Densities have grids of their own, and are those of the first set.
    """
    first = {name: {"densities": found["densities"]} if "densities" in found else {} for name, found in sets[0].items()}
    return {
        name: {key: _mean([found[name][key] for found in sets]) for key in sets[0][name] if key != "densities"} | drawn
        for name, drawn in first.items()
    }


def shapes(scores: Sequence[Score]) -> list[list[float | None]]:
    """The shape of each score, in the order of `Shape`; null where there is none."""
    return [finite(np.array(shape_of(score))) for score in scores]


def mean_shape(found: Iterable[Sequence[float | None]]) -> dict[str, dict[str, Any]]:
    """Shapes of pieces on the average, each figure with its interval and spread over pieces."""
    rows = (Shape(*(math.nan if value is None else value for value in row)) for row in found)
    return {name: average.to_json() for name, average in averages(list(rows)).items()}


def copies(pieces: Sequence[TokenPiece], training: TokenCorpus) -> dict[str, list[float]] | None:
    """What of each piece is copied from the training pieces; None where events are neither notes nor voices.

    `longest`: notes of the longest copy; `share`: part of the notes, 0 to 1, in copies of at least 8 notes.
    """
    try:
        index = OriginalityIndex.from_tokens(training)
    except VocabularyError:
        return None
    found = [index.copied(piece) for piece in pieces]
    return {"longest": [each.longest.length for each in found], "share": [round(each.share, 6) for each in found]}


def originality(found: Sequence[Mapping[str, Sequence[float]] | None]) -> dict[str, Any] | None:
    """The copies of several sets of pieces together: mean, interval, median and ninth decile; None where unknown."""
    known = [each for each in found if each is not None]
    if not known:
        return None
    return {name: spread([value for each in known for value in each[name]]) for name in ("longest", "share")}


def _flat(found: dict[str, Any]) -> dict[str, Any]:
    """A comparison of one feature with plain numbers, intervals beside."""
    numbers = {name: found[name] for name in ("intra", "generated_intra", "inter", "densities")}
    values = {name: found[name]["value"] for name in _FIGURES}
    intervals = {f"{name}_interval": found[name]["interval"] for name in _FIGURES}
    return {**numbers, **values, **intervals}


def _mean(values: Sequence[Any]) -> Any:
    """The mean of numbers, or of lists of numbers place by place; null where one is null, or shapes differ."""
    if any(value is None for value in values):
        return None
    if isinstance(values[0], list):
        return [_mean(column) for column in zip(*values, strict=True)] if len(set(map(len, values))) == 1 else None
    return round(float(np.mean(values)), 6)


def spread(values: Sequence[float], *, seed: int = 0) -> dict[str, Any]:
    """Mean with its bootstrap interval, median and ninth decile of values, one a piece.

    >>> spread([1, 1, 1])["interval"]
    [1.0, 1.0]
    """
    given = np.asarray(values, dtype=np.float64)
    drawn = _random.generator(seed).integers(0, len(given), (_RESAMPLES, len(given)))
    low, high = np.quantile(given[drawn].mean(axis=1), [0.025, 0.975])
    median, q90 = np.quantile(given, [0.5, 0.9])
    numbers = {"value": float(given.mean()), "median": float(median), "q90": float(q90)}
    return {
        **{name: round(number, 6) for name, number in numbers.items()},
        "interval": [round(float(low), 6), round(float(high), 6)],
        "level": 0.95,
    }
