"""Notes in a row: the lines of pieces, read from their symbols.

A *line* is one melody, or one voice of several: notes in order of onset. Copies are runs of notes that lines have in
common; `corpus.matching` tells what that means.

    >>> tune = Line.of("tune", onset=[0, 1, 2], duration=[1, 1, 2], pitch=[60, 62, 64])
    >>> len(tune), tune.since(1).pitch.tolist()
    (3, [62, 64])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from stochastic_music.corpus.token_corpus import TokenCorpus
from stochastic_music.errors import InvalidParameterError, VocabularyError
from stochastic_music.protocols import IntArray
from stochastic_music.tokens import Header, Vocabulary
from stochastic_music.tokens.voices import notes_of_line

#: the bar of a note where bars are unknown
UNKNOWN_BAR = -1
_COLUMNS = ("onset", "duration", "pitch", "bar")


@dataclass(frozen=True, eq=False)
class Line:
    """Notes in order of onset: `onset`, `duration`, `pitch` and `bar` are (n,) integers in any one unit of time."""

    name: str
    onset: IntArray
    duration: IntArray
    pitch: IntArray
    bar: IntArray

    @classmethod
    def of(
        cls,
        name: str,
        *,
        onset: Sequence[int] | IntArray,
        duration: Sequence[int] | IntArray,
        pitch: Sequence[int] | IntArray,
        bar: Sequence[int] | IntArray | None = None,
    ) -> Self:
        """From sequences of one length; `bar` may be unknown. Raises InvalidParameterError where lengths differ."""
        given = [onset, duration, pitch, bar if bar is not None else [UNKNOWN_BAR] * len(pitch)]
        arrays = [np.asarray(values, dtype=np.int64) for values in given]
        if len({array.shape for array in arrays}) > 1:
            shapes = ", ".join(str(array.shape) for array in arrays)
            raise InvalidParameterError(f"onset, duration, pitch and bar of '{name}' differ in length: {shapes}")
        return cls(name, *arrays)

    @classmethod
    def joined(cls, lines: Sequence[Line]) -> Self:
        """All notes of `lines`, one line after the other; times begin anew with each."""
        empty = np.zeros(0, dtype=np.int64)
        return cls("", *(np.concatenate([empty, *(getattr(line, name) for line in lines)]) for name in _COLUMNS))

    def since(self, note: int) -> Line:
        """The notes from number `note` on."""
        return Line(self.name, *(getattr(self, name)[note:] for name in _COLUMNS))

    def until(self, note: int) -> Line:
        """The notes before number `note`."""
        return Line(self.name, *(getattr(self, name)[:note] for name in _COLUMNS))

    def __len__(self) -> int:
        return len(self.pitch)


def to_arrays(lines: Sequence[Line]) -> tuple[list[str], dict[str, NDArray[np.int32]]]:
    """Lines as model files hold them: their names, and `offsets` and a column for each of what is known of notes."""
    together = Line.joined(lines)
    columns = {name: getattr(together, name).astype(np.int32) for name in _COLUMNS}
    offsets = np.cumsum([0, *map(len, lines)], dtype=np.int32)
    return [line.name for line in lines], {"offsets": offsets, **columns}


def from_arrays(names: Sequence[str], arrays: Mapping[str, NDArray[Any]]) -> tuple[Line, ...]:
    """The inverse of `to_arrays`."""
    offsets = arrays["offsets"].tolist()
    return tuple(
        Line.of(name, **{column: arrays[column][first:last] for column in _COLUMNS})
        for name, first, last in zip(names, offsets[:-1], offsets[1:], strict=True)
    )


def lines(corpus: TokenCorpus) -> list[Line]:
    """The lines of a corpus, piece by piece; raises VocabularyError where its events are neither notes nor voices."""
    pieces = zip(corpus, corpus.headers, corpus.names, strict=True)
    return [line for symbols, header, name in pieces for line in lines_of(corpus.vocabulary, symbols, header, name)]


def lines_of(vocabulary: Vocabulary, symbols: IntArray, header: Header | None, name: str) -> list[Line]:
    """The line of a piece whose events are notes, or one a voice, from the top, where they are slices of voices.

    Raises VocabularyError where they are neither.
    """
    if vocabulary.index("pitch") is None and vocabulary.voices:
        column = _columns(vocabulary, symbols)
        return [_voice(vocabulary, column, voice, header, name) for voice in vocabulary.voices]
    return [line_of(vocabulary, symbols, header, name)]


def line_of(vocabulary: Vocabulary, symbols: IntArray, header: Header | None, name: str) -> Line:
    """The notes of one piece, its events being notes: times as the clock of the vocabulary counts them.

    Where symbols carry no time, notes are one unit apart and bars are unknown. Raises VocabularyError where there is
    no field `pitch`.
    """
    column = _columns(vocabulary, symbols)
    if "pitch" not in column:
        raise VocabularyError(
            f"copies are looked for among notes, and there is no field 'pitch' here; fields: {', '.join(column)}"
        )
    pitch = column["pitch"]
    if not vocabulary.clock.ticks:
        return Line.of(name, onset=np.arange(len(pitch)), duration=np.ones_like(pitch), pitch=pitch)
    now, later = (_sum_of(column, vocabulary, advance) for advance in ("now", "later"))
    onset = np.cumsum(now + later) - later
    duration = column.get("duration", np.ones_like(pitch))
    return Line.of(name, onset=onset, duration=duration, pitch=pitch, bar=_bars(onset, vocabulary, header))


def _voice(vocabulary: Vocabulary, column: dict[str, IntArray], voice: str, header: Header | None, name: str) -> Line:
    """The notes of one voice of slices, each as long as following slices hold it."""
    ticks = vocabulary.clock.ticks
    moves = _sum_of(column, vocabulary, "now") + _sum_of(column, vocabulary, "later") + vocabulary.step
    points = np.append(0, np.cumsum(moves if ticks else np.ones_like(moves)))
    onset, duration, pitch = notes_of_line(column[voice], points)
    bar = _bars(onset, vocabulary, header) if ticks else None
    return Line.of(name, onset=onset, duration=duration, pitch=pitch, bar=bar)


def _columns(vocabulary: Vocabulary, symbols: IntArray) -> dict[str, IntArray]:
    """The values of each field, event by event; a last event that is not complete is left out."""
    kept = symbols[symbols != vocabulary.end]
    whole = len(kept) // vocabulary.n_fields * vocabulary.n_fields
    table = vocabulary.values(kept[:whole]).reshape(-1, vocabulary.n_fields)
    return {field.name: table[:, i] for i, field in enumerate(vocabulary.fields)}


def _sum_of(column: dict[str, IntArray], vocabulary: Vocabulary, advance: str) -> IntArray:
    n_events = len(next(iter(column.values())))
    moving = [column[field.name] for field in vocabulary.fields if field.advances == advance]
    return np.sum(moving, axis=0, dtype=np.int64) if moving else np.zeros(n_events, dtype=np.int64)


def _bars(onset: IntArray, vocabulary: Vocabulary, header: Header | None) -> IntArray:
    """The printed bar of each onset (units)."""
    under = header or Header(vocabulary.resolution)
    starts, lengths, numbers = (np.array(column) for column in under.bar_spans())
    span = np.maximum(np.searchsorted(starts, onset, side="right") - 1, 0)
    bars: IntArray = numbers[span] + (onset - starts[span]) // lengths[span]
    return bars
