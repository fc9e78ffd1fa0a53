"""--open: what was written is shown by the program that the system has for it, where there is a screen.

It never fails and never waits: without a screen (a server, a shell from afar) or a program it says where the file is.
A browser that would fill the terminal is none that is meant: no program gets the terminal.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stochastic_music.cli._common import say

#: seconds after which a program that has not refused is taken to have opened the file
_PATIENCE = 1.0


def open_best(first: Mapping[str, Any], page: str | None) -> None:
    """Open the page where there is one, else the first take in the last of its formats."""
    open_file(Path(page or [first["file"], *first["also"]][-1]))


def open_file(path: Path) -> None:
    """Show a file, or say where it is."""
    if _opened(path.resolve()):
        say(f"Opened {path}.")
    else:
        say(f"It could not be opened from here; it is {path.resolve().as_uri()}")


def _opened(path: Path) -> bool:
    if sys.platform == "win32":
        return _started(path)
    opener = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    screen = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(opener and screen) and _runs([str(opener), str(path)])


def _started(path: Path) -> bool:
    """As a double click does, on Windows."""
    try:
        os.startfile(path)  # type: ignore[attr-defined,unused-ignore] # noqa: S606
    except OSError:
        return False
    return True


def _runs(command: list[str]) -> bool:
    """Whether a program of its own session, without the terminal, took the file; a slow one is believed."""
    quiet = subprocess.DEVNULL
    try:
        program = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)  # noqa: S603
        return program.wait(_PATIENCE) == 0
    except subprocess.TimeoutExpired:
        program.returncode = 0  # it goes on without us
        return True
    except OSError:
        return False
