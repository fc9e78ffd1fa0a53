"""Scores as NumPy arrays: a structured array of notes, or a piano roll of each part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stochastic_music.errors import EncodingError
from stochastic_music.interop._parts import Notes, notes_of, score_of

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: The fields of a note: quarter notes, quarter notes, MIDI numbers, and the number of the part from 0.
NOTE = np.dtype([("onset", "f8"), ("duration", "f8"), ("pitch", "i2"), ("velocity", "i2"), ("part", "i4")])
_VELOCITY = 80


def to_numpy(score: ScoreTick) -> NDArray[Any]:
    """The notes of a score, (n_notes,) of NOTE, by onset, part and pitch. All but the notes is left behind.

    >>> from symusic import Note, Score, Track
    >>> score = Score(480)
    >>> score.tracks.append(Track(notes=[Note(480, 240, 60, 90)]))
    >>> to_numpy(score).tolist() == [(1.0, 0.5, 60, 90, 0)]
    True
    """
    parts = notes_of(score)
    out = np.zeros(sum(len(notes.onset) for notes in parts), dtype=NOTE)
    for name in Notes._fields:
        out[name] = np.concatenate([np.zeros(0), *(getattr(notes, name) for notes in parts)])
    out["part"] = np.repeat(np.arange(len(parts)), [len(notes.onset) for notes in parts])
    return out[np.lexsort((out["pitch"], out["part"], out["onset"]))]


def from_numpy(notes: NDArray[Any], *, like: ScoreTick | None = None) -> ScoreTick:
    """A score of a structured array with the fields of NOTE; `velocity` and `part` may be missing (80, and one part).

    Onsets and ends go to the nearest of 480 ticks a quarter note. Tempo, meter, key, pickup, names and instruments are
    those of `like`, where it is given. Raises EncodingError for missing fields, and for times that are negative or no
    numbers.
    """
    names = set(notes.dtype.names or ())
    if missing := {"onset", "duration", "pitch"} - names:
        raise EncodingError(f"an array of notes has no field {', '.join(sorted(missing))}: expected {NOTE.names}")
    part = notes["part"] if "part" in names else np.zeros(len(notes), dtype=np.int64)
    velocity = notes["velocity"] if "velocity" in names else np.full(len(notes), _VELOCITY)
    if not (np.isfinite(notes["onset"]) & (notes["onset"] >= 0) & (notes["duration"] >= 0) & (part >= 0)).all():
        raise EncodingError("an array of notes holds negative onsets, durations or parts: expected 0 and more")
    columns = Notes(notes["onset"], notes["duration"], notes["pitch"].astype(np.int64), velocity.astype(np.int64))
    return score_of([Notes(*(column[part == i] for column in columns)) for i in range(_count(part, like))], like)


def to_piano_roll(score: ScoreTick, *, steps_per_quarter: int = 4) -> NDArray[np.uint8]:
    """Velocities, (n_parts, n_steps, 128), 0 where nothing sounds.

    Onsets and ends go to the nearest step, a note has one at least. Lost: what is finer than a step, notes of one part
    and pitch at the same time, and where one note ends and the next of equal pitch and velocity begins at once.
    """
    parts = notes_of(score)
    spans = [_steps(notes, steps_per_quarter) for notes in parts]
    roll = np.zeros((len(parts), max((int(end.max(initial=0)) for _, end in spans), default=0), 128), dtype=np.uint8)
    for part, notes, (start, end) in zip(roll, parts, spans, strict=True):
        for a, b, pitch, velocity in zip(start, end, notes.pitch, notes.velocity, strict=True):
            part[a:b, pitch] = max(velocity, 1)
    return roll


def from_piano_roll(roll: NDArray[Any], *, steps_per_quarter: int = 4, like: ScoreTick | None = None) -> ScoreTick:
    """A score of velocities (n_parts, n_steps, 128), or (n_steps, 128) for one part: equal steps in a row are one note.

    `like` as in `from_numpy`. Raises EncodingError for another shape, and for values beyond 127.

    >>> roll = np.zeros((4, 128), dtype=np.uint8)
    >>> roll[1:3, 60] = 90
    >>> from_piano_roll(roll).tracks[0].notes
    [Note(120, 240, 60, 90, 'Tick')]
    """
    parts = roll[None] if roll.ndim == 2 else roll
    if parts.ndim != 3 or parts.shape[2] != 128 or (parts.size and not 0 <= parts.min() <= parts.max() <= 127):
        raise EncodingError(
            f"a piano roll of shape {roll.shape}: expected velocities from 0 to 127, (n_parts, n_steps, 128)"
        )
    return score_of([_notes(part.astype(np.int64), steps_per_quarter) for part in parts], like)


def _count(part: NDArray[Any], like: ScoreTick | None) -> int:
    return max(int(part.max(initial=-1)) + 1, len(like.tracks) if like is not None else 0)


def _steps(notes: Notes, steps_per_quarter: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    start, end = (
        np.rint(at * steps_per_quarter).astype(np.int64) for at in (notes.onset, notes.onset + notes.duration)
    )
    return start, np.maximum(end, start + 1)


def _notes(part: NDArray[np.int64], steps_per_quarter: int) -> Notes:
    """The runs of equal velocities of each pitch."""
    silence = np.zeros((1, 128), dtype=np.int64)
    before, after = np.concatenate([silence, part]), np.concatenate([part, silence])
    pitch, start = np.nonzero(((before != after) & (after > 0)).T)
    _, end = np.nonzero(((before != after) & (before > 0)).T)
    return Notes(start / steps_per_quarter, (end - start) / steps_per_quarter, pitch, part[start, pitch])
