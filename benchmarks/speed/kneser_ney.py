"""How fast a Kneser-Ney model of 5-grams is fitted and saved, against KenLM's `lmplz`, and how its time grows.

    python benchmarks/speed/kneser_ney.py --lmplz PATH [--tokens 20000000] [--repeats 2]

`lmplz` is built from its source (github.com/kpu/kenlm, with a C++ compiler, CMake and Boost):
`cmake -B build -DCMAKE_BUILD_TYPE=Release && cmake --build build --target lmplz`; PATH is then build/bin/lmplz.

The music is real and the corpus is not: notes of the chorale sopranos, pitch and duration as one symbol, in twelve
keys, the 400 most frequent symbols (others take the nearest of these), cut into fragments of 4 to 16 notes, which are
put together at random in pieces of 200 until there are enough. So n-grams are as frequent as in music, and new ones
keep coming at the joints.

Ours is `Markov(order=4, smoothing="kneser_ney")`: integers are read from disk, counted and smoothed, and a model file
that opens at once is written. `lmplz -o 5 -S 50% --discount_fallback` reads the same symbols as text and writes ARPA,
with the threads it chooses. It takes three discounts an order from each count (modified Kneser-Ney), ours takes one; it
has no entry for contexts that begin with START but their count, as ours. All in turn, the fastest of the repeats. The
bars: 1.5 times as many tokens a second, and time that grows with at most the power 1.1 of the size from 10^5 on (least
squares on logarithms). Where the time goes is measured apart, step by step. The table is written by this script.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import stochastic_music as sm
from stochastic_music import model_file
from stochastic_music.corpus import encode_corpus
from stochastic_music.counting.tally import tally_in_place
from stochastic_music.models.contexts import grow_from, windows

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table
from _timing import in_turn, seconds

ORDER, N_SYMBOLS, PIECE = 4, 400, 200
#: notes of a fragment, at least and at most
FRAGMENT = (4, 16)
BAR, GROWTH = 1.5, 1.1


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lmplz", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=2 * 10**7)
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), options)


def measure(folder: Path, options: argparse.Namespace) -> None:
    """Both sides in turn, then the steps of ours, then growth."""
    write_corpus(folder, options.tokens)
    ours, theirs = in_turn(
        [lambda: fit_and_save(folder, options.tokens), lambda: run_lmplz(folder, options.lmplz)], options.repeats
    )
    rates, ratio = [f"{options.tokens / taken:,.0f}" for taken in (ours, theirs)], theirs / ours
    rows: list[list[object]] = [
        ["5-gram Kneser-Ney, tokens a second", *rates, f"{ratio:.2f}", BAR, "yes" if ratio >= BAR else "no"]
    ]
    rows += [
        [f"of which: {step}", f"{taken:.2f} s", "", f"{taken / ours:.0%}", "", ""] for step, taken in steps(folder)
    ]
    growth = grown(folder, options.tokens, ours)
    exponent = float(np.polyfit(*np.log(growth).T, 1)[0])
    told = ", ".join(f"{n:,}: {taken:.2g} s" for n, taken in growth)
    rows.append([f"growth ({told})", f"{exponent:.2f}", "", "", GROWTH, "yes" if exponent <= GROWTH else "no"])
    question = f"A Kneser-Ney model of {options.tokens:,} tokens of {N_SYMBOLS} symbols, fitted and saved"
    header = ["", "Markov(order=4)", "lmplz -o 5", "ratio, share", "bar", "met"]
    _table.write(Path(__file__).with_suffix(".md"), question, header, rows, packages=["numpy"])


def fit_and_save(folder: Path, n_tokens: int) -> sm.Markov:
    """What is timed; the model stays in memory for its steps."""
    model = sm.Markov(order=ORDER, smoothing="kneser_ney").fit(corpus_of(folder, n_tokens))
    save(folder, model)
    return model


def save(folder: Path, model: sm.Markov) -> None:
    """Write the model file."""
    meta = {"vocabulary": model.vocabulary_.to_json()}
    model_file.write(folder / "model.smm", meta, model.to_arrays(), force=True)


def run_lmplz(folder: Path, lmplz: Path) -> None:
    """What it is compared with."""
    command = [lmplz, "-o", "5", "-S", "50%", "-T", folder, "--discount_fallback"]
    command += ["--text", folder / "tokens.txt", "--arpa", folder / "model.arpa"]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def steps(folder: Path) -> list[tuple[str, float]]:
    """Seconds of each step of fitting and saving, one after another."""
    held: dict[str, object] = {}

    def keep(name: str, value: object) -> None:
        held[name] = value

    corpus = corpus_of(folder, None)
    model = sm.Markov(order=ORDER, smoothing="kneser_ney")
    works = {
        "windows are packed": lambda: keep("keys", windows(corpus, ORDER)),
        "sorted and counted": lambda: keep("tally", tally_in_place(held.pop("keys"))),
        "shorter ones, numbers, links": lambda: keep(
            "contexts", grow_from(held.pop("tally"), ORDER, corpus.vocabulary)
        ),
        "smoothed": lambda: keep("model", model._settle(held.pop("contexts"), corpus.vocabulary)),
        "hashed and written": lambda: save(folder, model),
    }
    return [(name, seconds(work)) for name, work in works.items()]


def grown(folder: Path, largest: int, whole: float) -> list[tuple[int, float]]:
    """Tokens and seconds, from 10^5 on in steps of the square root of ten."""
    sizes = [round(10 ** (half / 2)) for half in range(10, 16) if 10 ** (half / 2) < largest]
    return [*((n, in_turn([lambda n=n: fit_and_save(folder, n)], 2)[0]) for n in sizes), (largest, whole)]


def corpus_of(folder: Path, n_tokens: int | None) -> sm.TokenCorpus:
    """The first tokens, read from disk, in pieces."""
    symbols = np.load(folder / "tokens.npy")[:n_tokens].astype(np.int64)
    offsets = np.minimum(np.arange(0, len(symbols) + PIECE, PIECE), len(symbols))
    n = len(offsets) - 1
    return sm.TokenCorpus(sm.Vocabulary.plain(N_SYMBOLS, closed=False), symbols, offsets, (None,) * n, ("",) * n)


def write_corpus(folder: Path, n_tokens: int) -> None:
    """The tokens as integers, and as text with a piece a line."""
    rng = np.random.default_rng(0)
    music = in_twelve_keys()
    size = rng.integers(*FRAGMENT, n_tokens // FRAGMENT[0] + 1, endpoint=True)
    size = size[: int(np.searchsorted(np.cumsum(size), n_tokens)) + 1]
    first = rng.integers(0, len(music) - FRAGMENT[1], len(size))
    within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    symbols = music[np.repeat(first, size) + within][:n_tokens]
    np.save(folder / "tokens.npy", symbols.astype(np.uint16))
    with (folder / "tokens.txt").open("w", encoding="utf-8") as file:
        for begin in range(0, n_tokens, PIECE):
            file.write(" ".join(map(str, symbols[begin : begin + PIECE].tolist())) + "\n")


def in_twelve_keys() -> np.ndarray:
    """The sopranos one after another, in all keys: (n_notes,), each of the most frequent symbols."""
    corpus, _ = encode_corpus(sm.Corpus.builtin("bach-sopranos"), sm.MelodyEncoding(fields=("duration", "pitch")))
    vocabulary = corpus.vocabulary
    events = corpus.symbols[corpus.symbols != vocabulary.end].reshape(-1, 2)
    duration, pitch = (vocabulary.values(column) for column in events.T)
    joint = np.concatenate([duration * 128 + pitch + step for step in range(-5, 7)])
    values, number, times = np.unique(joint, return_inverse=True, return_counts=True)
    frequent = np.sort(np.argsort(-times, kind="stable")[:N_SYMBOLS])
    nearest = np.clip(np.searchsorted(frequent, np.arange(len(values))), 0, len(frequent) - 1)
    return nearest[number]


if __name__ == "__main__":
    main()
