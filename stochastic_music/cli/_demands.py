"""What is asked of the music itself: options that the composing verbs share, and the constraint made of them.

Pitches are said as the music will sound. A model may read them in another key: `shift` is how many semitones its music
is moved before it is written, so a demand is moved the other way.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stochastic_music.cli import _copies, _takes
from stochastic_music.cli._common import open_corpus, plural
from stochastic_music.errors import UnsatisfiableError, UsageError

if TYPE_CHECKING:
    from stochastic_music.pipeline import Pipeline
    from stochastic_music.protocols import Constraint

Range = Annotated[str | None, typer.Option("--range", metavar="C4:A5", help="Only pitches from one to the other.")]
Scale = Annotated[
    str | None, typer.Option(metavar="G:major", help="Only notes of this scale; any mode, or pitch classes: C,E,G.")
]
End = Annotated[
    str | None, typer.Option(metavar="tonic", help="The last note: tonic, dominant, ^3, a pitch (D4) or a name (D).")
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
        from stochastic_music.constraints.naming import is_step, normal

        ends_on_pitch = self.end is not None and any(not is_step(normal(name)) for name in self.end.split(","))
        named = {"--range": self.pitch_range, "--scale": self.scale, "--end": ends_on_pitch, "--at": self.at}
        return tuple(option for option, value in named.items() if value)


def constraint(
    pipeline: Pipeline,
    asked: Asked,
    shift: int | None,
    *,
    bars: int | None = None,
    length: int | None = None,
    n_given: int = 0,
    key: str | None = None,
) -> Constraint | None:
    """What the request demands of the music before it is moved by `shift` semitones; None where it demands nothing.

    `key` is the one that the music is moved to, where one was asked for. The first `n_given` notes are given and may
    be copies. A `shift` of None says that it is not known. Raises UsageError where pitches are named all the same, and
    for options that make no sense.
    """
    from stochastic_music.constraints import Bars, Form, Length

    if shift is None and asked.named():
        raise UsageError(
            f"{asked.named()[0]} with --key needs a model fitted with --transpose common; fit again, or leave one out"
        )
    parts: list[Any] = []
    if bars is not None:
        parts.append(Bars(bars, rest=not pipeline.card_.get("ends_on_line", True)))
    if length is not None:
        parts.append(Length(length))
    if asked.form is not None:
        parts.append(Form(asked.form, rest=not pipeline.card_.get("ends_on_line", True)))
    parts.extend(_pitched(asked, shift or 0))
    if asked.end is not None:
        parts.append(_ending(pipeline, asked, shift, key))
    if asked.contains is not None:
        parts.append(_containing(pipeline, asked.contains))
    if asked.max_copy is not None:
        parts.extend(_copies.demanded(pipeline, asked.max_copy, n_given))
    return functools.reduce(operator.and_, parts) if parts else None


def _pitched(asked: Asked, shift: int) -> list[Any]:
    from stochastic_music.constraints import At, InScale, PitchRange

    parts: list[Any] = []
    if asked.pitch_range is not None:
        low, high = _takes.span(asked.pitch_range, asked.middle_c)
        parts.append(PitchRange(low - shift, high - shift))
    if asked.scale is not None:
        parts.append(InScale(asked.scale).moved(-shift))
    for text in asked.at:
        place, equals, note = text.partition("=")
        parts.append(At.parse(f"{place}{equals}{_note(note, asked.middle_c)}").moved(-shift))
    return parts


def _ending(pipeline: Pipeline, asked: Asked, shift: int | None, key: str | None) -> Constraint:
    """The last note; a step is that of the key asked for, else of the key of the piece as the model reads it."""
    from stochastic_music.constraints import EndsOn
    from stochastic_music.constraints.naming import class_name, is_step, normal, step_class
    from stochastic_music.music.keys import parse_key

    names = [normal(_note(name, asked.middle_c)) for name in (asked.end or "").split(",")]
    if key is not None and shift is not None:
        names = [class_name(step_class(name, parse_key(key))) if is_step(name) else name for name in names]
    return EndsOn(*names, key="C" if pipeline.transpose == "common" else None).moved(-(shift or 0))


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


def _note(name: str, middle_c: str) -> str:
    """A pitch as this package spells it; what is no pitch with an octave stays as it is."""
    from stochastic_music.tokens import pitch_name, pitch_number

    spelled = re.fullmatch(r"\s*[A-Ga-g][#b]*-?\d+\s*", name)
    return pitch_name(pitch_number(name, middle_c=middle_c)) if spelled else name


@contextmanager
def as_said(asked: Asked, shift: int | None) -> Iterator[None]:
    """Errors that name pitches as the model reads them say how far those are from what was asked."""
    try:
        yield
    except UnsatisfiableError as error:
        if not shift or not asked.named():
            raise
        direction = "lower" if shift > 0 else "higher"
        raise UnsatisfiableError(
            f"{error} (Pitches are named here as the model reads them, {plural(abs(shift), 'semitone')} {direction} "
            "than they were asked for.)"
        ) from error
