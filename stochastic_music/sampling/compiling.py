"""From constraints and headers to automata that keep time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from stochastic_music.constraints import TimeAutomaton, TimedAutomaton, conjuncts, join, provides
from stochastic_music.errors import UnsatisfiableError
from stochastic_music.protocols import DEAD, Constraint, IntArray
from stochastic_music.tokens import Header, Meter, Vocabulary


def compiled(parts: Sequence[Constraint], vocabulary: Vocabulary, header: Header | None) -> TimedAutomaton:
    """The automaton of all parts; a clock is added where none of them keeps time."""
    automata = [part.compile(vocabulary, header) for part in parts]
    if not any(provides(automaton, "marks") for automaton in automata):
        automata.append(TimeAutomaton(vocabulary, header))
    return cast("TimedAutomaton", join(automata, vocabulary.n_symbols))


def check_start(constraint: Constraint, vocabulary: Vocabulary, header: Header | None, start: IntArray) -> None:
    """Raise UnsatisfiableError naming the part of `constraint` that `start` breaks, and where."""
    for part in conjuncts(constraint):
        automaton = part.compile(vocabulary, header)
        state = np.array([automaton.start()])
        for place, symbol in enumerate(start.tolist()):
            state = automaton.advance(state, np.array([symbol]))
            if state[0] == DEAD:
                event = place // vocabulary.n_fields + 1
                raise UnsatisfiableError(
                    f"the start cannot lead to {part}: its event {event} ({vocabulary.describe(symbol)}) goes beyond "
                    "it. Ask for something wider or longer, or give a shorter start"
                )


def by_timing(headers: Sequence[Header | None]) -> list[list[int]]:
    """The indices of headers that an automaton cannot tell apart."""
    groups: dict[tuple[int, tuple[Meter, ...], int] | None, list[int]] = {}
    for i, header in enumerate(headers):
        timing = None if header is None else (header.resolution, header.meters, header.pickup)
        groups.setdefault(timing, []).append(i)
    return list(groups.values())


__all__ = ["by_timing", "check_start", "compiled", "conjuncts"]
