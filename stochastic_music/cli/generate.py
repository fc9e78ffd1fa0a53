"""`stochmusic generate`: compose with a fitted model."""

from __future__ import annotations

from typing import Annotated

import typer

from stochastic_music.cli import _composing, _demands, _formats, _metropolis, _opening, _options
from stochastic_music.cli._common import print_json


def generate(
    model: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="A fitted model (*.smm); default: the last one here.")
    ] = None,
    n: _options.Number = 4,
    bars: Annotated[int | None, typer.Option(min=1, help="Exactly so many full bars, with an ending.")] = None,
    length: Annotated[int | None, typer.Option(min=1, help="Exactly so many notes.")] = None,
    key: Annotated[str | None, typer.Option(help="Transpose what comes out to this key, e.g. G, Em, D:dorian.")] = None,
    meter: Annotated[str | None, typer.Option(help="Time signature, e.g. 3/4; default: drawn from the corpus.")] = None,
    tempo: Annotated[float | None, typer.Option(min=1, max=1000, help="Quarter notes a minute.")] = None,
    instrument: Annotated[str | None, typer.Option(help="A General MIDI instrument, by name or number from 1.")] = None,
    pitch_range: _demands.Range = None,
    scale: _demands.Scale = None,
    end: _demands.End = None,
    at: _demands.At = [],  # noqa: B006
    contains: _demands.Contains = None,
    max_copy: _demands.MaxCopy = None,
    form: _demands.Form = None,
    temperature: _options.Temperature = 1.0,
    top_k: _options.TopK = None,
    top_p: _options.TopP = 1.0,
    start: Annotated[
        str | None,
        typer.Option(metavar="PIECE", help="Go on from this piece: its notes, key, meter and tempo come first."),
    ] = None,
    given: Annotated[
        str | None,
        typer.Option(
            metavar="PIECE|CHART",
            help="For models fitted with -m crf: a piece whose rhythm is taken, or bars of chords: 'C | F G | C'.",
        ),
    ] = None,
    mix: Annotated[
        list[str],
        typer.Option(
            metavar="FILE.smm=WEIGHT",
            help="Mix fitted models, each with a weight, or one that glides over the piece: 1..0. Repeat.",
        ),
    ] = [],  # noqa: B006
    sampler: Annotated[str, typer.Option(help="auto, ancestral, exact, particle or metropolis.")] = "auto",
    backend: Annotated[
        str,
        typer.Option(help="auto, numpy, numba or cupy: where thousands of takes are drawn; the notes are the same."),
    ] = "auto",
    chains: _metropolis.Chains = None,
    steps: _metropolis.Steps = None,
    proposals: _metropolis.Proposals = None,
    soft: _metropolis.Soft = [],  # noqa: B006
    diagnostics: _metropolis.Folder = None,
    checkpoint: _metropolis.Checkpoint = None,
    max_arcs: _demands.MaxArcs = None,
    middle_c: _options.MiddleC = "C4",
    seed: _options.SeedNumber = None,
    also: _options.Also = "",
    soundfont: _options.SoundFont = None,
    output: _options.Output = _options.TAKES,
    force: _options.Force = False,
    open_: _options.Open = False,
    as_json: _options.AsJson = False,
) -> None:
    """Compose new pieces with a fitted model, and write them as MIDI (and more with --also)."""
    asked = _demands.Asked(pitch_range, scale, end, tuple(at), contains, max_copy, form, middle_c)
    walking = _metropolis.Request(chains, steps, proposals, tuple(soft), diagnostics, checkpoint)
    shaping = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "method": sampler, "backend": backend}
    shaping |= {"max_arcs": max_arcs} if max_arcs else {}
    sound = _composing.Sound(key, meter, tempo, instrument)
    files = _formats.wanted(also, output, soundfont=soundfont, force=force, open_=open_)
    request = _composing.Request(model, n, bars, length, start, given, tuple(mix), asked, walking, shaping, sound, seed)
    report = _composing.compose(request, files)
    if as_json:
        print_json(report)
    if open_:
        _opening.open_best(report["files"][0], report["page"])
