"""`stochmusic structure`: the sections of pieces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stochastic_music._files import write_new
from stochastic_music.cli._common import open_corpus, plural, print_json, progress, provenance, say
from stochastic_music.errors import UsageError

if TYPE_CHECKING:
    from stochastic_music.tasks.structure import Form, Structure

#: rows of the picture, at most
_ROWS = 60
#: kinds of bars below this share are not told of
_HEARD = 0.005


def structure(
    corpus: Annotated[list[str], typer.Argument(metavar="PIECE|CORPUS...", help="Files, folders or built-in names.")],
    states: Annotated[
        str, typer.Option(help="How many kinds of bars: a number, or several to choose from, as in 2,4,8 or 2..8.")
    ] = "auto",
    least_bars: Annotated[
        int | None, typer.Option(min=1, help="The shortest section; default: 8 bars, 4 in pieces below 24 bars.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal answers.")] = 0,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE.png", help="Where the picture goes.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")] = False,
) -> None:
    """Find the sections of pieces: which bars come again, and where the kind of music changes."""
    from stochastic_music.tasks.structure import find_structure
    from stochastic_music.tasks.structure.finding import STATES

    if output is not None and output.suffix.lower() != ".png":
        raise UsageError(f"-o got '{output}'; expected a name that ends in .png")
    path = output or Path(f"{Path(corpus[0]).stem or 'music'}-structure.png")
    music = open_corpus(corpus)
    with progress("hearing bars") as show:
        asked = STATES if states.strip() == "auto" else states
        found = find_structure(music, n_states=asked, least_bars=least_bars, seed=seed, progress=show)
    licences = sorted({piece.licence for piece in music.report.pieces if piece.licence})
    _draw(found, path, provenance(seed=seed, licences=licences), force)
    if as_json:
        print_json({**found.to_json(), "files": [str(path)]})
    else:
        for form in found.forms:
            print(_line(form))
    _tell(found, path)


def _line(form: Form) -> str:
    """A piece and its sections: 'tune.mid  A A B B  A 1-8 | A 9-16 | B 17-24 | B 25-32'."""
    parts = [f"{s.label} {s.first}" if s.first == s.last else f"{s.label} {s.first}-{s.last}" for s in form.sections]
    return f"{form.piece}  {' | '.join(parts)}"


def _draw(found: Structure, path: Path, made_by: str, force: bool) -> None:
    from stochastic_music.render.forms import Row, form_picture
    from stochastic_music.render.plots import to_png

    rows = []
    for form in found.forms[:_ROWS]:
        starts = [0]
        for section in form.sections[:-1]:
            starts.append(starts[-1] + section.n_bars)
        rows.append(Row(form.piece, form.labels, starts, form.numbers))
    title = rows[0].name if len(rows) == 1 else f"The form of {plural(len(rows), 'piece')}"
    picture = to_png(form_picture(rows, title=title), title=title, provenance=made_by)
    write_new(path, picture, force=force)


def _tell(found: Structure, path: Path) -> None:
    """What the kinds of bars are, and where the picture is."""
    report = [state for state in found.model.state_report() if state.share >= _HEARD]
    if len(report) > 1:
        say(f"\n{plural(len(report), 'kind')} of bars, by which sections that are never repeated are told apart:")
        for state in report:
            say(f"  {state}")
    else:
        say("\nAll bars are of one kind: sections are told apart by what is repeated.")
    whole = sum(len(form.sections) == 1 for form in found.forms)
    if whole:
        of = "It has" if len(found.forms) == 1 else f"{whole:,} of {plural(len(found.forms), 'piece')} have"
        say(f"{of} one section only: nothing of the length of a section comes again (--least-bars takes shorter ones).")
    more = len(found.forms) - _ROWS
    say(f"Wrote {path}{f', with the first {_ROWS} pieces' if more > 0 else ''}.")
