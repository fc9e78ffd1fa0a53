"""Independent pieces of work, in order, on any `concurrent.futures` executor.

A task is a call of a module-level function on plain values, so that any process can run it. Results come back in the
order of the tasks, whoever finished first: what is made of them does not depend on how many workers there are. A task
whose worker died is given out again; a task that raises, raises here.

    mapped     tasks on an executor, or in this process
    opened     an executor: processes of this machine (`processes`), or the workers of a Dask cluster (`clusters`)

Tasks and results are pickled on their way between processes that one user started. Files are never unpickled.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from typing import TypeVar

from stochastic_music._parallel import clusters
from stochastic_music._parallel.processes import Processes, cores, peak_bytes
from stochastic_music.errors import InvalidParameterError, MachineError, UsageError

__all__ = ["Processes", "cores", "mapped", "opened", "peak_bytes", "window_of"]

Task = TypeVar("Task")
Result = TypeVar("Result")

#: tasks given out for each worker before the first result is asked for: nobody waits for work, and few are in memory
AHEAD = 4
#: how many workers an executor is taken to have that does not say
WORKERS = 16
#: how long, in seconds, until it is asked whether a scheduler is still there
PULSE = 1.0
#: how often a task whose worker died is given out
ATTEMPTS = 4


@contextlib.contextmanager
def opened(scheduler: str | None = None, workers: int | None = None) -> Iterator[Executor | None]:
    """An executor for `mapped`: `workers` processes (None: one a core), or the Dask cluster of `scheduler`.

    One worker is this process itself: None. Whatever ends the `with` block early ends what still runs.
    Raises UsageError for what is no address, MissingExtraError without dask, MachineError where the scheduler does not
    answer, has no workers, or has workers of another version.

    >>> with opened(workers=1) as executor:
    ...     list(mapped(abs, [-1, 2], executor))
    [1, 2]
    """
    if workers is not None and workers < 1:
        raise InvalidParameterError(f"workers is {workers}; expected 1 or more, or None for one a core")
    if scheduler is not None:
        if workers is not None:
            raise UsageError("the workers are those of the scheduler: give a scheduler, or a number of workers")
        with clusters.connected(scheduler) as executor:
            yield executor
    elif (workers or cores()) == 1:
        yield None
    else:
        with Processes(workers) as executor:
            yield executor


def mapped(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    executor: Executor | None = None,
    window: int | None = None,
) -> Iterator[Result]:
    """`function(task)` for each of `tasks`, in their order; in this process where there is no executor.

    At most `window` tasks are given out whose results have not been taken: `window_of(executor)` by default.
    Raises MachineError where workers keep dying or the scheduler has gone, and whatever `function` raises.

    >>> list(mapped(abs, [-1, 2, -3]))
    [1, 2, 3]
    """
    if executor is None:
        yield from map(function, tasks)
        return
    given: deque[tuple[Task, Future[Result]]] = deque()
    window = window or window_of(executor)
    try:
        for task in tasks:
            given.append((task, _submitted(function, task, executor)))
            if len(given) >= window:
                yield _result(function, executor, *given.popleft())
        while given:
            yield _result(function, executor, *given.popleft())
    finally:
        for _, future in given:
            future.cancel()


def window_of(executor: Executor) -> int:
    """How many tasks are given out ahead of their results: some for each worker."""
    return AHEAD * (clusters.n_workers(executor) or getattr(executor, "_max_workers", WORKERS))


def _result(
    function: Callable[[Task], Result], executor: Executor, task: Task, future: Future[Result], attempts: int = ATTEMPTS
) -> Result:
    try:
        return _awaited(future, executor)
    except CancelledError as error:
        raise MachineError("the scheduler has gone, and the work with it: start it and its workers again") from error
    except _losses() as error:
        if attempts == 1 or clusters.gave_up(error):
            told = f"the processes that work for this one keep dying ({error}): is there memory enough?"
            raise MachineError(told) from error
    return _result(function, executor, task, _submitted(function, task, executor), attempts - 1)


def _awaited(future: Future[Result], executor: Executor) -> Result:
    """What the task gave. A cluster that goes away leaves futures that never end: it is asked for now and then."""
    while True:
        try:
            return future.result(timeout=PULSE)
        except TimeoutError:
            if future.done():
                return future.result()
            if clusters.has_gone(executor):
                raise CancelledError from None


def _losses() -> tuple[type[Exception], ...]:
    """What says that a worker was lost, and not that the task was bad."""
    return (BrokenExecutor, *clusters.losses())


def _submitted(function: Callable[[Task], Result], task: Task, executor: Executor) -> Future[Result]:
    try:
        return executor.submit(function, task)
    except RuntimeError as error:  # it is broken for good, or shut
        raise MachineError(f"the executor takes no more work ({error}): open another one") from error
