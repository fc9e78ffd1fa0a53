"""What a verb composes with: one fitted model, or several that --mix names, and what is said of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from stochastic_music.cli._common import find_model, load_model, plural, say
from stochastic_music.errors import UsageError

if TYPE_CHECKING:
    from stochastic_music.models.mixture import Weights
    from stochastic_music.pipeline import Pipeline


class Opened(NamedTuple):
    """A pipeline to compose with, what its takes are called after, its name, and what the takes say of it.

    `path` is its file, None of a mixture.
    """

    pipeline: Pipeline
    stem: str
    name: str
    provenance: dict[str, Any]
    path: Path | None = None


class Part(NamedTuple):
    """A model of a mixture, its weight at the beginning and at the end, and both as they were written."""

    path: Path
    first: float
    last: float
    text: str


def opened(model: str | None, mix: list[str], bars: int | None, length: int | None) -> Opened:
    """The model named, or the mixture that --mix asks for; without either the last model fitted here."""
    if not mix:
        path = find_model(model)
        pipeline, checksum = load_model(path)
        return Opened(pipeline, path.stem, str(path), {"model": f"sha256:{checksum}"}, path)
    if model is not None:
        raise UsageError(f"{model} and --mix were both given; name every model with --mix, for example --mix {model}=1")
    return _mixed([_parse(text) for text in mix], bars, length)


def _parse(text: str) -> Part:
    """FILE.smm=WEIGHT or FILE.smm=FIRST..LAST."""
    file, equals, weight = text.rpartition("=")
    first, dots, last = weight.partition("..")
    try:
        weights = float(first), float(last if dots else first)
    except ValueError:
        weights = None
    if not equals or not file or weights is None:
        raise UsageError(
            f"--mix got '{text}'; expected a fitted model and its weight, for example bach.smm=0.3, or a weight that "
            "glides, bach.smm=1..0"
        )
    return Part(Path(file), *weights, weight)


def _mixed(parts: list[Part], bars: int | None, length: int | None) -> Opened:
    from stochastic_music.pipeline import Pipeline

    if len(parts) < 2:
        raise UsageError(f"--mix names {parts[0].path} alone; give --mix again for each model to mix it with")
    loaded = [load_model(part.path) for part in parts]
    pipelines = [pipeline for pipeline, _ in loaded]
    mixed = Pipeline.mix(pipelines, weights=_weights(parts, pipelines, bars, length))
    said = [f"{part.path}={part.text} sha256:{sha}" for part, (_, sha) in zip(parts, loaded, strict=True)]
    name = " + ".join(f"{part.path}={part.text}" for part in parts)
    return Opened(mixed, "+".join(part.path.stem for part in parts), name, {"models": said})


def _weights(parts: list[Part], pipelines: list[Pipeline], bars: int | None, length: int | None) -> Weights:
    """Constants, or lines over the bars or notes asked for, else over as many events as pieces of these corpora have.

    That is their median, and is said.
    """
    import numpy as np

    from stochastic_music.models import Glide

    first, last = tuple(part.first for part in parts), tuple(part.last for part in parts)
    if first == last:
        return first
    if bars is not None:
        return Glide(first, last, 1, bars + 1)
    if length is None:
        length = int(np.median(np.concatenate([pipeline.pieces_.n_events for pipeline in pipelines])))
        events = plural(length, "note" if pipelines[0].encoding.name == "melody" else "event")
        say(f"The weights glide over {events}, as the pieces of these corpora have; --bars N or --length N chooses.")
    return Glide(first, last, 0, length, "event")
