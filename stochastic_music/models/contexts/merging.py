"""Sums and differences of two tables of contexts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stochastic_music.errors import UsageError
from stochastic_music.models.contexts.linking import assemble
from stochastic_music.models.contexts.packing import base_of, joined, renamed
from stochastic_music.models.contexts.table import Contexts
from stochastic_music.protocols import IntArray


def combined(one: Contexts, other: Contexts, *, sign: int = 1) -> Contexts:
    """The contexts of two corpora together, or with `sign` -1 of the one without the other.

    That is exact where contexts have a bound: each is there because something followed it, so that those
    nothing follows any more are gone. Raises UsageError where more would be taken away than there is.
    """
    aligned = Aligned.of(one, other)
    key, count = aligned.entries(sign)
    if (count < 0).any():
        raise UsageError("this model has not counted all of these pieces: what it never saw cannot be forgotten")
    return aligned.assembled(key[count > 0], count[count > 0])


@dataclass(frozen=True, eq=False)
class Aligned:
    """Two tables of contexts under common numbers, for sums and differences.

    `marks` are those of both; `numbers` say for each table what its contexts are called; contexts of length L are
    those from `bounds[L]` to `bounds[L + 1]`, with (parent, oldest) packed in `family` for those above the roots.
    """

    tables: tuple[Contexts, Contexts]
    marks: IntArray
    numbers: tuple[IntArray, IntArray]
    bounds: IntArray
    family: IntArray

    @classmethod
    def of(cls, one: Contexts, other: Contexts) -> Aligned:
        """Contexts are numbered length by length, by (parent, oldest element), as `grow` does."""
        tables, marks = (one, other), np.union1d(one.marks, other.marks)
        base = base_of(one.n_symbols, marks)
        oldest = [renamed(table.oldest, table.marks, marks, table.n_symbols) for table in tables]
        numbers = (np.arange(one.n_contexts), np.arange(other.n_contexts))
        bounds, families = [0, int(one.bounds[1])], []
        for length in range(1, max(len(one.bounds), len(other.bounds)) - 1):
            spans = [table.of_length(length) for table in tables]
            columns = zip(tables, numbers, oldest, spans, strict=True)
            own = [number[table.parent[at]] * base + old[at] for table, number, old, at in columns]
            families.append(np.union1d(*own))
            for number, family, at in zip(numbers, own, spans, strict=True):
                number[at] = bounds[-1] + np.searchsorted(families[-1], family)
            bounds.append(bounds[-1] + len(families[-1]))
        return cls(tables, marks, numbers, np.array(bounds), joined(families))

    def entries(self, sign: int) -> tuple[IntArray, IntArray]:
        """The entries of both, packed and ascending, and the sums of their counts, the second's times `sign`."""
        keys, counts = [], []
        for table, number, times in zip(self.tables, self.numbers, (1, sign), strict=True):
            base = base_of(table.n_symbols, self.marks)
            for part in (table.entries, table.heard):
                element = renamed(part.element, table.marks, self.marks, table.n_symbols)
                keys.append(number[part.context] * base + element)
                counts.append(times * part.count.astype(np.int64))
        key, place = np.unique(np.concatenate(keys), return_inverse=True)
        return key, np.bincount(place, np.concatenate(counts), len(key)).astype(np.int64)

    def assembled(self, key: IntArray, count: IntArray) -> Contexts:
        """The contexts that some of the entries belong to, marks and numbers that nothing needs left out."""
        one = self.tables[0]
        base, n_roots = base_of(one.n_symbols, self.marks), int(self.bounds[1])
        context, element = np.divmod(key, base)
        kept = np.arange(self.bounds[-1]) < n_roots
        kept[context] = True
        number = np.cumsum(kept) - 1
        parent, oldest = np.divmod(self.family[kept[n_roots:]], base)
        marks = self.marks[np.unique(element[element > one.n_symbols]) - one.n_symbols - 1]
        oldest, element = (renamed(names, self.marks, marks, one.n_symbols) for names in (oldest, element))
        new = base_of(one.n_symbols, marks)
        bounds = np.append(0, np.cumsum(kept))[self.bounds]
        bounds = bounds[: int(np.searchsorted(bounds, bounds[-1])) + 2]  # one length more than there are, as in `grow`
        return assemble(
            one, marks, one.leads, number[parent] * new + oldest, bounds, number[context] * new + element, count
        )
