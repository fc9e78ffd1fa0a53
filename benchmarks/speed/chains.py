"""How many steps a second do Markov chains take here, against QuantEcon, and how far is that from the limit?

    python benchmarks/speed/chains.py [--repeats 5] [--states 64 1024 8192] [--chains 65536] [--steps 200] [--quick]

Random chains: each of the 64, 1,024 or 8,192 states leads to 64 others drawn at random (all of them where there are
64), with probabilities from a flat Dirichlet distribution. Random numbers are drawn in the time measured, on all sides;
tables are made before it. *Here* is `simulate`, --chains chains of --steps steps, two threads. QuantEcon is
`MarkovChain.simulate`, in the quicker of its two ways: one long chain, or --chains / 64 chains by `num_reps`; of a
dense matrix of 64 states, of sparse ones beyond, which is what suits it. Numba's loops are compiled on
both sides before any time is taken; the fastest of the repeats counts, all sides in turn.

The *limit* of the processor is what reads of random entries of the same table take, in a loop compiled by Numba that
does nothing else: places come from numbers made beforehand, so no read waits for another. Steps a second may exceed it
where tables fit into the nearest cache, and places do not.

On a GPU, a million chains of --steps steps, symbols left in its memory: against the numba back end on that machine's
processor, all cores; and for a table larger than the L2 cache (2^20 states, 1 GiB) against *pointer chasing*: as many
chains, each of whose reads of 16 bytes tells where the next one is, and nothing else. Without a GPU these rows say "not
measured". The bars: 2, 8 and 30 times QuantEcon with numba; 0.5, 5 and 15 times with numpy; on a GPU 100 times numba,
and a third of the pointer chase's reads. The table in chains.md is written by this script.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy arrives
import numba
import numpy as np
from quantecon import MarkovChain
from scipy import sparse

from stochastic_music import _backends
from stochastic_music.sampling.backends import AliasTable, TransitionTable, simulate

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table
from _timing import in_turn

NON_ZEROS, THREADS, DENSE = 64, 2, 64
#: by number of states
BARS = {"numba": {64: 2, 1024: 8, 8192: 30}, "numpy": {64: 0.5, 1024: 5, 8192: 15}}
#: on a GPU: states of a table beyond any L2 cache, and chains
MANY_STATES, MANY_CHAINS = 1 << 20, 1_000_000
GPU_BARS = {"numba": 100, "reads": 1 / 3}


def random_chain(n_states: int, generator: np.random.Generator) -> sparse.csr_array:
    """NON_ZEROS entries a row."""
    columns = np.concatenate([generator.choice(n_states, NON_ZEROS, replace=False) for _ in range(n_states)])
    return _rows(columns, n_states, generator)


def large_chain(n_states: int, generator: np.random.Generator) -> sparse.csr_array:
    """The same in a moment: targets may come twice, and then add up."""
    return _rows(generator.integers(0, n_states, n_states * NON_ZEROS), n_states, generator)


def _rows(columns: np.ndarray, n_states: int, generator: np.random.Generator) -> sparse.csr_array:
    weights = generator.exponential(size=(n_states, NON_ZEROS))
    values = (weights / weights.sum(axis=1, keepdims=True)).ravel()
    return sparse.csr_array((values, columns, np.arange(n_states + 1) * NON_ZEROS), shape=(n_states, n_states))


@numba.njit(nogil=True)
def _read(table: np.ndarray, places: np.ndarray) -> int:
    total = np.uint64(0)
    for place in places:
        total += table[place]
    return total


def reading(table: AliasTable, n: int, generator: np.random.Generator) -> Callable[[], object]:
    """Reads of `n` random entries of the table, by THREADS threads."""
    from concurrent.futures import ThreadPoolExecutor

    words, places = table.words.ravel(), generator.integers(0, table.words.size, n, dtype=np.uint32)
    pool = ThreadPoolExecutor(THREADS)
    return lambda: list(pool.map(_read, [words] * THREADS, np.split(places, THREADS)))


def on_processor(n_states: int, arguments: argparse.Namespace) -> list[list[object]]:
    """The rows of the table for one size."""
    generator = np.random.default_rng(n_states)
    matrix = random_chain(n_states, generator)
    table, dense = AliasTable.of(TransitionTable.from_matrix(matrix)), n_states <= DENSE
    peer = MarkovChain(matrix.toarray() if dense else sparse.csr_matrix(matrix))
    n_chains, n_steps = arguments.chains, arguments.steps
    theirs, few = max(n_chains * n_steps // 16, 1 << 16), max(n_chains // 64, 1)

    def ours(backend: str) -> Callable[[], object]:
        return lambda: simulate(table, n_chains, n_steps, seed=1, backend=backend, threads=THREADS)

    works = [
        ours("numba"),
        ours("numpy"),
        lambda: peer.simulate(theirs, init=0, random_state=1),
        lambda: peer.simulate(theirs // few, init=0, num_reps=few, random_state=1),
        reading(table, n_chains * n_steps // 4 * 4, generator),
    ]
    for work in works:
        work()  # compiles
    taken = in_turn(works, arguments.repeats)
    sizes = [n_chains * n_steps] * 2 + [theirs, theirs // few * few, n_chains * n_steps]
    speeds = [size / seconds / 1e6 for size, seconds in zip(sizes, taken, strict=True)]
    peer_speed, limit = max(speeds[2:4]), speeds[4]
    return [
        row(name, f"{n_states:,}", speed, peer=peer_speed, bar=BARS[name].get(n_states), limit=limit)
        for name, speed in zip(("numba", "numpy"), speeds, strict=False)
    ]


def row(name: str, states: str, speed: float, *, peer: float, bar: float | None, limit: float | None) -> list[object]:
    """One row: millions of steps a second, and what they are beside."""
    met = "" if bar is None else "yes" if speed >= bar * peer else "no"
    beside = ["", ""] if limit is None else [f"{limit:.0f}", f"{limit / speed:.1f}"]
    return [name, states, f"{speed:.0f}", f"{peer:.2f}", f"{speed / peer:.1f}", bar or "", met, *beside]


_CHASE = r"""
extern "C" __global__ void chase(const ulonglong2 *table, unsigned int mask, int n_steps, long long n, unsigned int
*end) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i * 4 >= n) return;
    unsigned int at[4];
    #pragma unroll
    for (int j = 0; j < 4; ++j) at[j] = (unsigned int)(i * 4 + j) * 2654435761u & mask;
    for (int s = 0; s < n_steps; ++s) {
        #pragma unroll
        for (int j = 0; j < 4; ++j) { ulonglong2 entry = table[at[j]]; at[j] = (unsigned int)(entry.x + entry.y) & mask;
        }
    }
    end[i] = at[0] + at[1] + at[2] + at[3];
}
"""


def on_gpu(arguments: argparse.Namespace) -> list[list[object]]:
    """The rows of a GPU, or rows that say that there is none."""
    if not _backends.gpu()[0]:
        return [
            [
                "cupy",
                f"{arguments.states[-1]:,}",
                "not measured",
                "",
                "",
                f"{GPU_BARS['numba']} times numba",
                "",
                "",
                "",
            ],
            ["cupy", f"{MANY_STATES:,}", "not measured", "", "", "a third of the reads", "", "not measured", ""],
        ]
    generator = np.random.default_rng(0)
    n_steps, n_states = arguments.steps, arguments.states[-1]
    small = AliasTable.of(TransitionTable.from_matrix(random_chain(n_states, generator)))
    large = AliasTable.of(TransitionTable.from_matrix(large_chain(MANY_STATES, generator)))
    seconds, host = in_turn(
        [_launching(small, n_steps), lambda: simulate(small, MANY_CHAINS, n_steps, seed=1, backend="numba")],
        arguments.repeats,
    )
    speed, peer = (MANY_CHAINS * n_steps / taken / 1e6 for taken in (seconds, host))
    rows = [row("cupy (beside numba)", f"{n_states:,}", speed, peer=peer, bar=GPU_BARS["numba"], limit=None)]
    seconds, chased = in_turn([_launching(large, n_steps), _chasing(large, n_steps)], arguments.repeats)
    speed, limit = (MANY_CHAINS * n_steps / taken / 1e6 for taken in (seconds, chased))
    beside = {"peer": limit, "bar": GPU_BARS["reads"], "limit": limit}
    return [*rows, row("cupy (beside its random reads)", f"{MANY_STATES:,}", speed, **beside)]


def _launching(table: AliasTable, n_steps: int) -> Callable[[], object]:
    """A million chains on the GPU, from random words to symbols in its memory."""
    from stochastic_music.sampling.backends.cupy_backend import CupyChains

    cupy, chains = _backends.array_module("cupy"), CupyChains(table)
    places = cupy.full(MANY_CHAINS, int(table.places[table.start]), dtype=cupy.uint32)
    out = cupy.empty((n_steps, MANY_CHAINS), dtype=table.dtype)

    def work() -> None:
        chains.launch(places, out, key=1, first_chain=0, first_step=0)
        cupy.cuda.Stream.null.synchronize()

    work()
    return work


def _chasing(table: AliasTable, n_steps: int) -> Callable[[], object]:
    """As many chains of reads that tell where to read next; the table is as large as `table`, or a little smaller."""
    cupy: Any = _backends.array_module("cupy")
    n = 1 << (len(table.words).bit_length() - 1)
    targets = cupy.random.randint(0, n, size=(n, 2), dtype=cupy.uint64)
    end = cupy.empty(MANY_CHAINS // 4 + 1, dtype=cupy.uint32)
    kernel = cupy.RawKernel(_CHASE, "chase")
    grid = (-(-MANY_CHAINS // 4 // 128),)

    def work() -> None:
        kernel(grid, (128,), (targets, np.uint32(n - 1), np.int32(n_steps), np.int64(MANY_CHAINS), end))
        cupy.cuda.Stream.null.synchronize()

    work()
    return work


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--states", type=int, nargs="+", default=[64, 1024, 8192])
    parser.add_argument("--chains", type=int, default=1 << 16)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--quick", action="store_true", help="Once each, fewer steps.")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".md"))
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.repeats, arguments.steps = 1, 50
    rows = [found for n_states in arguments.states for found in on_processor(n_states, arguments)]
    rows += on_gpu(arguments)
    question = f"Markov chains against QuantEcon: millions of steps a second, {NON_ZEROS} non-zeros a row, two threads"
    header = ["back end", "states", "here", "peer", "ratio", "bar", "met", "reads alone", "times off"]
    _table.write(arguments.output, question, header, rows, packages=["numpy", "numba", "quantecon"])


if __name__ == "__main__":
    main()
