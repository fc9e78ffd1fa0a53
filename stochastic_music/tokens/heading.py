"""Headers read off scores, and written into them.

What travels, and how:

    meters, pickup   as printed; a meter that changes nothing is dropped
    key              the first printed key, spelled; later ones are counted as a loss
    tempos           the first tempo (120 where there is none) and every change of it
    velocity         the median of the encoded notes, given to every note on the way back
    parts            name, program, drums

The title stays with the piece: a `symusic.Score` has no place for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from stochastic_music.errors import EncodingError
from stochastic_music.music import marks
from stochastic_music.music.keys import Key, format_key, mark_key, parse_key, stated_key
from stochastic_music.music.signs import Signs, signs_of
from stochastic_music.protocols import IntArray
from stochastic_music.tokens.grid import Grid, Timeline
from stochastic_music.tokens.header import Header, Part

if TYPE_CHECKING:
    from symusic.core import ScoreTick, TrackTick

#: Ticks a quarter note of the scores we write, wherever that is a multiple of the grid's units.
TICKS = 480


def timeline_of(score: ScoreTick, grid: Grid) -> Timeline:
    """The bars of a score on a grid; raises EncodingError where they do not fit, or time is not in ticks."""
    from symusic.core import ScoreTick

    if not isinstance(score, ScoreTick) or score.ticks_per_quarter < 1:
        raise EncodingError(f"{score!r} does not count time in ticks; convert it with score.to('tick')")
    return timeline_under(signs_of(score), grid)


def timeline_under(signs: Signs, grid: Grid) -> Timeline:
    """As `timeline_of`, from the signs of a score whose time is in ticks."""
    pickup = marks.pickup_among([text for _, text in signs.markers]) if signs.markers else 0
    return _timeline(grid, signs.ticks_per_quarter, pickup, signs.meters)


@lru_cache(maxsize=1024)
def _timeline(grid: Grid, tpq: int, pickup: int, signatures: tuple[tuple[int, int, int], ...]) -> Timeline:
    """A timeline, shared by scores that have their bars in common; it never changes."""
    meters = sorted(signatures)
    if not meters or meters[0][0] > pickup:
        meters.insert(0, (0, 4, 4))
    # The first signature holds in the pickup, too, where it is printed after it.
    meters[0] = (0, *meters[0][1:])
    return Timeline(grid, tpq, pickup=pickup, meters=meters)


def header_of(signs: Signs, timeline: Timeline, tracks: Sequence[TrackTick], velocity: int) -> Header:
    """What `tracks` of a score with these signs stand under; `velocity` is the `median_velocity` of their notes."""
    parts = tuple([Part(track.name, track.program, track.is_drum) for track in tracks])
    tempos = _tempos(signs.tempos, timeline)
    return _header(
        (timeline.grid.resolution, timeline.meters, timeline.pickup, _key(signs), 0, tempos, velocity, parts)
    )


@lru_cache(maxsize=4096)
def _header(values: tuple[Any, ...]) -> Header:
    """A header, shared by pieces that stand under the same."""
    return Header(*values)


def median_velocity(velocities: IntArray) -> int:
    """The upper median of MIDI velocities, (n,), 80 for none."""
    return int(np.sort(velocities)[len(velocities) // 2]) if len(velocities) else 80


def blank_score(header: Header) -> ScoreTick:
    """A score with everything that `header` says and no tracks; `TICKS` a quarter note where that fits."""
    from symusic.core import ScoreTick, TempoTick, TimeSignatureTick

    ticks = ticks_per_unit(header)
    score = ScoreTick(ticks * header.resolution)
    for meter in header.meters:
        score.time_signatures.append(TimeSignatureTick(meter.start * ticks, meter.numerator, meter.denominator))
    for time, quarters in header.tempos:
        score.tempos.append(TempoTick(time=time * ticks, qpm=quarters))
    if header.key is not None:
        _write_key(score, parse_key(header.key))
    marks.set_pickup(score, header.pickup * ticks)
    return score


def ticks_per_unit(header: Header) -> int:
    """Ticks that a unit of `header` takes in the scores we write."""
    return max(1, TICKS // header.resolution)


def add_track(score: ScoreTick, header: Header, place: int, notes: tuple[IntArray, IntArray, IntArray]) -> int:
    """Append part `place` of `header` with notes (onset, duration, pitch) in units; gives its track index."""
    from symusic.core import NoteTickList, TrackTick

    part = header.parts[place] if place < len(header.parts) else Part()
    ticks = ticks_per_unit(header)
    onset, duration, pitch = notes
    track = TrackTick(part.name, part.program, part.is_drum)
    velocity = np.full(len(onset), min(max(header.velocity, 1), 127), dtype=np.int8)
    track.notes = NoteTickList.from_numpy(
        (onset * ticks).astype(np.int32), (duration * ticks).astype(np.int32), pitch.astype(np.int8), velocity
    )
    score.tracks.append(track)
    return len(score.tracks) - 1


def _key(signs: Signs) -> str | None:
    printed = stated_key(signs)
    if printed is None and signs.keys:
        _, sharps, _ = min(signs.keys, key=itemgetter(0))
        printed = Key(sharps)
    return format_key(printed) if printed else None


def _write_key(score: ScoreTick, key: Key) -> None:
    from symusic.core import KeySignatureTick

    if key.mode in ("major", "minor"):
        score.key_signatures.append(KeySignatureTick(0, key.sharps, int(key.is_minor)))
    else:
        mark_key(score, key)


def _tempos(found: tuple[tuple[int, int], ...], timeline: Timeline) -> tuple[tuple[int, float], ...]:
    """Tempos as headers have them, from their times in ticks and microseconds a quarter note."""
    if any(time for time, _ in found):
        units = timeline.nearest(np.array([time for time, _ in found], dtype=np.int64)).tolist()
        found = tuple([(unit, mspq) for unit, (_, mspq) in zip(units, found, strict=True)])
    return _quarters_a_minute(found)


@lru_cache(maxsize=4096)
def _quarters_a_minute(tempos: tuple[tuple[int, int], ...]) -> tuple[tuple[int, float], ...]:
    """Tempos given in microseconds a quarter note, behind the usual one."""
    # Three places bring back what was written: MIDI keeps whole microseconds a quarter note.
    return tidy_tempos([(0, 120.0), *((time, round(6e7 / mspq, 3)) for time, mspq in tempos if mspq > 0)])


def tidy_tempos(tempos: Sequence[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    """Tempos in order: the last of several at one time holds, one that changes nothing goes."""
    latest = sorted(dict(tempos).items())
    return tuple(t for i, t in enumerate(latest) if i == 0 or t[1] != latest[i - 1][1])
