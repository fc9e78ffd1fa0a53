"""`stochmusic corpus`: what there is to learn from."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from stochastic_music.cli import _options, _stores
from stochastic_music.cli._common import n_bytes, open_corpus, plural, print_json, say
from stochastic_music.cli._machines import machines
from stochastic_music.errors import UsageError

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
    corpus: Annotated[list[str], typer.Argument(help="Folders, files or built-in names; or a store of tokens.")],
    verify: Annotated[bool, typer.Option("--verify", help="Check every byte of a store.")] = False,
    as_json: _options.AsJson = False,
) -> None:
    """Read a corpus and report what is in it: skipped files, meters, keys, duplicates, grid."""
    if (store := _stores.only_store(corpus)) is not None:
        _stores.show(store, as_json, verify=verify)
        return
    if verify:
        raise UsageError("--verify goes with a store of tokens (stochmusic corpus build): leave it out")
    found = open_corpus(corpus)
    if as_json:
        print_json(found.report.to_json())
        return
    print(found.report.summary())
    print(f"\nFit a model with: stochmusic fit {shlex.join(corpus)}")


@app.command("build")
def build(
    folders: Annotated[list[str], typer.Argument(metavar="FOLDER...", help="Folders or files.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="STORE", help="The store: made, or added to.")],
    encoding: Annotated[str, typer.Option(help="auto, melody, notes, voices or remi.")] = "auto",
    part: Annotated[str | None, typer.Option(help="Which part: its name, its number from 0, or drums.")] = None,
    grid: Annotated[str, typer.Option(help="Note values that positions are rounded to.")] = _stores.GRID,
    transpose: Annotated[
        str | None, typer.Option(help="common (C major or A minor), none or all; default: common.")
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Read files again that were skipped before.")] = False,
    workers: _options.Workers = None,
    scheduler: _options.Scheduler = None,
    time_limit: Annotated[float, typer.Option(help="Seconds that one file may take to read.")] = 60.0,
    memory_limit: _options.MemoryLimit = "2GB",
    as_json: _options.AsJson = False,
) -> None:
    """Read folders into a store of tokens, larger than memory perhaps; a second run reads what is new."""
    limits = {"time_limit": time_limit, "memory_limit": n_bytes("--memory-limit", memory_limit)}
    wish = _stores.Wish(encoding, part, grid, transpose)
    try:
        with machines(scheduler, workers) as machine:
            done = _stores.built(output, folders, wish, {**limits, **machine.reading}, retry=retry)
    except KeyboardInterrupt:
        say("Interrupted. What was finished is kept: give the same command to go on.")
        raise
    _stores.show(done.store, as_json, done=done)


@app.command("export")
def export(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="A store of tokens (stochmusic corpus build).")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.parquet", help="The file to write.")],
    force: _options.Force = False,
) -> None:
    """Write a store as one Parquet file, for other tools."""
    from stochastic_music.corpus.store import TokenStore

    if output.exists() and not force:
        raise UsageError(f"{output} exists: give --force to replace it, or another name with -o.")
    opened = TokenStore.open(store)
    opened.to_parquet(output)
    say(f"Wrote {output}: {plural(opened.n_pieces, 'piece')}, {plural(opened.n_symbols, 'symbol')}.")
    say(f"\nMake it a store again with: stochmusic corpus import {shlex.quote(str(output))} -o STORE")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.parquet", help="A file that corpus export wrote.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="STORE", help="The store to make.")],
) -> None:
    """Make the store again that was written to a Parquet file."""
    from stochastic_music.corpus.store import TokenStore

    made = TokenStore.from_parquet(file, output)
    say(f"{output} holds {plural(made.n_pieces, 'piece')}, {plural(made.n_symbols, 'symbol')}.")
    say(f"\nFit a model with: stochmusic fit {shlex.quote(str(output))}")


@cache.command("clear")
def clear() -> None:
    """Delete the parsed built-in corpora; they are parsed anew when next asked for."""
    from stochastic_music.corpus import cache_clear

    say(f"Deleted {plural(cache_clear(), 'file')}.")
