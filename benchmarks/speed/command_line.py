"""How long does the command line take to answer, and to walk the main road?

Two measures. `stochmusic --help` against an empty typer program, in pairs, as the median ratio. And
`fit bach-sopranos -m markov` (order 3, warm cache) with `generate -n 4` after it, in seconds, with and without --bars.

    python benchmarks/speed/command_line.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

EMPTY = "import typer\napp = typer.Typer()\n@app.command()\ndef main() -> None:\n    pass\napp()\n"
STOCHMUSIC = [sys.executable, "-m", "stochastic_music.cli.main"]


def seconds(command: list[str], cwd: Path) -> float:
    """Wall time of one run; raises where it fails."""
    started = time.perf_counter()
    subprocess.run(command, cwd=cwd, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return time.perf_counter() - started


def help_ratio(cwd: Path, pairs: int = 15) -> tuple[float, float, float]:
    """Median ratio, and the two medians in seconds."""
    (cwd / "empty.py").write_text(EMPTY)
    ours, theirs = [], []
    for _ in range(pairs + 1):
        ours.append(seconds([*STOCHMUSIC, "--help"], cwd))
        theirs.append(seconds([sys.executable, "empty.py", "--help"], cwd))
    ratios = [a / b for a, b in zip(ours[1:], theirs[1:], strict=True)]
    return statistics.median(ratios), statistics.median(ours[1:]), statistics.median(theirs[1:])


def main_road(cwd: Path, *request: str) -> tuple[float, float]:
    """Seconds of fit and of generate, medians of three."""
    fits, takes = [], []
    for _ in range(3):
        fits.append(seconds([*STOCHMUSIC, "fit", "bach-sopranos", "-m", "markov", "--set", "order=3", "--force"], cwd))
        takes.append(seconds([*STOCHMUSIC, "generate", "-n", "4", "--seed", "1", "--force", *request], cwd))
    return statistics.median(fits), statistics.median(takes)


def main() -> None:
    """Measure, and write the table beside this script."""
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        ratio, ours, empty = help_ratio(cwd)
        subprocess.run([*STOCHMUSIC, "corpus", "info", "bach-sopranos"], check=True, capture_output=True)
        fit, free = main_road(cwd)
        _, bars = main_road(cwd, "--bars", "16")
    rows = [
        [
            "`stochmusic --help` / empty typer program",
            f"{ratio:.2f}",
            "at most 1.5",
            f"{ours * 1000:.0f} ms / {empty * 1000:.0f} ms",
        ],
        [
            "`fit bach-sopranos -m markov`, order 3, warm cache, and `generate -n 4`",
            f"{fit + free:.2f} s",
            "5 s",
            f"{fit:.2f} + {free:.2f} s",
        ],
        ["the same with `generate -n 4 --bars 16`", f"{fit + bars:.2f} s", "", f"{fit:.2f} + {bars:.2f} s"],
    ]
    path = Path(__file__).with_suffix(".md")
    _table.write(
        path,
        "How long does the command line take?",
        ["measure", "figure", "bar", "seen"],
        rows,
        packages=["typer", "numpy"],
    )


if __name__ == "__main__":
    main()
