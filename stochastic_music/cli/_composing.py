"""What `generate` does with its options: open, compose, write, and say what came of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from stochastic_music.cli import _copies, _demands, _formats, _given, _metropolis, _mixing, _pages, _takes
from stochastic_music.cli._common import open_corpus, progress, provenance, say
from stochastic_music.errors import UsageError

if TYPE_CHECKING:
    from symusic.core import ScoreTick as Score

    from stochastic_music.pipeline import Pipeline, Take
    from stochastic_music.pipeline.walking import Walk
    from stochastic_music.tokens import Header


class Sound(NamedTuple):
    """How the takes are to sound, as it was asked for."""

    key: str | None
    meter: str | None
    tempo: float | None
    instrument: str | None


@dataclass(frozen=True)
class Request:
    """What was asked for; `shaping` holds options of `Pipeline.compose`."""

    model: str | None
    n: int
    bars: int | None
    length: int | None
    start: str | None
    given: str | None
    mix: tuple[str, ...]
    asked: _demands.Asked
    walking: _metropolis.Request
    shaping: dict[str, Any]
    sound: Sound
    seed: int | None


class _Begun(NamedTuple):
    """What comes first, where --start names it; how many notes that are, and how far music is moved to be heard."""

    score: Score | None
    n_notes: int
    shift: int | None


def compose(request: Request, files: _formats.Wanted) -> dict[str, Any]:
    """Compose and write the takes, and tell of them; what --json prints. Raises UsageError for what does not go."""
    if request.bars is not None and request.length is not None:
        raise UsageError("--bars and --length were both given; expected one of them")
    request.walking.refuse(request.shaping["method"])
    return (
        _compose_under(request, request.given, files) if request.given is not None else _compose_freely(request, files)
    )


def _compose_under(request: Request, given: str, files: _formats.Wanted) -> dict[str, Any]:
    """Music over a rhythm, or chords, that is given."""
    from stochastic_music import _random

    asked, shaping = request.asked, request.shaping
    options = {name: getattr(request, name) for name in ("bars", "length", "start", "mix")}
    options |= {"top-k": shaping["top_k"], "top-p": shaping["top_p"] < 1}
    options |= {"scale": asked.scale, "end": asked.end, "at": asked.at, "contains": asked.contains}
    options |= {"max-copy": asked.max_copy, "form": asked.form, "sampler": shaping["method"] not in ("auto", "exact")}
    options |= {"backend": shaping["backend"] != "auto"}
    _given.refuse(options)
    number, temperature = _random.key(request.seed), shaping["temperature"]
    wanted = _given.Request(given, request.n, *request.sound, asked.pitch_range, temperature, asked.middle_c, number)
    return _given.generate(request.model, wanted, files)


def _compose_freely(request: Request, files: _formats.Wanted) -> dict[str, Any]:
    """New music, or what comes after a start."""
    from stochastic_music import _random

    source = _mixing.opened(request.model, list(request.mix), request.bars, request.length)
    pipeline, seed = source.pipeline, _random.key(request.seed)
    begun = _opening(pipeline, request)
    named = f"{source.stem}-s{seed}"
    request.walking.check_paths(named, force=files.force)
    takes, walk = _drawn(pipeline, request, begun, seed)
    made_by = provenance(seed=seed, **source.provenance, licences=pipeline.card_.get("licences", []))
    scores = [
        take.score if begun.score else _takes.in_key(take.score, request.sound.key, begun.shift) for take in takes
    ]
    rows, page = [], _pages.Takes(files, files.folder / f"{named}.html", surprise=pipeline.surprises)
    with progress("writing") as show:
        for i, (take, score) in enumerate(zip(takes, scores, strict=True), 1):
            stem = files.folder / f"{named}-{i:02d}"
            music = _formats.Music(score, stem.name, made_by)
            written = _formats.write(music, stem, files)
            rows.append(_takes.row(take, written, seed, *_takes.copies(pipeline, [take])))
            page.add(music, rows[-1])
            if show:
                show(i, len(takes), "writing")
    _takes.tell(rows, takes, pipeline, seed, request.bars or request.length or request.asked.form)
    title = f"Music after {source.stem}"
    shown = page.write(title, made_by, _takes.facts(pipeline, source.name), _takes.commands(rows, seed, source.path))
    _takes.tell_next(rows, seed, files)
    report = {"model": source.name, "held_out_copies": _copies.held_out(pipeline.originality()), "page": shown}
    if walk is not None:
        folder = request.walking.diagnostics
        report |= _metropolis.report(pipeline, walk, folder, named, made_by=made_by, force=files.force)
    return {**report, "files": rows}


def _opening(pipeline: Pipeline, request: Request) -> _Begun:
    """What --start asks for; without it, how far the music is moved to --key."""
    if not request.start:
        return _Begun(None, 0, _takes.shift_to_key(pipeline, request.sound.key))
    score = _begun(request.start, request.sound)
    opening = pipeline.opening(score)
    return _Begun(score, len(opening.symbols) // pipeline.vocabulary_.n_fields, -opening.header.transposed)


def _drawn(pipeline: Pipeline, request: Request, begun: _Begun, seed: int) -> tuple[list[Take], Walk | None]:
    """Takes, and the run of Metropolis chains that they are from, if that was asked for."""
    sound, asked = request.sound, request.asked
    sized: dict[str, Any] = {"bars": request.bars, "length": request.length, "given": (begun.n_notes, 0)}
    found = _demands.demands(pipeline, asked, begun.shift, key=sound.key, **sized)
    options = {"constraint": _demands.joined(found), "start": begun.score, "seed": seed, **request.shaping}
    options["header"] = _requested_header(pipeline, sound.meter, seed) if sound.meter else None
    options["usual_copies"] = asked.max_copy is None
    walks = request.shaping["method"] == "metropolis"
    if walks or options["constraint"] is not None:
        _settle_back_end(options, walks=walks)
    with _demands.as_said(found):
        if walks:
            walk = _metropolis.compose(pipeline, request.n, request.walking, **options)
            takes = walk.takes
        else:
            with progress("drawing"):
                takes, walk = pipeline.compose(request.n, **options), None
    for take in takes:
        if sound.tempo is not None:
            _takes.set_tempo(take.score, sound.tempo)
        if sound.instrument is not None:
            _takes.set_instrument(take.score, sound.instrument)
    return takes, walk


def _settle_back_end(options: dict[str, Any], *, walks: bool) -> None:
    """Say where --backend has no say, and leave what has; raises MachineError without what it asks for."""
    from stochastic_music import _backends

    asked = options.pop("backend")
    _backends.chosen(asked)
    known = ("auto", "numpy", "cupy") if walks else ("auto", "numpy")
    if asked not in known:
        what = "Metropolis chains" if walks else "Constraints"
        say(f"{what} are worked out by NumPy: --backend {asked} has no say here.")
    if walks:
        options["backend"] = asked if asked in known else "numpy"


def _begun(start: str, sound: Sound) -> Score:
    """The score of --start, which brings its own key and meter."""
    for option, given in (("--key", sound.key), ("--meter", sound.meter)):
        if given is not None:
            raise UsageError(f"{option} and --start were both given; the piece to start with brings its own")
    music = open_corpus([start])
    if len(music) != 1:
        raise UsageError(f"--start got '{start}', which holds {len(music)} pieces; expected a file of one")
    return music[0].score


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
