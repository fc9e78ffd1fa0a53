"""What `explain` prints and writes: the table, the picture, the lyrics."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stochastic_music._files import write_all
from stochastic_music.cli import _formats, _pages
from stochastic_music.errors import UsageError

if TYPE_CHECKING:
    from stochastic_music.corpus import Piece
    from stochastic_music.evaluation import Explanation, NoteExplanation
    from stochastic_music.protocols import FloatArray, Reason

_PAGE_ENDING = ".html"
#: so many reasons are shown of a note, and but the first none that says less than this
_SHOWN, _WORTH_SAYING = 4, 0.05
#: columns of what is no terminal
_ENDLESS = 1 << 16


def check(also: str, output: Path | None, *, open_: bool) -> list[str]:
    """The formats that --also, -o and --open ask for; errors as `_formats.named`, UsageError for an unknown suffix."""
    formats = _formats.named(also)
    if output is not None:
        shown = {name: form for name, form in _formats.FORMATS.items() if name != "mid"}  # which has no surprise
        endings = {form.ending: name for name, form in shown.items()} | {_PAGE_ENDING: _formats.PAGE}
        if (suffix := output.suffix.lower()) not in endings:
            raise UsageError(f"-o got '{output}'; expected a name that ends in {', '.join(endings)}")
        formats = _formats.named(",".join([endings[suffix], *formats]))
    return formats or ([_formats.PAGE] if open_ else [])


def paths(formats: Sequence[str], output: Path | None, piece: Piece) -> dict[str, Path]:
    """The file of each format, named as -o says, or after the piece in this folder."""
    tune = f"-{piece.tune}" if piece.tune else ""
    stem = output.with_suffix("") if output else Path(f"{Path(piece.source).stem}{tune}-explained")
    endings = {name: form.ending for name, form in _formats.FORMATS.items()} | {_formats.PAGE: _PAGE_ENDING}
    files = {name: stem.with_name(stem.name + endings[name]) for name in formats}
    return {**files, formats[0]: output} if output else files


def table(found: Explanation) -> str:
    """A line a note: where it stands, its bits, what spoke for and against it, and where it was learned.

    On a terminal long lines go on beneath their column; elsewhere a line is a note.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    several = len(found.by_part()) > 1
    grid = Table(box=None, pad_edge=False, header_style="")
    for name in ("bar", "beat", *(["part"] * several), "note", "chance", "bits", "expected", "other"):
        grid.add_column(name, justify="left" if name == "note" else "right", no_wrap=True)
    for name in ("for, against", "learned in"):
        grid.add_column(name)
    for note in found.notes:
        grid.add_row(*map(escape, _row(note, several)))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _ENDLESS)
    with console.capture() as captured:
        console.print(grid)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _row(note: NoteExplanation, several: bool) -> list[str]:
    return [
        "" if note.bar is None else str(note.bar),
        "" if note.beat is None else f"{note.beat:.4g}",
        *([str(note.part + 1)] * several),
        note.name,
        f"{100 * note.probability:.1f}%",
        number(note.bits),
        number(note.entropy),
        number(math.fsum(bits for _, bits in note.other_bits)),
        _why(note) if note.seen else "never heard in training",
        _learned(note),
    ]


def _why(note: NoteExplanation) -> str:
    """The reasons that said most, in the order of the model; the first with its context."""
    most = sorted((abs(reason.bits) for reason in note.reasons), reverse=True)[:_SHOWN]
    least = min(max(_WORTH_SAYING, *most[-1:]), *most[:1]) if most else 0.0
    shown = [reason for reason in note.reasons if abs(reason.bits) >= least]
    return "; ".join(in_words(reason, whole=i == 0) for i, reason in enumerate(shown))


def in_words(reason: Reason, *, whole: bool = True) -> str:
    """A reason: what it said in bits, and how often it had heard that, `whole` with its context.

    >>> from stochastic_music.protocols import Reason
    >>> in_words(Reason("order 2", "corpus", 1.0, "after 1/4 G4, 1/4 A4", 37, 90))
    'order 2 +1.4 (37 of 90 after 1/4 G4, 1/4 A4)'
    """
    here = " here" if reason.memory == "piece" else ""
    context = f" {reason.context}" if whole and reason.context else ""
    return f"{reason.name}{here} {reason.bits:+.1f} ({reason.times} of {reason.total}{context})"


def _learned(note: NoteExplanation) -> str:
    """The most telling sources, and how many there are besides."""
    named = [
        source.piece + ("" if source.bar is None else f" bar {source.bar}") + ("*" if source.itself else "")
        for source in note.sources
    ]
    left = note.n_sources - len(named)
    return ", ".join(named) + (f" and {left:,} more" if named and left > 0 else "")


def number(value: float) -> str:
    """Two decimals; infinity by name."""
    return f"{value:.2f}" if math.isfinite(value) else "infinite"


def where(note: NoteExplanation) -> str:
    """Where a note stands, in words."""
    return "" if note.bar is None else f" in bar {note.bar}, beat {note.beat:.4g}"


def write(found: Explanation, files: Mapping[str, Path], *, title: str, made_by: str, force: bool) -> None:
    """The files, all of them or none; nothing is overwritten unless it is equal."""
    if found.score is None:
        raise UsageError(
            "the notes that this model reads cannot be told apart in a score: leave --also and -o out for the table"
        )
    music = _formats.Music(found.score, title, made_by, _bits(found))
    drafts = {path: _formats.FORMATS[name].make(music) for name, path in files.items() if name != _formats.PAGE}
    if _formats.PAGE in files:
        drafts[files[_formats.PAGE]] = _page(found, music)
    write_all(drafts, force=force)


def _bits(found: Explanation) -> list[FloatArray]:
    """The bits of the notes of each track, in order of time and pitch."""
    import numpy as np

    parts = [np.array([note.bits for note in part]) for part in found.by_part()]
    columns = [track.notes.numpy() for track in found.score.tracks] if found.score else []
    parts += [np.zeros(0)] * (len(columns) - len(parts))
    return [bits[np.lexsort((c["pitch"], c["time"]))] for bits, c in zip(parts, columns, strict=True)]


def _page(found: Explanation, music: _formats.Music) -> bytes:
    facts = [
        ("Notes", f"{len(found.notes):,}"),
        ("Surprise", f"{number(found.bits_per_note)} bits per note, rhythm and ending among it"),
        *([("In training", "yes: it surprises less than new music")] if found.in_training else []),
    ]
    if found.notes:
        most = max(found.notes, key=lambda note: note.bits)
        facts.append(("Most surprising", f"{most.name}{where(most)}, {number(most.bits)} bits"))
    name = Path(music.title).stem
    entry = _pages.Entry(name, music, f"{name}-explained", facts, found.remarks)
    return _pages.page(f"What surprises in {music.title}", [entry], music.made_by, colored=True)
