"""How well do networks predict the next pitch of a melody, beside models that count?

Protocol of Pearce and Wiggins (2004), as in `quality/melody.py`: every pitch predicted including the first, no end
symbol, alphabet = what the data set uses, 10 folds by melody (fold seed 0), bits per pitch, variants of a tune in
different folds. Networks hold back a tenth of their training tunes, variants together, to know when to stop, and know
nothing else. *Static*: as training left the model. *Adapting*: it also learns from each melody of the test fold, after
predicting it (LTM+ of models that count, dynamic evaluation of networks). Models that count have the parameters that
they come with; so have networks, whose parameters were looked over on the folds that `search.py` tells of.

    python benchmarks/quality/statistical_vs_neural/sopranos.py [--data bach-sopranos essen-kinder] [--processes 2]
        [--models multiple_viewpoint ppm ppm_online markov lstm gru wavenet transformer]

writes the table, and how losses fell until training stopped by itself (sopranos.svg). Fits that are done are kept in
`.fits`, so that the script goes on where it was broken off. Published: LTM 2.444 and 2.428, LTM+ 2.375 and 2.237, with
a short-term memory 2.347 and 2.106 (Pearce 2005, chapter 6).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))
import _table
import _tables
from _fits import NEURAL, Fit, done
from _music import N_FOLDS, melodies
from _tables import Scored

from stochastic_music.render.comparisons import Series, to_svg, training_curves

MODELS = ("multiple_viewpoint", "ppm", "ppm_online", "markov", *NEURAL)
#: all networks are fitted to the sopranos, one to the songs
KINDS = {"bach-sopranos": MODELS, "essen-kinder": MODELS[:5]}
#: those that also learn while they listen; PPM that does is a model of its own
ADAPTING = (*NEURAL, "ppm_online")
TITLES = {"bach-sopranos": "Chorale sopranos", "essen-kinder": "Children's songs"}
BAR = {"bach-sopranos": 2.40}


def scored(data: str, kind: str, processes: int) -> list[Scored]:
    """A kind of model, static and, where it can, adapting."""
    corpus, fold = melodies(data)
    counts = [corpus.lengths[fold == number] for number in range(N_FOLDS)]
    fits = [Fit(data, f"fold {number}", kind) for number in range(N_FOLDS)]
    static = done(fits, processes)
    found = [_tables.scored(kind, static, counts)]
    if kind in ADAPTING:
        adapting = done([fit._replace(adapting=True) for fit in fits], processes)
        found.append(_tables.scored(f"{kind}, adapting", adapting, counts))
    return found


def line(data: str, one: Scored, reference: Scored) -> list[str]:
    """One line of the table."""
    found = one.estimate
    bar = BAR.get(data) if one.model == "lstm" else None
    met = "" if bar is None else f"{bar:.2f} {'met' if found.value <= bar else 'missed'}"
    return [data, one.model, f"{found.value:.3f}", _tables.interval(found), one.beside(reference), met, *one.cost()]


def draw_training(path: Path, title: str, rows: list[Scored]) -> None:
    """Draw how losses fell until training stopped by itself: a panel for each network, two lines for each fold."""
    fits = {
        one.model: [(_losses("training", fit.training), _losses("held back", fit.validation)) for fit in one.results]
        for one in rows
        if one.model in NEURAL
    }
    if fits:
        figure = training_curves(fits, label="bits per pitch", title=f"{title}: training, {N_FOLDS} folds")
        path.write_bytes(to_svg(figure))


def _losses(name: str, losses: list[float]) -> Series:
    return Series(name, np.arange(1.0, len(losses) + 1), np.array(losses))


def main() -> None:
    """Fit, score, and write the table and the picture."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", nargs="+", default=list(TITLES), choices=list(TITLES))
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    found = {
        data: [one for kind in KINDS[data] if kind in options.models for one in scored(data, kind, options.processes)]
        for data in options.data
    }
    lines = [line(data, one, rows[0]) for data, rows in found.items() for one in rows]
    question = f"Bits per pitch of melodies, pitch only; {N_FOLDS} folds by melody, fold seed 0; models as they come"
    header = [
        "data",
        "model",
        "bits",
        "95 % interval over pieces",
        "more than the first",
        "bar",
        *_tables.COST,
    ]
    _tables.keep(__file__, {(TITLES[data], "bits per pitch"): rows for data, rows in found.items()})
    draw_training(Path(__file__).with_suffix(".svg"), TITLES[options.data[0]], found[options.data[0]])
    _table.write(
        Path(__file__).with_suffix(".md"), question, header, lines, packages=["numpy", "scipy", "torch", "music21"]
    )


if __name__ == "__main__":
    main()
