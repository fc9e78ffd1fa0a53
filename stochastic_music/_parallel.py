"""Independent pieces of work, in order, on any `concurrent.futures` executor.

A task is a call of a module-level function on plain values, so that any process can run it. Results come back in the
order of the tasks, whoever finished first: what is made of them does not depend on how many workers there are. A task
whose worker died is given out again; a task that raises, raises here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import TypeVar

from stochastic_music.errors import MachineError

Task = TypeVar("Task")
Result = TypeVar("Result")

#: how many tasks are given out before the first result is asked for: enough for many workers, and few in memory
WINDOW = 64
#: how often a task whose worker died is given out again
ATTEMPTS = 3


def mapped(
    function: Callable[[Task], Result], tasks: Iterable[Task], executor: Executor | None = None, window: int = WINDOW
) -> Iterator[Result]:
    """`function(task)` for each of `tasks`, in their order; in this process where there is no executor.

    At most `window` tasks are given out whose results have not been taken.
    Raises MachineError where workers keep dying, and whatever `function` raises.

    >>> list(mapped(abs, [-1, 2, -3]))
    [1, 2, 3]
    """
    if executor is None:
        yield from map(function, tasks)
        return
    given: deque[tuple[Task, Future[Result]]] = deque()
    for task in tasks:
        given.append((task, executor.submit(function, task)))
        if len(given) >= window:
            yield _result(function, executor, *given.popleft())
    while given:
        yield _result(function, executor, *given.popleft())


def _result(function: Callable[[Task], Result], executor: Executor, task: Task, future: Future[Result]) -> Result:
    for _ in range(ATTEMPTS):
        try:
            return future.result()
        except BrokenExecutor as error:
            lost = error
            future = executor.submit(function, task)
    raise MachineError(f"the processes that work for this one keep dying ({lost}): is there memory enough?") from lost
