"""How much each note of scores surprises a fitted pipeline, all scores in one pass.

What `explain` says of notes, without the reasons: enough to color notation and rolls, and cheap. A note is found in its
score by its place in time and its pitch, since a model may read less than the score holds: one part, the highest of
notes that sound together, times on a grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stochastic_music.corpus import TokenCorpus, encode_piece
from stochastic_music.errors import EncodingError
from stochastic_music.evaluation.surprise import Notes, notes_of
from stochastic_music.models import corpus_log_probs
from stochastic_music.protocols import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from symusic.core import ScoreTick

    from stochastic_music.pipeline.pipeline import Pipeline
    from stochastic_music.tokens import TokenPiece

#: quarter notes that a note may lie off the place where the model read it
_NEAR = 0.25


class _Heard(NamedTuple):
    """Notes as they were read: onsets in quarter notes, pitches as printed, bits, parts from the top: (n,) each."""

    onset: FloatArray
    pitch: IntArray
    bits: FloatArray
    part: IntArray

    def some(self, which: BoolArray | slice) -> _Heard:
        """Some of the notes."""
        return _Heard(self.onset[which], self.pitch[which], self.bits[which], self.part[which])


def surprises(
    pipeline: Pipeline, scores: Sequence[ScoreTick], *, part: str | int | None = None
) -> list[list[FloatArray] | None]:
    """See `Pipeline.surprises`."""
    encoding = pipeline.for_part(part)
    read = [_encoded(pipeline, score, encoding) for score in scores]
    pieces = [piece for found in read for piece in found]
    if not pieces or hasattr(pipeline.model, "pseudo_log_probs"):
        return [None] * len(scores)
    tokens = TokenCorpus.from_pieces(pieces, encoding.vocabulary).with_vocabulary(pipeline.vocabulary_)
    notes = notes_of(tokens)
    heard = _heard(pipeline.model, tokens, notes)
    bounds = np.searchsorted(notes.piece, np.cumsum([0, *map(len, read)])).tolist()
    return [
        _placed(score, heard.some(slice(first, last))) if last > first else None
        for score, first, last in zip(scores, bounds[:-1], bounds[1:], strict=True)
    ]


def _encoded(pipeline: Pipeline, score: ScoreTick, encoding: Any) -> list[TokenPiece]:
    """The symbols of a score, none where it cannot be written so."""
    try:
        return list(encode_piece(pipeline.in_its_key(score), encoding)[0])
    except EncodingError:
        return []


def _heard(model: Any, tokens: TokenCorpus, notes: Notes) -> _Heard:
    """What a model says of the notes of `tokens`, in reading order."""
    voices = tokens.vocabulary.voices
    fields = tokens.vocabulary.field_of(tokens.symbols[notes.place])
    names = [field.name for field in tokens.vocabulary.fields]
    part = np.array([voices.index(name) if name in voices else 0 for name in names])[fields]
    bits = -corpus_log_probs(model, tokens)[notes.place] / math.log(2) + 0.0
    return _Heard(notes.onset, notes.pitch, bits, part)


def _placed(score: ScoreTick, heard: _Heard) -> list[FloatArray]:
    """The bits of each note of each track, in order of time and pitch, nan where none was heard: (n_notes,) each.

    The part of a model is the track in which most of its notes are found.
    """
    columns = [_in_order(track.notes.numpy(), score.ticks_per_quarter) for track in score.tracks]
    bits = [np.full(len(onset), np.nan) for onset, _ in columns]
    free = dict(enumerate(columns))
    for part in np.unique(heard.part).tolist():
        mine = heard.some(heard.part == part)
        found = {i: _matches(mine, *column) for i, column in free.items()}
        if found:
            track = max(found, key=lambda i: int((found[i] >= 0).sum()))
            there = found[track] >= 0
            bits[track][found[track][there]] = mine.bits[there]
            del free[track]
    return bits


def _in_order(notes: Any, ticks_per_quarter: int) -> tuple[FloatArray, IntArray]:
    order = np.lexsort((notes["pitch"], notes["time"]))
    return notes["time"][order] / ticks_per_quarter, notes["pitch"][order].astype(np.int64)


def _matches(heard: _Heard, onset: FloatArray, pitch: IntArray) -> IntArray:
    """The note of a track that each note heard is, -1 for none: the nearest of its pitch, where it is near."""
    if np.isnan(heard.onset).any():  # symbols carry no time: the notes must be the same
        same = heard.pitch.tolist() == pitch.tolist()
        return np.arange(len(pitch)) if same else np.full(len(heard.pitch), -1)
    found = np.full(len(heard.onset), -1, dtype=np.int64)
    for value in np.unique(heard.pitch):
        there, asked = np.flatnonzero(pitch == value), np.flatnonzero(heard.pitch == value)
        if len(there):
            times = onset[there]
            nearest = np.searchsorted((times[1:] + times[:-1]) / 2, heard.onset[asked])
            near = np.abs(times[nearest] - heard.onset[asked]) <= _NEAR
            found[asked[near]] = there[nearest[near]]
    return found
