"""Which track of a score is meant: by name, by number, the drums, or the one that carries the tune.

Parts are counted from 0 among the tracks that have notes, in score order. A part is *monophonic* if
at most one note in twenty begins while another still sounds for more than a sixteenth of a quarter note.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochastic_music.errors import EncodingError
from stochastic_music.protocols import BoolArray, IntArray

if TYPE_CHECKING:
    from symusic.core import ScoreTick, TrackTick

    from stochastic_music.music.notes import NoteTable

#: Names that a melody goes by, the plainest first.
_MELODY_NAMES = tuple(
    re.compile(rf"\b({words})\b", re.IGNORECASE)
    for words in (
        r"melod(y|ie|ia)",
        r"sopran(o|i|us)?|superius|cantus|canto|discant(us)?",
        r"voice|vocals?|voix|voz",
    )
)


class PartChoice(NamedTuple):
    """The track taken (its place in `score.tracks`), and why in words."""

    track: int
    why: str


def sounding_parts(score: ScoreTick, *, drums: bool = True) -> list[int]:
    """Indices of the tracks that have notes, with or without drum tracks."""
    return [i for i, track in enumerate(score.tracks) if (drums or not track.is_drum) and len(track.notes)]


def is_monophonic(track: TrackTick, tpq: int) -> bool:
    """Whether one note sounds at a time; see the module's article."""
    return _one_at_a_time(track.notes.numpy(), tpq)


def mean_pitch(track: TrackTick) -> float:
    """The mean MIDI pitch of a track that has notes."""
    return _mean(track.notes.numpy()["pitch"])


def choose_part(score: ScoreTick, part: str | int | None = None) -> PartChoice:
    """The track that `part` names: a name, a number, "drums", or None for the one that carries the tune.

    None takes the only part; else a monophonic one called melody, soprano or voice; else the highest
    monophonic one; else one so called; else the highest. A number also takes the only part of a score, such as
    one generated for that part. Raises EncodingError where there is no such part.
    """
    sounding = sounding_parts(score)
    if not sounding:
        raise EncodingError("the score has no notes: nothing can be encoded")
    if part is None:
        return _carrier(score, sounding)
    if isinstance(part, int) or part.isdecimal():
        return _numbered(score, sounding, int(part))
    if part.lower() == "drums":
        return _drums(score, sounding)
    return _named(score, sounding, part)


def _carrier(score: ScoreTick, sounding: Sequence[int]) -> PartChoice:
    tracks = score.tracks
    pitched = [i for i in sounding if not tracks[i].is_drum]
    if not pitched:
        raise EncodingError('the score has drums only: ask for them with --part drums (in Python part="drums")')
    if len(pitched) == 1:
        return PartChoice(pitched[0], "the only part")
    named = _named_as_melody([(i, tracks[i].name) for i in pitched])
    for i in named:
        if is_monophonic(tracks[i], score.tpq):
            return PartChoice(i, f"{_label(score, sounding, i)}, by its name")
    columns = {i: tracks[i].notes.numpy() for i in pitched}
    high = sorted(pitched, key=lambda i: -_mean(columns[i]["pitch"]))
    for i in high:
        if _one_at_a_time(columns[i], score.tpq):
            return PartChoice(i, f"{_label(score, sounding, i)}, the highest of the parts with one note at a time")
    i, reason = (named[0], "by its name") if named else (high[0], "the highest of several polyphonic parts")
    return PartChoice(i, f"{_label(score, sounding, i)}, {reason}")


def tune_carriers(table: NoteTable) -> IntArray:
    """The number, in a table, of the track that carries the tune of each score, -1 for none: (n_scores,).

    As `choose_part` without a name, for all scores at once.
    """
    tracks = np.flatnonzero((table.counts > 0) & ~table.is_drum)
    mean = np.bincount(table.notes.track, table.notes.pitch, minlength=len(table.counts))[tracks] / table.counts[tracks]
    rank = np.array([_melody_rank(table.tracks[i].name) for i in tracks.tolist()], dtype=np.int64)
    named = rank < len(_MELODY_NAMES)
    several = ~_monophonic_tracks(table)[tracks]
    score_of = table.score_of[tracks]
    order = np.lexsort((np.where(named, rank, -mean), ~named, several, score_of))
    _, first = np.unique(score_of[order], return_index=True)
    carriers = np.full(table.n_scores, -1, dtype=np.int64)
    carriers[score_of[order[first]]] = tracks[order[first]]
    return carriers


def _monophonic_tracks(table: NoteTable) -> BoolArray:
    """Which tracks of a table have one note at a time: (n_tracks,)."""
    notes = table.with_several_at_once()
    order = np.lexsort((notes.onset, notes.track))
    track, onset = notes.track[order], notes.onset[order]
    end = onset + notes.duration[order]
    apart = track * (int(end.max(initial=0)) + 1)  # later tracks lie after all that sounds in earlier ones
    reach = np.maximum.accumulate(end + apart) - apart
    least = np.array([signs.ticks_per_quarter // 16 for signs in table.signs], dtype=np.int64)[table.score_of]
    overlaps = (reach[:-1] - onset[1:] > least[track[1:]]) & (track[1:] == track[:-1])
    return 20 * np.bincount(track[1:][overlaps], minlength=len(table.counts)) <= table.counts


def _numbered(score: ScoreTick, sounding: Sequence[int], number: int) -> PartChoice:
    if len(sounding) == 1 and number > 0:
        return PartChoice(sounding[0], f"the only part, where part {number} was asked for")
    if not 0 <= number < len(sounding):
        raise EncodingError(f"the score has no part {number}: {_listing(score, sounding)}")
    return PartChoice(sounding[number], f"{_label(score, sounding, sounding[number])}, as asked")


def _drums(score: ScoreTick, sounding: Sequence[int]) -> PartChoice:
    for i in sounding:
        if score.tracks[i].is_drum:
            return PartChoice(i, "the drums, as asked")
    raise EncodingError(f"the score has no drum part: {_listing(score, sounding)}")


def _named(score: ScoreTick, sounding: Sequence[int], name: str) -> PartChoice:
    wanted = name.casefold().strip()
    names = {i: score.tracks[i].name.casefold().strip() for i in sounding}
    exact = [i for i in sounding if names[i] == wanted]
    partly = [i for i in sounding if wanted in names[i]]
    if not exact + partly:
        raise EncodingError(f"the score has no part called '{name}': {_listing(score, sounding)}")
    i = (exact + partly)[0]
    return PartChoice(i, f"{_label(score, sounding, i)}, as asked")


def _named_as_melody(names: Sequence[tuple[int, str]]) -> list[int]:
    ranked = sorted((_melody_rank(name), i) for i, name in names)
    return [i for rank, i in ranked if rank < len(_MELODY_NAMES)]


@lru_cache(maxsize=4096)
def _melody_rank(name: str) -> int:
    """How plainly a name says that its part is the melody, 0 the plainest; the number of such names if it does not."""
    return next((i for i, pattern in enumerate(_MELODY_NAMES) if pattern.search(name)), len(_MELODY_NAMES))


def _one_at_a_time(notes: Mapping[str, NDArray[Any]], tpq: int) -> bool:
    start = notes["time"].astype(np.int64)
    end = start + notes["duration"]
    if not (start[1:] >= start[:-1]).all():
        order = np.argsort(start, kind="stable")
        start, end = start[order], end[order]
    overlaps = np.maximum.accumulate(end)[:-1] - start[1:] > tpq // 16
    return 20 * int(np.count_nonzero(overlaps)) <= len(start)


def _mean(pitches: NDArray[Any]) -> float:
    return float(np.add.reduce(pitches, dtype=np.int64)) / len(pitches)


def _label(score: ScoreTick, sounding: Sequence[int], index: int) -> str:
    name = score.tracks[index].name
    return f"part {sounding.index(index)}" + (f" '{name}'" if name else "")


def _listing(score: ScoreTick, sounding: Sequence[int]) -> str:
    return "its parts are " + ", ".join(_label(score, sounding, i).removeprefix("part ") for i in sounding)
