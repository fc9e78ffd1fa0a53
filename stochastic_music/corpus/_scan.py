"""Which files of a folder are music: a walk that loops, broken links and closed doors cannot stop.

The order is that of the paths with letters folded and accents composed, so that it is the same on every system.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from stochastic_music.corpus.report import Skipped

#: Music that no reader here takes, and what does.
_FOREIGN = {
    **dict.fromkeys((".mscz", ".mscx"), "open it in MuseScore and export it as MusicXML (.mxl)"),
    **dict.fromkeys((".sib", ".musx", ".mus", ".dorico", ".cap", ".capx", ".nwc", ".enc"), "export it as MusicXML"),
    **dict.fromkeys((".gp", ".gp3", ".gp4", ".gp5", ".gpx", ".ptb", ".tg"), "export it as MIDI or MusicXML"),
    **dict.fromkeys((".ly", ".mei"), "convert it to MIDI or MusicXML"),
    **dict.fromkeys((".mod", ".xm", ".it", ".s3m"), "export it as MIDI"),
    **dict.fromkeys((".mp3", ".wav", ".flac", ".ogg", ".m4a", ".aiff"), "transcribe it to MIDI: this is sound, not notes"),
}
#: How music files begin, whatever they are called.
_MAGIC = {b"MThd": ".mid", b"RIFF": ".rmi"}
_CLOSED_FOLDER = "this folder may not be opened"


@dataclass
class Found:
    """What a walk met: `files` to read with their sizes, files `skipped` unread, and how many are `other` than music."""

    files: list[tuple[str, int]] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)

    def in_order(self) -> Found:
        """The same, sorted."""
        return Found(
            sorted(self.files, key=lambda item: folded(item[0])),
            sorted(self.skipped, key=lambda item: folded(item.file)),
            self.other,
        )


def folded(path: str) -> tuple[tuple[str, ...], str]:
    """The sorting key of a path.

    >>> sorted(["b.mid", "A/c.mid", "a.mid"], key=folded)
    ['A/c.mid', 'a.mid', 'b.mid']
    """
    parts = PurePath(path).parts
    return tuple(unicodedata.normalize("NFC", part).casefold() for part in parts), path


def scan_folder(folder: str, suffixes: Sequence[str]) -> Found:
    """Every file below `folder`, at any depth; links are followed, each folder is walked once."""
    found = Found()
    for path in _walk(folder, found, set()):
        _sort_in(path, suffixes, found)
    return found.in_order()


def scan_files(paths: Sequence[str], suffixes: Sequence[str]) -> Found:
    """The files named, in the order given; a file asked for by name is never passed over in silence."""
    found = Found()
    for path in paths:
        before = found.other.total()
        _sort_in(path, suffixes, found)
        if found.other.total() > before:
            found.other.clear()
            known = " ".join(sorted(suffixes))
            found.skipped.append(Skipped(path, "this is no music file that can be read here", f"readable: {known}"))
    return found


def _walk(folder: str, found: Found, seen: set[tuple[int, int]]) -> Iterator[str]:
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            status = os.stat(here)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(here) as entries:
                items = [(entry.path, _is_folder(entry)) for entry in entries]
        except OSError as error:
            found.skipped.append(Skipped(here, _CLOSED_FOLDER, _why(error)))
            continue
        waiting += [path for path, is_folder in items if is_folder]
        yield from (path for path, is_folder in items if not is_folder)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _sort_in(path: str, suffixes: Sequence[str], found: Found) -> None:
    name = os.path.basename(path)
    suffix = os.path.splitext(name)[1].lower()
    try:
        status = os.stat(path)
    except OSError as error:
        if suffix in suffixes:
            reason = "this link leads nowhere" if os.path.islink(path) else "there is no such file"
            found.skipped.append(Skipped(path, reason, _why(error)))
        else:
            found.other[suffix] += 1
        return
    if suffix in suffixes and not name.startswith("._"):
        if stat.S_ISREG(status.st_mode):
            found.files.append((path, status.st_size))
        else:
            found.skipped.append(Skipped(path, _what_instead(status.st_mode), "remove it, or give its files"))
    elif remedy := _FOREIGN.get(suffix):
        found.skipped.append(Skipped(path, f"{suffix} files are music that cannot be read here", remedy))
    elif (real := _begins_like(path, status.st_mode)) and real != suffix:
        found.skipped.append(Skipped(path, "this looks like a MIDI file under another name", f"rename it to end in {real}"))
    else:
        found.other[suffix] += 1


def _begins_like(path: str, mode: int) -> str:
    if not stat.S_ISREG(mode):
        return ""
    try:
        with open(path, "rb") as file:
            start = file.read(12)
    except OSError:
        return ""
    real = _MAGIC.get(start[:4], "")
    return real if real != ".rmi" or start[8:] == b"RMID" else ""


def _what_instead(mode: int) -> str:
    return "this is a folder, not a file" if stat.S_ISDIR(mode) else "this is a device or a pipe, not a file"


def _why(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "give yourself permission to read it"
    return f"the system says: {error.strerror or error}"
