"""How well does `analyze` tell the chords and keys of chorales that it never heard?

Data: `bach-analyses`, the Roman-numeral analyses of Riemenschneider 1 to 20 that come inside music21, with the scores
of the same chorales. Nineteen fit their scores; the labels of BWV 41.6 count bars in another way and are left out.

    python benchmarks/quality/analyses.py [--seeds 0 1 2] [--folds 5] [--madrigals]

writes the table beside this script. Protocol: chorales are dealt to folds by each seed; those of a fold are labelled by
a `ChordLabeller` that learned from the others. An event is a slice of the score, a new one wherever a note begins; its
chord is right where root and quality are those of the analyst, its key where tonic and mode are. *By time* events count
by their length. The mean over the seeds is told, and the least and the most. Chords are those that `analyze` prints,
after it has dropped passing doubts; keys are told from them, not from the analyst's.

`--madrigals` adds a row: those of music21's analyses of Monteverdi's madrigals that fit their scores are learned from
as well, in every fold (some minutes longer). They are analysed by many hands and are of another time; they do not help
with chorales, and the built-in model does without them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stochastic_music.corpus import Corpus, LabelledPiece, folds, label_pieces
from stochastic_music.corpus.builtin import BUILTIN, music21_corpus
from stochastic_music.corpus.chord_labels import find_texts
from stochastic_music.tasks.chords import ANALYSES, ChordLabeller, Figures, measured

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table


def madrigals() -> list[LabelledPiece]:
    """The madrigals whose analyses fit their scores."""
    folder = music21_corpus() / "monteverdi"
    corpus = Corpus.from_files(sorted(folder.glob("*.mxl")))
    return [piece for piece in label_pieces(corpus, texts=find_texts([folder]))[0] if piece.fit > 0.85]


def cross_validated(pieces: list[LabelledPiece], more: Sequence[LabelledPiece], k: int, seed: int) -> list[Figures]:
    """The figures of each fold, learned from the other folds and from `more`."""
    fold = folds(len(pieces), k, seed=seed)
    out = []
    for i in range(k):
        kept, held = ([pieces[int(p)] for p in np.flatnonzero(part)] for part in (fold != i, fold == i))
        out.append(measured(ChordLabeller().fit([*kept, *more]), held))
    return out


def shares(found: Sequence[Figures]) -> list[float]:
    """Over all folds: chords, chords by time, roots, keys; shares."""
    counts = [count for figures in found for count in figures.per_piece]
    pairs = [("right", "n"), ("time_right", "time"), ("roots", "n"), ("keys", "n_keys")]
    return [sum(getattr(c, a) for c in counts) / sum(getattr(c, b) for c in counts) for a, b in pairs]


def row(name: str, found: Sequence[Sequence[float]]) -> list[str]:
    """Mean, least and most over the seeds, in percent."""
    columns = 100 * np.array(found).T
    return [name, *(f"{c.mean():.1f} ({c.min():.1f} to {c.max():.1f})" for c in columns)]


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--madrigals", action="store_true")
    options = parser.parse_args()
    pieces, out = label_pieces(Corpus.builtin(ANALYSES), paired=BUILTIN[ANALYSES].analysis_files())
    print(f"{len(pieces)} pieces; left out: {[piece.name for piece in out]}", file=sys.stderr)
    sources = {"chorales": []} | ({"chorales and madrigals": madrigals()} if options.madrigals else {})
    rows = []
    for name, more in sources.items():
        found = [shares(cross_validated(pieces, more, options.folds, seed)) for seed in options.seeds]
        rows.append(row(f"{name} ({len(pieces) + len(more)} pieces)", found))
    header = ["learned from", "chord, %", "chord by time, %", "root, %", "local key, %"]
    question = f"Chords and keys of {len(pieces)} chorales, {options.folds}-fold, seeds {options.seeds}"
    _table.write(Path(__file__).with_suffix(".md"), question, header, rows, packages=["numpy", "scipy", "music21"])


if __name__ == "__main__":
    main()
