"""The system's lock on an open file: freed when the process that holds it ends, however it ends."""

from __future__ import annotations

import sys
import time
from typing import IO

_WAIT_SECONDS = 0.1


def lock(file: IO[bytes], *, wait: bool = True) -> bool:
    """Take the lock of `file`, which is open for writing; without `wait`, False where another process holds it.

    Raises OSError where the system has no locks there.
    """
    while not _taken(file, wait):
        if not wait:
            return False
        time.sleep(_WAIT_SECONDS)
    return True


if sys.platform == "win32":
    import msvcrt

    #: a byte that nobody reads: a locked one cannot be
    _FAR = 1 << 30

    def _taken(file: IO[bytes], wait: bool) -> bool:  # noqa: ARG001 - this system does not wait as long as it takes
        file.seek(_FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def _taken(file: IO[bytes], wait: bool) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
