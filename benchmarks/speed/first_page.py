"""How long from nothing to an open page? The README's first command, in an empty folder.

    python benchmarks/speed/first_page.py

The README's first fenced command runs word for word in a copy of the tree, with a virtual environment of its own: pip
installs from what it has in its cache, and from the network what it has not (a first installation fills the cache, and
is not counted). Then our part alone: `fit` and `generate` with a warm cache of the corpus, each in a process of its
own, the fastest of three. No browser is opened here: without a screen `--open` says where the page is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

ROOT = Path(__file__).parents[2]
#: seconds that all of it may take, and ours alone
BARS = (90, 15)
#: what of the tree a user has no need of
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "__pycache__", "*.smm", "takes", ".*_cache", "benchmarks")
_FENCED = re.compile(r"^```sh\n(.*?)\n```$", re.DOTALL | re.MULTILINE)


def first_command() -> list[str]:
    """The parts of the README's first command: the environment, pip, fit, generate."""
    found = _FENCED.search((ROOT / "README.md").read_text(encoding="utf-8"))
    if found is None:
        raise SystemExit("the README has no fenced command")
    return found[1].split(" && ")


def seconds(command: str, cwd: Path) -> float:
    """Wall time of a command in a shell without a screen; raises where it fails."""
    started = time.perf_counter()
    without = {
        name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY", "PYTHONPATH"}
    }
    subprocess.run(command, cwd=cwd, shell=True, check=True, stdin=subprocess.DEVNULL, capture_output=True, env=without)
    return time.perf_counter() - started


@contextmanager
def copy_of_the_tree() -> Iterator[Path]:
    """The tree as someone gets it, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copytree(ROOT, Path(folder) / "tree", ignore=LEFT_OUT))


def main() -> None:
    """Measure, and write the table beside this script."""
    environment, install, fit, generate = first_command()
    with copy_of_the_tree() as tree:  # fills the cache of pip
        for command in (environment, install):
            seconds(command, tree)
    with copy_of_the_tree() as tree:
        parts = [seconds(command, tree) for command in (environment, install, fit, generate)]
        ours = [(seconds(fit, tree), seconds(generate, tree)) for _ in range(3)]
        size = next((tree / "takes").glob("*.html")).stat().st_size
    best = min(ours, key=sum)
    rows = [
        ["the whole first command", f"{sum(parts):.0f} s", f"{BARS[0]} s", _met(sum(parts), BARS[0])],
        ["... of that the environment and pip", f"{parts[0] + parts[1]:.0f} s", "", ""],
        ["... of that `fit` and `generate`", f"{parts[2]:.1f} + {parts[3]:.1f} s", "", ""],
        ["`fit` and `generate`, fastest of three", f"{sum(best):.1f} s", f"{BARS[1]} s", _met(sum(best), BARS[1])],
        ["... `fit`, `generate`", f"{best[0]:.1f} + {best[1]:.1f} s", "", ""],
        ["the page of four takes", f"{size / 1e6:.2f} MB", "3 MB", _met(size / 1e6, 3)],
    ]
    _table.write(
        Path(__file__).with_suffix(".md"),
        "How long from nothing to a page of four new melodies?",
        ["measure", "figure", "bar", "met"],
        rows,
        packages=["numpy", "scipy", "verovio"],
    )


def _met(figure: float, bar: float) -> str:
    return "yes" if figure <= bar else "no"


if __name__ == "__main__":
    main()
