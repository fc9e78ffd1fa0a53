"""What became of training, as numbers and as arrays of a model file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray


class History(NamedTuple):
    """Losses of each epoch in nats a symbol: of training pieces while it learned, of validation pieces after it.

    `best` is the epoch, counted from 1, whose weights were kept; `stopped` says why it ended.

    >>> history = History((2.5, 2.0), (2.25, 2.5), best=1, stopped="all 2 epochs are done")
    >>> History.from_arrays(history.to_arrays()) == history
    True
    """

    training: tuple[float, ...]
    validation: tuple[float, ...]
    best: int
    stopped: str

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All of it, under names that begin with `history.`."""
        return {
            "history.training": np.array(self.training, dtype=np.float64),
            "history.validation": np.array(self.validation, dtype=np.float64),
            "history.best": np.array([self.best], dtype=np.int64),
            "history.stopped": np.frombuffer(self.stopped.encode(), dtype=np.uint8),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Take back what `to_arrays` gave, among whatever else there is."""
        return cls(
            tuple(arrays["history.training"].tolist()),
            tuple(arrays["history.validation"].tolist()),
            int(arrays["history.best"][0]),
            arrays["history.stopped"].tobytes().decode(),
        )
