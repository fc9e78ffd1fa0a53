"""Counts of n-grams as sorted tables: looked up, added up, filed.

A table is two aligned columns, keys (`packing`) in ascending order and counts, one for each order. Nothing else is
kept: a look-up is a binary search, and what can be known of contexts is read off the table of the next order. Tables of
any size open at once, because they are mapped into memory and never read as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from stochastic_music.counting.levels import windows
from stochastic_music.counting.packing import BEFORE, Packing
from stochastic_music.counting.tally import Keys, Tally, lengths_between, merged, nothing, run_starts
from stochastic_music.errors import InvalidParameterError, ModelFileError, VocabularyError
from stochastic_music.model_file import ModelFile, write
from stochastic_music.protocols import BoolArray, IntArray

#: keys that are looked at together
_WINDOW = 1 << 20
#: what a file of counts says it is
_TASK = "counts"


class NGramCounts:
    """How often each n-gram of orders 1 to `order` occurs in a corpus; made by `count_ngrams`, or by `open`.

    N-grams are in reading order, the latest symbol last. -1 (`BEFORE`) stands for what is before a piece:
    (-1, -1, 7) occurs as often as pieces begin with 7.

        >>> from stochastic_music.corpus import TokenCorpus
        >>> from stochastic_music.counting import count_ngrams
        >>> from stochastic_music.tokens import Vocabulary
        >>> tunes = TokenCorpus.from_sequences([[0, 1, 2, 1, 2], [0, 1]], Vocabulary.plain(3, closed=False))
        >>> counts = count_ngrams(tunes, 3)
        >>> counts.count([[0, 1], [1, 2], [2, 0]]).tolist()
        [2, 2, 0]
        >>> symbols, times = counts.continuations([0, 1])
        >>> symbols.tolist(), times.tolist()
        ([2], [1])
        >>> int(counts.count([-1, -1, 0]))
        2
    """

    def __init__(self, packing: Packing, tables: Sequence[Tally]) -> None:
        self.packing = packing
        self.tables = tables

    def __repr__(self) -> str:
        return f"NGramCounts(order={self.order}, n_values={self.n_values}, {self.n_tokens:,} tokens)"

    @property
    def order(self) -> int:
        """The length of the longest n-grams."""
        return self.packing.order

    @property
    def n_values(self) -> int:
        """Symbols are those from 0 up to here."""
        return self.packing.n_values

    @property
    def n_tokens(self) -> int:
        """Symbols that were counted."""
        return int(self.tables[0].counts.sum())

    def table(self, order: int) -> Tally:
        """All n-grams of an order: packed keys, ascending, and counts.

        Raises InvalidParameterError for an order that was not counted.
        """
        if not 1 <= order <= self.order:
            raise InvalidParameterError(f"n-grams of order {order}: these are counts of orders 1 to {self.order}")
        return self.tables[order - 1]

    def ngrams(self, order: int, keys: Keys | None = None) -> IntArray:
        """The symbols of `keys`, or of the whole table, latest last and -1 before a piece: (n, order)."""
        keys = self.table(order).keys if keys is None else keys
        under = self.packing.over(order)
        older = self.packing.unpacked(keys, order - under)
        if not under:
            return older
        numbers = (keys >> np.uint64(self.packing.bits * (order - under))).astype(np.int64)
        return np.hstack([older, self.ngrams(under, self.tables[under - 1].keys[numbers])])

    def count(self, ngrams: ArrayLike) -> IntArray:
        """How often each of `ngrams`, (..., k) with the latest symbol last, occurs: (...).

        Raises InvalidParameterError for an order that was not counted, VocabularyError for a symbol that cannot be.
        """
        symbols = self._symbols(ngrams)
        table = self.table(symbols.shape[1])
        place, there = self._found(symbols)
        counts = np.where(there, table.counts[place], 0) if len(table.keys) else np.zeros(len(symbols), dtype=np.int64)
        return counts.reshape(np.shape(ngrams)[:-1])[()]

    def continuations(self, context: ArrayLike) -> tuple[IntArray, IntArray]:
        """The symbols that follow `context`, (k,) with the latest last, ascending, and how often each does.

        An empty context gives all symbols that occur.
        """
        known = np.asarray(context, dtype=np.int64).reshape(-1)
        followers = np.arange(self.n_values)
        counts = self.count(np.column_stack([np.tile(known, (self.n_values, 1)), followers]))
        return followers[counts > 0], counts[counts > 0]

    def predecessors(self, order: int) -> IntArray:
        """In how many ways each n-gram of the table of `order` is preceded; the beginning of a piece is one way.

        Aligned with `table(order)`; what Kneser-Ney smoothing takes for counts of shorter n-grams.
        Raises InvalidParameterError for the highest order: nothing longer was counted.
        """
        longer = self.table(order + 1).keys
        return lengths_between(run_starts(longer >> np.uint64(self.packing.bits)), len(longer))

    def most_common(self, order: int, n: int = 10) -> list[tuple[tuple[int, ...], int]]:
        """The `n` most frequent n-grams of an order, without those that reach back before a piece.

        Where counts are equal those whose latest symbols are lower come first.
        """
        best = nothing()
        oldest = np.uint64((1 << self.packing.bits) - 1)
        for keys, counts in windows(self.table(order), _WINDOW):
            least = best.counts[-1] if n and len(best.counts) == n else 0
            chosen = (counts > least) & (keys & oldest > 0)
            both = Tally(*(np.concatenate(pair) for pair in zip(best, (keys[chosen], counts[chosen]), strict=True)))
            first = np.argsort(-both.counts, kind="stable")[:n]
            best = Tally(both.keys[first], both.counts[first])
        symbols = self.ngrams(order, best.keys).tolist()
        return [(tuple(row), count) for row, count in zip(symbols, best.counts.tolist(), strict=True)]

    def __add__(self, other: NGramCounts) -> NGramCounts:
        """The counts of both corpora together, to the byte those of counting them as one.

        Raises VocabularyError where orders or vocabularies differ.
        """
        if self.packing != other.packing:
            raise VocabularyError(f"{self!r} and {other!r} do not add up: expected equal orders and numbers of symbols")
        tables: list[Tally] = []
        for order in range(1, self.order + 1):
            tables.append(merged([self._renumbered(order, tables), other._renumbered(order, tables)]))
        return NGramCounts(self.packing, tables)

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write all tables into one file, whole or not at all.

        Raises UsageError where another file stands there and `force` is not given, MachineError where the system
        refuses.
        """
        arrays = {
            f"{order}.{name}": np.asarray(column)
            for order, table in enumerate(self.tables, start=1)
            for name, column in table._asdict().items()
        }
        write(Path(path), {"task": _TASK, "order": self.order, "n_values": self.n_values}, arrays, force=force)

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Counts from a file, at once: tables are mapped into memory when something looks at them.

        Raises ModelFileError where the file is cut short, changed, or of another kind.
        """
        file = ModelFile(path)
        if file.task != _TASK:
            raise ModelFileError(f"{path} holds a model; expected counts of n-grams, as NGramCounts.save writes them")
        return cls(Packing(file.meta["n_values"], file.meta["order"]), _Filed(file))

    def verify(self) -> None:
        """Check every table against the checksums of its file; raises ModelFileError where one differs."""
        if isinstance(self.tables, _Filed):
            self.tables.file.verify()

    def _symbols(self, ngrams: ArrayLike) -> IntArray:
        symbols = np.asarray(ngrams, dtype=np.int64)
        symbols = symbols.reshape(-1, symbols.shape[-1])
        if symbols.size and not BEFORE <= symbols.min() <= symbols.max() < self.n_values:
            raise VocabularyError(
                f"symbols from {symbols.min()} to {symbols.max()}: expected 0 to {self.n_values - 1}, or {BEFORE}"
            )
        return symbols

    def _found(self, symbols: IntArray) -> tuple[IntArray, BoolArray]:
        """Where n-grams stand in the table of their order, and whether they do."""
        order = symbols.shape[1]
        under, table = self.packing.over(order), self.tables[order - 1].keys
        keys = self.packing.packed(symbols[:, : order - under])
        there = np.full(len(keys), len(table) > 0)
        if under:
            numbers, there = self._found(symbols[:, order - under :])
            keys |= numbers.astype(np.uint64) << np.uint64(self.packing.bits * (order - under))
        places = np.minimum(np.searchsorted(table, keys), max(0, len(table) - 1))
        return places, there & (table[places] == keys) if len(table) else there

    def _renumbered(self, order: int, tables: Sequence[Tally]) -> Tally:
        """The table of an order, with the numbers that shorter n-grams have in `tables`."""
        table, under = self.tables[order - 1], self.packing.over(order)
        if not under:
            return table
        shift = np.uint64(self.packing.bits * (order - under))
        numbers = np.searchsorted(tables[under - 1].keys, self._renumbered(under, tables).keys).astype(np.uint64)
        own = (table.keys >> shift).astype(np.int64)
        return Tally(numbers[own] << shift | table.keys & ((np.uint64(1) << shift) - np.uint64(1)), table.counts)


class _Filed(Sequence[Tally]):
    """The tables of a file, mapped into memory when they are asked for."""

    def __init__(self, file: ModelFile) -> None:
        self.file = file

    def __len__(self) -> int:
        return int(self.file.meta["order"])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        return Tally(self.file[f"{index + 1}.keys"], self.file[f"{index + 1}.counts"])
