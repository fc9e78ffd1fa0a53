"""How fast are melodies composed under constraints, exactly, and how fast is part of a melody filled?

    python benchmarks/speed/constrained.py [--repeats 3] [--draws 10000] [--continuator FOLDER]

The melodies of 64 notes are those of a Markov model of the chorale sopranos (`bach-sopranos`, in one key, rests and
durations and all), under five demands at once: a range, a scale, an end on the tonic, bars that are filled with a note
on each downbeat, and no copy of more than 12 notes. *First* is from the fitted model to the first melody: constraints
are compiled, all messages computed. *Rate* is of what follows, 1,000 at once. Then many more are drawn, each is asked
for each demand, and the originality report is asked for its longest copy. A smoothed model, for which everything is
possible, makes a product too large to hold: its pieces grow as crowds of particles, and are timed one by one.

*Fill* conditions on all notes of a soprano but those of bars 5 to 8, which are drawn anew: the median of sopranos that
are longer than that, and the slowest, by a smoothed model of order 3.

The peer is fpachet/continuator, a checkout of which can be given: 64 symbols of which the first, one in the middle and
the last are fixed, over the same sopranos as pairs of pitch and duration. It takes feasibility from a model of order 1,
then continues by longer contexts as far as that allows, so what it draws follows no stated distribution. Ours is the
exact draw from a model of order 3 over the same symbols. The table in constrained.md is written by this script.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import subprocess
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy arrives
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import stochastic_music as sm
from stochastic_music.constraints import (
    All,
    BaseAutomaton,
    EndsOn,
    InScale,
    Joinable,
    Length,
    MaxCopy,
    Metre,
    PitchRange,
)
from stochastic_music.evaluation import OriginalityIndex
from stochastic_music.models import Markov
from stochastic_music.music.bars import bars
from stochastic_music.protocols import DEAD, IntArray
from stochastic_music.sampling import ExactSampler, Sample
from stochastic_music.tokens import Header, TokenPiece, Vocabulary

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

N_NOTES, MOST = 64, 12
FIRST_BAR, RATE_BAR, FILL_BAR = 2.0, 200, 1.0
#: sopranos that are filled
FILLED = 15

_PEER = """
import json, random, sys, time
sys.path.insert(0, sys.argv[1])
from ctor.variable_order_markov import Variable_order_Markov
asked = json.load(sys.stdin)
random.seed(0)
model = Variable_order_Markov(None, None, asked["order"])
for row in asked["rows"]:
    model.learn_sequence([tuple(symbol) for symbol in row])
n = asked["notes"]
places = {0: model.start_padding, n // 2: tuple(asked["middle"]), n + 1: model.end_padding}
start = time.perf_counter()
drawn = [model.sample_sequence(n + 2, constraints=places) for _ in range(asked["draws"])]
print(json.dumps({"seconds": time.perf_counter() - start, "found": sum(one is not None for one in drawn)}))
"""


def fitted(smoothing: str) -> sm.Pipeline:
    """A model of the sopranos, order 3, in one key."""
    pipeline = sm.Pipeline(sm.MelodyEncoding(), Markov(3, smoothing), transpose="common")
    return pipeline.fit(sm.Corpus.builtin("bach-sopranos"))


def model_of(pipeline: sm.Pipeline) -> Any:
    """The model over the symbols that its corpus has, as composing takes it."""
    return pipeline.model.restricted(pipeline.vocabulary_.restrict(pipeline.alphabet_))


def demands(pipeline: sm.Pipeline) -> All:
    """The five, and the number of notes."""
    return (
        Length(N_NOTES)
        & PitchRange("C4", "A5")
        & InScale("C:major")
        & EndsOn("tonic")
        & Metre()
        & MaxCopy(pipeline.corpus_, MOST)
    )


def in_common_time(pipeline: sm.Pipeline) -> Header:
    """The header of the first soprano in 4/4 without pickup."""
    whole = (h for h in pipeline.headers_ if h and [m[1:] for m in h.meters] == [(4, 4)] and not h.pickup)
    return next(whole)


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """How long `work` takes, and what it gives."""
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def conditioned(pipeline: sm.Pipeline, repeats: int, n_draws: int) -> list[object]:
    """The row of the model without smoothing."""
    model, header = model_of(pipeline), in_common_time(pipeline)

    def begin() -> ExactSampler:
        sampler = ExactSampler(model, demands(pipeline), header)
        sampler.draw(np.arange(1), key=0)
        return sampler

    taken = [seconds(begin) for _ in range(repeats)]
    first, sampler = min(took for took, _ in taken), taken[-1][1]
    rate = 1000 / min(seconds(lambda: sampler.draw(np.arange(1000), key=1))[0] for _ in range(repeats))
    rows, _ = sampler.draw(np.arange(n_draws), key=2)
    met = satisfied(pipeline, rows, header)
    said = "yes" if first <= FIRST_BAR and rate >= RATE_BAR and met == n_draws else "no"
    return [
        "64 notes, five demands; order 3, no smoothing",
        "exact",
        f"{first:.2f} s",
        f"{rate:,.0f}",
        f"{met:,} of {n_draws:,}",
        f"{FIRST_BAR:g} s, {RATE_BAR} a second",
        said,
    ]


def smoothed(pipeline: sm.Pipeline, n: int) -> list[object]:
    """The row of the smoothed model, whatever guarantee it gets."""
    header = in_common_time(pipeline)

    def compose(seed: int) -> Sample:
        return pipeline.compose(1, constraint=demands(pipeline), header=header, seed=seed)[0].sample

    taken = [seconds(lambda seed=seed: compose(seed)) for seed in range(n)]
    drawn = [sample for _, sample in taken]
    rows = np.full((n, max(len(one.symbols) for one in drawn)), pipeline.vocabulary_.end)
    for row, one in zip(rows, drawn, strict=True):
        row[: len(one.symbols)] = one.symbols
    met = satisfied(pipeline, rows, header)
    rate = (n - 1) / sum(took for took, _ in taken[1:])
    guarantee = ", ".join(sorted({one.guarantee for one in drawn}))
    name = "the same; order 3, smoothed"
    return [name, guarantee, f"{taken[0][0]:.2f} s", f"{rate:.2f}", f"{met:,} of {n:,}", "-", "-"]


def satisfied(pipeline: sm.Pipeline, rows: IntArray, header: Header) -> int:
    """How many pieces, (n, n_steps) and END, meet each demand and have no longer copy, by the originality report."""
    vocabulary = pipeline.vocabulary_
    held = np.ones(len(rows), dtype=bool)
    for part in demands(pipeline).parts:
        automaton = part.compile(vocabulary, header)
        states = np.full(len(rows), automaton.start())
        for column in rows.T:
            states = automaton.advance(states, column)
        held &= states != DEAD
    index = OriginalityIndex.from_tokens(pipeline.corpus_)
    for i, row in enumerate(rows):
        symbols = row[: int(np.argmax(row == vocabulary.end)) + 1]
        held[i] &= index.longest_copy(TokenPiece(symbols, header)).length <= MOST
    return int(held.sum())


def filled(pipeline: sm.Pipeline, repeats: int) -> list[object]:
    """Bars 5 to 8 of sopranos, drawn anew: the whole verb, from a score to scores."""
    scores = [piece.score for piece in sm.Corpus.builtin("bach-sopranos")]
    long = [score for score in scores if bars(score)[-1].number > 8][:FILLED]
    taken = [
        min(seconds(functools.partial(pipeline.fill, score, (5, 8), seed=0, method="exact"))[0] for _ in range(repeats))
        for score in long
    ]
    median, worst = float(np.median(taken)), max(taken)
    return [
        f"fill bars 5 to 8 of {len(taken)} sopranos; order 3, smoothed",
        "exact",
        f"{median:.2f} s, slowest {worst:.2f} s",
        "-",
        "-",
        f"{FILL_BAR:g} s",
        "yes" if worst <= FILL_BAR else "no",
    ]


class _PlacesAutomaton(BaseAutomaton):
    """Counts symbols; some places are fixed."""

    def __init__(self, vocabulary: Vocabulary, places: dict[int, int]) -> None:
        self.n_symbols = vocabulary.n_symbols
        self._wanted = np.full(max(places) + 1, -1)
        self._wanted[list(places)] = list(places.values())

    def advance(self, states: IntArray, symbols: IntArray) -> IntArray:
        at = np.minimum(states, len(self._wanted) - 1)
        right = (self._wanted[at] < 0) | (self._wanted[at] == symbols) | (states >= len(self._wanted))
        return np.where((states != DEAD) & right, states + 1, DEAD)


@dataclass(frozen=True)
class Places(Joinable):
    """Symbols that stand at some places, counted from 0."""

    fixed: tuple[tuple[int, int], ...]

    def compile(self, vocabulary: Vocabulary, header: Header | None) -> _PlacesAutomaton:  # noqa: ARG002
        """A count with an eye on the places."""
        return _PlacesAutomaton(vocabulary, dict(self.fixed))


def peers(pipeline: sm.Pipeline, folder: Path | None, repeats: int) -> list[list[object]]:
    """Three fixed places, here and there."""
    corpus = pipeline.corpus_
    events = [corpus.vocabulary.values(row)[:-1].reshape(-1, 4)[:, [3, 1]] for row in corpus]
    kinds, inverse = np.unique(np.concatenate(events), axis=0, return_inverse=True)
    rows = np.split(inverse.ravel(), np.cumsum([len(row) for row in events])[:-1])
    middle = int(np.bincount(inverse.ravel()).argmax())
    vocabulary = Vocabulary.plain(len(kinds))
    model = Markov(3, "none").fit(sm.TokenCorpus.from_sequences(rows, vocabulary))
    demand = Length(N_NOTES) & Places(((N_NOTES // 2 - 1, middle),))
    taken = [seconds(lambda: ExactSampler(model, demand)) for _ in range(repeats)]
    first, sampler = min(took for took, _ in taken), taken[-1][1]
    rate = 1000 / min(seconds(lambda: sampler.draw(np.arange(1000), key=1))[0] for _ in range(repeats))
    ours = ["64 notes, three places fixed; order 3, no smoothing", "exact", f"{first:.2f} s", f"{rate:,.0f}"]
    name, given = "the same by fpachet/continuator", "feasible, not exact"
    if folder is None or not (folder / "ctor" / "variable_order_markov.py").is_file():
        return [[*ours, "-", "-", "-"], [name, given, "not there", "not there", "-", "-", "-"]]
    asked = {
        "rows": [kinds[row].tolist() for row in rows],
        "order": 4,
        "notes": N_NOTES,
        "middle": kinds[middle].tolist(),
        "draws": 30,
    }
    run = subprocess.run(
        [sys.executable, "-c", _PEER, str(folder)], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    found = json.loads(run.stdout.splitlines()[-1])
    theirs = found["found"] / found["seconds"]
    return [
        [*ours, f"{rate / theirs:,.0f} times the peer's rate", "-", "-"],
        [name, given, "-", f"{theirs:.1f}", f"{found['found']} of {asked['draws']} found", "-", "-"],
    ]


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--particles", type=int, default=5, help="pieces of the smoothed model")
    parser.add_argument("--continuator", type=Path, default=None, metavar="FOLDER", help="a checkout of the peer")
    arguments = parser.parse_args()
    plain, smooth = fitted("none"), fitted("kneser_ney")
    rows = [
        conditioned(plain, arguments.repeats, arguments.draws),
        smoothed(smooth, arguments.particles),
        filled(smooth, arguments.repeats),
        *peers(plain, arguments.continuator, arguments.repeats),
    ]
    question = "Composing under constraints, on chorale sopranos: time to the first melody, and melodies a second"
    header = ["task", "guarantee", "first", "rate, a second", "as demanded", "bar", "met"]
    _table.write(Path(__file__).with_suffix(".md"), question, header, rows, packages=["numpy", "scipy"])


if __name__ == "__main__":
    main()
