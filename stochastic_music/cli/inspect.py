"""`stochmusic inspect`: what a model has learned, as text, picture and JSON."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stochastic_music.cli import _options
from stochastic_music.cli._common import find_model, open_corpus, open_model, print_json, progress, provenance, say
from stochastic_music.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from stochastic_music.model_file import ModelFile
    from stochastic_music.reports.inspection import Inspection

#: what opens the model files of each task
_CLASSES = {
    "compose": "stochastic_music.pipeline:Pipeline",
    "given": "stochastic_music.tasks.given.composer:CRFComposer",
    "chords": "stochastic_music.tasks.chords:ChordLabeller",
    "harmonize": "stochastic_music.tasks.harmonize:Harmonizer",
}
FORMATS = (".png", ".svg", ".json", ".txt")


def inspect(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL]", help="A fitted model (*.smm); default: the last one here. Or a folder of --diagnostics."
        ),
    ] = None,
    context: Annotated[
        str | None, typer.Option(metavar='"G4 A4"', help="Notes heard last: what comes next, and how often it did.")
    ] = None,
    piece: Annotated[
        str | None, typer.Option(metavar="FILE", help="A piece to look at through a model: its states, its labels.")
    ] = None,
    tune: Annotated[
        str | None, typer.Option(metavar="NAME|N", help="Which tune of --piece: its name, or its number from 1.")
    ] = None,
    middle_c: _options.MiddleC = "C4",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write a .png, .svg, .json or .txt.")
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="How many rows a table may have.")] = 12,
    force: _options.Force = False,
    as_json: _options.AsJson = False,
) -> None:
    """Look into a model: what it learned, and what it expects after some notes."""
    from stochastic_music.reports.inspection import Request
    from stochastic_music.reports.inspection import inspect as look

    suffix = _check(output)
    path = find_model(model, None)
    thing, facts = _opened(path)
    request = Request(context, middle_c, rows, _score(piece, tune))
    with progress("looking"):
        found = look(thing, request)
    if output is not None:
        _write(found, output, suffix, provenance(**facts), force=force)
    if as_json:
        print_json({**found.to_json(), "model": str(path), "files": [str(output)] if output else []})
    else:
        print(found.text())
    _tell(found, output, ["stochmusic", "inspect", str(path)], {"--context": context, "--piece": piece, "--tune": tune})


def _score(piece: str | None, tune: str | None) -> Any:
    """The score of --piece: of several tunes the one that --tune names."""
    from stochastic_music.cli.explain import choose_tune

    return None if piece is None else choose_tune(open_corpus([piece]), tune).score


def _check(output: Path | None) -> str:
    """The suffix of -o; raises UsageError for one that cannot be written."""
    if output is None:
        return ""
    suffix = output.suffix.lower()
    if suffix not in FORMATS:
        raise UsageError(f"-o got '{output}'; expected a name that ends in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
    return suffix


def _opened(path: Path) -> tuple[Any, dict[str, str]]:
    """What is looked into, a fitted model or a record of chains, and what its provenance is.

    Raises UsageError for a kind of model, which has learned nothing yet.
    """
    from stochastic_music import registry

    if path.is_dir() or path.suffix.lower() == ".json":
        from stochastic_music.reports.inspection.walks import recorded

        return recorded(path), {"record": path.name}
    if not path.suffix and not path.exists() and path.name in registry.names("models"):
        raise UsageError(
            f"{path} is a kind of model and has learned nothing yet: fit one with 'stochmusic fit CORPUS -m {path}', "
            "then inspect its file."
        )
    file = open_model(path)
    return _fitted(file), {"model": f"sha256:{file.checksum}"}


def _fitted(file: ModelFile) -> Any:
    """What a model file holds, ready to be looked into; the file of a network itself where torch is missing.

    Raises UsageError for counts, which hold no model.
    """
    from importlib import import_module

    from stochastic_music.reports.inspection.networks import has_history

    if file.task not in _CLASSES:
        raise UsageError(f"{file.path} holds {file.task}, not a model: look at it with 'stochmusic info {file.path}'")
    module, _, name = _CLASSES[file.task].partition(":")
    try:
        return getattr(import_module(module), name).from_file(file)
    except MissingExtraError:
        if not has_history(file):
            raise
        return file


def _write(found: Inspection, path: Path, suffix: str, made_by: str, *, force: bool) -> None:
    """The picture, the JSON or the text as a file, with how it was made; nothing is overwritten unless it is equal."""
    import json

    from stochastic_music._files import write_new

    if suffix == ".json":
        text = json.dumps({**found.to_json(), "made_by": json.loads(made_by)}, indent=2, allow_nan=False)
        data = f"{text}\n".encode()
    elif suffix == ".txt":
        data = f"{found.text()}\n\n{made_by}\n".encode()
    else:
        data = _picture(found, suffix, made_by)
    write_new(path, data, force=force)


def _picture(found: Inspection, suffix: str, made_by: str) -> bytes:
    from stochastic_music.render.comparisons import to_svg
    from stochastic_music.render.plots import to_png

    if found.draw is None:
        raise UsageError(f"there is nothing to draw of {found.title}: leave -o out, or write .txt or .json")
    figure = found.draw()
    if suffix == ".svg":
        return to_svg(figure, title=found.title, provenance=made_by)
    return to_png(figure, title=found.title, provenance=made_by)


def _tell(found: Inspection, output: Path | None, command: list[str], asked: dict[str, str | None]) -> None:
    """What was written, and the next command."""
    if output is not None:
        say(f"\nWrote {output}.")
    elif found.draw is not None:
        options = [word for option, value in asked.items() if value is not None for word in (option, value)]
        say(f"\nSee it: {shlex.join([*command, *options, '-o', f'{Path(command[-1]).stem}-inside.png'])}")
    if found.ask:
        say(f"Ask it: {shlex.join([*command, '--context', found.ask])}")
