"""Which contexts can be alive at each phase of the clock, however long the music goes on.

From note to note, the set of contexts that can be alive at one place in the bar grows, until after some dozens of notes
it grows no more. What is computed for a set is shared by all nodes of the product that have it, so it pays to know the
last of these sets beforehand, and to use it for all nodes whose own is not much smaller (`Product`). It is found by
following each pair of context and state of the clock once, a whole generation of new ones at a time.
"""

from __future__ import annotations

import numpy as np

from stochastic_music.constraints import TimedAutomaton
from stochastic_music.errors import ProductTooLargeError
from stochastic_music.protocols import IntArray
from stochastic_music.sampling.exact.context_sets import ArcTable
from stochastic_music.sampling.exact.lifting import LiftedTable


def saturated(table: ArcTable, clock: TimedAutomaton, end: int, limit: int) -> dict[int, IntArray]:
    """The contexts that can be alive at each phase of `clock`, ascending, before END; nothing past `limit` arcs."""
    both = LiftedTable(table, clock)
    try:
        pairs = reached(both, clock, int(heard(both, clock, np.array([both.start()]))[0]), end, limit)
    except ProductTooLargeError:
        return {}
    contexts, states = both.parts(pairs)
    phases, place = np.unique(clock.phase(states), return_inverse=True)
    return {phase: np.unique(contexts[place == i]) for i, phase in enumerate(phases.tolist())}


def reached(both: LiftedTable, clock: TimedAutomaton, first: int, end: int, limit: int) -> IntArray:
    """Every pair that can be reached from the `first` one, the clock's marks heard: ascending.

    Raises ProductTooLargeError past `limit` arcs, as `ArcTable.fetch` counts them.
    """
    new = np.array([first])
    seen = np.zeros(0, dtype=bool)
    while len(new):
        seen = np.append(seen, np.zeros(both.n_contexts - len(seen), dtype=bool))
        seen[new] = True
        both.fetch(new, limit)
        _, arcs = both.rows(new)
        after = both.next_context[arcs[both.symbol[arcs] != end]]
        reached = np.unique(heard(both, clock, np.unique(after)))
        new = reached[(reached >= len(seen)) | ~seen[np.minimum(reached, len(seen) - 1)]]
    return np.flatnonzero(seen)


def heard(both: LiftedTable, clock: TimedAutomaton, pairs: IntArray) -> IntArray:
    """The pairs after the clock's marks, where an event begins."""
    _, states = both.parts(pairs)
    begins = np.flatnonzero(clock.due(states) == 0)
    heard = pairs.copy()
    heard[begins] = both.hear(pairs[begins], clock.marks(states[begins]))
    return heard
