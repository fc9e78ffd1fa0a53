"""`generate --given`: a melody over a rhythm, or over a chart of chords."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stochastic_music.cli import _copies, _formats, _pages, _takes
from stochastic_music.cli._common import find_model, open_corpus, open_model, plural, provenance, say
from stochastic_music.errors import UsageError

if TYPE_CHECKING:
    from symusic.core import ScoreTick as Score


@dataclass(frozen=True)
class Request:
    """The options of `generate` that go with --given, by their names."""

    given: str
    n: int
    key: str | None
    meter: str | None
    tempo: float | None
    instrument: str | None
    pitch_range: str | None
    temperature: float
    middle_c: str
    seed: int


def refuse(unused: dict[str, Any]) -> None:
    """Raise UsageError for options that do not go with --given."""
    for name, value in unused.items():
        if value:
            raise UsageError(f"--{name} does not go with --given, which brings the rhythm or the bars: leave one out")


def generate(model: str | None, request: Request, wanted: _formats.Wanted) -> dict[str, Any]:
    """Compose, write and tell; what --json prints."""
    from stochastic_music.tasks.given.composer import CRFComposer

    path = find_model(model, "given")
    file = open_model(path)
    if file.task == "compose":
        raise UsageError(
            f"{path} invents whole pieces and takes nothing as given: fit a model that does with "
            "'stochmusic fit CORPUS -m crf', or leave --given out"
        )
    composer = CRFComposer.from_file(file)
    span = _takes.span(request.pitch_range, request.middle_c) if request.pitch_range else None
    takes = composer.compose(
        _given(request.given),
        request.n,
        seed=request.seed,
        key=request.key,
        meter=request.meter,
        tempo=request.tempo,
        pitch_range=span,
        temperature=request.temperature,
    )
    licences = composer.card_["licences"]
    made_by = provenance(seed=request.seed, model=f"sha256:{file.checksum}", given=request.given, licences=licences)
    index = composer.originality()
    rows: list[dict[str, Any]] = []
    page = _pages.Takes(wanted, wanted.folder / f"{path.stem}-s{request.seed}.html")
    for i, take in enumerate(takes):
        if request.instrument is not None:
            _takes.set_instrument(take.score, request.instrument, take.track)
        stem = wanted.folder / f"{path.stem}-s{request.seed}-{i + 1:02d}"
        music = _formats.Music(take.score, stem.name, made_by)
        files = _formats.write(music, stem, wanted)
        rows.append(
            {
                "file": str(files[0]),
                "also": [str(written) for written in files[1:]],
                "seed": request.seed,
                "bits_per_note": round(take.bits_per_note, 4),
                **_copies.row(index, [take.line]),
                "guarantee": "exact",
                "capped": False,
            }
        )
        page.add(music, rows[-1], ("Notes", plural(take.n_notes, "note")))
        _tell(rows[-1], take.n_notes)
    _copies.tell_usual(index)
    say(f"Sampling: exact, from the posterior of all that was given; seed {request.seed}.")
    for licence in licences:
        say(f"Licence of the corpus: {licence}")
    facts, commands = [("Model", str(path))], _takes.commands(rows, request.seed, None)
    shown = page.write(f"Melodies over {request.given}", made_by, facts, commands)
    _takes.tell_next(rows, request.seed, wanted)
    return {"model": str(path), "held_out_copies": _copies.held_out(index), "page": shown, "files": rows}


def _given(text: str) -> Score | str:
    """The piece that --given names, or the chart that it is."""
    if not _names_music(text):
        return text
    music = open_corpus([text])
    if len(music) != 1:
        raise UsageError(f"--given got '{text}', which holds {len(music)} pieces; expected a file of one")
    return music[0].score


def _names_music(text: str) -> bool:
    """Whether --given is a file, a folder or a built-in corpus, and no chart."""
    from stochastic_music import io
    from stochastic_music.corpus.builtin import BUILTIN

    try:
        there = Path(text).exists()
    except OSError:  # too long for a name
        there = False
    named = "|" not in text and Path(text.splitlines()[0] if text else "").suffix.lower() in io.SUFFIXES
    return there or named or text in BUILTIN


def _tell(row: dict[str, Any], n_notes: int) -> None:
    say(f"{row['file']}: {plural(n_notes, 'note')}, {row['bits_per_note']:.2f} bits per note{_copies.of(row)}")
