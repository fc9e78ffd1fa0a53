"""What a worker does with files: read their pieces, encode them if asked, measure them. Runs inside the worker process.

Reading goes file by file, so that a bad file is known by its name; measuring goes over all pieces at hand at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from stochastic_music import io
from stochastic_music.corpus._frames import Message
from stochastic_music.corpus.facts import Facts, Runs, measure
from stochastic_music.errors import EncodingError, UnreadableFileError
from stochastic_music.io import LoadedScore
from stochastic_music.music import marks, parts

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: `(path) -> pieces of a file`
Reader = Callable[[str], list[LoadedScore]]


class Taken(NamedTuple):
    """One piece of a file as it will be sent: its score for measuring, what is said of it, and its bytes."""

    score: ScoreTick
    message: list[Any]
    body: bytes


class Task(NamedTuple):
    """`take(path)` gives the pieces of a file; `tell` turns the pieces of several files into results."""

    take: Callable[[str], list[Taken]]

    def tell(self, files: Sequence[Sequence[Taken]]) -> Iterator[tuple[Message, bytes]]:
        """A result and its bytes for each file: every piece's own bytes, followed by its runs."""
        pieces = [piece for file in files for piece in file]
        measured = iter(measure([piece.score for piece in pieces]))
        for file in files:
            facts: list[tuple[Taken, Facts, Runs]] = [(piece, *next(measured)) for piece in file]
            bodies = [part for piece, _, runs in facts for part in (piece.body, runs.tobytes())]
            yield {"pieces": [[*piece.message, fact, len(runs)] for piece, fact, runs in facts]}, b"".join(bodies)


def make(setup: Message) -> Task:
    """The task that `setup` describes: its `reader` by dotted name, and an `encoding` or None."""
    reader: Reader = partial(named(setup["reader"]), memory_limit=setup["memory_limit"])
    if setup["melody"]:
        reader = partial(read_melody, reader=reader)
    if setup["encoding"] is None:
        return Task(partial(take_scores, reader=reader))
    name, parameters = setup["encoding"]
    return Task(partial(take_tokens, reader=reader, encoding=named(name)(**parameters)))


def named(name: str) -> Any:
    """The object called `module:name`."""
    import importlib

    module, _, attribute = name.partition(":")
    value: Any = importlib.import_module(module)
    for part in attribute.split("."):
        value = getattr(value, part)
    return value


def read_melody(path: str, reader: Reader) -> list[LoadedScore]:
    """The pieces of a file, each with the one part that carries its tune."""
    return [loaded._replace(score=_melody(loaded.score)) for loaded in reader(path)]


def take_scores(path: str, reader: Reader) -> list[Taken]:
    """The pieces of a file as normalised MIDI."""
    return [_taken(loaded, [], io.score_to_bytes(loaded.score)) for loaded in reader(path)]


def take_tokens(path: str, reader: Reader, encoding: Any) -> list[Taken]:
    """The pieces of a file as symbols (32 bits each), with their headers."""
    taken, refused = [], []
    for loaded in reader(path):
        try:
            tokens = encoding.encode(loaded.score)
        except EncodingError as error:
            refused.append(str(error).rstrip("."))
            taken.append(_taken(loaded._replace(warnings=(*loaded.warnings, f"left out: {error}")), [], b""))
            continue
        headers = [[[getattr(t.header, name) for name in t.header.__slots__], len(t.symbols)] for t in tokens]
        taken.append(_taken(loaded, headers, b"".join(t.symbols.astype("<i4").tobytes() for t in tokens)))
    if len(refused) == len(taken):
        raise UnreadableFileError(refused[0] if refused else "it holds no music")
    return taken


def _taken(loaded: LoadedScore, headers: list[Any], body: bytes) -> Taken:
    return Taken(loaded.score, [loaded.title, loaded.tune, loaded.warnings, headers, len(body)], body)


def _melody(score: ScoreTick) -> ScoreTick:
    track = parts.choose_part(score).track
    ends = marks.phrase_ends(score, track)
    score.tracks = type(score.tracks)([score.tracks[track]])
    score.markers = type(score.markers)([m for m in score.markers if not m.text.startswith("phrase:")])
    marks.add_phrase_ends(score, 0, ends)
    return score
