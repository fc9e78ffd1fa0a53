"""Traits: what a judge is told of each piece, in words that a musician reads.

Task: a row of numbers for each piece, in columns that have names. The columns are

    the twelve features      (`features`) numbers as they are, those of bars as means over the bars, lengths of notes as
                             shares, pitch classes counted from the tonic
    the shape                (`shape`) all ten figures
    single intervals         of the top line (`top_line`): share of each up to an octave, and of larger leaps
    pairs of scale steps     of neighbors in the top line, counted from the tonic
    pairs of intervals       one after the other in the top line
    pairs of note lengths    of neighbors in each track
    extremes                 the widest leap, the longest run of one pitch

Of pairs, those that the given pieces have most often are columns; who composed a piece plays no part in that. The key
is the printed one, else estimated (`music.keys`). Velocity, tempo, resolution and names of parts are no traits:
they tell programs apart, not music. What a piece has not (the last step of silence) is NaN.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from stochastic_music.evaluation.music.features import FEATURES, NOTE_LENGTHS, Features, features_of
from stochastic_music.evaluation.music.shape import SHAPE, Shape, shape_of
from stochastic_music.evaluation.music.top_line import TopLine, top_line
from stochastic_music.music.keys import key_of
from stochastic_music.protocols import FloatArray, IntArray

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: how many pairs of each kind are columns
_PAIRS = 24
_STEPS = ("1", "b2", "2", "b3", "3", "4", "#4", "5", "b6", "6", "b7", "7")
_INTERVALS = (
    *("the same pitch", "a semitone", "a whole tone", "a minor third", "a major third", "a fourth", "a tritone"),
    *("a fifth", "a minor sixth", "a major sixth", "a minor seventh", "a major seventh", "an octave", "a larger leap"),
)
_LENGTHS = tuple(NOTE_LENGTHS)
_WIDEST = len(_INTERVALS) - 1
#: what an interval between -_WIDEST and _WIDEST is called, from the lowest
_MOVES = (*(f"{name} down" for name in _INTERVALS[:0:-1]), _INTERVALS[0], *(f"{name} up" for name in _INTERVALS[1:]))
#: features that are numbers, or means over bars
_NUMBERS = tuple(name for name in FEATURES if "histogram" not in name and "matrix" not in name)

#: name, whether it is a share, and a value for each piece
_Column: TypeAlias = tuple[str, bool, Sequence[Any] | FloatArray]


class Traits(NamedTuple):
    """A table of pieces: `values` (n_pieces, n_traits), NaN for what a piece has not; `names` say what a column is.

    `is_share` tells which columns are shares, of notes or the like, rather than sizes: (n_traits,).
    """

    names: tuple[str, ...]
    values: FloatArray
    is_share: tuple[bool, ...]


def traits(scores: Sequence[ScoreTick]) -> Traits:
    """The traits of pieces, one or more.

    >>> from symusic import Note, Score, Track
    >>> score = Score(480)
    >>> score.tracks.append(Track(notes=[Note(480 * i, 480, p, 80) for i, p in enumerate((60, 62, 64, 62, 60))]))
    >>> found = traits([score])
    >>> float(found.values[0, found.names.index("a whole tone down, then a whole tone down")])  # of three pairs
    0.3333333333333333
    """
    pieces = [_Piece.of(score) for score in scores]
    table = [
        *((FEATURES[name].title, False, [np.mean(getattr(p.features, name)) for p in pieces]) for name in _NUMBERS),
        ("widest leap of the top line", False, [np.abs(p.line.intervals).max(initial=0) for p in pieces]),
        ("longest run of one pitch", False, [_longest_run(p.line) for p in pieces]),
        *((SHAPE[name].title, True, [getattr(p.shape, name) for p in pieces]) for name in SHAPE),
        *_columns([f"scale step {step}" for step in _STEPS], [p.classes for p in pieces]),
        *_columns([f"{length} notes" for length in _LENGTHS], [p.features.note_length_histogram for p in pieces]),
        *_columns(_MOVES, [_shares(p.moves, len(_MOVES)) for p in pieces]),
        *_pairs([f"scale step {step}" for step in _STEPS], [_following(p.steps, len(_STEPS)) for p in pieces]),
        *_pairs(_MOVES, [_following(p.moves, len(_MOVES)) for p in pieces]),
        *_pairs(
            [_with_article(length) for length in _LENGTHS], [p.features.note_length_transition_matrix for p in pieces]
        ),
    ]
    names, is_share, columns = zip(*table, strict=True)
    return Traits(names, np.array(columns, dtype=np.float64).T, is_share)


class _Piece(NamedTuple):
    """What traits are made of: `classes` are shares of sounding time above the tonic, `moves` numbers in `_MOVES`."""

    features: Features
    shape: Shape
    line: TopLine
    classes: FloatArray
    steps: IntArray
    moves: IntArray

    @classmethod
    def of(cls, score: ScoreTick) -> _Piece:
        features, line, tonic = features_of(score), top_line(score), key_of(score).key.tonic
        moves = np.clip(line.intervals, -_WIDEST, _WIDEST) + _WIDEST
        classes = np.roll(features.pitch_class_histogram, -tonic)
        return cls(features, shape_of(score), line, classes, (line.pitch - tonic) % 12, moves)


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _longest_run(line: TopLine) -> int:
    return max((len(list(run)) for _, run in groupby(line.pitch.tolist())), default=0)


def _shares(values: IntArray, n: int) -> FloatArray:
    """The share of each of n values: (n,), zeros where there is none."""
    counts: FloatArray = np.bincount(values, minlength=n) / max(len(values), 1)
    return counts


def _following(values: IntArray, n: int) -> FloatArray:
    """The share of each pair of neighbors: (n, n)."""
    return _shares(values[:-1] * n + values[1:], n * n).reshape(n, n)


def _columns(names: Sequence[str], rows: Sequence[FloatArray]) -> Iterator[_Column]:
    """A column for each name, of rows (n_names,), one a piece."""
    for name, column in zip(names, np.array(rows).T, strict=True):
        yield name, True, column


def _pairs(names: Sequence[str], tables: Sequence[FloatArray]) -> Iterator[_Column]:
    """A column for each of the commonest pairs, of tables (n_names, n_names), one a piece."""
    flat = np.array(tables).reshape(len(tables), -1)
    mean = flat.mean(axis=0)
    for cell in np.argsort(-mean, kind="stable")[:_PAIRS].tolist():
        if mean[cell] > 0:
            first, second = divmod(cell, len(names))
            yield f"{names[first]}, then {names[second]}", True, flat[:, cell]
