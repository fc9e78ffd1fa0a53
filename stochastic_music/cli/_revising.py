"""What `continue`, `fill` and `vary` share: they change one part of a file and keep all else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stochastic_music.cli import _copies, _demands, _formats, _opening, _pages, _takes
from stochastic_music.cli._common import find_model, load_model, plural, print_json, provenance, say, show_log
from stochastic_music.errors import UnreadableFileError

if TYPE_CHECKING:
    from symusic.core import ScoreTick as Score

    from stochastic_music.io.splicing import KeptFile
    from stochastic_music.pipeline import Pipeline
    from stochastic_music.pipeline.excerpts import Reading
    from stochastic_music.pipeline.revisions import Revision


#: what each verb has done to a piece
_DONE = {"continue": "continued", "fill": "some bars filled", "vary": "varied"}


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
    files: _formats.Wanted
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
    page = _page(request, kept.score, pipeline, reading.track, seed)
    rows = _written(request, kept, takes, pipeline, made_by, seed, page)
    _takes.tell(rows, list(takes), pipeline, seed, None if ends else request.n)
    title = f"{Path(request.piece).name}, {_DONE[request.verb]}"
    shown = page.write(title, made_by, _takes.facts(pipeline, path.name), _takes.commands(rows, seed, path))
    _takes.tell_next(rows, seed, request.files)
    if request.as_json:
        usual = _copies.held_out(pipeline.originality())
        facts = {"model": path.name, "piece": request.piece, "part": reading.track}
        print_json({**facts, "held_out_copies": usual, "page": shown, "files": rows})
    if request.files.open_:
        _opening.open_best(rows[0], shown)


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
    made_by: str,
    seed: int,
    page: _pages.Takes,
) -> list[dict[str, Any]]:
    originals = _takes.copies(pipeline, list(takes))
    rows = []
    for i, take in enumerate(takes):
        file = (
            kept.alone(take.track, take.new)
            if request.only_new
            else kept.with_notes(take.track, take.dropped, take.new)
        )
        stem = request.files.folder / f"{_stem(request, seed)}-{i + 1:02d}"
        music = _formats.Music(file.score, stem.name, made_by, midi=file.midi_bytes(provenance=made_by))
        files = _formats.write(music, stem, request.files)
        rows.append(_takes.row(take, files, seed, {"new_notes": len(take.new.onset), **originals[i]}))
        new = f"{plural(len(take.new.onset), 'note')}, bars {_where(take)}"
        page.add(replace(music, score=_marked(file.score, take)), rows[-1], ("New", new))
    return rows


def _stem(request: Request, seed: int) -> str:
    """What the takes are called, short of their numbers."""
    return f"{Path(request.piece).stem}-{request.verb}-s{seed}"


def _page(request: Request, original: Score, pipeline: Pipeline, track: int, seed: int) -> _pages.Takes:
    """The page of the takes, with the original first; surprise is told of whole pieces alone."""
    from stochastic_music import registry
    from stochastic_music.music.parts import sounding_parts

    path = request.files.folder / f"{_stem(request, seed)}.html"
    piece = Path(request.piece)
    heard = _pages.Entry("The original", _formats.Music(original, piece.stem, ""), piece.stem, [("File", piece.name)])
    takes_part = "part" in registry.parameters_set(pipeline.encoding)
    part = sounding_parts(original).index(track) if takes_part else None
    surprise = None if request.only_new else partial(pipeline.surprises, part=part)
    return _pages.Takes(request.files, path, [heard], surprise)


def _where(take: Revision) -> str:
    """The bars that the new notes of a take begin in: '5 to 8'."""
    from stochastic_music.music.bars import bar_at, bars

    if not len(take.new.onset):
        return "none"
    printed, quarter = bars(take.score), take.score.ticks_per_quarter
    ends = int(take.new.onset.min()), int(take.new.onset.max())
    first, last = (bar_at(printed, Fraction(tick, quarter)).number for tick in ends)
    return str(first) if first == last else f"{first} to {last}"


def _marked(score: Score, take: Revision) -> Score:
    """A copy of what was written, in which the part that was changed says where."""
    marked = score.copy()
    track = marked.tracks[min(take.track, len(marked.tracks) - 1)]
    track.name = f"{track.name or f'Part {take.track + 1}'}, new {_where(take)}"
    return marked
