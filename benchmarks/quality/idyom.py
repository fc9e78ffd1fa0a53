"""How well does IDyOM's way of combining viewpoints predict the next pitch of a melody?

Protocol of Pearce and Wiggins (2004): every event predicted including the first, alphabet = the pitches of the data
set, 10 folds by melody, bits per pitch. Long-term models go on learning while they read the test fold (LTM+), and are
combined with short-term ones. "Pitch only" reads the viewpoint `cpitch` and nothing else. "Timing and key known" reads
the viewpoints that Pearce (2005) selected for chorale melodies, less their two threads: those depend on beats and on
phrases. They were selected on the data of the first rows, by the figure shown, and by the published model.

    python benchmarks/quality/idyom.py

writes the table beside this script. Every parameter stood before the figures did. The published sets have 185 chorales
with 9,227 events and 213 children's songs with 8,393.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

import stochastic_music as sm
from stochastic_music.evaluation import cross_validate, encode_known
from stochastic_music.models.idyom import PUBLISHED, Idyom

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

IN_WORDS = {"none": "pitch only", "timing,key": "timing and key known"}


class Row(NamedTuple):
    """A data set, what is known of its notes, the viewpoints, and what was published."""

    data: str
    known: str
    viewpoints: str
    published: str = ""


ROWS = [
    Row("bach-sopranos", "none", "cpitch", "2.347"),
    Row("bach-sopranos", "timing,key", PUBLISHED, "1.953"),
    Row("essen-kinder", "none", "cpitch", "2.106"),
    Row("essen-kinder", "timing,key", PUBLISHED),
]


def line(row: Row, seeds: list[int]) -> list[str]:
    """One line of the table."""
    corpus, report = encode_known(sm.Corpus.builtin(row.data), row.known)
    if report.left_out:
        raise SystemExit(f"{len(report.left_out)} melodies of {row.data} could not be encoded")
    run = cross_validate(lambda: Idyom(row.viewpoints), corpus, seeds=seeds, adapt=True)
    figures = [estimate.value for estimate in run.bits_per_pitch() if estimate]
    low, high = np.mean([estimate.interval for estimate in run.bits_per_pitch() if estimate], axis=0)
    by_seed = " / ".join(f"{figure:.3f}" for figure in figures)
    interval, mean = f"{low:.2f} to {high:.2f}", f"{np.mean(figures):.3f}"
    return [row.data, IN_WORDS[row.known], f"`{row.viewpoints}`", mean, interval, by_seed, row.published]


def main() -> None:
    """Cross-validate and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args()
    lines = []
    for row in ROWS:
        lines.append(line(row, options.seeds))
        print(*lines[-1], flush=True)
    question = (
        "Bits per pitch of melodies, Idyom: LTM+ with STM, biases 7 and 2; 10 folds by melody, fold seeds "
        f"{', '.join(map(str, options.seeds))}"
    )
    header = ["data", "known", "viewpoints", "mean", "95 % interval over pieces", "by seed", "published"]
    _table.write(Path(__file__).with_suffix(".md"), question, header, lines, packages=["numpy", "music21"])


if __name__ == "__main__":
    main()
