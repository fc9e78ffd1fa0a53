"""`stochmusic continue`: what comes after a piece, with all else kept."""

from __future__ import annotations

from typing import Annotated

import typer

from stochastic_music.cli import _demands, _formats, _revising
from stochastic_music.cli import _options as options
from stochastic_music.errors import UsageError


def continue_(
    piece: options.PieceFile,
    bars: Annotated[int | None, typer.Option(min=1, help="How many full bars are added, with an ending.")] = None,
    length: Annotated[int | None, typer.Option(min=1, help="How many notes are added.")] = None,
    model: options.Model = None,
    n: options.Number = 4,
    part: options.PartName = None,
    only_new: options.OnlyNew = False,
    pitch_range: _demands.Range = None,
    scale: _demands.Scale = None,
    end: _demands.End = None,
    at: _demands.At = [],  # noqa: B006
    contains: _demands.Contains = None,
    max_copy: _demands.MaxCopy = None,
    temperature: options.Temperature = 1.0,
    top_k: options.TopK = None,
    top_p: options.TopP = 1.0,
    sampler: options.Sampler = "auto",
    middle_c: options.MiddleC = "C4",
    seed: options.SeedNumber = None,
    also: options.Also = "",
    soundfont: options.SoundFont = None,
    output: options.Output = options.TAKES,
    force: options.Force = False,
    open_: options.Open = False,
    as_json: options.AsJson = False,
) -> None:
    """Go on after the last note of a part; all that is in the file stays."""
    if bars is not None and length is not None:
        raise UsageError("--bars and --length were both given; expected one of them")
    asked = _demands.Asked(pitch_range, scale, end, tuple(at), contains, max_copy, None, middle_c)
    shaping = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "method": sampler}
    files = _formats.wanted(also, output, soundfont=soundfont, force=force, open_=open_)
    request = _revising.Request("continue", piece, model, n, part, only_new, asked, shaping, seed, files, as_json)
    _revising.revise(
        request,
        lambda pipeline, score, n, **more: pipeline.continue_(
            score, n, bars=bars, length=length, usual_copies=max_copy is None, **more
        ),
        given=lambda reading: (reading.n_before(int(reading.ends.max()) + 1), 0),
        ends=bars is None and length is None,
    )
