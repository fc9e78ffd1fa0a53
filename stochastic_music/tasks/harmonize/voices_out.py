"""From voices on beats to scores: the melody as it was, and a track for each voice under it.

Lower voices move on beats. A pitch that stays is held on under a held melody note, and struck again under a new one.
They breathe with the melody: where it rests, before a beat it rests all through or at the end of a phrase, they rest.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from stochastic_music.protocols import IntArray
from stochastic_music.tasks.harmonize.tunes import Line, Tune

if TYPE_CHECKING:
    from symusic.core import ScoreTick, TrackTick

#: from the top
NAMES = ("Soprano", "Alto", "Tenor", "Bass")
#: how loud lower voices sound beside the melody
_SOFTER = 0.85
_PHRASE = re.compile(r"phrase:(\d+)")


def frame_ends(tune: Tune) -> IntArray:
    """Where the lower voices of each frame stop sounding, in ticks: (n_frames,)."""
    starts, ends = tune.start, tune.end.copy()
    following = np.append(starts[1:], np.iinfo(np.int64).max)
    last = np.searchsorted(tune.line.onset, ends, side="left") - 1
    silent_from = np.minimum(tune.line.end[last], ends)
    breath = np.append(tune.melody.since[1:] == 0, True) | (following > ends)
    long = 2 * (following - silent_from) >= ends - starts
    return np.where(breath & long, silent_from, np.minimum(ends, following))


def lower_line(tune: Tune, pitches: IntArray) -> Line:
    """The notes of one lower voice, given its pitch in each frame: (n_frames,)."""
    ends, starts = frame_ends(tune), tune.start
    onset: list[int] = []
    stop: list[int] = []
    pitch: list[int] = []
    for t, sounding in enumerate(pitches.tolist()):
        held = t > 0 and not tune.melody.struck[t] and pitch[-1] == sounding and stop[-1] == starts[t]
        if held:
            stop[-1] = int(ends[t])
            continue
        onset.append(int(starts[t]))
        stop.append(int(ends[t]))
        pitch.append(sounding)
    return Line(*(np.array(column, dtype=np.int64) for column in (onset, stop, pitch)))


def with_voices(score: ScoreTick, tune: Tune, lines: list[Line]) -> ScoreTick:
    """A copy of the score with a track for each of the lower voices, from the top, after that of the melody.

    The melody's notes stay as they are, its track is called Soprano; other tracks, tempo and marks stay.
    """
    out = score.copy()
    out.tracks[tune.track].name = NAMES[0]
    for i, line in enumerate(lines):
        out.tracks.insert(tune.track + 1 + i, _track(out.tracks[tune.track], line, NAMES[1 + i]))
    for marker in out.markers:
        match = _PHRASE.fullmatch(marker.text)
        if match and int(match[1]) > tune.track:
            marker.text = f"phrase:{int(match[1]) + len(lines)}"
    return out


def _track(melody: TrackTick, line: Line, name: str) -> TrackTick:
    from symusic.core import NoteTick, TrackTick

    velocity = int(np.median(melody.notes.numpy()["velocity"].astype(np.int64)))
    softer = max(1, round(_SOFTER * velocity))
    track = TrackTick(name, melody.program, False)
    for onset, end, pitch in zip(*(column.tolist() for column in line), strict=True):
        track.notes.append(NoteTick(onset, end - onset, pitch, softer))
    return track
