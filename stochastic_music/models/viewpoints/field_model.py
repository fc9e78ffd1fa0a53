"""One field of an event: what was counted for it, how much each term is believed, and the next symbol.

*Candidates* are the symbols that training brought, END among them where it may come. Log-linear mixing is over these;
symbols of the alphabet that were never heard share a small *novelty*, the share of training symbols that a piece
had for itself alone (Good and Turing's estimate, over pieces).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stochastic_music.errors import VocabularyError
from stochastic_music.models.viewpoints.choice import Gains
from stochastic_music.models.viewpoints.past import NONE
from stochastic_music.models.viewpoints.reading import FieldPlan, Reading
from stochastic_music.models.viewpoints.tables import END, FIXED, Keys, Table, Tally
from stochastic_music.models.viewpoints.weights import Weights, bucket, emphasis, evidence, log_sum_exp
from stochastic_music.protocols import BoolArray, FloatArray, IntArray
from stochastic_music.tokens import Vocabulary


@dataclass(frozen=True, eq=False)
class Numbering:
    """Small numbers for what each target sees, the same width for all.

    `low` and `size` (n_targets,) are the ranges seen in training; symbols there get numbers from 0, END `width` - 2,
    values below 0 those before it, anything else `width` - 1. `ids`, `values` and `is_end` (n_candidates,) describe the
    candidates.
    """

    plan: FieldPlan
    ids: IntArray
    values: IntArray
    is_end: BoolArray
    low: IntArray
    size: IntArray

    @classmethod
    def of(cls, plan: FieldPlan, table: Table, ids: IntArray, vocabulary: Vocabulary) -> Self:
        """The numbering of the symbols in `table`."""
        target = plan.target[np.repeat(table.term, np.diff(table.first))]
        low, size = np.zeros((2, len(plan.targets)), dtype=np.int64)
        values = vocabulary.values(ids)
        for i in range(len(plan.targets)):
            seen = table.symbol[(target == i) & (table.symbol <= FIXED)]
            seen = seen if len(seen) else _widest(values)  # counted in the piece alone
            low[i], size[i] = seen.min(), np.ptp(seen) + 1
        return cls(plan, ids, values, ids == vocabulary.end, low, size)

    @cached_property
    def width(self) -> int:
        """Numbers a target."""
        return int(self.size.max(initial=0)) + self._n_fixed + 1

    @cached_property
    def _n_fixed(self) -> int:
        """How many symbols are seen alike from everywhere, END among them."""
        return 1 - int(self.values.min(initial=0))

    def __call__(self, symbols: IntArray, target: IntArray | int) -> IntArray:
        """The numbers of symbols as targets see them (arrays that broadcast)."""
        number = symbols - self.low[target]
        inside = (number >= 0) & (number < self.size[target])
        fixed = (symbols > END - self._n_fixed) & (symbols <= END)
        return np.where(fixed, self.width - 2 - (END - symbols), np.where(inside, number, self.width - 1))

    def of_candidates(self, references: IntArray) -> IntArray:
        """What each target sees of each candidate: references (n, n_targets) -> (n, n_targets, n_candidates)."""
        seen = self.plan.see(self.values[None], references)
        seen[:, :, self.is_end] = np.where(references == NONE, NONE, END)[:, :, None]
        return self(seen, np.arange(seen.shape[1])[:, None])


def _widest(values: IntArray) -> IntArray:
    """The ends of what can be seen from another value, from 0 or from a tonic."""
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    return np.array([low - high - 6, high + 6])


class Recall(NamedTuple):
    """What the piece so far brought after the present contexts.

    `times` is how often each candidate came (n, n_short, n_candidates), `total` how many symbols did, `kinds` how many
    different ones (n, n_short).
    """

    times: IntArray
    total: IntArray
    kinds: IntArray


def recall(numbering: Numbering, past_keys: Keys, past_symbols: IntArray, keys: Keys, candidates: IntArray) -> Recall:
    """Counts of the events in which a short-term term met its present key.

    `past_keys` (n, n_events, n_short), `past_symbols` (n, n_events, n_targets), `keys` (n, n_short), `candidates` as
    `Numbering.of_candidates` gives them.
    """
    n, n_short = keys.shape
    width, target = numbering.width, numbering.plan.target[numbering.plan.short]
    row, event, term = np.nonzero((past_keys == keys[:, None]) & (keys != 0)[:, None])
    symbol = numbering(past_symbols[row, event, target[term]], target[term])
    heard = np.bincount((row * n_short + term) * width + symbol, minlength=n * n_short * width)
    heard[width - 1 :: width] = 0
    rows = width * np.arange(n * n_short).reshape(n, n_short, 1)
    times = heard[rows + candidates[:, target]]
    heard = heard.reshape(n, n_short, width)
    return Recall(times, heard.sum(axis=2), (heard > 0).sum(axis=2))


@dataclass(frozen=True, eq=False)
class FieldModel:
    """What is known of one field; see the module's article.

    `tally` counts the candidates; `weights` are those of the long terms and then of the short ones, 0 for those not
    worth keeping, `learned` says whether there was something to learn them from, `gains` what viewpoints gain. `boost`
    and `cell` (n_entries,) are what an entry of the table adds, and to which number of which target.
    """

    plan: FieldPlan
    table: Table
    numbering: Numbering
    tally: Tally
    weights: Weights
    learned: bool
    gains: Gains
    boost: FloatArray
    cell: IntArray

    @classmethod
    def of(
        cls,
        plan: FieldPlan,
        table: Table,
        tally: Tally,
        vocabulary: Vocabulary,
        *,
        weights: Weights,
        learned: bool,
        gains: Gains,
    ) -> Self:
        """A model of counts and weights."""
        numbering = Numbering.of(plan, table, tally.ids, vocabulary)
        kinds = np.diff(table.first)
        owner = np.repeat(np.arange(len(kinds)), kinds)
        total = np.bincount(owner, table.count, len(kinds)).astype(np.int64)
        term, size = table.term[owner], bucket(total, kinds)[owner]
        boost = weights.believed[term, size] * evidence(table.count) + weights.trusted[term, size]
        target = plan.target[term]
        cell = target * numbering.width + numbering(table.symbol, target)
        return cls(plan, table, numbering, tally, weights, learned, gains, boost, cell)

    def long_term(self) -> Self:
        """The model without its short-term terms."""
        n = self.plan.n_long
        weights = Weights(*(np.where(np.arange(len(part))[:, None] < n, part, 0.0) for part in self.weights))
        return replace(self, weights=weights)

    def short_term(self) -> Self:
        """The model without its long-term terms."""
        return replace(self, boost=np.zeros_like(self.boost))

    @property
    def candidates(self) -> IntArray:
        """Their ids in the vocabulary, ascending: (n_candidates,)."""
        return self.numbering.ids

    @property
    def novelty(self) -> float:
        """What symbols that were never heard share."""
        return self.tally.novelty

    def log_probs(self, reading: Reading, due: BoolArray, possible: BoolArray | None = None) -> FloatArray:
        """The next symbol after each row: (n, n_symbols); `due` (n_symbols,) are the symbols that may come.

        `possible` (n, n_symbols) says which of them can follow each row, None that all can.
        """
        if possible is not None:
            allowed: BoolArray = due & possible
            return self._among(self.scores(reading), allowed)
        out = np.full((len(reading.keys), len(due)), -np.inf)
        unseen = due.copy()
        unseen[self.candidates] = False
        scores = self.scores(reading)
        known = np.log1p(-self.novelty) if unseen.any() else 0.0
        out[:, self.candidates] = scores + (known - log_sum_exp(scores)[:, None])
        if unseen.any():
            out[:, unseen] = np.log(self.novelty / unseen.sum())
        return out

    def _among(self, scores: FloatArray, due: BoolArray) -> FloatArray:
        """The same where the symbols that may come, `due` (n, n_symbols), differ by row."""
        out, unseen = np.full(due.shape, -np.inf), due.copy()
        unseen[:, self.candidates] = False
        scores = np.where(due[:, self.candidates], scores, -np.inf)
        heard: BoolArray = np.asarray(np.isfinite(scores).any(axis=1))
        n_unseen = unseen.sum(axis=1)
        novelty = np.where(n_unseen > 0, np.where(heard, self.novelty, 1.0), 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            out[:, self.candidates] = np.where(
                heard[:, None], scores + (np.log1p(-novelty) - log_sum_exp(scores))[:, None], -np.inf
            )
            share = np.log(novelty / n_unseen)
        rows, symbols = np.nonzero(unseen)
        out[rows, symbols] = share[rows]
        return out

    def scores(self, reading: Reading) -> FloatArray:
        """Log probabilities before normalization: (n, n_candidates)."""
        candidates = self.numbering.of_candidates(reading.references)
        long, met = self._long_scores(reading, candidates)
        short, met_lately = self._short(reading, candidates)
        scores: FloatArray = (long + short.sum(axis=1)) * self._emphasis(met, met_lately)[:, None]
        return scores

    def _emphasis(self, long: BoolArray, short: BoolArray) -> FloatArray:
        """How loud terms speak, (n,), by which of them know the context, (n, n_long) and (n, n_short)."""
        return emphasis(np.concatenate([long, short], axis=1)[:, self._speaking])

    @cached_property
    def _speaking(self) -> BoolArray:
        """Which terms have any weight: (n_long + n_short,)."""
        return np.asarray((self.weights.believed != 0).any(axis=1) | (self.weights.trusted != 0).any(axis=1))

    def _long_scores(self, reading: Reading, candidates: IntArray) -> tuple[FloatArray, BoolArray]:
        """What the long-term terms add to each candidate together, and which of them know the context."""
        n, n_targets, _ = candidates.shape
        n_long, n_cells = self.plan.n_long, n_targets * self.numbering.width
        found = self.table.find(reading.keys[:, :n_long].ravel())
        which, entry = self.table.entries(found)
        cells = which // max(n_long, 1) * n_cells + self.cell[entry]
        heard = np.bincount(cells, self.boost[entry], n * n_cells)
        heard[self.numbering.width - 1 :: self.numbering.width] = 0
        rows = self.numbering.width * np.arange(n * n_targets).reshape(n, n_targets, 1)
        scores: FloatArray = heard[rows + candidates].sum(axis=1)
        return scores, (found >= 0).reshape(n, n_long)

    def _short(self, reading: Reading, candidates: IntArray) -> tuple[FloatArray, BoolArray]:
        """What each short-term term adds to each candidate, (n, n_short, n_candidates), and which know the context."""
        memory, short = reading.memories[reading.field], self.plan.short
        if not len(short) or not memory.keys.shape[1]:
            shape = (len(candidates), len(short), candidates.shape[2])
            return np.zeros(shape), np.zeros(shape[:2], dtype=bool)
        found = recall(self.numbering, memory.keys, memory.symbols, reading.keys[:, short], candidates)
        term, size = self.plan.n_long + np.arange(len(short)), bucket(found.total, found.kinds)
        believed, trusted = self.weights.believed[term, size], self.weights.trusted[term, size]
        boost = believed[:, :, None] * evidence(found.times) + trusted[:, :, None]
        heard: FloatArray = np.where(found.times > 0, boost, 0.0)
        return heard, found.total > 0

    def contributions(self, reading: Reading, symbols: IntArray) -> dict[str, FloatArray]:
        """What each term says for or against each row's symbol, in nats: (n,) by name, `..., short` in the piece."""
        if not np.isin(symbols, self.candidates).all():
            raise VocabularyError("no term has heard of a symbol that training never brought")
        scores = self.scores(reading)
        expected = np.exp(scores - log_sum_exp(scores)[:, None])
        chosen = np.searchsorted(self.candidates, symbols)
        boost = self.boosts(reading)
        said = np.take_along_axis(boost, chosen[:, None, None], axis=2)[:, :, 0] - (boost * expected[:, None]).sum(
            axis=2
        )
        return dict(zip(self.plan.rows, said.T, strict=True))

    def boosts(self, reading: Reading) -> FloatArray:
        """What each term adds to each candidate: (n, n_long + n_short, n_candidates)."""
        candidates, n_long = self.numbering.of_candidates(reading.references), self.plan.n_long
        n, width, target = len(reading.keys), self.numbering.width, self.plan.target[:n_long]
        found = self.table.find(reading.keys[:, :n_long].ravel())
        which, entry = self.table.entries(found)
        cells = which * width + self.cell[entry] % width
        heard = np.bincount(cells, self.boost[entry], n * n_long * width).reshape(n, n_long, width)
        heard[:, :, -1] = 0
        long = np.take_along_axis(heard, candidates[:, target], axis=2)
        short, met_lately = self._short(reading, candidates)
        loud = self._emphasis((found >= 0).reshape(n, n_long), met_lately)
        boosts: FloatArray = np.concatenate([long, short], axis=1) * loud[:, None, None]
        return boosts

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What was learned, as plain arrays."""
        table = self.table
        return {
            "key": table.key,
            "term": table.term.astype(np.int32),
            "first": table.first,
            "symbol": table.symbol.astype(np.int32),
            "count": table.count,
            "candidates": self.tally.ids,
            "times": self.tally.times,
            "pieces": self.tally.pieces,
            "believed": self.weights.believed,
            "trusted": self.weights.trusted,
            "learned": np.array([self.learned]),
            "gain": self.gains.gain,
            "kept": self.gains.kept,
        }

    @classmethod
    def from_arrays(cls, plan: FieldPlan, arrays: Mapping[str, NDArray[Any]], vocabulary: Vocabulary) -> Self:
        """The inverse of `to_arrays`."""
        counts, tally = (
            [arrays[name].astype(np.int64) for name in names]
            for names in (("term", "first", "symbol", "count"), ("candidates", "times", "pieces"))
        )
        table, weights = Table(arrays["key"], *counts), Weights(arrays["believed"], arrays["trusted"])
        gains, learned = Gains.of(plan.parts, arrays["gain"], arrays["kept"]), bool(arrays["learned"][0])
        return cls.of(plan, table, Tally(*tally), vocabulary, weights=weights, learned=learned, gains=gains)
