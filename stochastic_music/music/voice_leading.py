"""Voice leading in four parts: what teachers of harmony mark, counted.

Voices are arrays of MIDI pitches, (..., 4) from the top: soprano, alto, tenor, bass; below 0 a voice is silent, and
says nothing. A rule counts its breaches in a chord, or in the step from one chord to the next:

    parallel_fifths, parallel_octaves    two voices move from a perfect fifth (an octave, a unison) to another
    direct_fifths, direct_octaves        soprano and bass move the same way into one, the soprano by a leap
    crossing                             a voice sounds below the one beneath it
    overlap                              a voice goes beyond where its neighbour has just been
    range                                alto outside 50 to 76, tenor 45 to 69, bass 36 to 62
    spacing                              more than an octave between soprano and alto, or alto and tenor
    doubled_leading_note                 two voices have the note a semitone below the tonic
    unresolved_leading_note              it does not rise to the tonic as the tonic chord comes; inner voices may
                                         fall to the fifth instead
    unresolved_suspension                a fourth above the bass of a suspended chord does not stay, or fall by a step
    unresolved_seventh                   the seventh of a chord does not stay, or fall by a step
    augmented_second                     a lower voice steps between the sixth and the leading note of a minor key
    leap                                 a lower voice leaps by a tritone, a seventh, or more than an octave

`count(name, before, now, context)` broadcasts: it counts rules for two rows of chords as it does for all pairs of many
candidates. `report` counts all of them along a piece, `cadence` names a close.

The rules are those that textbooks [1] agree on; Bach breaks most of them now and then, which is why counts are shown
beside his.

[1] E. Aldwell, C. Schachter, A. Cadwallader. Harmony and Voice Leading. Cengage, 5th edition 2018.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from stochastic_music.errors import UnknownNameError
from stochastic_music.music.chords import Chord, best_chord
from stochastic_music.protocols import BoolArray, IntArray

#: lowest and highest pitch of each voice, from the top; melodies may go where they like
RANGES: Mapping[str, tuple[int, int]] = {"soprano": (0, 127), "alto": (50, 76), "tenor": (45, 69), "bass": (36, 62)}
VOICES = tuple(RANGES)
#: pairs of voices, from the top
PAIRS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))

#: semitones from root to seventh
_SEVENTHS = {"7": 10, "min7": 10, "hdim7": 10, "maj7": 11, "dim7": 9}

Cadence: TypeAlias = Literal["authentic", "half", "plagal", "deceptive", "authentic elsewhere", "other"]


class Context(NamedTuple):
    """The tonic as a pitch class, and whether the key is minor."""

    tonic: int
    minor: bool = False

    @property
    def leading(self) -> int:
        """The pitch class of the leading note."""
        return (self.tonic + 11) % 12


def _sound(*pitches: IntArray) -> BoolArray:
    """Where all of them are pitches."""
    sounding: BoolArray = np.minimum.reduce(np.broadcast_arrays(*pitches)) >= 0
    return sounding


def _parallels(before: IntArray, now: IntArray, interval: int) -> IntArray:
    total: IntArray = np.zeros(np.broadcast_shapes(before.shape, now.shape)[:-1], dtype=np.int64)
    for high, low in PAIRS:
        a, b, c, d = before[..., high], before[..., low], now[..., high], now[..., low]
        perfect = ((a - b) % 12 == interval) & ((c - d) % 12 == interval)
        total = total + (perfect & (a != c) & (b != d) & _sound(a, b, c, d))
    return total


def _direct(before: IntArray, now: IntArray, interval: int) -> IntArray:
    a, b, c, d = before[..., 0], before[..., 3], now[..., 0], now[..., 3]
    alike = (np.sign(c - a) == np.sign(d - b)) & (c != a)
    new = ((c - d) % 12 == interval) & ((a - b) % 12 != interval)
    return np.asarray(alike & new & (np.abs(c - a) > 2) & _sound(a, b, c, d), dtype=np.int64)


def _crossing(now: IntArray) -> IntArray:
    found: IntArray = ((now[..., :-1] < now[..., 1:]) & (now[..., 1:] >= 0) & (now[..., :-1] >= 0)).sum(axis=-1)
    return found


def _overlap(before: IntArray, now: IntArray) -> IntArray:
    above = (now[..., 1:] > before[..., :-1]) & _sound(now[..., 1:], before[..., :-1])
    below = (now[..., :-1] < before[..., 1:]) & _sound(now[..., :-1], before[..., 1:])
    found: IntArray = (above | below).sum(axis=-1)
    return found


def _range(now: IntArray) -> IntArray:
    low, high = np.array(list(RANGES.values())).T
    found: IntArray = (((now < low) | (now > high)) & (now >= 0)).sum(axis=-1)
    return found


def _spacing(now: IntArray) -> IntArray:
    found: IntArray = ((now[..., :2] - now[..., 1:3] > 12) & (now[..., 1:3] >= 0)).sum(axis=-1)
    return found


def _doubled(now: IntArray, context: Context) -> IntArray:
    found: IntArray = (((now % 12 == context.leading) & (now >= 0)).sum(axis=-1) > 1).astype(np.int64)
    return found


def _unresolved(before: IntArray, now: IntArray, context: Context) -> IntArray:
    degrees = (now - context.tonic) % 12
    home = np.isin(degrees, (0, 3, 4, 7)).all(axis=-1) & (degrees[..., 3] == 0) & (now >= 0).all(axis=-1)
    pull = (before % 12 == context.leading) & (before >= 0)
    dominant = np.isin((before - context.tonic) % 12, (2, 5, 7, 8, 11)).all(axis=-1) & (before >= 0).all(axis=-1)
    move = now - before
    resolved = np.isin(move, (1, -11, 13))
    inner = np.array([False, True, True, False])
    found: IntArray = (pull & ~resolved & ~(inner & np.isin(move, (-4, 8)))).sum(axis=-1)
    at_closes: IntArray = found * (home & dominant)
    return at_closes


@functools.cache
def _tension(mask: int) -> tuple[int, int]:
    """Of the notes above a bass, bit i for i semitones: which is a suspended fourth, which a seventh; -1 for none."""
    found = best_chord([i for i in range(12) if mask >> i & 1], bass=0)
    if found is None:
        return -1, -1
    seventh = (found.root + _SEVENTHS[found.quality]) % 12 if found.quality in _SEVENTHS else -1
    return (found.root + 5) % 12 if found.quality == "sus4" else -1, seventh


def _unresolved_tension(before: IntArray, now: IntArray, which: int) -> IntArray:
    bass = before[..., 3:]
    above = (before - bass) % 12
    whole = (before >= 0).all(axis=-1)
    masks = np.where(whole, np.bitwise_or.reduce(1 << above, axis=-1), 0)
    different, place = np.unique(masks, return_inverse=True)
    tense = np.array([_tension(mask)[which] if mask else -1 for mask in different.tolist()], dtype=np.int64)
    at = tense[place].reshape(masks.shape)[..., None]
    found: IntArray = ((above == at) & ~np.isin(now - before, (0, -1, -2)) & _sound(before, now)).sum(axis=-1)
    return found


def _augmented(before: IntArray, now: IntArray, context: Context) -> IntArray:
    old, new = before[..., 1:], now[..., 1:]
    ends = np.sort(np.stack(np.broadcast_arrays((old - context.tonic) % 12, (new - context.tonic) % 12)), axis=0)
    step = (np.abs(new - old) == 3) & (ends[0] == 8) & (ends[1] == 11) & _sound(old, new)
    found: IntArray = step.sum(axis=-1)
    return found


def _leap(before: IntArray, now: IntArray) -> IntArray:
    far = np.abs(now[..., 1:] - before[..., 1:])
    found: IntArray = ((np.isin(far, (6, 10, 11)) | (far > 12)) & _sound(now[..., 1:], before[..., 1:])).sum(axis=-1)
    return found


#: rules of a single chord
OF_CHORDS: Mapping[str, Callable[[IntArray, Context], IntArray]] = {
    "crossing": lambda now, _: _crossing(now),
    "range": lambda now, _: _range(now),
    "spacing": lambda now, _: _spacing(now),
    "doubled_leading_note": _doubled,
}
#: rules of a step from one chord to the next
OF_STEPS: Mapping[str, Callable[[IntArray, IntArray, Context], IntArray]] = {
    "parallel_fifths": lambda before, now, _: _parallels(before, now, 7),
    "parallel_octaves": lambda before, now, _: _parallels(before, now, 0),
    "direct_fifths": lambda before, now, _: _direct(before, now, 7),
    "direct_octaves": lambda before, now, _: _direct(before, now, 0),
    "overlap": lambda before, now, _: _overlap(before, now),
    "unresolved_leading_note": _unresolved,
    "unresolved_suspension": lambda before, now, _: _unresolved_tension(before, now, 0),
    "unresolved_seventh": lambda before, now, _: _unresolved_tension(before, now, 1),
    "augmented_second": _augmented,
    "leap": lambda before, now, _: _leap(before, now),
}
#: every rule's name, in the order of reports
RULES = (
    "parallel_fifths", "parallel_octaves", "direct_fifths", "direct_octaves", "crossing", "overlap", "range", "spacing",
    "doubled_leading_note", "unresolved_leading_note", "unresolved_suspension", "unresolved_seventh",
    "augmented_second", "leap",
)  # fmt: skip


def count(name: str, before: IntArray | None, now: IntArray, context: Context) -> IntArray:
    """How often a rule is broken in chords `now`, (..., 4), or in the steps from `before` to them: (...).

    Rules of single chords ignore `before`; those of steps find nothing without it. Raises UnknownNameError.

    >>> count("parallel_fifths", np.array([67, 64, 60, 48]), np.array([69, 65, 62, 50]), Context(0)).tolist()
    2
    """
    if name in OF_CHORDS:
        return OF_CHORDS[name](now, context)
    if name not in OF_STEPS:
        raise UnknownNameError("rule", name, RULES)
    return np.zeros(now.shape[:-1], dtype=np.int64) if before is None else OF_STEPS[name](before, now, context)


@dataclass(frozen=True)
class Report:
    """How often each rule is broken along `n_beats` beats, and at which places (from 0) of the row of chords."""

    counts: Mapping[str, int]
    places: Mapping[str, tuple[int, ...]]
    n_beats: int

    def per_hundred(self, name: str) -> float:
        """Breaches in 100 beats."""
        return 100 * self.counts[name] / max(self.n_beats, 1)


def report(voices: IntArray, context: Context, *, n_beats: int | None = None) -> Report:
    """All rules along a row of chords, (n, 4) from the top; `n_beats` is n where it is not given.

    >>> voices = np.array([[67, 64, 60, 48], [69, 65, 62, 50]])
    >>> report(voices, Context(0)).counts["parallel_octaves"], report(voices, Context(0)).places["parallel_fifths"]
    (1, (1,))
    """
    counts, places = {}, {}
    for name in RULES:
        found = (
            count(name, voices[:-1], voices[1:], context) if name in OF_STEPS else count(name, None, voices, context)
        )
        counts[name] = int(found.sum())
        places[name] = tuple((np.flatnonzero(found) + (name in OF_STEPS)).tolist())
    return Report(counts, places, len(voices) if n_beats is None else n_beats)


def cadence(before: Chord | None, last: Chord, context: Context) -> Cadence:
    """What kind of close two chords make in a key.

    authentic              dominant, or the leading note's chord, to tonic
    plagal                 a chord over the fourth degree to tonic
    half                   any chord to the dominant
    deceptive              dominant to the sixth degree
    authentic elsewhere    dominant to tonic in another key
    other                  none of these

    >>> from stochastic_music.music.chords import parse_chord
    >>> print(*(cadence(parse_chord("G7"), parse_chord(name), Context(0)) for name in ("C", "Am")))
    authentic deceptive
    """
    degree = (last.root - context.tonic) % 12
    triad = last.quality in ("maj", "min")
    if degree == 0 and triad and _leads(before, last):
        return "authentic"
    if degree == 0 and triad and before is not None and (before.lowest - context.tonic) % 12 == 5:
        return "plagal"
    if degree in (8, 9) and before is not None and _leads(before, Chord(context.tonic)):
        return "deceptive"
    if triad and _leads(before, last) and degree != 7:
        return "authentic elsewhere"
    return "half" if degree == 7 and last.quality in ("maj", "7") else "other"


def _leads(before: Chord | None, last: Chord) -> bool:
    """Whether a chord is the dominant of another, or the leading note's chord."""
    if before is None:
        return False
    above = (before.root - last.root) % 12
    return (above == 7 and before.has_third and not before.is_minor) or (
        above == 11 and before.quality in ("dim", "hdim7", "dim7")
    )
