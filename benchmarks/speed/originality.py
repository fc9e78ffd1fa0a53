"""How long an originality report takes, against all of the Essen collection, after a one-time index.

    python benchmarks/speed/originality.py [--corpora bach-sopranos essen] [--pieces 50]

Of each corpus every twentieth tune is held out. The index is made of the others: four suffix arrays, one for each way
of comparing, and then the figures of held-out pieces. A *new* piece is 200 notes of held-out tunes, one after the
other; a *copied* one is 200 notes of the corpus itself, where every run is as long as can be. Each is asked for its
whole report, after one that is not counted; the median and the longest time are given. The bar: 50 ms. Memory is what
Python's allocator holds for the index when it is made, and at most while it is made. `MaxCopy` is the automaton of the
limit that the index finds. The table in originality.md is written by this script.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

import stochastic_music as sm
from stochastic_music.constraints import MaxCopy
from stochastic_music.corpus import encode_corpus
from stochastic_music.corpus.lines import Line, lines
from stochastic_music.corpus.matching import WAYS
from stochastic_music.evaluation import OriginalityIndex

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

NOTES, BAR, EVERY = 200, 50, 20
_T = TypeVar("_T")


def made(own: Sequence[Line]) -> OriginalityIndex:
    """The index, made for all four ways."""
    index = OriginalityIndex(own)
    for how in WAYS:
        index.suffixes(how)
    return index


def clocked(work: Callable[[], _T]) -> tuple[_T, float]:
    """What `work` gives, and how long it takes, in seconds."""
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def megabytes(own: Sequence[Line]) -> tuple[float, float]:
    """What an index holds, and what it took at most while it was made."""
    tracemalloc.start()
    index = made(own)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del index
    return held / 1e6, peak / 1e6


def pieces(from_lines: Sequence[Line], n: int) -> list[Line]:
    """Up to `n` pieces of 200 notes, cut from lines one after the other."""
    shifts = np.cumsum([0, *(int((line.onset + line.duration).max(initial=0)) for line in from_lines)])
    moved = [
        Line(line.name, line.onset + shift, line.duration, line.pitch, line.bar)
        for line, shift in zip(from_lines, shifts[:-1], strict=True)
    ]
    whole = Line.joined(moved)
    starts = range(0, len(whole) - NOTES + 1, NOTES)
    return [whole.since(start).until(NOTES) for start in starts][:n]


def report_times(index: OriginalityIndex, asked: Sequence[Line]) -> str:
    """Median and longest, in milliseconds."""
    index.report(asked[0])
    taken = [clocked(lambda piece=piece: index.report(piece))[1] * 1e3 for piece in asked]
    return f"{np.median(taken):.1f} ({max(taken):.1f})"


def row(name: str, n: int) -> list[str]:
    """One line of the table."""
    tokens, _ = encode_corpus(sm.Corpus.builtin(name), sm.MelodyEncoding())
    every = lines(tokens)
    held_out, own = every[::EVERY], [line for i, line in enumerate(every) if i % EVERY]
    index, making = clocked(lambda: made(own))
    _, usual = clocked(lambda: index.held_out)
    limit = index.limit
    assert limit is not None
    _, automaton = clocked(lambda: MaxCopy(own, limit).compile(tokens.vocabulary, None))
    held, peak = megabytes(own)
    return [
        name,
        f"{len(own):,}",
        f"{sum(map(len, own)):,}",
        f"{making:.2f}",
        f"{held:.0f} ({peak:.0f})",
        f"{usual:.2f}",
        str(limit),
        f"{automaton:.2f}",
        report_times(index, pieces(held_out, n)),
        report_times(index, pieces(sorted(own, key=len)[::-1], n)),
    ]


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--corpora", nargs="+", default=["bach-sopranos", "essen"])
    parser.add_argument("--pieces", type=int, default=50)
    arguments = parser.parse_args()
    _table.write(
        Path(__file__).with_suffix(".md"),
        f"Originality: milliseconds for a report of {NOTES} notes (the bar: {BAR} ms), after a one-time index",
        [
            "corpus",
            "tunes",
            "notes",
            "index, s",
            "index, MB (while made)",
            "held-out figures, s",
            "limit, notes",
            "MaxCopy of the limit, s",
            "new piece, ms (longest)",
            "copied piece, ms (longest)",
        ],
        [row(name, arguments.pieces) for name in arguments.corpora],
        packages=["numpy", "music21"],
    )


if __name__ == "__main__":
    main()
