"""The process that does tasks for another one of the same user: `python -m stochastic_music._parallel.worker`.

A message holds a pickled call, (function, args, kwargs), and where modules are found; it is answered by the pickled
result, or by the exception. The process ends when the other side closes the pipe.
"""

from __future__ import annotations

import pickle
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

from stochastic_music._parallel.frames import Message, own_pipes, receive, send
from stochastic_music.errors import InvalidParameterError, MachineError


def main() -> None:
    """Serve until the other side closes the pipe."""
    requests, replies = own_pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while (request := receive(requests)) is not None:
        message, call = request
        sys.path += [entry for entry in message["path"] if entry and entry not in sys.path]
        send(replies, *answer(call))


def answer(call: bytes) -> tuple[Message, bytes]:
    """Whether the call was done, and what came of it."""
    try:
        function, args, kwargs = _unpickled(call)
        value = function(*args, **kwargs)
        return {"done": True}, pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        return {"done": False}, _packed(error)


def _unpickled(call: bytes) -> tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]]:
    try:
        function, args, kwargs = pickle.loads(call)  # noqa: S301 - from the process that started this one
    except (AttributeError, ImportError) as error:
        told = f"another process cannot find what it should work with ({error}): define it in a module, not in a script"
        raise InvalidParameterError(told) from error
    return function, args, kwargs


def _packed(error: Exception) -> bytes:
    """The exception with a note of where it was raised; one that cannot travel in words."""
    error.add_note("in a working process:\n" + "".join(traceback.format_exception(error)))
    try:
        packed = pickle.dumps(error)
        pickle.loads(packed)  # noqa: S301 - made in the line above
    except Exception:
        return pickle.dumps(MachineError(f"{type(error).__name__} in a working process: {error}"))
    return packed


if __name__ == "__main__":
    main()
