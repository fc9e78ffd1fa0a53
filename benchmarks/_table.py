"""Tables that scripts write: figures beside their bars, with versions and hardware."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple


class Table(NamedTuple):
    """Rows under a question."""

    question: str
    header: Sequence[str]
    rows: Sequence[Sequence[object]]

    def lines(self, level: int) -> list[str]:
        """As Markdown, the question being a heading of that level."""
        return [
            f"{'#' * level} {self.question}",
            "",
            "| " + " | ".join(self.header) + " |",
            "|" + "---|" * len(self.header),
            *("| " + " | ".join(str(cell) for cell in row) + " |" for row in self.rows),
            "",
        ]


def write(
    path: Path,
    question: str,
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    packages: Sequence[str] = (),
    below: Sequence[Table] = (),
) -> None:
    """Write `rows` as a Markdown table under `question`, further ones `below` it, and print them."""
    lines = [
        *Table(question, header, rows).lines(1),
        *(line for table in below for line in table.lines(2)),
        f"Measured by `{path.with_suffix('.py').name}` on {hardware()}; {versions(packages)}.",
        "",
    ]
    text = "\n".join(lines)
    path.write_text(text, encoding="utf-8")
    print(text)
    gather(path.parent)


def gather(folder: Path) -> None:
    """Put the tables of `folder` on one page, its README.md, if it has one: under its first paragraph, by name."""
    page = folder / "README.md"
    if page.is_file():
        page.write_text(gathered(page.read_text(encoding="utf-8"), tables(folder)), encoding="utf-8")


def tables(folder: Path) -> list[str]:
    """The text of every table of `folder`, by name."""
    paths = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    return [path.read_text(encoding="utf-8") for path in paths]


def gathered(page: str, tables: Sequence[str]) -> str:
    r"""The page with these tables in place of those it had; headings go one level down.

    >>> gathered("# Speed\n\nAll of them.\n\n## old\n", ["# new\n"])
    '# Speed\n\nAll of them.\n\n## new\n'
    """
    head = page.partition("\n## ")[0].rstrip()
    body = "\n".join("#" + table.replace("\n#", "\n##") for table in tables)
    return f"{head}\n\n{body}"


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
