"""Runs that can be broken off: safetensors files, numbers and text, written whole or not at all."""

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

FORMAT = "stochastic_music metropolis 1"


class Contents(NamedTuple):
    """What is saved of a run: arrays and facts by name."""

    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, str]


def save(path: Path, identity: Mapping[str, str], contents: Contents) -> None:
    """Write a checkpoint; `identity` says which run it is of. Raises MachineError where the system refuses."""
    from safetensors.numpy import save as to_bytes

    meta = {"format": FORMAT, "identity": dict(identity), "facts": dict(contents.facts)}
    arrays = {name: np.ascontiguousarray(array) for name, array in contents.arrays.items()}
    data = to_bytes(arrays, metadata={"run": json.dumps(meta)})  # one entry: the order of several is left to chance
    write_atomically(path, lambda temporary: _write(temporary, data))


def load(path: Path, identity: Mapping[str, str]) -> Contents:
    """The checkpoint of this very run. Raises UsageError naming what differs, or where the file is something else."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            meta = json.loads((file.metadata() or {}).get("run", "{}"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    except (OSError, SafetensorError) as error:
        raise UsageError(f"{path} is no checkpoint, or damaged ({error}): delete it, or name another file") from error
    if meta.get("format") != FORMAT:
        raise UsageError(f"{path} is no checkpoint of a Metropolis run: name another file")
    known = meta["identity"]
    for name, value in identity.items():
        if known.get(name) != value:
            was = f"it was {known.get(name)}, and is {value}" if len(value) < 60 else "what is asked for now differs"
            raise UsageError(
                f"{path} is the checkpoint of another run: another {name} ({was}). Name another file, or ask for "
                "what was asked for then"
            )
    return Contents(arrays, meta["facts"])


def fingerprint(model: Any) -> str:
    """A name for what a model has learned: equal models have equal ones, others do not.

    It is made of the class, its parameters and what `to_arrays` gives: a model that has none is known by the former.
    """
    params = model.get_params() if hasattr(model, "get_params") else {}
    digest = hashlib.sha256(f"{type(model).__qualname__} {params!r}".encode())
    arrays = model.to_arrays() if hasattr(model, "to_arrays") else {}
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]


def digest(*arrays: NDArray[Any]) -> str:
    """A name for the contents of arrays."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
