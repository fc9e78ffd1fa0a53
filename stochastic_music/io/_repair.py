"""What has to hold of a score before anything is counted, whichever reader it came from.

    tracks       hold notes (a track without any is left out), notes sorted by onset
    notes        have a length; equal pitches of one track do not overlap
    meters       one at time 0; numerators 1 .. 64, denominators 1 .. 64, powers of two
    keys         -7 .. 7 sharps, major or minor
    tempos       finite and positive
    silence      no more than 64 bars of it in one stretch

Each repair that changes the music is told in a sentence; the others are silent.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from symusic.core import NoteTickList, TempoTickList, TimeSignatureTick, TimeSignatureTickList, TrackTickList

from stochastic_music.music.marks import pickup, set_pickup
from stochastic_music.protocols import BoolArray, IntArray

if TYPE_CHECKING:
    from symusic.core import ScoreTick, TrackTick

    from stochastic_music.music.notes import NoteTable
    from stochastic_music.music.signs import Signs

_NO_NOTES = {name: np.zeros(0, dtype=np.int64) for name in ("time", "duration", "pitch")}
_LONGEST_SILENCE_BARS = 64
_DENOMINATORS = frozenset({1, 2, 4, 8, 16, 32, 64})
_LARGEST_NUMERATOR = 64


class NoteArrays(NamedTuple):
    """All notes of a score, track by track; every array (n_notes,), times in ticks."""

    track: IntArray
    onset: IntArray
    duration: IntArray
    pitch: IntArray


def note_arrays(score: ScoreTick) -> NoteArrays:
    """The notes of all tracks as one table."""
    columns = [track.notes.numpy() for track in score.tracks] or [_NO_NOTES]
    onset, duration, pitch = (
        np.concatenate([c[name] for c in columns], dtype=np.int64) for name in ("time", "duration", "pitch")
    )
    return NoteArrays(np.arange(len(columns)).repeat([len(c["time"]) for c in columns]), onset, duration, pitch)


def tidy(score: ScoreTick, notes: NoteArrays | None = None) -> list[str]:
    """Put a score right, in place; `notes` are its notes where they are known already; returns what was done."""
    drop_empty_tracks(score)
    warnings = [*tidy_signs(score), *_tidy_notes(score, notes or note_arrays(score))]
    score.sort()
    return warnings


def tidy_signs(score: ScoreTick) -> list[str]:
    """Put time signatures, keys and tempos right, in place; returns what was done."""
    return [*_tidy_meters(score), *_tidy_keys(score), *_tidy_tempos(score)]


@lru_cache(maxsize=4096)
def are_tidy(signs: Signs) -> bool:
    """Whether `tidy_signs` and sorting would leave signs as they are: there is one of a kind, and it makes sense."""
    return (
        len(signs.meters) == 1
        and signs.meters[0][0] == 0
        and _sensible(*signs.meters[0][1:])
        and max(len(signs.keys), len(signs.tempos), len(signs.markers)) <= 1
        and all(abs(sharps) <= 7 and tonality in (0, 1) for _, sharps, tonality in signs.keys)
        and all(mspq > 0 for _, mspq in signs.tempos)
    )


def sound_scores(table: NoteTable, tpq: IntArray) -> BoolArray:
    """Which scores of a table have notes, all of them such as `tidy` would leave alone: (n_scores,)."""
    notes = table.notes
    sound = table.note_counts > 0
    too_late = notes.onset + notes.duration > (_LONGEST_SILENCE_BARS * 4 * tpq)[notes.score]
    sound[notes.score[(notes.onset < 0) | (notes.duration < 1) | too_late]] = False
    back = (notes.onset[1:] < notes.onset[:-1]) & (notes.track[1:] == notes.track[:-1])
    sound[notes.score[1:][back]] = False
    several = table.with_several_at_once()
    order, cut = _overlaps(several.track, several.onset, several.duration, several.pitch)
    sound[several.score[order[1:][cut]]] = False
    return sound


def drop_empty_tracks(score: ScoreTick) -> None:
    """Leave out, in place, tracks without notes."""
    full = [track for track in score.tracks if len(track.notes)]
    if len(full) < len(score.tracks):
        score.tracks = TrackTickList(full)


def _tidy_notes(score: ScoreTick, notes: NoteArrays) -> list[str]:
    if not len(notes.onset):
        return []
    warnings = []
    if notes.duration.min() < 1:
        warnings.append(_lengthen(score, int((notes.duration < 1).sum())))
        notes = note_arrays(score)
    if overlapping(notes):
        warnings.append(_resolve_overlaps(score))
    if int((notes.onset + notes.duration).max()) > _LONGEST_SILENCE_BARS * 4 * score.ticks_per_quarter:
        warnings += _shorten_silences(score, notes)
    return warnings


def overlapping(notes: NoteArrays) -> bool:
    """Whether a note begins before an equal pitch of its track has ended."""
    return bool(_overlaps(notes.track, notes.onset, notes.duration, notes.pitch)[1].any())


def _overlaps(track: IntArray, onset: IntArray, duration: IntArray, pitch: IntArray) -> tuple[IntArray, BoolArray]:
    """The order by track, pitch and onset, (n,), and which but the first begin too early in it: (n - 1,)."""
    key = ((track << 7 | pitch) << 32) + onset
    order = np.argsort(key)
    key = key[order]
    return order, key[1:] < key[:-1] + duration[order][:-1]


def _lengthen(score: ScoreTick, count: int) -> str:
    shortest = max(1, score.ticks_per_quarter // 8)
    for track in score.tracks:
        time, duration, pitch, velocity = _columns(track)
        track.notes = NoteTickList.from_numpy(time, np.where(duration < 1, shortest, duration), pitch, velocity)
    return f"{count_of(count)} without a length: given that of a 32nd note"


def _resolve_overlaps(score: ScoreTick) -> str:
    shortened = doubled = 0
    for track in score.tracks:
        cut, lost = _cut_overlaps(track)
        shortened, doubled = shortened + cut, doubled + lost
    sentences = [
        f"{count_of(shortened)} overlapped by the same pitch: ended where that begins" if shortened else "",
        f"{count_of(doubled)} doubled by the same pitch at the same time: left out" if doubled else "",
    ]
    return "; ".join(filter(None, sentences))


def _cut_overlaps(track: TrackTick) -> tuple[int, int]:
    time, duration, pitch, velocity = _columns(track)
    order = np.lexsort((-duration, time, pitch))  # of equal onsets the longest stays
    same = (np.diff(pitch[order]) == 0) & (np.diff(time[order]) == 0)
    order = order[np.concatenate([[True], ~same])]
    reach = np.where(np.diff(pitch[order]) == 0, np.diff(time[order]), np.iinfo(np.int32).max)
    new = duration[order].copy()
    new[:-1] = np.minimum(new[:-1], reach)
    shortened = int((new < duration[order]).sum())
    track.notes = NoteTickList.from_numpy(time[order], new, pitch[order], velocity[order])
    track.notes.sort()
    return shortened, int(same.sum())


def _columns(track: TrackTick) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    columns = track.notes.numpy()
    return columns["time"], columns["duration"], columns["pitch"], columns["velocity"]


def _tidy_meters(score: ScoreTick) -> list[str]:
    found = score.time_signatures
    if len(found) == 1 and (first := found[0]).time == 0 and _sensible(first.numerator, first.denominator):
        return []
    warnings = []
    sensible = [s for s in found if _sensible(s.numerator, s.denominator)]
    if len(sensible) < len(found):
        bad = next(s for s in found if not _sensible(s.numerator, s.denominator))
        warnings.append(f"a time signature of {bad.numerator}/{bad.denominator} makes no sense: left out")
    changes = _changes(sensible)
    if not changes or changes[0].time > 0:
        where = "time signature" if not changes else "time signature at the beginning"
        warnings.append(f"no {where}: 4/4 assumed")
        changes = _changes([TimeSignatureTick(0, 4, 4), *changes])
    score.time_signatures = TimeSignatureTickList(changes)
    return warnings


def _sensible(numerator: int, denominator: int) -> bool:
    return 1 <= numerator <= _LARGEST_NUMERATOR and denominator in _DENOMINATORS


def _changes(signatures: list[TimeSignatureTick]) -> list[TimeSignatureTick]:
    """Of signatures at one time the last; of equal ones in a row the first."""
    at = {max(0, s.time): s for s in signatures}
    kept: list[TimeSignatureTick] = []
    for time in sorted(at):
        signature = at[time]
        if not kept or (kept[-1].numerator, kept[-1].denominator) != (signature.numerator, signature.denominator):
            kept.append(signature)
    return kept


def _tidy_keys(score: ScoreTick) -> list[str]:
    count = len(score.key_signatures)
    if not count or all(abs(k.key) <= 7 and k.tonality in (0, 1) for k in score.key_signatures):
        return []
    score.key_signatures.filter(lambda k: abs(k.key) <= 7 and k.tonality in (0, 1))
    return ["a key signature of more than seven sharps or flats: left out"]


def _tidy_tempos(score: ScoreTick) -> list[str]:
    kept = [tempo for tempo in score.tempos if tempo.mspq > 0]
    if len(kept) == len(score.tempos):
        return []
    score.tempos = TempoTickList(kept)
    return ["an infinitely fast tempo: left out"]


def _shorten_silences(score: ScoreTick, notes: NoteArrays) -> list[str]:
    """Cut whole bars out of stretches longer than 64 bars in which nothing sounds and no meter changes."""
    order = np.argsort(notes.onset)
    begins = notes.onset[order]
    ends = np.concatenate([[0], np.maximum.accumulate((notes.onset + notes.duration)[order])[:-1]])
    warnings = []
    for i in reversed(np.flatnonzero(begins - ends > 0).tolist()):
        meter = next(s for s in reversed(list(score.time_signatures)) if s.time <= begins[i])
        bar = 4 * score.ticks_per_quarter * meter.numerator // meter.denominator
        begin = max(int(ends[i]), meter.time)
        bars = (int(begins[i]) - begin) // bar
        if bars > _LONGEST_SILENCE_BARS:
            _remove(score, int(begins[i]), (bars - 1) * bar)
            warnings.append(f"{bars} bars of silence: shortened to one")
    return warnings[::-1]


def _remove(score: ScoreTick, at: int, ticks: int) -> None:
    """Move everything from tick `at` on to the left; what stood in the silence before it moves at most to its end."""
    tracks: list[tuple[Any, ...]] = [(t.notes, t.controls, t.pitch_bends, t.pedals, t.lyrics) for t in score.tracks]
    lists: list[Any] = [score.time_signatures, score.key_signatures, score.tempos, score.markers]
    for event in chain(*lists, *(events for group in tracks for events in group)):
        if event.time > at - ticks:
            event.time = max(event.time, at) - ticks


def take_pickup_bar(score: ScoreTick) -> list[str]:
    """Read a first bar under a shorter time signature of its own as a pickup, in place."""
    signatures = score.time_signatures
    if len(signatures) < 2 or pickup(score) not in (0, signatures[1].time):
        return []
    first, second = signatures[0], signatures[1]
    whole = 4 * score.ticks_per_quarter
    short = whole * first.numerator // first.denominator
    if second.time != short or short * second.denominator >= whole * second.numerator:
        return []
    known = pickup(score) > 0
    set_pickup(score, short)
    second.time = 0
    score.time_signatures = TimeSignatureTickList([second, *list(signatures)[2:]])
    return [] if known else [f"a first bar of {first.numerator}/{first.denominator}: taken as a pickup"]


def is_ascending(notes: NoteArrays) -> bool:
    """Whether onsets never step back within a track and are not negative: false where 32-bit times ran over."""
    back = (notes.onset[1:] < notes.onset[:-1]) & (notes.track[1:] == notes.track[:-1])
    return not back.any() and (not len(notes.onset) or int(notes.onset.min()) >= 0)


def count_of(count: int, what: str = "note") -> str:
    """`count` things in words.

    >>> count_of(1), count_of(2, "bar")
    ('1 note', '2 bars')
    """
    return f"{count} {what}{'s' if count != 1 else ''}"
