"""Automata: the form in which a sampler understands a constraint.

An automaton reads symbols and ends up DEAD (-1) or alive; a piece is accepted if it is alive after
END. Automata here are total, deterministic and pure; states are int64 and mean nothing outside the
automaton that gave them; DEAD absorbs. `progress` numbers the states so that every symbol before END
leads to a greater number, which makes exact sampling a single sweep; it is None where runs may be endless.

An automaton of the same shape by anyone else joins with these. `Joined` passes on what a part may offer
beyond the contract: `marks`, `due`, `phase` and `moment` (it keeps time, see `timeline`) and `describe` (a
place in words); `alike` says which symbols need not be told apart. An automaton of many states that do not keep time
says `wide = True`: exact sampling then carries them along with the model's contexts (`sampling.exact.lifting`), and
so it does with alternatives of which one is wide.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stochastic_music.protocols import DEAD, Automaton, BoolArray, IntArray


class BaseAutomaton:
    """What follows from `advance` alone; subclasses set `n_symbols`."""

    n_symbols: int
    #: whether its states are many and do not keep time: exact sampling then carries them with the model's contexts
    wide: bool = False

    def start(self) -> int:
        """The state before the first symbol."""
        return 0

    def advance(self, states: IntArray, symbols: IntArray) -> IntArray:
        """The states after one more symbol each: both (n,)."""
        raise NotImplementedError

    def allowed(self, states: IntArray) -> BoolArray:
        """Which symbols do not lead to DEAD: (n, n_symbols)."""
        symbols = np.tile(np.arange(self.n_symbols), len(states))
        alive: BoolArray = self.advance(np.repeat(states, self.n_symbols), symbols) != DEAD
        return alive.reshape(len(states), self.n_symbols)

    def alike(self) -> IntArray:
        """Labels of symbols: those of one field and one label lead from every state to the same state, (n_symbols,)."""
        return np.arange(self.n_symbols)

    def progress(self, states: IntArray) -> IntArray | None:  # noqa: ARG002
        """None: runs may be endless."""
        return None


class MaskAutomaton(BaseAutomaton):
    """Accepts what is made of the symbols in `mask`, one of `needed` among them: both (n_symbols,).

    The state is 0 until a needed symbol was heard, then 1.
    """

    def __init__(self, mask: BoolArray, needed: BoolArray | None = None) -> None:
        self.mask = mask
        self.needed = np.ones(len(mask), dtype=bool) if needed is None else needed
        self.n_symbols = len(mask)
        self._free = needed is None

    def start(self) -> int:
        """Nothing heard yet; 1 where nothing is needed."""
        return int(self._free)

    def advance(self, states: IntArray, symbols: IntArray) -> IntArray:
        """1 once a needed symbol came; END must not come before."""
        heard = (states == 1) | self.needed[symbols]
        may = self.mask[symbols] & ((symbols != self.n_symbols - 1) | (states == 1))
        return np.where((states != DEAD) & may, heard.astype(np.int64), DEAD)

    def alike(self) -> IntArray:
        """Whether they may come, and whether they are needed."""
        labels: IntArray = self.mask + 2 * self.needed.astype(np.int64)
        return labels


class CountAutomaton(BaseAutomaton):
    """Accepts `least` to `most` whole events; a state is how many symbols were heard, one more after END."""

    def __init__(self, n_fields: int, n_symbols: int, least: int, most: int) -> None:
        self.n_fields, self.n_symbols = n_fields, n_symbols
        self.least, self.most = least * n_fields, most * n_fields
        self.ended = self.most + 1

    def advance(self, states: IntArray, symbols: IntArray) -> IntArray:
        """Count; END needs a whole number of events within the limits, or an ended piece."""
        complete = (states >= self.least) & (states <= self.most) & (states % self.n_fields == 0)
        closes = complete | (states == self.ended)
        counts = (states >= 0) & (states < self.most)
        is_end = symbols == self.n_symbols - 1
        return np.where(is_end & closes, self.ended, np.where(~is_end & counts, states + 1, DEAD))

    def alike(self) -> IntArray:
        """All of a field."""
        return np.zeros(self.n_symbols, dtype=np.int64)

    def progress(self, states: IntArray) -> IntArray:
        """The count itself."""
        return states

    def describe(self, state: int) -> str:
        """How far the music has come, in words."""
        return f"note {state // self.n_fields + 1}"


class Numbered(BaseAutomaton):
    """Several automata side by side; tuples of their states are numbered as they are met."""

    def __init__(self, parts: Sequence[Automaton], n_symbols: int) -> None:
        self.parts = tuple(parts)
        self.n_symbols = n_symbols
        self._rows: list[tuple[int, ...]] = []
        self._number: dict[tuple[int, ...], int] = {}
        self._number_of(tuple(part.start() for part in self.parts))

    def advance(self, states: IntArray, symbols: IntArray) -> IntArray:
        """All parts advance; `_lives` says which tuples live."""
        alive = np.flatnonzero(states != DEAD)
        out = np.full(len(states), DEAD, dtype=np.int64)
        columns = self._columns(states[alive])
        following = [part.advance(column, symbols[alive]) for part, column in zip(self.parts, columns, strict=True)]
        lives = self._lives([column != DEAD for column in following])
        out[alive[lives]] = self._numbers([column[lives] for column in following])
        return out

    def alike(self) -> IntArray:
        """Those that are so to every part."""
        labels = np.stack([alike(part, self.n_symbols) for part in self.parts])
        return np.unique(labels, axis=1, return_inverse=True)[1].ravel()

    def progress(self, states: IntArray) -> IntArray | None:
        """That of the first part that has one."""
        for part, column in zip(self.parts, self._columns(states), strict=True):
            progress = part.progress(column)
            if progress is not None:
                return progress
        return None

    def _lives(self, alive: list[BoolArray]) -> BoolArray:
        raise NotImplementedError

    def _columns(self, states: IntArray) -> list[IntArray]:
        """The states of each part."""
        distinct, inverse = np.unique(states, return_inverse=True)
        rows = np.array([self._rows[s] for s in distinct], dtype=np.int64).reshape(-1, len(self.parts))
        return list(rows[inverse].T)

    def _numbers(self, columns: list[IntArray]) -> IntArray:
        """The numbers of a batch of tuples; Python sees each distinct tuple once."""
        code = np.zeros(len(columns[0]), dtype=np.int64)
        for column in columns:
            distinct, rank = np.unique(column, return_inverse=True)
            code = np.unique(code, return_inverse=True)[1] * len(distinct) + rank
        _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
        rows = zip(*(column[first].tolist() for column in columns), strict=True)
        return np.array([self._number_of(row) for row in rows], dtype=np.int64)[inverse]

    def _number_of(self, row: tuple[int, ...]) -> int:
        number = self._number.setdefault(row, len(self._rows))
        if number == len(self._rows):
            self._rows.append(row)
        return number


class Joined(Numbered):
    """Accepts what every part accepts."""

    def _lives(self, alive: list[BoolArray]) -> BoolArray:
        lives: BoolArray = np.logical_and.reduce(alive)
        return lives

    def part_with(self, method: str) -> int | None:
        """The first part that has a method of this name."""
        return next((i for i, part in enumerate(self.parts) if provides(part, method)), None)

    def marks(self, states: IntArray) -> IntArray:
        """What the clock shows, told by the part that keeps time."""
        marks: IntArray = self._ask("marks", states)
        return marks

    def due(self, states: IntArray) -> IntArray:
        """The field now due, told by the part that keeps time."""
        due: IntArray = self._ask("due", states)
        return due

    def phase(self, states: IntArray) -> IntArray:
        """What stays when bars pass, told by the part that keeps time."""
        phase: IntArray = self._ask("phase", states)
        return phase

    def moment(self, states: IntArray) -> IntArray:
        """A number that never falls, told by the part that keeps time."""
        moment: IntArray = self._ask("moment", states)
        return moment

    def describe(self, state: int) -> str:
        """A place in words, told by the first part that can; "" where none has anything to tell."""
        told = zip(self.parts, self._rows[state], strict=True)
        texts = (part.describe(own) for part, own in told if hasattr(part, "describe"))
        return next((text for text in texts if text), "")

    def _ask(self, method: str, states: IntArray) -> IntArray:
        i = self.part_with(method)
        assert i is not None  # noqa: S101 - callers ask `provides` first
        answer: IntArray = getattr(self.parts[i], method)(self._columns(states)[i])
        return answer


class Either(Numbered):
    """Accepts what at least one part accepts; parts that died stay DEAD beside the living."""

    def __init__(self, parts: Sequence[Automaton], n_symbols: int) -> None:
        super().__init__(parts, n_symbols)
        keeps_time = any(provides(part, "moment") for part in parts)
        self.wide = not keeps_time and any(getattr(part, "wide", False) for part in parts)

    def _lives(self, alive: list[BoolArray]) -> BoolArray:
        lives: BoolArray = np.logical_or.reduce(alive)
        return lives

    def progress(self, states: IntArray) -> IntArray | None:  # noqa: ARG002
        """Known only where every part counts alike, which it cannot tell: None."""
        return None


def provides(automaton: object, method: str) -> bool:
    """Whether an automaton has an optional method, itself or (if joined) in one of its parts."""
    if isinstance(automaton, Joined):
        return automaton.part_with(method) is not None
    return hasattr(automaton, method)


def alike(automaton: Automaton, n_symbols: int) -> IntArray:
    """What the automaton says of symbols that it cannot tell apart; those of one that says nothing all differ."""
    labels: IntArray = automaton.alike() if hasattr(automaton, "alike") else np.arange(n_symbols)
    return labels


def join(parts: Sequence[Automaton], n_symbols: int) -> Automaton:
    """The automaton of what all parts accept; a single part is given back as it is."""
    return parts[0] if len(parts) == 1 else Joined(parts, n_symbols)
