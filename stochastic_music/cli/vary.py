"""`stochmusic vary`: variations of a piece, with all else in the file kept."""

from __future__ import annotations

from typing import Annotated

import typer

from stochastic_music.cli import _demands, _formats, _revising
from stochastic_music.cli import _options as options
from stochastic_music.cli._common import say
from stochastic_music.cli.fill import bars_of


def vary(
    piece: options.PieceFile,
    keep: Annotated[
        list[str], typer.Option(metavar="rhythm|contour|bars=1-4", help="What stays as it is; repeat for several.")
    ] = [],  # noqa: B006
    similarity: options.Similarity = None,
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
    """Vary a part: other notes with the rhythm, the contour, some bars or most notes of the piece; all else stays."""
    from stochastic_music.pipeline.around import SIMILARITY

    asked = _demands.Asked(pitch_range, scale, end, tuple(at), contains, max_copy, None, middle_c)
    shaping = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "method": sampler}
    files = _formats.wanted(also, output, soundfont=soundfont, force=force, open_=open_)
    request = _revising.Request("vary", piece, model, n, part, only_new, asked, shaping, seed, files, as_json)
    kept = [text for text in keep if not text.startswith("bars=")]
    bars = [bars_of(text.removeprefix("bars="), "--keep bars=") for text in keep if text.startswith("bars=")]
    if similarity is None and not keep:
        say(f"Nothing is asked to stay: {SIMILARITY:.0%} of the notes come back (--similarity, or --keep rhythm).")
    _revising.revise(
        request,
        lambda pipeline, score, n, **more: pipeline.vary(
            score, n, keep=kept, keep_bars=bars, similarity=similarity, **more
        ),
    )
