"""What `continue`, `fill` and `vary` share: they change one part of a file and keep all else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stochastic_music.cli import _copies, _demands, _takes
from stochastic_music.cli._common import find_model, load_model, print_json, provenance, say, show_log
from stochastic_music.errors import UnreadableFileError

if TYPE_CHECKING:
    from symusic.core import ScoreTick as Score

    from stochastic_music.io.splicing import KeptFile
    from stochastic_music.pipeline import Pipeline
    from stochastic_music.pipeline.excerpts import Reading
    from stochastic_music.pipeline.revisions import Revision

PieceFile = Annotated[str, typer.Argument(metavar="PIECE", help="A file of one piece; it stays as it is.")]
Model = Annotated[
    str | None, typer.Option("-m", "--model", metavar="FILE.smm", help="A fitted model; default: the last one here.")
]
Number = Annotated[int, typer.Option("-n", min=1, help="How many takes.")]
PartName = Annotated[
    str | None, typer.Option(help="Which part: its name, its number from 0, or drums; default: the tune.")
]
OnlyNew = Annotated[bool, typer.Option("--only-new", help="Write the new notes alone, at their place in time.")]
Temperature = Annotated[float, typer.Option(help="Below 1 safer, above 1 bolder; changes the distribution.")]
TopK = Annotated[
    int | None, typer.Option(min=1, help="Draw from the k likeliest symbols only; changes the distribution.")
]
TopP = Annotated[float, typer.Option(help="Draw from the likeliest share p only; changes the distribution.")]
Similarity = Annotated[
    float | None, typer.Option(metavar="0.7", help="The share of notes that come back, in place and pitch.")
]
Sampler = Annotated[str, typer.Option(help="auto, exact or particle.")]
MiddleC = Annotated[str, typer.Option(help="What your workstation calls MIDI 60: C4 or C3.")]
SeedNumber = Annotated[int | None, typer.Option("--seed", min=0, help="Equal seeds give equal music.")]
Also = Annotated[str, typer.Option(help="Further formats: musicxml, wav, png.")]
Output = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where the takes go.")]
Force = Annotated[bool, typer.Option("--force", help="Replace existing files.")]
Open = Annotated[bool, typer.Option("--open", help="Open the first take when done.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

TAKES = Path("takes")


@dataclass(frozen=True)
class Request:
    """What was asked of any of the verbs, besides what is its own."""

    verb: str
    piece: str
    model: str | None
    n: int
    part: str | None
    only_new: bool
    asked: _demands.Asked
    shaping: dict[str, Any]
    seed: int | None
    also: str
    output: Path
    force: bool
    open_: bool
    as_json: bool


def revise(
    request: Request,
    compose: Callable[..., list[Revision]],
    *,
    given: Callable[[Reading], tuple[int, int]] = lambda _: (0, 0),
    ends: bool = False,
) -> None:
    """Read the piece and the model, let `compose(pipeline, score, n, ...)` change the piece, write what it gives.

    `given` tells how many notes come before the new ones and after them, as a reading of the piece has them. With
    `ends` the model ends the music, and that is told.
    """
    from stochastic_music import _random
    from stochastic_music.pipeline.excerpts import read_part

    formats = _takes.formats(request.also)
    kept = _opened(request.piece)
    path = find_model(request.model)
    pipeline, checksum = load_model(path)
    seed = _random.key(request.seed)
    reading = read_part(pipeline, kept.score, request.part)
    _say_part(kept.score, reading.why)
    asked = _demands.demands(pipeline, request.asked, -reading.semitones, given=given(reading))
    options = {"part": request.part, "constraint": _demands.joined(asked), "seed": seed, **request.shaping}
    with _demands.as_said(asked):
        takes = compose(pipeline, kept.score, request.n, **options)
    licences = pipeline.card_.get("licences", [])
    made_by = provenance(seed=seed, model=path.name, sha256=checksum, piece=Path(request.piece).name, licences=licences)
    rows = _written(request, kept, takes, pipeline, formats, made_by, seed)
    _takes.tell(rows, list(takes), pipeline, seed, None if ends else request.n)
    if request.as_json:
        usual = _copies.held_out(pipeline.originality())
        facts = {"model": path.name, "piece": request.piece, "part": reading.track}
        print_json({**facts, "held_out_copies": usual, "files": rows})
    if request.open_:
        typer.launch(rows[0]["also"][-1] if rows[0]["also"] else rows[0]["file"])


def _opened(piece: str) -> KeptFile:
    from stochastic_music.io.splicing import open_kept

    show_log()
    try:
        kept = open_kept(piece)
    except UnreadableFileError as error:
        raise UnreadableFileError(f"{piece}: {error.reason}", error.remedy) from error
    for warning in kept.warnings:
        say(f"{piece}: {warning}.")
    return kept


def _say_part(score: Score, why: str) -> None:
    if len(score.tracks) > 1:
        say(f"Took {why}; all other parts stay as they are.")


def _written(
    request: Request,
    kept: KeptFile,
    takes: list[Revision],
    pipeline: Pipeline,
    formats: list[str],
    made_by: str,
    seed: int,
) -> list[dict[str, Any]]:
    originals = _takes.copies(pipeline, list(takes))
    rows = []
    for i, take in enumerate(takes):
        file = (
            kept.alone(take.track, take.new)
            if request.only_new
            else kept.with_notes(take.track, take.dropped, take.new)
        )
        stem = request.output / f"{Path(request.piece).stem}-{request.verb}-s{seed}-{i + 1:02d}"
        midi = file.midi_bytes(provenance=made_by)
        files = _takes.write(file.score, stem, formats, made_by, request.force, midi=midi)
        rows.append(
            {
                "file": str(files[0]),
                "also": [str(path) for path in files[1:]],
                "seed": seed,
                "new_notes": len(take.new.onset),
                "bits_per_note": _takes.bits(take),
                **originals[i],
                "guarantee": take.sample.guarantee,
                "capped": take.sample.capped,
                "drawn_again": take.redrawn,
            }
        )
    return rows
