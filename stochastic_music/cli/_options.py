"""Options that several verbs share, each spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Force = Annotated[bool, typer.Option("--force", help="Replace existing files.")]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="tcp://HOST:PORT", help="Work on the Dask cluster of this scheduler."),
]
MemoryLimit = Annotated[
    str, typer.Option(help="Memory (reading one file): a file that takes more is skipped, and said to be.")
]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes that work; default: one a core.")]

Model = Annotated[
    str | None, typer.Option("-m", "--model", metavar="FILE.smm", help="A fitted model; default: the last one here.")
]
Number = Annotated[int, typer.Option("-n", min=1, help="How many takes.")]
Temperature = Annotated[float, typer.Option(help="Below 1 safer, above 1 bolder; changes the distribution.")]
TopK = Annotated[
    int | None, typer.Option(min=1, help="Draw from the k likeliest symbols only; changes the distribution.")
]
TopP = Annotated[float, typer.Option(help="Draw from the likeliest share p only; changes the distribution.")]
MiddleC = Annotated[str, typer.Option(help="What your workstation calls MIDI 60: C4 or C3.")]
SeedNumber = Annotated[int | None, typer.Option("--seed", min=0, help="Equal seeds give equal music.")]
Also = Annotated[
    str,
    typer.Option(
        metavar="FORMAT,...",
        help="Further files: musicxml; svg, pdf, sheet (engraved); png (piano roll); wav, flac, ogg; page (to hear and "
        "see all in a browser).",
    ),
]
SoundFont = Annotated[
    str | None, typer.Option("--soundfont", metavar="FILE|auto", help="Sound through FluidSynth: a SoundFont (*.sf2).")
]
Output = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where the takes go.")]
Open = Annotated[bool, typer.Option("--open", help="Open the page when done, or else the first take.")]

TAKES = Path("takes")

PieceFile = Annotated[str, typer.Argument(metavar="PIECE", help="A file of one piece; it stays as it is.")]
PartName = Annotated[
    str | None, typer.Option(help="Which part: its name, its number from 0, or drums; default: the tune.")
]
OnlyNew = Annotated[bool, typer.Option("--only-new", help="Write the new notes alone, at their place in time.")]
Similarity = Annotated[
    float | None, typer.Option(metavar="0.7", help="The share of notes that come back, in place and pitch.")
]
Sampler = Annotated[str, typer.Option(help="auto, exact or particle.")]
