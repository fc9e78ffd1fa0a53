"""A melody on its beats: what harmony is chosen from.

A `Melody` has one *frame* a beat. Each holds the pitch that sounds as the beat begins; where the melody rests there,
its first note within the beat; where it rests all beat long, the pitch before, and `silent` says so. What else harmony
listens to are small numbers, one a frame: the beat's place in the bar, how near the end of the phrase is, how lately
the phrase began, and which pitch is struck within the beat.

Models hear a melody through `columns`: arrays by name, pitches beside them shifted in time, NONE where there are none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stochastic_music.models.harmony.mixture import NONE
from stochastic_music.protocols import BoolArray, IntArray

#: further from the end of a phrase, or from its beginning, all beats are alike
FAR, BEGUN = 4, 2


@dataclass(frozen=True, eq=False)
class Melody:
    """Frames of a melody, (n_frames,) each; see the module's article.

    `lowest` is the lowest pitch in the beat, `later` the last one struck within it or NONE, `place` the beat's place in
    its bar (0 the downbeat, 2 a strong beat, 1 a weak one, 3 the last), `to_end` the beats left to the onset of the
    phrase's last note (0 from there on), `since` the beats since the phrase began, `final` whether the phrase is the
    last. `tonic` is a pitch class.
    """

    pitch: IntArray
    lowest: IntArray
    later: IntArray
    silent: BoolArray
    struck: BoolArray
    place: IntArray
    to_end: IntArray
    since: IntArray
    final: BoolArray
    tonic: int
    minor: bool

    @classmethod
    def of(
        cls,
        pitch: Sequence[int] | IntArray,
        *,
        tonic: int = 0,
        minor: bool = False,
        place: Sequence[int] | IntArray | None = None,
        ends: Sequence[int] = (),
        lowest: Sequence[int] | IntArray | None = None,
        later: Sequence[int] | IntArray | None = None,
        struck: Sequence[bool] | BoolArray | None = None,
    ) -> Melody:
        """The melody of pitches a beat, NONE where it rests.

        `ends` are the frames where the last notes of phrases begin; the last note of all is one. Without `place` the
        last note is taken to begin on a downbeat of four. Leading rests take the first pitch.

        >>> melody = Melody.of([60, 62, NONE, 64, 60], ends=[1])
        >>> melody.pitch.tolist(), melody.to_end.tolist(), melody.since.tolist()
        ([60, 62, 62, 64, 60], [1, 0, 0, 1, 0], [0, 1, 2, 0, 1])
        """
        given = np.asarray(pitch, dtype=np.int64)
        n = len(given)
        silent = given == NONE
        filled = _filled(given)
        begins = np.append(True, filled[1:] != filled[:-1])[:n] if struck is None else np.asarray(struck, dtype=bool)
        last = int(np.flatnonzero(begins)[-1]) if begins.any() else 0
        spots = (np.arange(n) - last) % 4 if place is None else np.asarray(place, dtype=np.int64)
        to_end, since, final = _phrases(n, sorted({*ends, last} if n else set()), silent, begins)
        return cls(
            filled,
            filled if lowest is None else np.minimum(np.asarray(lowest, dtype=np.int64), filled),
            np.full(n, NONE) if later is None else np.asarray(later, dtype=np.int64),
            silent,
            begins,
            spots,
            to_end,
            since,
            final,
            tonic,
            minor,
        )

    def __len__(self) -> int:
        return len(self.pitch)

    @cached_property
    def columns(self) -> dict[str, IntArray]:
        """What models hear of each frame: (n_frames,) by name."""
        n = len(self)
        near = np.minimum(self.to_end, FAR)
        return {
            "S": self.pitch,
            "S1": self._shifted(1),
            "S2": self._shifted(2),
            "S3": self._shifted(3),
            "pS": self._shifted(-1),
            "ppS": self._shifted(-2),
            "later": self.later,
            "place": self.place,
            "strong": self.place % 2,
            "near": near,
            "end": near + (FAR + 1) * self.final,
            "begun": np.minimum(self.since, BEGUN),
            "minor": np.full(n, int(self.minor)),
            "tonic": np.full(n, 60 + (self.tonic + 6) % 12 - 6),
            "zero": np.zeros(n, dtype=np.int64),
        }

    def _shifted(self, by: int) -> IntArray:
        """The pitch `by` frames later, NONE beyond the ends."""
        places = np.arange(len(self)) + by
        inside = (places >= 0) & (places < len(self))
        return np.where(inside, self.pitch[np.clip(places, 0, max(len(self) - 1, 0))], NONE)


def _filled(pitch: IntArray) -> IntArray:
    """Rests with the pitch before them, leading ones with the first."""
    sounding = np.flatnonzero(pitch != NONE)
    if not len(sounding):
        return np.full(len(pitch), NONE)
    before = np.maximum(np.searchsorted(sounding, np.arange(len(pitch)), side="right") - 1, 0)
    filled: IntArray = pitch[sounding[before]]
    return filled


def _phrases(n: int, ends: Sequence[int], silent: BoolArray, begins: BoolArray) -> tuple[IntArray, IntArray, BoolArray]:
    """Beats to the end of the phrase and since its beginning, and whether it is the last."""
    to_end, since, final = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=bool)
    start = 0
    for end in ends:
        stop = end + 1
        while stop < n and (silent[stop] or not begins[stop]):
            stop += 1
        to_end[start:stop] = np.maximum(end - np.arange(start, stop), 0)
        since[start:stop] = np.arange(stop - start)
        final[start:stop] = end == ends[-1]
        start = stop
    return to_end, since, final
