"""Labels that have a root, and pieces that have a tonic: what makes chords in all keys alike.

A label such as `C#m7` or `Db_M` is a root, spelled A .. G with its accidentals, and the rest, which is called its
*mode* here. `1 m7`, a pitch class and the rest after a space, will do as well. Labels that differ in the spelling of
their root alone are one label. Labels without a root (`N.C.`) go with the tonic: they are the same in all keys.

The tonic of a piece is estimated from what sounds in it, never from its labels: the distance of its pitch classes from
the profiles of 24 keys (`music.keys`), with a premium for the keys whose tonic triad ends the piece.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from stochastic_music.music.keys import key_distances
from stochastic_music.protocols import Observation

#: how a root is spelled that training never spelled
ROOTS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_LABEL = re.compile(r"([A-G])(##?|bb?|)(.*)", re.DOTALL)
_NUMBERED = re.compile(r"(\d|1[01])( .*)", re.DOTALL)
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
#: how much nearer a key counts whose tonic triad is the last to sound, in units of distances between keys
_PREMIUM = 0.1


class Tonic(NamedTuple):
    """The tonic of a piece, a pitch class, and whether its third is minor."""

    pitch_class: int
    minor: bool


class Rooted(NamedTuple):
    """A label taken apart; `root` is a pitch class, or None."""

    root: int | None
    mode: str

    def transposed(self, semitones: int) -> Rooted:
        """The same label, so many semitones higher."""
        return self if self.root is None else Rooted((self.root + semitones) % 12, self.mode)

    def __str__(self) -> str:
        if self.root is None:
            return self.mode
        return f"{self.root}{self.mode}" if self.mode.startswith(" ") else ROOTS[self.root] + self.mode


def parse_rooted(label: str) -> Rooted:
    """A label's root and mode.

    >>> parse_rooted("Dbm7"), parse_rooted("1 m7"), parse_rooted("N.C.")
    (Rooted(root=1, mode='m7'), Rooted(root=1, mode=' m7'), Rooted(root=None, mode='N.C.'))
    """
    if numbered := _NUMBERED.fullmatch(label):
        return Rooted(int(numbered[1]), numbered[2])
    match = _LABEL.fullmatch(label)
    if match is None:
        return Rooted(None, label)
    step, accidentals, mode = match.groups()
    return Rooted((_STEPS[step] + accidentals.count("#") - accidentals.count("b")) % 12, mode)


def spellings(labels: Iterable[str]) -> dict[Rooted, str]:
    """How each label is spelled most often, of equals the first of the alphabet.

    >>> spellings(["Db", "C#", "Db", "G"])[Rooted(1, "")]
    'Db'
    """
    found: dict[Rooted, str] = {}
    for label, _ in sorted(Counter(labels).items(), key=lambda item: (-item[1], item[0])):
        found.setdefault(parse_rooted(label), label)
    return found


def tonic_of(piece: Sequence[Observation]) -> Tonic:
    """The tonic that the pitch classes of a piece suggest; C major where nothing sounds.

    >>> tonic_of([{"pitch_classes": (7, 11, 2)}, {"pitch_classes": (0, 4, 7)}])
    Tonic(pitch_class=0, minor=False)
    """
    sounding = [[int(p) % 12 for p in event.get("pitch_classes", ())] for event in piece]
    weights = np.bincount([p for event in sounding for p in event], minlength=12).astype(np.float64)
    if not weights.any():
        return Tonic(0, False)
    distances = key_distances(weights / weights.sum())
    last = next(set(event) for event in reversed(sounding) if event)
    ends = [{p, (p + 7) % 12} <= last and bool({(p + 3) % 12, (p + 4) % 12} & last) for p in range(12)]
    index = int(np.argmin(distances - _PREMIUM * np.tile(ends, 2)))
    return Tonic(index % 12, index >= 12)


def lower(value: Any, semitones: int) -> Any:
    """A pitch class, or a series of them, so many semitones lower; a series ascends; other things stay as they are.

    >>> lower((0, 4, 7), 5), lower(2, 5), lower("outside", 5)
    ((2, 7, 11), 9, 'outside')
    """
    if hasattr(value, "tolist"):  # numbers and arrays of NumPy's
        value = value.tolist()
    if isinstance(value, int):
        return (value - semitones) % 12
    if isinstance(value, tuple | list | set | frozenset):
        return tuple(sorted(lower(item, semitones) for item in value))
    return value


def lowered(event: Observation, columns: Collection[str], semitones: int) -> Observation:
    """An observation with the pitch classes in `columns` so many semitones lower."""
    return {name: lower(value, semitones) if name in columns else value for name, value in event.items()}
