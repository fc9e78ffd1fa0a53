"""How fast n-grams of orders 1 to 5 are counted under a limit on memory, against markovify and NLTK; how time grows.

    python benchmarks/speed/counting.py [--tokens 100000000] [--memory 2GB] [--repeats 2] [--data FOLDER]

The music is real and the corpus is not: the soprano parts of Bach's chorales (or the melodies of a folder of music),
cut into fragments of 8 to 32 notes, each transposed into one of twelve keys, and put together at random, in pieces of
200 notes, until there are enough. A symbol is a note, its pitch and its length. So most n-grams are those of the music,
and new ones keep coming at the joints. Symbols lie in files of 10^7, mapped into memory.

Ours counts all of them in a process of its own, whose peak memory, with Python, libraries and mapped symbols, is what
the system says. markovify (`Chain`, order 2: trigrams) and NLTK (`NgramCounter`, orders 1 to 5) count the
first 2 x 10^6 and 2 x 10^5 in this one: rates, because more would take minutes or fill the memory. All in turn, the
fastest of the repeats. The bars: 3 and 60 times as many tokens a second, memory no more than the limit, and time that
grows with at most the power 1.1 of the size from 10^5 on (least squares on logarithms). The physical limit is one
`numpy.sort` of the packed windows, in one thread. The table in counting.md and the picture beside it are written by
this script.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import stochastic_music as sm
from stochastic_music.cli._common import n_bytes
from stochastic_music.corpus import encode_corpus
from stochastic_music.counting import Packing

sys.path.insert(0, str(Path(__file__).parents[1]))
import _memory
import _table
from _timing import seconds

ORDER = 5
#: tokens in one file
PART = 10**7
#: notes of a fragment, at least and at most
FRAGMENT = (8, 32)
BARS = {"markovify": 3, "nltk": 60}
GROWTH = 1.1
PACKAGES = ("numpy", "markovify", "nltk")


def main() -> None:
    """Measure and write the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=10**8)
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        n_values = write_corpus(Path(folder), options.tokens, options.data)
        measure(Path(folder), n_values, options)


def measure(folder: Path, n_values: int, options: argparse.Namespace) -> None:
    """All sides in turn, as often as asked; then growth, and the physical limit."""
    limit = n_bytes("--memory", options.memory)
    ours, theirs = [], []
    for _ in range(options.repeats):
        ours.append(counted_apart(folder, options.tokens, n_values, limit))
        theirs.append({name: count(folder) for name, count in (("markovify", with_markovify), ("nltk", with_nltk))})
    growth = grown(folder, n_values, options.tokens, limit, min(run["seconds"] for run in ours))
    write(options, ours, theirs, growth, sorting_alone(folder, n_values, options.tokens))


def counted_apart(folder: Path, n_tokens: int, n_values: int, limit: int) -> dict[str, float]:
    """Seconds and peak bytes of counting in a process of its own."""
    command = [sys.executable, __file__, "--count", str(folder), str(n_tokens), str(n_values), str(limit)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def count_here(folder: str, n_tokens: int, n_values: int, limit: int) -> None:
    """What that process does."""
    parts = corpora(Path(folder), n_tokens, n_values)
    count = sm.count_ngrams  # imported now, not while the clock runs
    start = time.perf_counter()
    counts = count(parts, ORDER, memory=limit)
    taken = time.perf_counter() - start
    print(json.dumps({"seconds": taken, "peak": _memory.peak(), "distinct": len(counts.table(ORDER).keys)}))


def with_markovify(folder: Path) -> float:
    """Tokens a second of a chain of order 2."""
    import markovify

    pieces = list(corpora(folder, 2 * 10**6, 1)[0])
    words = [piece.tolist() for piece in pieces]
    return sum(map(len, words)) / seconds(lambda: markovify.Chain(words, 2))


def with_nltk(folder: Path) -> float:
    """Tokens a second of counting all orders."""
    from nltk.lm import NgramCounter
    from nltk.util import everygrams

    words = [[str(symbol) for symbol in piece] for piece in corpora(folder, 2 * 10**5, 1)[0]]
    return sum(map(len, words)) / seconds(lambda: NgramCounter(everygrams(piece, max_len=ORDER) for piece in words))


def grown(folder: Path, n_values: int, largest: int, limit: int, whole: float) -> list[tuple[int, float]]:
    """Tokens and seconds, from 10^5 on in steps of the square root of ten."""
    sizes = [round(10 ** (half / 2)) for half in range(10, 16) if 10 ** (half / 2) < largest]
    timed = [(n, min(counted_apart(folder, n, n_values, limit)["seconds"] for _ in range(2))) for n in sizes]
    return [*timed, (largest, whole)]


def sorting_alone(folder: Path, n_values: int, n_tokens: int) -> float:
    """Seconds of sorting the packed windows of all symbols."""
    packing = Packing(n_values, ORDER)
    keys = np.empty(n_tokens, dtype=np.uint64)
    for i, part in enumerate(corpora(folder, n_tokens, n_values)):
        at = slice(i * PART, i * PART + len(part.symbols))
        keys[at] = packing.windows(packing.digits(part.symbols), part.offsets[:-1], ORDER)
    return seconds(keys.sort)


def corpora(folder: Path, n_tokens: int, n_values: int) -> list[sm.TokenCorpus]:
    """The first symbols of the corpus, in parts as they lie in its files."""
    vocabulary = sm.Vocabulary.plain(max(1, n_values - 1), closed=False)
    parts = []
    for start in range(0, n_tokens, PART):
        symbols = np.load(folder / f"{start // PART}.npy", mmap_mode="r")[: n_tokens - start]
        offsets = np.append(np.arange(0, len(symbols), 200), len(symbols))
        parts.append(sm.TokenCorpus(vocabulary, symbols, offsets, (), ()))
    return parts


def write_corpus(folder: Path, n_tokens: int, data: Path | None) -> int:
    """Write files of symbols, enough of them; returns how many symbols there can be."""
    corpus = sm.Corpus.from_folder(data) if data else sm.Corpus.builtin("bach-sopranos")
    encoded, _ = encode_corpus(corpus, sm.MelodyEncoding())
    vocabulary = encoded.vocabulary
    events = vocabulary.values(encoded.symbols[encoded.symbols != vocabulary.end]).reshape(-1, vocabulary.n_fields)
    lengths, length = np.unique(events[:, vocabulary.place("duration")], return_inverse=True)
    notes = length * 128 + events[:, vocabulary.place("pitch")]
    random = np.random.default_rng(0)
    for number in range(-(-n_tokens // PART)):
        np.save(folder / f"{number}.npy", put_together(notes.astype(np.int16), random))
    return 128 * len(lengths)


def put_together(notes: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Symbols of one file: fragments of the notes from anywhere, each in any of twelve keys."""
    shortest, longest = FRAGMENT
    lengths = random.integers(shortest, longest + 1, PART // shortest)
    begins = np.cumsum(lengths) - lengths
    moved = random.integers(0, len(notes) - longest, len(lengths)) - begins
    steps = random.integers(-5, 7, len(lengths)).astype(np.int16)
    places = (np.repeat(moved, lengths) + np.arange(lengths.sum()))[:PART]
    return notes[places] + np.repeat(steps, lengths)[:PART]


def write(
    options: argparse.Namespace,
    ours: list[dict[str, float]],
    theirs: list[dict[str, float]],
    growth: list[tuple[int, float]],
    sorting: float,
) -> None:
    """The table, and time against size in a picture."""
    rate = options.tokens / min(run["seconds"] for run in ours)
    peers = {name: max(run[name] for run in theirs) for name in BARS}
    peak, distinct = max(run["peak"] for run in ours), int(ours[0]["distinct"])
    exponent = float(np.polyfit(*np.log(np.array(growth).T), 1)[0])
    tokens, in_memory = f"{options.tokens:,}", peak <= n_bytes("--memory", options.memory)
    rows = [
        [f"ours, orders 1 to {ORDER}", tokens, f"{rate:,.0f} tokens/s", "", "", ""],
        *(compared(name, rate, peer) for name, peer in peers.items()),
        ["peak memory of the process", tokens, f"{peak / 1e9:.2f} GB", "", options.memory, yes(in_memory)],
        ["growth from 100,000 tokens", tokens, f"n^{exponent:.2f}", "", f"n^{GROWTH}", yes(exponent <= GROWTH)],
        ["one numpy.sort", tokens, f"{options.tokens / sorting:,.0f} tokens/s", ratio(rate * sorting, options.tokens)],
    ]
    source = options.data.name if options.data else "soprano parts of Bach's chorales"
    question = (
        f"Counting n-grams of orders 1 to {ORDER} in {options.memory}: notes of {source}, "
        f"cut, transposed and put together, with {distinct:,} different {ORDER}-grams"
    )
    header = ["what", "tokens", "figure", "ours to theirs", "bar", "met"]
    path = Path(__file__).with_suffix(".md")
    _table.write(path, question, header, [row + [""] * (6 - len(row)) for row in rows], packages=PACKAGES)
    draw(path.with_suffix(".png"), growth, exponent)


def compared(name: str, ours: float, theirs: float) -> list[str]:
    """A row of the table."""
    what, tokens = ("order 2", "2,000,000") if name == "markovify" else (f"orders 1 to {ORDER}", "200,000")
    met = yes(ours >= BARS[name] * theirs)
    return [f"{name}, {what}", tokens, f"{theirs:,.0f} tokens/s", ratio(ours, theirs), str(BARS[name]), met]


def ratio(ours: float, theirs: float) -> str:
    """To two digits or so."""
    return f"{ours / theirs:.2f}" if ours < theirs else f"{ours / theirs:.0f}"


def yes(met: bool) -> str:
    """How a bar is answered."""
    return "yes" if met else "no"


def draw(path: Path, growth: list[tuple[int, float]], exponent: float) -> None:
    """Seconds against tokens, both in logarithms."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    tokens, taken = np.array(growth).T
    axes.loglog(tokens, taken, "o-", label=f"counted, growing as n^{exponent:.2f}")
    axes.loglog(tokens, taken[-1] * tokens / tokens[-1], ":", color="grey", label="growing as n")
    axes.set(xlabel="tokens", ylabel="seconds", title=f"Counting orders 1 to {ORDER}")
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--count"]:
        count_here(sys.argv[2], *map(int, sys.argv[3:]))
    else:
        main()
