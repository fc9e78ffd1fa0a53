"""A conditional distribution over small integers, mixed log-linearly from tables of counts.

A `Mixture` gives p(x | columns), x being one of consecutive integers, the *candidates*: pitches, or labels of chords.
Its terms are written as

    own | S-pS B%root metre        what is counted, a bar, what it is counted after

Left is the *reference*, a column, from which the term sees x: it counts x - own. Right are the values that make its
context: a column (`metre`), the difference of two (`S-pS`), or their difference modulo 12 (`B%root`). A column without
a value at some row is NONE there: as part of a context that is a value like others; without its reference a term is
silent.

How counts become probabilities is the way of multiple viewpoints (`viewpoints/weights.py`): a term adds a multiple of
the log of its smoothed relative frequency; the weights maximise the likelihood of the training rows, each seen with the
counts of its own piece left out. That is a convex problem.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stochastic_music.errors import InvalidParameterError
from stochastic_music.models.viewpoints.tables import Keys, Table
from stochastic_music.models.viewpoints.weights import (
    N_BUCKETS,
    Features,
    Problem,
    Weights,
    bucket,
    emphasis,
    evidence,
    log_sum_exp,
)
from stochastic_music.protocols import BoolArray, FloatArray, IntArray

#: "no value": what a column holds where there is nothing to hold
NONE = -(1 << 20)
#: differences are counted from -REACH to REACH
REACH = 127
_WIDTH = 2 * REACH + 1
_MULTIPLIERS = 0x63686F7264
_ODD = np.uint64(0x9E3779B97F4A7C15)

#: columns by name: (n,) each
Columns: TypeAlias = Mapping[str, IntArray]


class Term(NamedTuple):
    """One table of counts: the column it counts from, and the values of its context; see the module's article."""

    reference: str
    context: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """The term that `text` writes; raises InvalidParameterError.

        >>> Term.parse("own | S-pS metre")
        Term(reference='own', context=('S-pS', 'metre'))
        """
        left, bar, right = text.partition("|")
        if not bar or len(left.split()) != 1:
            raise InvalidParameterError(
                f"'{text}' is no term: expected a column, a bar and a context, as in 'own | S-pS'"
            )
        return cls(left.strip(), tuple(right.split()))

    def __str__(self) -> str:
        return f"{self.reference} | {' '.join(self.context)}".rstrip()


class _Rows(NamedTuple):
    """What one term counts at each row: (n_rows,) each."""

    keys: Keys
    symbols: IntArray
    references: IntArray
    piece: IntArray


def value(name: str, columns: Columns) -> IntArray:
    """A value of a context: (n,).

    >>> value("S%root", {"S": np.array([74, 60, NONE]), "root": np.array([67, 67, 67])}).tolist()
    [7, 5, -1048576]
    """
    for sign in "-%":
        left, found, right = name.partition(sign)
        if found:
            a, b = columns[left], columns[right]
            apart = a - b if sign == "-" else (a - b) % 12
            return np.where((a == NONE) | (b == NONE), NONE, apart)
    return columns[name]


@dataclass(frozen=True, eq=False)
class Mixture:
    """Counts and weights; see the module's article.

    Candidates are `low` to `low + n - 1`.
    """

    terms: tuple[Term, ...]
    low: int
    n: int
    table: Table
    weights: Weights

    @classmethod
    def fit(
        cls,
        terms: Sequence[str],
        columns: Columns,
        came: IntArray,
        piece: IntArray,
        *,
        low: int,
        n: int,
        possible: BoolArray | None = None,
        penalty: float = 1.0,
    ) -> Self:
        """Count rows, and learn the weights.

        `came` (n_rows,) is what came at each, in the piece numbered `piece` (n_rows,); `possible` (n_rows, n) says
        which candidates could have come, None that all could.
        """
        parsed = tuple(Term.parse(text) for text in terms)
        keys, symbols = _keys(parsed, columns, len(came)), _symbols(parsed, columns, came)
        keys = np.where(np.abs(symbols) <= REACH, keys, np.uint64(0))
        number = np.broadcast_to(np.arange(len(parsed)), keys.shape)
        table = Table.of(keys.ravel(), number.ravel(), symbols.ravel())
        if piece.max(initial=0) == piece.min(initial=0):
            return cls(parsed, low, n, table, Weights.fixed(len(parsed)))
        knows = np.zeros(keys.shape, dtype=bool)
        references = _references(parsed, columns, len(came))
        parts = [
            _left_out(
                i,
                table,
                _Rows(keys[:, i], symbols[:, i], references[:, i], piece),
                low=low,
                n=n,
                knows=knows[:, i],
            )
            for i in range(len(parsed))
        ]
        features = Features(*(np.concatenate(column) for column in zip(*parts, strict=True)))
        if possible is not None:
            features = Features(*(part[possible.ravel()[features.row]] for part in features))
        problem = Problem(features, came - low, n, knows=knows, half=piece % 2, possible=possible, penalty=penalty)
        return cls(parsed, low, n, table, problem.solve().weights)

    def log_probs(self, columns: Columns, n_rows: int, possible: BoolArray | None = None) -> FloatArray:
        """The log probability of each candidate at each row: (n_rows, n); -inf where it is not `possible`."""
        scores = self.scores(columns, n_rows)
        if possible is not None:
            scores[~possible] = -np.inf
        scores -= log_sum_exp(scores)[:, None]
        return scores

    def scores(self, columns: Columns, n_rows: int) -> FloatArray:
        """The same before normalising."""
        keys, references = _keys(self.terms, columns, n_rows), _references(self.terms, columns, n_rows)
        scores = np.zeros((n_rows, self.n))
        knows = np.zeros((n_rows, len(self.terms)), dtype=bool)
        for i in range(len(self.terms)):
            # rows that agree in context and reference hear the same
            seen_from = keys[:, i] + references[:, i].astype(np.uint64) * _ODD
            _, first, kind = np.unique(seen_from, return_index=True, return_inverse=True)
            found = self.table.find(keys[first, i])
            which, entry = self.table.entries(found)
            candidate = self.table.symbol[entry] + references[first[which], i] - self.low
            inside = (candidate >= 0) & (candidate < self.n)
            heard = np.zeros((len(first), self.n))
            heard[which[inside], candidate[inside]] = self._boost[entry[inside]]
            knows[:, i] = (found >= 0)[kind]
            scores += heard[kind]
        scores *= emphasis(knows[:, self._speaking])[:, None]
        return scores

    @cached_property
    def _boost(self) -> FloatArray:
        """What an entry of the table adds: (n_entries,)."""
        kinds = np.diff(self.table.first)
        owner = np.repeat(np.arange(len(kinds)), kinds)
        total = np.bincount(owner, self.table.count, len(kinds)).astype(np.int64)
        term, size = self.table.term[owner], bucket(total, kinds)[owner]
        boost: FloatArray = (
            self.weights.believed[term, size] * evidence(self.table.count) + self.weights.trusted[term, size]
        )
        return boost

    @cached_property
    def _speaking(self) -> BoolArray:
        return np.asarray((self.weights.believed != 0).any(axis=1) | (self.weights.trusted != 0).any(axis=1))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What was learned, as plain arrays; terms and candidates are the caller's to remember."""
        table = self.table
        return {
            "key": table.key,
            "term": table.term.astype(np.int16),
            "first": table.first,
            "symbol": table.symbol.astype(np.int16),
            "count": table.count.astype(np.int32),
            "believed": self.weights.believed,
            "trusted": self.weights.trusted,
        }

    @classmethod
    def from_arrays(cls, terms: Sequence[str], low: int, n: int, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `to_arrays`."""
        counts = (arrays[name].astype(np.int64) for name in ("term", "first", "symbol", "count"))
        weights = Weights(arrays["believed"], arrays["trusted"])
        return cls(tuple(map(Term.parse, terms)), low, n, Table(arrays["key"], *counts), weights)


def _keys(terms: Sequence[Term], columns: Columns, n_rows: int) -> Keys:
    """The key of each term's context at each row, 0 where it is silent: (n_rows, n_terms)."""
    values: dict[str, Keys] = {}
    keys = np.zeros((n_rows, len(terms)), dtype=np.uint64)
    for i, term in enumerate(terms):
        salt, *factors = _hashing(str(term), len(term.context))
        key = np.full(n_rows, salt, dtype=np.uint64)
        for name, factor in zip(term.context, factors, strict=True):
            if name not in values:
                values[name] = value(name, columns).astype(np.int64).view(np.uint64)
            key += values[name] * factor
        keys[:, i] = np.where(columns[term.reference] == NONE, np.uint64(0), key)
    return keys


def _hashing(term: str, n: int) -> list[np.uint64]:
    """A term's salt and odd multipliers, which follow from its text alone."""
    random = np.random.Generator(np.random.Philox(key=_MULTIPLIERS, counter=[*_words(term), 0]))
    drawn = random.integers(1, 1 << 63, 1 + n, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    return list(drawn)


def _words(text: str) -> list[int]:
    import hashlib

    digest = hashlib.blake2b(text.encode(), digest_size=24).digest()
    return [int.from_bytes(digest[i : i + 8], "little") for i in (0, 8, 16)]


def _references(terms: Sequence[Term], columns: Columns, n_rows: int) -> IntArray:
    return np.stack([np.broadcast_to(columns[term.reference], n_rows) for term in terms], axis=1)


def _symbols(terms: Sequence[Term], columns: Columns, came: IntArray) -> IntArray:
    return came[:, None] - _references(terms, columns, len(came))


def _left_out(term: int, table: Table, rows: _Rows, *, low: int, n: int, knows: BoolArray) -> Features:
    """The features of one term at each row, without the counts of the row's own piece; `knows` (n_rows,) is filled."""
    keys, symbols, references, piece = rows
    places, context = np.unique(table.find(keys), return_inverse=True)
    which, entry = table.entries(places)
    total = np.zeros((len(places), _WIDTH), dtype=np.int64)
    total[which, table.symbol[entry] + REACH] = table.count[entry]
    heard = keys != 0
    pairs, pair = np.unique(piece * len(places) + context, return_inverse=True)
    cells = pair[heard] * _WIDTH + symbols[heard] + REACH
    own = np.bincount(cells, minlength=len(pairs) * _WIDTH).reshape(-1, _WIDTH)
    found = []
    step = 4096
    for start in range(0, len(keys), step):
        part = slice(start, start + step)
        left = total[context[part]] - own[pair[part]]
        left[~heard[part]] = 0
        sums, kinds = left.sum(axis=1), (left > 0).sum(axis=1)
        knows[part] = sums > 0
        seen = low + np.arange(n)[None] - np.where(heard[part], references[part], 0)[:, None]
        counts = np.where(np.abs(seen) <= REACH, np.take_along_axis(left, np.clip(seen + REACH, 0, _WIDTH - 1), 1), 0)
        row, candidate = np.nonzero(counts)
        column = term * N_BUCKETS + bucket(sums, kinds)[row]
        found.append(
            [
                ((start + row) * n + candidate).astype(np.int32),
                column.astype(np.int32),
                counts[row, candidate].astype(np.int32),
            ]
        )
    return Features(*(np.concatenate(columns) for columns in zip(*found, strict=True)))
