"""Draws under constraints against the truth, which is enumerated: every piece of up to three notes of a toy alphabet.

`Truth` holds all pieces under a header with the probability that a model gives each. A constraint, in its plain
reading, leaves some of them; divided by their sum these are the conditioned model. `goodness` compares draws with
that, and `homogeneity` with what is left of draws that were not conditioned, which is rejection sampling.

The kinds of constraints are those of `tests.constraints.kinds`, and copying, which needs a corpus. Every case also
demands at most three notes, so that enumeration holds all there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import chi2

from stochastic_music.constraints import AtMost, EndsOn, MaxCopy, Not, StartsOn
from stochastic_music.corpus import TokenCorpus
from stochastic_music.models import HMM, PPM, Markov
from stochastic_music.protocols import Constraint
from stochastic_music.sampling import ExactSampler, Shaping, sample
from stochastic_music.sampling.exact import finite_contexts
from stochastic_music.tokens import Header
from tests.constraints.kinds import KINDS, MELODY, PICKUP, PLAIN, Heard, Kind, every_piece

#: notes of the longest piece that is enumerated
MOST = 3
#: draws are compared in cells of so many at least, rarer pieces together
LEAST = 10


def _learned() -> TokenCorpus:
    """Short tunes, so that pieces of up to three notes are likely."""
    random, rows = np.random.default_rng(8), []
    for n in (1, 2, 3, 2, 3, 1, 2, 3, 4, 2, 3, 2):
        events = np.stack([start + random.integers(0, size, n) for start, size in ((0, 2), (2, 2), (4, 3))], axis=1)
        rows.append(events.ravel())
    headers = [PLAIN, PICKUP] * (len(rows) // 2)
    return TokenCorpus.from_sequences(rows, MELODY, headers=headers)


CORPUS = _learned()
MODELS: dict[str, Any] = {
    "markov, order 2": Markov(2),
    "markov, order 1, Witten-Bell": Markov(1, "witten_bell"),
    "markov, order 1, unsmoothed": Markov(1, "none"),
    "markov, order 0, add 1": Markov(0, "add_k"),
    "PPM, order 2": PPM(2),
    "PPM, escape a, back-off": PPM(2, "a", interpolated=False),
    "HMM, 3 states": HMM(3, n_restarts=1, n_iterations=10),
    "HMM, deaf": HMM(2, n_restarts=1, n_iterations=10, clock=False),
}


def _steps(heard: Heard) -> list[tuple[int, ...]]:
    """Each note but the first, by interval and rhythm from the one before."""
    pairs = zip(heard.notes, heard.notes[1:], strict=False)
    return [(b.pitch - a.pitch, b.onset - a.onset, a.duration, b.duration) for a, b in pairs]


def _copied() -> set[tuple[int, ...]]:
    pieces = [MELODY.values(row[:-1]).reshape(-1, MELODY.n_fields).tolist() for row in CORPUS]
    return {step for events in pieces for step in _steps(Heard(MELODY, PLAIN, tuple(map(tuple, events))))}


#: no two notes as anywhere in the corpus: a demand on neighbors, since pieces are short
COPIES = Kind("no copies", lambda: MaxCopy(CORPUS, 1), lambda h: not set(_steps(h)) & _copied())
EVERY_KIND: list[Kind] = [
    *KINDS,
    COPIES,
    Kind("not", lambda: Not(EndsOn("C4")), lambda h: h.pitches[-1:] != [60]),
    Kind("or", lambda: StartsOn("D4") | EndsOn("D4"), lambda h: 62 in (h.pitches[:1] + h.pitches[-1:])),
]


class Demand(NamedTuple):
    """One kind or several together, under which at most three notes are drawn."""

    kinds: tuple[Kind, ...]

    @property
    def name(self) -> str:
        return " and ".join(kind.name for kind in self.kinds)

    def constraint(self) -> Constraint:
        demands: Any = AtMost(MOST)
        for kind in self.kinds:
            demands = kind.make() & demands
        return demands


ALONE = [Demand((kind,)) for kind in EVERY_KIND]
PAIRS = [Demand(pair) for pair in combinations(EVERY_KIND, 2)]


class Pieces:
    """All pieces of up to three notes under a header, and which of them each kind leaves."""

    def __init__(self, header: Header) -> None:
        self.header = header
        self.heard = list(every_piece(MELODY, header, MOST))
        self.rows = np.full((len(self.heard), MOST * MELODY.n_fields + 1), MELODY.end)
        firsts = np.array([field.first for field in MELODY.fields])
        for row, piece in zip(self.rows, self.heard, strict=True):
            symbols = np.array(piece.events, dtype=np.int64).reshape(-1, MELODY.n_fields) - firsts + MELODY.starts[:-1]
            row[: symbols.size] = symbols.ravel()
        codes = self._codes(self.rows)
        self._order = np.argsort(codes)
        self._codes_in_order = codes[self._order]
        self._holding: dict[str, np.ndarray] = {}

    def _codes(self, rows: np.ndarray) -> np.ndarray:
        return rows @ MELODY.n_symbols ** np.arange(self.rows.shape[1])

    def holding(self, demand: Demand) -> np.ndarray:
        """Which pieces are as demanded: (n_pieces,)."""
        for kind in demand.kinds:
            if kind.name not in self._holding:
                self._holding[kind.name] = np.array([kind.holds(piece) for piece in self.heard])
        return np.logical_and.reduce([self._holding[kind.name] for kind in demand.kinds])

    def counted(self, draws: np.ndarray) -> np.ndarray:
        """How often each piece was drawn, (n_pieces,); longer ones are left out: draws (n, n_steps), END last."""
        width = self.rows.shape[1]
        padded = np.full((len(draws), width), MELODY.end)
        padded[:, : draws.shape[1]] = draws[:, :width]
        short = padded[:, width - 1] == MELODY.end
        codes = self._codes(padded[short])
        places = self._order[np.searchsorted(self._codes_in_order, codes)]
        return np.bincount(places, minlength=len(self.heard))


PIECES = {header: Pieces(header) for header in (PLAIN, PICKUP)}


class Truth:
    """What a model says of all pieces under a header, and what it draws by itself."""

    def __init__(self, name: str, header: Header) -> None:
        self.model, self.pieces = MODELS[name].fit(CORPUS), PIECES[header]
        whole = [row[: int(np.argmax(row == MELODY.end))] for row in self.pieces.rows]
        corpus = TokenCorpus.from_sequences(whole, MELODY, headers=[header] * len(whole))
        self.log_prob = corpus.sums(self.model.corpus_log_probs(corpus))

    def conditioned(self, demand: Demand) -> np.ndarray:
        """The probability of each piece as demanded, not divided by their sum: (n_pieces,)."""
        return np.where(self.pieces.holding(demand), np.exp(self.log_prob), 0.0)

    def sampler(self, demand: Demand) -> ExactSampler:
        contexts = finite_contexts(self.model, Shaping())
        assert contexts is not None
        return ExactSampler(contexts, demand.constraint(), self.pieces.header)

    def drawn(self, demand: Demand, n: int, seed: int) -> np.ndarray:
        """How often each piece came in `n` exact draws."""
        return self.pieces.counted(self.sampler(demand).draw(np.arange(n), key=seed)[0])

    def masked(self, demand: Demand, n: int, seed: int) -> np.ndarray:
        """How often each piece came in `n` greedy draws: the negative control."""
        drawn = sample(
            self.model, n, header=self.pieces.header, constraint=demand.constraint(), method="greedy", seed=seed
        )
        return self.pieces.counted(_padded([one.symbols for one in drawn]))

    @cached_property
    def free(self) -> np.ndarray:
        """How often each piece came in 10^5 draws that nothing was demanded of, symbol by symbol."""
        random, n = np.random.default_rng(77), 100_000
        draws = np.full((n, self.pieces.rows.shape[1]), MELODY.end)
        state = self.model.initial_state(n, self.pieces.header)
        for column in draws.T:
            probability = np.exp(self.model.next_log_probs(state)).cumsum(axis=1)
            column[:] = (probability < random.random((n, 1)) * probability[:, -1:]).sum(axis=1)
            state = self.model.advance(state, column)
        return self.pieces.counted(draws)


def _padded(rows: Sequence[np.ndarray]) -> np.ndarray:
    padded = np.full((len(rows), max(len(row) for row in rows)), MELODY.end)
    for out, row in zip(padded, rows, strict=True):
        out[: len(row)] = row
    return padded


def goodness(counts: np.ndarray, weights: np.ndarray) -> float:
    """The p-value of Pearson's chi-square of counts against weights; 0 where something came that cannot."""
    if counts[weights == 0].any():
        return 0.0
    expected = weights / weights.sum() * counts.sum()
    seen, expected = _pooled(np.stack([counts, expected]), expected)
    statistic = ((seen - expected) ** 2 / expected).sum()
    return float(chi2.sf(statistic, len(seen) - 1)) if len(seen) > 1 else 1.0


def homogeneity(first: np.ndarray, second: np.ndarray) -> float:
    """The p-value of Pearson's chi-square of two rows of counts being draws of one distribution; 1 for too few."""
    both = np.stack([first, second]).astype(np.float64)
    if both.sum(axis=1).min() < LEAST:
        return 1.0
    both = _pooled(both, both.sum(axis=0) * both.sum(axis=1).min() / both.sum())
    expected = both.sum(axis=1, keepdims=True) * both.sum(axis=0) / both.sum()
    statistic = ((both - expected) ** 2 / expected).sum()
    return float(chi2.sf(statistic, both.shape[1] - 1)) if both.shape[1] > 1 else 1.0


def _pooled(table: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """The columns of which enough is expected, and all others as one, joined to the smallest where it is too small."""
    common = expected >= LEAST
    rest = table[:, ~common].sum(axis=1, keepdims=True)
    if expected[~common].sum() >= LEAST or not common.any():
        return np.hstack([table[:, common], rest])
    kept = table[:, common]
    kept[:, [np.argmin(expected[common])]] += rest
    return kept
