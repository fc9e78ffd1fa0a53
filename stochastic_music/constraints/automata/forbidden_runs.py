"""The runs of symbols that may not come: an Aho-Corasick automaton in flat arrays.

Of a text in several parts every run of k symbols is forbidden. A *node* is a beginning of such a run, shorter than k:
the longest that what was heard ends with. Beginnings that cannot grow to k symbols are no nodes, so nothing is
remembered that does not matter. A symbol that does not go on from a node goes on from a shorter one, the node's
*failure* [1].

Nodes are numbered by length and, within one, in the order of their (parent, symbol): so the ascending array of these
pairs is the whole table of transitions, and the place of a pair in it names the node that it leads to.

    >>> runs = ForbiddenRuns([np.array([0, 1, 2, 0, 1])], 3)
    >>> node = np.array([0])
    >>> for symbol in (0, 0, 1, 2):
    ...     node = runs.advance(node, np.array([symbol]))
    ...     print(int(node[0]), end=" ")
    1 1 4 -1

[1] A. V. Aho, M. J. Corasick. Efficient string matching: an aid to bibliographic search. Communications of the ACM
18(6), 1975.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stochastic_music.corpus.matching import find
from stochastic_music.protocols import DEAD, BoolArray, IntArray

#: the node where nothing is remembered
ROOT = 0


class ForbiddenRuns:
    """All runs of `length` symbols (from 0) of the parts of a text; see the module's article."""

    def __init__(self, parts: Sequence[IntArray], length: int) -> None:
        text = np.concatenate([np.zeros(0, dtype=np.int64), *parts])
        self._n_symbols = int(text.max(initial=0)) + 1
        levels = _levels(text, _beginnings(parts, length), length, self._n_symbols)
        self._pairs = np.concatenate(levels)
        #: the nodes, numbered from 0; a run that is forbidden has a number from here on
        self.n_nodes = 1 + len(self._pairs) - len(levels[-1])
        self._failure = np.zeros(self.n_nodes, dtype=np.int64)
        self._link([len(level) for level in levels[:-1]])

    def advance(self, nodes: IntArray, symbols: IntArray) -> IntArray:
        """The nodes after one more symbol each, DEAD where a run is complete; symbol -1 is in none: (n,)."""
        out = np.full(len(nodes), ROOT, dtype=np.int64)
        going = np.flatnonzero((symbols >= 0) & (symbols < self._n_symbols))
        at = nodes[going]
        while len(going):
            place, found = find(self._pairs, at * self._n_symbols + symbols[going])
            out[going[found]] = place[found] + 1
            back = ~found & (at != ROOT)
            going, at = going[back], self._failure[at[back]]
        return np.where(out < self.n_nodes, out, DEAD)

    def first_symbols(self) -> BoolArray:
        """Which symbols a run begins with: (n_symbols,)."""
        begins = np.zeros(self._n_symbols, dtype=bool)
        begins[self._pairs[self._pairs < self._n_symbols]] = True
        return begins

    def _link(self, sizes: Sequence[int]) -> None:
        """The failures of all nodes, level by level: those of a level go on from the failures of its parents."""
        first = 1 + (sizes[0] if sizes else 0)
        for size in sizes[1:]:
            parent, symbol = np.divmod(self._pairs[first - 1 : first - 1 + size], self._n_symbols)
            self._failure[first : first + size] = self.advance(self._failure[parent], symbol)
            first += size


def _beginnings(parts: Sequence[IntArray], length: int) -> IntArray:
    """The places of the whole text from which `length` symbols follow in one part."""
    sizes = np.array([len(part) for part in parts], dtype=np.int64)
    left = np.repeat(np.cumsum(sizes), sizes) - np.arange(int(sizes.sum()))
    return np.flatnonzero(left >= length)


def _levels(text: IntArray, places: IntArray, length: int, n_symbols: int) -> list[IntArray]:
    """The (parent, symbol) pairs of the nodes of each length from 1 to `length`, ascending."""
    levels, node, first = [], np.zeros(len(places), dtype=np.int64), 1
    for depth in range(length if len(places) else 1):  # a length that no part has forbids nothing
        pairs, number = np.unique(node * n_symbols + text[places + depth], return_inverse=True)
        levels.append(pairs)
        node, first = first + number, first + len(pairs)
    return levels
