"""Passing notes: eighths that fill the thirds of lower voices.

Where a lower voice moves by a third from one beat to the next of a phrase, the note of the scale between may be struck
in the middle of the beat, or on the last third of a beat of three. How often that is done is counted in the corpus,
voice by voice. A note is left out where it would break a rule that was kept without it, cross or touch a neighbour, or
sound a semitone beside another voice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stochastic_music import _random
from stochastic_music.music.voice_leading import RULES, Context, report
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.tasks.harmonize.tunes import Line, Tune, skyline, sounding_at

if TYPE_CHECKING:
    from symusic.core import ScoreTick

_MAJOR, _MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
#: steps of draws begin here, so that they are not those that paths are drawn with
_FIRST_STEP = 1 << 20


def passing_note(first: int, last: int, context: Context) -> int | None:
    """The note of the scale between two notes a third apart; None where there is none.

    In minor keys the sixth and seventh degrees are raised on the way to or from a raised one.

    >>> passing_note(60, 64, Context(0)), passing_note(64, 68, Context(9, minor=True)), passing_note(60, 65, Context(0))
    (62, 66, None)
    """
    low, high = sorted((first, last))
    ends = {(first - context.tonic) % 12, (last - context.tonic) % 12}
    if high - low not in (3, 4) or ends == {8, 11}:
        return None
    scale = set(_MINOR if context.minor else _MAJOR)
    if context.minor and (11 in ends or (9 in ends and last > first)):
        scale = (scale - {8, 10}) | {9, 11}
    between = [pitch for pitch in range(low + 1, high) if (pitch - context.tonic) % 12 in scale]
    return between[0] if len(between) == 1 else None


def middle_of(tune: Tune) -> IntArray:
    """Where passing notes of each frame are struck, in ticks: (n_frames,)."""
    threes = np.array([(beat.end - beat.start).numerator == 3 for beat in tune.beats])
    length = tune.end - tune.start
    return tune.start + np.where(threes, 2 * length // 3, length // 2)


def passing_counts(score: ScoreTick, tracks: Sequence[int], tune: Tune) -> IntArray:
    """Of the thirds from beat to beat of alto, tenor and bass, how many are filled, and how many there are: (3, 2)."""
    middle = middle_of(tune)
    counts = np.zeros((3, 2), dtype=np.int64)
    joined = tune.end[:-1] == tune.start[1:]
    for voice, track in enumerate(tracks[1:]):
        line = skyline(score.tracks[track])
        starts, halves = sounding_at(line, tune.start), sounding_at(line, middle)
        first, last, between = starts[:-1], starts[1:], halves[:-1]
        third = joined & (first >= 0) & (last >= 0) & np.isin(np.abs(last - first), (3, 4))
        filled = third & ((between - first) * (last - between) > 0)
        counts[voice] = filled.sum(), third.sum()
    return counts


def middles(tune: Tune, voices: IntArray, rates: FloatArray, key: int, chain: int) -> IntArray:
    """The passing notes of each frame, (n_frames, 3) for alto, tenor and bass; -1 for none.

    `rates` (3,) is how often a third is filled; draws depend on `key` and `chain`, the number of the take.
    """
    context = Context(tune.melody.tonic, tune.melody.minor)
    half = sounding_at(tune.line, middle_of(tune))
    found = np.full((len(voices), 3), -1, dtype=np.int64)
    for t in range(len(voices) - 1):
        if tune.end[t] != tune.start[t + 1] or tune.end[t] - tune.start[t] < 2 or tune.melody.since[t + 1] == 0:
            continue
        uniform = _random.uniforms(key, _FIRST_STEP + t, 4 * (chain + 1))[4 * chain :]
        now = voices[t].copy()
        now[0] = half[t] if half[t] >= 0 else now[0]
        for voice in (3, 2, 1):
            pitch = passing_note(int(voices[t, voice]), int(voices[t + 1, voice]), context)
            if pitch is None or uniform[voice] >= rates[voice - 1]:
                continue
            tried = now.copy()
            tried[voice] = pitch
            if _sounds(voices[t], now, tried, voices[t + 1], context):
                now = tried
                found[t, voice - 1] = pitch
    return found


def _sounds(before: IntArray, plain: IntArray, tried: IntArray, after: IntArray, context: Context) -> bool:
    """Whether a chord on the way breaks no rule that was kept without it, and rubs nowhere."""
    apart = -np.diff(tried)
    close = (tried[:, None] - tried[None]) % 12
    if (apart <= 0).any() or (close == 1).any():
        return False
    with_it, without = (report(np.stack([before, middle, after]), context).counts for middle in (tried, plain))
    return all(with_it[name] <= without[name] for name in RULES)


def with_passing(tune: Tune, line: Line, passing: IntArray) -> Line:
    """A lower voice with its passing notes, (n_frames,), struck within their beats."""
    frames = np.flatnonzero(passing >= 0)
    if not len(frames):
        return line
    middle = middle_of(tune)[frames]
    end = line.end.copy()
    end[np.searchsorted(line.onset, middle, side="right") - 1] = middle
    onset = np.concatenate([line.onset, middle])
    order = np.argsort(onset, kind="stable")
    ends = np.concatenate([end, tune.end[frames]])
    return Line(onset[order], ends[order], np.concatenate([line.pitch, passing[frames]])[order])
