"""`stochmusic show`: hear and see music that one has."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from stochastic_music._files import write_all
from stochastic_music.cli import _formats, _opening, _options, _pages, _takes
from stochastic_music.cli._common import (
    load_model,
    open_corpus,
    plural,
    print_json,
    progress,
    provenance,
    say,
)

if TYPE_CHECKING:
    from symusic.core import ScoreTick as Score

    from stochastic_music.corpus import Corpus
    from stochastic_music.corpus.facts import Facts

#: of more files than these the first are named
_NAMED = 6


def show(
    pieces: Annotated[list[str], typer.Argument(metavar="PIECE|CORPUS...", help="Files, folders or built-in names.")],
    model: Annotated[
        Path | None, typer.Option("-m", "--model", metavar="FILE.smm", help="Color notes by what surprises this model.")
    ] = None,
    part: Annotated[str | None, typer.Option(help="One part alone: its name, its number from 0, or drums.")] = None,
    tempo: Annotated[float | None, typer.Option(min=1, max=1000, help="Quarter notes a minute.")] = None,
    instrument: Annotated[str | None, typer.Option(help="A General MIDI instrument, by name or number from 1.")] = None,
    also: Annotated[
        str,
        typer.Option(metavar="FORMAT,...", help=f"What to write: {', '.join(_formats.FORMATS)}, page; default: page."),
    ] = "",
    soundfont: _options.SoundFont = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where the files go.")] = Path(),
    force: _options.Force = False,
    open_: Annotated[bool, typer.Option("--open", help="Open the page when done, or else the first file.")] = False,
    as_json: _options.AsJson = False,
) -> None:
    """Make a page of music that one has, to hear and see it in a browser; or sheets, pictures and sound."""
    wanted = _formats.wanted(also, output, soundfont=soundfont, force=force, open_=open_, default=_formats.PAGE)
    pipeline = load_model(model)[0] if model else None
    music = _read(pieces)
    licences = sorted({piece.licence for piece in music if piece.licence})
    made_by = provenance(pieces=music.names, licences=licences)
    sound = _Sound(part, tempo, instrument, soundfont)
    entries = _pages.colored(_entries(music, sound, made_by), pipeline.surprises if pipeline else None)
    with progress("writing") as tell:
        own = []
        for i, entry in enumerate(entries, 1):
            own.append(_formats.drafts(entry.music, output / entry.stem, wanted.formats))
            if tell:
                tell(i, len(entries), "writing")
    page = output / f"{Path(pieces[0]).stem or 'music'}-shown.html" if wanted.page else None
    drafts = {path: data for files in own for path, data in files.items()}
    if page is not None:
        commands = _commands(pieces, model)
        drafts[page] = _pages.page(_title(pieces), entries, made_by, commands=commands, colored=model is not None)
    written = write_all(drafts, force=force)
    say(f"Wrote {_listed(written)}.")
    if as_json:
        rows = [{"piece": name, "files": list(map(str, files))} for name, files in zip(music.names, own, strict=True)]
        print_json({"page": page and str(page), "files": rows, "licences": licences})
    if open_:
        _opening.open_file(page or written[0])


class _Sound(NamedTuple):
    """What is heard of a piece, and how."""

    part: str | None
    tempo: float | None
    instrument: str | None
    soundfont: str | None

    def of(self, score: Score) -> Score:
        """A score as it was asked for."""
        from stochastic_music.tasks.harmonize.tunes import melody_alone

        score = melody_alone(score, self.part) if self.part is not None else score.copy()
        if self.tempo is not None:
            _takes.set_tempo(score, self.tempo)
        if self.instrument is not None:
            _takes.set_instrument(score, self.instrument)
        return score


def _read(names: Sequence[str]) -> Corpus:
    """The first pieces of a corpus, as many as a page holds; what was not read, and what is left out, is said."""
    music = open_corpus(names)
    for skipped in music.report.skipped:
        say(f"Skipped {skipped.in_words()}")
    if len(music) > _pages.MOST:
        say(f"Of {plural(len(music), 'piece')} the first {_pages.MOST} are shown; name single files for others.")
        music = music[: _pages.MOST]
    for name, text in music.report.warnings:
        if name in music.names:
            say(f"{name}: {text}.")
    return music


def _entries(music: Corpus, sound: _Sound, made_by: str) -> list[_pages.Entry]:
    """The pieces, with what is known of them."""
    entries, taken = [], Counter[str]()
    for piece, known in zip(music, music.report.pieces, strict=True):
        stem = f"{Path(piece.source).stem}{f'-{piece.tune}' if piece.tune else ''}-shown"
        taken[stem] += 1
        if taken[stem] > 1:
            stem = f"{stem}-{taken[stem]}"
        score, title = sound.of(piece.score), piece.title or piece.name
        facts = [("File", piece.name), ("Notes", f"{score.note_num():,}"), ("Meter", ", ".join(known.facts.meters))]
        music_ = _formats.Music(score, title, made_by, soundfont=sound.soundfont)
        entries.append(_pages.Entry(title, music_, stem, [*facts, *_key(score, known.facts)]))
    return entries


def _key(score: Score, facts: Facts) -> list[_pages.Fact]:
    """The key of what is shown; drums have none."""
    if all(track.is_drum for track in score.tracks if len(track.notes)):
        return []
    return [("Key", f"{facts.key}, heard" if facts.key_source == "estimated" else facts.key)]


def _title(names: Sequence[str]) -> str:
    return Path(names[0]).name if len(names) == 1 else f"{Path(names[0]).name} and {len(names) - 1} more"


def _commands(names: Sequence[str], model: Path | None) -> list[_pages.Fact]:
    """What else can be done with pieces."""
    one, fitted = shlex.quote(names[0]), model or f"{Path(names[0]).stem or 'music'}.smm"
    learn = f"stochmusic fit {shlex.join(names)} -o {shlex.quote(str(fitted))}"
    explain = [("Why its notes surprise", f"stochmusic explain {one} -m {shlex.quote(str(model))}")] if model else []
    compose = f"stochmusic generate {shlex.quote(str(fitted))} --also page --open"
    return [*explain, *([] if model else [("Learn from this music", learn)]), ("Compose after it", compose)]


def _listed(files: Sequence[Path]) -> str:
    """The first few by name, and how many more there are."""
    more = f" and {len(files) - _NAMED:,} more" if len(files) > _NAMED else ""
    return ", ".join(map(str, files[:_NAMED])) + more
