"""Corpora that come inside the music21 package [1], parsed once and kept in the user's cache folder.

They are found without importing music21, and never shipped with this package: some may not be used for money. What is
kept is filed under the name, the source code of the readers, the version of music21 and the content of the files, so
that it is made again whenever one of these changes. Nothing is taken out of a built-in corpus: equal pieces stay.

[1] M. S. Cuthbert, C. Ariza. music21: a toolkit for computer-aided musicology and symbolic music data. ISMIR 2010.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from stochastic_music import _optional
from stochastic_music.corpus import _store, ingest
from stochastic_music.corpus._cache import cached
from stochastic_music.corpus._pool import Limits
from stochastic_music.corpus._scan import folded
from stochastic_music.corpus.piece import HeldPiece
from stochastic_music.corpus.report import IngestReport, counted
from stochastic_music.errors import UnknownNameError
from stochastic_music.protocols import Progress

_log = logging.getLogger(__name__)

_BACH = (
    "The music is in the public domain; the encodings come with music21, whose corpus is free to use unless a "
    "file says otherwise (music21 corpus/license.txt)"
)
_ANALYSED = (
    f"{_BACH}. The analyses of Riemenschneider 1 to 20 are by Dmitri Tymoczko and Andrew Jones, proofread by Hamish "
    "Robb and Dmitri Tymoczko; they come with music21, without a licence of their own"
)
_TUNES = (
    "The tunes are traditional, the transcribers are named in the files; the encodings come with music21, whose "
    "corpus is free to use unless a file says otherwise (music21 corpus/license.txt)"
)
_ESSEN = (
    "NON-COMMERCIAL use only: Essen Folksong Collection, H. Schaffrath and E. Dahlig-Turek; ABC by S. Schlien "
    "(music21 corpus/essenFolksong/license.txt)"
)
_PALESTRINA = (
    "The music is in the public domain; the encodings are copyright 2000 John Miller, rights to derivative electronic "
    "formats reserved, distributed with music21 (see the !!!YEM records of its files)"
)
_SECONDS_A_FILE = 600.0


@dataclass(frozen=True)
class BuiltinCorpus:
    """A corpus inside music21: the files of `folder` that match one of `patterns` and none of `but`.

    `melody` says that of each piece only the part with the tune is taken, `analyses` names the folder of Roman-numeral
    texts that belong to the scores.
    """

    name: str
    folder: str
    n_pieces: int
    description: str
    licence: str
    patterns: tuple[str, ...]
    but: tuple[str, ...] = ()
    melody: bool = False
    analyses: str = ""

    def analysis_files(self) -> dict[str, Path]:
        """The Roman-numeral text of each score that has one, by the score's name; empty for most corpora."""
        folder = music21_corpus() / self.analyses
        return {score: folder / text for score, text in _ANALYSES.items()} if self.analyses else {}

    def files(self) -> list[Path]:
        """The files, in the order of the corpus; raises MissingExtraError without music21."""
        folder = music21_corpus() / self.folder
        return sorted((path for path in folder.iterdir() if self._takes(path.name)), key=lambda path: folded(path.name))

    def to_json(self) -> dict[str, Any]:
        """What `stochmusic corpus list` shows."""
        return {name: getattr(self, name) for name in ("name", "n_pieces", "description", "licence")}

    def _takes(self, name: str) -> bool:
        return any(fnmatch(name, p) for p in self.patterns) and not any(fnmatch(name, p) for p in self.but)


#: score -> its analysis; the edition of each score is that whose bars the analysis counts
_ANALYSES = {
    f"bwv{bwv}": f"riemenschneider{number:03d}.rntxt"
    for number, bwv in enumerate(
        (
            "269.mxl", "347.mxl", "153.1.mxl", "86.6.mxl", "267.mxl", "281.mxl", "17.7.mxl", "40.8.mxl", "248.12-2.mxl",
            "38.6.mxl", "41.6.mxl", "65.2.mxl", "33.6.mxl", "184.5.mxl", "277.krn", "311.mxl", "145.5.mxl", "318.mxl",
            "351.mxl", "302.mxl",
        ),
        start=1,
    )
}  # fmt: skip
_CHORALES = tuple(f"bwv{number}.mxl" for number in range(253, 439))

#: by name, in the order of `corpus list`
BUILTIN = {
    corpus.name: corpus
    for corpus in (
        BuiltinCorpus(
            "bach-chorales",
            "bach",
            409,
            "Four-part chorales by J. S. Bach",
            _BACH,
            ("bwv*.mxl", "bwv*.xml"),
            ("bwv846.*",),
        ),
        BuiltinCorpus(
            "bach-sopranos", "bach", 186, "Soprano parts of the chorales BWV 253 to 438", _BACH, _CHORALES, melody=True
        ),
        BuiltinCorpus(
            "bach-analyses",
            "bach",
            20,
            "Chorales by J. S. Bach with Roman-numeral analyses, for fit --task chords",
            _ANALYSED,
            tuple(_ANALYSES),
            analyses="bach/choraleAnalyses",
        ),
        BuiltinCorpus(
            "essen-kinder", "essenFolksong", 213, "German children's songs, with phrases", _ESSEN, ("kinder0.abc",)
        ),
        BuiltinCorpus(
            "essen", "essenFolksong", 8514, "The Essen Folksong Collection, with phrases", _ESSEN, ("*.abc",)
        ),
        BuiltinCorpus("oneills", "oneills1850", 2009, "Irish tunes, O'Neill's Music of Ireland", _TUNES, ("*.abc",)),
        BuiltinCorpus(
            "palestrina", "palestrina", 1318, "Mass movements by G. P. da Palestrina", _PALESTRINA, ("*.krn",)
        ),
        BuiltinCorpus(
            "ryans-mammoth", "ryansMammoth", 1059, "Fiddle tunes, Ryan's Mammoth Collection", _TUNES, ("*.abc",)
        ),
    )
}


def builtin_corpora() -> list[BuiltinCorpus]:
    """Every built-in corpus."""
    return list(BUILTIN.values())


def music21_corpus() -> Path:
    """The folder of music21's corpus, found without importing music21; raises MissingExtraError without it."""
    spec = importlib.util.find_spec("music21")
    if spec is None or spec.origin is None:
        _optional.require("music21")
        raise AssertionError("music21 can be imported but not found")
    return Path(spec.origin).parent / "corpus"


def open_builtin(
    name: str, *, workers: int | None = None, progress: Progress | None = None
) -> tuple[list[HeldPiece], IngestReport]:
    """The pieces of a built-in corpus, from the cache where they are there; raises UnknownNameError."""
    if name not in BUILTIN:
        raise UnknownNameError("corpus", name, BUILTIN)
    corpus = BUILTIN[name]
    files = corpus.files()
    opened: list[tuple[list[HeldPiece], IngestReport]] = []

    def accept(data: bytes) -> bool:
        content = _store.unpack(data)
        opened[:] = [content] if content is not None else []
        return content is not None

    def make() -> bytes:
        _log.info(
            "%s is read for the first time, from %s; that may take minutes, and is kept.",
            name,
            counted(len(files), "file"),
        )
        opened[:] = [_parse(corpus, files, workers, progress)]
        return _store.pack(*opened[0])

    cached(f"{name}-{_fingerprint(files)}", make, accept)
    return opened[0]


def _parse(
    corpus: BuiltinCorpus, files: Sequence[Path], workers: int | None, progress: Progress | None
) -> tuple[list[HeldPiece], IngestReport]:
    settings = ingest.Settings(workers, Limits(seconds=_SECONDS_A_FILE), progress, melody=corpus.melody)
    found, _ = ingest.find_files(files)
    return ingest.ingest_scores(
        found, str(music21_corpus() / corpus.folder), settings, licence=corpus.licence, keep_copies=True
    )


def _fingerprint(files: Sequence[Path]) -> str:
    digest = hashlib.blake2b(reader_version().encode(), digest_size=12)
    digest.update(f"{_store.FORMAT} music21 {importlib.metadata.version('music21')}".encode())
    for path in files:
        digest.update(f"\0{path.name}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


@functools.cache
def reader_version() -> str:
    """What tells one state of the readers from another: their source code."""
    home = Path(__file__).parents[1]
    digest = hashlib.blake2b(digest_size=12)
    sources = [
        *(home / "io").glob("*.py"),
        *(home / "music").glob("*.py"),
        home / "corpus/facts.py",
        home / "corpus/_tasks.py",
        home / "corpus/answers.py",
    ]
    for path in sorted(sources):
        digest.update(path.read_bytes())
    return digest.hexdigest()
