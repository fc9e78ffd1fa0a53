"""The product of a model and an automaton, as far as it can be reached.

A *node* is a state of the automaton together with the set of contexts that are alive there; node 0 is the
end of every accepted piece. Nodes are explored forward from the start: in the order of the automaton's
`progress`, so that each is seen once, complete; or, where runs may be endless, in rounds, each of which
follows the contexts that the last one found. What leaves a node is a `Branch`, shared by all nodes with
equal contexts, equal choices and equal marks.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stochastic_music.constraints import TimedAutomaton
from stochastic_music.protocols import DEAD, FloatArray, IntArray
from stochastic_music.sampling.drawing import NO_START, impossible
from stochastic_music.sampling.exact.context_sets import ArcTable, ContextSets, Fan, SmallInts, check_size
from stochastic_music.sampling.exact.saturation import saturated
from stochastic_music.tokens import Vocabulary

END = 0
#: in place of a mark: no event begins here, so the model hears nothing
_DEAF = -2
#: in place of a mark: the piece has ended, and all contexts are one
_ENDED = -3
#: contexts at a node from which on it pays to know how many there will be
_MANY = 256
#: to find that out may take so small a part of all arcs
_SHARE = 16


@dataclass(eq=False)
class Branch:
    """The living arcs of a set of contexts: row i owns entries `first[i] : first[i + 1]`.

    Each entry has its place in the `ArcTable`, its *slot* (which of the node's targets it leads to) and the
    context there.
    """

    first: SmallInts
    arcs: SmallInts
    slot: NDArray[np.int16]
    context: IntArray
    n_slots: int
    sets: ContextSets = field(repr=False)

    @cached_property
    def successors(self) -> list[int]:
        """The number of the set of contexts that each slot leads to."""
        if self.n_slots == 1:
            return [self.sets.add(self.context)]
        return [self.sets.add(self.context[self.slot == i]) for i in range(self.n_slots)]


@dataclass(eq=False)
class Node:
    """A state of the automaton, the contexts alive there, and what leaves them."""

    state: int
    hears: int
    phase: int
    contexts: int | None = None
    arriving: set[int] = field(default_factory=set)
    branch: Branch | None = None
    targets: list[int] = field(default_factory=list)


class Product:
    """Everything that can be reached of model and automaton together after `start`; see the module's article.

    The contexts after the start are `first_contexts` (k,), sorted, with the log probabilities `first_weights` of the
    ways there; most models have one. With `lasting`, the automaton of what is asked for at all times, sets of contexts
    that grow are taken as large as they will be at last (see `saturation`). Without `rounded` all sets are exact.

    Raises ProductTooLargeError where that takes more than `limit` arcs: some 100 bytes each.
    """

    def __init__(
        self,
        table: ArcTable,
        vocabulary: Vocabulary,
        automaton: TimedAutomaton,
        limit: int,
        *,
        start: IntArray = NO_START,
        lasting: TimedAutomaton | None = None,
        rounded: bool = True,
    ) -> None:
        self.table, self.vocabulary, self.automaton, self._lasting = table, vocabulary, automaton, lasting
        self.sets = ContextSets(table.n_contexts)
        self.nodes = [Node(DEAD, _DEAF, DEAD, self.sets.add(np.zeros(1, dtype=np.int64)))]
        self.acyclic = automaton.progress(np.array([automaton.start()])) is not None
        self.start_symbols, self._rounds = start, rounded
        self._limit, self._n_arcs = limit, 0
        self._node_of: dict[int, int] = {}
        self._widest: dict[int, int] = {}
        self._fans: dict[int, Fan] = {}
        self._branches: dict[tuple[int, bytes, tuple[int, ...]], Branch] = {}
        self._explore(start)

    @cached_property
    def reaches_end(self) -> bool:
        """Whether any piece at all is accepted; where sets are rounded, whether some context of theirs leads there."""
        return any(END in node.targets for node in self.nodes)

    def _begun(self, symbols: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
        """The automaton's state (1,), and the contexts after `symbols` with the log weights of the ways there: (k,)."""
        state, contexts, weights = np.array([self.automaton.start()]), np.array([self.table.start()]), np.zeros(1)
        for place, symbol in enumerate(symbols.tolist()):
            heard = self._heard(contexts, self._mark(state))
            arcs = self.table.unshaped(heard)
            self.sets.make_room(self.table.n_contexts)
            taken = np.flatnonzero(arcs.symbol == symbol)
            if not len(taken):
                raise impossible(self.vocabulary, symbol, place)
            weights = weights[arcs.row[taken]] + arcs.log_prob[taken]
            contexts, weights = _summed(arcs.next_context[taken], weights)
            state = self.automaton.advance(state, np.array([symbol]))
        return state, contexts, weights

    def _mark(self, state: IntArray) -> int:
        return int(self.automaton.marks(state)[0]) if self.automaton.due(state)[0] == 0 else _DEAF

    def _explore(self, symbols: IntArray) -> None:
        state, contexts, weights = self._begun(symbols)
        self.start = int(self._numbers(state)[0])
        self.first_contexts, self.first_weights = _summed(self._heard(contexts, self._mark(state)), weights)
        self.nodes[self.start].arriving.add(self.sets.add(self.first_contexts))
        queue = _ByProgress(self) if self.acyclic else _InRounds(self)
        queue.push([self.start])
        while batch := queue.pop():
            fresh = [(i, new) for i in batch if (new := self._settle(self.nodes[i])) is not None]
            self._expand(fresh)
            reached = dict.fromkeys(target for i, _ in fresh for target in self._pass_on(self.nodes[i]))
            queue.push([i for i in reached if i != END])
        if not self.acyclic:
            self._expand([(i, node.contexts) for i, node in enumerate(self.nodes) if i and node.contexts is not None])

    def _settle(self, node: Node) -> int | None:
        """Take in what has arrived; the number of the set of contexts that are new here, None if none are."""
        arrived = self.sets.union(node.arriving)
        node.arriving = set()
        if node.contexts is None:
            node.contexts = new = self._rounded(node, arrived)
        else:
            rest = self.sets.without(arrived, node.contexts)
            if rest is None:
                return None
            node.contexts, new = self.sets.union([rest, node.contexts]), rest
        return new

    def _rounded(self, node: Node, contexts: int) -> int:
        """A set that was met before at the same phase of the clock and holds `contexts` without being twice as large.

        The messages of contexts that cannot be reached do no harm, and work is shared.
        """
        if not self._rounds:
            return contexts
        known = self._widest.get(node.phase, contexts)
        if self._lasting is not None and len(self.sets[contexts]) > max(len(self.sets[known]), _MANY):
            known = self._saturate(self._lasting).get(node.phase, known)
        if len(self.sets[known]) > len(self.sets[contexts]):
            roomy = len(self.sets[known]) > 2 * len(self.sets[contexts])
            return contexts if roomy or not self.sets.within(contexts, known) else known
        self._widest[node.phase] = contexts
        return contexts

    def _saturate(self, lasting: TimedAutomaton) -> dict[int, int]:
        """From now on the widest sets are those of `lasting`, as far as they can be known."""
        self._lasting = None
        found = saturated(self.table, lasting, self.vocabulary.end, self._limit // _SHARE)
        self.sets.make_room(self.table.n_contexts)
        self._widest |= {phase: self.sets.add(contexts) for phase, contexts in found.items()}
        return self._widest

    def _pass_on(self, node: Node) -> list[int]:
        """Let contexts arrive at the node's targets."""
        assert node.branch is not None  # noqa: S101 - it was expanded
        for target, successor in zip(node.targets, node.branch.successors, strict=True):
            self.nodes[target].arriving.add(successor)
        return node.targets

    def _expand(self, batch: Sequence[tuple[int, int]]) -> None:
        """Find the branch and the targets of each (node, set of contexts)."""
        if not batch:
            return
        self.table.fetch(self.sets[self.sets.union(contexts for _, contexts in batch)], self._limit)
        self.sets.make_room(self.table.n_contexts)
        fans = [self._fan(contexts) for _, contexts in batch]
        states = np.array([self.nodes[i].state for i, _ in batch], dtype=np.int64)
        owner = np.repeat(np.arange(len(batch)), [len(fan.symbols) for fan in fans])
        targets = self._targets(states[owner], np.concatenate([fan.symbols for fan in fans]))
        for (i, contexts), (slots, living) in zip(batch, _slots(owner, targets, len(batch)), strict=True):
            self.nodes[i].targets = living
            self.nodes[i].branch = self._branch(contexts, slots, living)

    def _targets(self, states: IntArray, symbols: IntArray) -> IntArray:
        """The node that each symbol leads to, DEAD where it leads nowhere."""
        following = self.automaton.advance(states, symbols)
        targets = np.where(following == DEAD, DEAD, END)
        goes_on = np.flatnonzero((following != DEAD) & (symbols != self.vocabulary.end))
        distinct, inverse = np.unique(following[goes_on], return_inverse=True)
        targets[goes_on] = self._numbers(distinct)[inverse]
        return targets

    def _numbers(self, states: IntArray) -> IntArray:
        """The nodes of distinct automaton states, made where they are new."""
        new = np.array([s for s in states.tolist() if s not in self._node_of], dtype=np.int64)
        begins = self.automaton.due(new) == 0
        marks = np.where(begins, self.automaton.marks(new), _DEAF)
        phases = self.automaton.phase(new)
        for state, mark, phase in zip(new.tolist(), marks.tolist(), phases.tolist(), strict=True):
            self._node_of[state] = len(self.nodes)
            self.nodes.append(Node(state, mark, phase))
        return np.array([self._node_of[s] for s in states.tolist()], dtype=np.int64)

    def _fan(self, contexts: int) -> Fan:
        if contexts not in self._fans:
            self._fans[contexts] = self.table.fan(self.sets[contexts])
        return self._fans[contexts]

    def _branch(self, contexts: int, slots: NDArray[np.int16], targets: list[int]) -> Branch:
        """The branch of a set whose symbols lead to these slots; END and equal marks are heard alike."""
        hears = tuple(_ENDED if i == END else self.nodes[i].hears for i in targets)
        key = (contexts, slots.tobytes(), hears)
        if key not in self._branches:
            self._branches[key] = self._make_branch(self._fan(contexts), slots, hears)
        return self._branches[key]

    def _make_branch(self, fan: Fan, slots: NDArray[np.int16], hears: tuple[int, ...]) -> Branch:
        self._n_arcs += len(fan.arcs)
        check_size(self._n_arcs, self._limit)
        slot, arcs, first = slots[fan.code], fan.arcs, fan.first
        if (slots < 0).any():
            kept = np.flatnonzero(slot >= 0)
            first = np.searchsorted(kept, first).astype(np.int32)
            slot, arcs = slot[kept], arcs[kept]
        context = self.table.next_context[arcs]
        for i, mark in enumerate(hears):
            if mark != _DEAF:
                at = slice(None) if len(hears) == 1 else slot == i
                context[at] = 0 if mark == _ENDED else self._heard(context[at], mark)
        return Branch(first, arcs, slot, context, len(hears), self.sets)

    def _heard(self, contexts: IntArray, mark: int) -> IntArray:
        """The contexts after the clock's mark; the model hears each distinct one once."""
        if mark == _DEAF:
            return contexts
        distinct = self.sets.distinct(contexts)
        heard = self.table.hear(distinct, np.full(len(distinct), mark, dtype=np.int64))
        self.sets.make_room(self.table.n_contexts)
        return heard[np.searchsorted(distinct, contexts)]


def _summed(contexts: IntArray, log_weights: FloatArray) -> tuple[IntArray, FloatArray]:
    """Distinct contexts, ascending, with the log of their summed weights."""
    distinct, place = np.unique(contexts, return_inverse=True)
    top = log_weights.max()
    return distinct, np.log(np.bincount(place, weights=np.exp(log_weights - top))) + top


def _slots(owner: IntArray, targets: IntArray, n: int) -> Iterator[tuple[NDArray[np.int16], list[int]]]:
    """For each of `n` owners: which of its living targets each of its symbols leads to (-1: none), and these."""
    pairs, inverse = np.unique((owner << 32) | (targets + 1), return_inverse=True)
    target = (pairs & 0xFFFFFFFF) - 1
    first = np.searchsorted(pairs, np.arange(n + 1) << 32)
    living = first[:-1] + np.isin(np.arange(n) << 32, pairs)
    slots = np.maximum(inverse - living[owner], -1).astype(np.int16)
    last = np.searchsorted(owner, np.arange(n + 1))
    for i in range(n):
        yield slots[last[i] : last[i + 1]], target[living[i] : first[i + 1]].tolist()


class _InRounds:
    """The earliest nodes that something has arrived at."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._waiting: set[int] = set()
        self._moment: dict[int, int] = {}

    def push(self, nodes: list[int]) -> None:
        new = [i for i in nodes if i not in self._moment]
        states = np.array([self._product.nodes[i].state for i in new], dtype=np.int64)
        self._moment.update(zip(new, self._product.automaton.moment(states).tolist(), strict=True))
        self._waiting.update(nodes)

    def pop(self) -> list[int]:
        now = min((self._moment[i] for i in self._waiting), default=0)
        batch = sorted(i for i in self._waiting if self._moment[i] == now)
        self._waiting.difference_update(batch)
        return batch


class _ByProgress:
    """The nodes of least progress: nothing can arrive at them any more."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._levels: dict[int, list[int]] = {}
        self._heap: list[int] = []
        self._seen: set[int] = set()

    def push(self, nodes: list[int]) -> None:
        new = [i for i in nodes if i not in self._seen]
        self._seen.update(new)
        states = np.array([self._product.nodes[i].state for i in new], dtype=np.int64)
        progress = self._product.automaton.progress(states)
        assert progress is not None  # noqa: S101 - asked before
        for i, level in zip(new, progress.tolist(), strict=True):
            if level not in self._levels:
                self._levels[level] = []
                heapq.heappush(self._heap, level)
            self._levels[level].append(i)

    def pop(self) -> list[int]:
        return self._levels.pop(heapq.heappop(self._heap)) if self._heap else []
