"""What `continue`, `fill` and `vary` share: they change one part of a file and keep all else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stochastic_music.cli import _copies, _demands, _takes
from stochastic_music.cli._common import find_model, load_model, print_json, provenance, say, show_log
from stochastic_music.errors import UnreadableFileError

if TYPE_CHECKING:
    from symusic.core import ScoreTick as Score

    from stochastic_music.io.splicing import KeptFile
    from stochastic_music.pipeline import Pipeline
    from stochastic_music.pipeline.excerpts import Reading
    from stochastic_music.pipeline.revisions import Revision


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
        _takes.open_first(rows)


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
        rows.append(_takes.row(take, files, seed, {"new_notes": len(take.new.onset), **originals[i]}))
    return rows
