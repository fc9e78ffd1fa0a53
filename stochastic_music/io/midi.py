"""Standard MIDI files: in, out, and what they carry besides notes.

Reading (`read_midi`): symusic reads first. Where it refuses, or where its answer cannot be the whole file (a note
that never ends is dropped by it, a denominator of 2^33 wraps round, times run over), `_midi_events` reads again. Then
the score is put right (`_repair`). A format 2 file holds several pieces. Times are ticks of the file's own resolution.

Writing (`save_midi`): equal scores give equal bytes, without clock time. How a piece was made travels as a text event
that begins with `stochastic_music `, read back by `provenance`. A pickup is written as a first bar under its own time
signature, so that bar lines stand where other programs draw them, and as the marker `pickup:<ticks>`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from symusic.core import ScoreTick, TextMetaTick, TextMetaTickList, TimeSignatureTick, TimeSignatureTickList

from stochastic_music.errors import UnreadableFileError
from stochastic_music.io import _midi_bytes as raw
from stochastic_music.io._repair import (
    NoteArrays,
    are_tidy,
    drop_empty_tracks,
    is_ascending,
    note_arrays,
    sound_scores,
    take_pickup_bar,
    tidy,
    tidy_signs,
)
from stochastic_music.io.loaded import LoadedScore, Started
from stochastic_music.music.marks import pickup
from stochastic_music.music.notes import NoteTable
from stochastic_music.music.signs import Signs, signs_of
from stochastic_music.protocols import BoolArray, IntArray

_PROVENANCE = "stochastic_music "
_LARGEST_EXPONENT = 6
_SYMUSIC_ERRORS = (RuntimeError, OverflowError, MemoryError, ValueError, TypeError)


def read_midi(data: bytes) -> list[LoadedScore]:
    """The pieces of a MIDI file (also within RIFF); raises UnreadableFileError where there is none."""
    data = raw.unwrap_riff(data)
    head = raw.head(data)
    if head.format == 2 and head.n_tracks > 1:
        pieces = [_piece(part, str(i)) for i, part in enumerate(raw.split_sequences(data), 1) if _has_notes(part)]
        return pieces or [_piece(data, "")]
    return [_piece(data, "")]


def start_midi(data: bytes) -> Started | None:
    """What symusic makes of a file of one piece; None where it refuses, or where there may be several."""
    data = raw.unwrap_riff(data)
    if raw.head(data).format == 2 or _wrapped_denominator(data):
        return None
    try:
        score = ScoreTick.from_midi(data)
    except _SYMUSIC_ERRORS:
        return None
    return Started(data, score)


def finish_midi(started: Sequence[Started], table: NoteTable) -> list[LoadedScore | None]:
    """What `read_midi` gives, for files whose notes need no repair; None for the others.

    Where signs are put right, the table learns of it.
    """
    sound = sound_scores(table, np.array([s.ticks_per_quarter for s in table.signs], dtype=np.int64))
    sound &= _counts_of_note_ons([s.data for s in started]) == table.note_counts
    for i in np.unique(table.score_of[table.counts == 0]).tolist():
        drop_empty_tracks(started[i].score)
    return [_signed(s.score, table.signs, i) if sound[i] else None for i, s in enumerate(started)]


def _signed(score: ScoreTick, signs: list[Signs], i: int) -> LoadedScore:
    """A score with its signs put right; they are place `i` of `signs`."""
    if are_tidy(signs[i]):
        score.sort()
        return LoadedScore(score)
    warnings = tidy_signs(score)
    score.sort()
    warnings += take_pickup_bar(score)
    signs[i] = signs_of(score)
    return LoadedScore(score, warnings=tuple(warnings))


def _has_notes(data: bytes) -> bool:
    return bool(ScoreTick.from_midi(data).note_num() > 0)


def _piece(data: bytes, tune: str) -> LoadedScore:
    score, notes, odd = _quickly(data) or _patiently(data)
    if not len(notes.onset):
        raise UnreadableFileError("it holds no notes")
    warnings = [*odd, *tidy(score, notes), *take_pickup_bar(score)]
    return LoadedScore(score, tune=tune, warnings=tuple(warnings))


def _quickly(data: bytes) -> tuple[ScoreTick, NoteArrays, list[str]] | None:
    try:
        score = ScoreTick.from_midi(data)
    except _SYMUSIC_ERRORS:
        return None
    drop_empty_tracks(score)
    notes = note_arrays(score)
    if not is_ascending(notes) or _wrapped_denominator(data) or _lost_notes(data, len(notes.onset)):
        return None
    return score, notes, []


def _patiently(data: bytes) -> tuple[ScoreTick, NoteArrays, list[str]]:
    from stochastic_music.io._midi_events import read_events

    score, odd = read_events(data)
    drop_empty_tracks(score)
    return score, note_arrays(score), odd


def _wrapped_denominator(data: bytes) -> bool:
    return max(raw.time_signature_exponents(data), default=0) > _LARGEST_EXPONENT


def _lost_notes(data: bytes, n_notes: int) -> bool:
    """Whether notes begin that symusic did not report, because they never end.

    Where every event has its status byte, note-ons can be counted in the bytes. Where the count differs, the file is
    read again with all notes ended: more notes then are notes that lacked an end.
    """
    if _count_note_ons(data) == n_notes:
        return False
    try:
        return bool(ScoreTick.from_midi(raw.with_all_notes_off(data)).note_num() != n_notes)
    except _SYMUSIC_ERRORS:
        return True


def _count_note_ons(data: bytes) -> int:
    """Places that look like a note-on: a delta time's last byte, 9x, a pitch, a velocity above 0."""
    return int(np.count_nonzero(_look_like_note_ons(data)))


def _counts_of_note_ons(files: Sequence[bytes]) -> IntArray:
    """As above, for each of several files."""
    # Three bytes of FF between them: nothing that looks like a note-on holds one.
    places = np.flatnonzero(_look_like_note_ons(b"\xff\xff\xff".join(files)))
    ends = np.cumsum([len(data) + 3 for data in files], dtype=np.int64)
    counts: IntArray = np.diff(np.searchsorted(places, ends), prepend=0)
    return counts


def _look_like_note_ons(data: bytes) -> BoolArray:
    b = np.frombuffer(data, dtype=np.uint8)
    looks: BoolArray = (b[:-3] < 0x80) & (b[1:-2] >> 4 == 9) & (b[2:-1] < 0x80) & (b[3:] - 1 < 0x7F)
    return looks


def score_to_bytes(score: ScoreTick) -> bytes:
    """A score as MIDI bytes that `score_from_bytes` gives back: note-holding tracks, signatures, tempos, markers."""
    return bytes(_renumbered(score).dumps_midi())


def score_from_bytes(data: bytes) -> ScoreTick:
    """The inverse of `score_to_bytes`, without any repair."""
    score = ScoreTick.from_midi(data)
    drop_empty_tracks(score)
    return score


def midi_bytes(score: ScoreTick, *, provenance: str = "") -> bytes:
    """A MIDI file that other programs open."""
    return with_provenance(score_to_bytes(_with_pickup_bar(score)), provenance)


def with_provenance(data: bytes, provenance: str) -> bytes:
    """The same MIDI file with a text event in front that tells how it was made; without one where that is empty."""
    return raw.with_text(data, _PROVENANCE + provenance) if provenance else data


def save_midi(score: ScoreTick, path: Path, *, provenance: str = "") -> None:
    """Write `midi_bytes` to `path`."""
    path.write_bytes(midi_bytes(score, provenance=provenance))


def provenance(data: bytes) -> str:
    """How a MIDI file of ours says that it was made, an empty string where it says nothing."""
    return next((text.removeprefix(_PROVENANCE) for text in raw.texts(data) if text.startswith(_PROVENANCE)), "")


def _renumbered(score: ScoreTick) -> ScoreTick:
    """The score without empty tracks; phrase marks go with their tracks."""
    if all(len(track.notes) for track in score.tracks):
        return score
    score = score.copy()
    full = [i for i, track in enumerate(score.tracks) if len(track.notes)]
    new = {f"phrase:{old}": f"phrase:{i}" for i, old in enumerate(full)}
    score.markers = TextMetaTickList(
        [TextMetaTick(m.time, new.get(m.text, m.text)) for m in score.markers if _holds(m.text, new)]
    )
    drop_empty_tracks(score)
    return score


def _holds(text: str, new: dict[str, str]) -> bool:
    return text in new or not text.startswith("phrase:")


def _with_pickup_bar(score: ScoreTick) -> ScoreTick:
    """The score with its pickup under a time signature of its own, where one can say it."""
    ticks = pickup(score)
    signature = _signature_of(ticks, 4 * score.ticks_per_quarter)
    if not ticks or signature is None or not len(score.time_signatures):
        return score
    score = score.copy()
    first, *rest = score.time_signatures
    first.time = ticks
    short = TimeSignatureTick(0, *signature)
    score.time_signatures = TimeSignatureTickList([short, first, *(s for s in rest if s.time > ticks)])
    return score


def _signature_of(ticks: int, whole: int) -> tuple[int, int] | None:
    """The meter of a bar of `ticks`: the largest denominator from quarters on that divides it.

    >>> _signature_of(480, 1920), _signature_of(720, 1920), _signature_of(7, 1920)
    ((1, 4), (3, 8), None)
    """
    for denominator in (4, 8, 16, 32, 64):
        numerator, rest = divmod(ticks * denominator, whole)
        if not rest and numerator < 64:
            return numerator, denominator
    return None


__all__ = [
    "midi_bytes",
    "provenance",
    "read_midi",
    "save_midi",
    "score_from_bytes",
    "score_to_bytes",
    "with_provenance",
]
