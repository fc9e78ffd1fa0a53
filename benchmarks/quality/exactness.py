"""Do exact samples follow the model conditioned on what is demanded, under every kind of constraint and every pair?

    python benchmarks/quality/exactness.py [--draws 100000] [--real 10000] [--every 1]

On a toy alphabet every piece of up to three notes is enumerated with its probability, by models of several kinds
(Markov, PPM, hidden Markov), with and without a pickup. Under each kind of constraint, and each pair of kinds, 100,000
exact draws are compared with the conditioned probabilities by Pearson's chi-square, and under each kind with rejection
sampling too: draws that were not conditioned, of which those are kept that are as demanded. The least p-value of all
tests is set beside 0.001 divided by their number (Bonferroni). Masking step by step, the negative control, is tested
in the same way under each kind, with 20,000 draws, and should be rejected wherever it differs from conditioning.

Then the same kinds, said of real music, condition a Markov model of the chorale sopranos (order 3; smoothed, but for
copies, where that is too large a product): of 10,000 draws under each, all must be as demanded, as its automaton reads
them, which is itself tested on every piece of the toy alphabet. The table in exactness.md is written by this script.
"""

from __future__ import annotations

import argparse
import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy arrives
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import stochastic_music as sm
from stochastic_music import constraints as c
from stochastic_music.models import Markov
from stochastic_music.protocols import DEAD, Constraint, IntArray
from stochastic_music.sampling import ExactSampler

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

from tests.constraints.kinds import PICKUP, PLAIN
from tests.statistical.conditioning import ALONE, MODELS, PAIRS, Demand, Truth, goodness, homogeneity

NEGATIVE_DRAWS = 20_000


def truths(names: Sequence[str]) -> list[Truth]:
    """Models, under one header and the other in turn."""
    return [Truth(name, (PLAIN, PICKUP)[i % 2]) for i, name in enumerate(names)]


def p_values(known: Truth, demand: Demand, n_draws: int, seed: int, *, rejection: bool) -> list[float]:
    """Of exact draws against enumeration, and against rejection; none where nothing can be as demanded."""
    expected = known.conditioned(demand)
    if not expected.any():
        return []
    counts = known.drawn(demand, n_draws, seed)
    found = [goodness(counts, expected)]
    return [*found, homogeneity(counts, np.where(expected > 0, known.free, 0))] if rejection else found


def masked(truth: Truth) -> tuple[int, int]:
    """Under how many kinds masking is rejected, and how many it was drawn under; a model without dead ends."""
    found = []
    for i, demand in enumerate(ALONE):
        expected = truth.conditioned(demand)
        if expected.any():
            found.append(goodness(truth.masked(demand, NEGATIVE_DRAWS, seed=i), expected))
    return sum(p < 1e-3 / len(found) for p in found), len(found)


def real_kinds(corpus: sm.TokenCorpus, header: Any) -> dict[str, Constraint]:
    """The kinds, said of four bars of a soprano; `Length` where bars are not asked for."""
    tune = corpus[0]
    bars = c.Bars(4)
    return {
        "range": bars & c.PitchRange("C4", "G5"),
        "scale": bars & c.InScale("C:major"),
        "start": bars & c.StartsOn("G4"),
        "end": bars & c.EndsOn("tonic"),
        "note at a place": bars & c.At(2, 1, "A4"),
        "chord tones": bars & c.ChordTones("C | F | G | C"),
        "metre": c.Length(16) & c.Metre(),
        "bars": bars,
        "notes": c.Length(12, 20),
        "no long copies": c.Length(32) & c.MaxCopy(corpus, 8),
        "around a gap": c.Around(tune, header.bar_start(3), header.bar_start(5)),
        "similar": c.Around(tune, 0, header.bar_start(3)) & c.Similar(tune, 0.9),
        "rhythm": c.Rhythm(tune[: 4 * 14]),
        "contour": c.Contour("++-0--+-"),
        "contains a motif": bars & c.Contains("G4 A4 B4", "interval"),
        "avoids a motif": bars & c.Avoids("C5 B4"),
        "not": bars & c.Not(c.EndsOn("tonic")),
        "or": bars & (c.StartsOn("G4") | c.EndsOn("G4")),
    }


def satisfied(vocabulary: sm.Vocabulary, constraint: Constraint, header: Any, rows: IntArray) -> int:
    """How many pieces, (n, n_steps) and END, the compiled constraint accepts."""
    automaton = constraint.compile(vocabulary, header)
    states = np.full(len(rows), automaton.start())
    for column in rows.T:
        states = automaton.advance(states, column)
    return int((states != DEAD).sum())


def on_real_music(n_draws: int) -> list[list[object]]:
    """A row for each kind."""
    pipeline = sm.Pipeline(sm.MelodyEncoding(), Markov(3), transpose="common").fit(sm.Corpus.builtin("bach-sopranos"))
    vocabulary, header = pipeline.vocabulary_, pipeline.corpus_.headers[0]
    alphabet = vocabulary.restrict(pipeline.alphabet_)
    smoothed = pipeline.model.restricted(alphabet)
    unsmoothed = Markov(3, "none").fit(pipeline.corpus_.with_vocabulary(alphabet))
    rows = []
    for name, constraint in real_kinds(pipeline.corpus_, header).items():
        model = unsmoothed if name == "no long copies" else smoothed
        drawn, _ = ExactSampler(model, constraint, header).draw(np.arange(n_draws), key=1)
        met = satisfied(vocabulary, constraint, header, drawn)
        said = "yes" if met == n_draws else "no"
        rows.append([f"sopranos: {name}", f"{n_draws:,} draws as demanded", f"{met:,}", f"{n_draws:,}", said])
    return rows


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=100_000)
    parser.add_argument("--real", type=int, default=10_000)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each N-th pair")
    arguments = parser.parse_args()
    known = truths(list(MODELS))
    alone = [
        p
        for i, demand in enumerate(ALONE)
        for j, truth in enumerate(known)
        for p in p_values(truth, demand, arguments.draws, 1000 * i + j, rejection=True)
    ]
    pairs = [
        p
        for i, demand in enumerate(PAIRS[:: arguments.every])
        for p in p_values(known[i % len(known)], demand, arguments.draws, 10**6 + i, rejection=False)
    ]
    level = 1e-3 / (len(alone) + len(pairs))
    rejected, tried = masked(known[0])
    kinds = f"{len(ALONE)} kinds, each with {len(MODELS)} models"
    rows: list[list[object]] = [
        [kinds, *_least(alone, level)],
        [f"{len(PAIRS[:: arguments.every])} pairs of kinds, models in turn", *_least(pairs, level)],
        [
            "masking, the negative control",
            "kinds under which it is rejected",
            f"{rejected} of {tried}",
            "some",
            _yes(rejected),
        ],
        *on_real_music(arguments.real),
    ]
    question = "Exact sampling under constraints against enumeration and rejection"
    header = ["what", "measure", "found", "bar", "met"]
    _table.write(Path(__file__).with_suffix(".md"), question, header, rows, packages=["numpy", "scipy"])


def _least(found: list[float], level: float) -> list[object]:
    least = min(found)
    return [f"least p-value of {len(found):,} tests", f"{least:.1e}", f"above {level:.1e}", _yes(least > level)]


def _yes(holds: object) -> str:
    return "yes" if holds else "no"


if __name__ == "__main__":
    main()
