"""Notes of a track as arrays on the grid, and one voice out of many. Times are units of the grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.tokens.grid import Timeline, tidy_meters
from stochastic_music.tokens.header import Header
from stochastic_music.tokens.heading import tidy_tempos
from stochastic_music.tokens.loss import EncodingLoss

if TYPE_CHECKING:
    from symusic.core import TrackTick


class Notes(NamedTuple):
    """Notes by onset, chords from the top down, longest first: each (n,) int64."""

    onset: IntArray
    end: IntArray
    pitch: IntArray
    velocity: IntArray

    def where(self, keep: BoolArray | IntArray) -> Notes:
        """The notes that `keep` picks."""
        return Notes(*(column[keep] for column in self))

    def until(self, end: IntArray) -> Notes:
        """The same notes with other ends."""
        return self._replace(end=end)


def read_notes(track: TrackTick, timeline: Timeline) -> tuple[Notes, EncodingLoss]:
    """The notes of a track on the grid, none of them of length zero, and what the grid cost."""
    raw = track.notes.numpy()
    ticks = np.empty((2, len(raw["time"])), dtype=np.int64)
    ticks[0] = raw["time"]
    np.add(ticks[0], raw["duration"], out=ticks[1])
    units = timeline.units(ticks)
    loss = _grid_loss(timeline.error(ticks, units), timeline)
    onset, end = units
    short = end <= onset
    if short.any():
        end[short] = timeline.after(onset[short])
    pitch = raw["pitch"].astype(np.int64)
    return in_order(Notes(onset, end, pitch, raw["velocity"].astype(np.int64))), loss


def joined(parts: Sequence[Notes]) -> Notes:
    """The notes of several parts as one."""
    return in_order(Notes(*(np.concatenate(columns) for columns in zip(*parts, strict=True))))


def in_order(notes: Notes) -> Notes:
    """The notes by onset, then from the top down, then the longest first."""
    if (notes.onset[1:] > notes.onset[:-1]).all():
        return notes
    return notes.where(np.lexsort((-notes.end, -notes.pitch, notes.onset)))


def skyline(notes: Notes) -> tuple[Notes, EncodingLoss]:
    """One voice: the highest note of each onset, without those that end under a higher one.

    Each ends as the next begins. This is the rule of Uitdenbogerd and Zobel [1] with one exception: an
    accompaniment that moves under a held note does not cut it.

    [1] A. Uitdenbogerd, J. Zobel. Melodic matching techniques for large music databases. ACM Multimedia 1999.
    """
    if (notes.onset[1:] >= notes.end[:-1]).all():
        return notes, EncodingLoss(n_notes=len(notes.onset))
    top = notes.where(np.flatnonzero(~_covered(notes)))
    end = np.minimum(top.end, np.append(top.onset[1:], np.iinfo(np.int64).max))
    hidden = len(notes.onset) - len(top.onset)
    return top.until(end), EncodingLoss(len(top.onset), hidden, int((end < top.end).sum()))


def without_unisons(notes: Notes) -> tuple[Notes, EncodingLoss]:
    """No pitch twice at a time: a note ends where its pitch is struck again, and of twins the longer one stays."""
    by_pitch = notes.where(np.lexsort((-notes.end, notes.onset, notes.pitch)))
    same = by_pitch.pitch[1:] == by_pitch.pitch[:-1]
    twin = np.append(False, same & (by_pitch.onset[1:] == by_pitch.onset[:-1]))
    single = by_pitch.where(~twin)
    again = np.append(single.pitch[1:] == single.pitch[:-1], False)
    limit = np.where(again, np.append(single.onset[1:], 0), np.iinfo(np.int64).max)
    end = np.minimum(single.end, limit)
    loss = EncodingLoss(len(single.onset), int(twin.sum()), int((end < single.end).sum()))
    return in_order(single.until(end)), loss


def last_of_phrases(notes: Notes, timeline: Timeline, ticks: Sequence[int]) -> BoolArray:
    """Which notes end a phrase: those that begin at, or latest before, the marked ticks."""
    ends = np.zeros(len(notes.onset), dtype=bool)
    if len(ticks):
        marked = timeline.units(np.array(ticks, dtype=np.int64))
        ends[np.maximum(np.searchsorted(notes.onset, marked, side="right") - 1, 0)] = True
    return ends


class Removal(NamedTuple):
    """Stretches of time to take out: each starts at `start` and is `length` long, in units."""

    start: IntArray
    length: IntArray

    def __call__(self, times: IntArray) -> IntArray:
        """Where `times` lie once the stretches are gone."""
        gone = np.clip(times[:, None] - self.start, 0, self.length).sum(axis=1)
        left: IntArray = times - gone
        return left

    def of_header(self, header: Header) -> Header:
        """The header of the shortened piece."""
        starts = self(np.array([meter.start for meter in header.meters])).tolist()
        times = self(np.array([time for time, _ in header.tempos])).tolist()
        return replace(
            header,
            meters=tidy_meters([m._replace(start=s) for m, s in zip(header.meters, starts, strict=True)]),
            pickup=int(self(np.array([header.pickup]))[0]),
            tempos=tidy_tempos([(t, q) for t, (_, q) in zip(times, header.tempos, strict=True)]),
        )


def long_gaps(begin: IntArray, end: IntArray, silent_from: IntArray, limit: int, header: Header) -> Removal | None:
    """What to take out so that no gap from `begin` to `end` is longer than `limit`: whole bars where they fit.

    Only silence goes (from `silent_from` to `end`), and what follows keeps its place in the bar.
    """
    long = np.flatnonzero(end - begin > limit)
    if not len(long):
        return None
    surplus = end - begin - limit
    stretches = [_stretch(int(silent_from[i]), int(end[i]), int(surplus[i]), header) for i in long]
    return Removal(*np.array(stretches, dtype=np.int64).T)


def without_silence_before(begin: int, header: Header) -> Header:
    """The header of a piece whose first `begin` units are taken out; what is left of that bar is a pickup."""
    shortened = Removal(np.array([0]), np.array([begin])).of_header(header)
    if begin <= header.pickup:
        return shortened
    starts, lengths, _ = header.bar_spans()
    span = max(i for i, start in enumerate(starts) if start <= begin)
    return replace(shortened, pickup=(starts[span] - begin) % lengths[span])


def _stretch(begin: int, end: int, surplus: int, header: Header) -> tuple[int, int]:
    """Start and length of the time to take out of a silence: the bars before the one in which it ends."""
    starts, lengths, _ = header.bar_spans()
    span = max((i for i, start in enumerate(starts) if start <= end), default=0)
    bars = -(-surplus // lengths[span]) * lengths[span]
    length = bars if bars <= end - begin else surplus
    return max(begin, end - (end - starts[span]) % lengths[span] - length), length


def _covered(notes: Notes) -> BoolArray:
    """Notes that a higher one, or an equal one before it in order, outlasts."""
    covered = np.zeros(len(notes.onset), dtype=bool)
    sounding: list[tuple[int, int]] = []
    latest = -1
    for i, (onset, end, pitch, _) in enumerate(zip(*(column.tolist() for column in notes), strict=True)):
        sounding = [(e, p) for e, p in sounding if e > onset]
        covered[i] = onset == latest or any(e >= end and p >= pitch for e, p in sounding)
        if not covered[i]:
            sounding.append((end, pitch))
            latest = onset
    return covered


def _grid_loss(error: IntArray, timeline: Timeline) -> EncodingLoss:
    off_grid, ends_moved = (error >= timeline.grid.resolution).sum(axis=1).tolist()
    return EncodingLoss(
        off_grid=off_grid,
        ends_moved=ends_moved,
        error_sum=float(error[0].sum()) / timeline.error_scale,
        error_max=float(error[0].max(initial=0)) / timeline.error_scale,
    )
