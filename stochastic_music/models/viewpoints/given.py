"""Fields that are given: known from beginning to end before anything is predicted.

A harmonizer knows the whole melody. So its header gives it (`Header.given`), viewpoints may look ahead into it, and its
own symbols are certain: each has probability 1, and so has END when it is over, and not before. What is left is the
probability of the other fields, given these.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stochastic_music.errors import VocabularyError
from stochastic_music.models.viewpoints.past import NONE, Past
from stochastic_music.models.viewpoints.weights import log_sum_exp
from stochastic_music.protocols import BoolArray, FloatArray
from stochastic_music.tokens import Header, Vocabulary


def check_given(headers: Sequence[Header | None], names: Sequence[str], vocabulary: Vocabulary) -> None:
    """Raise VocabularyError unless every header gives all `names`, as long as each other and within the alphabet."""
    for header in headers:
        given = dict(header.given) if header else {}
        missing = [name for name in names if name not in given]
        if missing:
            raise VocabularyError(
                f"this model predicts what goes with {' and '.join(names)}, but a header does not give {missing[0]}: "
                f"take the headers of corpus.giving('{missing[0]}'), or set 'given' in yours"
            )
        if len({len(given[name]) for name in names}) > 1:
            lengths = " and ".join(f"{len(given[name])} values of {name}" for name in names)
            raise VocabularyError(f"a header gives {lengths}: give as many values of each field as there are events")
        for name in names:
            symbols = [vocabulary.symbol(name, value) for value in sorted(set(given[name]))]
            vocabulary.check(np.array(symbols, dtype=np.int64))


def as_given(rows: FloatArray, past: Past, field: int, names: Sequence[str]) -> FloatArray:
    """The log probabilities (batch, n_symbols) of `field`, given the fields `names`."""
    vocabulary, name = past.vocabulary, past.vocabulary.fields[field].name
    if field == 0 and vocabulary.closed:
        rows = _ending(rows, past.ahead(names[0], 0) == NONE, vocabulary.end)
    if name not in names:
        return rows
    values = past.ahead(name, 0)
    known = np.flatnonzero(values != NONE)
    rows[known] = -np.inf
    rows[known, vocabulary.starts[field] + values[known] - vocabulary.fields[field].first] = 0.0
    return rows


def _ending(rows: FloatArray, over: BoolArray, end: int) -> FloatArray:
    """The same where it is known whether the piece is `over`, (batch,)."""
    rows[:, end] = -np.inf
    rows = rows - log_sum_exp(rows)[:, None]
    rows[over] = -np.inf
    rows[over, end] = 0.0
    return rows
