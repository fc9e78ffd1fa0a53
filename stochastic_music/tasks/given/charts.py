"""Charts of chords and the scores made over them: keys, times, lead sheets, new pitches for a given rhythm."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stochastic_music.errors import UsageError
from stochastic_music.music import marks
from stochastic_music.music.chords import Chord
from stochastic_music.music.keys import Key, estimate_key, parse_key
from stochastic_music.protocols import IntArray
from stochastic_music.tasks.given.lines import Rhythm
from stochastic_music.tokens import Header, Meter, Part
from stochastic_music.tokens.heading import add_track, blank_score, ticks_per_unit

if TYPE_CHECKING:
    from symusic.core import ScoreTick as Score


def key_of_chart(bars: Sequence[Sequence[Chord | None]]) -> Key:
    """The key that the notes of the chords suggest; those of the first and last count twice."""
    chords = [chord for bar in bars for chord in bar if chord is not None]
    if not chords:
        return Key(0)
    notes = [p for chord in [*chords, chords[0], chords[-1]] for p in chord.pitch_classes]
    weights = np.bincount(notes, minlength=12).astype(np.float64)
    weights[[chords[0].root, chords[-1].root]] += len(chords) / 4
    return estimate_key(weights / weights.sum())[0]


def chart_header(resolution: int, meter: str, key: str, tempo: float | None) -> Header:
    """What a melody over a chart stands under; raises UsageError for a text that is no meter."""
    match = re.fullmatch(r"\s*(\d{1,3})\s*/\s*(1|2|4|8|16|32|64)\s*", meter)
    if not match or int(match[1]) == 0:
        raise UsageError(f"the meter is '{meter}'; expected a time signature such as 4/4, 3/4 or 6/8")
    held = (Meter(0, int(match[1]), int(match[2])),)
    return Header(resolution, held, key=key, tempos=((0, tempo or 100.0),), parts=(Part("Melody"), Part("Chords")))


def chord_times(bars: Sequence[Sequence[Chord | None]], length: int) -> tuple[tuple[int, Chord | None], ...]:
    """When each chord of a chart begins, in units; those of a bar share it equally, up to a unit.

    Raises UsageError for a bar of more chords than units.
    """
    for i, bar in enumerate(bars):
        if len(bar) > length:
            raise UsageError(f"bar {i + 1} of the chart has {len(bar)} chords; expected {length} at most")
    return tuple((length * (i * len(bar) + j) // len(bar), c) for i, bar in enumerate(bars) for j, c in enumerate(bar))


def leadsheet(rhythm: Rhythm, pitch: IntArray, harmony: Sequence[tuple[int, Chord | None]], end: int) -> Score:
    """A melody with chord symbols, and the chords in close position about middle C."""
    score = blank_score(rhythm.header)
    track = add_track(score, rhythm.header, 0, (rhythm.onset, rhythm.duration, pitch))
    if rhythm.ends_phrase.any():
        ticks = ticks_per_unit(rhythm.header)
        marks.add_phrase_ends(score, track, (rhythm.onset[rhythm.ends_phrase] * ticks).tolist())
    spans = zip(harmony, [*(time for time, _ in harmony[1:]), end], strict=True)
    block = [(time, stop - time, p) for (time, chord), stop in spans if chord for p in _close(chord)]
    if block:
        onset, duration, pitches = (np.array(column, dtype=np.int64) for column in zip(*block, strict=True))
        add_track(score, rhythm.header, 1, (onset, duration, pitches))
    key, scale = parse_key(rhythm.header.key or "C"), ticks_per_unit(rhythm.header)
    changes = [(time * scale, chord.symbol(key) if chord else "N.C.") for time, chord in _changes(harmony)]
    marks.set_chord_symbols(score, changes)
    return score


def _changes(harmony: Sequence[tuple[int, Chord | None]]) -> list[tuple[int, Chord | None]]:
    """Where another chord begins."""
    return [item for i, item in enumerate(harmony) if not i or item[1] != harmony[i - 1][1]]


def _close(chord: Chord) -> list[int]:
    """The notes of a chord between F3 and E4, under its bass between C2 and B2.

    >>> _close(Chord(0))
    [36, 55, 60, 64]
    """
    return [36 + chord.lowest, *sorted(53 + (p - 53) % 12 for p in chord.pitch_classes)]


def repitched(given: Score, track: int, rhythm: Rhythm, pitch: IntArray) -> Score:
    """The score with new pitches for the notes of one track: these, in order, where they come one by one."""
    score = given.copy()
    notes = score.tracks[track].notes.numpy()
    order = np.argsort(notes["time"], kind="stable")
    from symusic.core import NoteTickList

    time, duration, velocity = (notes[name][order].copy() for name in ("time", "duration", "velocity"))
    if len(time) != len(pitch):
        scale = given.ticks_per_quarter / rhythm.header.resolution
        time, duration = ((column * scale).round().astype(np.int32) for column in (rhythm.onset, rhythm.duration))
        velocity = np.full(len(pitch), rhythm.header.velocity, dtype=np.int8)
    score.tracks[track].notes = NoteTickList.from_numpy(time, duration, pitch.astype(np.int8), velocity)
    return score
