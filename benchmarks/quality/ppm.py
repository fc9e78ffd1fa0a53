"""How well does PPM predict the next pitch of a melody: long-term, growing, short-term, and both together?

Protocol of Pearce and Wiggins (2004): chromatic pitch alone, every event predicted including the first, no end symbol,
alphabet = the pitches of the data set, 10 folds by melody, bits per pitch. PPM is of unbounded order and interpolated.

    STM            empty at the start of each melody, learns as it reads (escape AX, update exclusion)
    LTM            counts of the training folds, frozen (escape C)
    LTM+           the LTM also learns, note by note, the melodies of the test fold that it predicts
    LTM+ with STM  their geometric mean, weighted by certainty with a bias of 7, as in IDyOM

    python benchmarks/quality/ppm.py

writes the table beside this script. Every parameter stood before the figures did. The published sets have 185 chorales
with 9,227 events and 213 children's songs with 8,393. Melodies open with START here, so that their first pitches
have contexts of their own; the published models have none. In the rows named "variants together" melodies that share
half of their runs of eight intervals are in one fold.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import stochastic_music as sm
from stochastic_music.corpus import encode_corpus
from stochastic_music.evaluation.crossval import CrossValidation, cross_validate
from stochastic_music.models import PPM, STM, Mixture, OnlinePPM

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

SEEDS = (0, 1, 2)
#: what a row may lie above the published figure
BAR = 0.05


class Row(NamedTuple):
    """A model, whether it learns from the fold it predicts, and what was published of chorales and songs."""

    label: str
    make: Callable[[], Any]
    adapt: bool
    published: tuple[float | None, float | None]


ROWS = [
    Row("STM", STM, False, (3.117, 2.731)),
    Row("LTM", lambda: PPM(None), False, (2.444, 2.428)),
    Row("LTM+", OnlinePPM, True, (2.375, 2.237)),
    Row("LTM+ with STM", lambda: Mixture([OnlinePPM(), STM()], "geometric", bias=7), True, (2.347, 2.106)),
    Row("LTM with STM", lambda: Mixture([PPM(None), STM()], "geometric", bias=7), False, (None, None)),
    Row("LTM with STM, exponents learned", lambda: Mixture([PPM(None), STM()], "learned"), False, (None, None)),
]
TOGETHER = ("LTM", "LTM with STM")


def pitches(name: str) -> tuple[sm.TokenCorpus, list[int]]:
    """Melodies as pitches without END, over the alphabet that they use, and which are variants of one tune."""
    music = sm.Corpus.builtin(name)
    corpus, report = encode_corpus(music, sm.MelodyEncoding(fields=("pitch",)))
    if report.left_out:
        raise SystemExit(f"{len(report.left_out)} melodies could not be encoded")
    vocabulary = corpus.vocabulary.restrict(np.unique(corpus.symbols), closed=False)
    return corpus.with_vocabulary(vocabulary), music.variant_numbers


def line(data: str, label: str, published: float | None, run: CrossValidation) -> list[str]:
    """One line of the table."""
    figures = [estimate.value for estimate in run.bits_per_pitch() if estimate]
    mean, spread = float(np.mean(figures)), float(np.ptp(figures))
    seeds = " / ".join(f"{figure:.3f}" for figure in figures)
    met = "" if published is None else "yes" if mean <= published + BAR else "no"
    return [data, label, f"{mean:.3f}", f"{spread:.3f}", seeds, f"{published or ''}", met]


def lines(data: str, name: str, place: int) -> tuple[str, list[list[str]]]:
    """What the data are, and their lines."""
    corpus, variants = pitches(name)
    found = [
        line(data, row.label, row.published[place], cross_validate(row.make, corpus, seeds=SEEDS, adapt=row.adapt))
        for row in ROWS
    ]
    for row in (row for row in ROWS if row.label in TOGETHER):
        run = cross_validate(row.make, corpus, seeds=SEEDS, groups=variants)
        found.append(line(data, f"{row.label}, variants together", None, run))
    facts = f"{len(corpus)} {data} ({corpus.n_events:,} events, {len(corpus.vocabulary.alphabet or ())} pitches)"
    return facts, found


def main() -> None:
    """Cross-validate every model on both data sets and write the table."""
    chorales, upper = lines("chorale sopranos", "bach-sopranos", 0)
    songs, lower = lines("children's songs", "essen-kinder", 1)
    question = (
        f"Bits per pitch of PPM, unbounded and interpolated: {chorales}, {songs}; "
        f"10 folds by melody, fold seeds {', '.join(map(str, SEEDS))}"
    )
    header = ["data", "model", "mean", "spread", "by seed", "published", f"at most {BAR} more"]
    _table.write(Path(__file__).with_suffix(".md"), question, header, [*upper, *lower], packages=["numpy", "music21"])


if __name__ == "__main__":
    main()
