"""New pieces: begun by a Markov model that meets every demand, then walked until the maximum-entropy model is heard.

A pairwise model cannot be drawn from left to right. Its chains need a piece to begin with, which says how many notes
there are and how long they take together; a Markov model of the same corpus draws one, exactly under the constraint.
Then sweeps follow: Gibbs updates of all fields that do not move time, and figures of rhythm that change places (see
`chains` and `rhythm`). Lengths and bar lines are as they were at the start; so are the notes that were given.

What a constraint asks of symbols one by one (a range, a scale) is met by drawing from the symbols that it allows. What
it asks of length and time holds by itself. For anything else chains go note by note, and each change is tried on the
constraint's automaton (see `watching`), which is slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from stochastic_music.constraints import AtMost, Bars, Length, conjuncts
from stochastic_music.constraints.automata.automaton import MaskAutomaton
from stochastic_music.corpus import TokenCorpus
from stochastic_music.models.maxent.chains import Chains, fields_of, side_by_side
from stochastic_music.models.maxent.events import Columns, Events, events_of
from stochastic_music.models.maxent.potentials import Potentials
from stochastic_music.models.maxent.rhythm import LONGEST, Figures, Rhythm, time_fields
from stochastic_music.models.maxent.watching import Watch
from stochastic_music.protocols import BoolArray, Constraint, IntArray
from stochastic_music.sampling import Sample
from stochastic_music.sampling.compiling import by_timing
from stochastic_music.tokens import Header, Vocabulary

#: numbers of steps from sweep to sweep, more than a sweep has; odd, so that figures of all widths take turns
_STRIDE = (1 << 16) + 1


class Walk(NamedTuple):
    """What chains walk on: the parts of a fitted model, and for how many sweeps. `figures` are of each width."""

    potentials: Potentials
    columns: Columns
    vocabulary: Vocabulary
    blocked: BoolArray
    figures: tuple[Figures, ...]
    n_sweeps: int
    temperature: float


def walked(walk: Walk, begun: Sequence[Sample], constraint: Constraint | None, key: int) -> list[Sample]:
    """The pieces `begun` after the walk's sweeps; piece i depends on its beginning, its number and the seed alone."""
    out = list(begun)
    for group in by_timing([each.header for each in begun]):
        pieces = [begun[i] for i in group]
        moved = _Group(walk, pieces, constraint, key, np.array(group)).walk()
        for i, piece, symbols in zip(group, pieces, moved, strict=True):
            out[i] = replace(piece, symbols=symbols, log_prob=float("nan"), guarantee="metropolis")
    return out


class _Group:
    """Pieces under one timing, which walk side by side."""

    def __init__(
        self, walk: Walk, pieces: Sequence[Sample], constraint: Constraint | None, key: int, numbers: IntArray
    ) -> None:
        columns, reach, header = walk.columns, walk.potentials.reach, pieces[0].header
        self.walk_, self.pieces = walk, pieces
        self.symbols, self.events = _laid_out(pieces, walk)
        self.lengths = self.events.lengths
        mask, others = _split(constraint, walk.vocabulary, header)
        self.watch = Watch(others, walk.vocabulary, header, self.symbols) if others else None
        fields = fields_of(
            walk.potentials, columns, walk.blocked, allowed=mask[columns.symbols], temperature=walk.temperature
        )
        self.first = pieces[0].n_given // columns.n_fields
        cells, live = side_by_side(self.events, columns, reach)
        live[: self.first] = False
        moving = time_fields(walk.vocabulary)
        still = [field for field in fields if field.slot not in moving]
        self.chains = Chains(cells, live, still, reach, seed=key, numbers=numbers)
        self.rhythm = Rhythm(walk.figures, fields, columns, reach)

    def walk(self) -> list[IntArray]:
        """The symbols of each piece after all sweeps."""
        n_figures = self.lengths // LONGEST + 1
        for sweep in range(self.walk_.n_sweeps):
            if self.watch is None:
                self.chains.sweep()
            else:
                self._sweep_watched(self.watch, sweep)
            for step in range(int(n_figures.max()) if self.walk_.figures else 0):
                self._change_figure(np.where(step < n_figures, self.lengths, 0), sweep * _STRIDE + step)
        return self._written()

    def _sweep_watched(self, watch: Watch, sweep: int) -> None:
        """Gibbs updates event by event: what the constraint refuses stays as it was."""
        cells, reach = self.chains.cells, self.walk_.potentials.reach
        for t in range(self.first, len(self.chains.live)):
            for field in self.chains.fields:
                old = cells[reach + t].copy()
                self.chains.update(slice(t, t + 1), field, sweep * _STRIDE + t)
                rows = np.flatnonzero((cells[reach + t] != old).any(axis=0))
                if not len(rows):
                    continue
                kept = watch.accept(rows, np.full(len(rows), t * self.walk_.columns.n_fields), self._at(rows, t, 1))
                cells[reach + t][:, rows[~kept]] = old[:, rows[~kept]]

    def _change_figure(self, lengths: IntArray, number: int) -> None:
        before = self.chains.cells.copy() if self.watch else None
        moved = self.rhythm.step(self.chains, lengths, number, first=self.first)
        if self.watch is None or before is None:
            return
        for row, at in zip(*moved[:2], strict=True):  # figures begin at different places
            new = self._at(np.array([row]), int(at), moved.width)
            if not self.watch.accept(np.array([row]), np.array([at * self.walk_.columns.n_fields]), new)[0]:
                self.chains.cells[:, :, row] = before[:, :, row]

    def _at(self, rows: IntArray, event: int, width: int) -> IntArray:
        """The symbols of `width` events of some chains: (n, width * n_fields)."""
        first = self.walk_.potentials.reach + event
        values = self.chains.cells[first : first + width, :-1][:, :, rows].transpose(2, 0, 1)
        return self.walk_.columns.symbols_of(values).reshape(len(rows), -1)

    def _written(self) -> list[IntArray]:
        """What was given stays as it stands, also where the model does not know its symbols."""
        out, n_fields = [], self.walk_.columns.n_fields
        for i, (piece, length) in enumerate(zip(self.pieces, self.lengths.tolist(), strict=True)):
            symbols = piece.symbols.copy()
            walked = self._at(np.array([i]), self.first, length - self.first)[0]
            symbols[self.first * n_fields : length * n_fields] = walked
            out.append(symbols)
        return out


def _laid_out(pieces: Sequence[Sample], walk: Walk) -> tuple[IntArray, Events]:
    """All symbols, END filling the rows up, and the events."""
    end = walk.vocabulary.end
    rows = [piece.symbols[piece.symbols != end] for piece in pieces]
    corpus = TokenCorpus.from_sequences(rows, walk.vocabulary, headers=[piece.header for piece in pieces])
    padded = np.pad(corpus.padded(), ((0, 0), (0, 1)), constant_values=end)
    return padded, events_of(corpus, walk.columns)


def _split(
    constraint: Constraint | None, vocabulary: Vocabulary, header: Header | None
) -> tuple[BoolArray, list[Constraint]]:
    """The symbols that a constraint allows anywhere, and those of its parts that must be watched."""
    mask, others = np.ones(vocabulary.n_symbols, dtype=bool), []
    lasting = any(field.advances == "sounds" for field in vocabulary.fields)
    for part in conjuncts(constraint) if constraint is not None else ():
        if isinstance(part, (Length, AtMost)) or (isinstance(part, Bars) and not lasting):
            continue  # no change touches these
        automaton = part.compile(vocabulary, header)
        if isinstance(automaton, MaskAutomaton) and _is_mask_alone(automaton, vocabulary):
            mask &= automaton.mask
        else:
            others.append(part)
    return mask, others


def _is_mask_alone(automaton: MaskAutomaton, vocabulary: Vocabulary) -> bool:
    """Whether what is needed is there in any case: all that the mask leaves of some field."""
    missing = automaton.mask & ~automaton.needed
    fields = zip(vocabulary.starts, vocabulary.starts[1:], strict=False)
    return any(not missing[first:last].any() for first, last in fields)
