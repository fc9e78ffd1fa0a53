"""How well do networks predict whole melodies, rhythm and all, where there are hundreds of them?

Chorale sopranos and children's songs as whole events (rest, duration, phrase mark, pitch), Ryan's Mammoth Collection
and O'Neill's Music of Ireland as rest, duration and pitch; the end of each piece is predicted too. Bits per note: all
bits, divided by notes. One split: fold 0 of ten (fold seed 0) is the test, all others train; variants of a tune are in
one fold in the two collections of tunes. Models know the printed key and meter. Networks hold back a tenth of their
training tunes to know when to stop.

    python benchmarks/quality/statistical_vs_neural/tunes.py [--data ryans-mammoth oneills ...] [--processes 2]
        [--models multiple_viewpoint ppm markov lstm]

writes the table. Tunes that the grid of a sixteenth and a triplet cannot write, 4 of 1,059 and 10 of 2,009, are left
out. Dropout was lowered where pieces held back from training were still predicted better than training pieces.
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
from _music import sides
from _tables import Scored

TITLES = {
    "bach-sopranos": "Chorale sopranos, events",
    "essen-kinder": "Children's songs, events",
    "ryans-mammoth": "Ryan's Mammoth",
    "oneills": "O'Neill's",
}
#: what the comparators have here in place of their defaults: more to learn from takes less silencing and fewer epochs
PARAMETERS: dict[str, dict[str, Any]] = {
    "ryans-mammoth": {"output_dropout": 0.3, "recurrent_dropout": 0.3, "max_epochs": 16, "patience": 5},
    "oneills": {"output_dropout": 0.3, "recurrent_dropout": 0.3, "max_epochs": 8, "patience": 3},
}
MODELS = ("multiple_viewpoint", "ppm", "markov", "lstm", "gru")
COUNTED = 3


def scored(data: str, models: list[str], processes: int) -> list[Scored]:
    """All models on one set."""
    name = f"{data} events"
    changes = {kind: PARAMETERS.get(data, {}) if kind in MODELS[COUNTED:] else {} for kind in models}
    results = done([Fit(name, "fold 0", kind, tuple(changes[kind].items())) for kind in models], processes)
    test = sides(name, "fold 0")["test"]
    counts = test.sums(test.vocabulary.field_of(test.symbols) == test.vocabulary.place("pitch"))
    return [_tables.scored(kind, [result], [counts]) for kind, result in zip(models, results, strict=True)]


def line(data: str, one: Scored, reference: Scored) -> list[str]:
    """One line of the table."""
    n_test = len(one.totals.bits)
    found = one.estimate
    return [
        data,
        f"{n_test}",
        one.model,
        f"{found.value:.3f}",
        _tables.interval(found),
        one.beside(reference),
        *one.cost(),
    ]


def main() -> None:
    """Fit, score, and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", nargs="+", default=list(TITLES), choices=list(TITLES))
    parser.add_argument("--models", nargs="+", default=MODELS[: COUNTED + 1], choices=MODELS)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    found = {data: scored(data, options.models, options.processes) for data in options.data}
    lines = [line(data, one, rows[0]) for data, rows in found.items() for one in rows]
    _tables.keep(__file__, {(TITLES[data], "bits per note"): rows for data, rows in found.items()})
    question = "Bits per note of whole melodies, END included; one split by tune, fold seed 0"
    header = ["data", "test tunes", "model", "bits", "95 % interval over pieces", f"more than {options.models[0]}"]
    _table.write(
        Path(__file__).with_suffix(".md"),
        question,
        [*header, *_tables.COST],
        lines,
        packages=["numpy", "scipy", "torch", "music21"],
    )


if __name__ == "__main__":
    main()
