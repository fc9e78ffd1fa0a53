"""From constraints and headers to automata that keep time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from stochastic_music.constraints import TimeAutomaton, TimedAutomaton, conjuncts, join, provides
from stochastic_music.protocols import Constraint
from stochastic_music.tokens import Header, Meter, Vocabulary


def compiled(parts: Sequence[Constraint], vocabulary: Vocabulary, header: Header | None) -> TimedAutomaton:
    """The automaton of all parts; a clock is added where none of them keeps time."""
    automata = [part.compile(vocabulary, header) for part in parts]
    if not any(provides(automaton, "marks") for automaton in automata):
        automata.append(TimeAutomaton(vocabulary, header))
    return cast("TimedAutomaton", join(automata, vocabulary.n_symbols))


def by_timing(headers: Sequence[Header | None]) -> list[list[int]]:
    """The indices of headers that an automaton cannot tell apart."""
    groups: dict[tuple[int, tuple[Meter, ...], int] | None, list[int]] = {}
    for i, header in enumerate(headers):
        timing = None if header is None else (header.resolution, header.meters, header.pickup)
        groups.setdefault(timing, []).append(i)
    return list(groups.values())


__all__ = ["by_timing", "compiled", "conjuncts"]
