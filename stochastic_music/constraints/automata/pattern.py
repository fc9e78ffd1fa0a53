"""Regular expressions over values: their text, and the automaton that reads them.

    C4  60  D           a value: a number; for pitches also a name, in one octave or (without a number) in any
    .                   any value
    [C4 E4 G4]          one of several; [C4-G4] one from the first to the last; [^C4 D4] any but these
    A B                 A, then B; blanks may stand wherever they part nothing
    A|B  (A|B)          one or the other
    A*  A+  A?          any number of times; at least once; once or not at all
    A{3} A{2,4} A{2,}   three times; two to four times; twice or more

The text is parsed by recursive descent. Thompson's construction [1] makes a nondeterministic automaton of it, and
`Deterministic` follows all states of that at once, numbering the sets of them as they are met.

[1] K. Thompson. Regular expression search algorithm. Communications of the ACM 11(6), 1968.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from stochastic_music.errors import InvalidParameterError, UsageError
from stochastic_music.protocols import DEAD, BoolArray, IntArray

#: sets of states that a pattern may lead to before it is given up
MAX_STATES = 50_000
#: how often a part may be asked to repeat
MAX_REPEATS = 1000
_TOKEN = re.compile(r"\s*(\{[^}]*\}|[][().|*+?^-]|[^\s\[\](){}.|*+?^-]+)")
_BRACES = re.compile(r"\{\s*(\d+)\s*(,\s*(\d*)\s*)?\}")
_STARS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
#: a name in a pattern -> which values of the field it means: (size,)
Naming = Callable[[str], BoolArray]


class _Part(NamedTuple):
    """A part of an automaton: the states where it begins and ends."""

    begin: int
    end: int


class Nondeterministic:
    """States with one letter (a set of values) and a way on, or with ways on that cost no letter."""

    def __init__(self) -> None:
        self.letters: list[BoolArray | None] = []
        self.following: list[list[int]] = []

    def state(self, *following: int, letter: BoolArray | None = None) -> int:
        """A new state; with a letter it leads on where a value is among the letter's."""
        self.letters.append(letter)
        self.following.append(list(following))
        return len(self.letters) - 1

    def closure(self, states: set[int]) -> frozenset[int]:
        """All that can be reached without a letter."""
        found, waiting = set(states), list(states)
        while waiting:
            here = waiting.pop()
            if self.letters[here] is None:
                new = [there for there in self.following[here] if there not in found]
                found.update(new)
                waiting += new
        return frozenset(found)

    def after(self, states: frozenset[int], value: int) -> frozenset[int]:
        """The states after one value."""
        reached: set[int] = set()
        for here in states:
            letter = self.letters[here]
            if letter is not None and letter[value]:
                reached.update(self.following[here])
        return self.closure(reached)


#: adds a part to an automaton, as often as it is called
_Builder = Callable[[Nondeterministic], _Part]


class Deterministic:
    """The automaton of a pattern that whole sequences must match; states are numbered as they are met, 0 first.

    Raises InvalidParameterError where the text is no pattern, UsageError where more than `MAX_STATES` are met.

    >>> names = {"a": np.array([True, False]), "b": np.array([False, True])}
    >>> pattern = Deterministic("a b* a", names.__getitem__, 2)
    >>> state = np.array([0])
    >>> for value in (0, 1, 1, 0):
    ...     state = pattern.advance(state, np.array([value]))
    >>> pattern.accepts(state).tolist()
    [True]
    """

    def __init__(self, text: str, naming: Naming, size: int) -> None:
        self._nfa = Nondeterministic()
        whole = _Parser(text, naming, size).parsed()(self._nfa)
        self._end = whole.end
        letters = np.array([letter for letter in self._nfa.letters if letter is not None]).reshape(-1, size)
        #: values that no letter tells apart are one class, known by one of them
        _, self._of_class, self._class = np.unique(letters, axis=1, return_index=True, return_inverse=True)
        self._sets: list[frozenset[int]] = []
        self._number: dict[frozenset[int], int] = {}
        self._table = np.full((0, len(self._of_class)), _UNKNOWN, dtype=np.int64)
        self._number_of(self._nfa.closure({whole.begin}))

    def advance(self, states: IntArray, values: IntArray) -> IntArray:
        """The states after one more value each: (n,); DEAD where the pattern cannot be matched any more."""
        kinds = self._class.ravel()[values]
        unknown = np.flatnonzero(self._table[states, kinds] == _UNKNOWN)
        for state, kind in {*zip(states[unknown].tolist(), kinds[unknown].tolist(), strict=True)}:
            reached = self._nfa.after(self._sets[state], int(self._of_class[kind]))
            self._table[state, kind] = self._number_of(reached) if reached else DEAD
        following: IntArray = self._table[states, kinds]
        return following

    def accepts(self, states: IntArray) -> BoolArray:
        """Where the whole pattern has been matched: (n,)."""
        distinct, inverse = np.unique(states, return_inverse=True)
        return np.array([self._end in self._sets[state] for state in distinct.tolist()], dtype=bool)[inverse]

    def _number_of(self, states: frozenset[int]) -> int:
        number = self._number.setdefault(states, len(self._sets))
        if number == len(self._sets):
            if number >= MAX_STATES:
                raise UsageError(f"the pattern leads to more than {MAX_STATES:,} states: ask for something simpler")
            self._sets.append(states)
            if number >= len(self._table):
                more = np.full((max(16, len(self._table)), self._table.shape[1]), _UNKNOWN, dtype=np.int64)
                self._table = np.concatenate([self._table, more])
        return number


_UNKNOWN = -2


class _Parser:
    """Recursive descent: alternatives of rows of repeated parts."""

    def __init__(self, text: str, naming: Naming, size: int) -> None:
        self._text, self._naming, self._size = text, naming, size
        self._tokens = _TOKEN.findall(text)
        self._place = 0
        if _TOKEN.sub("", text).strip():
            raise self._error("a '{' is not closed, or a '}' closes nothing")

    def parsed(self) -> _Builder:
        """The whole text."""
        whole = self._either()
        if self._next():
            raise self._error(f"'{self._next()}' closes nothing, or stands where nothing can repeat")
        return whole

    def _either(self) -> _Builder:
        rows = [self._row()]
        while self._take("|"):
            rows.append(self._row())
        return rows[0] if len(rows) == 1 else _either(rows)

    def _row(self) -> _Builder:
        parts = []
        while self._next() not in ("", "|", ")", "*", "+", "?") and not self._next().startswith("{"):
            parts.append(self._repeated())
        return _row(parts)

    def _repeated(self) -> _Builder:
        part = self._single()
        while (token := self._next()) in _STARS or token.startswith("{"):
            self._place += 1
            part = _repeated(part, *(_STARS.get(token) or self._braces(token)))
        return part

    def _braces(self, token: str) -> tuple[int, int | None]:
        match = _BRACES.fullmatch(token)
        least = int(match[1]) if match else 0
        most = None if match and match[2] and not match[3] else int(match[3] or least) if match else 0
        if not match or (most is not None and most < least) or max(least, most or 0) > MAX_REPEATS:
            raise self._error(f"'{token}' is no number of times: expected {{3}}, {{2,4}} or {{2,}} up to {MAX_REPEATS}")
        return least, most

    def _single(self) -> _Builder:
        if self._take("("):
            inner = self._either()
            if not self._take(")"):
                raise self._error("a '(' is not closed")
            return inner
        if self._take("["):
            return _letter(self._choice())
        if self._take("."):
            return _letter(np.ones(self._size, dtype=bool))
        return _letter(self._value())

    def _choice(self) -> BoolArray:
        """What stands between square brackets."""
        others, chosen = self._take("^"), np.zeros(self._size, dtype=bool)
        while not self._take("]"):
            low = self._value()
            chosen |= self._span(low, self._value()) if self._take("-") else low
        return ~chosen if others else chosen

    def _span(self, low: BoolArray, high: BoolArray) -> BoolArray:
        first, last = np.flatnonzero(low), np.flatnonzero(high)
        if len(first) != 1 or len(last) != 1 or first[0] > last[0]:
            raise self._error("a range goes from one value up to another, as in [C4-G4]")
        places = np.arange(self._size)
        span: BoolArray = (first[0] <= places) & (places <= last[0])
        return span

    def _value(self) -> BoolArray:
        name = self._next()
        if not name or name in "][().|*+?^-":
            raise self._error(f"a value was expected before '{name}'" if name else "a bracket is not closed")
        self._place += 1
        return self._naming(name)

    def _next(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _take(self, token: str) -> bool:
        here = self._next() == token
        self._place += here
        return here

    def _error(self, reason: str) -> InvalidParameterError:
        return InvalidParameterError(f"'{self._text}' is no pattern: {reason}")


def _letter(values: BoolArray) -> _Builder:
    def build(nfa: Nondeterministic) -> _Part:
        end = nfa.state()
        return _Part(nfa.state(end, letter=values), end)

    return build


def _row(parts: list[_Builder]) -> _Builder:
    def build(nfa: Nondeterministic) -> _Part:
        begin = end = nfa.state()
        for part in parts:
            built = part(nfa)
            nfa.following[end].append(built.begin)
            end = built.end
        return _Part(begin, end)

    return build


def _either(rows: list[_Builder]) -> _Builder:
    def build(nfa: Nondeterministic) -> _Part:
        built = [row(nfa) for row in rows]
        end = nfa.state()
        for part in built:
            nfa.following[part.end].append(end)
        return _Part(nfa.state(*(part.begin for part in built)), end)

    return build


def _repeated(part: _Builder, least: int, most: int | None) -> _Builder:
    """`part` so many times; what is optional may be left out from behind."""

    def any_number(nfa: Nondeterministic) -> _Part:
        built, end = part(nfa), nfa.state()
        begin = nfa.state(built.begin, end)
        nfa.following[built.end].append(begin)
        return _Part(begin, end)

    def up_to(nfa: Nondeterministic, times: int) -> _Part:
        end = nfa.state()
        begin = end
        for _ in range(times):
            built = part(nfa)
            nfa.following[built.end].append(begin)
            begin = nfa.state(built.begin, end)
        return _Part(begin, end)

    rest = any_number if most is None else lambda nfa: up_to(nfa, most - least)
    return _row([*[part] * least, rest])
