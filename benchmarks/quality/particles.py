"""What does a guide, a small Markov model, do for particles?

Multiple viewpoints, fitted to nine tenths of the sopranos of Bach's chorales, compose under demands: exactly 8 or 16
bars; 16 bars within C4 to A5, in the scale of C, with C at the end (pieces are read in C major or A minor); 8 bars with
three notes given at their places. Every take is chosen from a crowd of 64 particles, without sweeps of Metropolis and
under one header, in 4/4 without a pickup. With a guide particles are led by a Markov model of the same pieces (order 2,
Witten-Bell).

    deviation of the evidence   standard deviation, in nats, of the crowds' estimates of the log probability that the
                                model meets the demands: what sweeps of Metropolis correct, and the smaller the better
    effective size              of the crowd from which a take was chosen, on average, of 64
    accepted                    how often Metropolis would accept one of these crowds in the place of another
    seconds a take              the guide's messages among them, which takes under one header share
    bits a note                 the surprise of the takes under the model, END included

    python benchmarks/quality/particles.py [--takes 8]

writes the table beside this script.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import stochastic_music as sm
from stochastic_music.constraints import At, Bars, EndsOn, InScale, PitchRange
from stochastic_music.evaluation.likelihood import begins_note
from stochastic_music.models.multiple_viewpoint import MultipleViewpoint
from stochastic_music.pipeline.guiding import Guides
from stochastic_music.sampling import Sample, sample
from stochastic_music.tokens import Header

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

DEMANDS = {
    "8 bars": Bars(8),
    "16 bars": Bars(16),
    "16 bars, range, scale, end": Bars(16) & PitchRange("C4", "A5") & InScale("C") & EndsOn("C"),
    "8 bars, three notes given": Bars(8) & At(3, 1, "C4") & At(5, 1, "A5") & At(7, 1, "D4"),
}


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--takes", type=int, default=8, help="takes a row")
    n = parser.parse_args().takes
    train, test = sm.Corpus.builtin("bach-sopranos").split(test_size=0.1, seed=0)
    pipeline = sm.Pipeline(sm.MelodyEncoding(), MultipleViewpoint(), transpose="common").fit(train)
    vocabulary = pipeline.vocabulary_.restrict(pipeline.alphabet_)
    model, guides = pipeline.model.restricted(vocabulary), Guides(pipeline.corpus_, vocabulary)
    rows: list[list[Any]] = []
    for name, demand in DEMANDS.items():
        for label, guide in (("none", None), ("Markov, order 2", guides)):
            rows.append([name, label, *row(model, demand, guide, n)])
            print(rows[-1], flush=True)
    encoded, _ = pipeline.encode(test)
    surprise = -pipeline.log_probs(encoded).sum() / np.log(2) / begins_note(encoded.vocabulary, encoded.symbols).sum()
    rows.append(["held-out pieces", "", "", "", "", "", f"{surprise:.2f}"])
    _table.write(
        Path(__file__).with_suffix(".md"),
        "What does a guide, a small Markov model, do for particles?",
        [
            "demands",
            "guide",
            "deviation of the evidence",
            "effective size",
            "accepted",
            "seconds a take",
            "bits a note",
        ],
        rows,
        packages=["numpy"],
    )


def row(model: Any, demand: Any, guide: Any, n: int) -> list[str]:
    """The figures of `n` takes."""
    options = {"header": Header(12, key="C"), "constraint": demand, "guide": guide, "seed": 1}
    began = time.perf_counter()
    takes = sample(model, n, sweeps=0, **options)
    seconds = (time.perf_counter() - began) / n
    evidence = np.array([take.log_evidence for take in takes])
    accepted = np.exp(np.minimum(evidence[:, None] - evidence, 0))[~np.eye(n, dtype=bool)]
    return [
        f"{evidence.std(ddof=1):.2f}",
        f"{np.mean([take.effective for take in takes]):.0f}",
        f"{accepted.mean():.0%}",
        f"{seconds:.2f}",
        f"{np.mean([bits(model, take) for take in takes]):.2f}",
    ]


def bits(model: Any, take: Sample) -> float:
    """Bits a note of a take, END included."""
    return -take.log_prob / np.log(2) / begins_note(model.vocabulary_, take.symbols).sum()


if __name__ == "__main__":
    main()
