"""`stochmusic classify`: which of several models a piece belongs to."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stochastic_music.cli import _options
from stochastic_music.cli._common import load_model, open_corpus, plural, print_json, say
from stochastic_music.errors import UsageError

if TYPE_CHECKING:
    from stochastic_music.corpus import Corpus
    from stochastic_music.pipeline import Pipeline
    from stochastic_music.protocols import FloatArray


def classify(
    piece: Annotated[list[str], typer.Argument(help="A file; several, or a folder, are taken piece by piece.")],
    model: Annotated[
        list[str], typer.Option("-m", "--model", metavar="MODEL", help="A fitted model; name two or more.")
    ],
    as_json: _options.AsJson = False,
) -> None:
    """Tell which of several fitted models a piece belongs to: the posterior, all being equally likely before.

    The models must read music alike: the same encoding, grid and transposition.
    """
    if len(model) < 2:
        raise UsageError("classify tells models apart: name two or more, for example -m bach.smm -m folk.smm")
    pipelines = [load_model(Path(name))[0] for name in model]
    _check_alike(model, pipelines)
    music = open_corpus(piece)
    rows = _classified(model, pipelines, music)
    for row in rows:
        _tell(row)
    if as_json:
        print_json({"pieces": rows, "files_skipped": music.report.to_json()["files_skipped"]})


def posterior(log_probs: FloatArray) -> FloatArray:
    """The share of each model, from the log probability it gives: (n_models,) both; equal where none gives any.

    >>> import numpy as np
    >>> posterior(np.log([0.3, 0.1])).round(2).tolist()
    [0.75, 0.25]
    """
    import numpy as np

    highest = log_probs.max()
    shares = np.exp(log_probs - highest) if np.isfinite(highest) else np.ones(len(log_probs))
    normalized: FloatArray = shares / shares.sum()
    return normalized


def _check_alike(names: list[str], pipelines: list[Pipeline]) -> None:
    """Raise UsageError naming the first difference: probabilities of other symbols cannot be compared."""
    first = pipelines[0]
    for name, other in zip(names[1:], pipelines[1:], strict=True):
        reason = first.vocabulary_.difference(other.vocabulary_)
        if not reason and first.transpose != other.transpose:
            reason = f"one was fitted with --transpose {first.transpose}, the other with {other.transpose}"
        if reason:
            raise UsageError(f"{names[0]} and {name} read music differently: {reason}. Fit both in one way")


def _classified(names: list[str], pipelines: list[Pipeline], music: Corpus) -> list[dict[str, Any]]:
    """A row for each piece that can be encoded."""
    import numpy as np

    from stochastic_music.corpus import fingerprints
    from stochastic_music.evaluation import likelihood

    encoded = [pipeline.encode(music)[0].with_vocabulary(pipeline.vocabulary_) for pipeline in pipelines]
    totals = np.stack([tokens.sums(p.log_probs(tokens)) for p, tokens in zip(pipelines, encoded, strict=True)])
    tokens = encoded[0]
    marks = fingerprints(tokens)
    known = [np.isin(marks, pipeline.fingerprints_) for pipeline in pipelines]
    notes = likelihood.note_totals(tokens, np.zeros(len(tokens.symbols))).counts
    rows = []
    for i, name in enumerate(tokens.names):
        shares = posterior(totals[:, i])
        models = [
            {
                "model": names[m],
                "posterior": float(shares[m]),
                "bits_per_note": _finite(-totals[m, i] / math.log(2) / max(notes[i], 1)),
                "in_training": bool(known[m][i]),
            }
            for m in range(len(names))
        ]
        rows.append({"piece": name, "n_notes": int(notes[i]), "models": models})
    return rows


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _tell(row: dict[str, Any]) -> None:
    say(f"{row['piece']}: {plural(row['n_notes'], 'note')}")
    for model in sorted(row["models"], key=lambda m: -m["posterior"]):
        bits = "infinitely many" if model["bits_per_note"] is None else f"{model['bits_per_note']:.2f}"
        seen = ", which learned from it" if model["in_training"] else ""
        say(f"    {model['posterior']:7.2%}  {model['model']}  ({bits} bits per note){seen}")
