"""How long does `stochmusic compare` take, from the command to the page?

Bar: six kinds of models on the chorale sopranos, three seeds, four minutes of fitting for each kind, both tables,
learning curves, everything composed, judged and drawn, within 30 minutes on two cores. The command starts cold:
nothing of an earlier comparison is there.

    python benchmarks/speed/comparison.py [--budget 4m] [--seeds 3] [--report FOLDER]

writes the table beside this script; with `--report` the page, and all else that the command wrote, is kept there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table
import _timing

KINDS = ("markov", "ppm", "multiple_viewpoint", "hmm", "maxent", "lstm")
#: minutes
BAR = 30


def command(budget: str, seeds: int, report: Path) -> list[str]:
    """The command line."""
    kinds = [word for kind in KINDS for word in ("-m", kind)]
    limits = ["--budget", budget, "--seeds", str(seeds), "-o", str(report)]
    return [sys.executable, "-m", "stochastic_music.cli.main", "compare", "bach-sopranos", *kinds, *limits]


def measured(words: list[str]) -> float:
    """Minutes from the command to its end; raises CalledProcessError where it fails."""
    return _timing.seconds(lambda: subprocess.run(words, check=True, stdin=subprocess.DEVNULL)) / 60


def rows(report: dict[str, object]) -> list[list[object]]:
    """What each kind came to, as the report has it."""
    found: list[list[object]] = []
    for model in report["models"]:
        figures = [_figure(model["failed"], model[table]) for table in ("budget", "own_stop")]
        cost = model["cost"] or {}
        taken = f"{cost['fit_seconds']:.0f}" if cost.get("fit_seconds") is not None else ""
        found.append([model["name"], *figures, taken])
    return found


def _figure(failed: str | None, table: dict[str, object] | None) -> str:
    bits = (table or {}).get("bits_per_note")
    if not bits or bits["value"] is None:
        return failed or "predicts nothing"
    low, high = bits["interval"]
    return f"{bits['value']:.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    """Compare, and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--budget", default="4m")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = options.report or Path(folder) / "report"
        minutes = measured(command(options.budget, options.seeds, place))
        report = json.loads((place / "report.json").read_text(encoding="utf-8"))
        page = (place / "index.html").stat().st_size
    lines = [["minutes in all", f"{minutes:.1f}", BAR, "yes" if minutes <= BAR else "no"]]
    lines.append(["index.html, kB", f"{page / 1000:.0f}", "", ""])
    what = f"{len(KINDS)} kinds on the chorale sopranos, {options.seeds} seeds, a budget of {options.budget} each"
    table = _table.Table(
        "Bits per note on held-out pieces, lower is better",
        ["model", "under the budget", "to its own stop", "seconds a fit"],
        rows(report),
    )
    _table.write(
        Path(__file__).with_suffix(".md"),
        f"`stochmusic compare`: {what}",
        ["measure", "figure", "bar", "met"],
        lines,
        packages=["numpy", "scipy", "torch", "scikit-learn"],
        below=[table],
    )


if __name__ == "__main__":
    main()
