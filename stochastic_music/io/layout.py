"""How a score is laid out on paper: staves, clefs, voices and chords.

A track becomes one part; drums, which have no duration, are written up to the next stroke or beat. A part is one
staff, or two (a grand staff, cut at middle C) where it is polyphonic and wide.
Within a staff notes that begin and end together are a *chord*; chords that overlap go to *voices*, at most four,
the highest first. Where four voices do not suffice, the staff becomes one voice of tied chords, cut wherever a
note begins or ends: harder to read, but nothing is lost.

Times are units of `rhythm.UNITS` a quarter note.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stochastic_music.io.rhythm import UNITS, snap, writable
from stochastic_music.music import marks
from stochastic_music.protocols import IntArray

if TYPE_CHECKING:
    from symusic.core import ScoreTick, TrackTick


class Note(NamedTuple):
    """A sounding note; `fermata` where a phrase ends with it, `name` as `note_names` has it."""

    start: int
    end: int
    pitch: int
    fermata: bool = False
    lyric: str = ""
    name: str = ""


class Chord(NamedTuple):
    """Notes on one stem during [start, end), low to high; one that begins before or ends after it is tied."""

    start: int
    end: int
    notes: tuple[Note, ...]


class Clef(NamedTuple):
    """A clef and the pitches its staff holds without ledger lines; `handicap` keeps rare clefs rare."""

    sign: str
    line: int
    octave: int
    low: int
    high: int
    handicap: float


TREBLE, BASS = Clef("G", 2, 0, 62, 79, 0.0), Clef("F", 4, 0, 41, 59, 0.0)
CLEFS = (TREBLE, BASS, Clef("G", 2, -1, 50, 67, 1.5), Clef("G", 2, 1, 74, 91, 2.0), Clef("F", 4, -1, 29, 47, 2.0))
PERCUSSION = Clef("percussion", 2, 0, 0, 127, 0.0)

Voice = list[Chord]


class Staff(NamedTuple):
    """One staff of a part."""

    clef: Clef
    voices: list[Voice]


class PartLayout(NamedTuple):
    """One track on paper."""

    name: str
    program: int
    is_drum: bool
    staves: list[Staff]


def lay_out(score: ScoreTick) -> list[PartLayout]:
    """The parts of a score: each track that has notes, or one silent part where none has."""
    found = [(i, track) for i, track in enumerate(score.tracks) if len(track.notes)]
    if not found:
        return [PartLayout("", 0, False, [Staff(TREBLE, [[]])])]
    rows = _snapped_notes(score, [i for i, _ in found])
    names = _names([track for _, track in found])
    return [
        PartLayout(name, int(track.program), bool(track.is_drum), _staves(notes, bool(track.is_drum)))
        for (_, track), notes, name in zip(found, rows, names, strict=True)
    ]


def note_names(score: ScoreTick) -> list[list[str]]:
    """For each track the names of its notes in `lay_out`, in the order of time and pitch; equal notes share one."""
    found = [i for i, track in enumerate(score.tracks) if len(track.notes)]
    out: list[list[str]] = [[] for _ in score.tracks]
    for i, spans in zip(found, _spans(score, found), strict=True):
        notes = score.tracks[i].notes.numpy()
        pitches, order = notes["pitch"].tolist(), np.lexsort((notes["pitch"], notes["time"]))
        starts, ends = spans.tolist()
        out[i] = [_name(i, starts[at], ends[at], pitches[at]) for at in order.tolist()]
    return out


def _name(track: int, start: int, end: int, pitch: int) -> str:
    return f"n{track}-{start}-{end}-{pitch}"


def _names(tracks: Sequence[TrackTick]) -> list[str]:
    names = [" ".join(str(track.name).split()) for track in tracks]
    if len(names) == 1:
        return names
    return [name or f"Part {i}" for i, name in enumerate(names, start=1)]


def _snapped_notes(score: ScoreTick, indices: Sequence[int]) -> list[list[Note]]:
    """The notes of each track, on times that can be written."""
    return [_notes(score, i, spans) for i, spans in zip(indices, _spans(score, indices), strict=True)]


def _spans(score: ScoreTick, indices: Sequence[int]) -> list[IntArray]:
    """For each track the starts and ends (2, n) of its notes in units, the tracks sharing one grid."""
    if not indices:
        return []
    arrays = [score.tracks[i].notes.numpy() for i in indices]
    starts = np.concatenate([a["time"] for a in arrays]).astype(np.int64)
    ends = starts + np.concatenate([a["duration"] for a in arrays])
    units = _from_first_bar(np.stack([starts, ends]), marks.pickup(score), score.ticks_per_quarter)
    # none is shorter than a 32nd
    units[1] = np.where(units[1] > units[0], units[1], units[0] + UNITS // 8)
    return np.split(units, np.cumsum([len(a["time"]) for a in arrays])[:-1], axis=1)


def _from_first_bar(spans: IntArray, pickup: int, resolution: int) -> IntArray:
    """Starts and ends (2, n) in ticks as units, on beats counted from the first full bar, not from the pickup."""
    beats = -(-pickup // resolution)
    moved = spans + (beats * resolution - pickup)
    units = snap(moved.ravel(), moved[0], resolution).reshape(spans.shape)
    return np.maximum(units - beats * UNITS + writable(Fraction(pickup, resolution)), 0)


def _notes(score: ScoreTick, index: int, spans: IntArray) -> list[Note]:
    """One track, `spans` being (2, n) starts and ends: equal notes once, lyrics at the highest note of their time."""
    track = score.tracks[index]
    arrays = track.notes.numpy()
    ticks, pitches = arrays["time"].tolist(), arrays["pitch"].tolist()
    fermatas = set(marks.phrase_ends(score, index))
    lyrics = {int(lyric.time): str(lyric.text) for lyric in track.lyrics}
    highest = dict(sorted(zip(ticks, pitches, strict=True))) if lyrics else {}
    notes = {}
    for tick, pitch, (start, end) in zip(ticks, pitches, spans.T.tolist(), strict=True):
        lyric = lyrics.get(tick, "") if highest.get(tick) == pitch else ""
        note = Note(start, end, pitch, tick in fermatas, lyric, _name(index, start, end, pitch))
        notes[start, end, pitch] = note
    return [notes[key] for key in sorted(notes)]


def _staves(notes: Sequence[Note], is_drum: bool) -> list[Staff]:
    if is_drum:
        return [Staff(PERCUSSION, voices(_struck(notes)))]
    upper = [n for n in notes if n.pitch >= 60]
    lower = [n for n in notes if n.pitch < 60]
    if _is_wide(notes) and len(voices(notes)) + _has_chords(notes) > 1:
        return [Staff(TREBLE, voices(upper)), Staff(BASS, voices(lower))]
    return [Staff(clef_for([n.pitch for n in notes]), voices(notes))]


def _struck(notes: Sequence[Note]) -> list[Note]:
    """Drums, which have no duration of their own: each is written up to the next stroke, or to the next quarter."""
    onsets = sorted({n.start for n in notes})
    next_onset = dict(pairwise([*onsets, 2**62]))
    return [n._replace(end=min(next_onset[n.start], (n.start // UNITS + 1) * UNITS)) for n in notes]


def _is_wide(notes: Sequence[Note]) -> bool:
    """Whether a tenth of the notes lies well below, and a tenth well above middle C."""
    if not notes:
        return False
    low, high = np.quantile([n.pitch for n in notes], [0.1, 0.9])
    return bool(low < 57 and high > 64)


def _has_chords(notes: Sequence[Note]) -> bool:
    return len({n.start for n in notes}) < len(notes)


def clef_for(pitches: Sequence[int]) -> Clef:
    """The clef that needs the fewest ledger lines.

    >>> clef_for([60, 67, 72]).sign, clef_for([40, 45, 55]).sign, clef_for([52, 60, 67]).octave
    ('G', 'F', -1)
    """
    array = np.asarray(pitches, dtype=float)

    def cost(clef: Clef) -> float:
        outside = np.maximum(clef.low - array, 0) + np.maximum(array - clef.high, 0)
        return clef.handicap + (float(outside.mean()) if len(array) else 0.0)

    return min(CLEFS, key=cost)


def voices(notes: Iterable[Note]) -> list[Voice]:
    """Chords in voices without overlaps, the first voice the highest; at least one voice."""
    rows: list[Voice] = []
    for chord in chords(notes):
        free = next((row for row in rows if row[-1].end <= chord.start), None)
        if free is None:
            rows.append([chord])
        else:
            free.append(chord)
    return (rows if len(rows) <= 4 else [slices(notes)]) or [[]]


def chords(notes: Iterable[Note]) -> list[Chord]:
    """Notes that begin and end together, in order of onset, the highest first."""
    groups: dict[tuple[int, int], list[Note]] = {}
    for note in notes:
        groups.setdefault((note.start, note.end), []).append(note)
    made = [Chord(start, end, tuple(sorted(group, key=lambda n: n.pitch))) for (start, end), group in groups.items()]
    return sorted(made, key=lambda c: (c.start, -c.notes[-1].pitch, c.end))


def slices(notes: Iterable[Note]) -> Voice:
    """What sounds between each two times at which a note begins or ends."""
    ordered = sorted(notes)
    edges = sorted({n.start for n in ordered} | {n.end for n in ordered})
    waiting, held, out = iter(ordered), list[Note](), Voice()
    upcoming = next(waiting, None)
    for start, end in pairwise(edges):
        held = [n for n in held if n.end > start]
        while upcoming is not None and upcoming.start <= start:
            held.append(upcoming)
            upcoming = next(waiting, None)
        if held:
            out.append(Chord(start, end, tuple(sorted(held, key=lambda n: n.pitch))))
    return out
