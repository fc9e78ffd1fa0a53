"""The process that reads files for another one, so that a bad file can only hurt itself.

Started as `python -m stochastic_music.corpus._worker PLACE_FILE`. The first message says how to read; each further
message is a batch of files, answered by one or more messages of results in order. Where the worker is at any moment
stands in PLACE_FILE (memory-mapped): batch, file, so that the other side knows which file a dead worker was reading.
"""

from __future__ import annotations

import faulthandler
import gc
import mmap
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stochastic_music._parallel.frames import Message, own_pipes, receive, send

if TYPE_CHECKING:
    from stochastic_music.corpus._tasks import Result, Task

#: what stands in the place file: number of the batch, number of the file in it
PLACE = struct.Struct("<qq")

#: results are sent after this long, be the batch done or not: long enough that a busy machine does not tear batches up
_FLUSH_SECONDS = 0.25
#: how much longer than a file's time limit a worker lives on when nobody watches it any more
_GRACE_SECONDS = 60.0


def main() -> None:
    """Serve until the other side closes the pipe."""
    requests, replies = own_pipes()
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
    from stochastic_music.corpus._tasks import attempt

    def at(i: int) -> None:
        PLACE.pack_into(place, 0, request["batch"], i)

    first, opened = 0, list[Any]()
    since = time.perf_counter()
    faulthandler.dump_traceback_later(patience, exit=True)
    for i, path in enumerate(request["files"]):
        at(i)
        opened.append(attempt(task.open, path))
        if time.perf_counter() - since > _FLUSH_SECONDS:
            yield _told(task, opened, at, first), False
            first, opened, since = i + 1, [], time.perf_counter()
            faulthandler.dump_traceback_later(patience, exit=True)
    yield _told(task, opened, at, first), True
    faulthandler.cancel_dump_traceback_later()


def _told(task: Task, opened: Sequence[Any], at: Callable[[int], None], first: int) -> list[Result]:
    """The results of files opened; should something go wrong with all of them together, one by one."""
    from stochastic_music.corpus._tasks import attempt

    def alone(i: int) -> Result:
        at(first + i)
        told = attempt(lambda file: task.tell([file], lambda _: None), opened[i])
        return told[0] if isinstance(told, list) else (told, b"")

    told = attempt(lambda files: task.tell(files, lambda i: at(first + i)), opened)
    return told if isinstance(told, list) else [alone(i) for i in range(len(opened))]


def _make_task(setup: Message) -> Task:
    from stochastic_music.corpus import _tasks

    return _tasks.make(setup)


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
