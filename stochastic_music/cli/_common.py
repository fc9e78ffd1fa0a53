"""What the verbs share: finding corpora and models, saying things, progress, provenance."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stochastic_music.errors import ModelFileError, UsageError

if TYPE_CHECKING:
    from stochastic_music.corpus import Corpus
    from stochastic_music.model_file import ModelFile
    from stochastic_music.pipeline import Pipeline
    from stochastic_music.protocols import Progress

#: the model files that this command has opened, for `cause`
_opened: list[ModelFile] = []


def say(text: str = "") -> None:
    """A line for people: on stderr, so that stdout stays clean for --json and pipes."""
    print(text, file=sys.stderr, flush=True)


def print_json(payload: Mapping[str, Any]) -> None:
    """The one JSON object of --json, on stdout."""
    print(json.dumps({"schema": 1, **payload}, indent=2, ensure_ascii=True, allow_nan=False), flush=True)


@contextlib.contextmanager
def progress(what: str) -> Iterator[Progress | None]:
    """A progress bar on a terminal; None in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total, label: bar.update(task, completed=done, total=total, description=label or what)


def open_corpus(names: Sequence[str], **limits: Any) -> Corpus:
    """The corpus that folders, files and built-in names together make."""
    from stochastic_music.corpus import open_corpora

    show_log()
    with progress("reading") as show:
        return open_corpora(names, progress=show, **limits)


def say_repairs(music: Corpus) -> None:
    """What reading had to mend or leave out, for verbs that show no report of the reading."""
    for piece, text in music.report.warnings:
        say(f"{piece}: {text}.")


def show_log() -> None:
    """What the package logs is said to people: on stderr, as it stands."""
    import logging

    logging.basicConfig(format="%(message)s")
    logging.getLogger("stochastic_music").setLevel(logging.INFO)


def assignments(texts: Sequence[str]) -> dict[str, str]:
    """`--set NAME=VALUE` as a dictionary."""
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--set got '{text}'; expected NAME=VALUE, for example --set order=3")
        pairs[name.strip()] = value.strip()
    return pairs


def n_bytes(option: str, text: str) -> int:
    """A size in bytes; raises UsageError, naming the option.

    >>> n_bytes("--memory", "1.5 GB")
    1500000000
    """
    units = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "B": 1}
    for unit, factor in units.items():
        number = text.strip().upper().removesuffix(unit).strip()
        if text.strip().upper().endswith(unit) and number.replace(".", "", 1).isdigit():
            return int(float(number) * factor)
    raise UsageError(f"{option} got '{text}'; expected a size such as 500MB or 2GB")


def find_model(given: str | None, task: str | None = "compose") -> Path:
    """The model file named, or the last one fitted in this folder for `task` (None: any), which is named aloud."""
    from stochastic_music.model_file import ModelFile

    if given is not None:
        return Path(given)
    files = sorted(Path().glob("*.smm"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    while task and len(files) > 1 and ModelFile(files[-1]).task != task:
        del files[-1]
    if not files:
        raise UsageError("there is no fitted model in this folder: fit one with 'stochmusic fit CORPUS', or name one.")
    say(f"Using {files[-1]}, the last model fitted in this folder.")
    return files[-1]


def open_model(path: Path) -> ModelFile:
    """A model file. Its large arrays are not checked before use: what goes wrong over them, `cause` explains."""
    from stochastic_music.model_file import ModelFile

    _opened.append(ModelFile(path))
    return _opened[-1]


def load_model(path: Path) -> tuple[Pipeline, str]:
    """A fitted pipeline and its checksum."""
    from stochastic_music.pipeline import Pipeline

    file = open_model(path)
    return Pipeline.from_file(file), file.checksum


def cause(error: Exception) -> Exception:
    """What ended a command: `error`, or a ModelFileError where a model file that it opened has been changed."""
    for file in _opened:
        try:
            file.verify()
        except ModelFileError as found:
            return found
    return error


def provenance(**facts: Any) -> str:
    """How to make a file again, as one line of JSON: version, command line, seed, model, licences."""
    from stochastic_music import __version__

    command = shlex.join(["stochmusic", *sys.argv[1:]])
    return json.dumps({"stochastic_music": __version__, "command": command, **facts}, sort_keys=True)


def again(**options: Any) -> str:
    """This command with other values of some options, as a line for a shell."""
    words = sys.argv[1:]
    for name, value in options.items():
        named = [i for i, word in enumerate(words) if word == f"--{name}"]
        gone = {*named, *(i + 1 for i in named)}
        words = [word for i, word in enumerate(words) if i not in gone and not word.startswith(f"--{name}=")]
        words += [f"--{name}", str(value)]
    return shlex.join(["stochmusic", *words])


def plural(n: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "piece"), plural(1200, "note")
    ('1 piece', '1,200 notes')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
