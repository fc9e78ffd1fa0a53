"""Does Metropolis sampling come to the exact distribution, with every proposal?

Small models whose pieces can be enumerated, every piece a state: words of one to three of three letters (39 states),
and bars of 3/4 made of two durations and three pitches (45 states). The target is the model at temperature 1.5 under a
constraint, so that no proposal is accepted for nothing. 20,000 chains start at one and the same piece; the first 200
states of each count as the way in; then 50 are kept, 6 steps apart: 10^6 draws. Each proposal is mixed with `note` and
`split`, a third each, since alone it may not reach every piece (a swap makes no new notes); the mixture is the usual
one.

Total variation: half the sum of |share among the draws - probability|. As many independent draws would come to about
0.5 sqrt(2 K / (pi N)) for K states, which is what chance alone leaves. Controls: the same without the Hastings
correction.

    python benchmarks/quality/metropolis.py

writes the table beside this script.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import stochastic_music as sm
from stochastic_music.sampling.metropolis import Layout, Mixture, Plan, Target, run
from stochastic_music.sampling.metropolis.catalogue import USUAL, proposals
from stochastic_music.tokens import Field, Header, Meter, Vocabulary

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

N_CHAINS, WAY_IN, KEPT, APART, BAR = 20_000, 200, 50, 6, 0.01
WORDS = Vocabulary.plain(3)
WALTZ = Vocabulary((Field("duration", 2, first=1, advances="later"), Field("pitch", 3, first=60)), resolution=1)
HEADER = Header(1, (Meter(0, 3, 4),))


class Space:
    """A model, all pieces that it may play under a constraint, and their exact probabilities."""

    def __init__(self, name: str, model: Any, constraint: Any, header: Header | None, most: int) -> None:
        self.name, self.layout = name, Layout(model.vocabulary_)
        self.target = Target.of(model, header, temperature=1.5, constraint=constraint)
        every = list(_pieces(model.vocabulary_, most))
        density, _, _ = self.target(self.layout.laid_out(every, most))
        self.pieces = [piece for piece, d in zip(every, density, strict=True) if d > -np.inf]
        weight = np.exp(density[density > -np.inf])
        self.exact, self.most = weight / weight.sum(), most

    def distance(self, proposal: Any) -> tuple[float, float, float]:
        """Total variation after a run, the share of changes accepted, and the seconds it took."""
        began = time.perf_counter()
        start = self.layout.laid_out([self.pieces[0]] * N_CHAINS, self.most)
        counts = np.zeros(len(self.pieces))
        place = {tuple(piece.tolist()): i for i, piece in enumerate(self.pieces)}
        found = run(self.target, start, proposal, Plan(steps=WAY_IN + KEPT * APART, thin=APART), seed=1)
        symbols, lengths = found.symbols[-KEPT:], found.lengths[-KEPT:] - 1
        rows, n = np.unique(np.concatenate([lengths[..., None], symbols], axis=2).reshape(-1, symbols.shape[2] + 1),
                            axis=0, return_counts=True)  # fmt: skip
        for row, count in zip(rows, n, strict=True):
            counts[place[tuple(row[1 : row[0] + 1].tolist())]] += count
        distance = 0.5 * float(np.abs(counts / counts.sum() - self.exact).sum())
        return distance, found.diagnostics.acceptance, time.perf_counter() - began


class Uncorrected:
    """A proposal that claims its way back to be as likely as its way there."""

    def __init__(self, proposal: Any) -> None:
        self.proposal, self.name = proposal, proposal.name

    def propose(self, rng: Any, chains: Any) -> Any:
        """What the proposal gives, without its correction."""
        pieces, log_hastings = self.proposal.propose(rng, chains)
        return pieces, np.where(np.isneginf(log_hastings), log_hastings, 0.0)


def _pieces(vocabulary: Vocabulary, most: int) -> Iterator[np.ndarray]:
    """Every series of up to `most` events, without END."""
    fields = [range(int(a), int(b)) for a, b in itertools.pairwise(vocabulary.starts)]
    for n in range(1, most + 1):
        for events in itertools.product(*fields * n):
            yield np.array(events, dtype=np.int64)


def spaces() -> list[Space]:
    """The two spaces, with models of little music."""
    words = sm.TokenCorpus.from_sequences([[0, 1, 0, 2], [1, 2, 2, 0], [0, 0, 1]], WORDS)
    tunes = [[0, 2, 0, 3, 0, 4], [1, 3, 0, 2], [0, 4, 1, 2], [1, 2, 1, 4, 0, 3]]
    waltzes = sm.TokenCorpus.from_sequences(tunes, WALTZ, headers=[HEADER] * len(tunes))
    letters = sm.Markov(order=2, smoothing="witten_bell").fit(words)
    melodies = sm.Markov(order=1, smoothing="kneser_ney").fit(waltzes)
    return [
        Space("words", letters, sm.Length(1, 3), None, 3),
        Space("waltz", melodies, sm.Bars(1), HEADER, 3),
    ]


def alone(space: Space, name: str) -> Mixture:
    """One proposal, with those that reach every piece."""
    return proposals(space.target, dict.fromkeys((name, "note", "split"), 1.0))


def rows(space: Space) -> Iterator[list[str]]:
    """The lines of one space."""
    chance = 0.5 * np.sqrt(2 * len(space.pieces) / (np.pi * N_CHAINS * KEPT))
    names = [name for name in ("note", *USUAL) if name != "shift" or space.layout.duration is not None]
    cases: list[tuple[str, Any, bool]] = [(name, alone(space, name), True) for name in names]
    cases.append(("all of them", proposals(space.target), True))
    for name in ("note", "split"):
        mixture = alone(space, name)
        wrong = Mixture((Uncorrected(mixture.proposals[0]), *mixture.proposals[1:]), mixture.weights)
        cases.append((f"{name}, not corrected", wrong, False))
    for name, proposal, good in cases:
        distance, acceptance, seconds = space.distance(proposal)
        met = "yes" if (distance < BAR) == good else "no"
        bar = f"below {BAR}" if good else f"above {BAR}"
        figures = [f"{distance:.4f}", f"{chance:.4f}", bar, met, f"{acceptance:.0%}", f"{seconds:.0f}"]
        print(space.name, name, *figures, file=sys.stderr, flush=True)
        yield [f"{space.name} ({len(space.pieces)})", name, *figures]


def main() -> None:
    """Run every case and write the table."""
    found = [row for space in reversed(spaces()) for row in rows(space)]
    question = f"Total variation between {N_CHAINS * KEPT:,} draws of Metropolis chains and the exact distribution"
    header = ["space (states)", "proposal", "distance", "by chance", "bar", "met", "accepted", "seconds"]
    _table.write(Path(__file__).with_suffix(".md"), question, header, found, packages=["numpy"])


if __name__ == "__main__":
    main()
