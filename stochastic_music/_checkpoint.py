"""Work that can be broken off and goes on: safetensors files, numbers and text, written whole or not at all.

A checkpoint says which `work` it is of ("metropolis", "training"), and which run of it: its *identity*, names with
values. It is read by that very run only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochastic_music._files import write_atomically
from stochastic_music.errors import UsageError


class Contents(NamedTuple):
    """What is saved of a run: arrays and facts by name."""

    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, str]


def save(path: Path, work: str, identity: Mapping[str, str], contents: Contents) -> None:
    """Write a checkpoint; `identity` says which run it is of. Raises MachineError where the system refuses."""
    from safetensors.numpy import save as to_bytes

    arrays = {name: np.ascontiguousarray(array) for name, array in contents.arrays.items()}
    meta = {
        "format": _format(work), "identity": dict(identity), "facts": dict(contents.facts), "digest": digest(arrays)
    }  # fmt: skip
    data = to_bytes(arrays, metadata={"run": json.dumps(meta)})  # one entry: the order of several is left to chance
    write_atomically(path, lambda temporary: _write(temporary, data))


def load(path: Path, work: str, identity: Mapping[str, str]) -> Contents:
    """The checkpoint of this very run. Raises UsageError naming what differs, or where the file is something else."""
    arrays, meta = _read(path)
    if meta.get("format") != _format(work):
        raise UsageError(f"{path} is no checkpoint of a {work} run: name another file")
    if meta.get("digest", "") not in ("", digest(arrays)):
        raise UsageError(
            f"{path} is damaged: its contents do not match their checksum. Delete it, or name another file"
        )
    known = meta["identity"]
    for name, value in identity.items():
        if known.get(name) != value:
            was = f"it was {known.get(name)}, and is {value}" if len(value) < 60 else "what is asked for now differs"
            raise UsageError(
                f"{path} is the checkpoint of another run: another {name} ({was}). Delete it to begin anew, "
                "name another file, or ask for what was asked for then"
            )
    return Contents(arrays, meta["facts"])


def _format(work: str) -> str:
    return f"stochastic_music {work} 1"


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays of a file, and what it says of itself, {} where that is nothing of ours."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            meta = json.loads((file.metadata() or {}).get("run", "{}"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    except (OSError, ValueError, SafetensorError) as error:
        raise UsageError(f"{path} is no checkpoint, or damaged ({error}): delete it, or name another file") from error
    return arrays, meta if isinstance(meta, dict) else {}


def fingerprint(model: Any) -> str:
    """A name for what a model has learned: equal models have equal ones, others do not.

    It is made of the class, its parameters and what `to_arrays` gives: a model that has none is known by the former.
    """
    params = model.get_params() if hasattr(model, "get_params") else {}
    arrays = model.to_arrays() if hasattr(model, "to_arrays") else {}
    return digest(arrays, f"{type(model).__qualname__} {params!r}")


def digest(arrays: Mapping[str, NDArray[Any]], text: str = "") -> str:
    """A name for a text and the contents of arrays.

    >>> digest({"a": np.zeros(2)}) == digest({"b": np.zeros(2)})
    False
    """
    found = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype} {array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()[:16]


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
