"""The process that reads files for another one, so that a bad file can only hurt itself.

Started as `python -m stochastic_music.corpus._worker PLACE_FILE`. The first message says how to read; each further
message is a batch of files, answered by one or more messages of results in order. Where the worker is at any moment
stands in PLACE_FILE (memory-mapped): batch, file, so that the other side knows which file a dead worker was reading.
"""

from __future__ import annotations

import faulthandler
import importlib
import mmap
import os
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from stochastic_music.corpus._frames import Message, receive, send
from stochastic_music.errors import InputError, UnreadableFileError

#: what stands in the place file: number of the batch, number of the file in it
PLACE = struct.Struct("<qq")

_FLUSH_SECONDS = 0.05
_FLUSH_BYTES = 1 << 20

#: what to do with files that make no sense
EXPORT_AGAIN = "Open it in a notation program and export it again"

#: `(path) -> result, raw bytes`
Task = Callable[[str], tuple[Message, bytes]]


def main() -> None:
    """Serve until the other side closes the pipe."""
    requests, replies = _pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Path(sys.argv[1]).open("r+b") as file, mmap.mmap(file.fileno(), PLACE.size) as place:
        setup = receive(requests)
        if setup is None:
            return
        sys.path += [entry for entry in setup[0]["path"] if entry and entry not in sys.path]
        task = make_task(setup[0])
        send(replies, {"capped": setup[0].get("cap", True) and _limit_memory(setup[0]["memory_limit"])})
        seconds = float(setup[0]["time_limit"])
        while (request := receive(requests)) is not None:
            for reply, body in _batch(request[0], task, place, seconds):
                send(replies, reply, body)


def make_task(setup: Message) -> Task:
    """The function that `setup` describes."""
    from stochastic_music.corpus import _tasks

    return _tasks.make(setup)


def named(name: str) -> Any:
    """The object called `module:name`."""
    module, _, attribute = name.partition(":")
    value: Any = importlib.import_module(module)
    for part in attribute.split("."):
        value = getattr(value, part)
    return value


def _batch(request: Message, task: Task, place: mmap.mmap, seconds: float) -> Iterator[tuple[Message, bytes]]:
    results: list[Message] = []
    bodies: list[bytes] = []
    size, since = 0, time.perf_counter()
    # Should the other side be gone, nobody would stop a worker that hangs: this does.
    faulthandler.dump_traceback_later(2 * seconds + 60, exit=True)
    for i, path in enumerate(request["files"]):
        PLACE.pack_into(place, 0, request["batch"], i)
        result, body = attempt(task, path)
        result["size"] = len(body)
        results.append(result)
        bodies.append(body)
        size += len(body)
        now = time.perf_counter()
        if now - since > _FLUSH_SECONDS or size > _FLUSH_BYTES:
            faulthandler.dump_traceback_later(2 * seconds + 60, exit=True)
            yield {"batch": request["batch"], "results": results}, b"".join(bodies)
            results, bodies, size, since = [], [], 0, now
    faulthandler.cancel_dump_traceback_later()
    yield {"batch": request["batch"], "results": results, "done": True}, b"".join(bodies)


def attempt(task: Task, path: str) -> tuple[Message, bytes]:
    """What `task` makes of one file; whatever it raises becomes a reason."""
    try:
        return task(path)
    except UnreadableFileError as error:
        return {"reason": error.reason, "try": error.remedy}, b""
    except InputError as error:
        return {"reason": str(error).rstrip("."), "try": ""}, b""
    except MemoryError:
        return {"memory": True}, b""
    except Exception as error:
        words = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return {"reason": f"the reader gave up on it ({words})", "try": EXPORT_AGAIN}, b""


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
