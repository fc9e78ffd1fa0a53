# Names are strings here: they may be no valid Unicode, and there are many of them.
# ruff: noqa: PTH114, PTH116, PTH119, PTH122, PTH123
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

from stochastic_music.corpus.report import Skipped

#: Music that no reader here takes, and what does.
_FOREIGN = {
    **dict.fromkeys((".mscz", ".mscx"), "Open it in MuseScore and export it as MusicXML (.mxl)"),
    **dict.fromkeys((".sib", ".musx", ".mus", ".dorico", ".cap", ".capx", ".nwc", ".enc"), "Export it as MusicXML"),
    **dict.fromkeys((".gp", ".gp3", ".gp4", ".gp5", ".gpx", ".ptb", ".tg"), "Export it as MIDI or MusicXML"),
    **dict.fromkeys((".ly", ".mei"), "Convert it to MIDI or MusicXML"),
    **dict.fromkeys((".mod", ".xm", ".it", ".s3m"), "Export it as MIDI"),
    **dict.fromkeys(
        (".mp3", ".wav", ".flac", ".ogg", ".m4a", ".aiff"), "It is sound, not notes: transcribe it to MIDI"
    ),
}


@dataclass
class Found:
    """What a walk met: `files` to read with their sizes, files `skipped` unread, counts of `other` kinds of files."""

    files: list[tuple[str, int]] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)


def folded(path: str) -> tuple[str, str]:
    """The sorting key of a path, folder by folder.

    >>> sorted(["b.mid", "A/c.mid", "a.mid"], key=folded)
    ['A/c.mid', 'a.mid', 'b.mid']
    """
    plain = path if path.isascii() else unicodedata.normalize("NFC", path)
    return plain.casefold().replace(os.sep, "/").replace("/", "\0"), path


def scan_folder(folder: str, suffixes: Sequence[str]) -> Found:
    """Every file below `folder`, at any depth; links are followed, each folder is walked once."""
    found = Found()
    for path in _walk(folder, suffixes, found):
        _sort_in(path, suffixes, found)
    found.files.sort(key=lambda file: folded(file[0]))
    return found


def scan_files(paths: Sequence[str], suffixes: Sequence[str]) -> Found:
    """The files named, in the order given; a file asked for by name is never passed over in silence."""
    found = Found()
    for path in paths:
        _sort_in(path, suffixes, found)
        if found.other:
            found.other.clear()
            known = " ".join(sorted(suffixes))
            found.skipped.append(
                Skipped(path, "this is no kind of music file that can be read here", f"Readable: {known}")
            )
    return found


def _walk(folder: str, suffixes: Sequence[str], found: Found) -> Iterator[str]:
    """The files below `folder`; folders themselves come before links to them, so that files keep their own names."""
    seen: set[tuple[int, int]] = set()
    folders, linked = [folder], list[str]()
    while folders or linked:
        here = folders.pop() if folders else linked.pop(linked.index(min(linked, key=folded)))
        try:
            status = os.stat(here)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(here) as listing:
                entries = list(listing)
        except OSError as error:
            found.skipped.append(Skipped(here, "this folder may not be opened", _why(error)))
            continue
        for entry in entries:
            is_folder = _is_folder(entry)
            if is_folder:
                (linked if entry.is_symlink() else folders).append(entry.path)
            if not is_folder or _suffix(entry.path) in suffixes:
                yield entry.path


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _sort_in(path: str, suffixes: Sequence[str], found: Found) -> None:
    """Put one path where it belongs."""
    named_like_music = _suffix(path) in suffixes and not os.path.basename(path).startswith("._")
    try:
        status = os.stat(path)
    except OSError as error:
        if named_like_music:
            reason = "this link leads nowhere" if os.path.islink(path) else "there is no such file"
            found.skipped.append(Skipped(path, reason, _why(error)))
        else:
            found.other[_suffix(path)] += 1
        return
    if named_like_music and stat.S_ISREG(status.st_mode):
        found.files.append((path, status.st_size))
    elif named_like_music:
        found.skipped.append(Skipped(path, _what_it_is(status.st_mode), "Only files can be read"))
    elif stat.S_ISREG(status.st_mode) and (foreign := _foreign(path)):
        found.skipped.append(Skipped(path, *foreign))
    else:
        found.other[_suffix(path)] += 1


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _foreign(path: str) -> tuple[str, str] | None:
    """Why a file that looks like music cannot be read, and what to do; None if it does not look like music."""
    suffix = _suffix(path)
    if suffix in _FOREIGN:
        return f"{suffix} files cannot be read here", _FOREIGN[suffix]
    try:
        with open(path, "rb") as file:
            start = file.read(12)
    except OSError:
        return None
    real = ".mid" if start[:4] == b"MThd" else ".rmi" if start[:4] + start[8:] == b"RIFFRMID" else ""
    return ("it is a MIDI file under another name", f"Rename it to end in {real}") if real else None


def _what_it_is(mode: int) -> str:
    return "this is a folder named like a file" if stat.S_ISDIR(mode) else "this is a device or a pipe, not a file"


def _why(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "Give yourself permission to read it"
    return f"The system says: {error.strerror or error}"
