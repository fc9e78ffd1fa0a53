"""Pieces moved up and down by whole semitones: augmentation of what a network trains on, never of what it is tested on.

What moves are pitches: the values from 0 up of the field `pitch` and of the voices; rests and held notes stay as they
are. The header goes along: its key, the pitches that it gives, and how far the piece is from where it was printed.
Drums stay, and so does all music whose vocabulary names no pitches (plain alphabets, REMI).

A piece can be moved as far as all of its pitches stay within the alphabet. To go further, give a corpus whose
vocabulary has a wider one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import InvalidParameterError
from stochastic_music.music.keys import parse_key, transposed_key
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.tokens import Header, Vocabulary


def transposed(corpus: TokenCorpus, shifts: Sequence[int] | IntArray) -> TokenCorpus:
    """The same pieces, piece i moved up by `shifts[i]` semitones: (n_pieces,) whole numbers, 0 for what cannot move.

    Raises InvalidParameterError, naming the first, where a piece would leave the alphabet.

    >>> tune = TokenCorpus.from_sequences([[0, 2, 1]], Vocabulary.plain(5, name="pitch"))
    >>> transposed(tune, [2])[0].tolist()
    [2, 4, 3, 5]
    """
    steps = np.asarray(shifts, dtype=np.int64)
    if steps.shape != (len(corpus),):
        raise InvalidParameterError(f"shifts have the shape {steps.shape}; expected one a piece, ({len(corpus)},)")
    wrong = np.flatnonzero(~_fit(corpus, steps))
    if len(wrong):
        first = int(wrong[0])
        raise InvalidParameterError(
            f"piece '{corpus.names[first]}' cannot be moved by {steps[first]} semitones: it would leave the alphabet, "
            "or has no pitches to move. Ask `movable` first"
        )
    moves = pitch_ids(corpus.vocabulary)[corpus.symbols]
    symbols = corpus.symbols + np.where(moves, steps[corpus.piece], 0)
    headers = [_moved_header(*pair, corpus.vocabulary) for pair in zip(corpus.headers, steps.tolist(), strict=True)]
    return replace(corpus, symbols=symbols, headers=tuple(headers))


def movable(corpus: TokenCorpus, shifts: Sequence[int] | IntArray) -> BoolArray:
    """Which pieces can be moved by which of the `shifts` (n,) semitones: (n_pieces, n). All can be moved by 0.

    >>> tune = TokenCorpus.from_sequences([[0, 2, 1], [3]], Vocabulary.plain(5, name="pitch"))
    >>> movable(tune, [-2, 0, 2]).tolist() == [[False, True, True], [True, True, False]]
    True
    """
    columns = [_fit(corpus, np.full(len(corpus), shift)) for shift in np.asarray(shifts, dtype=np.int64).tolist()]
    return np.stack(columns, axis=1) if columns else np.zeros((len(corpus), 0), dtype=bool)


def random_shifts(corpus: TokenCorpus, reach: int, rng: np.random.Generator) -> IntArray:
    """For each piece one of the shifts from -`reach` to `reach` that it can make, each as likely: (n_pieces,)."""
    shifts = np.arange(-reach, reach + 1)
    chances = np.where(movable(corpus, shifts), rng.random((len(corpus), len(shifts))), -1.0)
    drawn: IntArray = shifts[chances.argmax(axis=1)]
    return drawn


def pitch_ids(vocabulary: Vocabulary) -> BoolArray:
    """Which ids are pitches, that move when a piece is transposed: (n_symbols,).

    >>> int(pitch_ids(Vocabulary.plain(5)).sum())
    0
    """
    ids = np.arange(vocabulary.n_symbols)
    fields = np.array([*(_holds_pitches(field.name, vocabulary) for field in vocabulary.fields), False])
    pitches: BoolArray = fields[vocabulary.field_of(ids)] & (vocabulary.values(ids) >= 0)
    return pitches


def _holds_pitches(field: str, vocabulary: Vocabulary) -> bool:
    return field == "pitch" or field in vocabulary.voices


def _fit(corpus: TokenCorpus, steps: IntArray) -> BoolArray:
    """Whether each piece can make its own of `steps`: (n_pieces,)."""
    vocabulary = corpus.vocabulary
    pitches = pitch_ids(vocabulary)
    at = np.flatnonzero(pitches[corpus.symbols])
    here, piece = corpus.symbols[at], corpus.piece[at]
    there = here + steps[piece]
    landing = np.clip(there, 0, vocabulary.end)
    lands = (landing == there) & pitches[landing] & vocabulary.mask[landing]
    lands &= vocabulary.field_of(landing) == vocabulary.field_of(here)
    leaves = np.bincount(piece[~lands], minlength=len(corpus)) > 0
    drums = np.array([header is not None and any(p.is_drum for p in header.parts) for header in corpus.headers], bool)
    fit: BoolArray = (steps == 0) | ~(leaves | drums | (not pitches.any()))
    return fit


def _moved_header(header: Header | None, semitones: int, vocabulary: Vocabulary) -> Header | None:
    if header is None or not semitones:
        return header
    key = header.key and str(transposed_key(parse_key(header.key), semitones))
    given = tuple(
        (name, tuple(v + semitones * (v >= 0) for v in values) if _holds_pitches(name, vocabulary) else values)
        for name, values in header.given
    )
    return replace(header, key=key, given=given, transposed=header.transposed + semitones)
