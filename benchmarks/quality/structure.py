"""How well are the sections of fiddle tunes found, whose repeat signs say what they are?

    python benchmarks/quality/structure.py [--tunes 200] [--show]

Tunes of Ryan's Mammoth Collection and of O'Neill's (built in) in which every part is repeated by a sign, without first
and second endings: printed once, they are played AABB, or AABBCC. Here they are written out, pickups left away, and
`find_structure` is asked for their form without being told of any sign. The truth has a letter for each part. Tunes are
drawn by seed among those whose bars can be counted in the file. The method was developed on Ryan's, and heard O'Neill's
when it was done.

    boundaries   F-measure of section starts, found within one bar, the first left out
    bars         pairwise F-measure: of two bars, do they have one letter? [1] Primes are left away
    form         share of tunes whose letters are exactly right, primes left away

Beside it, what one letter for all bars reaches, a letter for every four bars, and what the states of the sticky hidden
Markov model alone reach as letters: two states, and as many as are chosen. The table in structure.md is written by this
script.

[1] M. Levy, M. Sandler. Structural segmentation of musical audio by constrained clustering. IEEE Transactions on
    Audio, Speech, and Language Processing 16(2), 2008.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from symusic import Note, Score, TimeSignature, Track

import stochastic_music as sm
from stochastic_music.corpus.builtin import music21_corpus
from stochastic_music.music.bars import bars
from stochastic_music.tasks.structure import Structure, find_structure
from stochastic_music.tasks.structure.copying import letter

sys.path.insert(0, str(Path(__file__).parents[1]))
import _table

#: where music21 keeps the files of a corpus
FOLDERS = {"ryans-mammoth": "ryansMammoth", "oneills": "oneills1850"}


class Tune(NamedTuple):
    """A tune as it is played, and the letter of each bar."""

    name: str
    score: Score
    labels: list[str]


def parts_of(text: str) -> list[int] | None:
    """The bars of each repeated part of an ABC tune; None where it has endings, or parts that are not repeated."""
    body = "\n".join(line for line in text.splitlines() if not re.match(r"\s*([A-Za-z]:|%)", line))
    body = re.sub(r'"[^"]*"|![^!]*!|%.*', "", body)
    if re.search(r"\[?[12][.,]?(?=[\sA-Ga-gzv(])(?<=[|\[][12])|\[1|\|1|\[2|\|2|:\|2", body):
        return None
    body = body.replace("::", ":| |:")
    chunks = body.split(":|")
    if len(chunks) < 3 or re.sub(r"[\s|\]]", "", chunks[-1]):
        return None
    counts = []
    for chunk in chunks[:-1]:
        if "||" in chunk.strip().strip("|") or "|]" in chunk:
            return None
        music = chunk.split("|:")[-1]
        measures = [m for m in music.split("|") if re.search(r"[A-Ga-gz]", m)]
        counts.append(len(measures))
    return counts


def played(name: str, score: Score, counts: Sequence[int]) -> Tune | None:
    """The tune written out, each part twice; None where the bars do not add up."""
    printed = [bar for bar in bars(score) if bar.number > 0]
    if len(printed) != sum(counts) or min(counts) < 4 or any(bar.length != bar.nominal for bar in printed):
        return None
    quarter, edges = score.ticks_per_quarter, np.append(0, np.cumsum(counts))
    out = Score(quarter)
    out.time_signatures.append(TimeSignature(0, printed[0].numerator, printed[0].denominator))
    track, time, labels = Track("Tune"), 0, []
    notes = [note for part in score.tracks for note in part.notes]
    for i, (first, last) in enumerate(pairwise(edges)):
        start, end = int(printed[first].start * quarter), int(printed[last - 1].end * quarter)
        inside = [note for note in notes if start <= note.time < end]
        for _ in range(2):
            for note in inside:
                track.notes.append(Note(note.time - start + time, note.duration, note.pitch, note.velocity))
            time += end - start
            labels += [letter(i)] * int(last - first)
    out.tracks.append(track)
    return Tune(name, out, labels)


def texts_of(folder: Path) -> dict[tuple[str, str], str]:
    """The text of every tune, by its file and number; files of one tune have none."""
    found = {}
    for path in sorted(folder.glob("*.abc")):
        text = path.read_text(encoding="utf-8", errors="replace")
        tunes = re.split(r"^X:\s*(\d+)", text, flags=re.MULTILINE)[1:]
        for number, body in zip(tunes[::2], tunes[1::2], strict=True):
            found[path.name, number if len(tunes) > 2 else ""] = body
    return found


def tunes(corpus: str, n: int, seed: int = 0) -> list[Tune]:
    """`n` of those that qualify, by seed."""
    texts = texts_of(music21_corpus() / FOLDERS[corpus])
    found = []
    for piece in sm.Corpus.builtin(corpus):
        counts = parts_of(texts.get((piece.source, piece.tune), ""))
        tune = played(piece.name, piece.score, counts) if counts else None
        if tune and len({bar.nominal for bar in bars(piece.score)}) == 1:
            found.append(tune)
    order = np.random.default_rng(seed).permutation(len(found))
    print(f"{corpus}: {len(found)} tunes qualify", file=sys.stderr)
    return [found[i] for i in sorted(order[:n].tolist())]


def starts(labels: Sequence[str], sections: Sequence[int] | None = None) -> set[int]:
    """Where sections begin, the first left out: given, or wherever the letter changes."""
    if sections is not None:
        return set(sections) - {0}
    return {t for t in range(1, len(labels)) if labels[t] != labels[t - 1]}


def f_measure(hits_found: float, n_found: float, hits_true: float, n_true: float) -> float:
    """The harmonic mean of precision and recall; 1 where there is nothing to find, and nothing found."""
    if not n_found and not n_true:
        return 1.0
    precision, recall = hits_found / max(n_found, 1), hits_true / max(n_true, 1)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def boundaries(found: set[int], true: set[int]) -> float:
    """F-measure of boundaries, within one bar."""
    hits_found = sum(any(abs(a - b) <= 1 for b in true) for a in found)
    hits_true = sum(any(abs(a - b) <= 1 for a in found) for b in true)
    return f_measure(hits_found, len(found), hits_true, len(true))


def pairs(found: Sequence[str], true: Sequence[str]) -> float:
    """F-measure of pairs of bars with one letter."""
    one, other = (np.equal.outer(np.array(labels), np.array(labels)) for labels in (found, true))
    upper = np.triu_indices(len(true), 1)
    both = (one & other)[upper].sum()
    return f_measure(both, one[upper].sum(), both, other[upper].sum())


def relettered(labels: Sequence[str]) -> list[str]:
    """Labels by order of appearance, primes left away."""
    plain = [label.rstrip("'") for label in labels]
    order = list(dict.fromkeys(plain))
    return [letter(order.index(label)) for label in plain]


def figures(tune: Tune, labels: Sequence[str], begins: set[int]) -> tuple[float, float, float]:
    """The three measures of one answer."""
    true_begins = truth_starts(tune)
    labels = relettered(labels)
    form = [labels[t] for t in sorted({0, *begins})]
    true = [tune.labels[t] for t in sorted({0, *true_begins})]
    return (
        boundaries(begins, true_begins),
        pairs(labels, tune.labels),
        float(form == true and len(begins) == len(true_begins)),
    )


def truth_starts(tune: Tune) -> set[int]:
    """Where the parts of a tune begin, repeats too."""
    found, t = set(), 0
    for label in dict.fromkeys(tune.labels):
        length = tune.labels.count(label) // 2
        found |= {t, t + length}
        t += 2 * length
    return found - {0}


def answers(many: Sequence[Tune], found: Structure, two: Structure) -> dict[str, list[tuple[float, float, float]]]:
    """The measures of every tune, by who answers."""
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for tune, form, form_of_two in zip(many, found.forms, two.forms, strict=True):
        n_bars, begins, t = len(tune.labels), set(), 0
        for section in form.sections:
            begins.add(t)
            t += section.n_bars
        by_four = [letter(t // 4) for t in range(n_bars)]
        given = {
            "find_structure": (form.labels, begins - {0}),
            f"sticky HMM alone, {found.model.n_states_} states": (_letters(form.states), None),
            "sticky HMM alone, 2 states": (_letters(form_of_two.states), None),
            "one letter for all": (["A"] * n_bars, None),
            "a letter every four bars": (by_four, None),
        }
        for name, (labels, where) in given.items():
            rows.setdefault(name, []).append(figures(tune, labels, starts(labels) if where is None else where))
    return rows


def _letters(states: Sequence[int]) -> list[str]:
    return [letter(state) for state in states]


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tunes", type=int, default=200)
    parser.add_argument("--show", action="store_true", help="Print the form found of every tune.")
    arguments = parser.parse_args()
    rows = []
    for name in FOLDERS:
        many = tunes(name, arguments.tunes)
        corpus = sm.Corpus.from_scores([tune.score for tune in many])
        found, two = find_structure(corpus), find_structure(corpus, n_states=2)
        if arguments.show:
            for tune, form in zip(many, found.forms, strict=True):
                print(f"{tune.name}: {form.letters}  ({', '.join(str(s.n_bars) for s in form.sections)})")
        rows += [
            [f"{name}, {len(many)}", who, *(f"{100 * value:.1f} %" for value in np.mean(values, axis=0))]
            for who, values in answers(many, found, two).items()
        ]
    question = "The form of fiddle tunes, played with their repeats"
    header = ["tunes", "who answers", "boundaries, F", "bars, pairwise F", "form exactly right"]
    _table.write(Path(__file__).with_suffix(".md"), question, header, rows, packages=["numpy"])


if __name__ == "__main__":
    main()
