"""What does the judge tell apart, and how often does it err where there is nothing to tell? What do shapes notice?

    python benchmarks/quality/music_judge.py [--data bach-sopranos] [--draws 60]

First, the judge is asked about a third of the pieces and as many others: real ones, pieces of two models fitted on
what is left, and real ones spoilt in one way each (as in music_metrics.py). Second, the same sets as the figures of
shape see them, the held-out pieces among them. Third, real music is judged against itself: two sets of pieces are
drawn from the whole corpus at random, again and again; interval and p-value should err in one of twenty draws. The
tables in music_judge.md are written by this script.
"""

from __future__ import annotations

import argparse
import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy arrives
from pathlib import Path

import numpy as np

import stochastic_music as sm
from stochastic_music.evaluation.music import SHAPE, averages, diversity, judge, shape_of
from stochastic_music.evaluation.music.judge import Judgement, judged
from stochastic_music.evaluation.music.traits import traits

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table
from music_metrics import Scores, sets

SIZES = (20, 40, 80)
DIVERSITY = ("distance", "distinct", "doubles")
CALIBRATION = (
    *("pieces of each kind", "draws", "mean accuracy", "its standard deviation (binomial)"),
    *("interval below 0.5", "interval above 0.5", "p below 0.05"),
)


def told(name: str, found: Judgement) -> list[str]:
    """A row about one set."""
    low, high = found.accuracy.interval
    words = "; ".join(telling.words.replace(" in generated pieces", "") for telling in found.telling[:3])
    return [name, f"{found.accuracy.share:.2f} ({low:.2f} to {high:.2f})", f"{found.auc:.2f}", f"{found.p:.2g}", words]


def shapes(measured: dict[str, Scores]) -> list[list[str]]:
    """A row for each figure of shape and of diversity, a column for each set."""
    means = {name: averages([shape_of(score) for score in scores]) for name, scores in measured.items()}
    spread = {name: diversity(scores) for name, scores in measured.items()}
    return [
        *([SHAPE[figure].title, *(f"{of[figure].mean.value:.2f}" for of in means.values())] for figure in SHAPE),
        *([f"diversity: {figure}", *(f"{getattr(of, figure):.2f}" for of in spread.values())] for figure in DIVERSITY),
    ]


def calibration(corpus: sm.Corpus, n: int, n_draws: int) -> list[str]:
    """A row: how often the judge errs on two sets of `n` pieces drawn from the same ones, variants in one fold."""
    table, groups = traits([piece.score for piece in corpus]), np.array(corpus.variant_numbers)
    found = []
    for seed in range(n_draws):
        chosen = np.random.default_rng(seed).permutation(len(corpus))[: 2 * n]
        part = table._replace(values=table.values[chosen])
        found.append(judged(part, np.arange(2 * n) < n, groups=groups[chosen].tolist(), seed=seed))
    accuracy = np.array([one.accuracy.share for one in found])
    below = np.mean([one.accuracy.interval[1] < 0.5 for one in found])
    above = np.mean([one.accuracy.interval[0] > 0.5 for one in found])
    small = np.mean([one.p < 0.05 for one in found])
    spread = f"{accuracy.std():.3f} ({0.5 / np.sqrt(2 * n):.3f})"
    return [str(n), str(n_draws), f"{accuracy.mean():.3f}", spread, f"{below:.0%}", f"{above:.0%}", f"{small:.0%}"]


def main() -> None:
    """Measure, and write the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="bach-sopranos")
    parser.add_argument("--draws", type=int, default=60)
    options = parser.parse_args()
    corpus = sm.Corpus.builtin(options.data)
    train, held_out = corpus.split(1 / 3, seed=0, keep_variants_together=True)
    reference = [piece.score for piece in held_out]
    measured, groups = sets(train, len(reference)), [*range(-len(reference), 0), *held_out.variant_numbers]
    _table.write(
        Path(__file__).with_suffix(".md"),
        f"Told from {len(reference)} held-out pieces of {options.data}, by pieces as many; 0.5 is guessing",
        ["set", "accuracy (95 % interval)", "AUC", "p", "given away by"],
        [told(name, judge(scores, reference, groups=groups)) for name, scores in measured.items()],
        packages=["numpy", "scipy", "scikit-learn", "symusic", "music21"],
        below=[
            _table.Table(
                "Shape of the same sets, means over pieces, and their diversity; near the held-out pieces is good",
                ["figure", "held out", *measured],
                shapes({"held out": reference, **measured}),
            ),
            _table.Table(
                f"Real music against itself, drawn at random from {len(corpus)} pieces: how often the judge errs",
                CALIBRATION,
                [calibration(corpus, n, options.draws) for n in SIZES if 2 * n <= len(corpus)],
            ),
        ],
    )


if __name__ == "__main__":
    main()
