"""A score as sound: each note in seconds, through its instrument, to its place between left and right, in a small room.

Parts are spread from left to right with equal power. The room is a few early reflections, other ones for each ear, and
softer than what they reflect.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from stochastic_music.errors import InputError, InvalidParameterError
from stochastic_music.protocols import IntArray
from stochastic_music.render.audio.drums import stroke
from stochastic_music.render.audio.instruments import family
from stochastic_music.render.audio.leveling import level
from stochastic_music.render.audio.partials import Sound
from stochastic_music.render.audio.timbres import TIMBRES
from stochastic_music.render.audio.tones import Tone, rise, tone

if TYPE_CHECKING:
    from symusic.core import ScoreSecond, ScoreTick, TrackSecond

#: Longer scores are refused, in seconds.
MAX_SECONDS = 3600
_LOWEST_RATE = 8000
_DRUMS = "drums"
#: how many shades from soft to loud
_SHADES = 8
#: into which channel, from which, after how many seconds, how loud
_REFLECTIONS = (
    *((0, 1, 0.0113, 0.12), (0, 0, 0.0197, 0.09), (0, 1, 0.0311, 0.07), (0, 0, 0.0437, 0.05)),
    *((1, 0, 0.0129, 0.12), (1, 1, 0.0211, 0.09), (1, 0, 0.0337, 0.07), (1, 1, 0.0461, 0.05)),
)
_ROOM = 0.0461
_BLOCK = 1 << 15


class _Notes(NamedTuple):
    """Notes of one family, each (n,), times in samples; `gains` (n, 2) are those of left and right."""

    start: IntArray
    length: IntArray
    pitch: IntArray
    velocity: IntArray
    gains: Sound


def synthesize(score: ScoreTick, sample_rate: int = 44100) -> Sound:
    """The sound of a score: (n_samples, 2), left and right, no sample beyond -1 dBFS; (0, 2) for a score without notes.

    Raises InputError for a score that lasts more than an hour, InvalidParameterError for less than 8,000 samples a
    second.

    >>> from symusic import Note, Score, Track
    >>> score = Score(480)
    >>> score.tracks.append(Track(notes=[Note(0, 480, 69, 80)]))
    >>> synthesize(score, sample_rate=8000).shape  # half a second at 120 a minute, release and room
    (5329, 2)
    """
    if sample_rate < _LOWEST_RATE:
        raise InvalidParameterError(f"{sample_rate} samples a second: expected {_LOWEST_RATE} at least")
    duration(score)  # refuses what is too long
    families = _families(_sounding(score), sample_rate)
    n = max((int((notes.start + notes.length).max()) for notes in families.values()), default=0)
    spare = max((_release(name, sample_rate) for name in families), default=0)
    room = round(_ROOM * sample_rate) if n else 0
    mixed = np.zeros((2, room + n + spare + room), dtype=np.float32)  # silence before, for the reflections to read
    for name, notes in families.items():
        _play(mixed[:, room:], name, notes, sample_rate)
    _reflect(mixed, room, sample_rate)
    sound = mixed[:, room:]
    level(sound, sample_rate)
    return sound.T


def duration(score: ScoreTick) -> float:
    """Seconds until the last note ends, 0 where there is none. Raises InputError where that is more than an hour."""
    last = max((_last(track) for track in _sounding(score)), default=0.0)
    if not last <= MAX_SECONDS:
        raise InputError(
            f"the score lasts {last / 60:.0f} minutes; sound is written for at most {MAX_SECONDS // 60}: cut it first"
        )
    return last


def _sounding(score: ScoreTick) -> list[TrackSecond]:
    """The tracks that have notes, in seconds by the tempo map."""
    return [track for track in cast("ScoreSecond", score.to("second")).tracks if len(track.notes)]


def _last(track: TrackSecond) -> float:
    arrays = track.notes.numpy()
    return float((arrays["time"].astype(np.float64) + arrays["duration"]).max())


def _families(tracks: Sequence[TrackSecond], sample_rate: int) -> dict[str, _Notes]:
    """The notes of all tracks by the family that plays them: parts of one family share its tones."""
    found: dict[str, list[_Notes]] = {}
    for i, track in enumerate(tracks):
        name = family(track.program, track.is_drum)
        found.setdefault(name, []).append(_notes(track.notes.numpy(), name, _pan(i, len(tracks)), sample_rate))
    return {name: _Notes(*map(np.concatenate, zip(*notes, strict=True))) for name, notes in found.items()}


def _notes(arrays: dict[str, NDArray[Any]], name: str, pan: Sound, sample_rate: int) -> _Notes:
    start, lasting = (arrays[field].astype(np.float64) for field in ("time", "duration"))
    begin, end = (np.rint(at * sample_rate).astype(np.int64).clip(0) for at in (start, start + lasting))
    length = np.maximum(end - begin, 1)
    pitch, velocity = (arrays[field].astype(np.int64) for field in ("pitch", "velocity"))
    if name == _DRUMS:  # strokes ring out, however long they are written
        length = np.array([len(stroke(key, sample_rate)) for key in pitch.tolist()])
    return _Notes(begin, length, pitch, velocity, pan * _gain(velocity)[:, None])


def _release(name: str, sample_rate: int) -> int:
    """In how many samples notes of a family fade; drums end by themselves."""
    return 0 if name == _DRUMS else round(TIMBRES[name].release * sample_rate)


def _pan(part: int, n_parts: int) -> Sound:
    """Gains of left and right, equal in power: the first part a little left, the last a little right."""
    place = 2 * part / (n_parts - 1) - 1 if n_parts > 1 else 0
    angle = np.pi / 4 * (1 + 0.6 * place)
    return np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)


def _gain(velocity: IntArray) -> Sound:
    """Loudness grows with velocity, and never vanishes: a written note is heard."""
    return (0.25 + 0.75 * (np.maximum(velocity, 1) / 127) ** 1.5).astype(np.float32)


def _play(mixed: Sound, name: str, notes: _Notes, sample_rate: int) -> None:
    """Add the notes of a family to both channels; each tone is made once, for all notes that share it."""
    shades = notes.velocity.clip(0, 127) * _SHADES // 128
    kinds, which = np.unique(np.stack([notes.pitch, shades]), axis=1, return_inverse=True)
    fade = rise(_release(name, sample_rate))[::-1]
    for k, (pitch, shade) in enumerate(kinds.T.tolist()):
        alike = np.flatnonzero(which.ravel() == k)
        if name == _DRUMS:
            made = Tone(stroke(pitch, sample_rate), 0)
        else:
            longest = int(notes.length[alike].max()) + len(fade)
            made = tone(TIMBRES[name], pitch, (shade + 0.5) / _SHADES, longest, sample_rate)
        for i in alike:
            _add(mixed[:, notes.start[i] :], made, int(notes.length[i]), notes.gains[i], fade)


def _add(mixed: Sound, made: Tone, length: int, gains: Sound, fade: Sound) -> None:
    """Add one note of `length` samples, and its release."""
    for at, piece in made.pieces(0, length):
        for channel, gain in zip(mixed, gains, strict=True):
            channel[at : at + len(piece)] += gain * piece
    for at, piece in made.pieces(length, length + len(fade)):
        dying = piece * fade[at - length : at - length + len(piece)]
        for channel, gain in zip(mixed, gains, strict=True):
            channel[at : at + len(dying)] += gain * dying


def _reflect(mixed: Sound, room: int, sample_rate: int) -> None:
    """Add the reflections to (2, room + n), in place: from the end, so that what is read is still dry."""
    for end in range(mixed.shape[1], room, -_BLOCK):
        start = max(room, end - _BLOCK)
        wet = np.zeros((2, end - start), dtype=np.float32)
        for ear, channel, seconds, gain in _REFLECTIONS:
            late = round(seconds * sample_rate)
            wet[ear] += np.float32(gain) * mixed[channel, start - late : end - late]
        mixed[:, start:end] += wet
