"""What exact sampling stands on, the constraint apart, and the product that it makes of it with one."""

from __future__ import annotations

from typing import NamedTuple

from stochastic_music.protocols import Constraint, IntArray
from stochastic_music.sampling.compiling import lasting, split
from stochastic_music.sampling.drawing import NO_START
from stochastic_music.sampling.exact.context_sets import ArcTable
from stochastic_music.sampling.exact.lifting import LiftedTable
from stochastic_music.sampling.exact.product import Product
from stochastic_music.tokens import Header, Vocabulary


class Setting(NamedTuple):
    """A model's arcs, the header that pieces stand under, what they begin with, and how many arcs there may be."""

    table: ArcTable
    vocabulary: Vocabulary
    header: Header | None
    max_arcs: int
    start: IntArray = NO_START

    def product(self, parts: tuple[Constraint, ...], *, rounded: bool = True) -> Product:
        """The product with what all `parts` demand, wide automata lifted into the model; see `Product` for `rounded`.

        Raises ProductTooLargeError where it has more than `max_arcs` arcs.
        """
        table = self.table
        automaton, wide = split(parts, self.vocabulary, self.header)
        for carried in wide:
            table = LiftedTable(table, carried)
        always = lasting(automaton, self.vocabulary, self.header) if wide and rounded else None
        return Product(
            table, self.vocabulary, automaton, self.max_arcs, start=self.start, lasting=always, rounded=rounded
        )
