"""The contexts of a corpus: which pasts were seen, what followed them, and where each step leads.

**Stream.** A piece is read as one stream of *elements*: START, then its symbols, and before the first
symbol of each event the clock's *mark*, where the clock has one to show:

    START  MARK rest duration phrase pitch  MARK rest duration phrase pitch  ...  MARK END

Marks are read and never predicted. A mark that training never showed is left out of the stream.

**Contexts.** A context is what stands before a place in the stream, at most `order` complete events
long, plus the present mark and the symbols of the present event: `order` counts events. START takes
the place of the events that are missing at the beginning, once, so a piece's first symbols have
contexts of their own. Back-off drops the element last taken up.

**Leading element.** A context takes up elements from the latest to the oldest, with one exception: within
an event it begins with the last element before that event, the *leading* one (the pitch before, in a
melody), then goes on with the present event. So a pitch is never predicted without the pitch before it,
however rare the present rhythm. When the event is complete its own last element leads, and the former
leader falls back into its place. What stands before a place still determines all its contexts.

**Steps.** A step knows the context before it, not the whole past: it finds the longest context that begins with a part
of it. Without a leading element, or where nothing stands between an element and its leader, that is the longest one
seen. Elsewhere a leader that never met a symbol can hide a longer context that others led to; a look back at the
whole past (`trace`) would find it. Models go by steps alone, so that what they score is what they sample.

With `order` 0 nothing leads. The shortest contexts, the *roots*, hold no element and know only which field is due: ids
0 .. n_fields - 1, and n_fields for a piece that has ended. So a context tells which field is due.

**Tables.** Contexts are numbered by length, then by (parent, oldest element), where the *parent* is the
context without its oldest element. An *entry* is a pair (context, element that followed it) with its
count and its *target*, the longest context that both make; entries are sorted by that pair. Any lookup
is a binary search in one sorted array of packed integers, for a whole batch at once.

    n_contexts, n_entries   at most the length of the stream times the longest context
    time                    one sort a length of context, over the places that have one so long
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochastic_music.corpus import TokenCorpus
from stochastic_music.errors import ModelFileError, UsageError
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.tokens import ClockState, Vocabulary


class Heard(NamedTuple):
    """What the clock shows before each symbol of a corpus: the field due and the mark (-1: none), (n,) each."""

    due: IntArray
    mark: IntArray


class Stream(NamedTuple):
    """The elements of a corpus in reading order, each (n_elements,); `place` (n,) is where each symbol stands.

    `present` is how many elements stand between an element and the one that leads there; `depth` the length
    of the longest context before it, -1 where it is START. `leads`: whether there are leading elements at all.
    """

    element: IntArray
    due: IntArray
    present: IntArray
    depth: IntArray
    place: IntArray
    leads: bool

    def taken_up(self, at: IntArray, length: int) -> IntArray:
        """The element that contexts before each of `at` take up as their `length`-th: all (n,)."""
        present = self.present[at]
        back = present + 1 if length == 1 else np.where(length <= present + 1, length - 1, length)
        taken: IntArray = self.element[at - back]
        return taken


@dataclass(frozen=True, eq=False)
class Entries:
    """Pairs (context, element) in ascending order; each array is (n_entries,).

    `suffix` is the entry of the context's parent with the same element, -1 at a root; `target` the
    longest context that the pair makes.
    """

    key: IntArray
    context: IntArray
    element: IntArray
    count: IntArray
    suffix: IntArray
    target: IntArray


@dataclass(frozen=True, eq=False)
class Contexts:
    """All contexts of a corpus; see the module's article.

    `parent` and `oldest` are (n_contexts,), -1 at roots; contexts of length L are those from `bounds[L]`
    to `bounds[L + 1]`; `marks` are those seen, ascending; `leads` tells whether a leading element comes first;
    `heard` are the entries of marks, `entries` those of symbols.
    """

    n_fields: int
    n_symbols: int
    marks: IntArray
    parent: IntArray
    oldest: IntArray
    bounds: IntArray
    leads: bool
    heard: Entries
    entries: Entries

    @property
    def n_contexts(self) -> int:
        """How many contexts there are, roots included."""
        return len(self.parent)

    @cached_property
    def due(self) -> IntArray:
        """The field due after each context: (n_contexts,)."""
        due = np.arange(self.n_contexts, dtype=np.int64)
        for first, last in zip(self.bounds[1:-1], self.bounds[2:], strict=True):
            due[first:last] = due[self.parent[first:last]]
        return due

    @cached_property
    def lead(self) -> IntArray:
        """The leading element of each context, -1 where none leads: (n_contexts,)."""
        if not self.leads:
            return np.full(self.n_contexts, -1, dtype=np.int64)
        lead = self.oldest.copy()
        for first, last in pairwise(self.bounds[2:]):
            lead[first:last] = lead[self.parent[first:last]]
        return lead

    @cached_property
    def kept(self) -> IntArray:
        """What is left of each context after a symbol of its event that it cannot take up: (n_contexts,)."""
        return self.lengthened(np.minimum(self.due + 1, self.n_fields), self.lead)

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

    @cached_property
    def rows(self) -> IntArray:
        """The entries of context c are those from rows[c] to rows[c + 1]: (n_contexts + 1,)."""
        return np.searchsorted(self.entries.context, np.arange(self.n_contexts + 1))

    @cached_property
    def _base(self) -> int:
        return base_of(self.n_symbols, self.marks)

    @cached_property
    def _family(self) -> IntArray:
        first = self.bounds[1]
        return self.parent[first:] * self._base + self.oldest[first:]

    def of_length(self, length: int) -> slice:
        """The contexts of one length; none beyond the longest."""
        first, last = self.bounds[np.minimum([length, length + 1], len(self.bounds) - 1)]
        return slice(int(first), int(last))

    def extend(self, contexts: IntArray, elements: IntArray) -> IntArray:
        """The contexts with one older element in front, -1 where that was never seen: all (n,)."""
        found = search(self._family, contexts * self._base + elements)
        return np.where(found < 0, -1, found + self.bounds[1])

    def lengthened(self, contexts: IntArray, elements: IntArray) -> IntArray:
        """The contexts with one more element where that was seen, as they are elsewhere (and for -1): all (n,)."""
        longer = self.extend(contexts, np.maximum(elements, 0))
        return np.where((elements >= 0) & (longer >= 0), longer, contexts)

    def find(self, contexts: IntArray, symbols: IntArray) -> IntArray:
        """The entries of (context, symbol), -1 where that was never seen: all (n,)."""
        return search(self.entries.key, contexts * self._base + symbols)

    def after(self, contexts: IntArray, symbols: IntArray) -> IntArray:
        """The roots after one more symbol each: all (n,)."""
        due = self.due[contexts]
        ended = (due == self.n_fields) | (symbols == self.n_symbols - 1)
        return np.where(ended, self.n_fields, (due + 1) % self.n_fields)

    def step(self, contexts: IntArray, symbols: IntArray) -> IntArray:
        """The longest seen contexts after one more symbol each: all (n,)."""
        roots = self.after(contexts, symbols)
        return self._follow(
            self.entries, contexts, symbols, np.where(roots % self.n_fields, self.kept[contexts], roots)
        )

    def hear(self, contexts: IntArray, marks: IntArray) -> IntArray:
        """The contexts after the clock's marks; -1, and marks never seen, leave them as they are: all (n,)."""
        elements = mark_elements(marks, self.marks, self.n_symbols)
        known = elements >= 0
        out = contexts.copy()
        leader = self.lengthened(np.zeros_like(contexts), self.lead[contexts])
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

    def plus(self, other: Contexts, *, sign: int = 1) -> Contexts:
        """The contexts of two corpora together, or with `sign` -1 of the one without the other.

        That is exact where contexts have a bound: each is there because something followed it, so that those
        nothing follows any more are gone. Raises UsageError where more would be taken away than there is.
        """
        aligned = Aligned.of(self, other)
        key, count = aligned.entries(sign)
        if (count < 0).any():
            raise UsageError("this model has not counted all of these pieces: what it never saw cannot be forgotten")
        return aligned.assembled(key[count > 0], count[count > 0])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What `from_arrays` needs, in the smallest integers that hold it."""
        tables = [self.entries, self.heard]
        arrays = {
            "marks": self.marks,
            "parent": self.parent,
            "oldest": self.oldest,
            "bounds": self.bounds,
            "leads": np.array([int(self.leads)]),
            "context": np.concatenate([t.context for t in tables]),
            "element": np.concatenate([t.element for t in tables]),
            "count": np.concatenate([t.count for t in tables]),
        }
        return {name: _narrow(array) for name, array in arrays.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], vocabulary: Vocabulary) -> Contexts:
        """The inverse of `to_arrays`. Raises ModelFileError where an array is missing."""
        missing = {"marks", "parent", "oldest", "bounds", "leads", "context", "element", "count"} - set(arrays)
        if missing:
            names = ", ".join(sorted(missing))
            raise ModelFileError(f"these arrays hold no contexts, for want of {names}: fit the model again")
        wide = {name: np.asarray(array).astype(np.int64) for name, array in arrays.items()}
        size = base_of(vocabulary.n_symbols, wide["marks"])
        family = wide["parent"] * size + wide["oldest"]
        key = wide["context"] * size + wide["element"]
        bounds, leads = wide["bounds"], bool(wide["leads"][0])
        return assemble(vocabulary, wide["marks"], leads, family[bounds[1] :], bounds, key, wide["count"])

    def _follow(self, table: Entries, contexts: IntArray, elements: IntArray, otherwise: IntArray) -> IntArray:
        """The targets of (context, element), by back-off; `otherwise` where no context took the element up."""
        out = otherwise.copy()
        rows, at = np.arange(len(out)), contexts
        while len(rows):
            found = search(table.key, at * self._base + elements[rows])
            hit = (found >= 0) & (table.target[found] >= self.bounds[1])
            out[rows[hit]] = table.target[found[hit]]
            at = self.parent[at]
            left = ~hit & (at >= 0)
            rows, at = rows[left], at[left]
        return out


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
        return cls(tables, marks, numbers, np.array(bounds), _joined(families))

    def entries(self, sign: int) -> tuple[IntArray, IntArray]:
        """The entries of both, packed and ascending, and the sums of their counts, the second's times `sign`."""
        keys, counts = [], []
        for table, number, times in zip(self.tables, self.numbers, (1, sign), strict=True):
            base = base_of(table.n_symbols, self.marks)
            for part in (table.entries, table.heard):
                element = renamed(part.element, table.marks, self.marks, table.n_symbols)
                keys.append(number[part.context] * base + element)
                counts.append(times * part.count)
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


def renamed(elements: IntArray, marks: IntArray, known: IntArray, n_symbols: int) -> IntArray:
    """Elements under `marks` as they are called under the marks `known`, which have all of those in use."""
    out, is_mark = elements.copy(), elements > n_symbols
    out[is_mark] = np.searchsorted(known, marks[elements[is_mark] - n_symbols - 1]) + n_symbols + 1
    return out


def base_of(n_symbols: int, marks: IntArray) -> int:
    """How many elements there are: symbols, START, marks. A pair is packed as context * base + element."""
    return n_symbols + 1 + len(marks)


def search(keys: IntArray, wanted: IntArray) -> IntArray:
    """Where each of `wanted` stands in the ascending `keys`, -1 where it does not.

    >>> search(np.array([2, 3, 5]), np.array([5, 4, 2])).tolist()
    [2, -1, 0]
    """
    if not len(keys):
        return np.full(wanted.shape, -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1)


def mark_elements(marks: IntArray, known: IntArray, n_symbols: int) -> IntArray:
    """Marks as elements; -1 for no mark, and for marks that are not among the ascending `known`."""
    found = search(known, marks)
    return np.where(found < 0, -1, found + n_symbols + 1)


def listen(corpus: TokenCorpus) -> Heard:
    """What the clock shows before each symbol of `corpus`."""
    clock = corpus.vocabulary.clock
    mark = np.full(len(corpus.symbols), -1, dtype=np.int64)
    if not clock.ticks:
        return Heard(_fields_due(corpus), mark)
    due = np.empty(len(corpus.symbols), dtype=np.int64)
    order = np.argsort(-corpus.lengths, kind="stable")
    lengths = corpus.lengths[order]
    state = clock.start([corpus.headers[i] for i in order])
    for t in range(int(lengths.max(initial=0))):
        state = _head(state, int(np.searchsorted(-lengths, -t)))
        at = corpus.offsets[order[: len(state.due)]] + t
        due[at] = state.due
        if (state.due == 0).any():
            mark[at] = clock.marks(state)
        state = clock.advance(state, corpus.symbols[at])
    return Heard(due, mark)


def _fields_due(corpus: TokenCorpus) -> IntArray:
    """The field due before each symbol, by counting; n_fields after END: (n,)."""
    first = np.repeat(corpus.offsets[:-1], corpus.lengths)
    ends = np.concatenate([[0], np.cumsum(corpus.symbols == corpus.vocabulary.end)])
    ended = ends[:-1] > ends[first]
    n_fields = corpus.vocabulary.n_fields
    return np.where(ended, n_fields, (np.arange(len(first)) - first) % n_fields)


def _head(state: ClockState, n: int) -> ClockState:
    """The first n clocks."""
    spans = type(state.spans)(*(column[:n] for column in state.spans))
    return ClockState(state.due[:n], state.time[:n], state.lag[:n], spans)


def read(corpus: TokenCorpus, heard: Heard, marks: IntArray, order: int | None) -> Stream:
    """The stream of `corpus` where only `marks` are known; contexts hold `order` complete events (None: all)."""
    mark = mark_elements(heard.mark, marks, corpus.n_symbols)
    shown = mark >= 0
    first = np.zeros(len(shown), dtype=bool)
    first[corpus.offsets[:-1][corpus.lengths > 0]] = True
    place = np.arange(len(shown)) + np.cumsum(shown) + np.cumsum(first)
    begins = place - shown  # where an event begins, if it begins with this symbol
    n_elements = len(shown) + int(shown.sum()) + int(first.sum())

    element = np.full(n_elements, corpus.n_symbols, dtype=np.int64)
    element[place], element[begins[shown]] = corpus.symbols, mark[shown]
    due = np.zeros(n_elements, dtype=np.int64)
    due[place] = heard.due
    age = _since(begins[first] - 1, n_elements)
    present = _since(np.concatenate([begins[first] - 1, begins[heard.due == 0]]), n_elements)
    event = corpus.vocabulary.n_fields + int(corpus.vocabulary.clock.ticks)
    depth = np.where(age == 0, -1, age if order is None else np.minimum(age, order * event + present))
    leads = order != 0
    return Stream(element, due, present if leads else np.zeros_like(present), depth, place, leads)


def _since(places: IntArray, n: int) -> IntArray:
    """For 0 .. n - 1, the distance from the latest of `places`.

    >>> _since(np.array([0, 3]), 5).tolist()
    [0, 1, 2, 0, 1]
    """
    latest = np.zeros(n, dtype=np.int64)
    latest[places] = places
    return np.arange(n) - np.maximum.accumulate(latest)


def enough(stream: Stream, n_symbols: int) -> Stream:
    """`stream` no deeper than prediction by the shortest deterministic context needs.

    A context with one continuation predicts as well as any longer one; one element more tells in how many
    contexts it was seen. Contexts that lead to such a context are kept too, so that stepping through a piece
    finds it.
    """
    at = np.flatnonzero((stream.depth >= 0) & (stream.element < n_symbols))
    base = int(stream.element.max(initial=0)) + 1
    need = np.zeros(len(stream.element), dtype=np.int64)
    context, length = stream.due[at], 0
    while len(at):
        pairs = np.unique(context * base + stream.element[at])
        open_ended = np.bincount(pairs // base)[context] > 1
        need[at] = np.where(open_ended, length, length + 1)
        length += 1
        deeper = open_ended & (stream.depth[at] >= length)
        at = at[deeper]
        _, context = np.unique(context[deeper] * base + stream.taken_up(at, length), return_inverse=True)
    places = np.arange(len(need))
    need = np.minimum(need, stream.depth)
    reach = np.maximum.accumulate((need - places)[::-1])[::-1]
    return stream._replace(depth=np.where(stream.depth < 0, -1, reach + places))


def grow(stream: Stream, vocabulary: Vocabulary, marks: IntArray) -> Contexts:
    """All contexts of a stream: each round lengthens the contexts of the last by one element."""
    base = base_of(vocabulary.n_symbols, marks)
    at = np.flatnonzero(stream.depth >= 0)
    context = stream.due[at]
    families, keys, counts = [], [], []
    bounds = [0, vocabulary.n_fields + 1]
    while len(at):
        key, count = np.unique(context * base + stream.element[at], return_counts=True)
        keys.append(key)
        counts.append(count)
        length = len(bounds) - 1
        deeper = stream.depth[at] >= length
        at = at[deeper]
        family, index = np.unique(context[deeper] * base + stream.taken_up(at, length), return_inverse=True)
        families.append(family)
        context = index + bounds[-1]
        bounds.append(bounds[-1] + len(family))
    lengths = np.array(bounds)
    return assemble(vocabulary, marks, stream.leads, _joined(families), lengths, _joined(keys), _joined(counts))


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
    base = base_of(vocabulary.n_symbols, marks)
    roots = np.full(bounds[1], -1, dtype=np.int64)
    parent, oldest = np.concatenate([roots, family // base]), np.concatenate([roots, family % base])
    nothing = _unlinked(key[:0], count[:0], base)
    bare = Contexts(vocabulary.n_fields, vocabulary.n_symbols, marks, parent, oldest, bounds, leads, nothing, nothing)
    is_mark = key % base >= vocabulary.n_symbols
    heard, entries = (_linked(bare, _unlinked(key[chosen], count[chosen], base)) for chosen in (is_mark, ~is_mark))
    return replace(bare, heard=heard, entries=entries)


def _unlinked(key: IntArray, count: IntArray, base: int) -> Entries:
    nowhere = np.full(len(key), -1, dtype=np.int64)
    return Entries(key, key // base, key % base, count, nowhere, nowhere)


def _linked(contexts: Contexts, table: Entries) -> Entries:
    """The entries with their suffixes and targets, from the shortest contexts to the longest.

    Context c and element w make what (parent of c, w) makes and the element that c took up last, where that
    was seen and the parent's is as long as can be; else they make what that shorter pair makes.
    """
    base = base_of(contexts.n_symbols, contexts.marks)
    suffix = search(table.key, contexts.parent[table.context] * base + table.element)
    target = np.zeros(len(table.key), dtype=np.int64)
    levels = np.searchsorted(table.context, contexts.bounds)
    for length, (first, last) in enumerate(pairwise(levels)):
        context, element = table.context[first:last], table.element[first:last]
        is_mark = element >= contexts.n_symbols
        root = np.where(is_mark, 0, contexts.after(context, element))
        within = contexts.leads & (is_mark | (root % contexts.n_fields > 0))
        shorter = target[suffix[first:last]] if length else root
        target[first:last] = np.where(
            within,
            _target_within(contexts, length, context, element, root, shorter),
            _target_beyond(contexts, length, context, element, shorter),
        )
    return replace(table, suffix=suffix, target=target)


def _target_within(  # noqa: PLR0917, the columns of one table
    contexts: Contexts, length: int, context: IntArray, element: IntArray, root: IntArray, shorter: IntArray
) -> IntArray:
    """Targets of elements within an event: they are taken up behind the leading one, by contexts that have it."""
    if length == 0:
        return root
    if length == 1:
        leader = contexts.lengthened(root, contexts.lead[context])
        return _where_whole(contexts, 1, leader, element)
    return _where_whole(contexts, length, shorter, contexts.oldest[context])


def _target_beyond(
    contexts: Contexts, length: int, context: IntArray, element: IntArray, shorter: IntArray
) -> IntArray:
    """Targets of the last element of an event, which leads; the former leader follows once the event is complete."""
    if length == 0:
        return contexts.lengthened(shorter, element)
    # how many elements a context has of an event that lacks its last one
    present = contexts.n_fields - 1 + int(len(contexts.marks) > 0) if contexts.leads else 0
    if length == 1:
        made = shorter
    else:
        made = _where_whole(contexts, length - (length <= present + 1), shorter, contexts.oldest[context])
    if length == present + 1:
        made = _where_whole(
            contexts, length, made, contexts.lead[context] if contexts.leads else contexts.oldest[context]
        )
    return made


def _where_whole(contexts: Contexts, length: int, at: IntArray, element: IntArray) -> IntArray:
    """Contexts of that length with one more element, where that was seen; shorter ones stay as they are."""
    return np.where(at >= contexts.bounds[length], contexts.lengthened(at, element), at)


def _joined(arrays: list[IntArray]) -> IntArray:
    return np.concatenate([np.zeros(0, dtype=np.int64), *arrays])


def _narrow(array: IntArray) -> NDArray[Any]:
    small = np.iinfo(np.int32).max >= array.max(initial=0)
    return array.astype(np.int32 if small else np.int64)
