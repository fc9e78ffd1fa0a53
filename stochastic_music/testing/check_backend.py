"""The contract of sampling back ends, for whoever writes one.

`check_backend(MyChains)`, given what makes a `Backend` of an `AliasTable`, plays chains of small tables in both layouts
and raises AssertionError where one symbol or one place differs from NumPy's, or where chains do not follow their table.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from stochastic_music.protocols import FloatArray, IntArray
from stochastic_music.sampling.backends import AliasTable, Make, TransitionTable, simulate
from stochastic_music.sampling.backends.numpy_backend import NumpyChains

#: a right back end fails the test of chi-square once in so many seeds, of which it meets one
LEVEL = 1e-4
#: first chains and steps at which chains are taken up, and keys; the last is one of a piece drawn again
_BEGINNINGS = ((0, 0, 0), (8, 3, 17), (1 << 20, 1 << 33, (5 << 64) + 3))


def check_backend(make: Make) -> None:
    """Raise AssertionError unless chains of `make(table)` are those of NumPy, to the bit, and follow their table.

    >>> check_backend(NumpyChains)
    """
    for name, table in tables().items():
        _check_equal(make, AliasTable.of(table), name)
        _check_parts(make, table, name)
    check_distribution(make)


def tables() -> dict[str, TransitionTable]:
    """Plain chains with and without END, wide rows, rows of one arc, and more states than 16 bits tell apart."""
    random = np.random.default_rng(0)
    matrix = random.gamma(0.3, size=(37, 37)) * (random.random((37, 37)) < 0.4) + 0.001 * np.eye(37)
    matrix[:, 36] += 0.01
    matrix /= matrix.sum(axis=1, keepdims=True)
    offsets = np.append(0, np.cumsum(random.integers(1, 9, 300)))
    symbol, target = random.integers(0, 20, offsets[-1]), random.integers(0, 300, offsets[-1])
    weight = random.gamma(1.0, size=offsets[-1])
    probability = weight / np.repeat(np.add.reduceat(weight, offsets[:-1]), np.diff(offsets))
    ring = np.roll(np.arange((1 << 16) + 5), -1)
    return {
        "plain": TransitionTable.from_matrix(matrix),
        "with END": TransitionTable.from_matrix(matrix, end=36, start=np.full(37, 1 / 37)),
        "one arc a state": TransitionTable.from_matrix(np.eye(3)[[1, 2, 0]]),
        "symbols beside targets": TransitionTable(offsets, symbol, target, probability, n_symbols=20),
        "many states": TransitionTable(np.arange(len(ring) + 1), ring, ring, np.ones(len(ring)), n_symbols=len(ring)),
    }


def check_distribution(make: Make, *, n: int = 20_000, seed: int = 1) -> None:
    """Chi-square of the first two symbols of `n` chains; a table with two columns exchanged must fail it."""
    matrix = np.random.default_rng(1).dirichlet(np.ones(5), 5)
    drawn = simulate(TransitionTable.from_matrix(matrix, start=2), n, 2, seed=seed, backend=make).symbols.astype(int)
    seen = np.bincount(drawn[:, 0] * 5 + drawn[:, 1], minlength=25)
    _require(_likely(seen, matrix, n) > LEVEL, "chains do not follow the probabilities of their table")
    _require(_likely(seen, matrix[:, [1, 0, 2, 3, 4]], n) < LEVEL, "the test itself is blind")


def _likely(seen: IntArray, matrix: FloatArray, n: int) -> float:
    hoped = n * (matrix[2][:, None] * matrix).ravel()
    return float(stats.chi2.sf(((seen - hoped) ** 2 / hoped).sum(), len(hoped) - 1))


def _check_equal(make: Make, table: AliasTable, name: str) -> None:
    for n_chains in (1, 4, 150):
        for first_chain, first_step, key in _BEGINNINGS:
            begin = {"first_chain": first_chain, "first_step": first_step, "key": key}
            places = np.full((2, n_chains), table.places[table.start], dtype=np.uint32)
            told = np.zeros((2, 20, n_chains + 4), dtype=table.dtype)
            for i, backend in enumerate((NumpyChains(table), make(table))):
                backend.run(places[i], told[i, :, :n_chains], **begin)
            where = f"'{name}', {n_chains} chains from chain {first_chain} and step {first_step} on"
            _require(bool((told[0] == told[1]).all()), f"symbols differ from NumPy's: {where}")
            _require(bool((places[0] == places[1]).all()), f"chains are left at other places than NumPy's: {where}")


def _check_parts(make: Make, table: TransitionTable, name: str) -> None:
    whole = simulate(table, 300, 12, seed=3, backend=NumpyChains, threads=1).symbols
    again = simulate(table, 300, 12, seed=3, backend=make, threads=3).symbols
    _require(bool((whole == again).all()), f"symbols change with the number of threads: '{name}'")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)
