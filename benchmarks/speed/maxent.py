"""How many one-note updates a second do chains of the maximum-entropy model make?

    python benchmarks/speed/maxent.py [--repeats 5] [--quick] [--peer FOLDER]

The sopranos of Bach's chorales as pitches, couplings up to 5 notes apart. 256 chains of 60 notes, all updated by one
call of `Chains.sweep`; an update draws one note of one chain given all others (Gibbs), or proposes and decides
(Metropolis). One worker and two, and chains eight times as many: threads share the chains, and give the same notes. The
fastest of the repeats, taken in turn.

The limit is what the bare array operations of a Gibbs update take, one after another on arrays that lie ready: ten
gathers of rows out of tables of couplings with their sums, random words, exponentials, sums along the symbols and
comparisons with a draw. The rest is turning arrays round, copies, and Python.

`--peer` is a copy of fpachet/max_entropy_music (its folder `src` is put on the path of a process of its own): updates
of its `sample_index_seq`, of the same reach and number of symbols. The bar is 5 million updates a second on two cores.
The table in maxent.md is written by this script.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy arrives
from collections.abc import Callable
from pathlib import Path

import numpy as np

import stochastic_music as sm
from stochastic_music.corpus import encode_corpus
from stochastic_music.models.maxent import Chains
from stochastic_music.models.maxent.chains import fields_of, side_by_side
from stochastic_music.models.maxent.events import Events

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table
from _timing import in_turn

REACH, NOTES, CHAINS, BAR = 5, 60, 256, 5.0

PEER = """
import logging, sys, time
logging.disable(logging.CRITICAL)
import numpy as np
from mem.algo.max_entropy_fast import MaxEntropyFast
reach, size, n = (int(text) for text in sys.argv[1:])
sequence = np.random.default_rng(0).integers(0, size, 400)
model = MaxEntropyFast.on_sequence(sequence, q=size, k_max=reach)
model.h[:] = 0
model.smooth_sequence = lambda sequence: sequence  # a pass of another kind, after the updates
model.sample_index_seq(60, burn_in=10)
start = time.perf_counter()
model.sample_index_seq(60, burn_in=n)
print(n / (time.perf_counter() - start))
"""


def fitted() -> sm.MaxEnt:
    """The model whose chains are timed; its potentials are those of a short search, which costs chains nothing."""
    corpus, _ = encode_corpus(sm.Corpus.builtin("bach-sopranos"), sm.MelodyEncoding(fields=("pitch",)))
    return sm.MaxEnt(reach=REACH, n_steps=10, n_refinements=0).fit(corpus)


def chains(model: sm.MaxEnt, n_chains: int, n_workers: int) -> Chains:
    """Chains of random notes."""
    size = model.columns_.n_columns
    values = np.random.default_rng(0).integers(0, size, (n_chains * NOTES, 1))
    offsets = np.arange(n_chains + 1) * NOTES
    cells, live = side_by_side(Events(values, np.zeros(len(values), np.int64), offsets), model.columns_, REACH)
    blocked = model.columns_.blocked(model.vocabulary_)
    fields = fields_of(model.potentials_, model.columns_, blocked)
    return Chains(cells, live, fields, REACH, seed=0, n_workers=n_workers)


def limit(size: int) -> Callable[[], object]:
    """The bare operations of one color of 256 chains, as often as a sweep has colors."""
    rng = np.random.default_rng(0)
    n = CHAINS * NOTES // (REACH + 1)
    tables = [rng.normal(size=(size + 2, size)).astype(np.float32) for _ in range(2 * REACH)]
    places = [rng.integers(0, size, n) for _ in tables]
    weights = np.ascontiguousarray(rng.random((size, n), dtype=np.float32))
    total, chosen = np.empty((n, size), np.float32), np.zeros(n, np.uint16)
    goal, philox = rng.random(n, dtype=np.float32), np.random.Philox(key=0)

    def sweep() -> None:
        for _ in range(REACH + 1):
            for table, place in zip(tables, places, strict=True):
                np.add(total, table.take(place, axis=0, mode="clip"), out=total)
            philox.random_raw(n)
            np.exp(weights, out=weights)
            for row in weights:
                np.add(goal, row, out=goal)
                np.add(chosen, row <= goal, out=chosen)
            np.minimum(weights, 1, out=weights)

    return sweep


def peer(folder: str, size: int, n: int) -> float:
    """Updates a second of max_entropy_music, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(Path(folder) / "src")}
    command = [sys.executable, "-c", PEER, str(REACH), str(size), str(n)]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--peer", help="a copy of fpachet/max_entropy_music")
    options = parser.parse_args()
    n_sweeps = 20 if options.quick else 100
    model = fitted()
    size = model.columns_.n_columns
    asked = [(CHAINS, 1), (CHAINS, 2), (8 * CHAINS, 1), (8 * CHAINS, 2)]
    kernels = ("gibbs", "metropolis")
    runs = [(n, workers, kernel, chains(model, n, workers)) for n, workers in asked for kernel in kernels]
    works = [lambda each=each, kernel=kernel: each.sweep(n_sweeps, kernel=kernel) for *_, kernel, each in runs]
    bare = limit(size)
    *seconds, least = in_turn([*works, lambda: [bare() for _ in range(n_sweeps)]], options.repeats)
    rows = []
    theirs = peer(options.peer, size, 2_000 if options.quick else 20_000) if options.peer else None
    for (n, workers, kernel, _), taken in zip(runs, seconds, strict=True):
        rate = n_sweeps * n * NOTES / taken
        bar = f"{BAR:g} million" if n == CHAINS and kernel == "gibbs" else ""
        ratio = f"{rate / theirs:,.0f}" if theirs else ""
        rows.append([kernel, n, workers, f"{rate / 1e6:.1f} million", bar, ratio])
    rate = n_sweeps * CHAINS * NOTES / least
    rows.append(["bare array operations of Gibbs", CHAINS, 1, f"{rate / 1e6:.1f} million", "", ""])
    if theirs:
        rows.append(["max_entropy_music", 1, 1, f"{theirs:,.0f}", "", "1"])
    header = ["update", "chains", "workers", "a second", "bar", "times max_entropy_music"]
    question = f"One-note updates a second, chains of {NOTES} notes, {size} pitches, couplings up to {REACH} apart"
    _table.write(Path(__file__).with_suffix(".md"), question, header, rows, packages=["numpy"])


if __name__ == "__main__":
    main()
