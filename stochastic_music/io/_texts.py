"""Notation files as text: unpacked, decoded, made safe and split into pieces before any parser sees them.

MusicXML comes plain or as `.mxl`, a zip archive whose `META-INF/container.xml` names the score. XML that declares
entities is refused: they can swell a few bytes to gigabytes, or reach for other files. ABC files hold tunes that begin
with `X:`; each takes the lines before the first of them along. In kern, a phrase ends at `}`.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import NamedTuple
from xml.etree import ElementTree as ET

from stochastic_music.errors import UnreadableFileError

_EXPORT_AGAIN = "Open it in a notation program and export it again"
_DECLARED = re.compile(rb"<\?xml[^>]*encoding=[\"']([A-Za-z0-9._-]+)[\"']")
_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}

#: What in a line of ABC is no note: comments, chord names and annotations, grace notes, decorations, inline fields.
_ABC_NOT_NOTES = re.compile(r"%.*|\"[^\"]*\"|\{[^}]*\}|![^!\s]*!|\+[^+\s]*\+|\[[A-Za-z]:[^\]]*\]")
_ABC_CHORD = re.compile(r"\[[^\]|]*[A-Ga-g][^\]|]*?(-?)\]")
#: A tie and the note it leads to, which may stand in the next line.
_ABC_TIED = re.compile(r"-([^A-Ga-gxz]*)[A-Ga-g]")
_ABC_FIELD = re.compile(r"[A-Za-z+]:")


class Tune(NamedTuple):
    """A tune of an ABC file: its number, its text, and how many notes each of its phrases has."""

    number: str
    text: str
    phrase_lengths: tuple[int, ...]


def unpack_mxl(data: bytes, largest: int) -> bytes:
    """The score within an `.mxl` archive; raises UnreadableFileError where it is damaged or beyond `largest` bytes."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            info = archive.getinfo(_score_name(archive, largest))
            return _read_member(archive, info, largest)
    except UnreadableFileError:
        raise
    except Exception as error:  # zip archives break in many ways
        raise UnreadableFileError(f"the .mxl archive is damaged ({type(error).__name__})", _EXPORT_AGAIN) from error


def _score_name(archive: zipfile.ZipFile, largest: int) -> str:
    names = [
        n for n in archive.namelist() if n.lower().endswith((".xml", ".musicxml")) and not n.startswith("META-INF")
    ]
    if "META-INF/container.xml" in archive.namelist():
        container = parse_xml(_read_member(archive, archive.getinfo("META-INF/container.xml"), largest))
        named = [e.get("full-path", "") for e in container.iter() if e.tag.endswith("rootfile")]
        names = [n for n in named if n in archive.namelist()] + names
    if not names:
        raise UnreadableFileError("the .mxl archive holds no score", _EXPORT_AGAIN)
    return names[0]


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, largest: int) -> bytes:
    with archive.open(info) as member:
        data = member.read(largest + 1)
    if len(data) > largest:
        raise UnreadableFileError(
            f"the .mxl archive unpacks to more than {largest / 1e6:.0f} MB", "--memory-limit raises what may be read"
        )
    return data


def parse_xml(data: bytes) -> ET.Element:
    """The root of an XML document that declares no entities; raises UnreadableFileError for any other."""
    if "<!ENTITY" in decode(data):
        raise UnreadableFileError(
            "the XML declares entities, which music does not need and attackers use", _EXPORT_AGAIN
        )
    try:
        return ET.fromstring(data)  # noqa: S314 - entities were refused above
    except (ET.ParseError, ValueError, LookupError) as error:
        raise UnreadableFileError(f"the XML is damaged ({error})", _EXPORT_AGAIN) from error


def decode(data: bytes) -> str:
    """Text of unknown encoding: by its byte order mark or XML declaration, else UTF-8, else Latin-1."""
    declared = _DECLARED.match(data[:200])
    guesses = [
        _BYTE_ORDER_MARKS.get(data[:2]),
        _BYTE_ORDER_MARKS.get(data[:3]),
        declared and declared[1].decode(),
        "utf-8",
    ]
    for encoding in filter(None, guesses):
        try:
            return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("latin-1")


def split_tunes(text: str) -> list[Tune]:
    r"""The tunes of an ABC file.

    >>> [(t.number, t.phrase_lengths) for t in split_tunes('X:1\nK:C\nCDE [CE]z|\n"Am"{g}A2|]\n\nX:7\nK:C\nC|')]
    [('1', (4, 1)), ('7', (1,))]
    """
    head, *bodies = re.split(r"(?m)^(?=X:)", text.replace("\r\n", "\n").replace("\r", "\n"))
    if not bodies:
        return [Tune("", head, _phrase_lengths(head))]
    shared = "".join(line for line in head.splitlines(keepends=True) if _ABC_FIELD.match(line) or line.startswith("%%"))
    return [Tune(_number(body), _with_shared(body, shared), _phrase_lengths(body)) for body in bodies]


def _number(body: str) -> str:
    return body.partition("\n")[0].removeprefix("X:").partition("%")[0].strip()


def _with_shared(body: str, shared: str) -> str:
    first, _, rest = body.partition("\n")
    return f"{first}\n{shared}{rest}"


def _phrase_lengths(body: str) -> tuple[int, ...]:
    """Notes in each line of music, tied ones as one and chords as one; none where several voices share the tune."""
    if len(set(re.findall(r"(?m)(?:^|\[)V:\s*(\w+)", body))) > 1:
        return ()
    lines = [_ABC_NOT_NOTES.sub("", line) for line in body.splitlines() if not _ABC_FIELD.match(line)]
    music = "\n".join(line.rstrip() for line in lines).replace("\\\n", "")
    music = _ABC_TIED.sub(r"\1", _ABC_CHORD.sub(r"C\1", music))
    counts = (sum(letter in "ABCDEFGabcdefg" for letter in line) for line in music.splitlines())
    return tuple(filter(None, counts))


def phrases_as_fermatas(text: str) -> str:
    r"""Kern text with a fermata wherever a phrase ends: the one mark of an ending that parsers keep.

    >>> phrases_as_fermatas("**kern\n!! a } in a comment\n4g}")
    '**kern\n!! a } in a comment\n4g;'
    """
    lines = [line if line[:1] in ("!", "*", "=") else line.replace("}", ";") for line in text.splitlines()]
    return "\n".join(lines)
