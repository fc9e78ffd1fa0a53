"""`stochmusic explain`: how likely each note of a piece was, and why."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stochastic_music.cli import _explained, _formats, _opening, _options
from stochastic_music.cli._common import find_model, load_model, open_corpus, plural, print_json, provenance, say
from stochastic_music.errors import EncodingError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from stochastic_music.corpus import Corpus, Piece
    from stochastic_music.evaluation import Explanation
    from stochastic_music.pipeline import Pipeline


def explain(
    piece: Annotated[str, typer.Argument(metavar="PIECE", help="A music file.")],
    model: Annotated[
        str | None, typer.Option("-m", "--model", metavar="MODEL", help="A fitted model; default: the last one here.")
    ] = None,
    tune: Annotated[
        str | None, typer.Option(metavar="NAME|N", help="Which of several tunes: its name, or its number from 1.")
    ] = None,
    part: Annotated[str | None, typer.Option(help="Which part: its name, its number from 0, or drums.")] = None,
    also: Annotated[
        str,
        typer.Option(
            metavar="FORMAT,...",
            help="Files to write: svg, pdf, sheet (engraved), png (piano roll), page (in a browser): notes colored by "
            "surprise; musicxml: bits as lyrics.",
        ),
    ] = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="What to write: a name in .svg, .html ...")
    ] = None,
    sources: Annotated[int, typer.Option(min=1, help="How many places of the corpus to name for a note.")] = 3,
    force: _options.Force = False,
    open_: Annotated[bool, typer.Option("--open", help="Open what was written, the page if there is one.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")] = False,
) -> None:
    """Tell for every note how likely it was, what spoke for and against it, and where that was learned."""
    formats = _explained.check(also, output, open_=open_)
    path = find_model(model)
    pipeline, checksum = load_model(path)
    chosen = choose_tune(open_corpus([piece]), tune)
    wanted = _explained.paths(formats, output, chosen)
    found = _explanation(pipeline, chosen, part, sources)
    _remark(found, chosen, path)
    made_by = provenance(piece=chosen.name, model=f"sha256:{checksum}", licences=pipeline.card_.get("licences", []))
    files = list(wanted.values())
    if wanted:
        _explained.write(found, wanted, title=chosen.name, made_by=made_by, force=force)
    if as_json:
        told = {
            "piece": chosen.name,
            "model": str(path),
            **found.to_json(),
            "page": _page_of(wanted),
            "files": list(map(str, files)),
        }
        print_json(told)
    else:
        print(_explained.table(found))
    _tell(found, files, ["stochmusic", "explain", piece, "-m", str(path), *(["--tune", tune] if tune else [])])
    if open_:
        _opening.open_file(wanted.get(_formats.PAGE, files[-1]))


def _page_of(wanted: Mapping[str, Path]) -> str | None:
    return str(wanted[_formats.PAGE]) if _formats.PAGE in wanted else None


def choose_tune(music: Corpus, wanted: str | None) -> Piece:
    """The piece that --tune names, the first without it."""
    names = music.names
    if wanted is None:
        if len(music) > 1:
            say(f"Of {plural(len(music), 'piece')} this is the first, {names[0]}; --tune 2 takes the next.")
        return music[0]
    if wanted in names:
        return music[names.index(wanted)]
    if wanted.isdecimal() and 1 <= int(wanted) <= len(music):
        return music[int(wanted) - 1]
    if wanted.isdecimal():
        raise UsageError(
            f"--tune got {wanted}; there {'is' if len(music) == 1 else 'are'} {plural(len(music), 'piece')}"
        )
    raise UnknownNameError("--tune", wanted, names)


def _explanation(pipeline: Pipeline, piece: Piece, part: str | None, sources: int) -> Explanation:
    try:
        return pipeline.explain(piece.score, part=int(part) if part and part.isdecimal() else part, at_most=sources)
    except EncodingError as error:
        reads = pipeline.encoding.name
        raise EncodingError(
            f"{piece.name} cannot be read as this model reads music ({reads}): {str(error).rstrip('.')}. "
            "Name a model that reads such pieces with -m, or fit one: stochmusic fit CORPUS"
        ) from error


def _remark(found: Explanation, piece: Piece, model: Path) -> None:
    """What people should know before they read the figures."""
    if found.remarks:
        say(f"Of {piece.name}: {'; '.join(found.remarks)}.")
    if found.in_training:
        say(
            f"{piece.name} was in the training of {model}: it surprises less than new music, and is its own source (*)."
        )
    known = [note for note in found.notes if note.seen]
    if known and not any(note.reasons for note in known):
        say("This kind of model gives no reasons: probability, bits and what was expected are told.")
    elif not found.sources_kept:
        say(f"{model} was saved without its sources: where a continuation was learned cannot be told.")
    elif known and not any(note.sources for note in known):
        say("This kind of model does not know where it learned what it knows.")
    if unseen := [note for note in found.notes if not note.seen]:
        names = ", ".join(sorted({note.name for note in unseen}))
        say(f"{plural(len(unseen), 'note')} never heard in training: {names}.")


def _tell(found: Explanation, files: Sequence[Path], command: Sequence[str]) -> None:
    """The piece in two lines, and the next command."""
    notes = math.fsum(note.bits for note in found.notes)
    rest = found.bits - notes if math.isfinite(notes) else math.inf
    n = max(len(found.notes), 1)
    say(
        f"\n{plural(len(found.notes), 'note')}, {_explained.number(found.bits_per_note)} bits per note: "
        f"{_explained.number(notes / n)} of pitch, {_explained.number(rest / n)} of the rest, the ending among it."
    )
    if found.notes:
        most = max(found.notes, key=lambda note: note.bits)
        say(f"Most surprising: {most.name}{_explained.where(most)}, {_explained.number(most.bits)} bits.")
    if files:
        say(f"Wrote {' and '.join(map(str, files))}.\n\nHow it was made: stochmusic info {shlex.quote(str(files[0]))}")
    elif found.score is not None:
        say(f"\nSee it: {shlex.join([*command, '--also', 'page', '--open'])}")
