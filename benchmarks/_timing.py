"""Seconds, taken so that two sides can be compared in one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn(works: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """The shortest time that each takes, in seconds: all of them one after another, `repeats` times."""
    taken = [[seconds(work) for work in works] for _ in range(repeats)]
    return [float(least) for least in np.min(taken, axis=0)]
