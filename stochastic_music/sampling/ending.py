"""How long a piece may be where a constraint says nothing of it: no shorter than is usual, and ended, not cut."""

from __future__ import annotations

import numpy as np

from stochastic_music.constraints import All, AtMost, Length, Not, conjuncts
from stochastic_music.constraints.automata.automaton import Either, Joined
from stochastic_music.constraints.form import form_of
from stochastic_music.protocols import Automaton, Constraint
from stochastic_music.tokens import Header, Vocabulary


def tells_length(constraint: Constraint, vocabulary: Vocabulary, header: Header | None) -> bool:
    """Whether a constraint says itself how long the music is: how many notes, or when it stops.

    >>> from stochastic_music.constraints import Matches
    >>> toy, word = Vocabulary.plain(3), Matches("1 .*", "symbol")
    >>> [tells_length(asked, toy, None) for asked in (Length(4), AtMost(4) & word, word, ~Length(4))]
    [True, True, False, False]
    """
    return form_of(constraint)[0] is not None or _tells(constraint.compile(vocabulary, header))


def sized(constraint: Constraint, *, least: int, most: int | None) -> Constraint:
    """The constraint, and from `least` to `most` events; None: no more than the constraint allows by itself."""
    if most is not None:
        return All((*conjuncts(constraint), Length(least, most)))
    return All((*conjuncts(constraint), Not(AtMost(least - 1)))) if least else constraint


def _tells(automaton: Automaton) -> bool:
    if isinstance(automaton, Either):
        return all(_tells(part) for part in automaton.parts)
    if isinstance(automaton, Joined):
        return any(_tells(part) for part in automaton.parts)
    clock = getattr(automaton, "frame", automaton)
    stops = getattr(clock, "stops", None) is not None
    return stops or automaton.progress(np.array([automaton.start()])) is not None
