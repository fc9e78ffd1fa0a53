"""How well are the chords of chorales labelled, event by event and segment by segment?

Data: "Bach Choral Harmony" of the UCI repository [1], 60 chorales with 5,665 events: pitch classes, bass, metrical
weight, and a chord label, a root and one of eleven modes. It is no part of this project: give the CSV file's path.

    python benchmarks/quality/chords.py --data bach_chords.csv [--seeds 0 1 2] [--folds 10] [--rows ...]

writes the table beside this script. Protocol: chorales are dealt to ten folds by each seed; the chorales of a fold are
labelled by a model that saw the other nine. Labels that are one chord spelled two ways (C#, Db) count as one. A label
of the test fold that the training folds never held counts as wrong; how many events have such a one is told. *Events*
is the share of events whose label is right. *Segments* is F1 over all chorales: neighbouring events with one label are
a segment, and one that is predicted is right where both its borders and its label are [3].

No model sees its test fold. Keys are estimated from the notes of a piece, never from its labels. Templates are general:
windows of notes, bass and metre, none made for a chorale or a label. Which of them are the default, and the default
penalty, was looked over in 5-fold cross-validation of the same chorales, dealt by other seeds (100, 101); where a row
says *chosen*, the penalty is chosen by 2-fold cross-validation over the training chorales of each fold instead. Eight
chorales are four pairs, transposed: in the rows *twins in one fold* those are never parted.

Published: 77.2 % on reshuffled folds and 80.1 % on their own by [2], 83.2 % and segment F 77.5 by [3].

[1] D. P. Radicioni, R. Esposito. Bach Choral Harmony. UCI Machine Learning Repository, 2014. CC BY 4.0.
[2] D. P. Radicioni, R. Esposito. BREVE: an HMPerceptron-based chord recognition system. Advances in Music Information
    Retrieval, 2010.
[3] K. Masada, R. Bunescu. Chord recognition in symbolic music using semi-Markov conditional random fields. ISMIR 2017.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stochastic_music.corpus import LabelledCorpus
from stochastic_music.evaluation import LabelFigures, cross_validate_labeller
from stochastic_music.models.crf import CRF, InOneKey, RelativeCRF
from stochastic_music.models.crf.roots import ROOTS, parse_rooted

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

#: what the plain chain sees of an event
PLAIN = (
    "always",
    *(f"bass{at}" for at in ("@-2", "@-1", "", "@1", "@2")),
    *(f"pitch_classes{at}" for at in ("@-2", "@-1", "", "@1", "@2")),
    *(f"{{pitch_classes}}{at}" for at in ("@-1", "", "@1")),
    *("metre", "pitch_classes*metre", "bass*pitch_classes"),
    *("kept", "added", "left"),
)
#: penalties among which the training chorales choose
CHOICES = {"l2": [2.0, 8.0, 32.0]}


class Row(NamedTuple):
    """What is measured: a model, whether twins share a fold, and what is to be reached."""

    name: str
    make: Callable[[], Any]
    published: str = ""
    event_bar: str = ""
    segment_bar: str = ""
    together: bool = False


def plain() -> Any:
    """A linear chain, trained by crfsuite, that sees every chorale in one key and gives labels that training held."""
    return InOneKey(CRF(PLAIN, max_iterations=60), every_root=False)


ROWS = {
    "plain": Row("CRF, linear chain, crfsuite", plain, "77.2; 83.2", "81.5"),
    "relative": Row("RelativeCRF", RelativeCRF, "83.2; 77.5", "83.5", "78"),
    "chosen": Row(
        "RelativeCRF, penalty chosen", lambda: RelativeCRF(choose=CHOICES, folds=2), "83.2; 77.5", "83.5", "78"
    ),
    "plain-twins": Row("CRF, linear chain, crfsuite; twins in one fold", plain, together=True),
    "relative-twins": Row("RelativeCRF; twins in one fold", RelativeCRF, together=True),
}


def read(path: Path) -> LabelledCorpus:
    """The chorales; raises SystemExit where there is no such file. Roots are spelled one way."""
    if not path.is_file():
        raise SystemExit(f"there is no {path}: give the CSV file of the data with --data")
    pieces: dict[str, list[tuple[dict[str, Any], str]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in list(csv.reader(file))[1:]:
            name, *cells = (cell.strip() for cell in row)
            notes = tuple(p for p, cell in enumerate(cells[1:13]) if cell == "YES")
            seen = {"pitch_classes": notes, "bass": parse_rooted(cells[13]).root, "metre": int(cells[14])}
            root, mode = parse_rooted(cells[15])
            pieces.setdefault(name, []).append((seen, ROOTS[root or 0] + mode.strip("_")))
    rows = pieces.values()
    return LabelledCorpus(
        [[seen for seen, _ in row] for row in rows], [[label for _, label in row] for row in rows], list(pieces)
    )


def twins(corpus: LabelledCorpus) -> list[int]:
    """A group for each chorale: those that are one in two keys, whose names differ in what follows the number."""
    numbers = [name[:6] for name in corpus.names]
    return [numbers.index(number) for number in numbers]


def measured(row: Row, corpus: LabelledCorpus, k: int, seeds: Sequence[int]) -> tuple[list[LabelFigures], float]:
    """The figures of each seed, and the seconds that all folds of a seed took."""
    begin = time.perf_counter()
    runs = cross_validate_labeller(row.make, corpus, k=k, seeds=seeds, groups=twins(corpus) if row.together else None)
    return runs, (time.perf_counter() - begin) / len(seeds)


def line(row: Row, runs: list[LabelFigures], seconds: float) -> list[str]:
    """One line of the table."""
    accuracy, segment_f = np.array([[100 * run.accuracy, 100 * run.segment_f1] for run in runs]).T
    bars = [(accuracy, row.event_bar), (segment_f, row.segment_bar)]
    met = "" if not row.event_bar else "yes" if all(a.mean() >= float(bar) for a, bar in bars if bar) else "no"
    return [
        row.name,
        f"{accuracy.mean():.1f}",
        f"{np.ptp(accuracy):.1f}",
        " / ".join(f"{a:.1f}" for a in accuracy),
        f"{segment_f.mean():.1f}",
        f"{np.ptp(segment_f):.1f}",
        " / ".join(str(run.never_trained) for run in runs),
        row.published,
        "; ".join(bar for bar in (row.event_bar, row.segment_bar) if bar),
        met,
        f"{seconds:.0f} s",
    ]


def main() -> None:
    """Cross-validate and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("bach_chords.csv"))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    options = parser.parse_args()
    corpus, lines = read(options.data), []
    for name in options.rows:
        lines.append(line(ROWS[name], *measured(ROWS[name], corpus, options.folds, options.seeds)))
        print(*lines[-1], sep=" | ", flush=True)
    question = (
        f"Per cent of {corpus.n_events} events of {len(corpus)} chorales whose chord is labelled rightly, and F1 of "
        f"segments; {options.folds} folds by chorale, fold seeds {', '.join(map(str, options.seeds))}"
    )
    header = [
        *(
            "model",
            "events",
            "spread",
            "by seed",
            "segments",
            "spread",
            "events with a label never trained on, by seed",
        ),
        *("published", "bar", "met", "fit and label all folds"),
    ]
    packages = ["numpy", "scipy", "sklearn-crfsuite", "python-crfsuite"]
    _table.write(Path(__file__).with_suffix(".md"), question, header, lines, packages=packages)


if __name__ == "__main__":
    main()
