"""What `explain` prints and writes: the table, the picture, the lyrics."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stochastic_music._files import refuse_overwrite, write_new
from stochastic_music.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from stochastic_music.corpus import Piece
    from stochastic_music.evaluation import Explanation, NoteExplanation
    from stochastic_music.protocols import Reason

FORMATS = ("musicxml", "png")
#: so many reasons are shown of a note, and but the first none that says less than this
_SHOWN, _WORTH_SAYING = 4, 0.05
#: columns of what is no terminal
_ENDLESS = 1 << 16


def check(also: str, output: Path | None) -> list[str]:
    """The suffixes of the files that --also and -o ask for; raises UsageError for those that cannot be written."""
    formats = [text.strip().lower() for text in also.split(",") if text.strip()]
    for name in formats:
        if name not in FORMATS:
            raise UnknownNameError("format of --also", name, FORMATS)
    if output is not None:
        if (suffix := output.suffix.lower().removeprefix(".")) not in FORMATS:
            raise UsageError(f"-o got '{output}'; expected a name that ends in .png or .musicxml")
        formats.insert(0, suffix)
    return list(dict.fromkeys(formats))


def paths(formats: Sequence[str], output: Path | None, piece: Piece) -> list[Path]:
    """The files, named as -o says, or after the piece in this folder."""
    tune = f"-{piece.tune}" if piece.tune else ""
    stem = output.with_suffix("") if output else Path(f"{Path(piece.source).stem}{tune}-explained")
    files = [stem.with_name(f"{stem.name}.{name}") for name in formats]
    return [output, *files[1:]] if output else files


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


def write(found: Explanation, files: Sequence[Path], *, title: str, made_by: str, force: bool) -> None:
    """The files, all of them or none; nothing is overwritten unless it is equal."""
    if found.score is None:
        raise UsageError(
            "the notes that this model reads cannot be told apart in a score: leave --also and -o out for the table"
        )
    make = {".png": _picture, ".musicxml": _sheet}
    drafts = {path: make[path.suffix.lower()](found, found.score.copy(), title, made_by) for path in files}
    for path, data in drafts.items():
        refuse_overwrite(path, data, force=force)
    for path, data in drafts.items():
        write_new(path, data, force=force)


def _picture(found: Explanation, score: Any, title: str, made_by: str) -> bytes:
    import numpy as np

    from stochastic_music.render.plots import surprise_roll, to_png

    bits = [np.array([note.bits for note in part]) for part in found.by_part()]
    return to_png(surprise_roll(score, bits, title=title), title=title, provenance=made_by)


def _sheet(found: Explanation, score: Any, title: str, made_by: str) -> bytes:
    """MusicXML with the bits of each note beneath it; notes of a chord have theirs from the top down."""
    from symusic.core import TextMetaTick

    from stochastic_music.io.engrave import to_musicxml

    for track, part in zip(score.tracks, found.by_part(), strict=False):
        texts: dict[int, list[str]] = {}
        for sounding, note in zip(track.notes, part, strict=True):
            texts.setdefault(int(sounding.time), []).append(f"{note.bits:.1f}" if math.isfinite(note.bits) else "inf")
        for time, said in texts.items():
            track.lyrics.append(TextMetaTick(time, "/".join(said)))
    return to_musicxml(score, title=f"{title}: surprise in bits", provenance=made_by)
