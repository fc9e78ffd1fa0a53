"""How fast PPM is fitted, against NLTK's n-gram models, on the same tokens in one run.

    python benchmarks/speed/ngrams.py [--repeats 5]

The tokens are the pitches of the chorale sopranos, as they are and in all twelve keys. `PPM(order_bound=n)` keeps
contexts of up to n pitches, and is ready to predict when `fit` returns; `nltk.lm.WittenBellInterpolated(n + 1)`
counts n-grams of the same lengths, from `padded_everygram_pipeline`, and leaves probabilities for later. Both read
sequences that lie in memory already: integers, and strings as NLTK wants them. The fastest of the repeats,
taken in turn. The bar: 20 times as many tokens a second. The table in ngrams.md is written by this script.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from nltk.lm import WittenBellInterpolated
from nltk.lm.preprocessing import padded_everygram_pipeline

import stochastic_music as sm
from stochastic_music.evaluation import encode_known
from stochastic_music.models import PPM

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table
from _timing import seconds

ORDERS = (2, 3, 5)
BAR = 20


def texts() -> dict[str, sm.TokenCorpus]:
    """The sopranos as pitches, once and in all keys."""
    corpus, _ = encode_known(sm.Corpus.builtin("bach-sopranos"), "none")
    pitches = [corpus.vocabulary.values(row) for row in corpus]
    moved = [row + step for step in range(-5, 7) for row in pitches]
    vocabulary = sm.Vocabulary.plain(128, closed=False, name="pitch")
    return {
        "as they are": sm.TokenCorpus.from_sequences(pitches, vocabulary).seen(),
        "in twelve keys": sm.TokenCorpus.from_sequences(moved, vocabulary).seen(),
    }


def count_with_nltk(words: list[list[str]], order: int) -> None:
    """Fit NLTK's model."""
    grams, vocabulary = padded_everygram_pipeline(order + 1, words)
    WittenBellInterpolated(order + 1).fit(grams, vocabulary)


def compare(corpus: sm.TokenCorpus, order: int, repeats: int) -> tuple[float, float]:
    """Tokens a second of PPM and of NLTK."""
    words = [[str(pitch) for pitch in row] for row in corpus]
    taken = [
        (seconds(lambda: PPM(order).fit(corpus)), seconds(lambda: count_with_nltk(words, order)))
        for _ in range(repeats)
    ]
    ours, theirs = len(corpus.symbols) / np.min(taken, axis=0)
    return float(ours), float(theirs)


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    rows = []
    for name, corpus in texts().items():
        for order in ORDERS:
            ours, theirs = compare(corpus, order, repeats)
            met = "yes" if ours >= BAR * theirs else "no"
            tokens = f"{len(corpus.symbols):,}"
            rows.append([name, tokens, order, f"{ours:,.0f}", f"{theirs:,.0f}", f"{ours / theirs:.0f}", BAR, met])
    question = "Fitting PPM against NLTK's n-gram models: tokens a second, on chorale sopranos"
    header = ["pitches", "tokens", "order", "PPM, tokens/s", "NLTK, tokens/s", "ratio", "bar", "met"]
    _table.write(Path(__file__).with_suffix(".md"), question, header, rows, packages=["numpy", "nltk"])


if __name__ == "__main__":
    main()
