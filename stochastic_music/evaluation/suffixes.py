"""Copies between a corpus and a line, found in a suffix array.

All lines of the corpus are one text of steps (`corpus.matching`), with a symbol of its own where each line begins, so
that no run crosses from line to line. A suffix array [1], built once by prefix doubling in NumPy, answers for every
place of a query the longest match, by bisection of all places at once. How long the runs are that each line shares with
lines that are not its kin falls out of one pass over the same array: neighbors in it share the most.

[1] U. Manber, G. Myers. Suffix arrays: a new method for on-line string searches. SIAM J. Computing 22(5), 1993.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from stochastic_music.corpus.lines import Line
from stochastic_music.corpus.matching import Alphabet, Matching
from stochastic_music.protocols import IntArray

#: how many symbols are compared in one step
_BLOCK = 16


class Suffixes:
    """The runs of `lines`, compared as `how` says; notes are numbered through, line after line."""

    def __init__(self, lines: Sequence[Line], how: Matching) -> None:
        self._how = how
        whole = Line.joined(lines)
        first = np.zeros(len(whole), dtype=bool)
        first[np.cumsum([0, *(len(line) for line in lines if len(line))])[:-1]] = True
        steps = how.steps(whole)[:, ~first[1:]]
        self._steps, self._notes = Alphabet(steps), Alphabet(how.notes(whole))
        self._n_lines = int(first.sum())
        text = np.empty(len(whole), dtype=np.int64)
        text[first] = np.arange(self._n_lines)
        text[~first] = self._n_lines + self._steps.ids(steps)
        self._order = _suffix_array(text)
        self._text = np.concatenate([text, np.full(_BLOCK, -3)])
        self._single = self._notes.ids(how.notes(whole))
        self._example = np.zeros(self._notes.size, dtype=np.int64)
        self._example[self._single[::-1]] = np.arange(len(whole))[::-1]

    def matches(self, line: Line) -> tuple[IntArray, IntArray]:
        """For each note: how long a copy begins there, and the place of its first note in the corpus."""
        single = self._notes.ids(self._how.notes(line))
        lengths = (single >= 0).astype(np.int64)
        found = self._example[single] if len(self._example) else np.zeros(len(line), dtype=np.int64)
        steps = self._steps.ids(self._how.steps(line))
        n_steps, place = self._longest(np.where(steps >= 0, steps + self._n_lines, -1))
        run = n_steps > 0
        lengths[:-1][run], found[:-1][run] = n_steps[run] + 1, place[run] - 1
        return lengths, found

    def elsewhere(self, kin: IntArray) -> IntArray:
        """For each note of the corpus: how long a copy begins there that lines of other kin hold.

        `kin` (n_notes,) are equal for notes of lines that are not asked about each other.
        """
        lengths = self._single_elsewhere(kin)
        n_steps = np.zeros(len(kin) + 1, dtype=np.int64)
        ordered, shared = kin[self._order], self._shared
        before = _with_other_kin(ordered, shared[:-1])
        after = _with_other_kin(ordered[::-1], shared[:0:-1])[::-1]
        n_steps[self._order] = np.maximum(before, after)
        return np.where(n_steps[1:] > 0, n_steps[1:] + 1, lengths)

    @cached_property
    def _shared(self) -> IntArray:
        """How many symbols each suffix shares with the one before it in the array, 0 at both ends: (n_notes + 1,)."""
        shared = np.zeros(len(self._order) + 1, dtype=np.int64)
        if len(self._order) > 1:
            shared[1:-1] = _common_prefix(self._text, self._order[:-1], self._text, self._order[1:])
        return shared

    def _single_elsewhere(self, kin: IntArray) -> IntArray:
        """1 for each note that lines of other kin have too, taken alone."""
        least, most = np.full(self._notes.size, np.iinfo(np.int64).max), np.full(self._notes.size, -1)
        np.minimum.at(least, self._single, kin)
        np.maximum.at(most, self._single, kin)
        return (least < most)[self._single].astype(np.int64)

    def _longest(self, query: IntArray) -> tuple[IntArray, IntArray]:
        """For each place of `query`: the length and the place of its longest match in the text.

        Where the query's suffix would stand in the suffix array is found by bisection of all places at once; one of the
        two suffixes that it would stand between shares the most. All between two suffixes share what both share with
        the query, so that comparing goes on from there.
        """
        padded = np.concatenate([query, np.full(_BLOCK, -2)])
        starts, size = np.arange(len(query)), len(self._order)
        low, high = np.zeros_like(starts), np.full_like(starts, size)
        before, after = np.zeros_like(starts), np.zeros_like(starts)
        while (low < high).any():
            middle = (low + high) // 2
            suffix = self._order[np.minimum(middle, size - 1)]
            known = np.minimum(before, after)
            shared = known + _common_prefix(self._text, suffix + known, padded, starts + known)
            smaller = self._text[suffix + shared] < padded[starts + shared]
            up, down = (low < high) & smaller, (low < high) & ~smaller
            low, before = np.where(up, middle + 1, low), np.where(up, shared, before)
            high, after = np.where(down, middle, high), np.where(down, shared, after)
        place = np.where(before >= after, low - 1, low).clip(0, max(size - 1, 0))
        return np.maximum(before, after), self._order[place] if size else place


def _with_other_kin(kin: IntArray, shared: IntArray) -> IntArray:
    """How many symbols each suffix of an ordered row shares with the nearest before it that has other kin: (n,).

    `shared` (n,) is with the one before it. What two suffixes share is the least of what lies between them, so this is
    a running minimum that begins anew where the kin changes.
    """
    stretch = np.cumsum(kin != np.concatenate([kin[:1], kin[:-1]]))
    # lower from stretch to stretch by more than any value, so that one running minimum serves all
    below = stretch * (int(shared.max(initial=0)) + 1)
    least: IntArray = np.minimum.accumulate(shared - below) + below
    return least


def _suffix_array(text: IntArray) -> IntArray:
    """The places of `text` in the order of what follows from them, by prefix doubling.

    Suffixes that agree so far share a rank, the first of the slots that they fill; in each round only these are sorted,
    by what their ranks say of twice as many symbols.
    """
    size, width = len(text), 1
    order, rank = np.argsort(text, kind="stable").astype(np.int64), np.empty(size, dtype=np.int64)
    slots = _settle(np.arange(size), order, text[order], rank)
    while len(slots):
        suffix = order[slots]
        after = suffix + width
        following = np.where(after < size, rank[np.minimum(after, size - 1)] + 1, 0)
        key = rank[suffix] * (size + 1) + following
        ascending = np.argsort(key, kind="stable")
        order[slots] = suffix[ascending]
        slots = _settle(slots, order, key[ascending], rank)
        width *= 2
    return order


def _settle(slots: IntArray, order: IntArray, key: IntArray, rank: IntArray) -> IntArray:
    """Write the ranks of suffixes in `slots`, in the order of their keys; the slots of those that share one."""
    new = np.concatenate([key[:1] == key[:1], key[1:] != key[:-1]])
    rank[order[slots]] = slots[np.flatnonzero(new)[np.cumsum(new) - 1]]
    shared: IntArray = slots[~(new & np.append(new[1:], True))]
    return shared


def _common_prefix(text: IntArray, at: IntArray, query: IntArray, start: IntArray) -> IntArray:
    """How many symbols `text` from `at` and `query` from `start` share, pair by pair; both end in unequal padding."""
    shared = np.zeros(len(at), dtype=np.int64)
    going = np.arange(len(at))
    block = np.arange(_BLOCK)
    while len(going):
        a, b = at[going] + shared[going], start[going] + shared[going]
        differs = text[a[:, None] + block] != query[b[:, None] + block]
        same = np.where(differs.any(axis=1), differs.argmax(axis=1), _BLOCK)
        shared[going] += same
        going = going[same == _BLOCK]
    return shared
