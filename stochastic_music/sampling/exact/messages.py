"""Backward messages: how likely each context at each node is to end in an accepted piece.

The message of a context is the log of the probability that the model, going on from there, is accepted: a
weighted sum of the messages its arcs lead to. Where every symbol makes progress, one sweep from the end
gives all messages. Where runs may be endless the messages solve a linear system, one for each strongly
connected component of nodes: by fixed-point steps, with BiCGSTAB's help where a few of them do not do, until
a step changes no entry by more than 1e-12 of itself. UsageError is raised where 20,000 do not get there.

Sums are scaled by the greatest message among their terms; where factors differ by more than 1e150, they
are taken in the log domain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import LinearOperator, bicgstab

from stochastic_music.errors import UsageError
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.sampling.exact.context_sets import SmallInts
from stochastic_music.sampling.exact.product import END, Branch, Node, Product

_TINY = -345.0  # exp of it squared is still a number
_TOLERANCE = 1e-12
_STEPS = 20_000
_FEW = 24  # events: chords settle in as many, whole pieces do not


@dataclass(eq=False)
class Plan:
    """How the messages of some nodes, laid end to end, depend on those of their targets, laid end to end.

    Row i owns entries `first[i] : first[i + 1]`: an arc of the `ArcTable`, and the column it leads to, which
    belongs to target number `slot`, whose columns begin at `base[slot]`. What repeats from bar to bar shares
    a plan.
    """

    matrix: csr_array
    arcs: SmallInts
    slot: SmallInts
    base: IntArray
    log_weight: FloatArray
    tame: bool

    @property
    def first(self) -> SmallInts:
        """Where each row begins."""
        first: SmallInts = self.matrix.indptr
        return first

    @property
    def column(self) -> SmallInts:
        """The column of each entry."""
        column: SmallInts = self.matrix.indices
        return column

    def message(self, following: FloatArray) -> FloatArray:
        """Log messages of the rows from log messages of the columns."""
        top = float(following.max(initial=-np.inf))
        if top == -np.inf:
            return np.full(len(self.first) - 1, -np.inf)
        scaled = following - top
        if self.tame and scaled.min(where=scaled > -np.inf, initial=0.0) > _TINY:
            total: FloatArray = self.matrix @ np.exp(scaled)
            return _log(total) + top
        return _careful(self.first, self.log_weight[self.arcs] + following[self.column])


class Stage(NamedTuple):
    """Nodes whose messages are found together: at once, or, where they reach each other, as a linear system."""

    nodes: list[int]
    targets: list[int]
    cyclic: bool


class Messages:
    """The messages of a whole product: node i owns `values[offset[i] : offset[i] + size[i]]`; stages lie end to end."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.stages = _stages(product)
        order = [END, *(i for stage in self.stages for i in stage.nodes)]
        self.size = np.array([len(product.sets[_contexts(product, i)]) for i in range(len(product.nodes))])
        self.offset = np.zeros_like(self.size)
        self.offset[order] = np.cumsum(self.size[order]) - self.size[order]
        self.values = np.full(self.size.sum(), -np.inf)
        self.values[self.offset[END]] = 0.0
        self._plans: dict[tuple[Hashable, ...], Plan] = {}
        self.plans = [self._plan(stage) for stage in self.stages]
        for stage, plan in zip(self.stages, self.plans, strict=True):
            solve = self._solve_cycle if stage.cyclic else self._solve
            first = self.offset[stage.nodes[0]]
            self.values[first : first + len(plan.first) - 1] = solve(stage, plan)

    @property
    def starts(self) -> IntArray:
        """The places in `values` of the first contexts at the first node."""
        first = self.product.start
        places = self.product.sets.places(_contexts(self.product, first), self.product.first_contexts)
        starts: IntArray = self.offset[first] + places
        return starts

    @property
    def start_weights(self) -> FloatArray:
        """How likely each of the `starts` is given the start, and to end well: logarithms (k,)."""
        weights = self.product.first_weights
        shares: FloatArray = weights - np.logaddexp.reduce(weights) + self.values[self.starts]
        return shares

    def of(self, node: int) -> FloatArray:
        """The messages of one node: a view."""
        return self.values[self.offset[node] : self.offset[node] + self.size[node]]

    def _following(self, targets: Sequence[int]) -> FloatArray:
        return np.concatenate([self.values[:0], *(self.of(i) for i in targets)])

    def _plan(self, stage: Stage) -> Plan:
        number = {target: k for k, target in enumerate(stage.targets)}
        nodes = [self.product.nodes[i] for i in stage.nodes]
        branches = [_branch(node) for node in nodes]
        leads = [tuple(number[t] for t in node.targets) for node in nodes]
        sets = tuple(_contexts(self.product, i) for i in stage.targets)
        key = (*(id(branch) for branch in branches), *leads, sets)
        if key not in self._plans:
            self._plans[key] = _make_plan(self.product, branches, leads, sets)
        return self._plans[key]

    def _solve(self, stage: Stage, plan: Plan) -> FloatArray:
        return plan.message(self._following(stage.targets))

    def _solve_cycle(self, stage: Stage, plan: Plan) -> FloatArray:
        """Solve h = inner h + outer, where outer is what leaves the stage, scaled by its greatest entry."""
        n = len(plan.first) - 1
        outside = self._following(stage.targets[len(stage.nodes) :])
        top = float(outside.max(initial=-np.inf))
        if top == -np.inf:
            return np.full(n, -np.inf)
        period = self.product.vocabulary.n_fields
        inner, leaving = plan.matrix[:, :n], plan.matrix[:, n:]
        return _log(_fixed_point(inner, leaving @ np.exp(outside - top), period)) + top


def _make_plan(product: Product, branches: list[Branch], leads: list[tuple[int, ...]], sets: tuple[int, ...]) -> Plan:
    base = np.cumsum([0, *(len(product.sets[i]) for i in sets)]).astype(np.int64)
    slots, columns = [], []
    for branch, lead in zip(branches, leads, strict=True):
        slot = np.array(lead, dtype=np.int32)[branch.slot]
        column = np.zeros(len(slot), dtype=np.int32)
        for k in set(lead):
            at = slice(None) if len(lead) == 1 else slot == k
            column[at] = base[k] + product.sets.places(sets[k], branch.context[at])
        slots.append(slot)
        columns.append(column)
    arcs = np.concatenate([branch.arcs for branch in branches])
    first = np.cumsum(np.concatenate([[0], *(np.diff(branch.first) for branch in branches)]))
    weight = product.table.weight[arcs]
    matrix = csr_array((np.exp(weight), np.concatenate(columns), first), shape=(len(first) - 1, int(base[-1])))
    tame = bool(weight.min(initial=0.0) > _TINY)
    return Plan(matrix, arcs, np.concatenate(slots), base[:-1], product.table.weight, tame)


def _fixed_point(inner: csr_array, outer: FloatArray, period: int) -> FloatArray:
    """The least non-negative solution of h = inner h + outer, settled in every entry.

    The fields of an event come in turn, so `inner` leads round a circle of `period` blocks, on which BiCGSTAB
    breaks down; a whole event at a time, h = inner^period h + ..., it does not.
    """

    def event(values: FloatArray, source: FloatArray | float) -> FloatArray:
        for _ in range(period):
            values = inner @ values + source
        return values

    values, settled = _iterated(inner, outer, np.zeros_like(outer), _FEW * period)
    if not settled:
        system = LinearOperator(inner.shape, matvec=lambda h: h - event(h, 0.0), dtype=np.float64)
        guess, _ = bicgstab(system, event(np.zeros_like(outer), outer), x0=values, rtol=1e-13, maxiter=300)
        values, settled = _iterated(inner, outer, np.where(np.isfinite(guess) & (guess > 0), guess, 0.0), _STEPS)
    if not settled:
        raise UsageError(
            "the music may go on for so long that exact conditioning does not settle: add a length, such as "
            "Bars(16) or AtMost(500), to the constraint"
        )
    return values


def _iterated(inner: csr_array, outer: FloatArray, values: FloatArray, steps: int) -> tuple[FloatArray, bool]:
    """Steps of h = inner h + outer, and whether the last one changed nothing that matters."""
    for _ in range(steps):
        better: FloatArray = inner @ values + outer
        if (np.abs(better - values) <= _TOLERANCE * better).all():
            return better, True
        values = better
    return values, False


def _careful(first: NDArray[np.int32], terms: FloatArray) -> FloatArray:
    """Log of the sum of exp of each row's terms, whatever their size."""
    out = np.full(len(first) - 1, -np.inf)
    filled = np.flatnonzero(np.diff(first))
    if len(filled):
        starts = first[filled]
        top = np.maximum.reduceat(terms, starts)
        finite = np.where(top > -np.inf, top, 0.0)
        total = np.add.reduceat(np.exp(terms - np.repeat(finite, np.diff(first)[filled])), starts)
        out[filled] = _log(total) + finite
    return out


def _log(values: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        logs: FloatArray = np.log(values)
    return logs


def _contexts(product: Product, node: int) -> int:
    contexts = product.nodes[node].contexts
    assert contexts is not None  # noqa: S101 - it was reached
    return contexts


def _branch(node: Node) -> Branch:
    assert node.branch is not None  # noqa: S101 - it was expanded
    return node.branch


def _stages(product: Product) -> list[Stage]:
    """Nodes in the order in which they can be solved."""
    nodes = product.nodes
    stages = []
    for members in _levels(product) if product.acyclic else _components(product):
        inside = set(members)
        targets = dict.fromkeys(t for i in members for t in nodes[i].targets)
        cyclic = any(t in inside for t in targets)
        outside = [t for t in targets if t not in inside]
        stages.append(Stage(members, [*members, *outside] if cyclic else outside, cyclic))
    return stages


def _levels(product: Product) -> list[list[int]]:
    """Nodes of equal progress, the latest first, in which no two have the same branch and sets of targets.

    Those that have (bar 3 after ten notes, bar 3 after eleven) can then share a plan.
    """
    nodes = product.nodes
    progress = product.automaton.progress(np.array([node.state for node in nodes[1:]], dtype=np.int64))
    assert progress is not None  # noqa: S101 - asked before
    levels: dict[tuple[int, int], list[int]] = {}
    twins: Counter[tuple[int, ...]] = Counter()
    for i in 1 + np.argsort(-progress, kind="stable"):
        node, level = nodes[i], int(progress[i - 1])
        kind = (level, id(node.branch), *(_contexts(product, t) for t in node.targets))
        levels.setdefault((level, twins[kind]), []).append(int(i))
        twins[kind] += 1
    return list(levels.values())


def _components(product: Product) -> list[list[int]]:
    """Nodes that reach each other together, those that others lead to first."""
    n = len(product.nodes)
    edges = np.array([(i, t) for i, node in enumerate(product.nodes) for t in node.targets], dtype=np.int64)
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(n, n)).tocsr()
    n_parts, label = connected_components(graph, directed=True, connection="strong")
    members: list[list[int]] = [[] for _ in range(n_parts)]
    for i, part in enumerate(label.tolist()):
        members[part].append(i)
    needs: dict[int, set[int]] = {part: set() for part in range(n_parts)}
    for i, t in label[edges].tolist():
        needs[i] |= {t} - {i}
    return [members[part] for part in TopologicalSorter(needs).static_order() if members[part] != [END]]
