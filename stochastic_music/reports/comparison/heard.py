"""What was composed, as music: takes for players, and measures of sets of takes beside held-out pieces.

Each seed's takes are measured as a set of their own, about as large as that of the held-out pieces beside them, for
measures of sets depend on their sizes; `means` makes one of several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stochastic_music import registry
from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import VocabularyError
from stochastic_music.evaluation.music import (
    DIVERSITY,
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


def brought(scores: Sequence[Score], real: Sequence[Score]) -> dict[str, Any]:
    """The metrics that plug-ins bring; see `evaluation.music.metrics`."""
    return measure(brought_in(), scores, real)


def brought_in() -> dict[str, Callable[[], Any]]:
    """What loads the metrics that plug-ins bring, by name."""
    return {name: entry.load for name, entry in registry.names("metrics").items() if name not in BUILT_IN}


def judged(scores: Sequence[Score], real: Sequence[Score]) -> dict[str, Any] | None:
    """How well a classifier tells `scores` from `real` ones; None where they are too few.

    A piece and the held-out piece whose header it stands under are judged in one fold.
    """
    if min(len(scores), len(real)) < LEAST_JUDGED:
        return None
    groups = [i % len(real) for i in range(len(scores))] + list(range(len(real)))
    return judge(scores, real, groups=groups).to_json()


def features(scores: Sequence[Score], real: Sequence[Score]) -> dict[str, dict[str, Any]]:
    """The twelve features of `scores` beside `real` ones: distances, overlap and divergence, and their own means."""
    own = summaries(scores)
    return {name: {**_flat(found.to_json()), **own[name].to_json()} for name, found in compared(scores, real).items()}


def shapes(scores: Sequence[Score]) -> list[list[float | None]]:
    """The shape of each score, in the order of `Shape`; null where there is none."""
    return [finite(np.array(shape_of(score))) for score in scores]


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


def _flat(found: dict[str, Any]) -> dict[str, Any]:
    """A comparison of one feature with plain numbers, intervals beside."""
    numbers = {name: found[name] for name in ("intra", "generated_intra", "inter", "densities")}
    values = {name: found[name]["value"] for name in _FIGURES}
    intervals = {f"{name}_interval": found[name]["interval"] for name in _FIGURES}
    return {**numbers, **values, **intervals}
