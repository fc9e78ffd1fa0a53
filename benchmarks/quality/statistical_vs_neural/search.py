"""Which size, dropout and augmentation does an LSTM want for the sopranos? The settings that were tried.

Melodies of fold 1 (and 2, ...) of the ten folds of fold seed 0 are predicted by models that were fitted on all others
but those of fold 0, which this search never sees: pitch only, bits per pitch. Each row changes the defaults of `lstm`
in the way that it says; within a fit a tenth of its training tunes is held back to know when to stop. Defaults were
chosen on other validation pieces, among melodies outside fold 0, before `sopranos.py` was run.

    python benchmarks/quality/statistical_vs_neural/search.py [--folds 1 2] [--processes 2]

writes the table. One seed for each fit: differences below 0.02 may be chance.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))
import _table
import _tables
from _fits import Fit, done
from _music import melodies
from _tables import Scored

DATA = "bach-sopranos"
SETTINGS: list[dict[str, Any]] = [
    {},
    {"width": 64},
    {"width": 256},
    {"n_layers": 2},
    {"input_dropout": 0.0, "output_dropout": 0.0, "recurrent_dropout": 0.0},
    {"recurrent_dropout": 0.0},
    {"input_dropout": 0.3, "output_dropout": 0.6, "recurrent_dropout": 0.6},
    {"reach": 2},
    {"reach": 5},
    {"weight_decay": 0.1},
    {"max_epochs": 40},
]


def scored(setting: dict[str, Any], folds: list[int], processes: int) -> Scored:
    """One setting, tried on the pieces of some folds."""
    results = done([Fit(DATA, f"within {fold}", "lstm", tuple(setting.items())) for fold in folds], processes)
    corpus, fold = melodies(DATA)
    return _tables.scored("lstm", results, [corpus.lengths[fold == number] for number in folds])


def line(setting: dict[str, Any], one: Scored, reference: Scored) -> list[str]:
    """One line of the table."""
    words = ", ".join(f"{name} {value:g}" for name, value in setting.items()) or "as it comes"
    return [words, f"{one.estimate.value:.3f}", one.beside(reference), *one.cost()]


def main() -> None:
    """Try all settings, and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folds", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    found = [scored(setting, options.folds, options.processes) for setting in SETTINGS]
    lines = [line(setting, one, found[0]) for setting, one in zip(SETTINGS, found, strict=True)]
    folds = ", ".join(map(str, options.folds))
    question = f"Bits per pitch of chorale sopranos by an LSTM, settings tried; validation pieces: folds {folds}"
    header = ["setting", "bits", "more than as it comes (95 % over pieces)", *_tables.COST]
    _table.write(Path(__file__).with_suffix(".md"), question, header, lines, packages=["numpy", "torch", "music21"])


if __name__ == "__main__":
    main()
