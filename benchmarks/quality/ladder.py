"""What does each part of multiple viewpoints bring? Bits per pitch of models that listen to more and more.

    python benchmarks/quality/ladder.py [--data bach-sopranos essen-kinder] [--folds 10]

The default viewpoints that predict pitch, sorted by the latest kind of thing that they listen to: pitches and
intervals; the key; the whole so far and repetition; time; phrases; and at last short-term memory. Timing, key and
phrase are known, folds are by melody, fold seed 0. The table in ladder.md is written by this script.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import stochastic_music as sm
from stochastic_music.evaluation import cross_validate, encode_known
from stochastic_music.models.multiple_viewpoint import MultipleViewpoint
from stochastic_music.models.viewpoints.defaults import LONG

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

#: what is listened to, and the viewpoints that listen to it
RUNGS = {
    "pitches and intervals": r"cpitch|cpint|cpcint|contour|cpintsecond|cpitch-class",
    "and the key": r"cpfref|cpintfref",
    "and the whole so far, and repetition": (
        r"highest|lowest|recentset|first\w*|events|cpintfip|repeat\w*|sequence\w*|held"
    ),
    "and time": r"metaccent|dur|posinbar|barlength|bar\d|aligned\d",
    "and phrases": r"liph|fiph|inphrase|phrasedegree|cpintfiph|lastphrase",
}
#: fields that are known need no viewpoints worth the time
OTHERS = "dur:0,rest:0,liph:0"


def rung_of(part: str) -> int:
    """The latest rung that any name in a viewpoint belongs to."""
    names = re.findall(r"[A-Za-z_][\w-]*", part)
    found = [max(i for i, pattern in enumerate(RUNGS.values()) if re.fullmatch(pattern, name)) for name in names]
    return max(found)


def models() -> dict[str, tuple[str, str]]:
    """Long- and short-term viewpoints by what is listened to."""
    parts = [part.strip() for part in LONG["pitch"].split(",")]
    ladder = {}
    for i, rung in enumerate(RUNGS):
        ladder[rung] = (",".join([*(part for part in parts if rung_of(part) <= i), OTHERS]), "none")
    return {**ladder, "and the piece so far: short-term memory": (",".join([*parts, OTHERS]), "auto")}


def main() -> None:
    """Cross-validate and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", nargs="+", default=["bach-sopranos", "essen-kinder"])
    parser.add_argument("--folds", type=int, default=10)
    options = parser.parse_args()
    corpora = [encode_known(sm.Corpus.builtin(name), "timing,key,phrase")[0] for name in options.data]
    rows = []
    for rung, (viewpoints, short) in models().items():
        runs = [
            cross_validate(lambda v=viewpoints, s=short: MultipleViewpoint(v, s), corpus, k=options.folds)
            for corpus in corpora
        ]
        rows.append([rung, *(f"{run.mean():.3f}" for run in runs)])
        print(*rows[-1], flush=True)
    question = f"Bits per pitch of MultipleViewpoint that listens to more and more; {options.folds} folds, fold seed 0"
    header = ["listens to", *options.data]
    _table.write(Path(__file__).with_suffix(".md"), question, header, rows, packages=["numpy", "scipy", "music21"])


if __name__ == "__main__":
    main()
