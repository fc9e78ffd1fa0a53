"""Tables that scripts write: figures beside their bars, with versions and hardware."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path


def write(
    path: Path, question: str, header: Sequence[str], rows: Sequence[Sequence[object]], *, packages: Sequence[str] = ()
) -> None:
    """Write `rows` as a Markdown table under `question`, and print it."""
    lines = [
        f"# {question}",
        "",
        "| " + " | ".join(header) + " |",
        "|" + "---|" * len(header),
        *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows),
        "",
        f"Measured by `{path.with_suffix('.py').name}` on {hardware()}; {versions(packages)}.",
        "",
    ]
    text = "\n".join(lines)
    path.write_text(text, encoding="utf-8")
    print(text)


def hardware() -> str:
    """Processor and cores, in words."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ""
    )
    return f"{model or platform.processor() or platform.machine()}, {os.cpu_count()} cores, {platform.system()}"


def versions(packages: Sequence[str]) -> str:
    """Python and the named packages."""
    named = ", ".join(f"{name} {version(name)}" for name in ("stochastic-music", *packages))
    return f"Python {platform.python_version()}, {named}"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
