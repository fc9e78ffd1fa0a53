"""What composing verbs share: how takes are to sound, how original they are, and what is told of them."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stochastic_music.cli import _copies, _formats
from stochastic_music.cli._common import again, plural, say
from stochastic_music.errors import UsageError

if TYPE_CHECKING:
    from stochastic_music.pipeline import Pipeline, Take
    from stochastic_music.sampling import Sample

#: of more takes than these the first are told one by one, the rest in sum
_TOLD = 10


def span(text: str, middle_c: str) -> tuple[int, int]:
    """The two pitches of --range, as MIDI numbers."""
    from stochastic_music.tokens import pitch_number

    low, colon, high = text.partition(":")
    if not colon:
        raise UsageError(f"--range got '{text}'; expected two pitches, for example C4:A5")
    lowest, highest = pitch_number(low, middle_c=middle_c), pitch_number(high, middle_c=middle_c)
    if lowest > highest:
        raise UsageError(f"--range got '{text}'; the low end is above the high end: swap them")
    return lowest, highest


def set_tempo(score: Any, tempo: float) -> None:
    from symusic import Tempo

    score.tempos = [Tempo(0, qpm=tempo)]


def set_instrument(score: Any, instrument: str, only: int | None = None) -> None:
    from stochastic_music.music.instruments import program_number

    number = program_number(instrument)
    for i, track in enumerate(score.tracks):
        if not track.is_drum and only in (None, i):
            track.program = number


def shift_to_key(pipeline: Pipeline, key: str | None) -> int | None:
    """How far to move what comes out so that it is in `key`; None where each take must be heard first."""
    from stochastic_music.music.keys import parse_key, semitones_to_common

    if key is None:
        return 0
    return -semitones_to_common(parse_key(key)) if pipeline.transpose == "common" else None


def in_key(score: Any, key: str | None, shift: int | None) -> Any:
    """The score moved to `key`, which is then printed: by `shift` semitones, or from the key that it is heard in."""
    from stochastic_music.music.keys import mark_key, parse_key, transpose, transpose_to_key

    if key is None:
        return score
    if shift is None:
        return transpose_to_key(score, key)
    moved = transpose(score, shift)
    moved.key_signatures.clear()
    moved.markers.filter(lambda marker: not marker.text.startswith("key:"))
    mark_key(moved, parse_key(key))
    return moved


def row(take: Take, files: list[Path], seed: int, more: dict[str, Any]) -> dict[str, Any]:
    """What --json says of a take that was written to `files`, MIDI first."""
    first, *further = map(str, files)
    sample = take.sample
    walked = {"acceptance": round(sample.acceptance or 0.0, 4)} if sample.guarantee == "metropolis" else {}
    return {
        "file": first,
        "also": further,
        "seed": seed,
        "bits_per_note": bits(take),
        **more,
        "guarantee": sample.guarantee,
        "capped": sample.capped,
        "drawn_again": take.redrawn,
        **walked,
    }


def copies(pipeline: Pipeline, takes: list[Take]) -> list[dict[str, Any]]:
    """What of the new notes of each take the corpus has, as `_copies.row` tells it."""
    from stochastic_music.pipeline.originals import new_lines

    index = pipeline.originality()
    samples = [replace(take.sample, symbols=take.piece.symbols) for take in takes]
    return [_copies.row(index, new_lines(pipeline.vocabulary_, sample)) for sample in samples]


def tell(rows: list[dict[str, Any]], takes: list[Take], pipeline: Pipeline, seed: int, sized: int | str | None) -> None:
    for row, take in zip(rows[:_TOLD], takes[:_TOLD], strict=True):
        cut = "; CUT at the cap, without an ending" if row["capped"] else ""
        say(f"{row['file']}: {_notes_of(take)}{_surprise(row)}{_copies.of(row)}{cut}")
    _tell_more(rows[_TOLD:])
    _copies.tell(pipeline)
    _copies.tell_redrawn(pipeline, takes, rows)
    kinds = sorted({row["guarantee"] for row in rows})
    say(f"Sampling: {', '.join(kinds)}; seed {seed}.")
    if "particle" in kinds:
        say(_of_crowds([take.sample for take in takes if take.sample.guarantee == "particle"]))
    if any(row["bits_per_note"] is None for row in rows):
        say(
            "Metropolis: what was asked for holds in every take. A chain of small changes walked from a piece that a "
            "Markov model began to what this model holds likely; it has no bits per note, for it only compares pieces."
        )
    if "greedy" in kinds:
        say(
            "Greedy: what was asked for holds, but was met note by note; exact conditioning is for models of finite "
            "memory, and would be too large here or does not exist (a lower order may do)."
        )
    if sized is None:
        begun = takes[0].sample.n_given // pipeline.vocabulary_.n_fields
        least, most = max(pipeline.card_["least_events"], begun + 1), pipeline.card_["most_events"] + begun
        shortest = "" if begun >= pipeline.card_["least_events"] else " (the corpus's shortest piece)"
        noun = "notes" if pipeline.encoding.name == "melody" else "events"
        say(
            f"The model ends each piece, after {least} {noun}{shortest} at the earliest "
            f"and {most} at the latest; ask for --bars N or --length N to choose."
        )
    for licence in pipeline.card_.get("licences", []):
        say(f"Licence of the corpus: {licence}")


def tell_next(rows: Sequence[Mapping[str, Any]], seed: int, wanted: _formats.Wanted) -> None:
    """What to do next: see how a take was made, and hear them all where there is no page yet."""
    say(f"\nHow one was made: stochmusic info {shlex.quote(rows[0]['file'])}")
    if not wanted.page:
        say(f"Hear and see them: {again(seed=seed, also=','.join([*wanted.formats, 'page']))} --open")


def facts(pipeline: Pipeline, name: str) -> list[tuple[str, str]]:
    """What a model is, and what it learned from, for a page."""
    from stochastic_music import registry

    card, kind = pipeline.card_, registry.name_of("models", pipeline.model)
    learned = f"{plural(card['n_pieces'], 'piece')}, {plural(card['n_notes'], 'note')}"
    return [("Model", f"{name}: {kind}, which reads music as {pipeline.encoding.name}"), ("Learned from", learned)]


def commands(rows: Sequence[Mapping[str, Any]], seed: int, model: Path | None) -> list[tuple[str, str]]:
    """What to do next, for a page; `model` is a file that can explain the takes."""
    first = shlex.quote(rows[0]["file"])
    why = (
        [("Why the notes of take 1 came", f"stochmusic explain {first} -m {shlex.quote(str(model))}")] if model else []
    )
    return [("More takes", again(seed=seed + 1)), *why, ("How take 1 was made", f"stochmusic info {first}")]


def _tell_more(rows: list[dict[str, Any]]) -> None:
    """The takes that have no line of their own, in sum."""
    if not rows:
        return
    cut = sum(row["capped"] for row in rows)
    longest = max(rows, key=lambda row: row["longest_copy"]["length"] if row["longest_copy"] else 0)
    copied = _copies.of(longest)
    at_worst = f"{copied}, in {longest['file']}" if copied else ""
    say(f"... and {len(rows):,} more{f'; {cut:,} CUT at the cap, without an ending' if cut else ''}{at_worst}")


def bits(take: Take) -> float | None:
    """Its bits per note, None where the model has no probability of a piece."""
    return None if math.isnan(take.bits_per_note) else round(take.bits_per_note, 4)


def _surprise(row: dict[str, Any]) -> str:
    return "" if row["bits_per_note"] is None else f", {row['bits_per_note']:.2f} bits per note"


def _of_crowds(samples: list[Sample]) -> str:
    """How particles were drawn, in words."""
    least = min(sample.effective or 1 for sample in samples)
    accepted = [sample.acceptance for sample in samples if sample.acceptance is not None]
    corrected = f", and corrected by Metropolis ({sum(accepted) / len(accepted):.0%} accepted)" if accepted else ""
    return (
        "Particle: what was asked for holds in every take. Each was chosen from a crowd that grew towards it "
        f"(effective size {least:.0f} or more){corrected}; that comes near to conditioning but is not exact."
    )


def _notes_of(take: Take) -> str:
    """How many notes there are, and how many of them were there before, in words."""
    from stochastic_music.pipeline.revisions import Revision

    if isinstance(take, Revision):
        return plural(len(take.new.onset), "new note")
    given = f", the first {take.n_given} of them given" if take.n_given else ""
    return plural(sum(len(track.notes) for track in take.score.tracks), "note") + given
