"""What was composed, as music: takes for players, and measures of sets of takes beside held-out pieces.

Each seed's takes are measured as a set of their own, as many as there are held-out pieces to compare with; a figure is
the mean over seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stochastic_music import _random
from stochastic_music.errors import VocabularyError
from stochastic_music.evaluation.originality import OriginalityIndex
from stochastic_music.reports.comparison.music import Music
from stochastic_music.tokens import Header, TokenPiece

if TYPE_CHECKING:
    from symusic.core import ScoreTick as Score

#: how many takes of a model the report carries, notes and all; the others lie in its work folder
SHOWN = 24
_RESAMPLES = 2000


def notes_of(score: Score) -> list[list[float]]:
    """Notes as [onset, duration, pitch, velocity] in order, times in quarter notes."""
    unit = score.ticks_per_quarter
    found = [
        [round(note.start / unit, 6), round(note.duration / unit, 6), note.pitch, note.velocity]
        for track in score.tracks
        for note in track.notes
    ]
    return sorted(found)


def take(score: Score, **facts: Any) -> dict[str, Any]:
    """A piece as players take it: `facts` of it, its notes, and its tempo in quarter notes a minute."""
    tempo = float(score.tempos[0].qpm) if len(score.tempos) else 120.0
    return {**facts, "tempo": round(tempo, 3), "notes": notes_of(score)}


def original(music: Music, pieces: Sequence[TokenPiece]) -> dict[str, Any] | None:
    """How much of pieces is copied from the training pieces; None where events are neither notes nor voices.

    `longest`: notes of the longest copy; `share`: part of the notes, 0 to 1, in copies of at least 8 notes. Each is
    the mean over pieces, with a bootstrap interval, the median, and what nine in ten do not exceed.
    """
    try:
        index = OriginalityIndex.from_tokens(music.training)
    except VocabularyError:
        return None
    copied = [index.copied(piece) for piece in pieces]
    return {
        "longest": spread([each.longest.length for each in copied]),
        "share": spread([each.share for each in copied]),
    }


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


def pieces_of(symbols: Sequence[Sequence[int]], headers: Sequence[Header | None], resolution: int) -> list[TokenPiece]:
    """Symbols as pieces under their headers."""
    return [
        TokenPiece(np.asarray(row, dtype=np.int64), header or Header(max(resolution, 1)))
        for row, header in zip(symbols, headers, strict=True)
    ]
