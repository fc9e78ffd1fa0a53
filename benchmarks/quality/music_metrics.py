"""What do the twelve features of Yang and Lerch notice? Overlap of real, composed and spoilt pieces with held-out ones.

    python benchmarks/quality/music_metrics.py [--data bach-sopranos]

A third of the pieces is the reference. As many others are measured beside it: real ones (the ceiling), pieces of two
models fitted on the two thirds that are left, and the real ones spoilt in one way each, so that it is known which
features ought to notice. The tables in music_metrics.md are written by this script.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from symusic.core import NoteTick, ScoreTick

import stochastic_music as sm
from stochastic_music.evaluation.music import FEATURES, Comparison, compared
from stochastic_music.music.bars import bars

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

Scores = list[ScoreTick]


def with_notes(score: ScoreTick, notes: Sequence[tuple[int, int, int]]) -> ScoreTick:
    """A copy of a melody with other notes: (start, duration, pitch) in ticks."""
    made = score.copy()
    made.tracks[0].notes.clear()
    for start, duration, pitch in notes:
        made.tracks[0].notes.append(NoteTick(start, duration, pitch, 80))
    return made


def shuffled(score: ScoreTick, rng: np.random.Generator) -> ScoreTick:
    """The same notes in another order, one after the other."""
    found = [score.tracks[0].notes[int(i)] for i in rng.permutation(len(score.tracks[0].notes))]
    lengths = [note.duration for note in found]
    starts = np.cumsum([0, *lengths[:-1]]).tolist()
    return with_notes(score, list(zip(starts, lengths, [note.pitch for note in found], strict=True)))


def one_bar(score: ScoreTick) -> ScoreTick:
    """Its first full bar again and again, as long as the piece."""
    printed = [bar for bar in bars(score) if bar.number > 0]
    start, length = (round(time * score.ticks_per_quarter) for time in (printed[0].start, printed[0].length))
    inside = [n for n in score.tracks[0].notes if start <= n.start < start + length]
    return with_notes(score, [(n.start + i * length, n.duration, n.pitch) for i in range(len(printed)) for n in inside])


def sets(train: sm.Corpus, n: int) -> dict[str, Scores]:
    """What is measured, each `n` pieces."""
    rng = np.random.default_rng(0)
    real = [train[int(i)].score for i in rng.permutation(len(train))[:n]]
    models = {"Markov, order 1": sm.Markov(order=1), "PPM": sm.PPM()}
    composed = {
        name: sm.Pipeline(sm.MelodyEncoding(), model).fit(train).sample(n, seed=0) for name, model in models.items()
    }
    spoilt: dict[str, Callable[[ScoreTick], ScoreTick]] = {
        "notes shuffled": lambda score: shuffled(score, rng),
        "tritone up": lambda score: score.shift_pitch(6),
        "first bar repeated": one_bar,
        "one piece, copied": lambda _: real[0],
    }
    return {
        "real (ceiling)": real,
        **composed,
        **{name: [spoil(score) for score in real] for name, spoil in spoilt.items()},
    }


def rows(found: dict[str, dict[str, Comparison]], first: str, second: str) -> list[list[str]]:
    """A row for each feature, with two figures for each set."""
    return [
        [
            FEATURES[name].title,
            *(f"{getattr(c[name], first).value:.2f} / {getattr(c[name], second).value:.2f}" for c in found.values()),
        ]
        for name in FEATURES
    ]


def main() -> None:
    """Measure all sets and write the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="bach-sopranos")
    options = parser.parse_args()
    train, held_out = sm.Corpus.builtin(options.data).split(1 / 3, seed=0, keep_variants_together=True)
    reference = [piece.score for piece in held_out]
    found = {name: compared(scores, reference, n_resamples=0) for name, scores in sets(train, len(reference)).items()}
    header = ["feature", *found]
    _table.write(
        Path(__file__).with_suffix(".md"),
        f"Overlap with {len(reference)} held-out pieces of {options.data}: of distances within the reference / within "
        "the set with distances between; 1 is alike, 0 is apart",
        header,
        rows(found, "overlap", "generated_overlap"),
        packages=["numpy", "scipy", "symusic", "music21"],
        below=[
            _table.Table(
                "Kullback-Leibler divergence of the same, in nats; 0 is alike, some 20 is apart",
                header,
                rows(found, "kl", "generated_kl"),
            )
        ],
    )


if __name__ == "__main__":
    main()
