"""Scores one after the other on one time line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symusic.core import ScoreTick


def one_after_another(scores: Sequence[ScoreTick], names: Sequence[str]) -> ScoreTick:
    """Scores of equal resolution as one: each begins a bar after the last one ends, under a marker with its name.

    Parts of the same place are one track. The first score gives names and instruments.
    """
    from symusic.core import ScoreTick, TextMetaTick, TrackTick

    whole = ScoreTick(scores[0].ticks_per_quarter)
    for track in scores[0].tracks:
        whole.tracks.append(TrackTick(track.name, track.program, track.is_drum))
    at = 0
    for score, name in zip(scores, names, strict=True):
        whole.markers.append(TextMetaTick(at, name))
        moved = score.shift_time(at)
        whole.time_signatures.extend(moved.time_signatures)
        whole.tempos.extend(moved.tempos)
        for track, more in zip(whole.tracks, moved.tracks, strict=False):
            track.notes.extend(more.notes)
        at = _next_bar(score, at)
    return whole


def _next_bar(score: ScoreTick, at: int) -> int:
    """The first bar line, counted from `at`, that leaves a beat of silence after the score."""
    quarter = score.ticks_per_quarter
    meter = score.time_signatures[-1] if len(score.time_signatures) else None
    bar = 4 * quarter * meter.numerator // meter.denominator if meter else 4 * quarter
    return at + -(-(int(score.end()) + quarter) // bar) * bar
