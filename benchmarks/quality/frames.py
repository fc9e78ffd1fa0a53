"""How well do multiple viewpoints predict four-part frames, and the lower voices under a given soprano?

Data: 382 Bach chorales on the quarter-note grid, a frame being the set of sounding pitches, in the split of [1] (229 to
train, 76 to validate, 77 to test; 4,725 test frames): a JSON file with the lists `train`, `valid` and `test` of pieces,
a piece being a list of frames, a frame a list of MIDI pitches. It is no part of this project: give its path.

    frames        minus the log probability of a frame given the frames before it, in nats, over all frames of the set
    lower voices  the same of the notes below the top one, the frame's end among them, given the whole top voice, past
                  and future, and the frames before

    python benchmarks/quality/frames.py --data jsb_quarter.json [--seeds 0 1 2]

writes the table beside this script. Models are fitted on the training pieces, as they come; viewpoints were looked over
on training and validation pieces. Seeds draw the pieces that weights are learned from. Each fit has a process of its
own, so that its peak memory can be read. Published for frames: 4.72 by an LSTM-RTRBM [2], 8.78 by a random field [1].

[1] N. Boulanger-Lewandowski, Y. Bengio, P. Vincent. Modeling temporal dependencies in high-dimensional sequences:
    Application to polyphonic music generation and transcription. ICML 2012.
[2] Q. Lyu, Z. Wu, J. Zhu, H. Meng. Modelling high-dimensional sequences with LSTM-RTRBM: Application to polyphonic
    music generation. IJCAI 2015.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stochastic_music.models.multiple_viewpoint import MultipleViewpoint

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table
from _frames import frames

#: what is measured, what is given, published, bar
ROWS = [("frames", "", "4.72", "4.35"), ("lower voices", "voice1", "", "2.80")]


class Run(NamedTuple):
    """Nats a frame on the two sets, and what fitting took: wall and processor seconds, bytes at the peak."""

    valid: float
    test: float
    seconds: float
    processor: float
    peak: int


def run(path: Path, given: str, seed: int) -> Run:
    """Fit on the training pieces, and score the others."""
    sets = frames(path)
    begin, worked = time.perf_counter(), time.process_time()
    model = MultipleViewpoint(given=given, seed=seed).fit(sets["train"])
    seconds, processor = time.perf_counter() - begin, time.process_time() - worked
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    valid, test = (-model.corpus_log_probs(sets[name]).sum() / sets[name].n_events for name in ("valid", "test"))
    return Run(float(valid), float(test), seconds, processor, peak)


def row(measure: str, published: str, bar: str, runs: list[Run]) -> list[str]:
    """One line of the table."""
    valid, test, seconds, processor, peak = (np.array(column) for column in zip(*runs, strict=True))
    by_seed = " / ".join(f"{figure:.3f}" for figure in test)
    cost = [f"{seconds.max():.0f} s", f"{processor.max():.0f} s", f"{peak.max() / 2**30:.2f} GiB"]
    met = "yes" if test.mean() <= float(bar) else "no"
    return [measure, f"{valid.mean():.3f}", f"{test.mean():.3f}", by_seed, published, bar, met, *cost]


def main() -> None:
    """Fit, score, and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("jsb_quarter.json"))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options = parser.parse_args()
    rows = []
    with ProcessPoolExecutor(1, max_tasks_per_child=1) as pool:
        for measure, given, published, bar in ROWS:
            runs = [pool.submit(run, options.data, given, seed).result() for seed in options.seeds]
            rows.append(row(measure, published, bar, runs))
            print(*rows[-1], flush=True)
    question = (
        "Nats a frame of four-part chorales (Boulanger-Lewandowski et al. 2012), MultipleViewpoint() as it comes; "
        f"seeds {', '.join(map(str, options.seeds))}"
    )
    header = ["measure", "valid", "test", "by seed", "published", "bar", "met", "fit", "processor", "peak memory"]
    _table.write(Path(__file__).with_suffix(".md"), question, header, rows, packages=["numpy", "scipy"])


if __name__ == "__main__":
    main()
