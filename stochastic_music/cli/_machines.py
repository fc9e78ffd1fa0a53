"""Who does the work of a verb: processes of this machine, or a cluster (`--workers`, `--scheduler`)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from concurrent.futures import Executor


class Machines(NamedTuple):
    """Who counts and evaluates, and the options of `Corpus.from_folder` that say who reads.

    On this machine files are read by processes made for it, which `executor` has no part in.
    """

    executor: Executor | None
    reading: dict[str, Any]


@contextlib.contextmanager
def machines(scheduler: str | None, workers: int | None) -> Iterator[Machines]:
    """The workers that the options name; raises UsageError, MissingExtraError and MachineError (`_parallel.opened`)."""
    from stochastic_music._parallel import opened

    with opened(scheduler, workers) as executor:
        yield Machines(executor, {"workers": workers} if scheduler is None else {"executor": executor})
