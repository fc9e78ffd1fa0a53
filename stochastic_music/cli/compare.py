"""`stochmusic compare`: models on one split, under one budget, and a report."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from stochastic_music.cli import _options
from stochastic_music.cli._common import open_corpus, plural, print_json, progress, say
from stochastic_music.errors import UnknownNameError, UsageError


def compare(
    corpus: Annotated[list[str], typer.Argument(help="Folders, files or built-in names.")] = [],  # noqa: B006
    model: Annotated[
        list[str],
        typer.Option("-m", "--model", metavar="KIND", help="A kind of model (stochmusic models); repeat."),
    ] = [],  # noqa: B006
    budget: Annotated[
        str, typer.Option(metavar="10m", help="Time for the fits of each model, over all its seeds: 90s, 10m, 1h.")
    ] = "10m",
    seeds: Annotated[int, typer.Option(min=1, help="How many fits of each model.")] = 3,
    set_: Annotated[
        list[str], typer.Option("--set", metavar="KIND.NAME=VALUE", help="A parameter of a kind; repeat.")
    ] = [],  # noqa: B006
    encoding: Annotated[str, typer.Option(help="auto, melody, notes, voices or remi: the same for all.")] = "auto",
    part: Annotated[str | None, typer.Option(help="Which part: its name, its number from 0, or drums.")] = None,
    grid: Annotated[str, typer.Option(help="Note values that positions are rounded to.")] = "1/16,1/12",
    transpose: Annotated[
        str, typer.Option(help="common (C major or A minor), none, all, or auto: none for voices.")
    ] = "auto",
    holdout: Annotated[float, typer.Option(help="Share of the pieces held out.")] = 0.2,
    n: Annotated[
        int | None, typer.Option("-n", min=1, help="Pieces by each model and seed; default: as many as held out.")
    ] = None,
    sizes: Annotated[
        str, typer.Option(metavar="10,30,...", help="Numbers of training pieces of the learning curves, or none.")
    ] = "10,30,100,300,1000",
    own_stop: Annotated[
        bool, typer.Option("--own-stop/--no-own-stop", help="A second table: each trained until it stops by itself.")
    ] = True,
    seed: Annotated[int, typer.Option(min=0, help="Of the split and the smaller training sets.")] = 0,
    workers: _options.Workers = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where the report goes.")] = Path(
        "report"
    ),
    force: Annotated[bool, typer.Option("--force", help="Begin anew, whatever the folder holds.")] = False,
    votes: Annotated[
        list[str],
        typer.Option(metavar="FILE...", help="Count votes that blind.html of the report in -o saved; compare nothing."),
    ] = [],  # noqa: B006
    as_json: _options.AsJson = False,
) -> None:
    """Compare models: fit them under one budget, let them predict and compose, and write a report."""
    if votes:
        _count_votes([*votes, *corpus], output, as_json)
        return
    from stochastic_music.cli._choices import choose_encoding
    from stochastic_music.reports.comparison import KINDS, compare
    from stochastic_music.reports.comparison.contenders import contenders

    seconds, kinds, points = read_budget(budget), model or list(KINDS), _numbers("--sizes", sizes)
    contenders(kinds, settings := _settings(kinds, set_))
    if not 0 < holdout < 1:
        raise UsageError(f"--holdout is {holdout}; expected a share between 0 and 1, for example 0.2")
    music = open_corpus(corpus, workers=workers)
    say(music.report.summary())
    chosen, why = choose_encoding(music, encoding, part, grid)
    say(why)
    try:
        with progress("comparing") as show:
            made = compare(
                music,
                kinds,
                output=output,
                settings=settings,
                budget=seconds,
                seeds=seeds,
                encoding=chosen,
                transpose=_transposition(transpose, chosen),
                test_size=holdout,
                n=n,
                sizes=points,
                own_stop=own_stop,
                seed=seed,
                workers=workers,
                force=force,
                title=_title(corpus),
                command=shlex.join(["stochmusic", *sys.argv[1:]]),
                tell=say,
                progress=show,
            )
    except KeyboardInterrupt:
        say(f"Interrupted; what was found out is kept in {output / 'work'}: the same command goes on from there.")
        raise typer.Exit(130) from None
    _tell(made, output)
    if as_json:
        print_json({**made, "report": str(output / "report.json")})


def _count_votes(files: list[str], output: Path, as_json: bool) -> None:
    """Count the votes in files on the report in `output`, and tell them."""
    from stochastic_music.reports.comparison import count_votes

    found = count_votes(output, files)
    say(f"{plural(found['voters'], 'voter')}; an exact binomial test for each row, corrected for {len(found['rows'])}.")
    for row in found["rows"]:
        low, high = row["interval"]
        share = "" if row["share"] is None else f", {row['share']:.0%} (95 % interval {low:.0%} to {high:.0%})"
        told = f"{row['a']} rather than {row['b']}: {row['preferred']} of {row['n']} votes{share}"
        say(f"{told}, p {row['p']:.4f}, corrected {row['p_corrected']:.4f}; undecided {row['undecided']}")
    if as_json:
        print_json({"votes": found, "report": str(output / "report.json")})


def read_budget(text: str) -> float:
    """A time in seconds; raises UsageError.

    >>> read_budget("10m"), read_budget("90s"), read_budget("1.5 h"), read_budget("1h30m")
    (600.0, 90.0, 5400.0, 5400.0)
    """
    found = re.fullmatch(
        r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?", "".join(text.lower().split())
    )
    if found is None or not any(found.groups()):
        raise UsageError(f"--budget got '{text}'; expected a time such as 90s, 10m or 1h")
    seconds = sum(float(part or 0) * unit for part, unit in zip(found.groups(), (3600.0, 60.0, 1.0), strict=True))
    if seconds == 0:
        raise UsageError("--budget is no time at all; expected a time such as 90s, 10m or 1h")
    return seconds


def _settings(kinds: list[str], texts: list[str]) -> dict[str, dict[str, Any]]:
    """The parameters of each kind that --set gives."""
    from stochastic_music.cli._choices import parse_parameters

    of_kind: dict[str, list[str]] = {}
    for text in texts:
        kind, dot, rest = text.partition(".")
        if not dot or "=" in kind or "=" not in rest:
            raise UsageError(f"--set got '{text}'; expected KIND.NAME=VALUE, for example --set {kinds[0]}.order=3")
        if kind.strip() not in kinds:
            raise UnknownNameError("kind to --set, among those compared,", kind.strip(), kinds)
        of_kind.setdefault(kind.strip(), []).append(rest)
    return {kind: parse_parameters(kind, rest) for kind, rest in of_kind.items()}


def _numbers(option: str, text: str) -> list[int]:
    """Whole numbers with commas between, or "none"; raises UsageError."""
    parts = [] if text.strip() == "none" else [part.strip() for part in text.split(",")]
    if not all(part.isdigit() and int(part) for part in parts):
        raise UsageError(
            f"{option} got '{text}'; expected whole numbers with commas between, for example 10,30,100, or none"
        )
    return sorted({int(part) for part in parts})


def _transposition(how: str, encoding: Any) -> Any:
    """What --transpose asks for; voices keep their ranges where it leaves the choice."""
    from stochastic_music.cli._choices import transposition_for

    return transposition_for(how, "multiple_viewpoint", encoding.name)


def _title(names: list[str]) -> str:
    """What the corpus is called."""
    return ", ".join(Path(name).name or name for name in names)


def _tell(made: dict[str, Any], output: Path) -> None:
    """The table of the budget, what went wrong, and where the report is."""
    from stochastic_music.reports.comparison.markdown import figure

    say()
    for model in made["models"]:
        found = model["budget"]
        if found is None:
            say(f"{model['name']:<20} {model['failed']}")
        elif found["bits_per_note"] is None:
            say(f"{model['name']:<20} {figure(found['pseudo_bits_per_note'])} bits a note, all other notes given")
        else:
            say(f"{model['name']:<20} {figure(found['bits_per_note'])} bits per note")
    say("Fewer bits are better: held-out music surprises the model less. Intervals are over pieces.")
    say(f"\nWrote the report: {shlex.quote(str(output / 'index.html'))}")
