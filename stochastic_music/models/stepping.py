"""Going through a back-off table: one context at a time, in plain numbers, or many at once, on a GPU.

An operation on arrays costs as much as some ten lookups of a plain number. What asks for the next context of one row,
then for the one after it, as Metropolis does behind a changed note, is quicker without arrays. The arithmetic is that
of `BackoffTable.look_up`, `Contexts.step` and `Contexts.hear`, number for number.

Thousands of rows are quicker on a GPU, although what is asked is sent there and what is found comes back: the searches
in tables of millions take far longer.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import numpy as np

from stochastic_music._backends import Room, as_numpy
from stochastic_music.models.backoff_table import BackoffTable
from stochastic_music.models.contexts import Contexts, Entries
from stochastic_music.protocols import FloatArray, IntArray


class Steps:
    """Lookups and steps through one table; see the module's article."""

    def __init__(self, table: BackoffTable) -> None:
        known = table.contexts
        self._links, self._said = _Links(known), _Pairs(known.entries)
        self._heard, self._marks = _Pairs(known.heard), _plain(known.marks)
        self._probability, self._weight = _plain(table.probability), _plain(table.weight)
        self._base = table.base.tolist()
        self._speaker, self._shorter, self._total = (
            None if column is None else _plain(column) for column in (table.speaker, table.shorter, table.total)
        )

    def follow(self, context: int, symbol: int) -> tuple[float, int]:
        """The probability of a symbol after a context, and the context that it leads to."""
        links = self._links
        return self._probability_of(context, symbol), self._target(
            self._said, context, symbol, links.fallen(context, symbol)
        )

    def hear(self, context: int, mark: int) -> int:
        """The context after a mark of the clock; one never seen, and -1, leave it as it is."""
        at = bisect_left(self._marks, mark)
        if at == len(self._marks) or self._marks[at] != mark:
            return context
        links = self._links
        return self._target(self._heard, context, links.n_symbols + 1 + at, links.lengthened(0, links.lead[context]))

    def _probability_of(self, context: int, symbol: int) -> float:
        found = 1.0 if self._total is None else 1 / self._total[context]
        at = context if self._speaker is None else self._speaker[context]
        for _ in self._links.shortenings():
            if at < 0:
                break
            entry = self._said.find(at, symbol)
            if entry >= 0:
                return found * self._probability[entry]
            found *= self._weight[at]
            at = self._links.parent(at) if self._shorter is None else self._shorter[at]
        probability: float = found * self._base[self._links.due[context]][symbol]
        return probability

    def _target(self, pairs: _Pairs, at: int, element: int, otherwise: int) -> int:
        """Where a context and an element lead, by back-off; `otherwise` where no context took the element up."""
        for _ in self._links.shortenings():
            if at < 0:
                break
            entry = pairs.find(at, element)
            if entry >= 0 and pairs.target[entry] >= self._links.n_roots:
                target: int = pairs.target[entry]
                return target
            at = self._links.parent(at)
        return otherwise


#: rows for which it is worth to send them to a GPU and back; how many go at a time
MANY, _ROWS, _ROWS_ON_GPU = 2048, 1 << 16, 1 << 24


class Strides:
    """Lookups and steps of many contexts at once; see the module's article. Raises as `Room`."""

    def __init__(self, table: BackoffTable, backend: str) -> None:
        self._room = Room(backend, numbers=_ROWS, numbers_on_gpu=_ROWS_ON_GPU)
        self._host, self._sent = table, table

    def follow(self, contexts: IntArray, symbols: IntArray) -> tuple[FloatArray, IntArray]:
        """The log probability of one symbol after each context, in nats, and the context it leads to: (n,) each."""
        if len(contexts) < MANY:
            return _followed(self._host, contexts, symbols)
        return self._room.run(lambda: self._on_device(contexts, symbols))

    def _on_device(self, contexts: IntArray, symbols: IntArray) -> tuple[FloatArray, IntArray]:
        xp, size = self._room.xp, self._room.numbers
        if self._sent.contexts.xp is not xp:
            self._sent = self._host if xp is np else self._host.on(xp)
        parts = [slice(first, first + size) for first in range(0, len(contexts), size)]
        found = [_followed(self._sent, xp.asarray(contexts[part]), xp.asarray(symbols[part])) for part in parts]
        log_probs, following = ([as_numpy(part) for part in column] for column in zip(*found, strict=True))
        return np.concatenate(log_probs), np.concatenate(following)


def _followed(table: BackoffTable, contexts: IntArray, symbols: IntArray) -> tuple[FloatArray, IntArray]:
    return table.look_up(contexts, symbols), table.contexts.step(contexts, symbols)


class _Pairs:
    """Pairs (context, element), and what they lead to."""

    def __init__(self, entries: Entries) -> None:
        self._base, self._key, self.target = entries.base, _plain(entries.key), _plain(entries.target)

    def find(self, context: int, element: int) -> int:
        """The entry, -1 where that was never seen."""
        return _found(self._key, context * self._base + element)


class _Links:
    """How contexts become shorter and longer."""

    def __init__(self, contexts: Contexts) -> None:
        self.n_fields, self.n_symbols, self.n_roots = contexts.n_fields, contexts.n_symbols, contexts.n_roots
        self.due, self.lead = _plain(contexts.due), _plain(contexts.lead)
        self._base, self._family = contexts.base, _plain(contexts.family)
        self.shortenings = contexts.shortenings

    def parent(self, context: int) -> int:
        """The context without its oldest element, -1 of a root."""
        return int(self._family[context - self.n_roots] // self._base) if context >= self.n_roots else -1

    def lengthened(self, context: int, element: int) -> int:
        """The context with one more element where that was seen, as it is elsewhere."""
        at = _found(self._family, context * self._base + element) if element >= 0 else -1
        return context if at < 0 else at + self.n_roots

    def fallen(self, context: int, symbol: int) -> int:
        """Where a context leads that does not take up what came."""
        due = self.due[context]
        if due == self.n_fields or symbol == self.n_symbols - 1:
            return self.n_fields
        root = (due + 1) % self.n_fields
        return self.lengthened(root, self.lead[context]) if root else 0


def _found(keys: Any, wanted: int) -> int:
    at = bisect_left(keys, wanted)
    return at if at < len(keys) and keys[at] == wanted else -1


def _plain(column: Any) -> memoryview:
    """A column whose items are plain numbers, and none is copied."""
    return memoryview(column)
