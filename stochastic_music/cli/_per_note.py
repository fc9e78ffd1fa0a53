"""`score --per-note`: a line for every note, as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stochastic_music.errors import UsageError

if TYPE_CHECKING:
    from stochastic_music.corpus import TokenCorpus
    from stochastic_music.evaluation import CrossValidation, Prediction

COLUMNS = ("piece", "bar", "onset", "pitch", "information_content", "entropy", "fold", "seed", "model")


def check_path(path: Path | None) -> None:
    """Raise UsageError for a file that is no CSV."""
    if path is not None and path.suffix.lower() != ".csv":
        raise UsageError(f"--per-note got '{path}'; expected a name that ends in .csv")


def rows_of(
    tokens: TokenCorpus, said: Prediction, model: str, *, fold: Sequence[int] | None = None, seed: int | str = ""
) -> Iterator[list[Any]]:
    """A row for each note; bar and onset are empty where symbols carry no time, fold where there are none."""
    from stochastic_music.evaluation import notes_of

    notes = notes_of(tokens)
    bits = -said.log_probs[notes.place] / math.log(2)
    entropy = said.entropy[notes.place] if said.entropy is not None else bits * math.nan
    columns = zip(notes.piece, notes.bar, notes.onset, notes.pitch, bits, entropy, strict=True)
    for piece, bar, onset, pitch, surprise, doubt in columns:
        when = ["", ""] if math.isnan(onset) else [int(bar), f"{onset:g}"]
        where = "" if fold is None else int(fold[piece])
        yield [tokens.names[piece], *when, int(pitch), f"{surprise + 0.0:.4f}", f"{doubt:.4f}", where, seed, model]


def rows_of_run(run: CrossValidation, model: str) -> Iterator[list[Any]]:
    """The rows of every seed."""
    from stochastic_music.evaluation import Prediction

    for i, seed in enumerate(run.seeds):
        entropy = run.entropy[i] if run.entropy is not None else None
        said = Prediction(run.log_probs[i], entropy)
        yield from rows_of(run.corpus, said, model, fold=run.fold[i].tolist(), seed=seed)


def as_csv(rows: Sequence[Sequence[Any]]) -> bytes:
    """The table with its header."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")
