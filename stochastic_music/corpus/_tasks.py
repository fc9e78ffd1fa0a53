"""What a worker does with files: read their pieces, encode them if asked, measure them. Runs inside the worker process.

Files are parsed one by one, so that a bad file is known by its name; what follows is done for all files at hand at
once, wherever that is quicker.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from stochastic_music import io
from stochastic_music._parallel.frames import Message
from stochastic_music.corpus.answers import Coded, answer, code_score, code_symbols
from stochastic_music.corpus.facts import measure
from stochastic_music.errors import EncodingError, InputError, UnreadableFileError
from stochastic_music.io import LoadedScore, Started
from stochastic_music.music import marks, parts
from stochastic_music.music.notes import NoteTable, gather
from stochastic_music.tokens import TokenPiece

if TYPE_CHECKING:
    from symusic.core import ScoreTick

Opened: TypeAlias = Started | list[LoadedScore]
#: `(path) -> what is in it`
Reader: TypeAlias = Callable[[str], Opened]
#: what is said of a file, and its bytes
Result: TypeAlias = tuple[Message, bytes]

#: what to do with files that make no sense
EXPORT_AGAIN = "Open it in a notation program and export it again"

Given = TypeVar("Given")
Made = TypeVar("Made")


class Task(NamedTuple):
    """`open` takes a file; `tell` turns files that were opened, or refused with a message, into results."""

    open: Reader
    melody: bool = False
    encoding: Any = None

    def tell(self, files: Sequence[Opened | Message], at: Callable[[int], None]) -> list[Result]:
        """A result for each file: every piece's own bytes, followed by its runs.

        `at(i)` is called before something that may go wrong is done with file i.
        """
        settled, table = settle(files, at)
        if self.melody:
            settled, table = [f if isinstance(f, dict) else attempt(_melodies, f) for f in settled], None
        loaded = [piece for file in settled if isinstance(file, list) for piece in file]
        scores = [piece.score for piece in loaded]
        table = table or gather(scores)
        measured = measure(scores, table)
        coded = iter(zip(self._code(loaded, table), measured, strict=True))
        return [(f, b"") if isinstance(f, dict) else answer([next(coded) for _ in f]) for f in settled]

    def _code(self, loaded: Sequence[LoadedScore], table: NoteTable) -> list[Coded | EncodingError]:
        if self.encoding is None:
            return [code_score(piece) for piece in loaded]
        return [
            tokens if isinstance(tokens, EncodingError) else code_symbols(piece, tokens)
            for piece, tokens in zip(loaded, encode_each(self.encoding, loaded, table), strict=True)
        ]


def make(setup: Message) -> Task:
    """The task that `setup` describes: its `reader` by dotted name, and an `encoding` or None."""
    importlib.import_module("stochastic_music.io.midi")  # the time this takes is not the first file's
    reader = partial(named(setup["reader"]), memory_limit=setup["memory_limit"])
    if setup["encoding"] is None:
        return Task(reader, setup["melody"])
    name, parameters = setup["encoding"]
    return Task(reader, setup["melody"], named(name)(**parameters))


def named(name: str) -> Any:
    """The object called `module:name`."""
    module, _, attribute = name.partition(":")
    value: Any = importlib.import_module(module)
    for part in attribute.split("."):
        value = getattr(value, part)
    return value


def attempt(make: Callable[[Given], Made], given: Given) -> Made | Message:
    """What `make` makes of a file; whatever it raises becomes a reason."""
    try:
        return make(given)
    except UnreadableFileError as error:
        return {"reason": error.reason, "try": error.remedy}
    except InputError as error:
        return {"reason": str(error).rstrip("."), "try": ""}
    except MemoryError:
        return {"memory": True}
    except Exception as error:
        words = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return {"reason": f"the reader gave up on it ({words})", "try": EXPORT_AGAIN}


def settle(
    files: Sequence[Opened | Message], at: Callable[[int], None]
) -> tuple[list[list[LoadedScore] | Message], NoteTable | None]:
    """The pieces of each file, or why there are none; and their table of notes, if that is known already."""
    started = [file for file in files if isinstance(file, Started)]
    table = gather([file.score for file in started])
    finished = iter(io.finish(started, table))
    settled: list[list[LoadedScore] | Message] = []
    as_known = True
    for i, file in enumerate(files):
        if not isinstance(file, Started):
            settled.append(file)
            as_known &= isinstance(file, dict)
        elif (piece := next(finished)) is not None:
            settled.append([piece])
        else:
            at(i)
            settled.append(attempt(io.mend, file))
            as_known = False
    return settled, table.without_empty_tracks() if as_known else None


def encode_each(
    encoding: Any, loaded: Sequence[LoadedScore], table: NoteTable
) -> Sequence[list[TokenPiece] | EncodingError]:
    """The pieces as `encoding` has them, all at once where it can (`encode_many`)."""
    if hasattr(encoding, "encode_many"):
        return list(encoding.encode_many([piece.score for piece in loaded], table))

    def one(piece: LoadedScore) -> list[TokenPiece] | EncodingError:
        try:
            return list(encoding.encode(piece.score))
        except EncodingError as error:
            return error

    return [one(piece) for piece in loaded]


def _melodies(pieces: Sequence[LoadedScore]) -> list[LoadedScore]:
    """Each piece with the one part that carries its tune."""
    return [piece._replace(score=_tune_of(piece.score)) for piece in pieces]


def _tune_of(score: ScoreTick) -> ScoreTick:
    track = parts.choose_part(score).track
    ends = marks.phrase_ends(score, track)
    score.tracks = type(score.tracks)([score.tracks[track]])
    score.markers = type(score.markers)([m for m in score.markers if not m.text.startswith("phrase:")])
    marks.add_phrase_ends(score, 0, ends)
    return score
