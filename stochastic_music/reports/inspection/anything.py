"""Models without a module of their own, those of plug-ins among them: parameters, alphabet, size, what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stochastic_music.errors import UsageError
from stochastic_music.protocols import AutoregressiveModel
from stochastic_music.reports.inspection import following
from stochastic_music.reports.inspection.distribution import Distribution, Heard
from stochastic_music.reports.inspection.general import alphabet, facts_of, kind_of, title_of, transposition
from stochastic_music.reports.inspection.inspection import Inspection, Request
from stochastic_music.reports.inspection.line import Line
from stochastic_music.reports.inspection.visiting import there

if TYPE_CHECKING:
    from stochastic_music.pipeline import Pipeline


def inspect(pipeline: Pipeline, request: Request) -> Inspection:
    """The inspection of any model. Raises UsageError for a context that the model cannot be asked about."""
    if request.context is not None:
        if not isinstance(pipeline.model, AutoregressiveModel):
            raise UsageError(
                f"--context does not go with {kind_of(pipeline)}, which predicts no symbol from those before"
            )
        return following.after(pipeline, request, answer)
    tables, lines = [alphabet(pipeline)], transposition(pipeline)
    return Inspection(kind_of(pipeline), title_of(pipeline), facts_of(pipeline), tables, lines)


def answer(pipeline: Pipeline, line: Line, heard: Heard) -> following.Answer:
    """What comes next, as any model can tell."""
    found = there(pipeline.model, line, heard)
    return following.Answer(found, lines=given_rhythm(found, line))


def given_rhythm(found: Distribution, line: Line) -> list[str]:
    """What a model was asked, where lengths stand before notes."""
    before = " and ".join(field.name for field in line.vocabulary.fields[: line.field])
    told = f"Each {line.noun} is expected given the {before} it came with, as a mean over {int(found.asked[0])} places."
    return [told] if before else []
