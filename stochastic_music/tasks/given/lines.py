"""Melodies as a labeller sees them: what is known of each note before its pitch, and what is known of each beat.

Everything is relative to a common key (C major, A minor). Of a note are known

    duration, before, after   its length and its neighbors' in units, "r" in front of those that come after a rest
    place, strength           where it begins: meter and place in the bar; 0 a downbeat, 1 a beat, 2 half, 3 elsewhere
    phrase, since, until      whether a phrase ends with it; how many notes ago one began, until one ends (4: or more)
    left                      how many notes follow it (4: or more)
    chord, next_chord         the harmony under it, and the one that comes next ("-" where none is known)
    mode                      major or minor

and of a beat its meter, its place in the bar, how many beats follow and until a phrase ends, and whether the harmony
changes.

The label of a note is its pitch and how it was reached: `.` first, `=` repeated, `u` `d` by step, `U` `D` by leap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochastic_music.errors import InvalidParameterError
from stochastic_music.music import marks
from stochastic_music.music.chords import Chord, best_chord, parse_chord
from stochastic_music.music.parts import sounding_parts
from stochastic_music.protocols import BoolArray, IntArray, Observation
from stochastic_music.tasks.given.cells import Beat, beat_length, beats
from stochastic_music.tokens import Header

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: counts beyond this are one
FAR = 4
NO_CHORD = "-"


class Rhythm(NamedTuple):
    """Notes without their pitches: onsets and durations (n,) in units of `header`, and which of them end phrases.

    `chords` are (time in units, chord) from left to right, each up to the next; `mode` is "major" or "minor".
    """

    header: Header
    onset: IntArray
    duration: IntArray
    ends_phrase: BoolArray
    chords: tuple[tuple[int, Chord | None], ...]
    mode: str

    @property
    def end(self) -> int:
        """Where the last note stops, in units; 0 without notes."""
        return int((self.onset + self.duration).max(initial=0))


def notes_seen(rhythm: Rhythm) -> list[Observation]:
    """What is known of each note; see the module's article."""
    onset, duration = rhythm.onset, rhythm.duration
    n = len(onset)
    rested = np.append(False, onset[1:] > (onset + duration)[:-1])[:n]
    lengths = [f"r{d}" if r else str(d) for d, r in zip(duration.tolist(), rested.tolist(), strict=True)]
    numbers = _phrase_numbers(rhythm.ends_phrase)
    marked = bool(rhythm.ends_phrase.any())
    names = [_name(chord) for _, chord in rhythm.chords]
    sounding = np.searchsorted([time for time, _ in rhythm.chords], onset, side="right") - 1
    seen: list[Observation] = []
    for i in range(n):
        place, strength = _place(rhythm.header, int(onset[i]))
        mine = np.flatnonzero(numbers == numbers[i])
        seen.append(
            {
                "duration": lengths[i],
                "before": lengths[i - 1] if i else "",
                "after": lengths[i + 1] if i + 1 < n else "",
                "place": place,
                "strength": strength,
                "phrase": int(rhythm.ends_phrase[i]) if marked else "-",
                "since": min(i - int(mine[0]), FAR) if marked else "-",
                "until": min(int(mine[-1]) - i, FAR) if marked else "-",
                "left": min(n - 1 - i, FAR),
                "chord": names[sounding[i]] if sounding[i] >= 0 else NO_CHORD,
                "next_chord": _next_chord(names, int(sounding[i])),
                "mode": rhythm.mode,
            }
        )
    return seen


def beats_seen(
    header: Header, along: Sequence[Beat], phrase_ends: Sequence[int], chords: Sequence[tuple[int, Chord | None]]
) -> list[Observation]:
    """What is known of each beat; `phrase_ends` are the times (units) at which the last notes of phrases begin."""
    ends = np.sort(np.asarray(phrase_ends, dtype=np.int64))
    closing = np.array([bool(((ends >= b.start) & (ends < b.start + b.length)).any()) for b in along], dtype=bool)
    until = _until(closing)
    changes = _changes(along, chords)
    return [
        {
            "meter": beat.meter,
            "place": f"{beat.meter}:{beat.place}:{beat.length}",
            "until": min(int(until[i]), 2 * FAR) if len(ends) else "-",
            "left": min(len(along) - 1 - i, 2 * FAR),
            "bar": (beat.bar - 1) % 4 if len(header.meters) == 1 else "-",
            "change": changes[i],
        }
        for i, beat in enumerate(along)
    ]


def chords_under(score: ScoreTick, header: Header, end: int) -> tuple[tuple[int, Chord | None], ...]:
    """The harmony under a melody that ends at `end` (units): the chord symbols that are printed, or else what sounds.

    What sounds is the chord of all parts when each beat begins, None where they sound one pitch class or none. A melody
    alone has no harmony. Times are units of `header`, which must be that of the score itself (nothing taken out).
    """
    if printed := marks.chord_symbols(score):
        scale = header.resolution / score.ticks_per_quarter
        return tuple((round(time * scale), parse_chord(text)) for time, text in printed if _is_chord(text))
    if len(sounding_parts(score, drums=False)) < 2:
        return ()
    start, stop, pitch = _all_notes(score, header.resolution)
    found: list[tuple[int, Chord | None]] = []
    for beat in beats(header, end):
        now = beat.start * score.ticks_per_quarter
        sounding = pitch[(start <= now) & (stop > now)]
        classes = set((sounding % 12).tolist())
        found.append((beat.start, best_chord(classes, int(sounding.min()) % 12) if len(classes) > 1 else None))
    return tuple(found)


def _is_chord(text: str) -> bool:
    try:
        parse_chord(text)
    except InvalidParameterError:
        return False
    return True


def _all_notes(score: ScoreTick, resolution: int) -> tuple[IntArray, IntArray, IntArray]:
    """Onsets and ends, in units times the ticks of a quarter note, and pitches of all notes but drums: (n,) each."""
    notes = [track.notes.numpy() for track in score.tracks if not track.is_drum and len(track.notes)]
    time, duration, pitch = (
        np.concatenate([columns[name] for columns in notes]).astype(np.int64) for name in ("time", "duration", "pitch")
    )
    return time * resolution, (time + duration) * resolution, pitch


def reached(pitch: IntArray) -> list[str]:
    """Pitches as labels that tell how each was reached.

    >>> reached(np.array([60, 60, 62, 67, 66, 60]))
    ['60.', '60=', '62u', '67U', '66d', '60D']
    """
    moves = np.diff(pitch).tolist()
    return [f"{p}{_motion(move)}" for p, move in zip(pitch.tolist(), [None, *moves], strict=False)]


def _motion(move: int | None) -> str:
    if move is None:
        return "."
    if move == 0:
        return "="
    letter = "u" if move > 0 else "d"
    return letter if abs(move) <= 2 else letter.upper()


def pitches_of(labels: Sequence[str]) -> IntArray:
    """The pitches of labels: the inverse of `reached`."""
    return np.array([int(label[:-1]) for label in labels], dtype=np.int64)


def consistent(pitch: IntArray, arrived: NDArray[np.str_]) -> BoolArray:
    """Whether each label can come after each other: its way to be reached is the one from there. (K, K) [from, to]."""
    moves = pitch[None, :] - pitch[:, None]
    found = np.select(
        [moves == 0, abs(moves) <= 2], ["=", np.where(moves > 0, "u", "d")], np.where(moves > 0, "U", "D")
    )
    same: BoolArray = found == arrived[None, :]
    return same


def _name(chord: Chord | None) -> str:
    """Root and third: what a melody has to do with a chord.

    >>> _name(Chord(7, "7")), _name(Chord(9, "min7")), _name(None)
    ('7', '9m', '-')
    """
    return NO_CHORD if chord is None else f"{chord.root}{'m' if chord.is_minor else ''}"


def _next_chord(names: Sequence[str], now: int) -> str:
    """The next chord that is another one."""
    here = names[now] if now >= 0 else NO_CHORD
    return next((name for name in names[now + 1 :] if name not in (here, NO_CHORD)), NO_CHORD)


def _changes(along: Sequence[Beat], chords: Sequence[tuple[int, Chord | None]]) -> list[str]:
    """Whether another chord begins with each beat, or within it: "new", "later" or "same"; "-" where none is known.

    >>> _changes([Beat(0, 12, 0, 1, "2/4"), Beat(12, 12, 1, 1, "2/4")], [(0, Chord(0)), (18, Chord(7))])
    ['new', 'later']
    """
    names = [_name(chord) for _, chord in chords]
    other = [time for i, (time, _) in enumerate(chords) if i == 0 or names[i] != names[i - 1]]
    if not any(chord for _, chord in chords):
        return [NO_CHORD] * len(along)
    inside = [[time - beat.start for time in other if 0 <= time - beat.start < beat.length] for beat in along]
    return ["same" if not times else "later" if times[0] else "new" for times in inside]


def _phrase_numbers(ends_phrase: BoolArray) -> IntArray:
    """The number of the phrase of each note: (n,)."""
    numbers: IntArray = np.append(0, np.cumsum(ends_phrase)[:-1])[: len(ends_phrase)].astype(np.int64)
    return numbers


def _until(closing: BoolArray) -> IntArray:
    """How many beats to go to the next that closes, or to the last: (n,)."""
    n = len(closing)
    target = np.append(np.flatnonzero(closing), n - 1)
    places = np.arange(n)
    found: IntArray = target[np.searchsorted(target, places)] - places
    return found


def _place(header: Header, time: int) -> tuple[str, int]:
    """Meter and place in the bar of a time (units), and how strong it is, 0 the strongest."""
    starts, lengths, _ = header.bar_spans()
    span = max(sum(start <= time for start in starts) - 1, 0)
    meter, position = header.meters[span], (time - starts[span]) % lengths[span]
    beat = beat_length(meter.numerator, meter.denominator, header.resolution)
    strength = 0 if position == 0 else 1 if position % beat == 0 else 2 if 2 * position % beat == 0 else 3
    return f"{meter}:{position}", strength
