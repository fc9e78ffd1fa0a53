"""The table of contexts: lookups and steps, for a whole batch at once.

Its arrays may lie in a file that is mapped into memory: a step reads what it needs, and only what sums over the whole
table (`parent`, `whole`, the contexts of all entries) is worked out for all of it, when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import ModelFileError
from stochastic_music.models.contexts.packing import base_of, mark_elements, search, taken
from stochastic_music.models.contexts.stream import Stream
from stochastic_music.protocols import BoolArray, IntArray


@dataclass(frozen=True, eq=False)
class Entries:
    """Pairs (context, element), packed as context * base + element in ascending order; each array is (n_entries,).

    `suffix` is the entry of the context's parent with the same element, -1 at a root; `target` the
    longest context that the pair makes.
    """

    base: int
    key: IntArray
    count: IntArray
    suffix: IntArray
    target: IntArray
    xp: Any = np

    @cached_property
    def context(self) -> IntArray:
        """The context of each."""
        return self.key // np.int64(self.base)

    @cached_property
    def element(self) -> IntArray:
        """The element of each."""
        return self.key % np.int64(self.base)

    def find(self, contexts: IntArray, elements: IntArray) -> IntArray:
        """The entries of (context, element), -1 where that was never seen: all (n,)."""
        return search(self.key, contexts * self.base + elements, self.xp)


@dataclass(frozen=True, eq=False)
class Contexts:
    """All contexts of a corpus; see the article of `stochastic_music.models.contexts`.

    Contexts of length L are those from `bounds[L]` to `bounds[L + 1]`. `family` holds (parent, oldest) of those
    above the roots, packed as parent * base + oldest, ascending. `due` and `lead` are (n_contexts,): the field due
    after each, and its leading element, -1 where none leads. The entries of context c are those from `rows[c]` to
    `rows[c + 1]`, (n_contexts + 1,). `marks` are those seen, ascending; `leads` tells whether a leading element comes
    first; `heard` are the entries of marks, `entries` those of symbols.
    """

    n_fields: int
    n_symbols: int
    marks: IntArray
    bounds: IntArray
    leads: bool
    family: IntArray
    due: IntArray
    lead: IntArray
    rows: IntArray
    heard: Entries
    entries: Entries
    xp: Any = np

    def on(self, xp: Any) -> Contexts:
        """The same table for steps on arrays of `xp`, NumPy or CuPy: what steps need, no more, is sent there."""
        sent: dict[str, Any] = {name: xp.asarray(getattr(self, name)) for name in ("family", "due", "lead")}
        return replace(self, **sent, heard=_on(self.heard, xp), entries=_on(self.entries, xp), xp=xp)

    @property
    def n_contexts(self) -> int:
        """How many contexts there are, roots included."""
        return int(self.bounds[-1])

    @cached_property
    def n_roots(self) -> int:
        """How many contexts hold no element."""
        return int(self.bounds[1])

    @cached_property
    def base(self) -> int:
        """How many elements there are."""
        return base_of(self.n_symbols, self.marks)

    @cached_property
    def parent(self) -> IntArray:
        """The context without its oldest element, -1 at roots: (n_contexts,)."""
        return np.concatenate([np.full(self.n_roots, -1), self.family // np.int64(self.base)])

    @cached_property
    def oldest(self) -> IntArray:
        """The oldest element of each context, -1 at roots: (n_contexts,)."""
        return np.concatenate([np.full(self.n_roots, -1), self.family % np.int64(self.base)])

    @cached_property
    def start(self) -> int:
        """The context before the first element of a piece."""
        root = np.zeros(1, dtype=np.int64)
        return max(0, int(self.extend(root, root + self.n_symbols)[0]))

    @cached_property
    def whole(self) -> BoolArray:
        """Whether the oldest event of a context is complete (or START): (n_contexts,)."""
        hears = int(len(self.marks) > 0)
        length = np.repeat(np.arange(len(self.bounds) - 1), np.diff(self.bounds))
        past = length - self.due - hears
        complete = (past % (self.n_fields + hears) == 0) & ((past > 0) | (not self.leads))
        whole: BoolArray = complete | (self.oldest == self.n_symbols)
        return whole

    def of_length(self, length: int) -> slice:
        """The contexts of one length; none beyond the longest."""
        first, last = self.bounds[np.minimum([length, length + 1], len(self.bounds) - 1)]
        return slice(int(first), int(last))

    def shortened(self, contexts: IntArray) -> IntArray:
        """The parents of contexts, -1 of roots: (n,)."""
        out: IntArray = self.xp.full(contexts.shape, -1, dtype=np.int64)
        if len(self.family):
            parents = taken(self.family, self.xp.maximum(contexts - self.n_roots, 0)) // self.base
            out = self.xp.where(contexts < self.n_roots, -1, parents)
        return out

    def shortenings(self) -> Iterator[int]:
        """A turn for each time that a context can be shortened, and one to see that it cannot be any more.

        Raises ModelFileError after these: links go round in circles where a large array of a file, which is not checked
        when it is opened, was changed.
        """
        yield from range(len(self.bounds))
        raise ModelFileError(
            "the model has been changed: its contexts go round in circles. "
            "Fit the model again, or copy its file again from where it came."
        )

    def spelled(self, context: int) -> list[int]:
        """The elements of one context, in the order in which it took them up."""
        elements: list[int] = []
        for _ in self.shortenings():
            if context < self.n_roots:
                break
            context, oldest = divmod(int(self.family[context - self.n_roots]), self.base)
            elements.append(oldest)
        return elements[::-1]

    def due_after(self, contexts: IntArray) -> IntArray:
        """The field due after each of `contexts`: (n,)."""
        return taken(self.due, contexts)

    def kept(self, contexts: IntArray) -> IntArray:
        """What is left of contexts after a symbol of their event that they cannot take up: (n,)."""
        roots = self.xp.minimum(self.due_after(contexts) + 1, self.n_fields)
        return self.lengthened(roots, taken(self.lead, contexts))

    def extend(self, contexts: IntArray, elements: IntArray) -> IntArray:
        """The contexts with one older element in front, -1 where that was never seen: all (n,)."""
        found = search(self.family, contexts * self.base + elements, self.xp)
        out: IntArray = self.xp.where(found < 0, -1, found + self.n_roots)
        return out

    def lengthened(self, contexts: IntArray, elements: IntArray) -> IntArray:
        """The contexts with one more element where that was seen, as they are elsewhere (and for -1): all (n,)."""
        longer = self.extend(contexts, self.xp.maximum(elements, 0))
        out: IntArray = self.xp.where((elements >= 0) & (longer >= 0), longer, contexts)
        return out

    def find(self, contexts: IntArray, symbols: IntArray) -> IntArray:
        """The entries of (context, symbol), -1 where that was never seen: all (n,)."""
        return self.entries.find(contexts, symbols)

    def after(self, contexts: IntArray, symbols: IntArray) -> IntArray:
        """The roots after one more symbol each: all (n,)."""
        due = self.due_after(contexts)
        ended = (due == self.n_fields) | (symbols == self.n_symbols - 1)
        out: IntArray = self.xp.where(ended, self.n_fields, (due + 1) % self.n_fields)
        return out

    def fallen(self, contexts: IntArray, roots: IntArray) -> IntArray:
        """Where contexts lead that do not take up what came: to `roots`, or within an event to what they keep: (n,)."""
        if self.n_fields == 1:
            return roots
        out: IntArray = self.xp.where(roots % self.n_fields, self.kept(contexts), roots)
        return out

    def step(self, contexts: IntArray, symbols: IntArray) -> IntArray:
        """The longest seen contexts after one more symbol each: all (n,)."""
        otherwise = self.fallen(contexts, self.after(contexts, symbols))
        return self._follow(self.entries, contexts, symbols, otherwise)

    def hear(self, contexts: IntArray, marks: IntArray) -> IntArray:
        """The contexts after the clock's marks; -1, and marks never seen, leave them as they are: all (n,)."""
        elements = mark_elements(marks, self.marks, self.n_symbols)
        known = elements >= 0
        out = contexts.copy()
        leader = self.lengthened(np.zeros_like(contexts), taken(self.lead, contexts))
        out[known] = self._follow(self.heard, contexts[known], elements[known], leader[known])
        return out

    def trace(self, stream: Stream) -> IntArray:
        """The longest seen context before each symbol of the corpus behind `stream`: (n,)."""
        context = stream.due[stream.place]
        rows = np.arange(len(context))
        length = 0
        while len(rows):
            length += 1
            rows = rows[stream.depth[stream.place[rows]] >= length]
            longer = self.extend(context[rows], stream.taken_up(stream.place[rows], length))
            rows, longer = rows[longer >= 0], longer[longer >= 0]
            context[rows] = longer
        return context

    @property
    def steps_look_back(self) -> bool:
        """Whether steps find all that `trace` finds: nothing stands between an element and its leader."""
        return not self.leads or (self.n_fields == 1 and not len(self.marks))

    def walk(self, corpus: TokenCorpus, mark: IntArray) -> IntArray:
        """The context before each symbol of `corpus`, stepping through all pieces at once; `mark` (n,): (n,) too."""
        out = np.zeros(len(corpus.symbols), dtype=np.int64)
        order = np.argsort(-corpus.lengths, kind="stable")
        lengths = corpus.lengths[order]
        at = np.full(len(corpus), self.start, dtype=np.int64)
        for t in range(int(lengths.max(initial=0))):
            place = corpus.offsets[order[: int(np.searchsorted(-lengths, -t))]] + t
            at = self.hear(at[: len(place)], mark[place])
            out[place] = at
            at = self.step(at, corpus.symbols[place])
        return out

    def _follow(self, table: Entries, contexts: IntArray, elements: IntArray, otherwise: IntArray) -> IntArray:
        """The targets of (context, element), by back-off; `otherwise` where no context took the element up."""
        out = otherwise.copy()
        rows, at = self.xp.arange(len(out)), contexts
        for _ in self.shortenings():
            if not len(rows):
                break
            found = table.find(at, elements[rows])
            target = taken(table.target, self.xp.maximum(found, 0)) if len(table.target) else found
            hit = (found >= 0) & (target >= self.n_roots)
            out[rows[hit]] = target[hit]
            at = self.shortened(at)
            left = ~hit & (at >= 0)
            rows, at = rows[left], at[left]
        return out


def _on(entries: Entries, xp: Any) -> Entries:
    return replace(entries, key=xp.asarray(entries.key), target=xp.asarray(entries.target), xp=xp)
