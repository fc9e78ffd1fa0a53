"""Worker processes that read batches of files, watched so that a bad file costs itself alone.

A worker that dies, hangs or swells is replaced. The results it had sent are kept; the file it was reading is known from
its place file; the others of its batch go to the next worker. A file that killed a worker gets a second chance in a
fresh one, for the fault may have been an earlier file's, or another program's.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple, TypeAlias

from stochastic_music._parallel.frames import Message, receive, send
from stochastic_music._parallel.processes import end, environment
from stochastic_music.corpus._memory import resident_bytes
from stochastic_music.corpus._worker import PLACE
from stochastic_music.errors import MachineError

_TICK = 0.05
_STARTING_SECONDS = 120.0
_STEPS_A_BATCH = 128
_EXPORT_AGAIN = "Open it in a notation program and export it again"

#: place in the list of files, what the worker says of it, its bytes
Result: TypeAlias = tuple[int, Message, bytes]


class Limits(NamedTuple):
    """What one file may take of a worker: seconds, and bytes of memory."""

    seconds: float = 60.0
    memory: int = 2 * 10**9


@dataclass
class _Batch:
    number: int
    files: list[int]
    received: int = 0


@dataclass
class _Worker:
    """A process, the thread that listens to it, and the batch it has in hand."""

    process: subprocess.Popen[bytes]
    place_file: IO[bytes]
    place: mmap.mmap
    born: float
    ready: bool = False
    capped: bool = True
    batch: _Batch | None = None
    last_place: tuple[int, int] = (-1, -1)
    moved: float = 0.0
    verdict: str = ""

    def stop(self) -> None:
        """End the process and close what belongs to it."""
        end(self.process)
        self.place.close()
        self.place_file.close()


@dataclass
class WorkerPool:
    """Reads files in other processes; use it in a `with` block.

    `setup` tells the workers what to do (see `_tasks.make`).
    """

    setup: Message
    n_workers: int
    limits: Limits
    _hands: list[_Worker] = field(default_factory=list)
    _replies: queue.SimpleQueue[tuple[_Worker, tuple[Message, bytes] | None]] = field(default_factory=queue.SimpleQueue)
    _waiting: deque[_Batch] = field(default_factory=deque)
    _suspects: set[int] = field(default_factory=set)
    _n_batches: int = 0
    _folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> WorkerPool:
        self._folder = tempfile.TemporaryDirectory(prefix="stochastic_music_", ignore_cleanup_errors=True)
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._hands:
            worker.stop()
        self._hands.clear()
        if self._folder is not None:
            self._folder.cleanup()

    def run(self, files: Sequence[tuple[str, int]]) -> Iterator[Result]:
        """The result of every file (path, bytes), in the order they come; each file has exactly one."""
        paths = [path for path, _ in files]
        for batch in make_batches(files, self.n_workers):
            self._put(batch)
        left = len(files)
        for _ in range(min(self.n_workers, len(self._waiting))):
            self._start()
        while left:
            for result in self._turn(paths):
                left -= 1
                yield result

    def _turn(self, paths: Sequence[str]) -> Iterator[Result]:
        """Wait for news from a worker, or a tick, and act on it."""
        try:
            worker, reply = self._replies.get(timeout=_TICK)
        except queue.Empty:
            self._watch()
            return
        if reply is None:
            yield from self._bury(worker)
        elif not worker.ready:
            worker.ready, worker.capped = True, reply[0]["capped"]
        else:
            yield from self._accept(worker, *reply)
        self._watch()
        self._employ(paths)

    def _accept(self, worker: _Worker, reply: Message, body: bytes) -> Iterator[Result]:
        batch = worker.batch
        if batch is None or reply["batch"] != batch.number:
            return
        at = 0
        for result in reply["results"]:
            index = batch.files[batch.received]
            batch.received += 1
            yield index, self._in_words(result), body[at : at + result["size"]]
            at += result["size"]
        if reply.get("done"):
            worker.batch = None

    def _bury(self, worker: _Worker) -> Iterator[Result]:
        """A worker is gone: name the file it was reading, pass the others on, start another worker."""
        if not worker.ready:
            raise MachineError(f"a reading process did not start: {self._last_words()}")
        self._hands.remove(worker)
        batch, place = worker.batch, PLACE.unpack_from(worker.place, 0)
        worker.stop()
        if batch is not None:
            at = max(place[1], batch.received) if place[0] == batch.number else batch.received
            culprit = batch.files[at]
            if worker.verdict or culprit in self._suspects:
                yield culprit, self._sentence(worker), b""
            else:
                self._suspects.add(culprit)
                self._put([culprit])
            self._put(batch.files[batch.received : at], first=True)
            self._put(batch.files[at + 1 :], first=True)
        if self._waiting and len(self._hands) < self.n_workers:
            self._start()

    def _put(self, files: list[int], *, first: bool = False) -> None:
        if files:
            self._n_batches += 1
            batch = _Batch(self._n_batches, files)
            (self._waiting.appendleft if first else self._waiting.append)(batch)

    def _employ(self, paths: Sequence[str]) -> None:
        """Give every idle worker a batch."""
        for worker in self._hands:
            if worker.ready and worker.batch is None and self._waiting and worker.process.stdin is not None:
                worker.batch = self._waiting.popleft()
                worker.moved = time.monotonic()
                with contextlib.suppress(OSError):  # a dead worker is noticed by its listener
                    files = [paths[i] for i in worker.batch.files]
                    send(worker.process.stdin, {"batch": worker.batch.number, "files": files})

    def _watch(self) -> None:
        """End workers that sit on one file for too long or hold too much memory."""
        now = time.monotonic()
        for worker in self._hands:
            if not worker.ready:
                if now - worker.born > _STARTING_SECONDS:
                    worker.process.kill()
            elif worker.batch is not None:
                place = PLACE.unpack_from(worker.place, 0)
                if place != worker.last_place:
                    worker.last_place, worker.moved = place, now
                elif now - worker.moved > self.limits.seconds:
                    worker.verdict = "time"
                    worker.process.kill()
                if not worker.capped and resident_bytes(worker.process.pid) > self.limits.memory:
                    worker.verdict = "memory"
                    worker.process.kill()

    def _sentence(self, worker: _Worker) -> Message:
        if worker.verdict == "time":
            reason = f"reading it took longer than {self.limits.seconds:g} seconds"
            return {"reason": reason, "try": f"--time-limit {10 * self.limits.seconds:g} gives it longer"}
        if worker.verdict == "memory":
            return self._in_words({"memory": True})
        return {"reason": "it makes the reader crash, so it must be damaged", "try": _EXPORT_AGAIN}

    def _in_words(self, result: Message) -> Message:
        if not result.get("memory"):
            return result
        limit = self.limits.memory / 10**9
        reason = f"reading it takes more than {limit:.3g} GB of memory"
        return {"reason": reason, "try": f"--memory-limit {4 * limit:.3g}GB allows it more"}

    def _start(self) -> None:
        assert self._folder is not None  # noqa: S101 - a pool is used in a `with` block
        handle, name = tempfile.mkstemp(dir=self._folder.name)
        place_file = os.fdopen(handle, "r+b")
        place_file.write(PLACE.pack(-1, -1))
        place_file.flush()
        with Path(self._folder.name, "errors").open("ab") as errors:
            process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-W", "ignore", "-m", "stochastic_music.corpus._worker", name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment(),
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        place = mmap.mmap(place_file.fileno(), PLACE.size)
        worker = _Worker(process, place_file, place, time.monotonic())
        self._hands.append(worker)
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        with contextlib.suppress(OSError):
            assert process.stdin is not None  # noqa: S101 - asked for above
            limits = {"memory_limit": self.limits.memory, "time_limit": self.limits.seconds}
            send(process.stdin, {**self.setup, **limits, "path": sys.path})

    def _listen(self, worker: _Worker) -> None:
        """In a thread: pass on what the worker says, then None."""
        pipe = worker.process.stdout
        while pipe is not None:
            try:
                reply = receive(pipe)
            except (OSError, ValueError):
                reply = None
            self._replies.put((worker, reply))
            if reply is None:
                return

    def _last_words(self) -> str:
        assert self._folder is not None  # noqa: S101 - a pool is used in a `with` block
        lines = Path(self._folder.name, "errors").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def make_batches(
    files: Sequence[tuple[str, int]], n_workers: int = 0, steps: float = _STEPS_A_BATCH
) -> list[list[int]]:
    """Places of `files` (path, bytes) in batches of about equal work, small enough to keep all workers busy.

    A batch is at most `steps` of work (small MIDI files), or a file.

    >>> make_batches([("a.mid", 10)] * 5, 2)
    [[0], [1], [2], [3], [4]]
    """
    costs = [_cost(path, size) for path, size in files]
    most = min(steps, sum(costs) / (8 * n_workers)) if n_workers else steps
    batches: list[list[int]] = []
    full = most
    for i, cost in enumerate(costs):
        if full + cost > most:
            batches.append([])
            full = 0
        batches[-1].append(i)
        full += cost
    return batches


def _cost(path: str, size: int) -> float:
    """Work in a file, in small MIDI files: notation is a hundred times slower."""
    fast = path[-4:].lower() in (".mid", "midi", ".kar", ".rmi")
    return (1 if fast else 16) * (1 + size / 4096)
