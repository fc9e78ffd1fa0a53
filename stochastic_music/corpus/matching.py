"""What it means that two runs of notes are copies of each other.

A *run* is a row of neighboring notes of a line (`corpus.lines`). Two runs of equal length are compared in one of four
ways (`Matching`):

    interval   the same distances from pitch to pitch, so that a transposed quotation counts
    pitch      the same pitches
    rhythm     with it, durations and distances between onsets must agree too; without it, pitches alone count

A run is written as its *steps*, each note described with the one before it: two runs of n notes are copies if their
n - 1 steps are equal, and single notes if duration (with rhythm) and pitch (by pitch) are. Everybody who speaks of
copies in this package, measuring or forbidding them, reads notes through this module, so that all mean the same.

    >>> from stochastic_music.corpus.lines import Line
    >>> tune = Line.of("tune", onset=[0, 1, 2], duration=[1, 1, 2], pitch=[60, 62, 64])
    >>> Matching("interval", rhythm=False).steps(tune).tolist()
    [[2, 2]]
    >>> Matching("pitch").steps(tune)[:, 1].tolist()  # from D to E, one unit later, of one unit and of two
    [62, 64, 1, 1, 2]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from stochastic_music.corpus.lines import Line
from stochastic_music.errors import UnknownNameError
from stochastic_music.protocols import BoolArray, IntArray


class Pairs(NamedTuple):
    """Notes and those before them, pair by pair: (n,) each; `gap` is from onset to onset."""

    pitch_before: IntArray
    pitch: IntArray
    gap: IntArray
    duration_before: IntArray
    duration: IntArray


@dataclass(frozen=True)
class Matching:
    """A way in which runs are compared: by "interval" or "pitch", with `rhythm` or without.

    Raises UnknownNameError for another way.
    """

    pitch: Literal["interval", "pitch"] = "interval"
    rhythm: bool = True

    def __post_init__(self) -> None:
        if self.pitch not in ("interval", "pitch"):
            raise UnknownNameError("way of comparing notes", self.pitch, ("interval", "pitch"))

    @property
    def key(self) -> str:
        """One word: interval, pitch, interval_rhythm or pitch_rhythm."""
        return f"{self.pitch}_rhythm" if self.rhythm else self.pitch

    def __str__(self) -> str:
        name = "intervals" if self.pitch == "interval" else "pitches"
        return f"{name} and rhythm" if self.rhythm else name

    def steps(self, line: Line) -> IntArray:
        """Each note but the first, described with the one before it: (n_rows, n - 1)."""
        pitch, duration = line.pitch, line.duration
        return self.steps_of(Pairs(pitch[:-1], pitch[1:], np.diff(line.onset), duration[:-1], duration[1:]))

    def steps_of(self, pairs: Pairs) -> IntArray:
        """One column a pair: (n_rows, n)."""
        pitch = [pairs.pitch_before, pairs.pitch] if self.pitch == "pitch" else [pairs.pitch - pairs.pitch_before]
        return np.stack([*pitch, pairs.gap, pairs.duration_before, pairs.duration] if self.rhythm else pitch)

    def notes(self, line: Line) -> IntArray:
        """Each note by itself: (n_rows, n)."""
        return self.notes_of(line.pitch, line.duration)

    def notes_of(self, pitch: IntArray, duration: IntArray) -> IntArray:
        """One column a note: (n_rows, n)."""
        known = pitch if self.pitch == "pitch" else np.zeros_like(pitch)
        return np.stack([duration, known] if self.rhythm else [known])


#: transposed copies count, and rhythm does: what is meant where nothing is said
USUAL = Matching()
#: the four ways of comparing
WAYS = (Matching("pitch", rhythm=False), Matching("interval", rhythm=False), Matching("pitch"), USUAL)


class Alphabet:
    """Numbers for the distinct columns of a table (n_rows, n), dense, in order.

    >>> alphabet = Alphabet(np.array([[5, 5, 2], [1, 1, 1]]))
    >>> alphabet.size, alphabet.ids(np.array([[2, 5, 5], [1, 1, 0]])).tolist()
    (2, [0, 1, -1])
    """

    def __init__(self, table: IntArray) -> None:
        self._levels: list[tuple[IntArray, IntArray]] = []
        ids = np.zeros(table.shape[1], dtype=np.int64)
        for row in table:
            values, place = np.unique(row, return_inverse=True)
            keys, ids = np.unique(ids * max(len(values), 1) + place, return_inverse=True)
            self._levels.append((values, keys))
        self.size = len(self._levels[-1][1])

    def ids(self, table: IntArray) -> IntArray:
        """The number of each column, -1 for one never seen: (n,)."""
        ids, known = np.zeros(table.shape[1], dtype=np.int64), np.ones(table.shape[1], dtype=bool)
        for row, (values, keys) in zip(table, self._levels, strict=True):
            place, seen = find(values, row)
            ids, also = find(keys, ids * max(len(values), 1) + place)
            known &= seen & also
        return np.where(known, ids, -1)


def find(ordered: IntArray, wanted: IntArray) -> tuple[IntArray, BoolArray]:
    """The place of each of `wanted` in an ascending array, and whether it is there: (n,) each."""
    if not len(ordered):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    place = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1).astype(np.int64)
    return place, np.asarray(ordered[place] == wanted)
