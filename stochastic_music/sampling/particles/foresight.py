"""What particles know of the future: how much hope each next symbol leaves.

A *tracker* follows a batch of chains that stand under one timing. Before each step it tells `now`, the log of the hope
that a chain has, and `ahead`, the log of the hope that each symbol would leave it: -inf where a symbol must not come.

    Guided     the probability that a guide, a model of finitely many contexts, meets the constraint from there on,
               told by the guide's backward messages
    Tied       0 or -inf: whether a symbol agrees with a form (see `forms`)
    Stepwise   0 or -inf: whether the constraint can still be met at all, or, for automata of very many states, only
               whether this symbol breaks it

`Outlook` chooses the trackers for a constraint: a guide where there is one that is small enough. `Foresight` joins
trackers of many chains under many timings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np

from stochastic_music.constraints import All, conjuncts, provides
from stochastic_music.constraints.automata.automaton import MaskAutomaton
from stochastic_music.constraints.form import form_of
from stochastic_music.errors import UsageError
from stochastic_music.protocols import DEAD, Automaton, BoolArray, Constraint, FiniteContextModel, FloatArray, IntArray
from stochastic_music.sampling.compiling import compiled, singles, split
from stochastic_music.sampling.exact.context_sets import ArcTable
from stochastic_music.sampling.exact.sampler import ExactSampler, Tables
from stochastic_music.sampling.greedy import Hope
from stochastic_music.sampling.particles.forms import Plan, Tied
from stochastic_music.sampling.shaping import Shaping
from stochastic_music.tokens import Header, Vocabulary

#: a guide, or several of which the first is taken that is small enough under the constraint
Guide: TypeAlias = FiniteContextModel | Sequence[FiniteContextModel] | None
#: arcs of guide and constraint together: a guide that has more is not taken
GUIDE_ARCS = 6_000_000


class Tracker(Protocol):
    """Chains under one timing; see the module's article."""

    def now(self) -> FloatArray:
        """The log of the hope that chains have: (n,)."""

    def ahead(self) -> FloatArray:
        """The log of the hope that each symbol leaves: (n, n_symbols)."""

    def advance(self, symbols: IntArray) -> None:
        """One more symbol a chain: (n,)."""

    def pick(self, rows: IntArray) -> None:
        """Chain i goes on where chain `rows[i]` stands."""

    def describe(self, row: int) -> str:
        """Where a chain stands, in words, "" where there is nothing to tell."""


#: makes a tracker of so many chains
Prepared: TypeAlias = Callable[[int], Tracker]


class Guided:
    """Chains at places of a guide's product, with its messages."""

    def __init__(self, tables: Tables, vocabulary: Vocabulary, n: int) -> None:
        self._tables, self._vocabulary = tables, vocabulary
        self._place = np.full(n, tables.starts[0])
        self._leads = np.full((n, vocabulary.n_symbols), tables.end)

    def now(self) -> FloatArray:
        """The messages of the places where chains are."""
        now: FloatArray = self._tables.value[self._place]
        return now

    def ahead(self) -> FloatArray:
        """The messages of the places to which symbols lead."""
        ahead = np.full(self._leads.shape, -np.inf)
        self._leads[:] = self._tables.end
        ended = self._place == self._tables.end
        ahead[ended, self._vocabulary.end] = 0.0
        live = np.flatnonzero(~ended)
        if len(live):
            options = self._tables.options(self._place[live])
            row, column = np.nonzero(options.log_weight > -np.inf)
            symbol, there = self._tables.symbol[options.arc[row, column]], options.there[row, column]
            ahead[live[row], symbol] = self._tables.value[there]
            self._leads[live[row], symbol] = there
        return ahead

    def advance(self, symbols: IntArray) -> None:
        """To the places that `ahead` looked at."""
        self._place = self._leads[np.arange(len(symbols)), symbols]

    def pick(self, rows: IntArray) -> None:
        """Places go with their chains."""
        self._place = self._place[rows]

    def describe(self, row: int) -> str:  # noqa: ARG002
        """A place has no words."""
        return ""


class Stepwise:
    """Chains at states of an automaton that is asked about the next symbol alone."""

    def __init__(self, automaton: Automaton, allowed: Callable[[IntArray], BoolArray], start: IntArray, n: int) -> None:
        self._automaton, self._allowed = automaton, allowed
        self._states = np.full(n, automaton.start(), dtype=np.int64)
        for symbol in start.tolist():
            self.advance(np.full(n, symbol, dtype=np.int64))

    def now(self) -> FloatArray:
        """0: chains are alive."""
        return np.zeros(len(self._states))

    def ahead(self) -> FloatArray:
        """0 where a symbol is allowed."""
        return np.where(self._allowed(self._states), 0.0, -np.inf)

    def advance(self, symbols: IntArray) -> None:
        """The automaton advances."""
        self._states = self._automaton.advance(self._states, symbols)

    def pick(self, rows: IntArray) -> None:
        """States go with their chains."""
        self._states = self._states[rows]

    def describe(self, row: int) -> str:
        """What the automaton says of the place."""
        state = int(self._states[row])
        if state == DEAD or not provides(self._automaton, "describe"):
            return ""
        words: str = self._automaton.describe(state)  # type: ignore[attr-defined]
        return words


class Foresight:
    """The trackers of all chains: piece i has chains `i * n_particles` up to those of piece i + 1.

    `plans` tells, for pieces that stand under one timing, which trackers follow their chains.
    """

    def __init__(self, plans: Sequence[tuple[IntArray, list[Prepared]]], n_particles: int, n_symbols: int) -> None:
        self._n_symbols = n_symbols
        self._n = n_particles * sum(len(pieces) for pieces, _ in plans)
        chains = [(pieces[:, None] * n_particles + np.arange(n_particles)).ravel() for pieces, _ in plans]
        self._groups = [
            (own, [make(len(own)) for make in prepared]) for own, (_, prepared) in zip(chains, plans, strict=True)
        ]

    def now(self) -> FloatArray:
        """The log of the hope of each chain: (n_chains,)."""
        now = np.zeros(self._n)
        for chains, trackers in self._groups:
            now[chains] = sum(tracker.now() for tracker in trackers)
        return now

    def ahead(self) -> FloatArray:
        """The log of the hope that each symbol leaves: (n_chains, n_symbols)."""
        ahead = np.zeros((self._n, self._n_symbols))
        for chains, trackers in self._groups:
            ahead[chains] = sum(tracker.ahead() for tracker in trackers)
        return ahead

    def advance(self, symbols: IntArray) -> None:
        """One more symbol a chain: (n_chains,)."""
        for chains, trackers in self._groups:
            for tracker in trackers:
                tracker.advance(symbols[chains])

    def pick(self, kept: IntArray) -> None:
        """Chain i goes on where chain `kept[i]`, of the same piece, stands."""
        for chains, trackers in self._groups:
            for tracker in trackers:
                tracker.pick(np.searchsorted(chains, kept[chains]))

    def describe(self, chain: int) -> str:
        """Where a chain stands, in words, as far as that can be told."""
        for chains, trackers in self._groups:
            if chain in chains:
                words = (tracker.describe(int(np.searchsorted(chains, chain))) for tracker in trackers)
                return next(filter(None, words), "")
        return ""


class Outlook:
    """What is worked out once for a constraint, however many chains are drawn under it."""

    def __init__(
        self, vocabulary: Vocabulary, constraint: Constraint, guide: Guide, shaping: Shaping, start: IntArray
    ) -> None:
        self._form, regular = form_of(constraint)
        self._vocabulary, self._parts, self._start = vocabulary, conjuncts(regular), start
        self._shaping = Shaping(temperature=shaping.temperature)
        self._guides: Sequence[FiniteContextModel] = as_guides(guide)
        self._tables: dict[int, ArcTable] = {}

    def under(self, header: Header | None) -> list[Prepared]:
        """The trackers of chains under `header`."""
        wide = [part for part in self._parts if split([part], self._vocabulary, header)[1]]
        narrow = tuple(part for part in self._parts if part not in wide)
        prepared: list[Prepared] = [self._stepwise(part.compile(self._vocabulary, header)) for part in wide]
        if self._form is not None:
            plan = Plan.of(self._form, self._vocabulary, header, self._mask(header))
            prepared.append(partial(Tied, plan, self._start))
        tables = self._messages(narrow, header) if narrow else None
        if tables is not None:
            return [partial(Guided, tables, self._vocabulary), *prepared]
        automaton = compiled(narrow, self._vocabulary, header)
        return [self._stepwise(automaton, Hope(self._vocabulary, automaton).allowed), *prepared]

    def _mask(self, header: Header | None) -> BoolArray:
        """The symbols that may come anywhere: those of the alphabet that no demand rules out."""
        automata = [single for part in self._parts for single in singles(part.compile(self._vocabulary, header))]
        masks = [automaton.mask for automaton in automata if isinstance(automaton, MaskAutomaton)]
        mask: BoolArray = np.logical_and.reduce([self._vocabulary.mask, *masks])
        return mask

    def _stepwise(self, automaton: Automaton, allowed: Callable[[IntArray], BoolArray] | None = None) -> Prepared:
        return partial(Stepwise, automaton, allowed or automaton.allowed, self._start)

    def _messages(self, parts: tuple[Constraint, ...], header: Header | None) -> Tables | None:
        """The messages of the first guide that is small enough, None where there is none."""
        for i, guide in enumerate(self._guides):
            table = self._tables.setdefault(i, ArcTable(guide, self._shaping))
            options: dict[str, Any] = {"max_arcs": GUIDE_ARCS, "table": table, "start": self._start}
            try:
                return ExactSampler(guide, All(parts), header, shaping=self._shaping, **options).tables
            except UsageError:  # too large, or it does not settle
                continue
        return None


def as_guides(guide: Guide) -> Sequence[FiniteContextModel]:
    """One guide, several or none, as a sequence."""
    if guide is None:
        return ()
    return (guide,) if isinstance(guide, FiniteContextModel) else guide
