"""Densities of distances on one grid, and how two of them compare.

A set of distances becomes a density by Gaussian kernels. The bandwidth is Scott's, std * n ** (-1/5) with n - 1 in the
standard deviation, as `scipy.stats.gaussian_kde` chooses it, and never less than two cells of the grid: where all
distances are equal, and Scott's bandwidth is 0, the density is a narrow peak there. The grid has `N_CELLS` cells and
reaches six bandwidths beyond the least and the greatest distance of all the sets compared, on both sides: smoothing
spreads a distance of 0 a little below 0, and nothing of a density is cut off. A density is given as the mass of each
cell, and sums to one.

    overlap        sum of min(p, q): 1 for equal densities, 0 for those that never meet; symmetric
    divergence     Kullback-Leibler, sum of p * log(p / q), in nats: 0 for equal densities, greater the worse q tells p

A density that is nowhere zero in theory is so in floating point. Masses under `FLOOR` count as `FLOOR`, so the
divergence ends somewhere under log(1 / FLOOR), 20.7 nats, which says no more than "apart".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stochastic_music.protocols import FloatArray, IntArray

N_CELLS = 1024
FLOOR = 1e-9
_MARGIN, _LEAST = 6.0, 2.0


class Grid(NamedTuple):
    """`N_CELLS` points from `low`, `step` apart."""

    low: float
    step: float

    @property
    def points(self) -> FloatArray:
        """The points: (N_CELLS,)."""
        return self.low + self.step * np.arange(N_CELLS, dtype=np.float64)

    def cells(self, values: FloatArray) -> IntArray:
        """The number of the point nearest to each value, beyond the ends that at the end; any shape."""
        return np.rint((values - self.low) / self.step).clip(0, N_CELLS - 1).astype(np.int64)


def common_grid(sets: Sequence[FloatArray]) -> Grid:
    """The grid for some sets of distances, each (n,), of which one at least is not empty.

    >>> common_grid([np.zeros(3), np.zeros(4)]).step
    1.0
    """
    full = [values for values in sets if len(values)]
    low, high = min(map(np.min, full)), max(map(np.max, full))
    widest = max(scott_bandwidth(len(values), values.std(ddof=1) if len(values) > 1 else 0.0) for values in full)
    spare = _MARGIN * _LEAST  # cells on either side for the narrowest peak
    step = float(high - low + 2 * _MARGIN * widest) / (N_CELLS - 1 - 2 * spare) or 1.0
    return Grid(float(low - _MARGIN * widest - spare * step), step)


def scott_bandwidth(count: float, std: float) -> float:
    """The bandwidth for `count` distances (weights count as so many) of standard deviation `std`.

    >>> scott_bandwidth(32, 1.0)
    0.5
    """
    return float(std * max(count, 1.0) ** -0.2)


def smoothed(masses: FloatArray, bandwidths: FloatArray) -> FloatArray:
    """Rows of masses (n, N_CELLS), each convolved with a Gaussian of its bandwidth in cells (n,), and summing to one.

    Convolution is circular, by FFT: the grid's margins are wide enough for it. A row of zeros becomes a row of NaN.
    """
    frequency = 2 * np.pi * np.fft.rfftfreq(N_CELLS)
    kernels = np.exp(-0.5 * np.square(np.maximum(bandwidths, _LEAST)[:, None] * frequency))
    spread = np.fft.irfft(np.fft.rfft(masses, axis=1) * kernels, n=N_CELLS, axis=1).clip(0.0)
    total = spread.sum(axis=1, keepdims=True)
    shares: FloatArray = np.divide(spread, total, out=np.full_like(spread, np.nan), where=total > 0)
    return shares


def overlap(p: FloatArray, q: FloatArray) -> FloatArray:
    """The mass that two densities share: 0 to 1, over the last axis.

    >>> float(overlap(np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.5, 0.5])))
    0.5
    """
    shared: FloatArray = np.minimum(p, q).sum(axis=-1)
    return shared


def divergence(p: FloatArray, q: FloatArray) -> FloatArray:
    """The Kullback-Leibler divergence of `q` from `p` in nats, over the last axis.

    >>> round(float(divergence(np.array([0.5, 0.5]), np.array([0.25, 0.75]))), 4)  # (log 2 + log 2/3) / 2
    0.1438
    """
    p, q = (_floored(density) for density in (p, q))
    told: FloatArray = (p * np.log(p / q)).sum(axis=-1).clip(0.0)  # equal densities differ by rounding
    return told


def _floored(density: FloatArray) -> FloatArray:
    lifted = np.maximum(density, FLOOR)
    shares: FloatArray = lifted / lifted.sum(axis=-1, keepdims=True)
    return shares
