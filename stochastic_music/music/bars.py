"""The bars of a score as printed: where each begins, how long it is, and its number.

A pickup is bar 0 and the first full bar is bar 1. A new time signature starts a new bar, and cuts
the one before it short if it has to. Times are quarter notes as exact fractions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stochastic_music.errors import EncodingError
from stochastic_music.music import marks

if TYPE_CHECKING:
    from symusic.core import ScoreTick, TrackTick


class Bar(NamedTuple):
    """One printed bar; `start` and `length` in quarter notes."""

    number: int
    start: Fraction
    length: Fraction
    numerator: int
    denominator: int

    @property
    def end(self) -> Fraction:
        """Where the next bar starts."""
        return self.start + self.length

    @property
    def nominal(self) -> Fraction:
        """The length of a full bar of this meter, which a pickup or a bar cut short does not reach."""
        return Fraction(4 * self.numerator, self.denominator)


def bars(score: ScoreTick) -> list[Bar]:
    """The bars up to the end of the last note, at least one; raises EncodingError for a meter nobody can print.

    >>> from symusic import Note, Score, TimeSignature, Track
    >>> score = Score(480)
    >>> score.time_signatures.append(TimeSignature(0, 3, 4))
    >>> score.tracks.append(Track(notes=[Note(0, 480 * 4, 60, 80)]))
    >>> [(bar.number, int(bar.start), int(bar.end)) for bar in bars(score)]
    [(1, 0, 3), (2, 3, 6)]
    """
    quarter = score.ticks_per_quarter
    end = Fraction(max((_end(track) for track in score.tracks), default=0), quarter)
    meters = _meters(score)
    pickup = Fraction(marks.pickup(score), quarter)
    out: list[Bar] = []
    for (start, *meter), stop in zip(meters, [*(m[0] for m in meters[1:]), None], strict=True):
        first = Bar(out[-1].number + 1 if out else 1, start, Fraction(4 * meter[0], meter[1]), *meter)
        if not out and 0 < pickup < first.length:
            out.append(first._replace(number=0, length=pickup))
            first = first._replace(start=start + pickup)
        out += _run(first, stop, end)
    return out


def _run(bar: Bar, stop: Fraction | None, end: Fraction) -> Iterator[Bar]:
    """Bars like `bar` up to the next time signature, the last cut short by it, or to the end of the music."""
    limit = stop if stop is not None else max(end, bar.start + Fraction(1, 64))
    while bar.start < limit:
        yield bar if stop is None else bar._replace(length=min(bar.length, stop - bar.start))
        bar = bar._replace(number=bar.number + 1, start=bar.end)


def bar_at(printed: list[Bar], time: Fraction) -> Bar:
    """The bar in which `time` (quarter notes) lies; the last one from its start on."""
    return printed[max(bisect_right(printed, time, key=lambda bar: bar.start) - 1, 0)]


def _end(track: TrackTick) -> int:
    """Where the last note stops, in ticks; controllers and pedals do not count."""
    notes = track.notes.numpy()
    return int((notes["time"].astype(np.int64) + notes["duration"]).max(initial=0))


def _meters(score: ScoreTick) -> list[tuple[Fraction, int, int]]:
    signatures = {int(s.time): (int(s.numerator), int(s.denominator)) for s in score.time_signatures}
    ordered = sorted({0: (4, 4), **signatures}.items())
    for time, (numerator, denominator) in ordered:
        if not 1 <= numerator <= 255 or denominator not in (1, 2, 4, 8, 16, 32, 64):
            raise EncodingError(
                f"the time signature at tick {time} is {numerator}/{denominator}; "
                "expected 1 to 255 over 1, 2, 4, 8, 16, 32 or 64: correct it in the file"
            )
    changes = [
        item for item, last in zip(ordered, [None, *ordered], strict=False) if last is None or item[1] != last[1]
    ]
    return [(Fraction(time, score.ticks_per_quarter), *meter) for time, meter in changes]
