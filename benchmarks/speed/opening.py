"""How soon a large fitted model predicts, what memory that takes, and how soon it has composed.

    python benchmarks/speed/opening.py [--ngrams 10000000] [--pieces 20000] [--repeats 5]

The model is a pipeline, `Markov` of order 6 over pitches, of 20,000 pieces made of the chorale sopranos: cut into
fragments of 4 to 16 notes, each in any of twelve keys, put together at random until the table has 10^7 entries
(n-grams of all orders). It is fitted and saved with its sources, then opened in a process that has imported everything
and read a small model: `Pipeline.load`, and the distribution of the first symbol. The file is in the page cache, as
it is just after it was written. Memory is what the process holds more when it has opened it (`VmRSS` of Linux), pages
of the file that were read among it. The first take is `compose(1)`, for which the model is restricted to the symbols of
the corpus; the second finds that done. The fastest of the repeats. The bar: 0.2 s. The table is written by this script.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import stochastic_music as sm
from stochastic_music.corpus import encode_corpus

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table
from _timing import seconds

ORDER = 6
#: notes of a fragment, at least and at most
FRAGMENT = (4, 16)
BAR = 0.2


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ngrams", type=int, default=10**7)
    parser.add_argument("--pieces", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--open", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.open:
        print(json.dumps(opened(*options.open)))
        return
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.smm", Path(folder) / "large.smm"
        fitted(100, 50).save(small)
        pipeline = large_enough(options.ngrams, options.pieces)
        pipeline.save(large)
        runs = [opened_apart(small, large) for _ in range(options.repeats)]
        write(pipeline, large.stat().st_size, runs)


def write(pipeline: sm.Pipeline, size: int, runs: list[dict[str, float]]) -> None:
    """The table."""
    best = {name: min(run[name] for run in runs) for name in runs[0]}
    entries = len(pipeline.model.contexts_.entries.key)
    question = (
        f"Opening a model of {entries:,} n-grams from {len(pipeline.pieces_):,} pieces, a file of {size / 1e6:,.0f} MB"
    )
    rows = [
        [
            "opened, first prediction made",
            f"{best['opened']:.3f} s",
            f"{BAR} s",
            "yes" if best["opened"] <= BAR else "no",
        ],
        ["memory that this took", f"{best['memory'] / 1e6:.0f} MB", "", ""],
        ["first take", f"{best['first']:.1f} s", "", ""],
        ["second take", f"{best['second']:.2f} s", "", ""],
    ]
    header = ["", "figure", "bar", "met"]
    _table.write(Path(__file__).with_suffix(".md"), question, header, rows, packages=["numpy"])


def opened_apart(small: Path, large: Path) -> dict[str, float]:
    """Seconds and bytes of opening and composing, in a process of its own."""
    command = [sys.executable, __file__, "--open", str(small), str(large)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def opened(small: Path, large: Path) -> dict[str, float]:
    """What that process does."""
    warm, held = sm.Pipeline.load(small), []
    predict(warm)
    warm.compose(1, seed=0)
    before = resident()
    taken = seconds(lambda: held.append(sm.Pipeline.load(large)) or predict(held[0]))
    after = resident()
    first, second = (seconds(lambda seed=seed: held[0].compose(1, seed=seed)) for seed in (1, 2))
    return {"opened": taken, "memory": after - before, "first": first, "second": second}


def predict(pipeline: sm.Pipeline) -> np.ndarray:
    """The distribution of a piece's first symbol."""
    return pipeline.model.next_log_probs(pipeline.model.initial_state())


def resident() -> int:
    """The memory that this process holds, in bytes; 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmRSS"))


def large_enough(n_grams: int, n_pieces: int) -> sm.Pipeline:
    """Pieces of some 650 notes for 10^7 n-grams and 20,000 pieces, or as much longer as it takes."""
    length = n_grams // n_pieces + 150
    while True:
        pipeline = fitted(n_pieces, length)
        if len(pipeline.model.contexts_.entries.key) >= n_grams:
            return pipeline
        length = length * 5 // 4


def fitted(n_pieces: int, length: int) -> sm.Pipeline:
    """A model of so many pieces, of so many notes each."""
    encoding = sm.MelodyEncoding(fields=("pitch",))
    rng, n = np.random.default_rng(0), n_pieces * length
    corpus, _ = encode_corpus(sm.Corpus.builtin("bach-sopranos"), encoding)
    notes = corpus.symbols[corpus.symbols != corpus.vocabulary.end]
    size = rng.integers(*FRAGMENT, n // FRAGMENT[0] + 1, endpoint=True)
    size = size[: int(np.searchsorted(np.cumsum(size), n)) + 1]
    moved = rng.integers(0, len(notes) - FRAGMENT[1], len(size)) - (np.cumsum(size) - size)
    symbols = notes[np.repeat(moved, size) + np.arange(size.sum())] + np.repeat(rng.integers(-5, 7, len(size)), size)
    ends = np.arange(1, n_pieces) * length + rng.integers(-length // 4, length // 4, n_pieces - 1)
    tokens = sm.TokenCorpus.from_sequences(np.split(symbols[:n], ends), corpus.vocabulary)
    return sm.Pipeline(encoding, sm.Markov(order=ORDER)).fit_tokens(tokens)


if __name__ == "__main__":
    main()
