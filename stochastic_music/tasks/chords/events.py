"""What a chord labeller sees of a score: a row of events, as columns of observations.

Where three notes and more sound together, an event is a slice (`music.slices`): a new one wherever a note begins. In
broken chords few notes sound at once, so events are beats; in two-part music and melodies half bars or bars. So the
chords that are found last as long as chords do.

    pitch_classes   all that sound          struck    those that begin here
    bass            the lowest one          metre     the place in the meter (`Slice.weight`)
    long            whether it lasts a quarter note or more

for melodies

    pitch_classes, metre                    first, longest    the note that comes first, that lasts longest
    tonic, mode     of the piece            end               whether this is the first event, or the last

and for the key, once the chords are known (`key_observations`):

    root, kind           of the chord
    before, after        pitch classes of the four events before, and from here on
    lower_*, upper_*     pitch classes p that were (will be) heard nearer to here than p + 1, or p - 1: F or F#?
    step                 place in the meter, and whether the chord is the one before
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
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
    "root", "before", "after", "lower_before", "upper_before", "lower_after", "upper_after",
)  # fmt: skip
KEY_TEMPLATES = (
    "always", "root*kind", "pitch_classes", "before", "after", "lower_before", "upper_before", "lower_after",
    "upper_after",
)  # fmt: skip

#: distinct pitch classes that sound at once, on average over time, from which slices and beats are events
_DENSE, _HALF_DENSE = 2.5, 2.3
#: semitones from note to note, on average, from which a single line is broken chords
_LEAPING = 4.5
#: events that `before` and `after` span, and that lower_* and upper_* look back and ahead
_NEAR, _FAR = 4, 16


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
    beats = _of_groups(printed, grouped(narrow, printed, beat_length), "beats")
    if _density(beats.slices) >= _HALF_DENSE:
        return beats
    return _of_groups(printed, grouped(narrow, printed, _half_bar), "bars")


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
        if found.texture != "melody" and piece.pitches:
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
    seen: list[Observation] = []
    for i, (piece, (root, kind)) in enumerate(zip(found.slices, split, strict=True)):
        event: dict[str, int | str | tuple[int | str, ...]] = {
            "pitch_classes": tuple(sorted(sounding[i])),
            "root": root,
            "kind": kind,
            "before": _together(sounding[max(i - _NEAR, 0) : i]),
            "after": _together(sounding[i + 1 : i + 1 + _NEAR]),
            "step": f"{piece.weight}{'=' if i and split[i - 1] == (root, kind) else ''}",
        }
        for side, near in (("before", sounding[i::-1]), ("after", sounding[i:])):
            event[f"lower_{side}"], event[f"upper_{side}"] = _nearer(near[:_FAR])
        seen.append(event)
    return seen


def _of_groups(printed: list[Bar], groups: list[list[Slice]], texture: Literal["beats", "bars", "melody"]) -> Events:
    return Events(printed, [joined(group) for group in groups], groups, texture)


def _together(sets: Sequence[frozenset[int]]) -> tuple[int, ...]:
    return tuple(sorted(frozenset().union(*sets)))


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
