"""What a batch of pieces has heard: a state that grows with every symbol, and is never changed.

All rows stand in the same field of the same event until they end. A *line* is a field of pitches: a melody's `pitch`,
or a voice. Of each line the last notes are known, of the whole piece the symbols so far, and how far the latest of them
agree with earlier ones: the longest earlier stretch that does, of equal ones the latest, *proposes* what to go on with.
Pitches agree where they make the same step in their line, other symbols where they are the same, and both only in the
same place of an event; a pitch is proposed by its step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from stochastic_music.models.neural.transposing import pitch_ids
from stochastic_music.music.keys import MODES, parse_key
from stochastic_music.protocols import IntArray
from stochastic_music.tokens import HOLD, Header, Vocabulary
from stochastic_music.tokens.clock import ClockState, Spans

#: matches of more symbols are not told apart
LONGEST = 40
#: how many lengths of match are told apart, 0 among them
N_LENGTHS = 10
#: there is none: no pitch, and no difference of pitches
NONE = -(1 << 20)
#: the code of each length of match
_LENGTH_CODES = np.array([0, *(min(N_LENGTHS - 1, 1 + int(1.5 * math.log2(n))) for n in range(1, LONGEST + 1))])
_ARRAYS = ("signs", "phrase", "latest", "notes", "first", "sounding", "symbols", "keys", "run")


@dataclass(frozen=True, eq=False)
class Heard:
    """What a batch has heard, all (batch, ...): never changed.

    `signs` are the printed tonic, from 1 for C, and mode, from 1 for major, 0 for none: (batch, 2).
    `phrase` are when the phrase under way began and how long the one before lasted, in units, -1 for none: (batch, 2).
    `latest` are symbols by field, -1 before the first; `notes` the last three pitches of each line, the latest first,
    `first` and `sounding` one a line. `symbols` are those of all events begun, `keys` what they are compared by,
    (batch, n_events, n_fields) each, `run` how long a match ends in the latest field of each event before the latest
    one. `n_heard` counts symbols.
    """

    clock: ClockState
    signs: IntArray
    phrase: IntArray
    latest: IntArray
    notes: IntArray
    first: IntArray
    sounding: IntArray
    symbols: IntArray
    keys: IntArray
    run: IntArray
    n_heard: int = 0

    def rows(self, chosen: IntArray) -> Self:
        """Some of the rows, once or more."""
        due, time, lag, spans = self.clock
        clock = ClockState(due[chosen], time[chosen], lag[chosen], Spans(*(part[chosen] for part in spans)))
        taken = {name: getattr(self, name)[chosen] for name in _ARRAYS}
        return replace(self, clock=clock, **taken)


class Listener:
    """Hears pieces of one vocabulary; see the module's article."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        #: which ids are pitches: (n_symbols,)
        self.pitches = pitch_ids(vocabulary)
        #: the field that marks ends of phrases, None where there is none, or no time
        self.marked = vocabulary.index("phrase") if vocabulary.clock.ticks else None
        #: the fields that are lines
        self.lines = [f for f in range(vocabulary.n_fields) if self.pitches[slice(*vocabulary.starts[f : f + 2])].any()]

    def start(self, headers: Sequence[Header | None]) -> Heard:
        """Nothing heard yet."""
        n, n_lines, n_fields = len(headers), len(self.lines), self.vocabulary.n_fields
        none, empty = np.full((n, n_lines), NONE), np.zeros((n, 0, n_fields), dtype=np.int64)
        return Heard(
            self.vocabulary.clock.start(headers),
            signs=np.array([_signs(header) for header in headers], dtype=np.int64).reshape(n, 2),
            phrase=np.tile([0, -1], (n, 1)),
            latest=np.full((n, n_fields), -1),
            notes=np.full((n, n_lines, 3), NONE),
            first=none,
            sounding=none,
            symbols=empty,
            keys=empty,
            run=empty[:, :, 0],
        )

    def advance(self, state: Heard, symbols: IntArray) -> Heard:
        """What has been heard after one more symbol a row: (batch,)."""
        field = state.n_heard % self.vocabulary.n_fields
        latest = state.latest.copy()
        latest[:, field] = symbols
        clock = self.vocabulary.clock.advance(state.clock, symbols)
        state = self._matched(replace(state, clock=clock, latest=latest), field, symbols)
        if field == self.vocabulary.n_fields - 1 and self.marked is not None:
            state = replace(state, phrase=self._phrase(state))
        state = replace(state, n_heard=state.n_heard + 1)
        return self._sounded(state, self.lines.index(field), symbols) if field in self.lines else state

    def _matched(self, state: Heard, field: int, symbols: IntArray) -> Heard:
        """How long matches are with one more symbol."""
        keys, heard, run = state.keys, state.symbols, state.run
        if field == 0:
            fresh = np.full((len(symbols), 1, self.vocabulary.n_fields), NONE)
            keys, heard = np.concatenate([keys, fresh], axis=1), np.concatenate([heard, fresh], axis=1)
            run = np.concatenate([fresh[:, :, 0] * 0, run], axis=1)[:, : keys.shape[1] - 1]
        else:
            keys, heard = keys.copy(), heard.copy()
        key = self._key(state, field, symbols)
        run = np.where(keys[:, :-1, field] == key[:, None], np.minimum(run + 1, LONGEST), 0)
        keys[:, -1, field], heard[:, -1, field] = key, symbols
        return replace(state, keys=keys, symbols=heard, run=run)

    def _phrase(self, state: Heard) -> IntArray:
        """When phrases began and how long the ones before were, now that an event is complete."""
        ends = self.vocabulary.values(state.latest[:, self.marked]) == 1
        now = state.clock.time
        return np.where(ends[:, None], np.column_stack([now, now - state.phrase[:, 0]]), state.phrase)

    def _key(self, state: Heard, field: int, symbols: IntArray) -> IntArray:
        """What symbols are compared by: pitches by their step, which a line's first note makes from nowhere."""
        if field not in self.lines:
            return symbols
        last = state.notes[:, self.lines.index(field), 0]
        step = np.where(last == NONE, NONE, self.vocabulary.values(symbols) - last)
        key: IntArray = np.where(self.pitches[symbols], step, self.vocabulary.n_symbols + symbols)
        return key

    def _sounded(self, state: Heard, line: int, symbols: IntArray) -> Heard:
        """A line has sounded, rested, or held its note."""
        value = self.vocabulary.values(symbols)
        begins = self.pitches[symbols]
        notes, first, sounding = state.notes.copy(), state.first.copy(), state.sounding.copy()
        notes[begins, line] = np.column_stack([value[begins], notes[begins, line, :2]])
        first[:, line] = np.where(begins & (first[:, line] == NONE), value, first[:, line])
        sounding[:, line] = np.where(begins, value, np.where(value == HOLD, sounding[:, line], NONE))
        return replace(state, notes=notes, first=first, sounding=sounding)

    def proposed(self, state: Heard) -> tuple[IntArray, IntArray]:
        """The symbol that the longest match proposes, -1 for none, and the code of its length: (batch,) each."""
        due = state.n_heard % self.vocabulary.n_fields
        n_rows, n_events = state.run.shape
        if not n_events:
            return np.full(n_rows, -1), np.zeros(n_rows, dtype=np.int64)
        rows = np.arange(n_rows)
        at = (state.run * n_events + np.arange(n_events)).argmax(axis=1)
        length = state.run[rows, at]
        symbol = self._again(state, at + (due == 0), due)
        inside = (symbol >= self.vocabulary.starts[due]) & (symbol < self.vocabulary.starts[due + 1])
        good = (length > 0) & inside
        return np.where(good, symbol, -1), np.where(good, _LENGTH_CODES[length], 0)

    def _again(self, state: Heard, event: IntArray, due: int) -> IntArray:
        """What the due field of earlier events would be now: a pitch makes the same step."""
        rows = np.arange(len(event))
        symbol: IntArray = state.symbols[rows, event, due]
        key: IntArray = state.keys[rows, event, due]
        if due not in self.lines:
            return symbol
        pitch = state.notes[:, self.lines.index(due), 0] + key
        first = self.vocabulary.starts[due] - self.vocabulary.fields[due].first
        is_pitch = self.pitches[symbol] & (pitch >= 0)
        return np.where(is_pitch, pitch + first, np.where(self.pitches[symbol], -1, symbol))


def _signs(header: Header | None) -> tuple[int, int]:
    """Tonic and mode of a header's key, from 1; (0, 0) without one."""
    if header is None or header.key is None:
        return 0, 0
    key = parse_key(header.key)
    return key.tonic + 1, list(MODES).index(key.mode) + 1
