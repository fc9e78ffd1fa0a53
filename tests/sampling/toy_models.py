"""A tiny random model with known contexts, and its pieces enumerated: the ground truth of the sampling tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from stochastic_music.protocols import Arcs
from stochastic_music.tokens import ClockState, Field, Header, Meter, Vocabulary

#: two durations and three pitches; a unit is a quarter note
MELODY = Vocabulary((Field("duration", 2, first=1, advances="later"), Field("pitch", 3, first=60)), resolution=1)
#: chords: an event starts `shift` after the one before and sounds for its duration
CHORDS = Vocabulary(
    (Field("shift", 2, advances="now"), Field("duration", 2, first=1, advances="sounds"), Field("pitch", 2, first=60)),
    resolution=1,
)
#: no time at all
WORDS = Vocabulary.plain(3)

Piece = tuple[int, ...]

PLAIN = Header(1, (Meter(0, 2, 4),))
PICKUP = Header(1, (Meter(0, 2, 4),), pickup=1)
CHANGE = Header(1, (Meter(0, 2, 4), Meter(2, 3, 4)))


class ToyModel:
    """Remembers the field due, the latest two symbols and the latest mark; random probabilities, some exactly 0.

    Context: ((due * S + older) * S + newer) * M + mark, S symbols and one for none, M marks and one for none.
    """

    def __init__(
        self, vocabulary: Vocabulary, seed: int = 0, marks: tuple[int, ...] = (), *, zeros: bool = True
    ) -> None:
        self.vocabulary_ = vocabulary
        self._marks = np.array(sorted(marks), dtype=np.int64)
        self._s, self._m = vocabulary.n_symbols + 1, len(marks) + 1
        self.n_contexts = (vocabulary.n_fields + 1) * self._s**2 * self._m
        weights = np.random.default_rng(seed).gamma(0.5, size=(self.n_contexts, vocabulary.n_symbols))
        weights = np.where(weights < 0.01, 0.0, weights) if zeros else weights + 0.01
        weights[:, -1] += 0.3  # pieces end
        due = np.arange(self.n_contexts) // (self._s**2 * self._m)
        weights *= vocabulary.due_mask[due]
        field_mass = weights.sum(axis=1, keepdims=True) > 0
        weights = np.where(field_mass, weights, vocabulary.due_mask[due])
        self._probs = weights / weights.sum(axis=1, keepdims=True)

    def fit(self, corpus: object) -> ToyModel:
        raise NotImplementedError

    def start(self) -> int:
        return ((self._s - 1) * self._s + self._s - 1) * self._m + self._m - 1

    def hear(self, contexts: np.ndarray, marks: np.ndarray) -> np.ndarray:
        if not len(self._marks):
            return contexts
        at = np.minimum(np.searchsorted(self._marks, marks), len(self._marks) - 1)
        known = self._marks[at] == marks
        return np.where(known, contexts - contexts % self._m + at, contexts)

    def arcs(self, contexts: np.ndarray) -> Arcs:
        row, symbol = np.nonzero(self._probs[contexts])
        return Arcs(row, symbol, np.log(self._probs[contexts[row], symbol]), self._next(contexts[row], symbol))

    def _next(self, contexts: np.ndarray, symbols: np.ndarray) -> np.ndarray:
        mark, rest = contexts % self._m, contexts // self._m
        newer, due = rest % self._s, rest // self._s**2
        n = self.vocabulary_.n_fields
        ended = (symbols == self.vocabulary_.end) | (due == n)
        due = np.where(ended, n, (due + 1) % n)
        return ((due * self._s + newer) * self._s + symbols) * self._m + mark

    def initial_state(self, batch_size: int = 1, header: object = None) -> tuple[np.ndarray, ClockState]:
        headers = list(header) if isinstance(header, list | tuple) else [header] * batch_size
        clock = self.vocabulary_.clock.start(headers)
        return self._hearing(np.full(batch_size, self.start()), clock), clock

    def advance(self, state: tuple[np.ndarray, ClockState], symbols: np.ndarray) -> tuple[np.ndarray, ClockState]:
        clock = self.vocabulary_.clock.advance(state[1], symbols)
        return self._hearing(self._next(state[0], symbols), clock), clock

    def _hearing(self, contexts: np.ndarray, clock: ClockState) -> np.ndarray:
        return np.where(clock.due == 0, self.hear(contexts, self.vocabulary_.clock.marks(clock)), contexts)

    def next_log_probs(self, state: tuple[np.ndarray, ClockState]) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.log(self._probs[state[0]])


class EndlessMemory:
    """A toy model with its finite contexts hidden: nothing but the three autoregressive methods."""

    def __init__(self, model: ToyModel) -> None:
        self.vocabulary_ = model.vocabulary_
        self.fit, self.initial_state = model.fit, model.initial_state
        self.advance, self.next_log_probs = model.advance, model.next_log_probs


def marks_of(vocabulary: Vocabulary, *headers: Header) -> tuple[int, ...]:
    """Every mark that music of up to 12 units can meet."""
    found = set()
    for header in headers:
        for time in range(12):
            start = vocabulary.clock.start([header])
            found.add(int(vocabulary.clock.marks(start._replace(time=np.array([time])))[0]))
    return tuple(found)


def pieces(
    model: ToyModel, header: Header | None, most: int, hopeless: Callable[[tuple[int, ...]], bool] = lambda _: False
) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every piece of at most `most` events with its log probability, END last, but for branches that are `hopeless`."""
    end, limit = model.vocabulary_.end, most * model.vocabulary_.n_fields
    stack = [((), 0.0, model.initial_state(1, header))]
    while stack:
        symbols, log_prob, state = stack.pop()
        row = model.next_log_probs(state)[0]
        for symbol in np.flatnonzero(row > -np.inf).tolist():
            longer = (*symbols, symbol)
            if symbol == end:
                yield longer, log_prob + row[symbol]
            elif len(longer) <= limit and not hopeless(longer):
                stack.append((longer, log_prob + row[symbol], model.advance(state, np.array([symbol]))))


def events(vocabulary: Vocabulary, piece: Piece) -> list[list[int]]:
    values = vocabulary.values(np.array(piece, dtype=np.int64)).tolist()
    values = values[:-1] if piece and piece[-1] == vocabulary.end else values
    return [values[i : i + vocabulary.n_fields] for i in range(0, len(values), vocabulary.n_fields)]


def stops_at(vocabulary: Vocabulary, piece: Piece) -> int:
    """When the music stops sounding, worked out without the clock."""
    if vocabulary is MELODY:
        return sum(event[0] for event in events(vocabulary, piece))
    onset, stop = 0, 0
    for event in events(vocabulary, piece):
        onset += event[0]
        stop = max(stop, onset, onset + event[1] if len(event) > 1 else 0)
    return stop
