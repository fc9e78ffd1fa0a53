"""`generate --sampler metropolis`: its options, its takes, and what is told of how the chains moved."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stochastic_music.cli._common import load_model, open_corpus, progress, say
from stochastic_music.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from stochastic_music.pipeline import Pipeline
    from stochastic_music.pipeline.walking import Walk

SOFT = ("contour", "density", "similarity", "style", "tension")
#: states of the first chain in the file that lets one hear it converge
HEARD = 12
#: the files of --diagnostics
WRITTEN = ("mid", "txt", "json", "png")

Chains = Annotated[int | None, typer.Option(metavar="N", help="Metropolis: how many chains run side by side (4).")]
Steps = Annotated[int | None, typer.Option(metavar="N", help="Metropolis: steps of each chain (20000).")]
Proposals = Annotated[
    str | None, typer.Option(metavar="redraw:3,block:1", help="Metropolis: how notes are changed, with weights.")
]
Soft = Annotated[
    list[str],
    typer.Option(
        metavar="contour=arch:2",
        help=f"Metropolis: what the music should be like, with a weight: {', '.join(SOFT)}. Repeat.",
    ),
]
Folder = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Metropolis: write tables, traces and a tune as it converges.")
]
Checkpoint = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Metropolis: save the run as it goes, and go on from there.")
]


@dataclass(frozen=True)
class Request:
    """The options of Metropolis sampling as they were given; None where they were not."""

    chains: int | None = None
    steps: int | None = None
    proposals: str | None = None
    soft: tuple[str, ...] = ()
    diagnostics: Path | None = None
    checkpoint: Path | None = None

    def refuse(self, sampler: str) -> None:
        """Raise UsageError where another sampler was asked for with options of this one."""
        given = {name: value for name, value in vars(self).items() if value not in (None, ())}
        if sampler != "metropolis" and given:
            raise UsageError(f"--{next(iter(given))} goes with --sampler metropolis: add that, or leave it out")

    def check_paths(self, stem: str, *, force: bool) -> None:
        """Raise, before anything is sampled, where what is told of the run could not be written afterwards.

        What a run left that is gone on with may stand there: where it is equal it stays.
        """
        from stochastic_music._files import refuse_unwritable

        for folder in (self.diagnostics, self.checkpoint and self.checkpoint.parent):
            if folder is not None:
                refuse_unwritable(folder, option="")
        goes_on = self.checkpoint is not None and self.checkpoint.exists()
        for path in _paths(self.diagnostics, stem) if self.diagnostics and not (force or goes_on) else []:
            if path.exists():
                raise UsageError(f"{path} exists: give --force to replace it, or another folder with --diagnostics")


def compose(pipeline: Pipeline, n: int, request: Request, *, method: str, **options: Any) -> Walk:  # noqa: ARG001
    """Takes and the run they are from; `options` are those of `pipeline.walking.walked`, and some that do not go."""
    from stochastic_music.pipeline.walking import walked
    from stochastic_music.sampling.metropolis import Plan

    options.pop("usual_copies", None)  # a chain's states are what they are; what they copy is told
    for name in ("top_k", "start"):
        if options.pop(name, None) is not None:
            raise UsageError(f"--{name.replace('_', '-')} does not go with --sampler metropolis: leave one of them out")
    if options.pop("top_p", 1.0) < 1:
        raise UsageError("--top-p does not go with --sampler metropolis: leave one of them out")
    with progress("metropolis") as show:
        return walked(
            pipeline,
            n,
            n_chains=4 if request.chains is None else request.chains,
            plan=Plan(steps=20_000 if request.steps is None else request.steps),
            weights=None if request.proposals is None else weights(request.proposals),
            soft=[soft_term(pipeline, text) for text in request.soft],
            save_to=request.checkpoint,
            progress=show,
            **options,
        )


def weights(text: str) -> dict[str, float]:
    """The proposals of --proposals with their weights.

    >>> weights("redraw:3,block")
    {'redraw': 3.0, 'block': 1.0}
    """
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, colon, weight = part.partition(":")
        found[name.strip()] = _number("--proposals", part, weight) if colon else 1.0
    if not found:
        raise UsageError("--proposals names none; expected for example redraw:3,block:1")
    return found


def soft_term(pipeline: Pipeline, text: str) -> tuple[Any, float]:
    """A soft term of --soft and its weight: NAME=WHAT:WEIGHT.

    Raises UnknownNameError for a name there is not, UsageError where it cannot be read, or a weight makes no sense.
    """
    name, equals, rest = text.partition("=")
    what, colon, weight = rest.rpartition(":")
    if name.strip() not in SOFT:
        raise UnknownNameError("soft term", name.strip(), SOFT)
    if not equals or not colon or not what:
        raise UsageError(f"--soft got '{text}'; expected NAME=WHAT:WEIGHT, for example contour=arch:2 or density=6:1")
    size = _number("--soft", text, weight)
    if not math.isfinite(size):
        raise UsageError(f"--soft got '{text}'; expected a finite weight, for example 2")
    if size < 0 and name != "style":
        raise UsageError(f"--soft got '{text}'; the weight is below 0, which asks for nothing: give one above 0")
    return _term(pipeline, name.strip(), what.strip()), size


def _term(pipeline: Pipeline, name: str, what: str) -> Any:
    from stochastic_music.sampling.metropolis import Contour, Density, Tension

    if name == "contour":
        return Contour(_curve(what))
    if name == "density":
        return Density(_number("--soft", f"density={what}", what))
    if name == "tension":
        return Tension(_curve(what))
    return _similar(pipeline, what) if name == "similarity" else _style(pipeline, what)


def _curve(text: str) -> str | tuple[float, ...]:
    """A named curve, or numbers: 60/67/60."""
    if text[:1].isalpha():
        return text
    return tuple(_number("--soft", text, part) for part in text.split("/"))


def _similar(pipeline: Pipeline, name: str) -> Any:
    from stochastic_music.sampling.metropolis import Layout, Similarity
    from stochastic_music.sampling.metropolis.soft import events_of

    music = open_corpus([name])
    if len(music) != 1:
        raise UsageError(f"--soft similarity got '{name}', which holds {len(music)} pieces; expected a file of one")
    layout, symbols = Layout(pipeline.vocabulary_), pipeline.opening(music[0].score).symbols
    pieces = layout.laid_out([symbols], len(symbols) // pipeline.vocabulary_.n_fields)
    events = events_of(layout, pieces)
    there = events.there[0]
    return Similarity(frozenset(zip(events.onset[0][there].tolist(), events.pitch[0][there].tolist(), strict=True)))


def _style(pipeline: Pipeline, what: str) -> Any:
    """FILE.smm, or FILE.smm~OTHER.smm for the difference of two models."""
    from stochastic_music.sampling.metropolis import Style

    models = []
    for name in what.split("~"):
        other, _ = load_model(Path(name))
        if reason := pipeline.vocabulary_.difference(other.vocabulary_):
            raise UsageError(f"--soft style={what}: {name} reads other symbols than the model that composes ({reason})")
        models.append(other.model)
    against = models[1] if len(models) > 1 else None
    return Style(models[0], against, f"style {'~'.join(Path(name).name for name in what.split('~')[:2])}")


def _number(option: str, text: str, number: str) -> float:
    try:
        return float(number)
    except ValueError:
        raise UsageError(f"{option} got '{text}'; expected a number where '{number}' stands") from None


def report(
    pipeline: Pipeline, walk: Walk, folder: Path | None, stem: str, *, made_by: str, force: bool
) -> dict[str, Any]:
    """Tell how the chains moved, write it into `folder`, if any; what --json says of it."""
    found = walk.run.diagnostics
    row, n = found.rows[0], walk.run.lengths.shape[1]
    known = "" if math.isnan(row.r_hat) else f", effective sample size {row.ess:.0f}, R-hat {row.r_hat:.3f}"
    say(
        f"Metropolis: {n} chain{'s' * (n > 1)}; {found.stopped}; moved in {found.acceptance:.0%} of steps; "
        f"log density {row.mean:.1f}{known}."
    )
    for remark in found.remarks():
        say(f"{remark}.")
    files = write(pipeline, walk, folder, stem, made_by=made_by, force=force) if folder else []
    if files:
        say(f"How the chains moved: {', '.join(map(str, files))}")
    return {"metropolis": {**found.to_json(), "files": [str(file) for file in files]}}


def _paths(folder: Path, stem: str) -> list[Path]:
    return [folder / f"{stem}-diagnostics.{suffix}" for suffix in WRITTEN]


def write(pipeline: Pipeline, walk: Walk, folder: Path, stem: str, *, made_by: str, force: bool) -> list[Path]:
    """Tables as text and JSON, the picture, and the first chain's tune as it converged; the paths."""
    from stochastic_music._files import write_new
    from stochastic_music.io.midi import midi_bytes
    from stochastic_music.music.sequence import one_after_another
    from stochastic_music.render.plots import to_png
    from stochastic_music.render.traces import Traces, trace_plot

    found = walk.run.diagnostics
    title = f"{stem}: Metropolis, {walk.run.n_steps:,} steps"
    stages, traces = walk.stages(pipeline, HEARD), Traces.of(walk.run)
    heard = one_after_another([score for _, score in stages], [f"step {step:,}" for step, _ in stages])
    data = {
        "mid": midi_bytes(heard, provenance=made_by),
        "txt": found.text().encode(),
        "json": (json.dumps({"schema": 1, **found.to_json(), "traces": traces.to_json()}) + "\n").encode(),
        "png": to_png(trace_plot(traces, title=title), title=title, provenance=made_by),
    }
    paths = _paths(folder, stem)
    for path, suffix in zip(paths, WRITTEN, strict=True):
        write_new(path, data[suffix], force=force)
    return paths
