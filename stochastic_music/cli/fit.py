"""`stochmusic fit`: learn a model from music."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stochastic_music._files import write_atomically
from stochastic_music.cli._choices import choose_encoding, default_model, parse_parameters, transposition_for
from stochastic_music.cli._common import open_corpus, plural, print_json, say
from stochastic_music.errors import UsageError

if TYPE_CHECKING:
    from stochastic_music.corpus import Corpus
    from stochastic_music.pipeline import Pipeline


def fit(
    corpus: Annotated[list[str], typer.Argument(help="Folders, files or built-in names (stochmusic corpus list).")],
    model: Annotated[
        str | None,
        typer.Option("-m", "--model", metavar="KIND", help="What to fit (stochmusic models); default: what suits."),
    ] = None,
    set_: Annotated[list[str], typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the model.")] = [],  # noqa: B006
    encoding: Annotated[str, typer.Option(help="auto, melody, notes, voices or remi.")] = "auto",
    part: Annotated[str | None, typer.Option(help="Which part: its name, its number from 0, or drums.")] = None,
    grid: Annotated[str, typer.Option(help="Note values that positions are rounded to.")] = "1/16,1/12",
    transpose: Annotated[
        str, typer.Option(help="common (C major or A minor), none, all, or auto: none for viewpoints on voices.")
    ] = "auto",
    holdout: Annotated[float, typer.Option(help="Share of the pieces held out for the figure.")] = 0.1,
    refit: Annotated[bool, typer.Option("--refit/--no-refit", help="Refit on everything after the figure.")] = True,
    sources: Annotated[
        bool, typer.Option("--sources/--no-sources", help="Keep the training symbols in the file.")
    ] = True,
    time_limit: Annotated[float, typer.Option(help="Seconds that one file may take to read.")] = 60.0,
    memory_limit: Annotated[str, typer.Option(help="Memory that reading one file may take.")] = "2GB",
    seed: Annotated[int, typer.Option(help="Equal seeds give equal models.")] = 0,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE.smm", help="Where to write the model.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Learn a model from a folder of music files, and report what was learned from."""
    from stochastic_music import registry
    from stochastic_music.pipeline import Pipeline

    started = time.perf_counter()
    if not 0 <= holdout < 1:
        raise UsageError(f"--holdout is {holdout}; expected a share from 0 up to 1, for example 0.1")
    if model is not None:
        registry.create("models", model, parse_parameters(model, set_))  # what is wrong is said before anything is read
    path = output or Path(f"{_stem(corpus[0])}.smm")
    if path.suffix != ".smm":
        raise UsageError(f"-o got '{path}'; a model's file ends in .smm, for example {path.stem or 'model'}.smm")
    music = open_corpus(corpus, time_limit=time_limit, memory_limit=_bytes(memory_limit))
    say(music.report.summary())
    chosen, why = choose_encoding(music, encoding, part, grid)
    say(why)
    kind = model or default_model(chosen)
    if model is None:
        say(f"Model: {kind}, which suits {chosen.name} best; -m takes another (stochmusic models).")
    parameters = parse_parameters(kind, set_)
    how = transposition_for(transpose, kind, chosen.name)
    pipeline = Pipeline(chosen, registry.create("models", kind, parameters), transpose=how)
    held_out = _held_out(pipeline, music, holdout, seed)
    if refit or held_out is None:
        pipeline.fit(music)
    say(pipeline.report_.summary())
    pipeline.save(path, sources=sources, force=force)
    report = {
        "model_file": str(path),
        **music.report.to_json(),
        **pipeline.report_.to_json(),
        "model": kind,
        "n_pieces": pipeline.card_["n_pieces"],
        "n_notes": pipeline.card_["n_notes"],
        "vocabulary_size": pipeline.vocabulary_.n_symbols,
        "bits_per_note": held_out,
        "refitted": refit and held_out is not None,
        "remarks": _remarks(pipeline),
        "gains": _gains(pipeline),
        "licences": pipeline.card_["licences"],
        "seconds": round(time.perf_counter() - started, 3),
        "peak_bytes": _peak_bytes(),
    }
    text = json.dumps(report, indent=2) + "\n"
    write_atomically(path.with_suffix(".report.json"), lambda draft: _fill(draft, text))
    _tell(report, kind, parameters)
    if as_json:
        print_json(report)


def _held_out(pipeline: Pipeline, music: Corpus, share: float, seed: int) -> dict[str, Any] | None:
    """Fit on the kept pieces, measure on those held out; None where there is nothing to hold out."""
    from stochastic_music.errors import EmptyCorpusError
    from stochastic_music.evaluation import bits_per_note

    if share == 0:
        return None
    if len(music) < 2:
        say("One piece leaves none to hold out, so that there is no held-out figure.")
        return None
    train, test = music.split(share, seed=seed)
    try:
        pipeline.fit(train)
        tokens, _ = pipeline.encode(test)
    except EmptyCorpusError:
        say("Of the pieces held out, or of those kept, none can be encoded: there is no held-out figure.")
        return None
    return bits_per_note(tokens, pipeline.log_probs(tokens), seed=seed).to_json()


def _remarks(pipeline: Pipeline) -> list[str]:
    remarks = getattr(pipeline.model, "remarks", None)
    return list(remarks(pipeline.corpus_)) if remarks else []


def _gains(pipeline: Pipeline) -> dict[str, list[dict[str, Any]]]:
    """What each viewpoint gains on the training pieces, in bits a symbol, by field, the most telling first."""
    found = {}
    for field, gains in getattr(pipeline.model, "gains_", {}).items():
        rows = zip(gains.parts, gains.gain.tolist(), gains.kept.tolist(), strict=True)
        listed = [{"viewpoint": part, "bits": round(gain, 5), "kept": kept} for part, gain, kept in rows]
        found[field] = sorted(listed, key=lambda row: -row["bits"])
    return found


def _tell_gains(gains: dict[str, list[dict[str, Any]]], shown: int = 4) -> None:
    for field, rows in gains.items():
        telling = [f"{row['viewpoint']} {row['bits']:.2f}" for row in rows[:shown] if row["bits"] >= 0.005]
        silent = sum(not row["kept"] for row in rows)
        if telling:
            gone = f"; silent, for gaining nothing: {silent} of {len(rows)}" if silent else ""
            say(f"  Most is gained for {field}, in bits, by {', '.join(telling)}{gone}.")


def _tell(report: dict[str, Any], model: str, parameters: dict[str, Any]) -> None:
    settings = "".join(f", {name} {value}" for name, value in parameters.items())
    say(f"Fitted {model}{settings} on {plural(report['n_pieces'], 'piece')}, {plural(report['n_notes'], 'note')}.")
    for remark in report["remarks"]:
        say(f"  {remark}")
    _tell_gains(report["gains"])
    if (held_out := report["bits_per_note"]) is not None:
        low, high = held_out["interval"]
        again = "then refitted on everything" if report["refitted"] else "not refitted on them"
        say(
            f"Held-out surprise: {held_out['value']:.2f} bits per note "
            f"(95 % interval {low:.2f} to {high:.2f}); {again}."
        )
    say(f"Wrote {report['model_file']} in {report['seconds']:.1f} s.")
    say(f"\nNow compose: stochmusic generate {shlex.quote(report['model_file'])}")


def _fill(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _stem(corpus: str) -> str:
    path = Path(corpus)
    name = path.resolve().name if path.exists() else corpus
    return Path(name).stem if path.is_file() else name or "model"


def _bytes(text: str) -> int:
    units = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "B": 1}
    for unit, factor in units.items():
        number = text.strip().upper().removesuffix(unit).strip()
        if text.strip().upper().endswith(unit) and number.replace(".", "", 1).isdigit():
            return int(float(number) * factor)
    raise UsageError(f"--memory-limit got '{text}'; expected a size such as 500MB or 2GB")


def _peak_bytes() -> int | None:
    try:
        import resource
    except ImportError:
        return None
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
