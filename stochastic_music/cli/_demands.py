"""What is asked of the music itself: options that the composing verbs share, and the constraint made of them.

Pitches are said as the music will sound. A model may read them in another key: `shift` is how many semitones its music
is moved before it is written, so a demand is moved the other way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from stochastic_music.cli import _copies, _takes
from stochastic_music.cli._common import open_corpus
from stochastic_music.errors import UnsatisfiableError, UsageError

if TYPE_CHECKING:
    from stochastic_music.pipeline import Pipeline
    from stochastic_music.protocols import Constraint

Range = Annotated[str | None, typer.Option("--range", metavar="C4:A5", help="Only pitches from one to the other.")]
Scale = Annotated[
    str | None, typer.Option(metavar="G:major", help="Only notes of this scale; any mode, or pitch classes: C,E,G.")
]
End = Annotated[
    str | None,
    typer.Option(
        metavar="tonic", help="The last note: a pitch (D4), a name (D), a step (tonic, ^3) of --key or --scale."
    ),
]
At = Annotated[
    list[str], typer.Option(metavar="5.1=D5", help="In bar 5 a note D5 begins on beat 1. Repeat. Bar 0 is the pickup.")
]
Contains = Annotated[str | None, typer.Option(metavar="PIECE", help="These notes come somewhere, at any pitch.")]
MaxCopy = Annotated[
    str | None,
    typer.Option(
        metavar="12|off",
        help="No longer run of notes that the corpus has, at any pitch. Without it generate and continue draw takes "
        "again that copy more than held-out pieces do.",
    ),
]
Form = Annotated[str | None, typer.Option(metavar="'A:8 A:8 B:8'", help="A plan of sections, in bars.")]

MaxArcs = Annotated[
    int | None,
    typer.Option(min=1, help="How large exact sampling may grow before particles take over; default 25,000,000 arcs."),
]


@dataclass(frozen=True)
class Asked:
    """The options as they were given."""

    pitch_range: str | None = None
    scale: str | None = None
    end: str | None = None
    at: tuple[str, ...] = ()
    contains: str | None = None
    max_copy: str | None = None
    form: str | None = None
    middle_c: str = "C4"

    def named(self) -> tuple[str, ...]:
        """The options given that name pitches, and so need to know how far the music will be moved."""
        notes = {"--end": (self.end or "").split(","), "--at": [text.partition("=")[2] for text in self.at]}
        named = {"--range": self.pitch_range is not None, "--scale": self.scale is not None}
        named |= {option: any(name and not _is_step(name) for name in names) for option, names in notes.items()}
        return tuple(option for option, is_named in named.items() if is_named)


def demands(
    pipeline: Pipeline,
    asked: Asked,
    shift: int | None,
    *,
    bars: int | None = None,
    length: int | None = None,
    given: tuple[int, int] = (0, 0),
    key: str | None = None,
) -> dict[str, Constraint]:
    """What the request demands of the music before it is moved by `shift` semitones, each by how it was said.

    `key` is the one that the music is moved to, where one was asked for. So many notes are `given` before the
    new ones, and after them, and may be copies. A `shift` of None says that it is not known. Raises UsageError where
    pitches are named all the same, and for options that make no sense.
    """
    from stochastic_music.constraints import Bars, Form, Length

    if shift is None and asked.named():
        raise UsageError(
            f"{asked.named()[0]} with --key needs a model fitted with --transpose common; fit again, or leave one out"
        )
    rest = not pipeline.card_.get("ends_on_line", True)
    found: dict[str, Constraint] = {}
    if bars is not None:
        found[f"--bars {bars}"] = Bars(bars, rest=rest)
    if length is not None:
        found[f"--length {length}"] = Length(length)
    if asked.form is not None:
        found[f"--form '{asked.form}'"] = Form(asked.form, rest=rest)
    found |= _pitched(pipeline, asked, shift, key)
    if asked.contains is not None:
        found[f"--contains {asked.contains}"] = _containing(pipeline, asked.contains)
    if asked.max_copy is not None and (limit := _copies.demanded(pipeline, asked.max_copy, *given)):
        found[f"--max-copy {asked.max_copy}"] = limit
    return found


def joined(found: dict[str, Constraint]) -> Constraint | None:
    """All demands as one; None without any."""
    from stochastic_music.constraints import All

    parts = tuple(found.values())
    return All(parts) if len(parts) > 1 else next(iter(parts), None)


@contextmanager
def as_said(found: dict[str, Constraint]) -> Iterator[None]:
    """Errors name demands as they were said, not as the model reads them: in its key, with C4 for MIDI 60."""
    try:
        yield
    except (UnsatisfiableError, UsageError) as error:
        text = str(error)
        for said, demand in found.items():
            text = text.replace(str(demand), said)
        error.args = (text,)
        raise


def _pitched(pipeline: Pipeline, asked: Asked, shift: int | None, key: str | None) -> dict[str, Constraint]:
    """The demands that name notes."""
    from stochastic_music.constraints import At, EndsOn, InScale, PitchRange

    by, note = -(shift or 0), _note_in(asked, None if shift is None else key)
    common = "C" if pipeline.transpose == "common" else None
    found: dict[str, Constraint] = {}
    if asked.pitch_range is not None:
        low, high = _takes.span(asked.pitch_range, asked.middle_c)
        found[f"--range {asked.pitch_range}"] = PitchRange(max(low + by, 0), min(high + by, 127))
    if asked.scale is not None:
        found[f"--scale {asked.scale}"] = InScale(asked.scale).moved(by)
    for text in asked.at:
        place, equals, name = text.partition("=")
        found[f"--at {text}"] = At.parse(f"{place}{equals}{note(name)}", key=common).moved(by)
    if asked.end is not None:
        found[f"--end {asked.end}"] = EndsOn(*map(note, asked.end.split(",")), key=common).moved(by)
    return found


def _note_in(asked: Asked, key: str | None) -> Callable[[str], str]:
    """How notes are spelled for constraints: pitches with C4 for MIDI 60, steps of a known key as notes in any octave.

    The key is `key`, else that of the scale asked for. Without any a step stays, and so does what is no note.
    """
    from stochastic_music.constraints import InScale
    from stochastic_music.constraints.naming import class_name, normal, step_class
    from stochastic_music.music.keys import parse_key
    from stochastic_music.tokens import pitch_name, pitch_number

    scale = InScale(asked.scale).scale if asked.scale is not None else ""
    known = key or (scale if ":" in scale else None)

    def spelled(name: str) -> str:
        if _is_step(name):
            return name if known is None else class_name(step_class(normal(name), parse_key(known)))
        with_octave = re.fullmatch(r"\s*[A-Ga-g][#b]*-?\d+\s*", name)
        return pitch_name(pitch_number(name, middle_c=asked.middle_c)) if with_octave else name

    return spelled


def _is_step(name: str) -> bool:
    from stochastic_music.constraints.naming import is_step

    return is_step(name.strip().lower())


def _containing(pipeline: Pipeline, piece: str) -> Constraint:
    """The notes of a file, at any pitch, with their rhythm where the model reads one."""
    from stochastic_music.constraints import Contains, Motif
    from stochastic_music.corpus.lines import lines_of

    music = open_corpus([piece])
    if len(music) != 1:
        raise UsageError(f"--contains got '{piece}', which holds {len(music)} pieces; expected a file of one")
    vocabulary = pipeline.vocabulary_
    symbols, header = pipeline.opening(music[0].score)
    motif = Motif.of(lines_of(vocabulary, symbols, header, piece)[0], max(vocabulary.resolution, 1))
    return Contains(motif, "interval", rhythm=vocabulary.clock.ticks and vocabulary.index("pitch") is not None)
