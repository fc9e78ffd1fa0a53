"""What a chord labeller sees of a score: a row of events, as columns of observations.

Where three notes and more sound together, an event is a slice (`music.slices`): a new one wherever a note begins. In
broken chords few notes sound at once, so events are half bars, or beats where half a bar holds more than one chord; in
melodies half bars. So the chords that are found last as long as chords do.

    pitch_classes   all that sound          struck    those that begin here
    bass            the lowest one          metre     the place in the meter (`Slice.weight`)
    long            whether it lasts a quarter note or more

for melodies

    pitch_classes, metre                    first, longest    the note that comes first, that lasts longest
    tonic, mode     of the piece            end               whether this is the first event, or the last

and for the key, once the chords are known (`key_observations`):

    root, kind           of the chord
    prev_*, next_*       the same of the chord before and the one after; then_* of that after the next
    lower_*, upper_*     pitch classes p that were (will be) heard nearer to here than p + 1, or p - 1: F or F#?
    step                 place in the meter, and whether the chord is the one before
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from stochastic_music.errors import EncodingError
from stochastic_music.models.crf.relative import STEP_TEMPLATES, TEMPLATES
from stochastic_music.music.bars import Bar, bars
from stochastic_music.music.keys import Key
from stochastic_music.music.parts import choose_part, sounding_parts
from stochastic_music.music.slices import Slice, beat_length, grouped, joined, slices
from stochastic_music.protocols import Observation

if TYPE_CHECKING:
    from symusic.core import ScoreTick

CHORD_PITCHES = ("struck",)
CHORD_TEMPLATES = (*TEMPLATES, "struck", "long")
CHORD_STEPS = STEP_TEMPLATES
MELODY_PITCHES = ("longest", "first", "tonic")
MELODY_STEPS = ("metre",)
MELODY_TEMPLATES = (
    "tonic*mode", "tonic*mode*end", "tonic*mode*metre", "pitch_classes", "longest", "first", "longest*tonic*mode",
    "pitch_classes@1", "pitch_classes@-1", "first@1",
)  # fmt: skip
KEY_STEPS = ("step",)
KEY_PITCHES = (
    "root", "prev_root", "next_root", "then_root", "lower_before", "upper_before", "lower_after", "upper_after",
)  # fmt: skip
KEY_TEMPLATES = (
    "always", "root*kind", "next_root*next_kind", "prev_root*prev_kind", "root*kind*next_root*next_kind",
    "root*kind*prev_root*prev_kind", "root*kind*next_root*next_kind*then_root*then_kind", "pitch_classes",
    "lower_before", "upper_before", "lower_after", "upper_after",
)  # fmt: skip

#: distinct pitch classes, on average over time: so many at once make chords of slices, and up to so many in half a bar
#: are one chord
_DENSE, _ONE_CHORD = 2.5, 4.0
#: semitones from note to note, on average, from which a single line is broken chords
_LEAPING = 4.5
#: events that lower_* and upper_* look back and ahead
_FAR = 16


class Events(NamedTuple):
    """A score cut for labelling: its printed bars, its events, the slices within each, and how wide events are."""

    bars: list[Bar]
    slices: list[Slice]
    inside: list[list[Slice]]
    texture: Literal["slices", "beats", "bars", "melody"]


def events(score: ScoreTick) -> Events:
    """The events of a score; raises EncodingError where it holds drums only, or nothing."""
    printed = bars(score)
    narrow = slices(score, printed)
    if not narrow:
        drums = any(len(track.notes) for track in score.tracks)
        what = "drums only, which have no harmony" if drums else "no notes"
        raise EncodingError(f"there are no chords to find: the score holds {what}. Give a piece with pitched notes")
    if _is_melody(score, narrow):
        return _of_groups(printed, grouped(narrow, printed, _half_bar), "melody")
    if _density(narrow) >= _DENSE:
        return Events(printed, narrow, [[piece] for piece in narrow], "slices")
    halves = _of_groups(printed, grouped(narrow, printed, _half_bar), "bars")
    if _density(halves.slices) <= _ONE_CHORD:
        return halves
    return _of_groups(printed, grouped(narrow, printed, beat_length), "beats")


def tune_events(score: ScoreTick) -> Events:
    """The events of the part that carries the tune, as if it were alone."""
    printed = bars(score)
    alone = score.copy()
    alone.tracks = type(alone.tracks)([alone.tracks[choose_part(score).track]])
    return _of_groups(printed, grouped(slices(alone, printed), printed, _half_bar), "melody")


def chord_observations(found: Events) -> list[Observation]:
    """The columns from which chords are told: one mapping an event."""
    seen: list[Observation] = []
    for piece in found.slices:
        event: dict[str, int | str | tuple[int | str, ...]] = {
            "pitch_classes": tuple(sorted(piece.pitch_classes)),
            "struck": tuple(sorted({pitch % 12 for pitch in piece.struck})),
            "metre": piece.weight,
            "long": int(piece.length >= 1),
        }
        if piece.pitches:
            event["bass"] = piece.pitches[0] % 12
        seen.append(event)
    return seen


def melody_observations(found: Events, home: Key) -> list[Observation]:
    """The columns from which chords that go with a melody are told: one mapping an event."""
    seen: list[Observation] = []
    for i, (piece, inside) in enumerate(zip(found.slices, found.inside, strict=True)):
        heard = [part for part in inside if part.pitches] or [piece]
        longest = max(heard, key=lambda part: part.length)
        event: dict[str, int | str | tuple[int | str, ...]] = {
            "pitch_classes": tuple(sorted(piece.pitch_classes)),
            "tonic": home.tonic,
            "mode": "minor" if home.is_minor else "major",
            "metre": piece.weight,
            "end": ("last" if i == len(found.slices) - 1 else "first") if i in (0, len(found.slices) - 1) else "inner",
        }
        if longest.pitches:
            event["longest"], event["first"] = longest.pitches[-1] % 12, heard[0].pitches[-1] % 12
        seen.append(event)
    return seen


def key_observations(found: Events, chords: Sequence[str]) -> list[Observation]:
    """The columns from which local keys are told, given the chords as labels ("7 maj7"): one mapping an event."""
    sounding = [piece.pitch_classes for piece in found.slices]
    split = [(int(root), kind) for root, _, kind in (chord.partition(" ") for chord in chords)]
    changes = _changes(split)
    seen: list[Observation] = []
    for i, (piece, (root, kind)) in enumerate(zip(found.slices, split, strict=True)):
        event: dict[str, int | str | tuple[int | str, ...]] = {
            "pitch_classes": tuple(sorted(sounding[i])),
            "root": root,
            "kind": kind,
            "step": f"{piece.weight}{'=' if i and split[i - 1] == (root, kind) else ''}",
        }
        for side, near in (("before", sounding[i::-1]), ("after", sounding[i:])):
            event[f"lower_{side}"], event[f"upper_{side}"] = _nearer(near[:_FAR])
        for name, other in (("prev", changes.before[i]), ("next", changes.after[i]), ("then", changes.later[i])):
            if other is not None:
                event[f"{name}_root"], event[f"{name}_kind"] = split[other]
        seen.append(event)
    return seen


def _of_groups(printed: list[Bar], groups: list[list[Slice]], texture: Literal["beats", "bars", "melody"]) -> Events:
    return Events(printed, [joined(group) for group in groups], groups, texture)


class _Changes(NamedTuple):
    """For each event an event of the chord before, of that after and of the one after that, or None."""

    before: list[int | None]
    after: list[int | None]
    later: list[int | None]


def _changes(chords: Sequence[tuple[int, str]]) -> _Changes:
    """Neighbours among chords that differ.

    >>> _changes([(0, "maj"), (0, "maj"), (7, "maj"), (0, "maj")]).after
    [2, 2, 3, None]
    """
    runs = [list(group) for _, group in groupby(range(len(chords)), lambda i: chords[i])]
    near = [[run[0] for run in runs[k : k + 1]] for k in range(len(runs) + 2)]
    firsts = [found[0] if found else None for found in near]
    rows = [(firsts[k - 1] if k else None, firsts[k + 1], firsts[k + 2]) for k, run in enumerate(runs) for _ in run]
    return _Changes(*(list(column) for column in zip(*rows, strict=True))) if rows else _Changes([], [], [])


def _nearer(sets: Sequence[frozenset[int]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Pitch classes p that come before p + 1 in `sets`, and those that come before p - 1."""
    first = {p: next((i for i, here in enumerate(sets) if p in here), len(sets)) for p in range(12)}
    lower = tuple(p for p in range(12) if first[p] < first[(p + 1) % 12])
    upper = tuple(p for p in range(12) if first[p] < first[(p - 1) % 12])
    return lower, upper


def _density(row: Sequence[Slice]) -> float:
    """Distinct pitch classes of an event, on average over the time in which something sounds."""
    heard = [(len(piece.pitch_classes), float(piece.length)) for piece in row if piece.pitches]
    return sum(n * length for n, length in heard) / max(sum(length for _, length in heard), 1e-9)


def _is_melody(score: ScoreTick, row: Sequence[Slice]) -> bool:
    """One part, hardly ever two notes at once, and no broken chords, whose notes lie far apart."""
    if len(sounding_parts(score, drums=False)) > 1 or sum(len(piece.pitches) > 1 for piece in row) > len(row) / 20:
        return False
    line = np.array([piece.pitches[-1] for piece in row if piece.pitches])
    return len(line) < 2 or float(np.abs(np.diff(line)).mean()) < _LEAPING


def _half_bar(bar: Bar) -> Fraction:
    """Half a bar where its beats can be halved, else the bar."""
    beats = bar.nominal / beat_length(bar)
    return bar.nominal / 2 if beats % 2 == 0 else bar.nominal
