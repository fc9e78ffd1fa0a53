"""The music of the comparison as symbols, and how it is split.

    bach-sopranos, essen-kinder                pitch only; folds of the published protocol (`quality/melody.py`)
    bach-sopranos events, essen-kinder events  whole events: rest, duration, phrase mark, pitch, and the end; same folds
    ryans-mammoth events, oneills events       rest, duration, pitch, and the end; variants of a tune in one fold
    PATH.json                                  frames of four-part chorales (`quality/frames.py`)

A split is named by a word and a number. `fold 3`: the pieces of fold 3 are the test, all others train. `within 3`:
the pieces of fold 3 are the test, all others but those of fold 0, which nothing sees, train. `whole 0`: the sides that
the data came with. Folds are ten, dealt by fold seed 0.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import numpy as np

import stochastic_music as sm
from stochastic_music.corpus import TokenCorpus
from stochastic_music.evaluation import encode_known

sys.path.insert(0, str(Path(__file__).parents[2]))
from _frames import frames

N_FOLDS = 10
#: what symbols tell, and whether variants of a tune share a fold, by data
EVENTS = {
    "bach-sopranos events": ("timing,key,phrase", False),
    "essen-kinder events": ("timing,key,phrase", False),
    "ryans-mammoth events": ("timing,key", True),
    "oneills events": ("timing,key", True),
}


def sides(data: str, split: str) -> dict[str, TokenCorpus]:
    """The pieces to train on, as "train", and those to be scored, by name; see the module's article."""
    if data.endswith(".json"):
        return frames(Path(data))
    corpus, fold = melodies(data)
    word, number = split.split()
    test = fold == int(number)
    train = ~test if word == "fold" else ~test & (fold > 0)
    return {"train": corpus.select(np.flatnonzero(train)), "test": corpus.select(np.flatnonzero(test))}


@cache
def melodies(data: str) -> tuple[TokenCorpus, np.ndarray]:
    """The melodies of a set that its grid can write, and the fold of each: (n_pieces,)."""
    known, together = EVENTS.get(data, ("none", False))
    music = sm.Corpus.builtin(data.removesuffix(" events"))
    corpus, report = encode_known(music, known)
    left_out = {skipped.file for skipped in report.left_out}
    written = [name not in left_out for name in music.names]
    return corpus, music.fold_numbers(N_FOLDS, seed=0, keep_variants_together=together)[written]
