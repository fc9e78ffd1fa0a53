"""How fast is a hidden Markov model learned and decoded, against hmmlearn, on the same tokens in one run?

    python benchmarks/speed/hmm.py [--tokens 100000] [--repeats 5] [--quick]

100,000 random tokens of 40 kinds, in pieces of 50 to 150 as chorale melodies have them, and as one piece; at 256 states
a fifth of them for both sides, and 3 repeats at most, because hmmlearn takes so long. An *EM step*
is that of `engine="array"` and of `engine="hmmlearn"` (`CategoricalHMM` with `implementation="scaling"`), which give
the same parameters. Decoding is `HMM.corpus_decode` (Viterbi) and one draw of all states, `HMM.corpus_sample_states`
(FFBS), against hmmlearn's `predict`. The fastest of the repeats, taken in turn; one BLAS thread.

The limit is what the products of matrices alone would take, at the rate that NumPy's BLAS reaches here on products of
this shape: three products a token in an EM step, one in FFBS. Viterbi has none: it adds and compares K * K numbers a
token. The bars: 3, 5 and 10 times hmmlearn's speed at 32, 64 and 256 states; as fast as its `predict`. With a GPU, an
EM step of `backend="cupy"` at 256 states on all tokens against hmmlearn's, timed once: 100 times. The table in hmm.md
is written by this script.
"""

from __future__ import annotations

import argparse
import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy arrives
from pathlib import Path

import numpy as np
from hmmlearn.hmm import CategoricalHMM

import stochastic_music as sm
from stochastic_music import _backends
from stochastic_music.models.hmm import HMM
from stochastic_music.models.hmm.engines import engine_of
from stochastic_music.models.hmm.observations import observed
from stochastic_music.models.hmm.parameters import Parameters, priors, random_start

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table
from _timing import in_turn

SIZE = 40
#: by number of states
BARS = {32: 3, 64: 5, 256: 10}
GPU_BAR, MANY_STATES = 100, 256


def pieces(lengths: np.ndarray, generator: np.random.Generator) -> sm.TokenCorpus:
    """Random tokens in pieces of these lengths."""
    rows = [generator.integers(0, SIZE, n) for n in lengths]
    return sm.TokenCorpus.from_sequences(rows, sm.Vocabulary.plain(SIZE, closed=False))


def melodies(n_tokens: int, generator: np.random.Generator) -> sm.TokenCorpus:
    """Random tokens in pieces of 50 to 150."""
    lengths = generator.integers(50, 151, n_tokens // 50)
    lengths = lengths[np.cumsum(lengths) <= n_tokens]
    return pieces(np.append(lengths, n_tokens - lengths.sum()), generator)


def product_seconds(n_tokens: int, n_states: int, n_products: int, repeats: int) -> float:
    """What `n_products` products of a (tokens, K) matrix with a (K, K) one take, a thousand rows at a time."""
    rows, square, out = np.ones((1000, n_states)), np.ones((n_states, n_states)), np.empty((1000, n_states))

    def multiply() -> None:
        for _ in range(n_products * n_tokens // 1000):
            np.matmul(rows, square, out=out)

    return in_turn([multiply], repeats)[0]


def start_of(n_states: int) -> Parameters:
    """Random parameters."""
    bases = [np.full(SIZE, 1 / SIZE)]
    prior = priors("full", n_states, bases, start=0, transition=0, emission=0, stickiness=0)
    return random_start(prior, bases, np.random.default_rng(1))


def em_step(corpus: sm.TokenCorpus, n_states: int, repeats: int, backend: str = "numpy") -> list[float]:
    """Seconds of ours and of hmmlearn's. Raises AssertionError where they differ."""
    start, bases = start_of(n_states), [np.full(SIZE, 1 / SIZE)]
    prior = priors("full", n_states, bases, start=0.1, transition=0.1, emission=1, stickiness=0)
    asked = (("array", backend), ("hmmlearn", "numpy"))
    ours, theirs = (engine_of(name, on, observed(corpus), [SIZE], n_states) for name, on in asked)
    for mine, other in zip(ours.step(start, prior)[0][:2], theirs.step(start, prior)[0][:2], strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-6)
    return in_turn([lambda: ours.step(start, prior), lambda: theirs.step(start, prior)], repeats)


def decoding(corpus: sm.TokenCorpus, n_states: int, repeats: int) -> list[float]:
    """Seconds of Viterbi, of FFBS and of hmmlearn's predict. Raises AssertionError where paths differ in likelihood."""
    model = HMM(n_states, n_iterations=0, n_restarts=1).fit(corpus)
    peer = CategoricalHMM(n_states, n_features=SIZE)
    peer.startprob_, peer.transmat_, [peer.emissionprob_] = model.startprob_, model.transmat_, model.emissions_
    columns, lengths = corpus.symbols[:, None], corpus.lengths
    same = (model.corpus_decode(corpus) == peer.predict(columns, lengths)).mean()
    assert same > 0.999, same
    works = [
        lambda: model.corpus_decode(corpus),
        lambda: model.corpus_sample_states(corpus, seed=1),
        lambda: peer.predict(columns, lengths),
    ]
    return in_turn(works, repeats)


def row_of_gpu(corpus: sm.TokenCorpus) -> list[object]:
    """The row of a GPU, where there is one."""
    there, what = _backends.gpu()
    if not there:
        return ["EM step, on a GPU", MANY_STATES, "not measured", "", "", GPU_BAR, "", "", ""]
    ours, theirs = em_step(corpus, MANY_STATES, 1, "cupy")
    return row(f"EM step, {what}", MANY_STATES, ours, theirs, limit=None, bar=GPU_BAR)


def row(
    what: str, n_states: int, ours: float, theirs: float, *, limit: float | None, bar: float | None
) -> list[object]:
    """One row of the table."""
    met = "" if bar is None else "yes" if theirs >= bar * ours else "no"
    shown = ["", ""] if limit is None else [f"{limit:.4f}", f"{ours / limit:.1f}"]
    return [what, n_states, f"{ours:.4f}", f"{theirs:.4f}", f"{theirs / ours:.1f}", bar or "", met, *shown]


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="Once each.")
    arguments = parser.parse_args()
    repeats = 1 if arguments.quick else arguments.repeats
    generator = np.random.default_rng(0)
    n_tokens = arguments.tokens
    many, one = melodies(n_tokens, generator), pieces(np.array([n_tokens]), generator)
    few = melodies(n_tokens // 5, generator)
    rows = []
    for name, corpus in ((f"{len(many):,} pieces", many), ("one piece", one)):
        for n_states in (8, 32, 64):
            ours, theirs = em_step(corpus, n_states, repeats)
            limit = product_seconds(n_tokens, n_states, 3, repeats)
            bar = BARS.get(n_states) if corpus is many else None
            rows.append(row(f"EM step, {name}", n_states, ours, theirs, limit=limit, bar=bar))
        viterbi, ffbs, theirs = decoding(corpus, 32, repeats)
        bar = 1 if corpus is many else None
        rows.append(row(f"Viterbi, {name}", 32, viterbi, theirs, limit=None, bar=bar))
        rows.append(row(f"FFBS, {name}", 32, ffbs, theirs, limit=product_seconds(n_tokens, 32, 1, repeats), bar=bar))
    ours, theirs = em_step(few, MANY_STATES, min(repeats, 3))
    limit = product_seconds(n_tokens // 5, MANY_STATES, 3, repeats)
    what = f"EM step, {len(few):,} pieces of {n_tokens // 5:,} tokens"
    rows.append(row(what, MANY_STATES, ours, theirs, limit=limit, bar=BARS[MANY_STATES]))
    rows.append(row_of_gpu(many))
    question = f"Hidden Markov models against hmmlearn: seconds for {n_tokens:,} tokens"
    header = ["work", "states", "here, s", "hmmlearn, s", "ratio", "bar", "met", "products alone, s", "times that"]
    _table.write(Path(__file__).with_suffix(".md"), question, header, rows, packages=["numpy", "scipy", "hmmlearn"])


if __name__ == "__main__":
    main()
