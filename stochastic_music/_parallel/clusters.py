"""A Dask cluster as an executor: a scheduler somewhere, and workers that see the same files under the same paths.

Dask sends functions and arguments as pickles: whoever can reach a scheduler can run code on its workers. It belongs on
a network where all are trusted, or behind TLS (`tls://` addresses, with the certificates in Dask's configuration).
"""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Any

from stochastic_music import _optional
from stochastic_music.errors import MachineError, UsageError

#: how long a scheduler may take to answer, and its first worker to be there
SECONDS = 10.0
#: bytes that the first words of a scheduler may have; they have some hundred
_GREETING = 1 << 20


@contextlib.contextmanager
def connected(address: str) -> Iterator[Executor]:
    """The executor of the scheduler at `address`, for instance tcp://127.0.0.1:8786.

    Raises UsageError for what is no address, MissingExtraError without dask, MachineError where the scheduler does not
    answer, has no workers, or has workers with another version of this package.
    """
    scheme, host, port = _parts(address)
    distributed, dask = _optional.require("distributed"), _optional.require("dask")
    _knock(address, scheme, host, port)
    with contextlib.ExitStack() as stack:
        # Tasks carry what they work on: Dask's advice to send it some other way does not apply.
        stack.enter_context(dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}))
        stack.enter_context(_silent())
        try:
            client = stack.enter_context(distributed.Client(address, timeout=SECONDS, set_as_default=False))
        except OSError as error:
            raise _silence(address, error) from error
        _check(client, address)
        yield client.get_executor(pure=False)


def n_workers(executor: Executor) -> int:
    """How many tasks a cluster does at once; 0 for executors that are no cluster."""
    client = getattr(executor, "_client", None)
    return sum(client.nthreads().values()) if client is not None else 0


def has_gone(executor: Executor) -> bool:
    """Whether this is a cluster whose scheduler no longer answers; what it was given is lost, should it return."""
    client = getattr(executor, "_client", None)
    return client is not None and client.status != "running"


def losses() -> tuple[type[Exception], ...]:
    """What Dask raises where a worker was lost; nothing where nobody has imported it."""
    return (*_named("distributed.comm", "CommClosedError"), *_named("distributed.scheduler", "KilledWorker"))


def gave_up(error: BaseException) -> bool:
    """Whether Dask itself has tried often enough: several workers died of one task."""
    return isinstance(error, _named("distributed.scheduler", "KilledWorker"))


def our_version() -> str:
    """The version of this package, where this runs."""
    return str(sys.modules[__name__.partition(".")[0]].__version__)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """What Dask logs of lost connections is left out: it is raised, in one line."""
    logs = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)


def _named(module: str, name: str) -> tuple[type[Exception], ...]:
    return (getattr(sys.modules[module], name),) if module in sys.modules else ()


def _parts(address: str) -> tuple[str, str, int]:
    try:
        parts = urllib.parse.urlsplit(address.strip())
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        scheme, host, port = "", None, None
    if scheme not in ("tcp", "tls") or not host or not port:
        raise UsageError(f"'{address}' is no address of a scheduler; expected one such as tcp://127.0.0.1:8786")
    return scheme, host, port


def _knock(address: str, scheme: str, host: str, port: int) -> None:
    """See that somebody is there, who speaks first as schedulers do: Dask itself would wait for ever.

    A scheduler says how many bytes follow, in 64 bits, and then these.
    """
    try:
        with socket.create_connection((host, port), timeout=SECONDS) as line, line.makefile("rb") as speech:
            if scheme == "tcp":
                length = int.from_bytes(speech.read(8), "little")
                if not 0 < length <= _GREETING or len(speech.read(length)) < length:
                    raise ConnectionError("what is there does not speak as schedulers do")
    except OSError as error:
        raise _silence(address, error) from error


def _silence(address: str, error: OSError) -> MachineError:
    return MachineError(
        f"the scheduler at {address} does not answer ({error}): see that 'dask scheduler' runs there, that the address "
        "is the one it prints, and that no firewall stands between"
    )


def _check(client: Any, address: str) -> None:
    """There are workers, and they and the scheduler are of our version."""
    try:
        client.wait_for_workers(1, timeout=SECONDS)
    except TimeoutError as error:
        told = f"the scheduler at {address} has no workers: start some with 'dask worker {address}'"
        raise MachineError(told) from error
    ours = our_version()
    versions = {"the scheduler": _version_of_scheduler(client), **client.run(our_version, on_error="return")}
    for place, theirs in versions.items():
        if theirs != ours:
            told = f"this machine has stochastic-music {ours}, but {place} answers {theirs!r}: install the same there"
            raise MachineError(told)


def _version_of_scheduler(client: Any) -> str | Exception:
    try:
        return str(client.run_on_scheduler(our_version))
    except Exception as error:  # it has no such package, and says so in its own way
        return error
