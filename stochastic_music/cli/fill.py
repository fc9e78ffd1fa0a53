"""`stochmusic fill`: other music in some bars of a piece, with all else kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from stochastic_music.cli import _demands, _formats, _revising
from stochastic_music.cli import _options as options
from stochastic_music.errors import UsageError

if TYPE_CHECKING:
    from stochastic_music.pipeline.excerpts import Reading


def fill(
    piece: options.PieceFile,
    bars: Annotated[str, typer.Option(metavar="5-8", help="The bars to fill, as printed; a pickup is bar 0.")],
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
    """Fill some bars of a part anew, so that they fit what comes before and after; all else in the file stays."""
    asked = _demands.Asked(pitch_range, scale, end, tuple(at), contains, max_copy, None, middle_c)
    shaping = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "method": sampler}
    files = _formats.wanted(also, output, soundfont=soundfont, force=force, open_=open_)
    request = _revising.Request("fill", piece, model, n, part, only_new, asked, shaping, seed, files, as_json)
    span = bars_of(bars, "--bars")
    _revising.revise(
        request,
        lambda pipeline, score, n, **more: pipeline.fill(score, span, n, **more),
        given=lambda reading: _given(reading, *reading.span(*span)),
    )


def _given(reading: Reading, begin: int, end: int) -> tuple[int, int]:
    """How many notes the model hears before bars to fill (ticks), and after them."""
    gap = reading.gap(~reading.within(begin, end), begin, end)
    return len(gap.before.onset), len(gap.after.onset)


def bars_of(text: str, option: str) -> tuple[int, int]:
    """The first and the last bar of `5-8` or `5`.

    >>> bars_of("5-8", "--bars"), bars_of("0", "--bars")
    ((5, 8), (0, 0))
    """
    match = re.fullmatch(r"\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?", text)
    if not match:
        raise UsageError(f"{option} got '{text}'; expected a bar such as 5, or the first and the last: 5-8")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise UsageError(f"{option} got '{text}'; the first bar comes after the last: swap them")
    return first, last
