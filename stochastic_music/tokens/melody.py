"""One part, one note at a time: rhythm, phrase mark and pitch of each.

An event is a note. Its fields, any of which but the pitch may be left out:

    rest      silence before the note, in units, from 0
    duration  how long it sounds, in units, from 1
    phrase    "" or "end of phrase": whether a phrase ends with this note
    pitch     MIDI, 0 to 127

Without `rest` a note lasts until the next one begins, and the piece starts with its first note. Without
`duration` there is no time at all: `fields=("pitch",)` gives the symbols of the published protocols.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from stochastic_music.errors import EncodingError, InvalidParameterError, UnknownNameError
from stochastic_music.music import marks
from stochastic_music.music.parts import choose_part
from stochastic_music.music.signs import signs_of
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.tokens.encoding import ScoreEncoding, left_out, units_of
from stochastic_music.tokens.grid import Grid, grid_of
from stochastic_music.tokens.header import Header
from stochastic_music.tokens.heading import add_track, header_of, median_velocity, ticks_per_unit, timeline_of
from stochastic_music.tokens.loss import EncodingLoss
from stochastic_music.tokens.melodies import plain_melodies
from stochastic_music.tokens.piece import TokenPiece
from stochastic_music.tokens.reading import (
    Notes,
    last_of_phrases,
    long_gaps,
    read_notes,
    skyline,
    without_silence_before,
)
from stochastic_music.tokens.vocabulary import Field, Vocabulary

if TYPE_CHECKING:
    from symusic.core import ScoreTick

    from stochastic_music.music.notes import NoteTable

FIELDS = ("rest", "duration", "phrase", "pitch")


@dataclass(frozen=True)
class MelodyEncoding(ScoreEncoding):
    """Notes of one part as events; see the module's article.

    `part` is a name, a number counted among the parts with notes, "drums", or None for the part that
    carries the tune. Where several notes sound at once the highest is taken and the rest are counted as
    lost. Rests longer than `max_length` quarter notes lose whole bars, notes longer than it end early.
    `alphabet` restricts the vocabulary to the ids listed; `closed=False` leaves END out.

        >>> from symusic import Note, Score, Track
        >>> score = Score(480)
        >>> score.tracks.append(Track("Voice", notes=[Note(0, 480, 60, 80), Note(720, 240, 62, 80)]))
        >>> encoding = MelodyEncoding()
        >>> [encoding.vocabulary.describe(s) for s in encoding.encode(score)[0].symbols[4:]]
        ['rest 6', 'duration 6', 'phrase ', 'pitch D4', 'END']
    """

    fields: Sequence[str] = FIELDS
    grid: str = "1/16,1/12"
    part: str | int | None = None
    max_length: int = 16
    closed: bool = True
    alphabet: Sequence[int] | None = None

    name: ClassVar[str] = "melody"

    def encode_reported(self, score: ScoreTick) -> tuple[list[TokenPiece], EncodingLoss]:
        """The melody of a score, and what it could not keep of it.

        Raises EncodingError where there is no such part, or a bar does not fit the grid.
        """
        timeline = timeline_of(score, self._grid)
        track, why = choose_part(score, self.part)
        found, grid_loss = read_notes(score.tracks[track], timeline)
        notes, voice_loss = skyline(found)
        ends = last_of_phrases(notes, timeline, marks.phrase_ends(score, track)) if "phrase" in self.fields else None
        header = header_of(signs_of(score), timeline, [score.tracks[track]], median_velocity(notes.velocity))
        symbols, header, length_loss = self._spell(notes, header, ends)
        others = left_out(score, 1, (why,))
        return [TokenPiece(symbols, header)], grid_loss + voice_loss + length_loss + others

    def encode_many(self, scores: Sequence[ScoreTick], table: NoteTable) -> list[list[TokenPiece] | EncodingError]:
        """As `encode` for each score of a table (`music.notes.gather`); an error stands for what it prevents."""
        known = self.fields if "rest" in self.fields or "duration" not in self.fields else None
        plain: list[TokenPiece | None] = [None] * len(scores)
        if known and scores:
            limit = units_of(self.max_length, self._grid)
            plain = plain_melodies(scores, table, self.vocabulary, part=self.part, grid=self.grid, limit=limit)
        return [[p] if p is not None else self._attempt(score) for p, score in zip(plain, scores, strict=True)]

    def _attempt(self, score: ScoreTick) -> list[TokenPiece] | EncodingError:
        try:
            return self.encode(score)
        except EncodingError as error:
            return error

    @property
    def _grid(self) -> Grid:
        return grid_of(self.grid)

    def _declare(self) -> Vocabulary:
        _check_fields(self.fields)
        longest = units_of(self.max_length, self._grid)
        known = {
            "rest": Field("rest", longest + 1, advances="now"),
            "duration": Field("duration", longest, first=1, advances="later"),
            "phrase": Field("phrase", 2, labels=("", "end of phrase")),
            "pitch": Field("pitch", 128),
        }
        resolution = self._grid.resolution if "duration" in self.fields else 0
        return Vocabulary(tuple(known[name] for name in self.fields), resolution, self.closed)

    def _spell(self, notes: Notes, header: Header, ends: BoolArray | None) -> tuple[IntArray, Header, EncodingLoss]:
        loss = EncodingLoss()
        columns = {"pitch": notes.pitch}
        if ends is not None:
            columns["phrase"] = ends.astype(np.int64)
        if "duration" in self.fields:
            columns["rest"], columns["duration"], header, loss = self._rhythm(notes, header)
        return self._symbols([columns[name] for name in self.fields]), header, loss

    def _rhythm(self, notes: Notes, header: Header) -> tuple[IntArray, IntArray, Header, EncodingLoss]:
        limit = units_of(self.max_length, self._grid)
        duration = np.minimum(notes.end - notes.onset, limit)
        silent_from = np.append(0, notes.onset[:-1] + duration[:-1])
        cut = int((duration < notes.end - notes.onset).sum())
        if "rest" not in self.fields:
            dropped = EncodingLoss(rests_dropped=int((notes.onset > silent_from).sum()))
            return self._legato(
                notes.onset, np.append(silent_from[1:], notes.onset[-1] + duration[-1]), header, dropped
            )
        removal = long_gaps(silent_from, notes.onset, silent_from, limit, header)
        if removal is None:
            return notes.onset - silent_from, duration, header, EncodingLoss(cut=cut)
        rest = removal(notes.onset) - removal(silent_from)
        loss = EncodingLoss(cut=cut, rests_shortened=len(removal.start))
        return rest, duration, removal.of_header(header), loss

    def _legato(
        self, onset: IntArray, end: IntArray, header: Header, loss: EncodingLoss
    ) -> tuple[IntArray, IntArray, Header, EncodingLoss]:
        first, last = int(onset[0]), int(end[-1] - onset[-1])
        header, onset, end = without_silence_before(first, header), onset - first, end - first
        limit = units_of(self.max_length, self._grid)
        removal = long_gaps(onset[:-1], onset[1:], end[:-1], limit, header)
        if removal is not None:
            onset, header = removal(onset), removal.of_header(header)
            loss += EncodingLoss(rests_shortened=len(removal.start))
        return np.zeros_like(onset), np.append(np.diff(onset), last), header, loss

    def _write(self, score: ScoreTick, piece: TokenPiece) -> None:
        columns = self.columns(piece.symbols)
        pitch = columns["pitch"]
        duration = columns.get("duration", np.full_like(pitch, piece.header.resolution))
        rest = columns.get("rest", np.zeros_like(pitch))
        onset = np.cumsum(rest + duration) - duration
        track = add_track(score, piece.header, 0, (onset, duration, pitch))
        ends = onset[columns.get("phrase", np.zeros_like(pitch)) == 1]
        if len(ends):
            marks.add_phrase_ends(score, track, (ends * ticks_per_unit(piece.header)).tolist())


def _check_fields(names: Sequence[str]) -> None:
    for name in names:
        if name not in FIELDS:
            raise UnknownNameError("melody field", name, FIELDS)
    wrong = ""
    if "pitch" not in names or len(set(names)) < len(names):
        wrong = "expected pitch, and each field once"
    elif "rest" in names and ("duration" not in names or names[0] != "rest"):
        wrong = "a rest needs a duration, and comes first"
    if wrong:
        raise InvalidParameterError(f"the melody fields are {', '.join(names) or 'none'}; {wrong}")
