"""One polyphonic part: notes by onset, chords from the top down. Piano, guitar, drums.

An event is a note:

    shift     from the onset of the note before, in units; 0 within a chord
    duration  how long it sounds, in units, from 1
    pitch     MIDI, 0 to 127
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from stochastic_music.music.parts import choose_part, sounding_parts
from stochastic_music.music.signs import signs_of
from stochastic_music.protocols import IntArray
from stochastic_music.tokens.encoding import ScoreEncoding, left_out, units_of
from stochastic_music.tokens.grid import grid_of
from stochastic_music.tokens.header import Header, Part
from stochastic_music.tokens.heading import add_track, header_of, median_velocity, timeline_of
from stochastic_music.tokens.loss import EncodingLoss
from stochastic_music.tokens.piece import TokenPiece
from stochastic_music.tokens.reading import Notes, joined, long_gaps, read_notes, without_unisons
from stochastic_music.tokens.vocabulary import Field, Vocabulary

if TYPE_CHECKING:
    from symusic.core import ScoreTick


@dataclass(frozen=True)
class NotesEncoding(ScoreEncoding):
    """Notes of one part, or of all parts but the drums together; see the module's article.

    `part` is a name, a number counted among the parts with notes, "drums", or None for all parts but the
    drums in one. A note ends where its pitch is struck again; of two equal notes at one time the longer
    stays. Silences longer than `max_length` quarter notes lose whole bars, notes longer than it end early.

        >>> from symusic import Note, Score, Track
        >>> score = Score(480)
        >>> score.tracks.append(Track("Piano", notes=[Note(0, 960, 60, 80), Note(0, 480, 64, 80)]))
        >>> encoding = NotesEncoding()
        >>> " ".join(encoding.vocabulary.describe(s) for s in encoding.encode(score)[0].symbols[:6])
        'shift 0 duration 12 pitch E4 shift 0 duration 24 pitch C4'
    """

    grid: str = "1/16,1/12"
    part: str | int | None = None
    max_length: int = 16
    closed: bool = True
    alphabet: Sequence[int] | None = None

    name: ClassVar[str] = "notes"

    def encode_reported(self, score: ScoreTick) -> tuple[list[TokenPiece], EncodingLoss]:
        """The notes of a score, and what they could not keep of it.

        Raises EncodingError where there is no such part, or a bar does not fit the grid.
        """
        timeline = timeline_of(score, grid_of(self.grid))
        indices, choices = self._parts(score)
        tracks = [score.tracks[i] for i in indices]
        read = [read_notes(track, timeline) for track in tracks]
        found = joined([notes for notes, _ in read])
        header = header_of(signs_of(score), timeline, tracks, median_velocity(found.velocity))
        symbols, header, loss = self._spell(found, replace(header, parts=(_merged(header.parts),)))
        return [TokenPiece(symbols, header)], sum(
            (lost for _, lost in read), loss + left_out(score, len(tracks), choices)
        )

    def _parts(self, score: ScoreTick) -> tuple[list[int], tuple[str, ...]]:
        if self.part is not None:
            track, why = choose_part(score, self.part)
            return [track], (why,)
        pitched = sounding_parts(score, drums=False)
        # With nothing to take, choosing a part says why.
        return (pitched, ()) if pitched else ([choose_part(score).track], ())

    def _declare(self) -> Vocabulary:
        longest = units_of(self.max_length, grid_of(self.grid))
        fields = (
            Field("shift", longest + 1, advances="now"),
            Field("duration", longest, first=1, advances="sounds"),
            Field("pitch", 128),
        )
        return Vocabulary(fields, grid_of(self.grid).resolution, self.closed)

    def _spell(self, notes: Notes, header: Header) -> tuple[IntArray, Header, EncodingLoss]:
        limit = units_of(self.max_length, grid_of(self.grid))
        short = notes.until(np.minimum(notes.end, notes.onset + limit))
        loss = EncodingLoss(cut=int((short.end < notes.end).sum()))
        before = np.append(0, notes.onset[:-1])
        silent_from = np.append(0, np.maximum.accumulate(short.end)[:-1])
        removal = long_gaps(before, notes.onset, silent_from, limit, header)
        if removal is not None:
            short, header = (
                short._replace(onset=removal(short.onset), end=removal(short.end)),
                removal.of_header(header),
            )
            loss += EncodingLoss(rests_shortened=len(removal.start))
        single, unison_loss = without_unisons(short)
        shift = np.diff(single.onset, prepend=0)
        return self._symbols([shift, single.end - single.onset, single.pitch]), header, loss + unison_loss

    def _write(self, score: ScoreTick, piece: TokenPiece) -> None:
        columns = self.columns(piece.symbols)
        onset = np.cumsum(columns["shift"])
        add_track(score, piece.header, 0, (onset, columns["duration"], columns["pitch"]))


def _merged(parts: Sequence[Part]) -> Part:
    """One part for all: the names together, the sound of the first."""
    return parts[0]._replace(name=", ".join(dict.fromkeys(part.name for part in parts if part.name)))
