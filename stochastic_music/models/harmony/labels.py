"""Labels of chords in four voices: bass and root as degrees above the tonic, and a quality.

What four voices sound is labelled by `best_chord` of the notes above their bass, so that the label of a voicing
depends on its intervals alone. Labels are degrees: in G, G/B is (4, 0, "maj").
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from stochastic_music.models.harmony.mixture import NONE
from stochastic_music.music.chords import COMMON_QUALITIES, Chord, best_chord
from stochastic_music.protocols import IntArray


class Label(NamedTuple):
    """Semitones of bass and root above the tonic, and the quality."""

    bass: int
    root: int
    quality: str

    def chord(self, tonic: int) -> Chord:
        """The chord that the label names above a tonic."""
        root, bass = (self.root + tonic) % 12, (self.bass + tonic) % 12
        return Chord(root, self.quality, None if bass == root else bass)


@functools.cache
def _above_bass(mask: int) -> tuple[int, str] | None:
    """Root and quality of a set of semitones above the bass, bit i for i semitones; None where it is no chord."""
    found = best_chord([i for i in range(12) if mask >> i & 1], bass=0)
    return (found.root, found.quality) if found is not None else None


def masks(voices: IntArray) -> IntArray:
    """The semitones above the bass that sound, a bit each: voices (n, 4) from the top -> (n,)."""
    found: IntArray = np.bitwise_or.reduce(1 << ((voices - voices[:, -1:]) % 12), axis=1)
    return found


def label_of(mask: int, bass: int, tonic: int) -> Label | None:
    """The label of a set of notes above a bass pitch; None where they are no chord.

    >>> label_of(0b000010001001, 67, 67), label_of(0b1, 60, 60)
    (Label(bass=0, root=0, quality='min'), None)
    """
    found = _above_bass(mask)
    if found is None:
        return None
    degree = (bass - tonic) % 12
    return Label(degree, (degree + found[0]) % 12, found[1])


@dataclass(frozen=True)
class Alphabet:
    """The labels that a skeleton knows; number `other` stands for all that it does not."""

    labels: tuple[Label, ...]

    @classmethod
    def of(cls, found: Iterable[Label | None], at_least: int) -> Alphabet:
        """The labels that came so often, the most frequent first."""
        counts = Counter(label for label in found if label is not None)
        kept = sorted((-times, label) for label, times in counts.items() if times >= at_least)
        return cls(tuple(label for _, label in kept))

    @property
    def other(self) -> int:
        """The number of every other chord."""
        return len(self.labels)

    @property
    def n(self) -> int:
        """How many numbers there are."""
        return len(self.labels) + 1

    @cached_property
    def _number(self) -> dict[Label | None, int]:
        return {label: i for i, label in enumerate(self.labels)}

    def number(self, label: Label | None) -> int:
        """The number of a label."""
        return self._number.get(label, self.other)

    def numbers(self, voices: IntArray, tonic: int | IntArray) -> IntArray:
        """The numbers of voicings, (n, 4) from the top, above `tonic` (a number, or (n,)): (n,)."""
        bass = voices[:, -1]
        keys = masks(voices) * 12 + (bass - tonic) % 12
        different, place = np.unique(keys, return_inverse=True)
        found = [self.number(label_of(key // 12, key % 12, 0)) for key in different.tolist()]
        return np.array(found, dtype=np.int64)[place]

    def columns(self, number: IntArray, tonic: IntArray) -> dict[str, IntArray]:
        """What voices hear of a chord: its number, its quality, and its bass and root as low pitches; (n,) each."""
        bass, root, quality = self._table[number].T
        unknown = number == self.other
        return {
            "label": number,
            "quality": quality,
            "bass": np.where(unknown, NONE, bass + tonic - 12),
            "root": np.where(unknown, NONE, root + tonic - 12),
        }

    @cached_property
    def _table(self) -> IntArray:
        """Degrees of bass and root, and the number of the quality: (n, 3), the last row NONE."""
        rows = [(label.bass, label.root, COMMON_QUALITIES.index(label.quality)) for label in self.labels]
        return np.array([*rows, (NONE, NONE, NONE)], dtype=np.int64)
