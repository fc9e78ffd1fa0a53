"""`stochmusic generate`: compose with a fitted model."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stochastic_music.cli import _copies, _demands, _given, _metropolis, _mixing, _takes
from stochastic_music.cli._common import open_corpus, print_json, provenance, say
from stochastic_music.errors import UsageError

if TYPE_CHECKING:
    from symusic.core import ScoreTick as Score

    from stochastic_music.pipeline import Pipeline, Take
    from stochastic_music.pipeline.walking import Walk
    from stochastic_music.tokens import Header


def generate(
    model: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="A fitted model (*.smm); default: the last one here.")
    ] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="How many takes.")] = 4,
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
    temperature: Annotated[float, typer.Option(help="Below 1 safer, above 1 bolder; changes the distribution.")] = 1.0,
    top_k: Annotated[
        int | None, typer.Option(min=1, help="Draw from the k likeliest symbols only; changes the distribution.")
    ] = None,
    top_p: Annotated[float, typer.Option(help="Draw from the likeliest share p only; changes the distribution.")] = 1.0,
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
    chains: _metropolis.Chains = None,
    steps: _metropolis.Steps = None,
    proposals: _metropolis.Proposals = None,
    soft: _metropolis.Soft = [],  # noqa: B006
    diagnostics: _metropolis.Folder = None,
    checkpoint: _metropolis.Checkpoint = None,
    max_arcs: _demands.MaxArcs = None,
    middle_c: Annotated[str, typer.Option(help="What your workstation calls MIDI 60: C4 or C3.")] = "C4",
    seed: Annotated[int | None, typer.Option(min=0, help="Equal seeds give equal music.")] = None,
    also: Annotated[str, typer.Option(help="Further formats: musicxml, wav, png.")] = "",
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where the takes go.")] = Path("takes"),
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open the first take when done.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compose new pieces with a fitted model, and write them as MIDI (and more with --also)."""
    from stochastic_music import _random

    formats = _takes.formats(also)
    if bars is not None and length is not None:
        raise UsageError("--bars and --length were both given; expected one of them")
    walking = _metropolis.Request(chains, steps, proposals, tuple(soft), diagnostics, checkpoint)
    walking.refuse(sampler)
    if given is not None:
        options = {"bars": bars, "length": length, "start": start, "mix": mix, "top-k": top_k, "top-p": top_p < 1}
        options |= {"scale": scale, "end": end, "at": at, "contains": contains}
        _given.refuse({**options, "max-copy": max_copy, "form": form, "sampler": sampler not in ("auto", "exact")})
        request = _given.Request(
            given, n, key, meter, tempo, instrument, pitch_range, temperature, middle_c, _random.key(seed)
        )
        name, rows, held_out = _given.generate(model, request, formats=formats, output=output, force=force)
        _finish(name, rows, as_json=as_json, open_=open_, held_out_copies=held_out)
        return
    source = _mixing.opened(model, mix, bars, length)
    pipeline = source.pipeline
    number = _random.key(seed)
    shift = _takes.shift_to_key(pipeline, key)
    begun = _begun(start, key, meter) if start else None
    n_given = 0
    if begun:
        opening = pipeline.opening(begun)
        shift, n_given = -opening.header.transposed, len(opening.symbols) // pipeline.vocabulary_.n_fields
    asked = _demands.Asked(pitch_range, scale, end, tuple(at), contains, max_copy, form, middle_c)
    found = _demands.demands(pipeline, asked, shift, bars=bars, length=length, given=(n_given, 0), key=key)
    walking.check_paths(f"{source.stem}-s{number}", force=force)
    with _demands.as_said(found):
        takes, walk = _compose(
            pipeline,
            n,
            walking,
            constraint=_demands.joined(found),
            usual_copies=max_copy is None,
            seed=number,
            meter=meter,
            tempo=tempo,
            instrument=instrument,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            method=sampler,
            start=begun,
            **({"max_arcs": max_arcs} if max_arcs else {}),
        )
    made_by = provenance(seed=number, **source.provenance, licences=pipeline.card_.get("licences", []))
    originals = _takes.copies(pipeline, takes)
    rows = []
    for i, take in enumerate(takes):
        stem = output / f"{source.stem}-s{number}-{i + 1:02d}"
        score = take.score if begun else _takes.in_key(take.score, key, shift)
        files = _takes.write(score, stem, formats, made_by, force)
        rows.append(
            {
                "file": str(files[0]),
                "also": [str(file) for file in files[1:]],
                "seed": number,
                "bits_per_note": _takes.bits(take),
                **originals[i],
                "guarantee": take.sample.guarantee,
                "capped": take.sample.capped,
                "drawn_again": take.redrawn,
                **({} if walk is None else {"acceptance": round(take.sample.acceptance or 0.0, 4)}),
            }
        )
    _takes.tell(rows, takes, pipeline, number, bars or length or form)
    more: dict[str, Any] = {"held_out_copies": _copies.held_out(pipeline.originality())}
    if walk is not None:
        named = f"{source.stem}-s{number}"
        more |= _metropolis.report(pipeline, walk, diagnostics, named, made_by=made_by, force=force)
    _finish(source.name, rows, as_json=as_json, open_=open_, **more)


def _finish(model: str, rows: list[dict[str, Any]], *, as_json: bool, open_: bool, **more: Any) -> None:
    if as_json:
        print_json({"model": model, **more, "files": rows})
    if open_:
        typer.launch(rows[0]["also"][-1] if rows[0]["also"] else rows[0]["file"])


def _begun(start: str, key: str | None, meter: str | None) -> Score:
    """The score of --start, which brings its own key and meter."""
    for option, given in (("--key", key), ("--meter", meter)):
        if given is not None:
            raise UsageError(f"{option} and --start were both given; the piece to start with brings its own")
    music = open_corpus([start])
    if len(music) != 1:
        raise UsageError(f"--start got '{start}', which holds {len(music)} pieces; expected a file of one")
    return music[0].score


def _compose(
    pipeline: Pipeline,
    n: int,
    walking: _metropolis.Request,
    *,
    meter: str | None,
    tempo: float | None,
    instrument: str | None,
    **options: Any,
) -> tuple[list[Take], Walk | None]:
    """Takes, and the run of Metropolis chains that they are from, if that was asked for."""
    header = _requested_header(pipeline, meter, options["seed"]) if meter else None
    if options["method"] == "metropolis":
        walk = _metropolis.compose(pipeline, n, walking, header=header, **options)
        takes = walk.takes
    else:
        takes, walk = pipeline.compose(n, header=header, **options), None
    for take in takes:
        if tempo is not None:
            _takes.set_tempo(take.score, tempo)
        if instrument is not None:
            _takes.set_instrument(take.score, instrument)
    return takes, walk


def _requested_header(pipeline: Pipeline, meter: str, seed: int) -> Header:
    import numpy as np

    match = re.fullmatch(r"\s*(\d{1,3})\s*/\s*(1|2|4|8|16|32|64)\s*", meter)
    if not match or int(match[1]) == 0:
        raise UsageError(f"--meter got '{meter}'; expected a time signature such as 4/4, 3/4 or 6/8")
    numerator, denominator = int(match[1]), int(match[2])
    known = [h for h in pipeline.headers_ if h is not None]
    if not known:
        raise UsageError("--meter needs a model of music with time; this one has none")
    fitting = [h for h in known if len(h.meters) == 1 and h.meters[0][1:] == (numerator, denominator)]
    if fitting:
        return fitting[int(np.random.default_rng(seed).integers(len(fitting)))]
    meters = sorted({str(m) for h in known for m in h.meters})
    say(f"The corpus has no {meter} (it has {', '.join(meters)}): the model will do what it can.")
    return replace(known[0], pickup=0).with_meter(numerator, denominator)
