"""Several parts of one note each, the highest first: chorales, quartets, motets.

Time is cut wherever a voice begins or ends a note; an event is one *slice*:

    duration  how long the slice lasts, in units, from 1
    phrase    "" or "end of phrase": whether the last note of a phrase of the top voice begins here
    voice1 .. what each voice does, from the top: a pitch that begins (MIDI), HOLD or REST

With `frame="1/4"` the slices are all a quarter note long, counted from the first bar line: no duration
is written, a pitch is what sounds as the frame begins, and notes between two frames are lost and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from stochastic_music.errors import EncodingError, InvalidParameterError
from stochastic_music.music import marks
from stochastic_music.music.parts import mean_pitch, sounding_parts
from stochastic_music.music.signs import signs_of
from stochastic_music.protocols import IntArray
from stochastic_music.tokens.encoding import ScoreEncoding, left_out, units_of
from stochastic_music.tokens.grid import Timeline, grid_of
from stochastic_music.tokens.header import Header
from stochastic_music.tokens.heading import add_track, header_of, median_velocity, ticks_per_unit, timeline_of
from stochastic_music.tokens.loss import EncodingLoss
from stochastic_music.tokens.piece import TokenPiece
from stochastic_music.tokens.reading import Notes, last_of_phrases, read_notes, skyline
from stochastic_music.tokens.vocabulary import Field, Vocabulary, pitch_name

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: The values of a voice that begins no note: it is silent, or holds the note it has.
REST, HOLD = -2, -1


def voice_field(name: str, *, below: str = "") -> Field:
    """A field for what a voice does: REST, HOLD or a pitch."""
    labels = ("rest", "hold", *(pitch_name(pitch) for pitch in range(128)))
    return Field(name, 130, first=REST, labels=labels, below=below)


@dataclass(frozen=True)
class VoicesEncoding(ScoreEncoding):
    """Slices of `n_voices` parts; see the module's article.

    A score must have exactly `n_voices` parts that are no drums; `VoicesEncoding(None).for_scores(scores)`
    takes the number that most of them have. Voices are put in order by their mean pitch. A voice that is
    polyphonic gives its highest notes, and the rest are counted as lost. Slices longer than `max_length`
    quarter notes are written as several, which loses nothing.

        >>> from symusic import Note, Score, Track
        >>> score = Score(480)
        >>> score.tracks.append(Track("A", notes=[Note(0, 960, 72, 80)]))
        >>> score.tracks.append(Track("B", notes=[Note(0, 480, 60, 80), Note(480, 480, 59, 80)]))
        >>> encoding = VoicesEncoding(n_voices=2)
        >>> " ".join(encoding.vocabulary.describe(s) for s in encoding.encode(score)[0].symbols[4:])
        'duration 12 phrase  voice1 hold voice2 B3 END'
    """

    n_voices: int | None = 4
    frame: str | None = None
    grid: str = "1/16,1/12"
    max_length: int = 16
    closed: bool = True
    alphabet: Sequence[int] | None = None

    name: ClassVar[str] = "voices"

    def for_scores(self, scores: Sequence[ScoreTick]) -> VoicesEncoding:
        """This encoding, with the number of voices that most of `scores` have where none was given."""
        if self.n_voices is not None:
            return self
        counts = np.array([len(sounding_parts(score, drums=False)) for score in scores], dtype=np.int64)
        return replace(self, n_voices=max(1, int(np.bincount(counts, minlength=1).argmax())))

    def encode_reported(self, score: ScoreTick) -> tuple[list[TokenPiece], EncodingLoss]:
        """The slices of a score, and what they could not keep of it.

        Raises EncodingError where the number of parts is another, or a bar does not fit the grid.
        """
        timeline = timeline_of(score, grid_of(self.grid))
        indices = self._voices(score)
        tracks = [score.tracks[i] for i in indices]
        read = [read_notes(track, timeline) for track in tracks]
        lines = [skyline(notes) for notes, _ in read]
        voices = [line for line, _ in lines]
        header = header_of(
            signs_of(score), timeline, tracks, median_velocity(np.concatenate([line.velocity for line in voices]))
        )
        ends = _phrase_ends(score, indices, voices[0], timeline)
        columns, header, frame_loss = self._slices(voices, ends, header)
        loss = frame_loss + left_out(score, len(sounding_parts(score, drums=False)))
        loss = sum((lost for _, lost in (*read, *lines)), loss)
        return [TokenPiece(self._symbols(columns), header)], loss

    def _voices(self, score: ScoreTick) -> list[int]:
        """Track indices from the top voice down; silent tracks count only where they make up the number."""
        wanted = len(self._voice_names)
        sounding = sounding_parts(score, drums=False)
        if len(sounding) == wanted:
            return sorted(sounding, key=lambda i: -mean_pitch(score.tracks[i]))
        tracks = [i for i, track in enumerate(score.tracks) if not track.is_drum]
        if not sounding or len(tracks) != wanted:
            found = f"{len(sounding)} part that is" if len(sounding) == 1 else f"{len(sounding)} parts that are"
            raise EncodingError(f"the score has {found} no drums; expected {wanted}")
        return tracks

    @property
    def _voice_names(self) -> list[str]:
        if self.n_voices is None:
            raise InvalidParameterError("n_voices is None; find it with VoicesEncoding(None).for_scores(scores)")
        if not 1 <= self.n_voices <= 64:
            raise InvalidParameterError(f"n_voices is {self.n_voices}; expected 1 to 64")
        return [f"voice{i + 1}" for i in range(self.n_voices)]

    @property
    def _step(self) -> int:
        """Units of a frame, 0 without frames."""
        if self.frame is None:
            return 0
        grid, frame = grid_of(self.grid), grid_of(self.frame)
        step, rest = divmod(4 * grid.resolution, frame.denominators[0])
        on_grid = any(step % (4 * grid.resolution // part) == 0 for part in grid.denominators)
        if rest or not on_grid or len(frame.denominators) > 1:
            raise InvalidParameterError(
                f"the frame is '{self.frame}'; expected one part of a whole note that is on the grid {self.grid}"
            )
        return step

    def _declare(self) -> Vocabulary:
        resolution = grid_of(self.grid).resolution
        phrase = Field("phrase", 2, labels=("", "end of phrase"))
        voices = [voice_field(name) for name in self._voice_names]
        if self._step:
            return Vocabulary((phrase, *voices), resolution, self.closed, step=self._step)
        duration = Field("duration", units_of(self.max_length, grid_of(self.grid)), first=1, advances="later")
        return Vocabulary((duration, phrase, *voices), resolution, self.closed)

    def _slices(
        self, voices: Sequence[Notes], ends: IntArray, header: Header
    ) -> tuple[list[IntArray], Header, EncodingLoss]:
        """The column of each field, the header they stand under, and what frames could not show."""
        if self._step:
            return _frames(voices, ends, header, self._step)
        limit = units_of(self.max_length, grid_of(self.grid))
        points = _divided(np.unique(np.concatenate([[0], *(v.onset for v in voices), *(v.end for v in voices)])), limit)
        begin = points[:-1]
        columns = [np.diff(points), np.isin(begin, ends).astype(np.int64)]
        return [*columns, *(_line(voice, begin, voice.onset) for voice in voices)], header, EncodingLoss()

    def _write(self, score: ScoreTick, piece: TokenPiece) -> None:
        columns = self.columns(piece.symbols)
        duration = columns.get("duration", np.full_like(columns["phrase"], self._step))
        points = np.append(0, np.cumsum(duration))
        tracks = [
            add_track(score, piece.header, i, notes_of_line(columns[name], points))
            for i, name in enumerate(self._voice_names)
        ]
        ends = points[:-1][columns["phrase"] == 1] * ticks_per_unit(piece.header)
        if len(ends):
            marks.add_phrase_ends(score, tracks[0], ends.tolist())


def _line(voice: Notes, times: IntArray, first_heard: IntArray) -> IntArray:
    """What a voice does at `times`; `first_heard` is when each of its notes is heard to begin."""
    if not len(voice.onset):
        return np.full_like(times, REST)
    note = np.searchsorted(voice.onset, times, side="right") - 1
    sounds = (note >= 0) & (voice.end[note] > times)
    begins = first_heard[note] == times
    line: IntArray = np.where(sounds, np.where(begins, voice.pitch[note], HOLD), REST)
    return line


def _frames(
    voices: Sequence[Notes], ends: IntArray, header: Header, step: int
) -> tuple[list[IntArray], Header, EncodingLoss]:
    _check_frame(header, step)
    late = -header.pickup % step
    last = max((int(voice.end.max(initial=0)) for voice in voices), default=0) + late
    times = np.arange(0, last, step, dtype=np.int64)
    moved = [voice._replace(onset=voice.onset + late, end=voice.end + late) for voice in voices]
    lines = [_line(voice, times, _next_frame(voice.onset, step)) for voice in moved]
    heard = np.flatnonzero(np.max(lines, axis=0) != REST)
    if not len(heard):
        raise EncodingError("no note sounds as a frame begins: set frame to a shorter part of a whole note")
    lines = [line[: heard[-1] + 1] for line in lines]
    phrase = np.isin(times[: heard[-1] + 1], _next_frame(ends + late, step)).astype(np.int64)
    unheard = sum(len(voice.onset) for voice in voices) - sum(int((line >= 0).sum()) for line in lines)
    return [phrase, *lines], _later(header, late), EncodingLoss(n_notes=-unheard, hidden=unheard)


def _check_frame(header: Header, step: int) -> None:
    starts, lengths, _ = header.bar_spans()
    for meter, start, length in zip(header.meters, starts, lengths, strict=True):
        if length % step or (start - starts[0]) % step:
            raise EncodingError(
                f"bars of {meter} do not divide into frames of {step / header.resolution:g} quarter notes: "
                "set frame to a shorter part of a whole note"
            )


def _next_frame(times: IntArray, step: int) -> IntArray:
    return -(-times // step) * step


def _later(header: Header, units: int) -> Header:
    """The header of a piece that begins with `units` more of silence."""
    if not units:
        return header
    meters = (header.meters[0], *(m._replace(start=m.start + units) for m in header.meters[1:]))
    tempos = (header.tempos[0], *((time + units, tempo) for time, tempo in header.tempos[1:]))
    return replace(header, pickup=header.pickup + units, meters=meters, tempos=tempos)


def _divided(points: IntArray, limit: int) -> IntArray:
    """The same points, and more of them where two are further apart than `limit`."""
    if (np.diff(points) <= limit).all():
        return points
    between = [np.arange(a, b, limit) for a, b in zip(points[:-1].tolist(), points[1:].tolist(), strict=True)]
    return np.concatenate([*between, points[-1:]]).astype(np.int64)


def notes_of_line(line: IntArray, points: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Onset, duration and pitch of the notes of a voice; `points` are where slices begin, and the last one's end."""
    changes = np.flatnonzero(line != HOLD)
    until = points[np.append(changes[1:], len(line))]
    notes = line[changes] >= 0
    begin = changes[notes]
    return points[begin], until[notes] - points[begin], line[begin]


def _phrase_ends(score: ScoreTick, indices: Sequence[int], top: Notes, timeline: Timeline) -> IntArray:
    """Onsets (units) of the top voice's last notes of phrases, as the highest voice that has marks tells them."""
    if len(score.markers) and len(top.onset):
        for index in indices:
            ticks = marks.phrase_ends(score, index)
            if ticks:
                return top.onset[last_of_phrases(top, timeline, ticks)]
    return np.zeros(0, dtype=np.int64)
