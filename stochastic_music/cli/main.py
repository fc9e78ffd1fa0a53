"""`stochmusic`: the command line. One file a verb; each imports what is heavy when it runs."""

from __future__ import annotations

import sys
from typing import Annotated, Optional

import typer

from stochastic_music.cli import (
    analyze,
    classify,
    compare,
    continue_,
    corpus,
    doctor,
    explain,
    fill,
    fit,
    generate,
    harmonize,
    info,
    inspect,
    models,
    score,
    show,
    structure,
    vary,
)

app = typer.Typer(
    name="stochmusic",
    help="Models that learn from your scores and compose.",
    epilog="Start with: stochmusic fit bach-sopranos",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("fit")(fit.fit)
app.command("generate")(generate.generate)
app.command("continue")(continue_.continue_)
app.command("fill")(fill.fill)
app.command("vary")(vary.vary)
app.command("harmonize")(harmonize.harmonize)
app.command("score")(score.score)
app.command("classify")(classify.classify)
app.command("compare")(compare.compare)
app.command("explain")(explain.explain)
app.command("analyze")(analyze.analyze)
app.command("structure")(structure.structure)
app.add_typer(corpus.app, name="corpus")
app.command("show")(show.show)
app.command("models")(models.models)
app.command("info")(info.info)
app.command("inspect")(inspect.inspect)
app.command("doctor")(doctor.doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        from stochastic_music import __version__

        typer.echo(f"stochmusic {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        Optional[bool],  # noqa: UP045 - typer reads the annotation at run time
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave."),
    ] = None,
) -> None:
    pass


def run() -> None:
    """Run the command line; a user's mistake is a message and an exit code, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # A console in another code page shows what it can, and stops nothing.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        app()
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as raised:
        from stochastic_music.cli._common import cause
        from stochastic_music.errors import StochasticMusicError

        error = cause(raised)
        if isinstance(error, StochasticMusicError):
            typer.secho(f"stochmusic: {error}", err=True)
            sys.exit(error.exit_code)
        if isinstance(error, (OSError, MemoryError)):
            typer.secho(f"stochmusic: the system refused: {error or 'out of memory'}.", err=True)
            sys.exit(4)
        raise


if __name__ == "__main__":
    run()
