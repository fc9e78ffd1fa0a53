"""Scores to and from isobar: a dictionary of patterns for each part, with `note`, `duration`, `amplitude` and `gate`.

An event is a note, a chord (a tuple) or a rest (None); its `duration` is the time to the next event in quarter notes,
and `gate` how much of that time a note sounds: more than 1 where it sounds on, one for each note of a chord.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stochastic_music import _optional
from stochastic_music.errors import EncodingError
from stochastic_music.interop._parts import Notes, notes_of, score_of

if TYPE_CHECKING:
    from symusic.core import ScoreTick

_MOST_EVENTS = 100_000


def to_isobar(score: ScoreTick) -> list[Any]:
    """One `isobar.PDict` for each track, to be scheduled on a timeline; they end with their last note.

    Carried: onsets, durations, pitches, velocities. Lost: tempo, meter, key, pickup, programs, drums, names, and notes
    of velocity 0, which are rests to isobar.
    """
    isobar = _optional.require("isobar")
    return [
        isobar.PDict({name: isobar.PSequence(values, 1) for name, values in _events(part)}) for part in notes_of(score)
    ]


def from_isobar(patterns: Sequence[Any], *, like: ScoreTick | None = None) -> ScoreTick:
    """The score of some dictionaries of patterns, one part each, played until they end.

    isobar itself says what an event is, so degrees, keys, octaves and transposition are understood; events that are no
    notes are silent. Tempo, meter, key, pickup, names and instruments are those of `like`, where it is given.
    Raises EncodingError for a pattern that does not end within 100,000 events.
    """
    return score_of([_notes(pattern) for pattern in patterns], like)


def _events(part: Notes) -> Iterator[tuple[str, list[Any]]]:
    """The keys of a dictionary of patterns, and their values event by event."""
    onsets, first = np.unique(part.onset, return_index=True)
    chords = [np.arange(a, b) for a, b in itertools.pairwise([*first.tolist(), len(part.onset)])]
    end = float((part.onset + part.duration)[chords[-1]].max()) if chords else 0.0
    gaps = np.diff([*onsets.tolist(), max(end, float(onsets.max(initial=0)))]).tolist()
    rest = [float(onsets[0])] if len(onsets) and onsets[0] > 0 else []
    yield "note", [None] * len(rest) + [_one(part.pitch[chord]) for chord in chords]
    yield "duration", rest + gaps
    yield "amplitude", [0] * len(rest) + [_one(part.velocity[chord]) for chord in chords]
    yield (
        "gate",
        [1.0] * len(rest) + [_one(part.duration[chord] / gap) for chord, gap in zip(chords, gaps, strict=True)],
    )


def _one(values: Any) -> Any:
    """A number, or a tuple of several."""
    return values[0].item() if len(values) == 1 else tuple(values.tolist())


def _notes(pattern: Any) -> Notes:
    """What a dictionary of patterns plays, in quarter notes."""
    events = _optional.require("isobar.timelines.events")
    rows, time = list[tuple[float, float, int, int]](), 0.0
    for i, values in enumerate(pattern.copy()):
        if i == _MOST_EVENTS:
            raise EncodingError(f"a pattern goes on after {_MOST_EVENTS:,} events: say how often its sequences repeat")
        event = events.Event.from_dict(dict(values))
        rows += [(time, event.duration * gate, pitch, loud) for pitch, loud, gate in _sounding(event)]
        time += float(event.duration)
    onset, duration, pitch, velocity = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    return Notes(onset, duration, pitch.astype(np.int64), velocity.astype(np.int64))


def _sounding(event: Any) -> Iterator[tuple[int, int, float]]:
    """Pitch, velocity and gate of the notes of an event."""
    pitches = np.atleast_1d(np.asarray(getattr(event, "note", ()), dtype=np.float64))
    for i, pitch in enumerate(pitches):
        loud, gate = (x[i % len(x)] if isinstance(x, tuple) else x for x in (event.amplitude, event.gate))
        if loud and loud > 0 and gate and gate > 0:
            yield round(pitch), int(loud), float(gate)
