"""The process that reads files for another one, so that a bad file can only hurt itself.

Started as `python -m stochastic_music.corpus._worker PLACE_FILE`. The first message says how to read; each further
message is a batch of files, answered by one or more messages of results in order. Where the worker is at any moment
stands in PLACE_FILE (memory-mapped): batch, file, so that the other side knows which file a dead worker was reading.
"""

from __future__ import annotations

import faulthandler
import gc
import mmap
import os
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias, TypeVar

from stochastic_music.corpus._frames import Message, receive, send
from stochastic_music.errors import InputError, UnreadableFileError

if TYPE_CHECKING:
    from stochastic_music.corpus._tasks import Taken, Task

#: what stands in the place file: number of the batch, number of the file in it
PLACE = struct.Struct("<qq")
#: what to do with files that make no sense
EXPORT_AGAIN = "Open it in a notation program and export it again"

_FLUSH_SECONDS = 0.05
_FLUSH_BYTES = 1 << 22
#: how much longer than a file's time limit a worker lives on when nobody watches it any more
_GRACE_SECONDS = 60.0

Result: TypeAlias = tuple[Message, bytes]
Given = TypeVar("Given")
Made = TypeVar("Made")


def main() -> None:
    """Serve until the other side closes the pipe."""
    requests, replies = _pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Path(sys.argv[1]).open("r+b") as file, mmap.mmap(file.fileno(), PLACE.size) as place:
        setup = receive(requests)
        if setup is None:
            return
        sys.path += [entry for entry in setup[0]["path"] if entry and entry not in sys.path]
        task = _make_task(setup[0])
        # Most of what a file leaves behind goes by itself: cycles need not be looked for at the usual pace.
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        send(replies, {"capped": setup[0].get("cap", True) and _limit_memory(setup[0]["memory_limit"])})
        patience = 2 * float(setup[0]["time_limit"]) + _GRACE_SECONDS
        while (request := receive(requests)) is not None:
            for results, done in read_batch(request[0], task, place, patience):
                head = {"batch": request[0]["batch"], "results": [{**m, "size": len(b)} for m, b in results]}
                send(replies, {**head, "done": done}, b"".join(body for _, body in results))


def read_batch(request: Message, task: Task, place: mmap.mmap, patience: float) -> Iterator[tuple[list[Result], bool]]:
    """The results of a batch, in order, in one or more parts, and whether that is all of them."""
    waiting: list[Message | list[Taken]] = []
    size, since = 0, time.perf_counter()
    faulthandler.dump_traceback_later(patience, exit=True)
    for i, path in enumerate(request["files"]):
        PLACE.pack_into(place, 0, request["batch"], i)
        taken = _attempt(task.take, path)
        waiting.append(taken)
        size += sum(len(piece.body) for piece in taken) if isinstance(taken, list) else 0
        if time.perf_counter() - since > _FLUSH_SECONDS or size > _FLUSH_BYTES:
            yield tell(task, waiting), False
            waiting, size, since = [], 0, time.perf_counter()
            faulthandler.dump_traceback_later(patience, exit=True)
    yield tell(task, waiting), True
    faulthandler.cancel_dump_traceback_later()


def tell(task: Task, waiting: Sequence[Message | list[Taken]]) -> list[Result]:
    """Results for files taken or refused; should measuring them together fail, one by one."""
    files = [item for item in waiting if isinstance(item, list)]
    told = _attempt(lambda some: list(task.tell(some)), files)
    results = iter(told if isinstance(told, list) else [_alone(task, file) for file in files])
    return [next(results) if isinstance(item, list) else (item, b"") for item in waiting]


def _alone(task: Task, file: list[Taken]) -> Result:
    told = _attempt(lambda one: list(task.tell([one])), file)
    return told[0] if isinstance(told, list) else (told, b"")


def _attempt(make: Callable[[Given], list[Made]], given: Given) -> list[Made] | Message:
    """What `make` makes of a file; whatever it raises becomes a reason."""
    try:
        return make(given)
    except UnreadableFileError as error:
        return {"reason": error.reason, "try": error.remedy}
    except InputError as error:
        return {"reason": str(error).rstrip("."), "try": ""}
    except MemoryError:
        return {"memory": True}
    except Exception as error:
        words = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return {"reason": f"the reader gave up on it ({words})", "try": EXPORT_AGAIN}


def _make_task(setup: Message) -> Task:
    from stochastic_music.corpus import _tasks

    return _tasks.make(setup)


def _pipes() -> tuple[IO[bytes], IO[bytes]]:
    """The two pipes; what libraries print goes to standard error, never among the messages."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return sys.stdin.buffer, replies


def _limit_memory(limit: int) -> bool:
    """Cap the address space at what is mapped now and `limit` bytes more; False where the system has no such cap."""
    if sys.platform != "linux":
        return False
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    wanted = pages * resource.getpagesize() + limit
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))
    return True


if __name__ == "__main__":
    main()
