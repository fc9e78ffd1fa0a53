"""`stochmusic fit`: learn a model from music."""

from __future__ import annotations

import importlib
import json
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stochastic_music._files import write_atomically
from stochastic_music._parallel import peak_bytes
from stochastic_music.cli import _options
from stochastic_music.cli._common import n_bytes, print_json, say
from stochastic_music.cli._fitting import Request
from stochastic_music.cli._machines import machines
from stochastic_music.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from stochastic_music.cli._fitting import Fitted

#: what a model can be fitted for -> the module of this room that fits it; kinds of models that bring their own
_TASKS = {"compose": "_fit_compose", "chords": "_fit_chords", "harmonize": "_fit_harmonize"}
_KINDS = {"crf": "_fit_crf"}


def fit(
    corpus: Annotated[
        list[str], typer.Argument(help="Folders, files or built-in names (stochmusic corpus list); or a store.")
    ],
    model: Annotated[
        str | None,
        typer.Option("-m", "--model", metavar="KIND", help="What to fit (stochmusic models); default: what suits."),
    ] = None,
    task: Annotated[str, typer.Option(help=f"What the model is for: {', '.join(_TASKS)}.")] = "compose",
    set_: Annotated[list[str], typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the model.")] = [],  # noqa: B006
    encoding: Annotated[str, typer.Option(help="auto, melody, notes, voices or remi.")] = "auto",
    part: Annotated[str | None, typer.Option(help="Which part: its name, its number from 0, or drums.")] = None,
    grid: Annotated[str, typer.Option(help="Note values that positions are rounded to.")] = "1/16,1/12",
    transpose: Annotated[
        str, typer.Option(help="common (C major or A minor), none, all, or auto: none for viewpoints on voices.")
    ] = "auto",
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Labels of the pieces, for tasks that learn them.")
    ] = None,
    holdout: Annotated[float, typer.Option(help="Share of the pieces held out for the figure.")] = 0.1,
    refit: Annotated[bool, typer.Option("--refit/--no-refit", help="Refit on everything after the figure.")] = True,
    sources: Annotated[
        bool | None,
        typer.Option("--sources/--no-sources", help="Keep the training symbols in the file; default: unless too many."),
    ] = None,
    memory: Annotated[
        str | None, typer.Option(metavar="4GB", help="Memory (counting): the rest goes to disk; default: no limit.")
    ] = None,
    time_limit: Annotated[float, typer.Option(help="Seconds that one file may take to read.")] = 60.0,
    memory_limit: _options.MemoryLimit = "2GB",
    seed: Annotated[int, typer.Option(help="Equal seeds give equal models.")] = 0,
    workers: _options.Workers = None,
    scheduler: _options.Scheduler = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE.smm", help="Where to write the model.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: _options.AsJson = False,
) -> None:
    """Learn a model from a folder of music files, and report what was learned from."""
    started = time.perf_counter()
    if not 0 <= holdout < 1:
        raise UsageError(f"--holdout is {holdout}; expected a share from 0 up to 1, for example 0.1")
    path = output or Path(f"{_stem(corpus[0])}.smm")
    if path.suffix != ".smm":
        raise UsageError(f"-o got '{path}'; a model's file ends in .smm, for example {path.stem or 'model'}.smm")
    limits = {"time_limit": time_limit, "memory_limit": n_bytes("--memory-limit", memory_limit)}
    with machines(scheduler, workers) as machine:
        request = Request(
            corpus,
            model=model,
            set=tuple(set_),
            encoding=encoding,
            part=part,
            grid=grid,
            transpose=transpose,
            labels=labels,
            holdout=holdout,
            refit=refit,
            sources=sources,
            memory=None if memory is None else n_bytes("--memory", memory),
            seed=seed,
            limits={**limits, **machine.reading},
            executor=machine.executor,
            output=path,
        )
        fitted = _fitter(task, model)(request)
    from stochastic_music.model_file import ModelFile

    fitted.save(path, sources=sources is not False, force=force)
    seconds = round(time.perf_counter() - started, 3)
    report = {
        **{"model_file": str(path), "sha256": ModelFile(path).checksum, "task": task},
        **{"command": shlex.join(["stochmusic", *sys.argv[1:]]), "corpus": list(corpus)},
        **fitted.report,
        **{"seconds": seconds, "peak_bytes": peak_bytes()},
    }
    text = json.dumps(report, indent=2) + "\n"
    write_atomically(path.with_suffix(".report.json"), lambda draft: _fill(draft, text))
    for sentence in fitted.sentences:
        say(sentence)
    say(f"Wrote {path} in {seconds:.1f} s.")
    say("\n" + fitted.next.format(shlex.quote(str(path))))
    if as_json:
        print_json(report)


def _fitter(task: str, kind: str | None) -> Callable[[Request], Fitted]:
    if task not in _TASKS:
        raise UnknownNameError("task", task, _TASKS)
    name = _KINDS.get(kind or "", _TASKS[task]) if task == "compose" else _TASKS[task]
    module = importlib.import_module(f"stochastic_music.cli.{name}")
    found: Callable[[Request], Fitted] = module.fitted
    return found


def _fill(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _stem(corpus: str) -> str:
    path = Path(corpus)
    name = path.resolve().name if path.exists() else corpus
    return Path(name).stem if path.is_file() else name or "model"
