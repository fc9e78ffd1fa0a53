"""`stochmusic score`: how well a model predicts music."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from stochastic_music._files import write_new
from stochastic_music.cli import _asking, _crossval, _options, _per_note
from stochastic_music.cli._common import find_model, load_model, open_corpus, plural, print_json, say
from stochastic_music.cli._machines import machines
from stochastic_music.cli._stores import only_store, refuse_stores
from stochastic_music.errors import UsageError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from stochastic_music.corpus import Corpus, TokenCorpus
    from stochastic_music.corpus.store import TokenStore
    from stochastic_music.pipeline import Pipeline
    from stochastic_music.protocols import FloatArray

FIGURES = ("bits_per_symbol", "bits_per_note", "bits_per_pitch")


def score(
    corpus: Annotated[list[str], typer.Argument(help="Folders, files or built-in names; or a store (not with --cv).")],
    model: Annotated[
        list[str],
        typer.Option("-m", "--model", metavar="MODEL", help="A fitted model; with --cv also a kind. Several compare."),
    ] = [],  # noqa: B006
    cv: Annotated[
        int | None, typer.Option("--cv", metavar="K", help="Cross-validate in K folds: fit anew for each.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="With --cv: how many times to deal the folds.")] = 1,
    folds: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="With --cv: folds to read, or to write.")
    ] = None,
    group: Annotated[
        str | None, typer.Option(metavar="variants", help="With --cv: keep variants of a tune in one fold.")
    ] = None,
    set_: Annotated[list[str], typer.Option("--set", metavar="NAME=VALUE", help="With --cv: a parameter.")] = [],  # noqa: B006
    use: Annotated[
        list[str],
        typer.Option(metavar="stm|ltm|ltm+|both", help="With --cv, ppm, multiple_viewpoint: which memory; repeatable."),
    ] = [],  # noqa: B006
    known: Annotated[
        list[str],
        typer.Option(
            metavar="none|timing,key|timing,key,phrase",
            help="With --cv: what is known of a note when its pitch is predicted; repeatable.",
        ),
    ] = [],  # noqa: B006
    encoding: Annotated[str, typer.Option(help="With --cv: auto, melody, notes, voices or remi.")] = "auto",
    part: Annotated[str | None, typer.Option(help="With --cv: which part.")] = None,
    grid: Annotated[str, typer.Option(help="With --cv: note values that positions are rounded to.")] = "1/16,1/12",
    transpose: Annotated[
        str | None,
        typer.Option(help="With --cv: common (C major or A minor) or none. Default: common, none with --known."),
    ] = None,
    per_note: Annotated[
        Path | None,
        typer.Option("--per-note", metavar="FILE.csv|parquet", help="Write surprise and entropy of every note."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    workers: _options.Workers = None,
    scheduler: _options.Scheduler = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: _options.AsJson = False,
) -> None:
    """Measure how surprised models are by a corpus, in bits with 95 % intervals."""
    _per_note.check_path(per_note)
    anew = cv is not None or folds is not None
    _check_options(model, anew, seeds, group, set_, use, known)
    notes = per_note is not None
    if anew:
        refuse_stores(corpus, "--cv")
    with machines(scheduler, workers) as machine:
        if anew:
            music = open_corpus(corpus, **machine.reading)
            report = music.report.to_json()
            dealing = _crossval.deal(music, cv or 10, seeds, group, folds)
            entered = _crossval.contenders(music, model, set_, use, known, encoding, part, grid, transpose)
            scored = [_validated(contender, music, dealing, seed, notes, machine.executor) for contender in entered]
        else:
            source = only_store(corpus) or open_corpus(corpus, **machine.reading)
            report = source.report.to_json()
            scored = [_measure(path, source, seed, notes, machine.executor) for path in _fitted(model)]
    rows = [each.row for each in scored]
    differences = _differences(scored, seed)
    _tell(rows, differences)
    if as_json:
        print_json({"models": rows, "differences": differences, "files_skipped": report["files_skipped"]})
    if per_note is not None:
        write_new(per_note, _per_note.table(per_note, [row for each in scored for row in each.notes]), force=force)
        say(f"Wrote {per_note}.")


def _fitted(names: list[str]) -> list[Path]:
    """The model files named, or the last one fitted in this folder."""
    return [find_model(name) for name in names] or [find_model(None)]


class Scored(NamedTuple):
    """One model's row, the symbols and their log probabilities, and the rows of its notes where they are asked for."""

    row: dict[str, Any]
    tokens: TokenCorpus
    log_probs: FloatArray
    notes: list[list[Any]]


def _check_options(
    models: list[str], anew: bool, seeds: int, group: str | None, set_: list[str], use: list[str], known: list[str]
) -> None:
    """Raise UsageError for what goes with --cv alone, and for kinds that are not fitted."""
    if anew and not models:
        raise UsageError("--cv fits models anew: name one or more, for example -m ppm (stochmusic models lists them)")
    if anew:
        return
    given = {"--seeds": seeds != 1, "--group": group, "--set": set_, "--use": use, "--known": known}
    for option, is_given in given.items():
        if is_given:
            raise UsageError(f"{option} goes with --cv, which fits models anew: add --cv 10, or leave it out")
    from stochastic_music import registry

    for name in models:
        if name in registry.names("models") and not Path(name).exists():
            raise UsageError(f"{name} is a kind of model, not a fitted one: add --cv 10, or fit it first")


def _validated(
    contender: _crossval.Contender,
    music: Corpus,
    dealing: _crossval.Dealing,
    seed: int,
    notes: bool,
    executor: Executor | None,
) -> Scored:
    row, run = _crossval.validate(contender, music, dealing, seed=seed, in_full=notes, executor=executor)
    table = list(_per_note.rows_of_run(run, contender.label)) if notes else []
    return Scored(row, run.corpus, run.log_probs.mean(axis=0), table)


def _encoded(pipeline: Pipeline, source: Corpus | TokenStore) -> tuple[TokenCorpus, list[Any]]:
    """Pieces as the model reads them, those of a store in the key they were read in; and what could not be encoded."""
    from stochastic_music.corpus import Corpus
    from stochastic_music.corpus.store import Card

    if isinstance(source, Corpus):
        tokens, loss = pipeline.encode(source)
        return tokens.with_vocabulary(pipeline.vocabulary_), loss.to_json()["pieces_not_encoded"]
    source.card.refuse_other(source.path, Card.of(pipeline.encoding, pipeline.transpose))
    return source.as_printed().together().with_vocabulary(pipeline.vocabulary_), []


def _measure(path: Path, source: Corpus | TokenStore, seed: int, notes: bool, executor: Executor | None) -> Scored:
    from stochastic_music.corpus import fingerprints
    from stochastic_music.evaluation import likelihood

    pipeline, checksum = load_model(path)
    tokens, left_out = _encoded(pipeline, source)
    seen = set(pipeline.fingerprints_.tolist())
    known = [name for name, mark in zip(tokens.names, fingerprints(tokens).tolist(), strict=True) if mark in seen]
    if known:
        shown = ", ".join(known[:5]) + (" ..." if len(known) > 5 else "")
        were = "was" if len(known) == 1 else "were"
        say(f"{plural(len(known), 'piece')} of {len(tokens)} {were} in the training of {path}: {shown}")
    if hasattr(pipeline.model, "pseudo_log_probs") and not notes:
        return _measured_pseudo(path, pipeline.model, tokens, seed, known, left_out)
    said = _asking.asked(path, checksum, tokens, executor, in_full=notes)
    figures = {
        name: (figure := getattr(likelihood, name)(tokens, said.log_probs, seed=seed)) and figure.to_json()
        for name in FIGURES
    }
    row = {
        "model": str(path),
        "n_pieces": len(tokens),
        "n_notes": int(likelihood.begins_note(tokens.vocabulary, tokens.symbols).sum()),
        **figures,
        "in_training": known,
        "pieces_skipped": left_out,
    }
    table = list(_per_note.rows_of(tokens, said, str(path))) if notes else []
    return Scored(row, tokens, said.log_probs, table)


def _measured_pseudo(
    path: Path, model: Any, tokens: TokenCorpus, seed: int, known: list[str], skipped: list[Any]
) -> Scored:
    """The row of a model that has no probability of a piece, only of each symbol given all others."""
    from stochastic_music.evaluation import likelihood

    log_probs = model.pseudo_log_probs(tokens)
    row = {
        "model": str(path),
        "n_pieces": len(tokens),
        "n_notes": int(likelihood.begins_note(tokens.vocabulary, tokens.symbols).sum()),
        **dict.fromkeys(FIGURES),
        "pseudo_bits_per_note": likelihood.bits_per_note(tokens, log_probs, seed=seed).to_json(),
        "in_training": known,
        "pieces_skipped": skipped,
    }
    return Scored(row, tokens, log_probs, [])


def _differences(scored: list[Scored], seed: int) -> list[dict[str, Any]]:
    """How much each further model differs from the first, piece by piece, in the figures that both have."""
    first, *others = scored
    return [
        {
            "model": other.row["model"],
            "against": first.row["model"],
            **{name: _difference(first, other, name, seed) for name in ("bits_per_note", "bits_per_pitch")},
        }
        for other in others
    ]


def _difference(first: Scored, other: Scored, figure: str, seed: int) -> dict[str, Any] | None:
    from stochastic_music.evaluation import paired_difference

    if first.row[figure] is None or other.row[figure] is None:
        return None
    return paired_difference(
        first.tokens, first.log_probs, other.tokens, other.log_probs, figure=figure, seed=seed
    ).to_json()


def _tell(rows: list[dict[str, Any]], differences: list[dict[str, Any]]) -> None:
    for row in rows:
        say(f"{row['model']}: {plural(row['n_pieces'], 'piece')}, {plural(row['n_notes'], 'note')}")
        if pseudo := row.get("pseudo_bits_per_note"):
            say(f"    each symbol given all others of its piece, bits a note: {_in_words(pseudo)}")
            say("    This model has no probability of a piece, so that it is not comparable with models that predict.")
        for name in FIGURES:
            if row[name] is not None:
                say(f"    {name.replace('_', ' '):<16} {_in_words(row[name])}{_spread(row, name)}")
    for row in differences:
        name = "bits_per_pitch" if row["bits_per_note"] is None else "bits_per_note"
        if row[name] is not None:
            say(f"{row['model']} against {row['against']}, {name.replace('_', ' ')}: {_in_words(row[name], '+.3f')}")
    say("Fewer bits are better: the music surprises the model less.")


def _in_words(estimate: dict[str, Any], form: str = ".3f") -> str:
    """A figure with its interval; infinity, which JSON writes as null, by name."""
    value, low, high = (
        "infinite" if x is None else format(x, form) for x in (estimate["value"], *estimate["interval"])
    )
    return f"{value}  (95 % interval {low} to {high})"


def _spread(row: dict[str, Any], name: str) -> str:
    """How far the fold seeds lie apart, where there are several."""
    found = [value for value in row.get("by_seed", {}).get(name, []) if value is not None]
    return f", fold seeds {min(found):.3f} to {max(found):.3f}" if len(found) > 1 else ""
