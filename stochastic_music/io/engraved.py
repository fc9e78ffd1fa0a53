"""Notation files through music21: MusicXML (`.musicxml .xml .mxl`), ABC (`.abc`) and Humdrum kern (`.krn`).

One file may hold many pieces. How streams become scores is told in `_streams`, what is done for safety in `_texts`.
music21 is imported with the first file; what it warns of stays inside.
"""

from __future__ import annotations

import contextlib
import io
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

from stochastic_music._optional import require
from stochastic_music.errors import UnreadableFileError
from stochastic_music.io import _drum_keys, _texts
from stochastic_music.io._streams import load_stream
from stochastic_music.io.loaded import LoadedScore

_EXPORT_AGAIN = "Open it in a notation program and export it again"
_LARGEST = 20 * 10**6


def read_engraved(data: bytes, suffix: str, *, largest: int = _LARGEST) -> list[LoadedScore]:
    """The pieces of a notation file of one of the suffixes above; `largest` bounds what an archive may unpack to."""
    if not data.strip():
        raise UnreadableFileError(f"the file is empty ({len(data)} bytes)", "Copy or download it again")
    if suffix == ".abc":
        return _read_abc(_texts.decode(data))
    if suffix == ".krn":
        return _read_kern(_texts.decode(data))
    return _read_musicxml(_texts.unpack_mxl(data, largest) if data[:2] == b"PK" else data)


def to_stream(data: bytes) -> Any:
    """What music21 makes of a MusicXML file of ours: a stream."""
    with _quiet("MusicXML"):
        return _imported(_texts.parse_xml(data))


def read_stream(stream: Any) -> LoadedScore:
    """A music21 stream as a score; raises UnreadableFileError where it holds no notes."""
    with _quiet("stream"):
        return load_stream(stream)


def _read_musicxml(data: bytes) -> list[LoadedScore]:
    root = _texts.parse_xml(data)
    if root.tag != "score-partwise":
        what = (
            "MusicXML of the time-wise kind"
            if root.tag == "score-timewise"
            else f"XML, but not MusicXML (<{root.tag}>)"
        )
        raise UnreadableFileError(f"this is {what}", _EXPORT_AGAIN + " as part-wise MusicXML")
    with _quiet("MusicXML"):
        return _load_all(_imported(root))


def _imported(root: ET.Element) -> Any:
    importer = require("music21.musicxml.xmlToM21").MusicXMLImporter()
    has_drums = _drum_keys.mark(root)
    importer.xmlRootToScore(root, importer.stream)  # staves of one part are put there, and nowhere else
    if has_drums:
        _drum_keys.restore(importer.stream)
    return importer.stream


def _read_kern(text: str) -> list[LoadedScore]:
    if "**kern" not in text:
        raise UnreadableFileError("it has no **kern spine, so there is no music in it", "Check what it really is")
    with _quiet("kern"):
        parser = require("music21.humdrum.spineParser").HumdrumDataCollection(_texts.phrases_as_fermatas(text))
        return _load_all(parser.parse() or parser.stream)


def _read_abc(text: str) -> list[LoadedScore]:
    tunes = _texts.split_tunes(text)
    read: list[LoadedScore] = []
    failed: list[tuple[str, UnreadableFileError]] = []
    for tune in tunes:
        try:
            read.append(_read_tune(tune, tune.number if len(tunes) > 1 else ""))
        except UnreadableFileError as error:
            failed.append((tune.number, error))
    if not read:
        raise failed[0][1]
    lost = tuple(f"tune {number} could not be read ({error.reason})" for number, error in failed)
    return [read[0]._replace(warnings=read[0].warnings + lost), *read[1:]]


def _read_tune(tune: _texts.Tune, name: str) -> LoadedScore:
    with _quiet("ABC"):
        handler = require("music21.abcFormat").ABCFile().readstr(tune.text)
        stream = require("music21.abcFormat.translate").abcToStreamScore(handler)
        return load_stream(stream, tune=name, phrase_lengths=tune.phrase_lengths)


def _load_all(stream: Any) -> list[LoadedScore]:
    if "Opus" not in stream.classes:
        return [load_stream(stream)]
    return [load_stream(score, tune=str(i)) for i, score in enumerate(stream.scores, 1)]


@contextlib.contextmanager
def _quiet(kind: str) -> Iterator[None]:
    """Keep music21's warnings to itself, and turn what it stumbles over into an UnreadableFileError."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            yield
        except (UnreadableFileError, ImportError, MemoryError):
            raise
        except Exception as error:  # music21 fails in as many ways as files do
            words = " ".join(str(error).split())[:120]
            raise UnreadableFileError(
                f"the {kind} makes no sense to music21 ({type(error).__name__}{': ' if words else ''}{words})",
                _EXPORT_AGAIN,
            ) from error
