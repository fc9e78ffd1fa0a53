"""From scores to melodies on their beats, and to settings in four voices.

Frames are the beats in which the melody sounds; beats in which it rests from end to end are left out. Notes that begin
within a twelfth of a quarter note of a beat begin on it, and the frame begins with them: performances are read as
printed scores are. Phrases end where the score says so (fermatas and phrase marks are markers); where it says nothing,
they end at notes that are long, with the rest after them, beside those around; and where that leaves more than eight
bars, every four bars.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stochastic_music.errors import EncodingError
from stochastic_music.models.harmony.harmony import Setting
from stochastic_music.models.harmony.melody import Melody
from stochastic_music.models.harmony.mixture import NONE
from stochastic_music.music import keys, marks
from stochastic_music.music.beats import Beat, beats
from stochastic_music.music.parts import choose_part, is_monophonic, sounding_parts
from stochastic_music.music.spelling import spell
from stochastic_music.protocols import IntArray

if TYPE_CHECKING:
    from symusic.core import ScoreTick, TrackTick

#: a note and the rest after it end a phrase if they are so many times as long as three notes in four are at most, and
#: so many beats
LONG, LONG_BEATS, LEAST_PHRASE = 1.4, 1.5, 4
#: phrases heard are not longer than so many bars; else they are taken to have so many
_MOST_BARS, _BARS = 8, 4
#: melodies below or above are no soprano: the alto needs room under them
LOWEST, HIGHEST = 55, 84
_NAMES = ("soprano", "alto", "tenor", "bass")


class Line(NamedTuple):
    """One note at a time, in ticks: (n,) each, ascending."""

    onset: IntArray
    end: IntArray
    pitch: IntArray


class Tune(NamedTuple):
    """A melody read from a score.

    `beats` are those of the frames; `start` and `end` (n_frames,) are ticks: where a frame's first note begins, and
    where the frame ends. `line` are its notes, `track` its place among the score's tracks, `why` it was taken.
    """

    melody: Melody
    beats: tuple[Beat, ...]
    start: IntArray
    end: IntArray
    line: Line
    track: int
    why: str
    key: keys.KeyFinding
    phrases_printed: bool


def read_tune(score: ScoreTick, part: str | int | None = None, key: str | None = None) -> Tune:
    """The melody of one part, in the key that is printed, heard or given.

    Raises EncodingError for a score without notes, or without such a part.
    """
    if not sounding_parts(score, drums=False):
        raise EncodingError("the score has no notes to harmonise: expected a melody")
    choice = choose_part(score, part)
    track = score.tracks[choice.track]
    if track.is_drum:
        raise EncodingError("the drums have no melody: name another part with --part")
    finding = keys.KeyFinding(keys.parse_key(key), "printed", 1.0) if key else keys.key_of(score)
    why = choice.why
    if not is_monophonic(track, score.tpq):
        why += "; where it has several notes at once, the highest"
    return _tune(score, choice.track, why, finding)


def _tune(score: ScoreTick, index: int, why: str, finding: keys.KeyFinding) -> Tune:
    line, tpq = skyline(score.tracks[index]), score.ticks_per_quarter
    near = tpq // 12
    every = [(beat, _ticks(beat.start, tpq), _ticks(beat.end, tpq)) for beat in beats(score)]
    rows = [(beat, *heard) for beat, start, end in every if (heard := _frame(line, start, end, near)) is not None]
    marked = marks.phrase_ends(score, index)
    marked = [] if all(end >= line.onset[-1] for end in marked) else marked  # the last note alone tells nothing
    begins = np.array([row[1] for row in rows], dtype=np.int64)
    ends = marked or _heard_ends(line, tpq, every)
    at = np.searchsorted(begins, ends, side="right") - 1
    last = int(np.searchsorted(begins, line.onset[-1], side="right") - 1)
    columns = [np.array(column, dtype=np.int64) for column in list(zip(*rows, strict=True))[1:]]
    start, end, pitch, lowest, later, struck = columns
    end[:-1] = np.where(np.abs(end[:-1] - start[1:]) <= near, start[1:], end[:-1])
    melody = Melody.of(
        pitch,
        tonic=finding.key.tonic,
        minor=finding.key.is_minor,
        place=[row[0].place for row in rows],
        ends=sorted({*at[at >= 0].tolist(), last}),
        lowest=lowest,
        later=later,
        struck=struck.astype(bool),
    )
    return Tune(melody, tuple(row[0] for row in rows), start, end, line, index, why, finding, bool(marked))


def skyline(track: TrackTick) -> Line:
    """The notes of a track, one at a time: the highest of those that begin together, each until the next begins."""
    columns = track.notes.numpy()
    onset, length = columns["time"].astype(np.int64), columns["duration"].astype(np.int64)
    pitch = columns["pitch"].astype(np.int64)
    order = np.lexsort((-length, -pitch, onset))
    onset, length, pitch = onset[order], np.maximum(length[order], 1), pitch[order]
    first = np.append(True, onset[1:] != onset[:-1])
    onset, length, pitch = onset[first], length[first], pitch[first]
    end = onset + length
    return Line(onset, np.minimum(end, np.append(onset[1:], end[-1:].max(initial=0))), pitch)


def sounding_at(line: Line, times: IntArray) -> IntArray:
    """The pitch that sounds at each time, NONE where none does: (n,)."""
    at = np.searchsorted(line.onset, times, side="right") - 1
    safe = np.maximum(at, 0)
    return np.where((at >= 0) & (line.end[safe] > times), line.pitch[safe], NONE)


def _frame(line: Line, start: int, end: int, near: int) -> tuple[int, int, int, int, int, int] | None:
    """Start, end, pitch, lowest, later and struck of a beat; None where the line rests.

    Notes that begin up to `near` ticks before an edge begin there.
    """
    low, high = np.searchsorted(line.onset, [start - near, end - near], side="left")
    struck = list(range(low, high))
    first = int(line.onset[low]) if struck else end
    held = low > 0 and line.end[low - 1] > start + near and first > start + near
    if not held and not struck:
        return None
    sounding = ([low - 1] if held else []) + struck
    pitches = line.pitch[sounding].tolist()
    return start if held else first, end, pitches[0], min(pitches), pitches[-1] if len(pitches) > 1 else NONE, not held


def _heard_ends(line: Line, tpq: int, every: Sequence[tuple[Beat, int, int]]) -> list[int]:
    """Onsets of notes that end phrases, by their length, and by bars where that is not enough."""
    frames = [(start, end) for _, start, end in every]
    spans = np.diff(line.onset, append=line.end[-1:])
    beat = float(np.median([end - start for start, end in frames])) if frames else float(tpq)
    usual = float(np.quantile(spans, 0.75))
    found: list[int] = []
    begun = int(line.onset[0])
    for onset, span in zip(line.onset.tolist(), spans.tolist(), strict=True):
        long = span >= LONG * usual and span >= LONG_BEATS * beat
        if long and onset + span - begun >= LEAST_PHRASE * beat:
            found.append(onset)
            begun = onset + span
    bar_of = {start: beat.bar for beat, start, _ in every}
    starts = sorted(bar_of)
    bars = [bar_of[starts[max(bisect_right(starts, onset) - 1, 0)]] for onset in line.onset.tolist()]
    return found if _often(bars, found, line) else _by_bars(bars, line, spans)


def _often(bars: Sequence[int], ends: Sequence[int], line: Line) -> bool:
    """Whether no phrase is longer than eight bars."""
    places = np.searchsorted(line.onset, ends)
    cuts = [bars[0] - 1, *(bars[i] for i in places.tolist()), bars[-1]]
    return all(last - first <= _MOST_BARS for first, last in pairwise(cuts))


def _by_bars(bars: Sequence[int], line: Line, spans: IntArray) -> list[int]:
    """The longest note, of several the last, of every fourth bar."""
    found = []
    for bar in range(_BARS, max(bars) + 1, _BARS):
        inside = [i for i, own in enumerate(bars) if own == bar]
        if inside:
            found.append(int(line.onset[max(inside, key=lambda i: (spans[i], i))]))
    return found


def read_setting(score: ScoreTick) -> Setting | None:
    """A score in four parts as a melody and its voices; None where it is not in four parts.

    The parts are those called soprano, alto, tenor and bass, or the only four, from the top. Voices are sorted; a beat
    on which the soprano is not the highest teaches nothing.
    """
    tracks = four_parts(score)
    if tracks is None:
        return None
    tune = tune_of(score, tracks)
    lower = np.stack([sounding_at(skyline(score.tracks[i]), tune.start) for i in tracks[1:]], axis=1)
    voices = np.column_stack([tune.melody.pitch, -np.sort(-lower, axis=1)])
    whole = (lower != NONE).all(axis=1) & (voices[:, 1] <= voices[:, 0])
    return Setting(tune.melody, np.where(whole[:, None], voices, NONE))


def tune_of(score: ScoreTick, tracks: Sequence[int]) -> Tune:
    """The melody of a score in four parts: its soprano."""
    return _tune(score, tracks[0], "", keys.key_of(score))


def four_parts(score: ScoreTick) -> list[int] | None:
    """The tracks of soprano, alto, tenor and bass; None where there are none."""
    sounding = sounding_parts(score, drums=False)
    found = []
    for name in _NAMES:
        mine = [i for i in sounding if re.match(rf"\W*{name}", score.tracks[i].name.casefold())]
        found += mine[:1]
    if len(found) == 4:
        return found
    if len(sounding) != 4:
        return None
    return sorted(sounding, key=lambda i: -float(score.tracks[i].notes.numpy()["pitch"].astype(np.int64).mean()))


def at_onsets(lines: Sequence[Line]) -> IntArray:
    """What sounds at every onset of any of some lines: (n_onsets, n_lines), -1 where one rests.

    >>> high, low = (Line(*np.array(part)) for part in (([0, 2], [2, 4], [67, 65]), ([0], [4], [60])))
    >>> at_onsets([high, low]).tolist()
    [[67, 60], [65, 60]]
    """
    times = np.unique(np.concatenate([line.onset for line in lines]))
    sounding = np.stack([sounding_at(line, times) for line in lines], axis=1)
    return np.where(sounding == NONE, -1, sounding)


def _ticks(quarters: Fraction, tpq: int) -> int:
    return round(quarters * tpq)


def check_range(tune: Tune) -> None:
    """Raise EncodingError for a melody that no soprano sings, saying by how much to move it."""
    low, high = int(tune.line.pitch.min()), int(tune.line.pitch.max())
    if low >= LOWEST and high <= HIGHEST:
        return
    steps = (12, -12, 24, -24, *sorted(range(-36, 37), key=abs))
    moves = [step for step in steps if low + step >= LOWEST and high + step <= HIGHEST]
    span = f"{spell(LOWEST)} to {spell(HIGHEST)}"
    remedy = f"transpose it by {moves[0]:+d} semitones" if moves else "it spans more than one voice: name another part"
    raise EncodingError(
        f"the melody goes from {spell(low)} to {spell(high)}; expected a soprano, {span}, so that three voices "
        f"have room under it: {remedy}"
    )


def as_soprano(melody: Melody) -> Melody:
    """The melody moved by octaves to where sopranos sing."""
    octaves = 12 * round((72 - float(melody.pitch.mean())) / 12)
    later = np.where(melody.later == NONE, NONE, melody.later + octaves)
    return replace(melody, pitch=melody.pitch + octaves, lowest=melody.lowest + octaves, later=later)


def remarks_on(score: ScoreTick, tune: Tune) -> list[str]:
    """What people should know of how a score was read, in sentences."""
    found = [] if tune.why == "the only part" else [f"The melody is {tune.why}."]
    if tune.key.doubtful:
        found.append(f"No key is clear from the notes: {tune.key.key} was taken; --key names another.")
    elif tune.key.source != "printed":
        found.append(f"The key, {tune.key.key}, was heard from the notes; --key names another.")
    if len(sounding_parts(score)) > 1:
        found.append("The other parts stay beside the new ones; give the melody alone for these alone.")
    if not tune.phrases_printed:
        found.append("The score marks no phrases: they were heard at its long notes.")
    return found


def melody_alone(score: ScoreTick, part: str | int | None = None) -> ScoreTick:
    """A copy of a score with the melody's part alone, its phrase marks, and everything that is no part."""
    track = four[0] if part is None and (four := four_parts(score)) else choose_part(score, part).track
    ends = marks.phrase_ends(score, track)
    copy = score.copy()
    for i in reversed(range(len(copy.tracks))):
        if i != track:
            copy.tracks.pop(i)
    for i in reversed(range(len(copy.markers))):
        if copy.markers[i].text.startswith("phrase:"):
            copy.markers.pop(i)
    marks.add_phrase_ends(copy, 0, ends)
    return copy
