"""Does a maximum-entropy model hold what it is made to hold, and does it borrow less than a Markov model?

    python benchmarks/quality/maxent.py [--quick]

The sopranos of Bach's chorales as pitches, as in the paper of Sakellariou, Tria, Loreto and Pachet (2017); each model
is fitted to all of them and draws a million notes, pieces as long as the sopranos, as often each. Chains of `MaxEnt`
begin with random notes.

*Pairs*: the correlation of how often each pair of pitches comes, 1 to 5 notes apart, in the music drawn and in the
corpus, over the cells that the corpus has 10 times or more. The bar for K = 5 is 0.98. *Borrowing*: the mean length of
the runs of the corpus out of which the music can be put together, *innovation*: the share of steps that are joints
between runs (`evaluation.borrowing`). The last row is the corpus against itself, each piece out of the others: what the
style borrows from itself. *R-hat* is that of the log density of 64 chains over 400 sweeps, rank-normalised and split.
Markov models are smoothed by Kneser and Ney; their pieces are conditioned on the sopranos' lengths, exactly.

The table in maxent.md is written by this script.
"""

from __future__ import annotations

import argparse
import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy arrives
from pathlib import Path

import numpy as np

import stochastic_music as sm
from stochastic_music.corpus import encode_corpus
from stochastic_music.evaluation import Line, OriginalityIndex, borrowing, own_borrowing
from stochastic_music.models.maxent import Chains
from stochastic_music.models.maxent.chains import fields_of, side_by_side
from stochastic_music.models.maxent.events import Events, events_of
from stochastic_music.sampling import sample

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

#: distances of the pairs that are counted, and how often the corpus must have a cell
DISTANCES, LEAST = 5, 10
N_SWEEPS = 60


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a tenth of the notes")
    options = parser.parse_args()
    corpus, _ = encode_corpus(sm.Corpus.builtin("bach-sopranos"), sm.MelodyEncoding(fields=("pitch",)))
    copies = -(-(100_000 if options.quick else 1_000_000) // corpus.n_events)
    tunes = [corpus.vocabulary.values(piece[:-1]) for piece in corpus]
    index = OriginalityIndex([line(tune) for tune in tunes])
    rows = []
    for reach, n_refinements in ((1, 150), (2, 150), (5, 0), (5, 150), (10, 150)):
        model = sm.MaxEnt(reach=reach, n_refinements=n_refinements).fit(corpus)
        learned = "pseudo-likelihood alone" if not n_refinements else "pseudo-likelihood, then moments"
        drawn, rhat = walked(model, corpus, copies)
        bar = "0.98" if (reach, n_refinements) == (5, 150) else ""
        rows.append([f"MaxEnt, K = {reach}", learned, *figures(drawn, tunes, index, bar), f"{rhat:.3f}"])
    for order in (1, 2, 3, 4):
        drawn = from_markov(sm.Markov(order).fit(corpus.seen()), tunes, copies)
        rows.append([f"Markov, order {order}", "counts", *figures(drawn, tunes, index, ""), ""])
    own = own_borrowing(index)
    rows.append(["the corpus, each piece out of the others", "", "", "", *of(own), ""])
    header = ["model", "learned by", "pairs", "bar", "borrowing", "innovation", "R-hat"]
    question = f"A million notes drawn from models of {len(corpus)} sopranos, {corpus.n_events:,} notes"
    _table.write(Path(__file__).with_suffix(".md"), question, header, rows, packages=["numpy", "arviz-stats"])


def line(tune: np.ndarray) -> Line:
    """Pitches, one a unit."""
    return Line.of("", onset=np.arange(len(tune)), duration=np.ones(len(tune), np.int64), pitch=tune)


def walked(model: sm.MaxEnt, corpus: sm.TokenCorpus, copies: int) -> tuple[list[np.ndarray], float]:
    """Pieces after N_SWEEPS sweeps from random notes, and R-hat of the log density."""
    columns = model.columns_
    lengths = np.tile(events_of(corpus, columns).lengths, copies)
    cells = begun(model, lengths, seed=1)
    cells.sweep(N_SWEEPS)
    values, reach = cells.cells[:, 0], model.reach
    pitch = corpus.vocabulary.values(columns.symbols)
    return [pitch[values[reach : reach + n, i]] for i, n in enumerate(lengths.tolist())], rhat(model)


def begun(model: sm.MaxEnt, lengths: np.ndarray, *, seed: int) -> Chains:
    """Chains of random notes."""
    columns = model.columns_
    values = np.random.default_rng(seed).integers(0, columns.n_columns, (int(lengths.sum()), 1))
    events = Events(values, np.zeros(len(values), np.int64), np.append(0, np.cumsum(lengths)))
    cells, live = side_by_side(events, columns, model.reach)
    blocked = columns.blocked(model.vocabulary_)
    return Chains(cells, live, fields_of(model.potentials_, columns, blocked), model.reach, seed=seed)


def rhat(model: sm.MaxEnt, *, n_chains: int = 64, n_notes: int = 50, n_sweeps: int = 400) -> float:
    """Rank-normalised split R-hat of the log density, the first half of the sweeps left out."""
    from arviz_stats.base import array_stats

    chains = begun(model, np.full(n_chains, n_notes), seed=2)
    trace = []
    for _ in range(n_sweeps):
        chains.sweep()
        symbols = model.columns_.symbols[chains.cells[model.reach : -model.reach, 0].T]
        trace.append(model.log_density(symbols, np.full(n_chains, n_notes)))
    return float(array_stats.rhat(np.stack(trace[n_sweeps // 2 :], axis=1), chain_axis=0, draw_axis=1))


def from_markov(model: sm.Markov, tunes: list[np.ndarray], copies: int) -> list[np.ndarray]:
    """As many pieces of each length as the corpus has, `copies` times."""
    lengths, times = np.unique([len(tune) for tune in tunes], return_counts=True)
    drawn = []
    for length, n in zip(lengths.tolist(), times.tolist(), strict=True):
        found = sample(model, n * copies, constraint=sm.Length(length), seed=length)
        drawn += [model.vocabulary_.values(piece.symbols[:-1]) for piece in found]
    return drawn


def figures(drawn: list[np.ndarray], tunes: list[np.ndarray], index: OriginalityIndex, bar: str) -> list[str]:
    """The cells of a row: pairs, their bar, borrowing, innovation."""
    mine, theirs = pairs(drawn), pairs(tunes)
    seen = theirs >= LEAST
    shares = [(counts / counts.sum(axis=(1, 2), keepdims=True))[seen] for counts in (mine, theirs)]
    found = borrowing([line(tune) for tune in drawn[: 20 * len(tunes)]], index)
    return [f"{np.corrcoef(*shares)[0, 1]:.4f}", bar, *of(found)]


def of(found: object) -> list[str]:
    """Borrowing and innovation."""
    return [f"{found.borrowing:.2f}", f"{found.innovation:.3f}"]


def pairs(tunes: list[np.ndarray]) -> np.ndarray:
    """How often each pair of pitches comes at each distance: (DISTANCES, 128, 128)."""
    silence = np.full(DISTANCES, 128)
    row = np.concatenate([part for tune in tunes for part in (tune, silence)])
    counts = [np.bincount(row[:-d] * 129 + row[d:], minlength=129 * 129) for d in range(1, DISTANCES + 1)]
    return np.stack(counts).reshape(DISTANCES, 129, 129)[:, :128, :128].astype(float)


if __name__ == "__main__":
    main()
