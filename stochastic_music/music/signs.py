"""What stands around the notes of a score, read once: where many scores are read, asking each again takes time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from symusic.core import ScoreTick


class Signs(NamedTuple):
    """Ticks a quarter note and, each with its time in ticks, in the order of the score, what is printed.

    `meters` are (time, numerator, denominator), `keys` (time, sharps, 1 for minor), `tempos` (time, microseconds a
    quarter note), `markers` (time, text).
    """

    ticks_per_quarter: int
    meters: tuple[tuple[int, int, int], ...]
    keys: tuple[tuple[int, int, int], ...]
    tempos: tuple[tuple[int, int], ...]
    markers: tuple[tuple[int, str], ...]


def listed(items: Any) -> list[Any]:
    """The items of one of symusic's lists, taken by number: half as long as its iterator takes."""
    return [items[i] for i in range(len(items))]


def signs_of(score: ScoreTick) -> Signs:
    """The signs of a score."""
    return Signs(
        score.ticks_per_quarter,
        tuple([(s.time, s.numerator, s.denominator) for s in listed(score.time_signatures)]),
        tuple([(s.time, s.key, s.tonality) for s in listed(score.key_signatures)]),
        tuple([(s.time, s.mspq) for s in listed(score.tempos)]),
        tuple([(s.time, s.text) for s in listed(score.markers)]),
    )
