"""Constraints as values: what they share, and how they join.

A constraint is a frozen dataclass with `compile(vocabulary, header) -> Automaton`. `a & b` demands both,
`a | b` at least one, `~a` all that `a` forbids; anything with a `compile` of this shape joins, whoever wrote it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from stochastic_music._showing import ShowsItself
from stochastic_music.constraints.automata.automaton import BaseAutomaton, Either, join
from stochastic_music.constraints.automata.grammar import Complement
from stochastic_music.protocols import Automaton, Constraint
from stochastic_music.tokens import Header, Vocabulary


class Joinable(ShowsItself):
    """`&`, `|` and `~` for constraints."""

    shown_by = "demands"

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> Automaton:
        """The automaton of the pieces that meet the demand."""
        raise NotImplementedError

    @property
    def reads_key(self) -> bool:
        """Whether what it asks depends on the header's key."""
        parts = getattr(self, "parts", (self.part,) if hasattr(self, "part") else ())
        return any(getattr(part, "reads_key", True) for part in parts)

    def __and__(self, other: Constraint) -> All:
        return All((*conjuncts(self), *conjuncts(other)))

    def __rand__(self, other: Constraint) -> All:
        return All((*conjuncts(other), *conjuncts(self)))

    def __or__(self, other: Constraint) -> AnyOf:
        return AnyOf((self, other))

    def __invert__(self) -> Constraint:
        return Not(self)

    def __str__(self) -> str:
        values = (getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]
        return f"{type(self).__name__}({', '.join(str(v) for v in values if v is not None)})"


@dataclass(frozen=True, repr=False)
class All(Joinable):
    """Every one of `parts`; with none of them, anything goes."""

    parts: tuple[Constraint, ...]

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> Automaton:
        """The product of the parts' automata."""
        return join([part.compile(vocabulary, header) for part in self.parts], vocabulary.n_symbols)

    def __str__(self) -> str:
        return " & ".join(str(part) for part in self.parts) or "no constraint"

    __repr__ = __str__


@dataclass(frozen=True, repr=False)
class AnyOf(Joinable):
    """At least one of `parts`."""

    parts: tuple[Constraint, ...]

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> Automaton:
        """The union of the parts' automata."""
        return Either([part.compile(vocabulary, header) for part in self.parts], vocabulary.n_symbols)

    def __str__(self) -> str:
        return f"({' | '.join(str(part) for part in self.parts)})"

    __repr__ = __str__


@dataclass(frozen=True, repr=False)
class Not(Joinable):
    """What `part` does not accept, of all pieces made of whole events; `~~demand` is `demand`.

    >>> from stochastic_music.constraints import PitchRange
    >>> ~(PitchRange(60, 72) | PitchRange(48, 55))
    ~(PitchRange(C4, C5) | PitchRange(C3, G3))
    """

    part: Constraint

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> Automaton:
        """The complement of the part's automaton."""
        return Complement(self.part.compile(vocabulary, header), vocabulary)

    def __invert__(self) -> Constraint:
        return self.part

    def __str__(self) -> str:
        return f"~({self.part})" if isinstance(self.part, All) else f"~{self.part}"

    __repr__ = __str__


def conjuncts(constraint: Constraint | Any) -> tuple[Constraint, ...]:
    """The demands that `constraint` joins with `&`, itself if it is one."""
    return constraint.parts if isinstance(constraint, All) else (constraint,)


__all__ = ["All", "AnyOf", "BaseAutomaton", "Joinable", "Not", "conjuncts"]
