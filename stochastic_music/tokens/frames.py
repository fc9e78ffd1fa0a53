"""Chords on a grid of frames, as sets of pitches: what sounds as each quarter note, say, begins.

An event is one frame: its pitches from the top down, one a field, then NONE for the notes that it lacks.

    voice1 .. voiceN    a pitch (MIDI), or NONE: strictly below the one before, or NONE after NONE

So a set is written in one way only, and what follows the first NONE is certain. Frames do not tell which notes are
held and which are struck again; `VoicesEncoding` does, for music in parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stochastic_music.errors import EncodingError
from stochastic_music.protocols import IntArray
from stochastic_music.tokens.vocabulary import Vocabulary
from stochastic_music.tokens.voices import REST, voice_field

#: "no further note": what a silent voice of `VoicesEncoding` has
NONE = REST


@dataclass(frozen=True)
class Frames:
    """Frames of at most `n_notes` pitches; see the module's article.

    >>> frames = Frames(n_notes=3)
    >>> symbols = frames.symbols([{60, 64, 67}, {59, 67}, set()])
    >>> " ".join(map(frames.vocabulary.describe, symbols[3:6]))
    'voice1 G4 voice2 B3 voice3 rest'
    >>> frames.sets(symbols)
    [(67, 64, 60), (67, 59), ()]
    """

    n_notes: int = 4
    closed: bool = False

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """One field a note; a frame is one unit of time, and one quarter note."""
        names = [f"voice{i + 1}" for i in range(self.n_notes)]
        above = ["", *names[:-1]]
        fields = tuple(voice_field(name, below=upper) for name, upper in zip(names, above, strict=True))
        declared = Vocabulary(fields, resolution=1, closed=self.closed, step=1)
        values = declared.values(np.arange(declared.end))
        return declared.restrict(np.flatnonzero((values == NONE) | (values >= 0)))

    def symbols(self, frames: Iterable[Iterable[int]]) -> IntArray:
        """The symbols of frames, each a collection of pitches in any order, without END: (n_frames * n_notes,).

        Raises EncodingError for a frame of more notes, or a pitch outside 0 to 127.
        """
        rows = [self._row(i, frame) for i, frame in enumerate(frames)]
        values = np.array(rows, dtype=np.int64).reshape(-1, self.n_notes)
        firsts = [field.first for field in self.vocabulary.fields]
        symbols: IntArray = (values + (self.vocabulary.starts[:-1] - firsts)).ravel()
        return symbols

    def _row(self, number: int, frame: Iterable[int]) -> list[int]:
        pitches = sorted({int(pitch) for pitch in frame}, reverse=True)
        if len(pitches) > self.n_notes:
            raise EncodingError(f"frame {number} holds {len(pitches)} pitches; expected at most {self.n_notes}")
        if pitches and not 0 <= pitches[-1] <= pitches[0] < 128:
            raise EncodingError(f"frame {number} holds pitches {pitches[-1]} to {pitches[0]}; expected 0 to 127")
        return pitches + [NONE] * (self.n_notes - len(pitches))

    def sets(self, symbols: Sequence[int] | IntArray) -> list[tuple[int, ...]]:
        """The inverse of `symbols`: the pitches of each complete frame before END, from the top."""
        ids = np.asarray(symbols, dtype=np.int64)
        body = ids[ids != self.vocabulary.end]
        table = self.vocabulary.values(body[: len(body) // self.n_notes * self.n_notes]).reshape(-1, self.n_notes)
        return [tuple(pitch for pitch in row if pitch != NONE) for row in table.tolist()]
