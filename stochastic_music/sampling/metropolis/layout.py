"""How events are spelled: which fields are notes, which move time, and pieces as tables of events."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stochastic_music.constraints.symbols import pitches_of
from stochastic_music.errors import UsageError
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.sampling.metropolis.chains import Pieces
from stochastic_music.tokens import Vocabulary


@dataclass(frozen=True)
class Layout:
    """A vocabulary, seen by those who change pieces.

    >>> from stochastic_music.tokens import MelodyEncoding
    >>> layout = Layout(MelodyEncoding().vocabulary)
    >>> layout.tones, layout.duration
    ((3,), 1)
    """

    vocabulary: Vocabulary

    @cached_property
    def pitch(self) -> IntArray:
        """The MIDI pitch of each symbol, -1 for none; where nothing has one, symbols count from 0: (n_symbols,)."""
        pitches = pitches_of(self.vocabulary)
        if (pitches >= 0).any():
            return pitches
        field = self.vocabulary.field_of(np.arange(self.vocabulary.n_symbols))
        still = np.array([not f.advances for f in self.vocabulary.fields] + [False])
        return np.where(still[field], np.arange(self.vocabulary.n_symbols), -1)

    @cached_property
    def tones(self) -> tuple[int, ...]:
        """The fields that say what sounds, rather than when."""
        return tuple(np.unique(self.vocabulary.field_of(np.flatnonzero(self.pitch >= 0))).tolist())

    @cached_property
    def tone(self) -> int:
        """The one field of pitches; raises UsageError where there are several."""
        if len(self.tones) != 1:
            raise UsageError(
                "splitting and joining notes needs events of one note, as melodies have: leave this proposal out"
            )
        return self.tones[0]

    @cached_property
    def duration(self) -> int | None:
        """The field after which time moves on, None where there is none."""
        found = [i for i, field in enumerate(self.vocabulary.fields) if field.advances == "later"]
        return found[0] if found else None

    @cached_property
    def timeless(self) -> tuple[int, ...]:
        """The fields that do not move time."""
        return tuple(i for i, field in enumerate(self.vocabulary.fields) if field.advances in {"", "sounds"})

    @cached_property
    def field(self) -> IntArray:
        """The field of each symbol: (n_symbols,)."""
        return self.vocabulary.field_of(np.arange(self.vocabulary.n_symbols))

    def n_events(self, pieces: Pieces) -> IntArray:
        """How many events each piece has: (n,)."""
        counts: IntArray = (pieces.lengths - int(self.vocabulary.closed)) // self.vocabulary.n_fields
        return counts

    def events(self, pieces: Pieces) -> IntArray:
        """The events as a table, filled up with END: (n, n_events, n_fields)."""
        table: IntArray = pieces.symbols[:, :-1].reshape(len(pieces.symbols), -1, self.vocabulary.n_fields)
        return table

    def pieces(self, events: IntArray, counts: IntArray) -> Pieces:
        """The inverse: the first `counts` (n,) events of each row, END after them."""
        n_fields, end = self.vocabulary.n_fields, self.vocabulary.end
        flat = events.reshape(len(events), -1)
        kept = np.arange(flat.shape[1]) < (counts * n_fields)[:, None]
        symbols = np.full((len(flat), flat.shape[1] + 1), end, dtype=np.int64)
        symbols[:, :-1] = np.where(kept, flat, end)
        return Pieces(symbols, counts * n_fields + int(self.vocabulary.closed))

    def laid_out(self, rows: list[IntArray], n_events: int) -> Pieces:
        """Pieces of symbols, with END or without, in a table with room for `n_events` events."""
        width, closed = n_events * self.vocabulary.n_fields, int(self.vocabulary.closed)
        symbols = np.full((len(rows), width + 1), self.vocabulary.end, dtype=np.int64)
        bodies = [row[row != self.vocabulary.end] for row in rows]
        for i, body in enumerate(bodies):
            symbols[i, : len(body)] = body
        return Pieces(symbols, np.array([len(body) + closed for body in bodies], dtype=np.int64))

    def raised(self, symbols: IntArray, by: IntArray) -> tuple[IntArray, BoolArray]:
        """Symbols with their pitches moved by so many semitones, and which of them are in the alphabet."""
        wanted = symbols + by * (self.pitch[symbols] >= 0)
        moved = np.clip(wanted, 0, self.vocabulary.end)
        return moved, (moved == wanted) & (self.field[moved] == self.field[symbols]) & self.vocabulary.mask[moved]
