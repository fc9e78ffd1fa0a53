"""How well do Markov models and PPM predict the next pitch of Bach's chorale sopranos?

Protocol of Pearce and Wiggins (2004): the sopranos of BWV 253-438, chromatic pitch alone, every event predicted
including the first, no end symbol, alphabet = the pitches of the data set, 10 folds by melody, bits per pitch.
Published for order 2 with escape C: 2.585 back-off, 2.563 interpolated; PPM of unbounded order 2.444.
Theirs has 185 melodies and 9,227 events.

    python benchmarks/quality/markov_sopranos.py

writes the table beside this script. Contexts at the beginning of a melody hold START, so that its first
pitches have contexts of their own; the published models have none.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import stochastic_music as sm
from stochastic_music.corpus import encode_corpus
from stochastic_music.evaluation.crossval import CrossValidation, cross_validate

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

SEEDS = (0, 1, 2)
#: model, published figure, bar
MODELS = [
    (sm.Markov(1, "witten_bell"), "", ""),
    (sm.Markov(2, "witten_bell"), "2.563", "2.58"),
    (sm.Markov(3, "witten_bell"), "", ""),
    (sm.Markov(2, "absolute"), "", ""),
    (sm.Markov(2, "kneser_ney"), "", ""),
    (sm.Markov(3, "kneser_ney"), "", ""),
    (sm.Markov(2, "add_k", k=0.1), "", ""),
    (sm.PPM(2, interpolated=False, shortest_deterministic=False), "2.585", ""),
    (sm.PPM(2, shortest_deterministic=False), "2.563", ""),
    (sm.PPM(None), "2.444", ""),
    (sm.PPM(None, exclusion=True), "", ""),
    (sm.PPM(5, shortest_deterministic=False), "", ""),
]


def pitches() -> sm.TokenCorpus:
    """The sopranos as pitches without END, over the alphabet that they use."""
    corpus, report = encode_corpus(sm.Corpus.builtin("bach-sopranos"), sm.MelodyEncoding(fields=("pitch",)))
    if report.left_out:
        raise SystemExit(f"{len(report.left_out)} melodies could not be encoded")
    vocabulary = corpus.vocabulary.restrict(np.unique(corpus.symbols), closed=False)
    return corpus.with_vocabulary(vocabulary)


def label(model: sm.Markov | sm.PPM) -> str:
    """The model with its first two parameters, and those of the rest that are not as usual."""
    usual, params = type(model)().get_params(), model.get_params()
    shown = [name for i, name in enumerate(params) if i < 2 or params[name] != usual[name]]
    return f"`{type(model).__name__}({', '.join(f'{name}={params[name]!r}' for name in shown)})`"


def row(model: sm.Markov | sm.PPM, published: str, bar: str, run: CrossValidation) -> list[str]:
    """One line of the table."""
    figures = [estimate.value for estimate in run.bits_per_pitch() if estimate]
    mean, spread = np.mean(figures), np.ptp(figures)
    met = ("yes" if mean <= float(bar) else "no") if bar else ""
    seeds = " / ".join(f"{figure:.3f}" for figure in figures)
    return [label(model), f"{mean:.3f}", f"{spread:.3f}", seeds, published, bar, met]


def main() -> None:
    """Cross-validate every model and write the table."""
    corpus = pitches()
    rows = []
    for model, published, bar in MODELS:
        run = cross_validate(lambda model=model: type(model)(**model.get_params()), corpus, k=10, seeds=SEEDS)
        rows.append(row(model, published, bar, run))
    question = (
        f"Bits per pitch of Bach's chorale sopranos: {len(corpus)} melodies, {corpus.n_events} events, "
        f"{len(corpus.vocabulary.alphabet or ())} pitches; 10 folds by melody, "
        f"fold seeds {', '.join(map(str, SEEDS))}; START opens every melody"
    )
    header = ["model", "mean", "spread", "by seed", "published", "bar", "met"]
    _table.write(Path(__file__).with_suffix(".md"), question, header, rows, packages=["numpy", "music21"])


if __name__ == "__main__":
    main()
