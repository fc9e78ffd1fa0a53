"""Contexts and entries put together: numbers, suffixes, and where each step leads."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from stochastic_music.models.contexts.packing import added_up, base_of, narrow, search, search_in_order
from stochastic_music.models.contexts.table import Contexts, Entries
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.tokens import Vocabulary


def assemble(  # noqa: PLR0917, the columns of one table
    vocabulary: Vocabulary | Contexts,
    marks: IntArray,
    leads: bool,
    family: IntArray,
    bounds: IntArray,
    key: IntArray,
    count: IntArray,
) -> Contexts:
    """Contexts from packed pairs: `family` (parent, oldest) for those above the roots, `key` (context, element)."""
    base, n_contexts = base_of(vocabulary.n_symbols, marks), int(bounds[-1])
    nothing = _unlinked(key[:0], count[:0], base, n_contexts)
    nobody = np.zeros(0, dtype=np.int64)
    family, columns = narrow(family, n_contexts * base), (nobody, nobody, nobody)
    bare = Contexts(vocabulary.n_fields, vocabulary.n_symbols, marks, bounds, leads, family, *columns, nothing, nothing)
    bare = replace(bare, due=narrow(_due(bare)), lead=narrow(_lead(bare)))
    is_mark = key % base >= vocabulary.n_symbols if len(marks) else np.zeros(0, dtype=bool)
    heard, entries = (_unlinked(k, n, base, n_contexts) for k, n in _divided(is_mark, key, count))
    rows = np.cumsum(added_up(entries.context + 1, n_contexts + 1))
    return replace(bare, rows=narrow(rows), heard=_linked(bare, heard), entries=_linked(bare, entries))


def _divided(is_mark: BoolArray, key: IntArray, count: IntArray) -> list[tuple[IntArray, IntArray]]:
    """The entries of marks, and those of symbols."""
    if not len(is_mark):
        return [(key[:0], count[:0]), (key, count)]
    return [(key[chosen], count[chosen]) for chosen in (is_mark, ~is_mark)]


def _due(contexts: Contexts) -> IntArray:
    """The field due after each context: (n_contexts,)."""
    due = np.arange(contexts.n_contexts, dtype=np.int64)
    for first, last in pairwise(contexts.bounds[1:]):
        due[first:last] = due[contexts.parent[first:last]]
    return due


def _lead(contexts: Contexts) -> IntArray:
    """The leading element of each context, -1 where none leads: (n_contexts,)."""
    if not contexts.leads:
        return np.full(contexts.n_contexts, -1, dtype=np.int64)
    lead = contexts.oldest.copy()
    for first, last in pairwise(contexts.bounds[2:]):
        lead[first:last] = lead[contexts.parent[first:last]]
    return lead


def _unlinked(key: IntArray, count: IntArray, base: int, n_contexts: int) -> Entries:
    nowhere = np.zeros(0, dtype=np.int64)
    return Entries(base, narrow(key, n_contexts * base), narrow(count), nowhere, nowhere)


def _linked(contexts: Contexts, table: Entries) -> Entries:
    """The entries with their suffixes and targets, from the shortest contexts to the longest.

    Context c and element w make what (parent of c, w) makes and the element that c took up last, where that
    was seen and the parent's is as long as can be; else they make what that shorter pair makes.
    """
    suffix, target = (np.full(len(table.key), -1, dtype=np.int64) for _ in range(2))
    levels = [0, *np.searchsorted(table.context, contexts.bounds).tolist()]
    for length, (below, first, last) in enumerate(zip(levels, levels[1:], levels[2:], strict=False)):
        context, element = table.context[first:last], table.element[first:last]
        root = np.where(element < contexts.n_symbols, contexts.after(context, element), 0)
        shorter = root
        if length:
            wanted = contexts.parent[context] * table.base + element
            suffix[first:last] = search(table.key[below:first], wanted) + below
            shorter = target[suffix[first:last]]
        within = contexts.leads & ((element >= contexts.n_symbols) | (root % contexts.n_fields > 0))
        for chosen, link in ((within, _target_within), (~within, _target_beyond)):
            if chosen.any():
                rows = np.flatnonzero(chosen)
                columns = (context[rows], element[rows], root[rows], shorter[rows])
                target[first + rows] = link(contexts, length, *columns)
    return replace(table, suffix=narrow(suffix), target=narrow(target))


def _target_within(  # noqa: PLR0917, the columns of one table
    contexts: Contexts, length: int, context: IntArray, element: IntArray, root: IntArray, shorter: IntArray
) -> IntArray:
    """Targets of elements within an event: they are taken up behind the leading one, by contexts that have it."""
    if length == 0:
        return root
    if length == 1:
        leader = _lengthened(contexts, root, contexts.lead[context])
        return _where_whole(contexts, 1, leader, element)
    return _where_whole(contexts, length, shorter, contexts.oldest[context])


def _target_beyond(  # noqa: PLR0917, the columns of one table
    contexts: Contexts,
    length: int,
    context: IntArray,
    element: IntArray,
    root: IntArray,  # noqa: ARG001, as above
    shorter: IntArray,
) -> IntArray:
    """Targets of the last element of an event, which leads; the former leader follows once the event is complete."""
    if length == 0:
        return _lengthened(contexts, shorter, element)
    # how many elements a context has of an event that lacks its last one
    present = contexts.n_fields - 1 + int(len(contexts.marks) > 0) if contexts.leads else 0
    if length == 1:
        made = shorter
    else:
        made = _where_whole(contexts, length - (length <= present + 1), shorter, contexts.oldest[context])
    if length == present + 1:
        last = contexts.lead if contexts.leads else contexts.oldest
        made = _where_whole(contexts, length, made, last[context])
    return made


def _where_whole(contexts: Contexts, length: int, at: IntArray, element: IntArray) -> IntArray:
    """Contexts of that length with one more element, where that was seen; shorter ones stay as they are."""
    if contexts.bounds[length + 1] == contexts.n_contexts:  # none is longer
        return at
    out = at.copy()
    rows = np.flatnonzero(at >= contexts.bounds[length])
    out[rows] = _lengthened(contexts, at[rows], element[rows])
    return out


def _lengthened(contexts: Contexts, at: IntArray, elements: IntArray) -> IntArray:
    """As `Contexts.lengthened`, for as many as there are contexts."""
    found = search_in_order(contexts.family, at * contexts.base + np.maximum(elements, 0))
    return np.where((elements >= 0) & (found >= 0), found + contexts.n_roots, at)
