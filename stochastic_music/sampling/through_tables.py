"""Ancestral sampling of many pieces at once: a model of finitely many contexts as a table, on a back end.

To lay out a model takes longer than to draw a handful of pieces; after that pieces cost next to nothing. What is drawn
is what `ancestral` draws step by step, note for note: both choose by alias columns made of the same row, with the same
words. So tables may hold the pieces of some headers, and steps draw the rest: a meter that changes late in a piece
makes a table too large, for its states are then all places up to there.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from stochastic_music import _backends
from stochastic_music.errors import ProductTooLargeError, UsageError
from stochastic_music.protocols import FiniteContextModel, IntArray
from stochastic_music.sampling.backends.alias import AliasTable, Symbols
from stochastic_music.sampling.backends.exploring import Explored
from stochastic_music.sampling.backends.simulation import Begin, Make, maker, played
from stochastic_music.sampling.compiling import by_timing
from stochastic_music.sampling.drawing import NO_START, Sample, as_samples, vocabulary_of
from stochastic_music.sampling.shaping import Shaping
from stochastic_music.tokens import Header

_log = logging.getLogger(__name__)
#: pieces of one timing from which on a table is made for it, and arcs that it may have, where nobody asked
MANY, _MOST_ARCS = 1000, 2_000_000
#: symbols that chains of a batch may come to
_BATCH = 1 << 24


class Tables:
    """Draws pieces of `model` after `start` on `backend`, for those of the headers that it `holds`: (n_headers,) bool.

    These are headers of a timing that `fewest` or more have, under which the model has no more than `max_arcs` arcs.
    Raises ProductTooLargeError where that leaves none, UnsatisfiableError for a start that the model holds to be
    impossible.
    """

    def __init__(
        self,
        model: FiniteContextModel,
        headers: list[Header | None],
        *,
        shaping: Shaping,
        start: IntArray = NO_START,
        backend: str | Make = "auto",
        max_arcs: int = _MOST_ARCS,
        fewest: int = 1,
    ) -> None:
        self._vocabulary, self._start, self._backend = vocabulary_of(model), start, backend
        explore = functools.partial(Explored.of, model, shaping=shaping, start=start, limit=max_arcs)
        groups = [group for group in by_timing(headers) if len(group) >= fewest]
        held, parts = _laid_out(explore, headers, groups)
        self._explored, states = Explored.joined(parts)
        self._state_of, self.holds = np.zeros(len(headers), dtype=np.int64), np.zeros(len(headers), dtype=bool)
        for group, state in zip(held, states.tolist(), strict=True):
            self._state_of[group], self.holds[group] = state, True
        self._table = AliasTable.of(self._explored.table)

    def draw(self, headers: list[Header | None], chains: IntArray, *, key: int, max_events: int) -> list[Sample]:
        """A piece for each of `headers`, which are those of the `chains` (n,), ascending, among all, and are held."""
        most = max_events * self._vocabulary.n_fields
        n_steps = most + 1 - len(self._start)
        size = max(4, _BATCH // n_steps // 4 * 4)
        backend = maker(self._backend, len(self._state_of) * n_steps)(self._table)
        samples: list[Sample] = []
        for batch in np.split(chains, np.searchsorted(chains, np.arange(size, chains[-1] + 1, size))):
            first, last = batch[0] // 4 * 4, batch[-1] + 1
            places = self._table.places[self._state_of[first:last]]
            begin = Begin(key, int(first), len(self._start))
            told = played(backend, self._table, places, n_steps, begin)[batch - first]
            samples += self._samples(told, headers[len(samples) :], self._state_of[batch], most)
        return samples

    def _samples(self, told: Symbols, headers: list[Header | None], states: IntArray, most: int) -> list[Sample]:
        end = self._vocabulary.end
        longest = int((told != end).sum(axis=1).max()) + 1
        symbols = told[:, :longest].astype(np.int64)
        how: dict[str, Any] = {"end": end, "most": most, "guarantee": "exact", "start": self._start}
        return as_samples(symbols, self._explored.scores(states, symbols), headers[: len(states)], **how)


def _laid_out(
    explore: Callable[[Header | None], Explored], headers: list[Header | None], groups: list[list[int]]
) -> tuple[list[list[int]], list[Explored]]:
    """The groups of headers that tables can hold, and these; raises ProductTooLargeError where there is none.

    Most pieces come first, and the first group that is too large is the last one tried: to find that out takes long.
    """
    held: list[list[int]] = []
    parts: list[Explored] = []
    for group in sorted(groups, key=len, reverse=True):
        try:
            parts.append(explore(headers[group[0]]))
        except ProductTooLargeError:
            if not held:
                raise
            break
        held.append(group)
    return held, parts


def check_back_end(backend: str | Make) -> None:
    """Raise UnknownNameError, MissingExtraError or MachineError for a name of a back end that cannot be had here."""
    if isinstance(backend, str):
        _backends.chosen(backend)


def tables_for(
    model: Any, headers: list[Header | None], *, backend: str | Make, max_arcs: int, shaping: Shaping, start: IntArray
) -> Tables | None:
    """The tables to draw from; None where all pieces are drawn step by step: they are few, or no table can hold them.

    A back end that is named draws few pieces too, and says how many it leaves to steps. Raises UsageError, or
    ProductTooLargeError, where it can draw none.
    """
    asked = backend != "auto"
    if not isinstance(model, FiniteContextModel):
        if asked and backend != "numpy":
            raise UsageError(f"{type(model).__name__} has no table of transitions to draw from: use backend='auto'")
        return None
    most, fewest = (max_arcs, 1) if asked else (min(max_arcs, _MOST_ARCS), MANY)
    if max(map(len, by_timing(headers))) < fewest:
        return None
    try:
        tables = Tables(model, headers, shaping=shaping, start=start, backend=backend, max_arcs=most, fewest=fewest)
    except ProductTooLargeError:
        if asked:
            raise
        return None
    if asked and not tables.holds.all():
        _log.warning(
            "%s of %s pieces are drawn step by step: under their meters the model is too large for a table",
            f"{(~tables.holds).sum():,}",
            f"{len(headers):,}",
        )
    return tables
