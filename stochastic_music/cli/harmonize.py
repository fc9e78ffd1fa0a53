"""`stochmusic harmonize`: a melody in four voices, or with chords."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from stochastic_music.cli import _copies, _formats, _opening, _options, _pages, _takes
from stochastic_music.cli._common import open_corpus, open_model, print_json, provenance, say, say_repairs
from stochastic_music.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from symusic.core import ScoreTick as Score

    from stochastic_music.corpus import Piece
    from stochastic_music.evaluation import OriginalityIndex
    from stochastic_music.models.harmony.lattice import Strictness
    from stochastic_music.tasks.harmonize import Harmonization, Harmonizer, Take


def harmonize(
    piece: Annotated[str, typer.Argument(help="A file with a melody.")],
    model: Annotated[
        Path | None,
        typer.Option(
            "-m", "--model", metavar="FILE.smm", help="What fit --task harmonize wrote; default: of bach-chorales."
        ),
    ] = None,
    style: Annotated[
        str, typer.Option(help="chorale: four voices; chords: chord symbols and an accompaniment.")
    ] = "chorale",
    n: Annotated[int, typer.Option("-n", min=1, help="How many takes, all different.")] = 4,
    part: Annotated[str | None, typer.Option(help="Which part is the melody: its name, or its number from 0.")] = None,
    key: Annotated[
        str | None, typer.Option(help="The key that the melody is in, e.g. G, Em; default: as printed, or heard.")
    ] = None,
    rule: Annotated[
        list[str],
        typer.Option(
            "--rule", metavar="NAME=hard|off|PRICE", help="How a rule is kept: never broken, or at a price in nats."
        ),
    ] = [],  # noqa: B006
    candidates: Annotated[int, typer.Option(min=1, help="Voicings of a beat to choose among (K).")] = 100,
    temperature: Annotated[float, typer.Option(help="Below 1 safer, above 1 bolder.")] = 0.6,
    passing: Annotated[
        bool, typer.Option("--passing/--plain", help="Fill thirds of lower voices with passing eighths, as the corpus.")
    ] = True,
    best: Annotated[bool, typer.Option("--best", help="Let the first take be the likeliest of all.")] = False,
    seed: _options.SeedNumber = None,
    also: _options.Also = "",
    soundfont: _options.SoundFont = None,
    output: _options.Output = _options.TAKES,
    force: _options.Force = False,
    open_: _options.Open = False,
    as_json: _options.AsJson = False,
) -> None:
    """Set a melody for four voices (or with chords), several ways; the melody stays as it was."""
    from stochastic_music import _random
    from stochastic_music.tasks.harmonize.harmonizer import STYLES

    wanted = _formats.wanted(also, output, soundfont=soundfont, force=force, open_=open_)
    if style not in STYLES:
        raise UnknownNameError("style", style, STYLES)
    rules = _rules(rule)
    music = open_corpus([piece])
    say_repairs(music)
    if len(music) != 1:
        raise UsageError(f"'{piece}' holds {len(music)} pieces; expected a file of one melody")
    harmonizer, made_from = _opened(model)
    harmonizer.rules, harmonizer.candidates, harmonizer.temperature = rules, candidates, temperature
    number = _random.key(seed)
    found = harmonizer.harmonize(
        music[0].score, n, style=style, passing=passing, part=part, key=key, best=best, seed=number
    )
    licences = sorted({*harmonizer.card_["licences"], *filter(None, [music[0].licence])})
    made_by = provenance(seed=number, **made_from, piece=music[0].name, licences=licences)
    rows, index = [], harmonizer.originality()
    page = _page(wanted, music[0], found, output / f"{Path(piece).stem}-s{number}.html")
    for i, take in enumerate(found.takes):
        stem = output / f"{Path(piece).stem}-s{number}-{i + 1:02d}"
        written = _formats.Music(take.score, stem.name, made_by)
        files = _formats.write(written, stem, wanted)
        rows.append({**_row(take, found, files, number), **_copies.row(index if take.lines else None, take.lines)})
        page.add(
            replace(written, score=_marked(take, found, len(music[0].score.tracks))), rows[-1], *_facts(take, found)
        )
    _tell(rows, found, harmonizer, index)
    model_facts = [("Model", made_from["model"]), ("Key of the melody", str(found.tune.key.key))]
    shown = page.write(f"{Path(piece).stem}, harmonised", made_by, model_facts, _takes.commands(rows, number, None))
    _takes.tell_next(rows, number, wanted)
    if as_json:
        print_json(
            {
                "model": made_from["model"],
                "key": str(found.tune.key.key),
                "part": found.tune.track,
                "remarks": list(found.remarks),
                "corpus_rates": harmonizer.card_["rates"],
                "held_out_copies": _copies.held_out(index),
                "page": shown,
                "files": rows,
            }
        )
    if wanted.open_:
        _opening.open_best(rows[0], shown)


def _rules(texts: list[str]) -> dict[str, Strictness]:
    """What --rule asks; names are checked by the harmoniser."""
    from stochastic_music.music.voice_leading import RULES

    found: dict[str, Strictness] = {}
    for text in texts:
        name, equals, how = (part.strip() for part in text.partition("="))
        if not equals:
            raise UsageError(f"--rule got '{text}'; expected NAME=hard, NAME=off or a price, as in overlap=2")
        if name not in RULES:
            raise UnknownNameError("rule", name, RULES)
        found[name] = _strictness(text, how)
    return found


def _strictness(text: str, how: str) -> Strictness:
    words: dict[str, Literal["hard", "off"]] = {"hard": "hard", "off": "off"}
    if how in words:
        return words[how]
    try:
        price = float(how)
    except ValueError:
        price = -1.0
    if not 0 <= price < float("inf"):
        raise UsageError(f"--rule got '{text}'; expected hard, off, or a price from 0 up after the =")
    return price


def _opened(model: Path | None) -> tuple[Harmonizer, dict[str, Any]]:
    """The harmoniser of a file, or that of the built-in chorales; and what takes say of it."""
    from stochastic_music.tasks.harmonize.harmonizer import DEFAULT_CORPUS, Harmonizer

    if model is not None:
        file = open_model(model)
        return Harmonizer.from_file(file.expect("harmonize")), {"model": model.name, "sha256": file.checksum}
    harmonizer, checksum = Harmonizer.of_chorales(say=say)
    say(f"Model: of {DEFAULT_CORPUS}. {' '.join(harmonizer.card_['licences'])}")
    return harmonizer, {"model": DEFAULT_CORPUS, "sha256": checksum}


def _row(take: Take, found: Harmonization, files: list[Path], seed: int) -> dict[str, Any]:
    key = found.tune.key.key
    return {
        "file": str(files[0]),
        "also": [str(file) for file in files[1:]],
        "seed": seed,
        "nats_per_beat": round(take.nats_per_beat, 4),
        "rules": dict(take.report.counts) if take.report else None,
        "n_beats": len(take.chords),
        "cadences": [{"bar": bar, "kind": kind} for bar, kind in take.cadences],
        "chords": [chord.symbol(key) for chord in take.chords],
        "candidates": found.n_candidates,
        "kept": round(found.kept, 6),
        "guarantee": "exact over candidates" if take.report else "exact",
    }


def _tell(
    rows: list[dict[str, Any]], found: Harmonization, harmonizer: Harmonizer, index: OriginalityIndex | None
) -> None:
    from stochastic_music.tasks.harmonize.reports import rule_lines

    for remark in found.remarks:
        say(remark)
    for row, take in zip(rows, found.takes, strict=True):
        say(f"\n{row['file']}: {row['n_beats']} beats, {row['nats_per_beat']:.2f} nats per beat{_copies.of(row)}")
        for line in rule_lines(take, harmonizer.card_["rates"]):
            say(f"  {line}")
    if any(take.lines for take in found.takes):
        _copies.tell_usual(index)
    if rows[0]["rules"] is not None:
        say(
            f"\nExact over the {found.n_candidates} heaviest voicings of each beat, which hold "
            + ("all" if found.kept > 0.995 else f"{100 * found.kept:.0f} % or more")
            + " of what was proposed there."
        )
    else:
        say("\nExact: the chords are drawn from the skeleton, conditioned on where they may change.")


def _page(wanted: _formats.Wanted, piece: Piece, found: Harmonization, path: Path) -> _pages.Takes:
    """The page of the takes, with what was given first."""
    given = _pages.Entry("What was given", _formats.Music(piece.score, piece.name, ""), Path(piece.source).stem)
    return _pages.Takes(wanted, path, [given._replace(facts=[("Key", str(found.tune.key.key))], notes=found.remarks)])


def _facts(take: Take, found: Harmonization) -> list[_pages.Fact]:
    """What the harmoniser knows of a take besides its row: chords, closes, rules that were broken."""
    key = found.tune.key.key
    closes = ", ".join(f"{kind} (bar {bar})" for bar, kind in take.cadences) or "none"
    facts = [("Chords", " ".join(chord.symbol(key) for chord in take.chords)), ("Cadences", closes)]
    if take.report is None:
        return facts
    broken = [f"{name.replace('_', ' ')} {n}" for name, n in take.report.counts.items() if n]
    return [*facts, ("Rules broken", ", ".join(broken) or "none")]


def _marked(take: Take, found: Harmonization, n_given: int) -> Score:
    """A copy whose new parts say so: voices stand after the melody, an accompaniment comes last."""
    marked, first = take.score.copy(), found.tune.track + 1 if take.report else n_given
    new = range(first, first + len(marked.tracks) - n_given)
    for i in new:
        marked.tracks[i].name = f"{marked.tracks[i].name}, new"
    return marked
