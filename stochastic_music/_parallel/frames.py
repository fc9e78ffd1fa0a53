"""Messages over a pipe: a JSON header and raw bytes, each preceded by its length. Nothing is ever unpickled."""

from __future__ import annotations

import json
import os
import struct
import sys
from typing import IO, Any, TypeAlias

#: what a message says about itself: plain lists, numbers and strings
Message: TypeAlias = dict[str, Any]

_LENGTHS = struct.Struct("<IQ")


def send(pipe: IO[bytes], message: Message, body: bytes = b"") -> None:
    """Write one message; strings may hold lone surrogates, as names of files do."""
    head = json.dumps(message, separators=(",", ":")).encode("ascii")
    pipe.write(b"".join((_LENGTHS.pack(len(head), len(body)), head, body)))
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[Message, bytes] | None:
    """The next message, or None where the other side has gone, be it in the middle of one.

    >>> import io
    >>> pipe = io.BytesIO()
    >>> send(pipe, {"n": 1}, b"abc"); _ = pipe.seek(0)
    >>> receive(pipe), receive(pipe)
    (({'n': 1}, b'abc'), None)
    """
    lengths = pipe.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    n_head, n_body = _LENGTHS.unpack(lengths)
    head, body = pipe.read(n_head), pipe.read(n_body)
    return (json.loads(head), body) if len(head) == n_head and len(body) == n_body else None


def own_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """This process's pipes, in and out; what libraries print goes to standard error, never among the messages."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return sys.stdin.buffer, replies
