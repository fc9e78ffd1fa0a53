"""Randomness, resolved in one place.

A seed is an int, a `numpy.random.Generator` or None. Samplers that promise equal notes
whatever the batch draw *lanes*: one 64-bit word per chain and step from Philox4x64-10,
keyed by the seed and counted by (step, chain // 4), lane chain % 4 [1].

[1] J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw. Parallel random numbers: as easy as 1, 2, 3. SC 2011.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from stochastic_music.errors import InvalidParameterError

Seed: TypeAlias = int | np.random.Generator | None


def generator(seed: Seed) -> np.random.Generator:
    """A NumPy generator for `seed`; a generator is passed through, None takes fresh entropy."""
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(_checked(seed))


def key(seed: Seed) -> int:
    """The 64-bit Philox key that `seed` stands for.

    >>> key(7)
    7
    """
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(0, 2**63))
    if seed is None:
        return int(np.random.default_rng().integers(0, 2**63))
    return _checked(seed) or 0


def lanes(key: int, step: int, n_chains: int, *, first: int = 0) -> NDArray[np.uint64]:
    """One uint64 per chain for `step`: chains `first` .. `first + n_chains - 1`.

    A chain's word depends on (key, step, chain) alone, never on the batch it is drawn in.

    >>> bool((lanes(1, 5, 9)[4:] == lanes(1, 5, 5, first=4)).all())
    True
    """
    # NumPy's Philox increments its counter before each block, so block b has counter (b + 1, step, 0, 0).
    philox = np.random.Philox(key=key, counter=[first // 4, step, 0, 0])
    words: NDArray[np.uint64] = philox.random_raw(first % 4 + n_chains)
    return words[first % 4 :]


def uniforms(key: int, step: int, n_chains: int, *, first: int = 0) -> NDArray[np.float64]:
    """`lanes` as floats in [0, 1) with 53 random bits."""
    return (lanes(key, step, n_chains, first=first) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _checked(seed: int | None) -> int | None:
    if seed is not None and not 0 <= seed < 2**63:
        raise InvalidParameterError(f"seed is {seed}; expected a whole number from 0 to 2^63 - 1")
    return seed
