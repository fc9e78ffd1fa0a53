"""Worker processes of this machine, as an executor that outlives them.

They are started as `python -m stochastic_music._parallel.worker`, never by importing the caller's script again: a
script needs no `if __name__ == "__main__"`. Each works on one task at a time, with one thread for every numerical
library. One that dies fails the task it had, with `WorkerLost`, and is replaced; `mapped` gives the task out again.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from stochastic_music._parallel.frames import receive, send
from stochastic_music.errors import InvalidParameterError, MachineError

P = ParamSpec("P")
Result = TypeVar("Result")


class WorkerLost(BrokenExecutor):
    """The process that worked on a task has died."""


class Processes(Executor):
    """`n_workers` processes (None: one a core), each started when there is work for it; use it in a `with` block.

    Functions, arguments and results must be picklable, and importable by name in another process.
    """

    def __init__(self, n_workers: int | None = None) -> None:
        self._max_workers = n_workers or cores()
        self._threads = ThreadPoolExecutor(self._max_workers, "stochastic_music")
        self._idle: deque[_Worker] = deque()
        self._all: set[_Worker] = set()
        self._starting = threading.Lock()
        self._ended = False

    def submit(self, function: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs) -> Future[Result]:
        """The future of `function(*args, **kwargs)`, worked out in a process."""
        return self._threads.submit(self._work, function, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks, finish those given, end the processes; with `cancel_futures` end them at once."""
        self._threads.shutdown(wait=False, cancel_futures=cancel_futures)
        if cancel_futures:
            with self._starting:  # none is missed that is being started
                self._ended = True
                for worker in self._all:
                    worker.process.kill()
        if wait or cancel_futures:
            self._threads.shutdown(wait=True)
            for worker in tuple(self._all):
                self._end(worker)

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        self.shutdown(cancel_futures=kind is not None)

    def _work(self, function: Callable[..., Result], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Result:
        """In a thread: have one process do it."""
        call = _pickled((function, args, kwargs))
        worker = self._worker()
        try:
            done, answer = worker.ask(call)
        except WorkerLost:
            self._end(worker)
            raise
        self._idle.append(worker)
        value = pickle.loads(answer)  # noqa: S301 - from a process of ours
        if done:
            result: Result = value
            return result
        raise value

    def _worker(self) -> _Worker:
        with contextlib.suppress(IndexError):
            return self._idle.pop()
        with self._starting:
            if self._ended:
                raise WorkerLost("the processes were ended")
            worker = _Worker()
            self._all.add(worker)
        return worker

    def _end(self, worker: _Worker) -> None:
        with self._starting:
            self._all.discard(worker)
        worker.end()


class _Worker:
    """A process and its pipes."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "stochastic_music._parallel.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._ready = False

    def ask(self, call: bytes) -> tuple[bool, bytes]:
        """Whether the pickled `call` was done, and what came of it, pickled; raises WorkerLost."""
        process = self.process
        assert process.stdin is not None  # noqa: S101 - asked for above
        assert process.stdout is not None  # noqa: S101
        with contextlib.suppress(OSError):  # a dead one is noticed below
            send(process.stdin, {"path": sys.path}, call)
        reply = receive(process.stdout)
        if reply is None:
            raise self._loss()
        self._ready = True
        return reply[0]["done"], reply[1]

    def _loss(self) -> Exception:
        code = self.process.wait()
        if not self._ready and code > 0:
            return MachineError(f"a working process did not start: {sys.executable} ended with code {code}")
        return WorkerLost(f"process {self.process.pid} ended with {f'signal {-code}' if code < 0 else f'code {code}'}")

    def end(self) -> None:
        """End the process, whatever it does, and close what belongs to it."""
        end(self.process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process, whatever it does, and close its pipes."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _pickled(call: object) -> bytes:
    try:
        return pickle.dumps(call, protocol=pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        told = f"this cannot be sent to another process ({error}): define it at the top of a module"
        raise InvalidParameterError(told) from error


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_bytes() -> int | None:
    """The most memory that this process has held, None where the system does not tell.

    On Linux what its kernel says of the process: `getrusage` would count the moment in which another was its copy.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = (line.split() for line in status.read_text().splitlines())
        return next((int(words[1]) * 1024 for words in lines if words[:1] == ["VmHWM:"]), None)
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def environment() -> dict[str, str]:
    """One thread for every numerical library, the same hashes each time, and this package where it can be found."""
    threads = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR", "NUMBA", "VECLIB_MAXIMUM")
    settings = {f"{name}_NUM_THREADS": "1" for name in threads} | {"PYTHONHASHSEED": "0"}
    home = Path(__file__).resolve().parents[2]
    if home.name not in ("site-packages", "dist-packages"):
        settings["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(home)]))
    return {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"} | settings
