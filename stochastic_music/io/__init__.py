"""Files in, scores out, and back.

    read(path)    every piece of a file, each with title and warnings      load(path)    the first piece's score
    save(score, path)                                                      read_provenance(path)

The suffix decides: `.mid .midi .kar .rmi` are read through symusic and mido, `.musicxml .mxl .xml .abc .krn` through
music21. What a `symusic.Score` has no place for travels as markers (`stochastic_music.music.marks`).
"""

from __future__ import annotations

import importlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stochastic_music.errors import UnreadableFileError, UsageError
from stochastic_music.io.loaded import LoadedScore, Started

if TYPE_CHECKING:
    from collections.abc import Sequence

    from symusic.core import ScoreTick

    from stochastic_music.music.notes import NoteTable

MIDI_SUFFIXES = (".mid", ".midi", ".kar", ".rmi")
NOTATION_SUFFIXES = (".musicxml", ".mxl", ".xml", ".abc", ".krn")
#: What `read` accepts.
SUFFIXES = (*MIDI_SUFFIXES, *NOTATION_SUFFIXES)
#: Bytes of memory that reading one file may take, unless told otherwise.
MEMORY_LIMIT = 2 * 10**9

#: bytes of memory that a reader takes for each byte of a file, measured on dense files and rounded up
_APPETITES = dict.fromkeys(SUFFIXES, 50) | {".abc": 100, ".krn": 500}


def read(path: str | os.PathLike[str], *, memory_limit: int = MEMORY_LIMIT) -> list[LoadedScore]:
    """Every piece of a music file.

    Raises UnreadableFileError: a reason a musician understands and, where there is one, what would accept the file.
    Files that would need more than `memory_limit` bytes to read are refused by their size.
    """
    suffix, data = _contents(os.fspath(path), memory_limit)
    if suffix in MIDI_SUFFIXES:
        from stochastic_music.io.midi import read_midi

        return read_midi(data)
    from stochastic_music.io.engraved import read_engraved

    return read_engraved(data, suffix, largest=memory_limit // _APPETITES[suffix])


def start(path: str | os.PathLike[str], *, memory_limit: int = MEMORY_LIMIT) -> Started | list[LoadedScore]:
    """The first half of `read` where the second is quicker for many files at once (`finish`); else all of it."""
    path = os.fspath(path)
    if _suffix(path) not in MIDI_SUFFIXES:
        return read(path, memory_limit=memory_limit)
    from stochastic_music.io.midi import read_midi, start_midi

    _, data = _contents(path, memory_limit)
    return start_midi(data) or read_midi(data)


def finish(started: Sequence[Started], table: NoteTable) -> list[LoadedScore | None]:
    """The second half: the one piece of each file, or None for a file that only `read` can put right.

    `table` holds the notes of the scores as `start` gave them; the pieces are those scores without empty tracks.
    Where the signs of a score are put right, so are those of the table.
    """
    from stochastic_music.io.midi import finish_midi

    return finish_midi(started, table)


def mend(started: Started) -> list[LoadedScore]:
    """What `read` gives for a file that `finish` leaves; raises UnreadableFileError."""
    from stochastic_music.io.midi import read_midi

    return read_midi(started.data)


def load(path: str | os.PathLike[str]) -> ScoreTick:
    """The score of the first piece of a music file; raises UnreadableFileError."""
    return read(path)[0].score


def save(score: ScoreTick, path: str | os.PathLike[str], *, provenance: str = "") -> None:
    """Write a score as MIDI (`.mid`) or engraved (`.musicxml`); `provenance` tells how it was made.

    Equal scores give equal bytes. Raises UsageError for another suffix.
    """
    path = Path(path)
    writers = {".mid": "midi:save_midi", ".midi": "midi:save_midi", ".musicxml": "engrave:write_musicxml"}
    if path.suffix.lower() not in writers:
        raise UsageError(f"cannot write '{path.name}': expected a name that ends in {', '.join(writers)}")
    _function(writers[path.suffix.lower()])(score, path, provenance=provenance)


def read_provenance(path: str | os.PathLike[str]) -> str:
    """How a file written by `save` says that it was made, an empty string where it says nothing."""
    path = Path(path)
    readers = {".mid": "midi:provenance", ".midi": "midi:provenance", ".musicxml": "engrave:provenance"}
    if path.suffix.lower() not in readers:
        return ""
    return str(_function(readers[path.suffix.lower()])(path.read_bytes()))


def score_to_bytes(score: ScoreTick) -> bytes:
    """A score as MIDI bytes that `score_from_bytes` gives back, for stores and fingerprints."""
    from stochastic_music.io import midi

    return midi.score_to_bytes(score)


def score_from_bytes(data: bytes) -> ScoreTick:
    """The inverse of `score_to_bytes`."""
    from stochastic_music.io import midi

    return midi.score_from_bytes(data)


def _contents(path: str, memory_limit: int) -> tuple[str, bytes]:
    suffix = _suffix(path)
    if suffix not in SUFFIXES:
        raise UnreadableFileError(
            f"'{Path(path).suffix.lower() or Path(path).name}' is not a kind of music file that can be read here",
            f"Readable: {' '.join(SUFFIXES)}",
        )
    return suffix, _bytes_of(path, memory_limit, _APPETITES[suffix])


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()  # noqa: PTH122 - it runs for every file of a corpus


def _bytes_of(path: str, memory_limit: int, appetite: int) -> bytes:
    try:
        status = os.stat(path)  # noqa: PTH116
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableFileError(f"this is a {'folder' if stat.S_ISDIR(status.st_mode) else 'device'}, not a file")
        size = status.st_size
        if size * appetite > memory_limit:
            needed = -(-size * appetite // 10**9)
            raise UnreadableFileError(
                f"the file is very large ({size / 1e6:.0f} MB) and would take about {needed} GB of memory to read",
                f"--memory-limit {needed}GB accepts it",
            )
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            return file.read()
    except OSError as error:
        known = _REFUSALS.get(type(error), (f"the system says: {error.strerror or error}", ""))
        raise UnreadableFileError(*known) from error


_REFUSALS: dict[type[OSError], tuple[str, str]] = {
    FileNotFoundError: ("there is no such file", "Check the name"),
    PermissionError: ("there is no permission to read it", "Give yourself permission to read it"),
}


def _function(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(f"{__name__}.{module}"), function)


__all__ = [
    "MEMORY_LIMIT",
    "MIDI_SUFFIXES",
    "NOTATION_SUFFIXES",
    "SUFFIXES",
    "LoadedScore",
    "Started",
    "finish",
    "load",
    "mend",
    "read",
    "read_provenance",
    "save",
    "score_from_bytes",
    "score_to_bytes",
    "start",
]
