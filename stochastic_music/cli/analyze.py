"""`stochmusic analyze`: the keys and chords of a piece."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stochastic_music._files import write_all
from stochastic_music.cli import _options
from stochastic_music.cli._common import open_corpus, open_model, plural, print_json, provenance, say, say_repairs
from stochastic_music.cli.explain import choose_tune
from stochastic_music.errors import EncodingError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from stochastic_music.corpus import Piece
    from stochastic_music.tasks.chords import ChordLabeller
    from stochastic_music.tasks.chords.analysis import Analysis


def analyze(
    piece: Annotated[str, typer.Argument(metavar="PIECE", help="A music file.")],
    model: Annotated[
        Path | None,
        typer.Option("-m", "--model", metavar="MODEL", help="From fit --task chords; default: of bach-analyses."),
    ] = None,
    tune: Annotated[
        str | None, typer.Option(metavar="NAME|N", help="Which of several tunes: its name, or its number from 1.")
    ] = None,
    also: Annotated[
        str, typer.Option(help="Files to write: musicxml (with chord symbols), rntxt (Roman numerals), txt, json, mid.")
    ] = "",
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="DIR", help="Where to write them.")] = None,
    force: _options.Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")] = False,
) -> None:
    """Tell the keys and chords of a piece: chord symbols, Roman numerals, and how sure each is."""
    formats = _formats(also or ("musicxml,rntxt" if output is not None else ""))
    labeller, checksum, name = _labeller(model)
    music = open_corpus([piece])
    say_repairs(music)
    chosen = choose_tune(music, tune)
    try:
        found = labeller.label(chosen.score, chosen.title or chosen.name)
    except EncodingError as error:
        raise EncodingError(f"{chosen.name}: {error}") from error
    if chosen.name in labeller.card_["pieces"]:
        say(f"{chosen.name} was in the training of {name}: it is told better than new music.")
    for remark in found.remarks:
        say(f"Of {chosen.name}: {remark}.")
    licences = labeller.card_["licences"]
    made_by = provenance(piece=chosen.name, model=f"sha256:{checksum}", licences=licences)
    files = _write(found, chosen, formats, output or Path(), made_by, force=force)
    if as_json:
        told = {"model": name, "licences": licences, **found.to_json(), "files": [str(file) for file in files]}
        print_json(told)
    else:
        print(found.table())
    _tell(found, files, ["stochmusic", "analyze", piece, *(["-m", str(model)] if model else [])])


def _labeller(path: Path | None) -> tuple[ChordLabeller, str, str]:
    """The model, its checksum and its name; that of the built-in corpus is named with its licence."""
    from stochastic_music.tasks.chords import ANALYSES, ChordLabeller

    if path is not None:
        file = open_model(path)
        return ChordLabeller.from_file(file), file.checksum, str(path)
    labeller, checksum = ChordLabeller.of_analyses(say=say)
    card = labeller.card_
    say(f"Model: of {ANALYSES}, {plural(card['n_pieces'], 'piece')}. {'; '.join(card['licences'])}.")
    return labeller, checksum, f"of {ANALYSES}"


def _formats(also: str) -> list[str]:
    formats = [name.strip().lower() for name in also.split(",") if name.strip()]
    for name in formats:
        if name not in _WRITERS:
            raise UnknownNameError("kind of file for --also", name, _WRITERS)
    return list(dict.fromkeys(formats))


def _write(found: Analysis, piece: Piece, formats: list[str], folder: Path, made_by: str, *, force: bool) -> list[Path]:
    """The files, all of them or none; nothing is overwritten unless it is equal."""
    if formats and folder.exists() and not folder.is_dir():
        raise UsageError(f"-o got '{folder}', which is a file: name a folder")
    stem = Path(piece.source or "piece").stem + (f"-{piece.tune}" if piece.tune else "")
    drafts = {folder / f"{stem}-chords.{name}": _WRITERS[name](found, piece, made_by) for name in formats}
    return write_all(drafts, force=force)


def _musicxml(found: Analysis, piece: Piece, made_by: str) -> bytes:
    from stochastic_music.io.engrave import to_musicxml

    return to_musicxml(found.annotated(piece.score), title=f"{found.name}: chords", provenance=made_by)


def _midi(found: Analysis, piece: Piece, made_by: str) -> bytes:
    from stochastic_music.io.midi import midi_bytes

    return midi_bytes(found.annotated(piece.score), provenance=made_by)


def _rntxt(found: Analysis, piece: Piece, made_by: str) -> bytes:
    from stochastic_music import __version__

    return found.to_roman_text(
        Analyst=f"stochastic_music {__version__}", Score=Path(piece.source).name, Note=made_by
    ).encode()


def _txt(found: Analysis, piece: Piece, made_by: str) -> bytes:
    return f"{piece.name}\n\n{found.table()}\n\n{made_by}\n".encode()


def _json(found: Analysis, piece: Piece, made_by: str) -> bytes:  # noqa: ARG001, as its kin
    return (json.dumps({"schema": 1, **found.to_json(), "made_by": json.loads(made_by)}, indent=2) + "\n").encode()


_WRITERS: dict[str, Callable[[Analysis, Piece, str], bytes]] = {
    "musicxml": _musicxml,
    "rntxt": _rntxt,
    "txt": _txt,
    "json": _json,
    "mid": _midi,
}


def _tell(found: Analysis, files: list[Path], command: list[str]) -> None:
    """The piece in two lines, and the next command."""
    keys = list(dict.fromkeys(str(span.key) for span in found.chords))
    home: dict[str, Any] = found.to_json()["key"]
    say(f"\n{plural(len(found.chords), 'chord')}; key {home['name']} ({home['source']}), local keys {', '.join(keys)}.")
    if files:
        say(f"Wrote {' and '.join(map(str, files))}.")
    else:
        say(f"See it: {shlex.join([*command, '--also', 'musicxml,rntxt'])}")
