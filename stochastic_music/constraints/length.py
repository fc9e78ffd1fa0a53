"""How long the music is: in notes (events) or in printed bars."""

from __future__ import annotations

from dataclasses import dataclass

from stochastic_music.constraints.automata.automaton import CountAutomaton
from stochastic_music.constraints.automata.timeline import TimeAutomaton
from stochastic_music.constraints.constraint import Joinable
from stochastic_music.errors import InvalidParameterError, UsageError
from stochastic_music.tokens import Header, Vocabulary


@dataclass(frozen=True)
class Length(Joinable):
    """Exactly `least` notes, or from `least` to `most` of them; a note is an event of the encoding.

    Raises InvalidParameterError for a negative number, or `most` below `least`.

    >>> import numpy as np
    >>> from stochastic_music.tokens import Vocabulary
    >>> automaton = Length(2).compile(Vocabulary.plain(3), None)
    >>> automaton.allowed(np.array([1, 2])).astype(int).tolist()
    [[1, 1, 1, 0], [0, 0, 0, 1]]
    """

    least: int
    most: int | None = None

    def __post_init__(self) -> None:
        _check_count("Length", self.least, 0)
        if self.most is not None and self.most < self.least:
            raise InvalidParameterError(f"Length({self.least}, {self.most}): the most is below the least; swap them")

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> CountAutomaton:  # noqa: ARG002
        """Counts symbols."""
        most = self.least if self.most is None else self.most
        return CountAutomaton(vocabulary.n_fields, vocabulary.n_symbols, self.least, most)


@dataclass(frozen=True)
class AtMost(Joinable):
    """No more than `n_events` notes: a cap, met by ending in time and not by cutting."""

    n_events: int

    def __post_init__(self) -> None:
        _check_count("AtMost", self.n_events, 0)

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> CountAutomaton:
        """Counts symbols."""
        return Length(0, self.n_events).compile(vocabulary, header)


@dataclass(frozen=True)
class Bars(Joinable):
    """Exactly `n` full bars, counted as printed: a pickup is bar 0, the first full bar is 1.

    The music stops sounding exactly on the bar line that closes bar `n`, or, under a header with a pickup
    of P units, also P units before it (the pickup completes the last bar), and nothing sounds beyond.
    With `rest` it may stop anywhere within bar `n`, which a rest then fills: for detached playing and drums,
    whose last sound ends before the line. Meters change where the header says. Raises UsageError where
    symbols carry no time.
    """

    n: int
    rest: bool = False

    def __post_init__(self) -> None:
        _check_count("Bars", self.n, 1)

    def __str__(self) -> str:
        return f"Bars({self.n}, rest=True)" if self.rest else f"Bars({self.n})"

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> TimeAutomaton:
        """The clock, which must stop on the line, or with `rest` within the bar before it."""
        if not vocabulary.clock.ticks:
            names = ", ".join(field.name for field in vocabulary.fields)
            raise UsageError(
                f"{self} needs symbols that carry time, and this encoding has only {names}: "
                "use an encoding with durations, or ask for a length in notes"
            )
        header = header or Header(vocabulary.resolution)
        line = header.bar_start(self.n + 1)
        stops = range(header.bar_start(self.n) + 1, line + 1) if self.rest else {line, line - header.pickup}
        return TimeAutomaton(vocabulary, header, stops=tuple(stops))


def _check_count(name: str, value: int, least: int) -> None:
    if value < least:
        raise InvalidParameterError(f"{name}({value}): expected a whole number from {least}")
