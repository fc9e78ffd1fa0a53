"""From constraints and headers to automata that keep time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from stochastic_music.constraints import TimeAutomaton, TimedAutomaton, conjuncts, join, provides
from stochastic_music.constraints.automata.automaton import Joined
from stochastic_music.errors import UnsatisfiableError
from stochastic_music.protocols import DEAD, Automaton, Constraint, IntArray
from stochastic_music.tokens import Header, Meter, Vocabulary


def compiled(parts: Sequence[Constraint], vocabulary: Vocabulary, header: Header | None) -> TimedAutomaton:
    """The automaton of all parts; a clock is added where none of them keeps time."""
    return _timed([part.compile(vocabulary, header) for part in parts], vocabulary, header)


def split(
    parts: Sequence[Constraint], vocabulary: Vocabulary, header: Header | None
) -> tuple[TimedAutomaton, list[Automaton]]:
    """The automaton of all parts that are not wide, which keeps time, and those that are (see `exact.lifting`)."""
    automata = [single for part in parts for single in singles(part.compile(vocabulary, header))]
    wide = [automaton for automaton in automata if is_wide(automaton)]
    narrow = [automaton for automaton in automata if not is_wide(automaton)]
    return _timed(narrow, vocabulary, header), wide


def lasting(automaton: TimedAutomaton, vocabulary: Vocabulary, header: Header | None) -> TimedAutomaton:
    """The clock, and those parts of an automaton that neither count nor tell the time."""
    start = [np.array([part.start()]) for part in singles(automaton)]
    parts = [part for part, state in zip(singles(automaton), start, strict=True) if part.progress(state) is None]
    clock: list[Automaton] = [TimeAutomaton(vocabulary, header)]
    return cast("TimedAutomaton", join([*clock, *parts], vocabulary.n_symbols))


def is_wide(automaton: Automaton) -> bool:
    """Whether an automaton says that it has many states, which do not keep time."""
    return bool(getattr(automaton, "wide", False))


def singles(automaton: Automaton) -> list[Automaton]:
    """The automata that were joined, those that were joined to these among them."""
    if not isinstance(automaton, Joined):
        return [automaton]
    return [single for part in automaton.parts for single in singles(part)]


def _timed(automata: list[Automaton], vocabulary: Vocabulary, header: Header | None) -> TimedAutomaton:
    if not any(provides(automaton, "marks") for automaton in automata):
        automata = [*automata, TimeAutomaton(vocabulary, header)]
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


def by_timing(headers: Sequence[Header | None], constraint: Constraint | None = None) -> list[list[int]]:
    """The indices of headers that the automaton of `constraint` cannot tell apart, nor the clock.

    A constraint that does not say whether it `reads_key` is taken to read it.
    """
    keyed = constraint is not None and getattr(constraint, "reads_key", True)
    groups: dict[tuple[int, tuple[Meter, ...], int, str | None] | None, list[int]] = {}
    for i, header in enumerate(headers):
        key = header.key if header and keyed else None
        timing = None if header is None else (header.resolution, header.meters, header.pickup, key)
        groups.setdefault(timing, []).append(i)
    return list(groups.values())


__all__ = ["by_timing", "check_start", "compiled", "conjuncts", "is_wide", "lasting", "singles", "split"]
