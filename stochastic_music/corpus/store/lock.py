"""One builder at a time: the system's lock on a file of the store, freed however its holder ends."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from stochastic_music._files import refusal
from stochastic_music.corpus._lock import lock
from stochastic_music.errors import MachineError

NAME = "lock"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of the store in `folder`, which is made; the file tells who holds it.

    Raises MachineError, naming the process, where another one does.
    """
    path = folder / NAME
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(path.open("ab"))
            free = lock(file, wait=False)
        except OSError as error:
            raise refusal(path, error) from error
        if not free:
            raise MachineError(f"{folder} is being built by process {_holder(path)}: wait until it is done, or end it.")
        file.truncate(0)
        file.write(str(os.getpid()).encode("ascii"))
        file.flush()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                file.truncate(0)


def _holder(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip() or "?"
    except (OSError, ValueError):
        return "?"
