"""How well do multiple viewpoints predict the next pitch of a melody?

Protocol of Pearce and Wiggins (2004): every pitch predicted including the first, alphabet = what the data set
uses, 10 folds by melody, long-term counts of the training folds with short-term memory of the melody so far, bits
per pitch. *Pitch only* knows the pitches before and nothing else: no end symbol, the key estimated from the past.
With *timing, key and phrase known* the model predicts whole events, and only the bits of the pitches are counted:
each is given its onset, its duration, its place in the bar, the printed key signature, and whether it ends a phrase;
never later notes.

    python benchmarks/quality/melody.py [--seeds 0 1 2] [--data bach-sopranos essen-kinder]

writes the table beside this script. Published: chorales 2.347 pitch only and 1.911 with timing and key (viewpoints
chosen on the test score), children's songs 2.106 pitch only (Pearce 2005, chapters 7 and 9).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import stochastic_music as sm
from stochastic_music.corpus import encode_corpus
from stochastic_music.evaluation.crossval import CrossValidation, cross_validate
from stochastic_music.models.multiple_viewpoint import MultipleViewpoint

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

#: data, what is known, published, bar
ROWS = [
    ("bach-sopranos", "pitch only", "2.347", "1.98"),
    ("bach-sopranos", "timing, key and phrase known", "1.911", "1.77"),
    ("essen-kinder", "pitch only", "2.106", "1.83"),
    ("essen-kinder", "timing, key and phrase known", "", "1.49"),
]


def melodies(name: str, known: str) -> sm.TokenCorpus:
    """A data set over the alphabet that it uses."""
    pitch_only = known == "pitch only"
    encoding = sm.MelodyEncoding(fields=("pitch",)) if pitch_only else sm.MelodyEncoding()
    corpus, report = encode_corpus(sm.Corpus.builtin(name), encoding)
    if report.left_out:
        raise SystemExit(f"{len(report.left_out)} melodies of {name} could not be encoded")
    if not pitch_only:
        return corpus.seen()
    corpus = replace(corpus, headers=tuple(header and replace(header, key=None) for header in corpus.headers))
    return corpus.with_vocabulary(corpus.vocabulary.restrict(np.unique(corpus.symbols), closed=False))


def row(name: str, known: str, published: str, bar: str, run: CrossValidation) -> list[str]:
    """One line of the table."""
    estimates = [estimate for estimate in run.bits_per_pitch() if estimate]
    figures = [estimate.value for estimate in estimates]
    mean, spread = float(np.mean(figures)), float(np.ptp(figures))
    low, high = np.mean([estimate.interval for estimate in estimates], axis=0)
    by_seed = " / ".join(f"{figure:.3f}" for figure in figures)
    met = "yes" if mean <= float(bar) else "no"
    return [name, known, f"{mean:.3f}", f"{low:.2f} to {high:.2f}", f"{spread:.3f}", by_seed, published, bar, met]


def main() -> None:
    """Cross-validate and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--data", nargs="+", default=["bach-sopranos", "essen-kinder"])
    options = parser.parse_args()
    rows = []
    for name, known, published, bar in ROWS:
        if name in options.data:
            run = cross_validate(MultipleViewpoint, melodies(name, known), k=10, seeds=options.seeds)
            rows.append(row(name, known, published, bar, run))
            print(*rows[-1], flush=True)
    question = (
        "Bits per pitch of melodies, MultipleViewpoint() as it comes; 10 folds by melody, "
        f"fold seeds {', '.join(map(str, options.seeds))}"
    )
    header = ["data", "known", "mean", "95 % interval over pieces", "spread", "by seed", "published", "bar", "met"]
    _table.write(Path(__file__).with_suffix(".md"), question, header, rows, packages=["numpy", "scipy", "music21"])


if __name__ == "__main__":
    main()
