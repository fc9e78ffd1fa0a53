"""`stochmusic score`: how well a model predicts music."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stochastic_music.cli._common import find_model, load_model, open_corpus, plural, print_json, say

if TYPE_CHECKING:
    from stochastic_music.corpus import Corpus
    from stochastic_music.pipeline import Pipeline


def score(
    corpus: Annotated[list[str], typer.Argument(help="Folders, files or built-in names.")],
    model: Annotated[
        list[str], typer.Option("-m", "--model", metavar="MODEL", help="A fitted model; several are compared.")
    ] = [],  # noqa: B006
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure how surprised a fitted model is by a corpus, in bits with 95 % intervals."""
    music = open_corpus(corpus)
    paths = [find_model(name) for name in model] or [find_model(None)]
    rows, totals = [], []
    for path in paths:
        pipeline, _ = load_model(path)
        row, per_piece = _measure(pipeline, path, music, seed)
        rows.append(row)
        totals.append(per_piece)
    differences = _differences(paths, totals, seed)
    _tell(rows, differences)
    if as_json:
        print_json(
            {"models": rows, "differences": differences, "files_skipped": music.report.to_json()["files_skipped"]}
        )


def _measure(pipeline: Pipeline, path: Path, music: Corpus, seed: int) -> tuple[dict[str, Any], Any]:
    from stochastic_music.evaluation import likelihood
    from stochastic_music.pipeline import fingerprints

    tokens, loss = pipeline.encode(music)
    tokens = tokens.with_vocabulary(pipeline.vocabulary_)
    seen = set(pipeline.fingerprints_.tolist())
    known = [name for name, mark in zip(tokens.names, fingerprints(tokens).tolist(), strict=True) if mark in seen]
    if known:
        shown = ", ".join(known[:5]) + (" ..." if len(known) > 5 else "")
        say(f"{plural(len(known), 'piece')} of {len(tokens)} were in the training of {path}: {shown}")
    log_probs = pipeline.log_probs(tokens)
    figures = {
        name: (figure := getattr(likelihood, name)(tokens, log_probs, seed=seed)) and figure.to_json()
        for name in ("bits_per_symbol", "bits_per_note", "bits_per_pitch")
    }
    row = {
        "model": str(path),
        "n_pieces": len(tokens),
        "n_notes": int(likelihood.begins_note(tokens.vocabulary, tokens.symbols).sum()),
        **figures,
        "in_training": known,
        "pieces_skipped": loss.to_json().get("pieces_skipped", []),
    }
    return row, (tokens, log_probs)


def _differences(paths: list[Path], totals: list[Any], seed: int) -> list[dict[str, Any]]:
    """How much each further model differs from the first, piece by piece."""
    from stochastic_music.evaluation import paired_difference

    base_tokens, base = totals[0]
    return [
        {
            "model": str(path),
            "against": str(paths[0]),
            "bits_per_note": paired_difference(base_tokens, base, tokens, other, seed=seed).to_json(),
        }
        for path, (tokens, other) in zip(paths[1:], totals[1:], strict=True)
    ]


def _tell(rows: list[dict[str, Any]], differences: list[dict[str, Any]]) -> None:
    for row in rows:
        say(f"{row['model']}: {plural(row['n_pieces'], 'piece')}, {plural(row['n_notes'], 'note')}")
        for name in ("bits_per_symbol", "bits_per_note", "bits_per_pitch"):
            if row[name] is not None:
                low, high = row[name]["interval"]
                label = name.replace("_", " ")
                say(f"    {label:<16} {row[name]['value']:.3f}  (95 % interval {low:.3f} to {high:.3f})")
    for row in differences:
        low, high = row["bits_per_note"]["interval"]
        value = row["bits_per_note"]["value"]
        say(f"{row['model']} against {row['against']}: {value:+.3f} bits per note ({low:+.3f} to {high:+.3f})")
    say("Fewer bits are better: the music surprises the model less.")
