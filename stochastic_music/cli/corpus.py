"""`stochmusic corpus`: what there is to learn from."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from stochastic_music.cli import _options
from stochastic_music.cli._common import open_corpus, plural, print_json, say

app = typer.Typer(help="Look at corpora: the built-in ones, or your own.", no_args_is_help=True)
cache = typer.Typer(help="The cache of built-in corpora.", no_args_is_help=True)
app.add_typer(cache, name="cache")


@app.command("list")
def list_(as_json: _options.AsJson = False) -> None:
    """List the built-in corpora, with their licences."""
    from stochastic_music.corpus import builtin_corpora

    rows = [entry.to_json() for entry in builtin_corpora()]
    if as_json:
        print_json({"corpora": rows})
        return
    for row in rows:
        print(f"{row['name']:<16} {row['n_pieces']:>6,}  {row['description']}\n{'':<24} {row['licence']}")
    print("\nLook into one with: stochmusic corpus info " + str(rows[0]["name"]))


@app.command("info")
def info(
    corpus: Annotated[list[str], typer.Argument(help="Folders, files or built-in names.")],
    as_json: _options.AsJson = False,
) -> None:
    """Read a corpus and report what is in it: skipped files, meters, keys, duplicates, grid."""
    found = open_corpus(corpus)
    if as_json:
        print_json(found.report.to_json())
        return
    print(found.report.summary())
    print(f"\nFit a model with: stochmusic fit {shlex.join(corpus)}")


@cache.command("clear")
def clear() -> None:
    """Delete the parsed built-in corpora; they are parsed anew when next asked for."""
    from stochastic_music.corpus import cache_clear

    say(f"Deleted {plural(cache_clear(), 'file')}.")
