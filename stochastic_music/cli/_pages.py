"""--also page: one listening page for all pieces of a call, with all that is known of them.

A page holds the first pieces of a call, as many as a browser shows without waiting, and says so where there are more.
What it says of a take is what --json says of it (a *row*), in words. It carries how it was made as a comment.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from stochastic_music._files import write_new
from stochastic_music.cli import _copies, _formats
from stochastic_music.cli._common import say
from stochastic_music.cli._formats import Music

if TYPE_CHECKING:
    from stochastic_music.protocols import FloatArray

#: a page holds so many pieces
MOST = 24
_COMMENT = "<!-- stochastic_music: "
#: what each way of sampling promises, in a few words
_GUARANTEES = {
    "exact": "exact: drawn from the model, conditioned on all that was asked for",
    "exact over candidates": "exact, over the likeliest voicings of each beat",
    "particle": "particle: all that was asked for holds, and a crowd came near to conditioning",
    "metropolis": "metropolis: all that was asked for holds, and a chain of small changes walked here",
    "greedy": "greedy: all that was asked for holds, and was met note by note",
}

#: a term and its description
Fact = tuple[str, str]
#: scores -> the bits of their notes, as `Pipeline.surprises` gives them
Surprise = Callable[[Sequence[Any]], Sequence[Sequence["FloatArray"] | None]]


class Entry(NamedTuple):
    """A piece of a page: its name, its music, what its files are called, what is known of it, and remarks."""

    name: str
    music: Music
    stem: str
    facts: Sequence[Fact] = ()
    notes: Sequence[str] = ()


@dataclass
class Takes:
    """The page of some takes: `add` each as it is written, then `write`; nothing where no page is wanted.

    `before` are pieces that come first, such as the original. `surprise` tells how much notes surprise, None where the
    model cannot.
    """

    wanted: _formats.Wanted
    path: Path
    before: Sequence[Entry] = ()
    surprise: Surprise | None = None
    entries: list[Entry] = field(default_factory=list)
    n: int = 0

    def add(self, music: Music, row: Mapping[str, Any], *facts: Fact) -> None:
        """One more take; beyond the first few it is only counted."""
        self.n += 1
        if self.wanted.page and self.n <= MOST:
            self.entries.append(Entry(f"Take {self.n}", music, Path(row["file"]).stem, [*facts, *facts_of(row)]))

    def write(self, title: str, made_by: str, facts: Sequence[Fact] = (), commands: Sequence[Fact] = ()) -> str | None:
        """Write the page, and say where it is; its name, None where no page is wanted."""
        if not self.wanted.page:
            return None
        lead = f"The first {MOST} of {self.n:,} takes; all are in the folder of this page." if self.n > MOST else ""
        entries = colored([*self.before, *self.entries], self.surprise)
        data = page(title, entries, made_by, lead=lead, facts=facts, commands=commands)
        write_new(self.path, data, force=self.wanted.force)
        say(f"To hear and see them: {self.path}")
        return str(self.path)


def colored(entries: Sequence[Entry], surprise: Surprise | None) -> list[Entry]:
    """Entries with the bits of their notes; where there is a model that tells none of a piece, a remark says so."""
    if surprise is None:
        return list(entries)
    told = surprise([entry.music.score for entry in entries])
    return [
        entry._replace(notes=[*entry.notes, "The model tells no surprise of its single notes."])
        if bits is None
        else entry._replace(music=replace(entry.music, bits=bits))
        for entry, bits in zip(entries, told, strict=True)
    ]


def page(
    title: str,
    entries: Sequence[Entry],
    made_by: str,
    *,
    lead: str = "",
    facts: Sequence[Fact] = (),
    commands: Sequence[Fact] = (),
    colored: bool = False,
) -> bytes:
    """A listening page, with MIDI and MusicXML of each piece to download; `made_by` is its provenance."""
    from stochastic_music.reports.pages.listening import listening_page

    facts = [*facts, *origin(json.loads(made_by))]
    heard = list(map(_heard, entries))
    text = listening_page(title, heard, facts=facts, commands=commands, lead=lead, colored=colored)
    # no text of a comment may end it, and within a string of JSON a sign may be written by its number
    safe = made_by.replace("--", "-\\u002d").replace(">", "\\u003e")
    return f"{text}{_COMMENT}{safe} -->\n".encode()


def provenance(data: bytes) -> str:
    """How a page says that it was made, '' where it says nothing."""
    _, mark, rest = data.decode("utf-8", "replace").rpartition(_COMMENT)
    return rest.partition(" -->")[0] if mark else ""


def _heard(entry: Entry) -> Any:
    from stochastic_music.reports.pages.listening import Heard

    plain = replace(entry.music, bits=None, title=entry.stem)
    files = [(path.name, data) for path, data in _formats.drafts(plain, Path(entry.stem), ("mid", "musicxml")).items()]
    return Heard(entry.name, entry.music.score, entry.music.bits, entry.facts, files, entry.notes)


def facts_of(row: Mapping[str, Any]) -> list[Fact]:
    """What is known of a take, in words: what --json has of it."""
    found = [("File", Path(row["file"]).name)]
    if row.get("bits_per_note") is not None:
        found.append(("Surprise", f"{row['bits_per_note']:.2f} bits per note, rhythm and ending among it"))
    if "nats_per_beat" in row:
        found.append(("Surprise", f"{row['nats_per_beat']:.2f} nats per beat, of chords and voices"))
    if copy := _copies.longest(row):
        found.append(("Longest copy", copy))
    found.append(("Sampling", _GUARANTEES.get(row["guarantee"], row["guarantee"])))
    if row.get("capped"):
        found.append(("Ending", "none: cut at the cap"))
    return found


def origin(made_by: Mapping[str, Any]) -> list[Fact]:
    """How all pieces of a page were made, of their provenance."""
    named = {"seed": "Seed", "piece": "Piece", "given": "Given"}
    found = [(term, str(made_by[key])) for key, term in named.items() if key in made_by]
    found += [("Licence", licence) for licence in made_by.get("licences", [])]
    return [*found, ("Made by", f"stochastic_music {made_by['stochastic_music']}"), ("Command", made_by["command"])]
