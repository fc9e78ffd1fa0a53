"""When the events of a piece begin and how long they sound, read from its symbols."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from stochastic_music.errors import InvalidParameterError
from stochastic_music.protocols import IntArray
from stochastic_music.tokens import Vocabulary


class Timed(NamedTuple):
    """Whole events: `symbols` and `values` (n_events, n_fields), `onset` and `end` (n_events,) in units."""

    symbols: IntArray
    values: IntArray
    onset: IntArray
    end: IntArray


def timed_events(vocabulary: Vocabulary, symbols: Iterable[int]) -> Timed:
    """The events of a piece, END left out.

    Raises VocabularyError for what is no symbol, InvalidParameterError where an event breaks off.

    >>> from stochastic_music.tokens import Field
    >>> melody = Vocabulary((Field("rest", 4, advances="now"), Field("duration", 4, first=1, advances="later")), 2)
    >>> timed_events(melody, (0, 5, 1, 4, 8)).onset.tolist()
    [0, 3]
    """
    flat = np.array([symbol for symbol in symbols if symbol != vocabulary.end], dtype=np.int64)
    n, rest = divmod(len(flat), vocabulary.n_fields)
    declared = Vocabulary(vocabulary.fields, vocabulary.resolution)
    declared.check(flat)
    table = flat[: n * vocabulary.n_fields].reshape(n, vocabulary.n_fields)
    if rest or (vocabulary.field_of(table) != np.arange(vocabulary.n_fields)).any():
        raise InvalidParameterError("the piece given is not made of whole events of this encoding: encode it again")
    values = vocabulary.values(table)
    moves = {
        advance: values[:, [field.advances == advance for field in vocabulary.fields]].sum(axis=1)
        for advance in ("now", "later", "sounds")
    }
    time = np.cumsum(moves["now"] + moves["later"] + vocabulary.step)
    onset = time - moves["later"] - vocabulary.step
    return Timed(table, values, onset, onset + moves["later"] + moves["sounds"] + vocabulary.step)
