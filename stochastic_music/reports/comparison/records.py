"""What was found out so far: JSON files in a work folder, written whole or not at all.

work/comparison.json               what the folder is a comparison of
work/CELL-KEY/fit.json, model.smm  a fit, kept under everything that determined it
work/CELL-KEY/predicted-KEY.json   what it predicts of held-out pieces
work/CELL-KEY/composed-KEY.json    what it composed by a seed; the takes lie in a folder beside it
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stochastic_music._files import write_atomically
from stochastic_music.errors import UsageError
from stochastic_music.protocols import FloatArray
from stochastic_music.reports.comparison.cells import key


@dataclass(frozen=True)
class Work:
    """The work folder of a report; `anew` leaves what it holds unread."""

    folder: Path
    anew: bool = False

    def place(self, stem: str, facts: Any) -> Path:
        """The folder of a cell."""
        return self.folder / f"{stem}-{key(facts)}"

    def known(self, path: Path) -> dict[str, Any] | None:
        """The record at `path`, None where there is none, or one that cannot be read."""
        if self.anew or not path.exists():
            return None
        return read(path)

    def claim(self, facts: dict[str, Any], title: str) -> None:
        """Make the folder that of this comparison; raises UsageError where it is another one's, or not empty."""
        path, report = self.folder / "comparison.json", self.folder.parent
        if not self.anew and report.exists() and any(report.iterdir()):
            held = read(path)
            if held is None:
                raise UsageError(f"{report} holds other files: choose another folder with -o, or give --force")
            if held.get("facts") != facts:
                raise UsageError(
                    f"{report} holds another comparison, of {held.get('title', 'other music')}: choose another folder "
                    "with -o, or give --force to begin anew"
                )
        write(path, {"title": title, "facts": facts})


def read(path: Path) -> dict[str, Any] | None:
    """A JSON object, None where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def write(path: Path, record: dict[str, Any]) -> None:
    """Write JSON, whole or not at all; raises MachineError where the system refuses."""
    write_text(path, json.dumps(plain(record), allow_nan=False) + "\n")


def plain(value: Any) -> Any:
    """JSON in which numbers that JSON has no name for are null.

    >>> plain({"a": [1.0, float("nan"), float("inf")]})
    {'a': [1.0, None, None]}
    """
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_text(path: Path, text: str) -> None:
    """Write text, whole or not at all; raises MachineError where the system refuses."""
    write_atomically(path, _writer(text))


def finite(values: FloatArray | Sequence[float]) -> list[float | None]:
    """Numbers for JSON, which has no name for infinity: null."""
    return [float(f"{value:.8g}") if math.isfinite(value) else None for value in np.asarray(values).tolist()]


def _writer(text: str) -> Callable[[Path], None]:
    def fill(path: Path) -> None:
        path.write_text(text, encoding="utf-8")

    return fill
