"""`stochmusic`: the command line. One file a verb; each imports what is heavy when it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
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
    epilog="Start with: stochmusic fit bach-sopranos, and then: stochmusic generate --also page --open",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
#: panel of --help -> its verbs, in the order in which people need them
_VERBS: dict[str, dict[str, Callable[..., None]]] = {
    "Learn and compose": {
        "fit": fit.fit,
        "generate": generate.generate,
        "continue": continue_.continue_,
        "fill": fill.fill,
        "vary": vary.vary,
        "harmonize": harmonize.harmonize,
    },
    "Hear, see, understand": {
        "show": show.show,
        "explain": explain.explain,
        "inspect": inspect.inspect,
        "analyze": analyze.analyze,
        "structure": structure.structure,
    },
    "Measure": {"score": score.score, "classify": classify.classify, "compare": compare.compare},
    "Find one's way": {"doctor": doctor.doctor, "info": info.info, "models": models.models},
}
for _panel, _verbs in _VERBS.items():
    for _name, _verb in _verbs.items():
        app.command(_name, rich_help_panel=_panel)(_verb)
app.add_typer(corpus.app, name="corpus", rich_help_panel="Find one's way")


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
