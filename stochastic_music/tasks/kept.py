"""Models of built-in corpora: fitted once, then kept in the user's cache folder as model files."""

from __future__ import annotations

import hashlib
import importlib.metadata
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochastic_music import model_file
from stochastic_music.corpus._cache import cached
from stochastic_music.corpus.builtin import reader_version
from stochastic_music.errors import ModelFileError

#: what a model file holds: plain JSON, and arrays by name
Contents = tuple[Mapping[str, Any], Mapping[str, NDArray[Any]]]


class Kept(NamedTuple):
    """A model file that was read whole: its JSON, its arrays, its checksum."""

    meta: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    checksum: str


def kept_model(name: str, make: Callable[[], Contents]) -> Kept:
    """The model kept as `name` by this state of the code and of music21's corpora; what `make` gives where none is."""
    found: list[Kept] = []

    def accept(data: bytes) -> bool:
        try:
            found[:] = [_read(data)]
        except ModelFileError:
            return False
        return True

    def fresh() -> bytes:
        data = model_file.dumps(*make())
        found[:] = [_read(data)]
        return data

    cached(f"{name}-{_state()}", fresh, accept)
    return found[0]


def _read(data: bytes) -> Kept:
    """A model file's bytes, every array verified."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "kept.smm"
        path.write_bytes(data)
        file = model_file.ModelFile(path)
        return Kept(file.meta, {name: np.array(file[name]) for name in file}, file.checksum)


def _state() -> str:
    """What tells one state of models, tasks, readers and corpora from another."""
    home = Path(__file__).parents[1]
    digest = hashlib.blake2b(reader_version().encode(), digest_size=12)
    digest.update(importlib.metadata.version("music21").encode())
    for path in sorted(
        [*(home / "tasks").rglob("*.py"), *(home / "models").rglob("*.py"), *(home / "corpus").glob("*.py")]
    ):
        digest.update(path.read_bytes())
    return digest.hexdigest()
