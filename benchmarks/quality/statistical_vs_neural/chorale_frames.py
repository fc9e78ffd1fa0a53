"""How well do networks predict four-part chorales note by note, beside multiple viewpoints?

Data and measure are those of `quality/frames.py`: 382 chorales on the quarter-note grid in the split of
Boulanger-Lewandowski, Bengio and Vincent (2012), minus the log probability of a frame given the frames before it, in
nats, over all 4,725 test frames. All models predict the notes of a frame one by one from the top, each given those
above. Models are fitted on the 229 training pieces alone; networks hold back a tenth of them to know when to stop.

    python benchmarks/quality/statistical_vs_neural/chorale_frames.py --data jsb_quarter.json [--seeds 0 1 2]
        [--models multiple_viewpoint lstm gru wavenet transformer] [--processes 2]

writes the table. The parameters below were chosen on the validation pieces. Published: LSTM 7.92 and LSTM-RTRBM 4.72
(Lyu et al. 2015), RNN-NADE 5.56, RNN-RBM 6.27 (Boulanger-Lewandowski et al. 2012).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))
import _table
import _tables
from _fits import NEURAL, Fit, Result, done
from _music import frames
from _tables import Scored

#: what the comparators have here in place of their defaults
RECURRENT = {
    **{"width": 256, "input_dropout": 0.1, "output_dropout": 0.5, "recurrent_dropout": 0.3},
    **{"reach": 0, "batch_size": 8, "max_epochs": 24, "patience": 6},
}
PARAMETERS: dict[str, dict[str, Any]] = {
    "multiple_viewpoint": {},
    "lstm": RECURRENT,
    "gru": RECURRENT,
    "wavenet": {"n_layers": 8, "batch_size": 8, "max_epochs": 40, "patience": 10},
    "transformer": {"batch_size": 8, "max_epochs": 50, "patience": 10},
}
BAR = 6.0
NATS = np.log(2)


def results(path: Path, kind: str, seeds: list[int], processes: int) -> list[Result]:
    """A fit of a kind for each seed."""
    fits = [Fit(str(path), "whole 0", kind, (*PARAMETERS[kind].items(), ("seed", seed))) for seed in seeds]
    return done(fits, processes)


def scored(model: str, found: list[Result], counts: np.ndarray, side: str) -> Scored:
    """The mean over seeds of a model's nats on a side, piece by piece."""
    bits = np.mean([result.bits[side] for result in found], axis=0) * NATS
    return Scored(model, _tables.Totals(bits, counts), found)


def line(valid: Scored, test: Scored, reference: Scored) -> list[str]:
    """One line of the table."""
    total = test.totals.counts.sum()
    by_seed = " / ".join(f"{NATS * sum(result.bits['test']) / total:.3f}" for result in test.results)
    found = test.estimate
    met = ("met" if found.value <= BAR else "missed") if test.model in NEURAL else ""
    figures = [f"{valid.estimate.value:.3f}", f"{found.value:.3f}", _tables.interval(found), by_seed]
    return [test.model, *figures, test.beside(reference), f"{BAR} {met}" if met else "", *test.cost()]


def main() -> None:
    """Fit, score, and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("jsb_quarter.json"))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--models", nargs="+", default=list(PARAMETERS), choices=list(PARAMETERS))
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    sets = frames(options.data)
    counts = {side: sets[side].lengths / sets[side].vocabulary.n_fields for side in ("valid", "test")}
    found = {kind: results(options.data, kind, options.seeds, options.processes) for kind in options.models}
    rows = {
        side: [scored(kind, fits, counts[side], side) for kind, fits in found.items()] for side in ("valid", "test")
    }
    lines = [line(valid, test, rows["test"][0]) for valid, test in zip(*rows.values(), strict=True)]
    seeds = ", ".join(map(str, options.seeds))
    question = f"Nats a frame of four-part chorales (Boulanger-Lewandowski et al. 2012), note by note; seeds {seeds}"
    header = ["model", "valid", "test", "95 % interval over pieces", "by seed", f"more than {options.models[0]}", "bar"]
    _tables.keep(__file__, {("Four-part chorales, frames", "nats per frame"): rows["test"]})
    _table.write(
        Path(__file__).with_suffix(".md"),
        question,
        [*header, *_tables.COST],
        lines,
        packages=["numpy", "scipy", "torch"],
    )


if __name__ == "__main__":
    main()
