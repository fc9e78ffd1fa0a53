"""How long do multiple viewpoints take to fit melodies, and to compose them?

    python benchmarks/speed/viewpoints.py [--repeats 3]

The chorale sopranos, encoded beforehand: `MultipleViewpoint().fit`, with and without the choice of viewpoints, and
`sample` of one melody and of a batch of 256, in notes a second. The fastest of the repeats. The table in
viewpoints.md is written by this script.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import stochastic_music as sm
from stochastic_music.corpus import encode_corpus
from stochastic_music.models.multiple_viewpoint import MultipleViewpoint

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table


def timed(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """The shortest time that `work` took, in seconds, and what it gave."""
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        out = work()
        found.append((time.perf_counter() - start, out))
    return min(found, key=lambda each: each[0])


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    corpus, _ = encode_corpus(sm.Corpus.builtin("bach-sopranos").transpose("common"), sm.MelodyEncoding())
    fit, model = timed(lambda: MultipleViewpoint().fit(corpus), repeats)
    plain, _ = timed(lambda: MultipleViewpoint(choose=False).fit(corpus), repeats)
    composer = model.restricted(corpus.vocabulary.restrict(set(corpus.symbols.tolist())))
    rows = [
        ["fit, viewpoints chosen", f"{fit:.1f} s", "10 s", "yes" if fit <= 10 else "no"],
        ["fit, all viewpoints kept", f"{plain:.1f} s", "", ""],
    ]
    for n, bar in ((1, 300), (256, 5_000)):
        headers = [corpus.headers[i % len(corpus)] for i in range(n)]
        seconds, drawn = timed(lambda n=n, headers=headers: composer.sample(n, headers=headers, seed=1), repeats)
        rate = sum(len(one.symbols) // corpus.vocabulary.n_fields for one in drawn) / seconds
        what = "one melody" if n == 1 else f"a batch of {n}"
        rows.append([f"sampling, {what}", f"{rate:,.0f} notes/s", f"{bar:,}", "yes" if rate >= bar else "no"])
    question = f"MultipleViewpoint() on {len(corpus)} chorale sopranos of {corpus.n_events:,} notes"
    header = ["measure", "figure", "bar", "met"]
    _table.write(Path(__file__).with_suffix(".md"), question, header, rows, packages=["numpy", "scipy"])


if __name__ == "__main__":
    main()
