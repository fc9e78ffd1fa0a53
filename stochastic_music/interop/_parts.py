"""Notes of parts in quarter notes, and scores made of them: for neighbours that know notes and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stochastic_music.music import marks
from stochastic_music.protocols import FloatArray, IntArray

if TYPE_CHECKING:
    from symusic.core import ScoreTick

_TICKS = 480


class Notes(NamedTuple):
    """The notes of one part, each (n,): onset and duration in quarter notes, MIDI pitch and velocity."""

    onset: FloatArray
    duration: FloatArray
    pitch: IntArray
    velocity: IntArray


def notes_of(score: ScoreTick) -> list[Notes]:
    """The notes of each track, by onset and pitch."""
    out = []
    for track in score.tracks:
        time, duration, pitch, velocity = (
            track.notes.numpy()[name].astype(np.int64) for name in ("time", "duration", "pitch", "velocity")
        )
        order = np.lexsort((pitch, time))
        quarter = score.ticks_per_quarter
        out.append(Notes(time[order] / quarter, duration[order] / quarter, pitch[order], velocity[order]))
    return out


def score_of(parts: Sequence[Notes], like: ScoreTick | None) -> ScoreTick:
    """A score of these notes, on the nearest ticks; all else is that of `like`, track by track, where there is one."""
    from symusic.core import NoteTickList, ScoreTick, TrackTick

    score = ScoreTick(like.ticks_per_quarter if like is not None else _TICKS)
    if like is not None:
        score.tempos = like.tempos.copy()
        score.time_signatures = like.time_signatures.copy()
        score.key_signatures = like.key_signatures.copy()
        marks.set_pickup(score, marks.pickup(like))
    known = list(like.tracks) if like is not None else []
    for i, notes in enumerate(parts):
        head = known[i] if i < len(known) else TrackTick()
        track = TrackTick(head.name, head.program, head.is_drum)
        onset, end = (
            np.rint(at * score.ticks_per_quarter).astype(np.int32) for at in (notes.onset, notes.onset + notes.duration)
        )
        pitch, velocity = (part.clip(0, 127).astype(np.int8) for part in (notes.pitch, notes.velocity))
        track.notes = NoteTickList.from_numpy(onset, np.maximum(end - onset, 1), pitch, velocity)
        score.tracks.append(track)
    return score
