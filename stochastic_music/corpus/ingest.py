"""Files to pieces, in worker processes: every file is read, or skipped with a reason."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from stochastic_music import io
from stochastic_music._parallel import cores, mapped
from stochastic_music._parallel.frames import Message
from stochastic_music.corpus import answers
from stochastic_music.corpus._pool import Limits, Result, WorkerPool, make_batches
from stochastic_music.corpus._scan import Found, folded, scan_files, scan_folder
from stochastic_music.corpus.answers import decode_rows, decode_scores
from stochastic_music.corpus.piece import HeldPiece
from stochastic_music.corpus.report import IngestReport, Read, Skipped, counted, printable
from stochastic_music.corpus.token_corpus import TokenCorpus
from stochastic_music.errors import EmptyCorpusError, InvalidParameterError
from stochastic_music.protocols import Progress
from stochastic_music.tokens import TokenPiece

AnyPath: TypeAlias = str | os.PathLike[str]
#: an encoding as its dotted name and its parameters
Recipe: TypeAlias = tuple[str, dict[str, Any]]
#: a piece as it is kept, with what is known of it
Decoded = TypeVar("Decoded")

_READER = "stochastic_music.io:start"
#: work sent to an executor at a time, in small MIDI files: some seconds, so that a reader's start is short beside it
_STEPS_A_TASK = 8192


class Settings(NamedTuple):
    """How to read: worker processes (None: one a core), what a file may take, whom to tell how far it is.

    With `melody` of each piece only the part with the tune is taken. With `executor` the files are read where its
    tasks run, which must see them under the same paths.
    """

    workers: int | None = None
    limits: Limits = Limits()
    progress: Progress | None = None
    reader: str = _READER
    melody: bool = False
    executor: Executor | None = None


class _File(NamedTuple, Generic[Decoded]):
    """A file that was read: its line in the report, a hash of all that the worker sent, and the pieces in it."""

    line: Read
    path: str
    size: int
    sent: int
    pieces: list[Decoded]


def find(path: AnyPath) -> tuple[Found, str]:
    """What lies in a folder (or the one file `path` names), and the folder that names are relative to."""
    place = Path(path)
    if place.is_dir():
        return scan_folder(str(place), io.SUFFIXES), str(place)
    if not os.path.lexists(place):
        raise EmptyCorpusError(f"there is no file or folder '{printable(str(path))}': check the spelling.")
    return scan_files([str(place)], io.SUFFIXES), str(place.parent)


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """Thousands of small objects are made here, none in cycles: looking for cycles would take half the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_without_collection()
def ingest_scores(
    found: Found, home: str, settings: Settings, *, licence: str = "", keep_copies: bool = False
) -> tuple[list[HeldPiece], IngestReport]:
    """Every piece of the files found, scores as bytes; of files with equal bytes the first, unless `keep_copies`."""
    files, skipped = _read_all(found, home, None, settings, partial(decode_scores, licence=licence))
    kept, duplicates = (files, ()) if keep_copies else _without_copies(files)
    held = [piece for file in kept for piece, _ in file.pieces]
    facts = tuple([about for file in kept for _, about in file.pieces])
    return held, IngestReport(_read_lines(files, kept), skipped, duplicates, dict(found.other), facts)


@_without_collection()
def ingest_tokens(
    paths: AnyPath | Sequence[AnyPath],
    encoding: Any,
    *,
    workers: int | None = None,
    time_limit: float = Limits().seconds,
    memory_limit: int = Limits().memory,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> tuple[TokenCorpus, IngestReport]:
    """Read and encode a folder, or a list of files, in worker processes: only integers come back.

    `encoding` must be importable by name (not defined in a script) and rebuilt by `get_params()`. With `executor`
    the files are read where its tasks run, which must see them under the same paths.
    Raises EmptyCorpusError where nothing is left.
    """
    settings = make_settings(workers, time_limit, memory_limit, progress, executor=executor)
    found, home = find(paths) if isinstance(paths, str | os.PathLike) else find_files(paths)
    files, skipped = _read_all(found, home, recipe(encoding), settings, decode_rows)
    kept, duplicates = _without_copies(files)
    pieces = [piece for file in kept for piece in file.pieces]
    facts = tuple([piece.about for piece in pieces])
    report = IngestReport(_read_lines(files, kept), skipped, duplicates, dict(found.other), facts)
    if not any(piece.rows for piece in pieces):
        raise EmptyCorpusError(nothing_left(report, home))
    tokens = [
        TokenPiece(row, header) for piece in pieces for row, header in zip(piece.rows, piece.headers, strict=True)
    ]
    names = [piece.about.name for piece in pieces for _ in piece.rows]
    return TokenCorpus.from_pieces(tokens, encoding.vocabulary, names=names), report


def find_files(paths: Iterable[AnyPath]) -> tuple[Found, str]:
    """The files named, in that order, under their own names."""
    return scan_files([os.fspath(path) for path in paths], io.SUFFIXES), ""


def make_settings(
    workers: int | None,
    time_limit: float,
    memory_limit: int,
    progress: Progress | None,
    reader: str = _READER,
    *,
    executor: Executor | None = None,
) -> Settings:
    """The settings, checked; raises InvalidParameterError."""
    if workers is not None and workers < 1:
        raise InvalidParameterError(f"workers is {workers}; expected 1 or more, or None for one a core")
    if not time_limit > 0:
        raise InvalidParameterError(f"time_limit is {time_limit}; expected seconds, more than 0")
    if memory_limit < 1 << 20:
        raise InvalidParameterError(f"memory_limit is {memory_limit} bytes; expected a megabyte (1048576) or more")
    return Settings(workers, Limits(time_limit, memory_limit), progress, reader, executor=executor)


def nothing_left(report: IngestReport, home: str) -> str:
    """What to say where no piece could be read below `home` ('' for a list of files)."""
    other = sum(report.other.values())
    where = f" in '{printable(home)}'" if home else ""
    if not report.skipped:
        found = f"only {counted(other, 'file')} that {'is' if other == 1 else 'are'} no music" if other else "nothing"
        readable = " ".join(sorted(io.SUFFIXES))
        return f"no piece to work on: there is {found}{where or ' here'}. Readable are {readable}."
    reasons = [f"  {printable(s.file)}: {s.reason}" for s in report.skipped[:5]]
    more = [f"  ... and {len(report.skipped) - 5} more"] if len(report.skipped) > 5 else []
    head = f"no piece to work on: none of {counted(len(report.skipped), 'file')}{where} could be read."
    return "\n".join([head, *reasons, *more])


def _read_all(
    found: Found,
    home: str,
    recipe: Recipe | None,
    settings: Settings,
    decode: Callable[[str, Message, bytes], Iterable[Decoded]],
) -> tuple[list[_File[Decoded]], tuple[Skipped, ...]]:
    """What the workers say of each file, decoded as it comes: those read in order, and all that were not."""
    read: list[_File[Decoded] | None] = [None] * len(found.files)
    skipped: list[Skipped] = [s._replace(file=shown(s.file, home)) for s in found.skipped]
    for i, message, body in read_files(found.files, make_setup(recipe, settings), settings):
        path, size = found.files[i]
        name = shown(path, home)
        if "reason" in message:
            skipped.append(Skipped(name, message["reason"], message["try"]))
        else:
            line = Read(name, answers.n_pieces(message), answers.warnings(message))
            read[i] = _File(line, path, size, hash(body), list(decode(name, message, body)))
    return [file for file in read if file is not None], tuple(sorted(skipped, key=lambda s: folded(s.file)))


def make_setup(recipe: Recipe | None, settings: Settings) -> Message:
    """What a worker is told before it reads (`_tasks.make`): `recipe` is the encoding, None to get scores."""
    return {"reader": settings.reader, "melody": settings.melody, "encoding": recipe}


def read_files(files: Sequence[tuple[str, int]], setup: Message, settings: Settings) -> Iterator[Result]:
    """What a worker says of each file (path, bytes) and the bytes it sends, as they come: (place in `files`, ...).

    Every file comes once; what is said of it does not depend on who read it.
    """
    reader = _read_here if settings.executor is None else _read_there
    for done, result in enumerate(reader(files, setup, settings), 1):
        if settings.progress is not None:
            settings.progress(done, len(files), os.path.basename(files[result[0]][0]))  # noqa: PTH119 - for every file
        yield result


def _read_here(files: Sequence[tuple[str, int]], setup: Message, settings: Settings) -> Iterator[Result]:
    with WorkerPool(setup, settings.workers or cores(), settings.limits) as pool:
        yield from pool.run(files)


def _read_there(files: Sequence[tuple[str, int]], setup: Message, settings: Settings) -> Iterator[Result]:
    batches = make_batches(files, steps=_STEPS_A_TASK)
    tasks = (
        _Reading(setup, settings.limits, [(str(Path(files[i][0]).absolute()), files[i][1]) for i in batch])
        for batch in batches
    )
    for batch, results in zip(batches, mapped(_read_task, tasks, settings.executor), strict=True):
        for i, message, body in results:
            yield batch[i], message, body


class _Reading(NamedTuple):
    """Files to read, and how: a task for an executor."""

    setup: Message
    limits: Limits
    files: list[tuple[str, int]]


def _read_task(reading: _Reading) -> list[Result]:
    """The files of a task, read by one worker of this process: a bad file costs itself alone, here as there."""
    with WorkerPool(reading.setup, 1, reading.limits) as pool:
        return list(pool.run(reading.files))


def _without_copies(files: Sequence[_File[Decoded]]) -> tuple[list[_File[Decoded]], tuple[tuple[str, ...], ...]]:
    """The first of files with equal bytes, and the names of those that are equal.

    Equal files give equal results, so only files with equal results are opened again.
    """
    alike: dict[tuple[int, int], list[_File[Decoded]]] = {}
    for file in files:
        alike.setdefault((file.size, file.sent), []).append(file)
    copies: list[tuple[str, ...]] = []
    dropped: set[str] = set()
    for group in alike.values():
        for same in _equal_bytes(group) if len(group) > 1 else ():
            names = [file.line.file for file in same]
            copies.append(tuple(names))
            dropped.update(names[1:])
    return [file for file in files if file.line.file not in dropped], tuple(copies)


def _equal_bytes(files: Sequence[_File[Decoded]]) -> list[list[_File[Decoded]]]:
    groups: dict[bytes, list[_File[Decoded]]] = {}
    for file in files:
        try:
            digest = hashlib.blake2b(Path(file.path).read_bytes()).digest()
        except OSError:
            digest = os.fsencode(file.path)
        groups.setdefault(digest, []).append(file)
    return [group for group in groups.values() if len(group) > 1]


def _read_lines(files: Sequence[_File[Decoded]], kept: Sequence[_File[Decoded]]) -> tuple[Read, ...]:
    """A line for each file that was read; copies of others gave no piece."""
    taken = {file.line.file for file in kept}
    return tuple([file.line if file.line.file in taken else Read(file.line.file, 0) for file in files])


def recipe(encoding: Any) -> Recipe:
    """How a worker makes the encoding again: where its class lies, and its parameters."""
    kind = type(encoding)
    return f"{kind.__module__}:{kind.__qualname__}", encoding.get_params()


def shown(path: str, home: str) -> str:
    """A path as reports show it: inside the folder asked for, with slashes, and printable in any encoding."""
    inside = path[len(home) :].lstrip(os.sep) if home and path.startswith(home) else path
    name = inside.replace(os.sep, "/")
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")
