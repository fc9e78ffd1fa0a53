"""Writing files so that nothing is lost: whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from stochastic_music.errors import MachineError, UsageError

_REASONS = {
    errno.ENOSPC: "the disk is full: free some space, or choose another folder with -o",
    errno.EDQUOT: "your disk quota is used up: free some space, or choose another folder with -o",
    errno.EACCES: "there is no permission to write there: choose another folder with -o",
    errno.EPERM: "there is no permission to write there: choose another folder with -o",
    errno.EROFS: "that disk can only be read: choose another folder with -o",
    errno.ENOTDIR: "a part of that path is a file, not a folder: choose another folder with -o",
    errno.EEXIST: "a file of that name stands where a folder is needed: choose another folder with -o",
    errno.ENAMETOOLONG: "the name is too long for this system: choose a shorter one with -o",
}


def write_atomically(path: Path, write: Callable[[Path], None], *, lasting: bool = False) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it over `path`.

    What stood at `path` stays as it was until the new file is complete and on disk; with `lasting` its name is on disk
    too when this returns, so that a loss of power does not bring back what stood there.
    Raises MachineError where the system refuses, with what to do.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
        if lasting:
            sync_folder(path.parent)
    except OSError as error:
        raise refusal(path, error) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """See to it that the names in a folder are on disk, where the system does that; raises OSError where it cannot."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def refusal(path: Path, error: OSError, option: str = " with -o") -> MachineError:
    """The error that says what stands in the way of writing `path`, and what to do; `option` names the other place."""
    reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
    return MachineError(f"cannot write {path}: {reason.replace(' with -o', option)}.")


def write_new(path: Path, data: bytes, *, force: bool = False) -> None:
    """Write `data` to `path`; what stands there is kept unless it is equal or `force` is given.

    Raises UsageError where something else stands there.
    """
    refuse_overwrite(path, data, force=force)
    write_atomically(path, lambda temporary: _write_bytes(temporary, data))


def write_all(drafts: Mapping[Path, bytes], *, force: bool = False) -> list[Path]:
    """Write files as `write_new` does, but none of them where one may not be overwritten.

    Where one comes to grief, those that were not there before go again.
    """
    for path, data in drafts.items():
        refuse_overwrite(path, data, force=force)
    new = [path for path in drafts if not path.exists()]
    try:
        for path, data in drafts.items():
            write_new(path, data, force=force)
    except BaseException:  # an interrupt too
        for path in new:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        raise
    return list(drafts)


def refuse_unwritable(folder: Path, option: str = " with -o") -> None:
    """Raise MachineError if `folder` could not be made, or nothing could be written there; nothing is changed.

    `option` says what names another folder.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = errno.EACCES if there.is_dir() else errno.ENOTDIR
        raise MachineError(f"cannot write into {folder}: {_REASONS[why].replace(' with -o', option)}.")


def refuse_overwrite(path: Path, data: bytes, *, force: bool) -> None:
    """Raise UsageError if `path` is a folder, or holds something other than `data` and `force` is not given."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder; expected the name of a file.")
    if not force and path.exists() and (not path.is_file() or path.read_bytes() != data):
        raise UsageError(f"{path} exists and differs: give --force to replace it, or another name with -o.")


def _write_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
