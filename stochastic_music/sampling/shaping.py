"""Temperature, top-k and top-p: options of sampling that change the distribution.

What comes out no longer follows the model, but the model with every row of next-symbol probabilities
reshaped: first raised to the power 1 / temperature, then cut to the `top_k` most probable symbols, then to
the fewest of them that hold the share `top_p` of what is left [1], and renormalised. Ties go to the lower
symbol.

[1] A. Holtzman, J. Buys, L. Du, M. Forbes, Y. Choi. The curious case of neural text degeneration. ICLR 2020.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stochastic_music.errors import InvalidParameterError
from stochastic_music.protocols import FloatArray, IntArray


@dataclass(frozen=True)
class Shaping:
    """How rows of log probabilities are reshaped; the default leaves them alone.

    >>> rows = np.log([[0.5, 0.3, 0.2]])
    >>> np.exp(Shaping(top_k=2)(rows)).round(3).tolist()
    [[0.625, 0.375, 0.0]]

    Raises InvalidParameterError for temperature <= 0, top_k < 1 or top_p outside (0, 1].
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.temperature < np.inf:
            raise InvalidParameterError(
                f"temperature is {self.temperature}; expected a number above 0 (1 changes nothing)"
            )
        if self.top_k is not None and self.top_k < 1:
            raise InvalidParameterError(f"top_k is {self.top_k}; expected a whole number from 1, or None")
        if not 0 < self.top_p <= 1:
            raise InvalidParameterError(f"top_p is {self.top_p}; expected a share above 0, up to 1 (1 changes nothing)")

    @property
    def neutral(self) -> bool:
        """Whether nothing changes."""
        return self == Shaping()

    def __call__(self, log_probs: FloatArray) -> FloatArray:
        """Rows reshaped and normalised: (n, k) to (n, k); a row of -inf alone stays as it is."""
        if self.neutral:
            return log_probs
        rows = log_probs / self.temperature
        if self.top_k is not None:
            rows = np.where(_rank(rows) < self.top_k, rows, -np.inf)
        if self.top_p < 1:
            rows = np.where(_mass_above(rows) < self.top_p, rows, -np.inf)
        return normalized(rows)

    def ragged(self, row: IntArray, log_probs: FloatArray) -> FloatArray:
        """The same for flat arcs, `row` ascending: (m,) to (m,)."""
        if self.neutral or not len(row):
            return log_probs
        first = np.searchsorted(row, row)
        place = np.arange(len(row)) - first
        rows = np.full((int(row[-1]) + 1, int(place.max()) + 1), -np.inf)
        rows[row, place] = log_probs
        shaped: FloatArray = self(rows)[row, place]
        return shaped


def normalized(log_probs: FloatArray) -> FloatArray:
    """Rows whose exp sums to 1; a row of -inf alone stays as it is: (n, k)."""
    top, total = _mass(log_probs)
    return log_probs - top - np.log(np.where(total > 0, total, 1.0))


def log_mass(log_probs: FloatArray) -> FloatArray:
    """The log of what the exp of each row sums to, -inf for rows of -inf alone: (n, k) to (n,).

    >>> log_mass(np.log([[0.25, 0.5], [1.0, 2.0]])).round(3).tolist()
    [-0.288, 1.099]
    """
    top, total = _mass(log_probs)
    mass: FloatArray = np.where(total > 0, top + np.log(np.where(total > 0, total, 1.0)), -np.inf)[:, 0]
    return mass


def _mass(log_probs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The greatest of each row, 0 where that is not finite, and what the exp of all sums to beside it: (n, 1) each."""
    top = log_probs.max(axis=1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    return top, np.exp(log_probs - top).sum(axis=1, keepdims=True)


def _rank(rows: FloatArray) -> IntArray:
    """The place of each entry in its row, the greatest first."""
    return np.argsort(np.argsort(-rows, axis=1, kind="stable"), axis=1, kind="stable")


def _mass_above(rows: FloatArray) -> FloatArray:
    """The probability of all entries before each one, the greatest first."""
    order = np.argsort(-rows, axis=1, kind="stable")
    probs = np.take_along_axis(np.exp(normalized(rows)), order, axis=1)
    before = np.cumsum(probs, axis=1) - probs
    return np.take_along_axis(before, np.argsort(order, axis=1, kind="stable"), axis=1)
