"""Backward messages: how likely each context at each node is to end in an accepted piece.

The message of a context is the log of the probability that the model, going on from there, is accepted: a weighted sum of
the messages its arcs lead to. Where every symbol makes progress, one sweep from the end gives all messages. Where runs may be endless
the messages solve a linear system, one for each strongly connected component of nodes, to a relative tolerance of 1e-12 in every
entry: BiCGSTAB finds the bulk, fixed-point steps settle the smallest entries (the map is a contraction wherever the model ends with
probability 1; UsageError is raised if it has not settled after 20,000 steps).

Sums are scaled by the greatest message of a node; where factors differ by more than 1e150 they are taken in the log domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, identity
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import bicgstab

from stochastic_music.errors import UsageError
from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.sampling.context_sets import SmallInts
from stochastic_music.sampling.product import END, Branch, Product

_TINY = -345.0  # exp of it squared is still a number
_TOLERANCE = 1e-12
_STEPS = 20_000


@dataclass(eq=False)
class Plan:
    """A branch whose targets are settled: entry e leads to column `column[e]` of the targets' messages, laid end to end.

    `base` (n_slots,) is where each target's messages begin. Plans are shared as branches are.
    """

    branch: Branch
    matrix: csr_array
    base: IntArray
    tame: bool

    @property
    def column(self) -> SmallInts:
        """The column of each entry."""
        column: SmallInts = self.matrix.indices
        return column

    def message(self, product: Product, following: FloatArray) -> FloatArray:
        """Log messages of the rows from log messages of the columns."""
        top = following.max(initial=-np.inf)
        if top == -np.inf:
            return np.full(self.matrix.shape[0], -np.inf)
        scaled = following - top
        if self.tame and scaled.min(where=scaled > -np.inf, initial=0.0) > _TINY:
            with np.errstate(divide="ignore"):
                total: FloatArray = np.log(self.matrix @ np.exp(scaled)) + top
            return total
        return _careful(self.branch.first, product.table.weight[self.branch.arcs] + following[self.column])


class Messages:
    """The messages of a whole product: node i owns `values[offset[i] : offset[i + 1]]`."""

    def __init__(self, product: Product) -> None:
        self.product = product
        sizes = [0 if node.contexts is None else len(product.sets[node.contexts]) for node in product.nodes]
        self.offset = np.concatenate([[0], np.cumsum(sizes)])
        self.values = np.full(self.offset[-1], -np.inf)
        self.values[END] = 0.0
        self._plans: dict[tuple[int, tuple[int, ...]], Plan] = {}
        self.plans = [None if node.branch is None else self._plan(node.branch, node.targets) for node in product.nodes]
        for component in _components(product):
            self._solve(component)

    def of(self, node: int) -> FloatArray:
        """The messages of one node: a view."""
        return self.values[self.offset[node] : self.offset[node + 1]]

    def following(self, node: int) -> FloatArray:
        """The messages of a node's targets, end to end."""
        return np.concatenate([self.values[:0], *(self.of(i) for i in self.product.nodes[node].targets)])

    def _plan(self, branch: Branch, targets: Sequence[int]) -> Plan:
        product = self.product
        sets = tuple(_contexts(product, i) for i in targets)
        key = (id(branch), sets)
        if key not in self._plans:
            base = np.concatenate([[0], np.cumsum([len(product.sets[i]) for i in sets])]).astype(np.int64)
            column = np.zeros(len(branch.arcs), dtype=np.int32)
            for slot, contexts in enumerate(sets):
                at = slice(None) if len(sets) == 1 else branch.slot == slot
                column[at] = base[slot] + product.sets.places(contexts, branch.context[at])
            weight = product.table.weight[branch.arcs]
            shape = (len(branch.first) - 1, int(base[-1]))
            matrix = csr_array((np.exp(weight), column, branch.first), shape=shape)
            self._plans[key] = Plan(branch, matrix, base[:-1], bool(weight.min(initial=0.0) > _TINY))
        return self._plans[key]

    def _solve(self, component: list[int]) -> None:
        nodes = self.product.nodes
        if len(component) == 1 and component[0] not in nodes[component[0]].targets:
            [node] = component
            plan = self.plans[node]
            if plan is not None:
                self.of(node)[:] = plan.message(self.product, self.following(node))
        else:
            self._solve_cycle(component)

    def _solve_cycle(self, component: list[int]) -> None:
        """Solve h = A h + r over a component; r is what leaves it, scaled by its greatest entry."""
        outside = {t for i in component for t in self.product.nodes[i].targets} - set(component)
        top = max((self.of(i).max(initial=-np.inf) for i in outside), default=-np.inf)
        if top == -np.inf:
            return
        place = _places(component, np.diff(self.offset))
        inner, outer = self._system(component, place, top)
        with np.errstate(divide="ignore"):
            values = np.log(_fixed_point(inner, outer)) + top
        for i in component:
            self.of(i)[:] = values[place[i] : place[i] + len(self.of(i))]

    def _system(self, component: list[int], place: dict[int, int], top: float) -> tuple[csr_array, FloatArray]:
        size = sum(len(self.of(i)) for i in component)
        rows, columns, data, outer = [], [], [], np.zeros(size)
        for i in component:
            plan, targets = self.plans[i], self.product.nodes[i].targets
            if plan is None:
                continue
            row = place[i] + np.repeat(np.arange(plan.matrix.shape[0]), np.diff(plan.branch.first))
            inside = np.array([t in place for t in targets], dtype=bool)[plan.branch.slot]
            shift = np.array([place.get(t, 0) for t in targets], dtype=np.int64) - plan.base
            rows.append(row[inside])
            columns.append((plan.column + shift[plan.branch.slot])[inside])
            data.append(plan.matrix.data[inside])
            leaves = plan.matrix.data * np.exp(self.following(i) - top)[plan.column]
            outer += np.bincount(row[~inside], leaves[~inside], minlength=size)
        entries = (np.concatenate(rows), np.concatenate(columns))
        return coo_array((np.concatenate(data), entries), shape=(size, size)).tocsr(), outer


def _fixed_point(inner: csr_array, outer: FloatArray) -> FloatArray:
    """The least non-negative solution of h = inner h + outer, settled in every entry."""
    guess, _ = bicgstab(identity(len(outer), format="csr") - inner, outer, rtol=1e-13, maxiter=500)
    values: FloatArray = np.where(np.isfinite(guess) & (guess > 0), guess, 0.0)
    for _ in range(_STEPS):
        better = inner @ values + outer
        if (np.abs(better - values) <= _TOLERANCE * better).all():
            return better
        values = better
    raise UsageError(
        "the music may go on for so long that exact conditioning does not settle: add a length, such as "
        "Bars(16) or AtMost(500), to the constraint"
    )


def _careful(first: NDArray[np.int32], terms: FloatArray) -> FloatArray:
    """Log of the sum of exp of each row's terms, whatever their size."""
    out = np.full(len(first) - 1, -np.inf)
    filled = np.flatnonzero(np.diff(first))
    if len(filled):
        starts = first[filled]
        top = np.maximum.reduceat(terms, starts)
        finite = np.where(top > -np.inf, top, 0.0)
        total = np.add.reduceat(np.exp(terms - np.repeat(finite, np.diff(first)[filled])), starts)
        with np.errstate(divide="ignore"):
            out[filled] = np.log(total) + finite
    return out


def _contexts(product: Product, node: int) -> int:
    contexts = product.nodes[node].contexts
    assert contexts is not None  # noqa: S101 - targets were reached
    return contexts


def _places(component: list[int], sizes: IntArray) -> dict[int, int]:
    """Where each node of a component begins, its nodes laid end to end."""
    starts = np.concatenate([[0], np.cumsum(sizes[component])])
    return dict(zip(component, starts.tolist(), strict=False))


def _components(product: Product) -> list[list[int]]:
    """Nodes in the order in which they can be solved; those that reach each other are together."""
    nodes = product.nodes
    if product.acyclic:
        states = np.array([node.state for node in nodes[1:]], dtype=np.int64)
        progress = product.automaton.progress(states)
        assert progress is not None  # noqa: S101 - asked before
        return [[1 + int(i)] for i in np.argsort(-progress, kind="stable")]
    edges = np.array([(i, t) for i, node in enumerate(nodes) for t in node.targets], dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(nodes), len(nodes))).tocsr()
    n, label = connected_components(graph, directed=True, connection="strong")
    members: list[list[int]] = [[] for _ in range(n)]
    for i, component in enumerate(label.tolist()):
        members[component].append(i)
    needs: dict[int, set[int]] = {i: set() for i in range(n)}
    for i, t in label[edges].tolist():
        needs[i] |= {t} - {i}
    return [members[c] for c in TopologicalSorter(needs).static_order() if members[c] != [END]]
