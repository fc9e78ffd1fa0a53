"""The rhythm of a melody, beat by beat: what fills each beat is one *cell*, a label that a model can learn.

A cell tells how a beat is divided: letters and lengths (units), from its start on.

    n12       a note for the whole beat
    n6 n6     two notes
    ~6 n6     the note before goes on for half of the beat, then another one
    r12       silence

A note that lasts longer than its beat goes on in the cells after it as `~`, once for each beat so far, up to eight:

    n12 ~12 ~~12 n12     a note of three beats, and one of one

so that a model that knows one cell back knows how long a note has lasted. Cells know no pitches. A series of them makes
sense where each `~` goes on with what came before: `may_follow`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stochastic_music.protocols import IntArray
from stochastic_music.tokens import Header

_NOTE, _HELD, _REST = "n", "~", "r"
#: beats beyond these are not counted
_MOST_HELD = 8


class Beat(NamedTuple):
    """One beat of a bar, in units; `place` is its number in the bar, from 0, `bar` the printed number."""

    start: int
    length: int
    place: int
    bar: int
    meter: str


def beat_length(numerator: int, denominator: int, resolution: int) -> int:
    """Units in a beat: three of the lower number in compound meters, else one.

    >>> beat_length(4, 4, 12), beat_length(6, 8, 12), beat_length(3, 8, 12), beat_length(2, 2, 12)
    (12, 18, 6, 24)
    """
    compound = numerator % 3 == 0 and numerator > 3 and denominator >= 8
    return (3 if compound else 1) * 4 * resolution // denominator


def beats(header: Header, end: int) -> list[Beat]:
    """The beats of a piece up to time `end` (units); those of a pickup are counted back from its bar line.

    >>> from stochastic_music.tokens import Meter
    >>> [(b.start, b.length, b.bar, b.place) for b in beats(Header(12, (Meter(0, 3, 4),), pickup=18), 54)]
    [(0, 6, 0, 1), (6, 12, 0, 2), (18, 12, 1, 0), (30, 12, 1, 1), (42, 12, 1, 2)]
    """
    starts, lengths, numbers = header.bar_spans()
    found: list[Beat] = []
    for i, meter in enumerate(header.meters):
        beat = beat_length(meter.numerator, meter.denominator, header.resolution)
        change = header.meters[i + 1].start if i + 1 < len(starts) else None
        begin = starts[i] if i else starts[0] - lengths[0] * -(-header.pickup // lengths[0])
        for start in range(begin, end if change is None else min(end, change), beat):
            bars, position = divmod(start - starts[i], lengths[i])
            first = max(start, 0)
            last = start + beat if change is None else min(start + beat, change)
            if last > first:
                found.append(Beat(first, last - first, position // beat, numbers[i] + bars, str(meter)))
    return found


def cells_of(onset: IntArray, duration: IntArray, along: Sequence[Beat]) -> list[str]:
    """The cell of each beat of notes that follow each other: onsets and durations (n,) in units.

    >>> along = [Beat(0, 12, 0, 1, "2/4"), Beat(12, 12, 1, 1, "2/4")]
    >>> cells_of(np.array([0, 6, 21]), np.array([6, 12, 3]), along)
    ['n6 n6', '~6 r3 n3']
    """
    ends = onset + duration
    cells: list[str] = []
    for beat in along:
        stop = beat.start + beat.length
        inside = np.flatnonzero((onset < stop) & (ends > beat.start))
        parts, reached = [], beat.start
        for i in inside.tolist():
            first, last = max(int(onset[i]), beat.start), min(int(ends[i]), stop)
            if first > reached:
                parts.append(f"{_REST}{first - reached}")
            begun = _held_after(cells[-1]) if onset[i] < beat.start else _NOTE
            parts.append(f"{begun}{last - first}")
            reached = last
        if reached < stop:
            parts.append(f"{_REST}{stop - reached}")
        cells.append(" ".join(parts))
    return cells


def notes_of(cells: Sequence[str], along: Sequence[Beat]) -> tuple[IntArray, IntArray]:
    """Onsets and durations (n,) in units: the inverse of `cells_of`.

    >>> along = [Beat(0, 12, 0, 1, "2/4"), Beat(12, 12, 1, 1, "2/4")]
    >>> [column.tolist() for column in notes_of(["n6 n6", "~6 r3 n3"], along)]
    [[0, 6, 21], [6, 12, 3]]
    """
    onset: list[int] = []
    duration: list[int] = []
    for cell, beat in zip(cells, along, strict=True):
        time = beat.start
        for part in cell.split():
            length = _length(part)
            if part[0] == _NOTE:
                onset.append(time)
                duration.append(length)
            elif part[0] == _HELD:
                duration[-1] += length
            time += length
    return np.array(onset, dtype=np.int64), np.array(duration, dtype=np.int64)


def cell_length(cell: str) -> int:
    """Units that a cell fills.

    >>> cell_length("~6 r3 n3")
    12
    """
    return sum(map(_length, cell.split()))


def begins_held(cell: str) -> bool:
    """Whether a cell goes on with the note before it."""
    return cell.startswith(_HELD)


def may_follow(before: str, after: str) -> bool:
    """Whether `after` makes sense right after `before`: a note goes on only where one has sounded up to the end.

    >>> may_follow("n12", "~6 n6"), may_follow("n6 r6", "~6 n6"), may_follow("~12", "~6 n6"), may_follow("~12", "~~12")
    (True, False, False, True)
    """
    return not begins_held(after) or after.split(maxsplit=1)[0].rstrip("0123456789") == _held_after(before)


def _held_after(cell: str) -> str:
    """How a note that ends `cell` is written when it goes on; an empty text for a rest.

    >>> _held_after("n12"), _held_after("~12"), _held_after("~6 n6"), _held_after("r12")
    ('~', '~~', '~', '')
    """
    last = cell.rsplit(maxsplit=1)[-1].rstrip("0123456789")
    if last == _REST:
        return ""
    return _HELD * min(last.count(_HELD) + 1, _MOST_HELD)


def _length(part: str) -> int:
    return int(part.lstrip(_NOTE + _HELD + _REST))
