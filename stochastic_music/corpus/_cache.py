"""The user's cache folder: files that can be made again, written whole or not at all, one process at a time."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from stochastic_music._files import write_atomically
from stochastic_music.corpus._lock import lock
from stochastic_music.errors import MachineError

_SUFFIX = ".corpus"
_LOCK = ".lock"
_NAME = "stochastic_music"

_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Where parsed corpora are kept: STOCHASTIC_MUSIC_CACHE, or the system's place for such files."""
    if own := os.environ.get("STOCHASTIC_MUSIC_CACHE"):
        return Path(own)
    try:
        return _system_folder(Path.home()) / _NAME
    except RuntimeError:  # there is no home
        return Path(tempfile.gettempdir()) / _NAME


def cache_clear() -> int:
    """Delete the parsed corpora; returns how many files that were."""
    count = 0
    for path in sorted(cache_folder().glob(f"*{_SUFFIX}")):
        with contextlib.suppress(OSError):
            path.unlink()
            count += 1
    for path in cache_folder().glob(f"*{_LOCK}"):
        with contextlib.suppress(OSError):
            path.unlink()
    return count


def cached(name: str, make: Callable[[], bytes], accept: Callable[[bytes], bool]) -> bytes:
    """The bytes kept under `name` if `accept` takes them; else those that `make` gives, which are kept.

    Two processes that ask for one name do not both make it. Where the folder cannot be written, nothing is kept.
    """
    path = cache_folder() / f"{name}{_SUFFIX}"
    if (data := _read(path)) is not None and accept(data):
        return data
    with _locked(path.with_suffix(_LOCK)):
        if (data := _read(path)) is not None and accept(data):
            return data
        data = make()
        try:
            write_atomically(path, lambda draft: _fill(draft, data))
        except MachineError as error:
            _log.warning("a parsed corpus could not be kept for next time: %s", error)
        return data


def _system_folder(home: Path) -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / "Caches"
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return xdg if xdg.is_absolute() else home / ".cache"


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _fill(path: Path, data: bytes) -> None:
    path.write_bytes(data)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of `path`, which the system frees when this process ends however it ends."""
    with contextlib.ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(path.open("ab"))
            lock(file)
        except OSError as error:
            _log.debug("no lock on %s: %s", path, error)
        yield
