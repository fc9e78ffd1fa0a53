"""How well do multiple viewpoints predict the next pitch of a melody?

Protocol of Pearce and Wiggins (2004): every pitch predicted including the first, alphabet = what the data set
uses, 10 folds by melody, long-term counts of the training folds with short-term memory of the melody so far, bits
per pitch. *Pitch only* knows the pitches before and nothing else: no end symbol, the key estimated from the past.
With *timing and key known* the model predicts whole events, and only the bits of the pitches are counted: each is
given its onset, its duration, its place in the bar and the printed key signature; where *phrase* is known too, also
whether it ends a phrase; never later notes (`stochastic_music.evaluation.known`). In the published protocol variants
of a tune sit in different folds; in the rows *variants in one fold* melodies that share half of their runs of eight
intervals do not.

    python benchmarks/quality/melody.py [--seeds 0 1 2] [--data bach-sopranos essen-kinder] [--folds 10]

writes the table beside this script; the rows are those of `stochmusic score bach-sopranos -m multiple_viewpoint
--cv 10 --seeds 3 --known none`. Published: chorales 2.347 pitch only and 1.911 with timing and key (viewpoints
chosen on the test score), children's songs 2.106 pitch only (Pearce 2005, chapters 7 and 9).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

import stochastic_music as sm
from stochastic_music.evaluation import CrossValidation, cross_validate, encode_known
from stochastic_music.models.multiple_viewpoint import MultipleViewpoint

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

IN_WORDS = {
    "none": "pitch only",
    "timing,key": "timing and key known",
    "timing,key,phrase": "timing, key and phrase known",
}


class Row(NamedTuple):
    """A data set, what is known of its notes, what was published, the bar, and whether variants share a fold."""

    data: str
    known: str
    published: str = ""
    bar: str = ""
    together: bool = False


ROWS = [
    Row("bach-sopranos", "none", "2.347", "1.98"),
    Row("bach-sopranos", "timing,key"),
    Row("bach-sopranos", "timing,key,phrase", "1.911", "1.77"),
    Row("bach-sopranos", "none", together=True),
    Row("bach-sopranos", "timing,key,phrase", together=True),
    Row("essen-kinder", "none", "2.106", "1.83"),
    Row("essen-kinder", "timing,key"),
    Row("essen-kinder", "timing,key,phrase", "", "1.49"),
    Row("essen-kinder", "none", together=True),
    Row("essen-kinder", "timing,key,phrase", together=True),
]


def validated(row: Row, k: int, seeds: list[int]) -> CrossValidation:
    """Every melody of a data set predicted by models that did not see it."""
    music = sm.Corpus.builtin(row.data)
    corpus, report = encode_known(music, row.known)
    if report.left_out:
        raise SystemExit(f"{len(report.left_out)} melodies of {row.data} could not be encoded")
    dealt = np.stack([music.fold_numbers(k, seed=seed, keep_variants_together=row.together) for seed in seeds])
    return cross_validate(MultipleViewpoint, corpus, seeds=seeds, dealt=dealt)


def line(row: Row, run: CrossValidation) -> list[str]:
    """One line of the table."""
    estimates = [estimate for estimate in run.bits_per_pitch() if estimate]
    figures = [estimate.value for estimate in estimates]
    mean, spread = float(np.mean(figures)), float(np.ptp(figures))
    low, high = np.mean([estimate.interval for estimate in estimates], axis=0)
    by_seed = " / ".join(f"{figure:.3f}" for figure in figures)
    met = ("yes" if mean <= float(row.bar) else "no") if row.bar else ""
    words = IN_WORDS[row.known] + (", variants in one fold" if row.together else "")
    interval = f"{low:.2f} to {high:.2f}"
    return [row.data, words, f"{mean:.3f}", interval, f"{spread:.3f}", by_seed, row.published, row.bar, met]


def main() -> None:
    """Cross-validate and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--data", nargs="+", default=["bach-sopranos", "essen-kinder"])
    parser.add_argument("--folds", type=int, default=10)
    options = parser.parse_args()
    lines = []
    for row in ROWS:
        if row.data in options.data:
            seeds = options.seeds if row.bar else options.seeds[:1]  # rows without a bar are for orientation
            lines.append(line(row, validated(row, options.folds, seeds)))
            print(*lines[-1], flush=True)
    question = (
        f"Bits per pitch of melodies, MultipleViewpoint() as it comes; {options.folds} folds by melody, "
        f"fold seeds {', '.join(map(str, options.seeds))}, of which rows without a bar have the first"
    )
    header = ["data", "known", "mean", "95 % interval over pieces", "spread", "by seed", "published", "bar", "met"]
    _table.write(Path(__file__).with_suffix(".md"), question, header, lines, packages=["numpy", "scipy", "music21"])


if __name__ == "__main__":
    main()
