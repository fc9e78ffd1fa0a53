"""`score --per-note`: a line for every note, as CSV or Parquet.

`information_content` and `entropy` are in bits (`evaluation.surprise`), and so are `long_term` and `short_term`, the
information content under each memory alone, of models that have both. What there is not is empty: bar and onset
where symbols carry no time, fold and seed without cross-validation.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stochastic_music import _optional
from stochastic_music.errors import UsageError

if TYPE_CHECKING:
    from stochastic_music.corpus import TokenCorpus
    from stochastic_music.evaluation import CrossValidation, Prediction

PARTS = ("long_term", "short_term")
COLUMNS = {
    "piece": "string",
    "bar": "int32",
    "onset": "float64",
    "pitch": "int16",
    "information_content": "float64",
    "entropy": "float64",
    "fold": "int32",
    "seed": "int64",
    "model": "string",
    **dict.fromkeys(PARTS, "float64"),
}


def check_path(path: Path | None) -> None:
    """Raise UsageError for a file that is neither CSV nor Parquet, MissingExtraError where pyarrow is missing."""
    if path is not None and path.suffix.lower() not in {".csv", ".parquet"}:
        raise UsageError(f"--per-note got '{path}'; expected a name that ends in .csv or .parquet")
    if path is not None and path.suffix.lower() == ".parquet":
        _optional.require("pyarrow")


def rows_of(
    tokens: TokenCorpus, said: Prediction, model: str, *, fold: Sequence[int] | None = None, seed: int | None = None
) -> Iterator[list[Any]]:
    """A row of COLUMNS for each note, None for what there is not."""
    from stochastic_music.evaluation import notes_of

    notes = notes_of(tokens)
    said = said.at(notes.place)
    parts = [_bits(said.parts[name]) if name in said.parts else [None] * len(notes.place) for name in PARTS]
    entropy = [None] * len(notes.place) if said.entropy is None else said.entropy.tolist()
    columns = zip(notes.piece.tolist(), notes.bar.tolist(), notes.onset.tolist(), notes.pitch.tolist(), strict=True)
    figures = zip(_bits(said.log_probs), entropy, *parts, strict=True)
    for (piece, bar, onset, pitch), (surprise, doubt, *memories) in zip(columns, figures, strict=True):
        when = [None, None] if math.isnan(onset) else [bar, onset]
        where = None if fold is None else fold[piece]
        yield [tokens.names[piece], *when, pitch, surprise, doubt, where, seed, model, *memories]


def _bits(log_probs: Any) -> list[float]:
    return [-x / math.log(2) + 0.0 for x in log_probs.tolist()]


def rows_of_run(run: CrossValidation, model: str) -> Iterator[list[Any]]:
    """The rows of every seed."""
    from stochastic_music.evaluation import Prediction

    for i, seed in enumerate(run.seeds):
        entropy = run.entropy[i] if run.entropy is not None else None
        said = Prediction(run.log_probs[i], entropy, {name: part[i] for name, part in run.parts.items()})
        yield from rows_of(run.corpus, said, model, fold=run.fold[i].tolist(), seed=seed)


def table(path: Path, rows: Sequence[Sequence[Any]]) -> bytes:
    """The file of that name: the rows under COLUMNS."""
    return as_parquet(rows) if path.suffix.lower() == ".parquet" else as_csv(rows)


def as_csv(rows: Sequence[Sequence[Any]]) -> bytes:
    """The rows with a header; bits to four places."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_written(name, value) for name, value in zip(COLUMNS, row, strict=True)])
    return text.getvalue().encode("utf-8")


def _written(column: str, value: Any) -> Any:
    if value is None or COLUMNS[column] != "float64":
        return value
    return f"{value:g}" if column == "onset" else f"{value:.4f}"


def as_parquet(rows: Sequence[Sequence[Any]]) -> bytes:
    """The rows as a Parquet file. Raises MissingExtraError without pyarrow."""
    arrow, parquet = _optional.require("pyarrow"), _optional.require("pyarrow.parquet")
    schema = arrow.schema(
        [(name, getattr(arrow, "float64" if kind == "float64" else kind)()) for name, kind in COLUMNS.items()]
    )
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in COLUMNS]
    sink = arrow.BufferOutputStream()
    parquet.write_table(arrow.table(columns, schema=schema), sink)
    return bytes(sink.getvalue())
