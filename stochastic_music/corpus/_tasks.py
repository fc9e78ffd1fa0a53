"""What a worker does with a file: read its pieces, and measure or encode them. Runs inside the worker process."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stochastic_music import io
from stochastic_music.corpus._frames import Message
from stochastic_music.corpus._worker import Task, named
from stochastic_music.corpus.facts import measure
from stochastic_music.io import LoadedScore
from stochastic_music.music import marks, parts

if TYPE_CHECKING:
    from symusic.core import ScoreTick

#: `(path) -> pieces of a file`
Reader = Callable[[str], list[LoadedScore]]


def make(setup: Message) -> Task:
    """The task that `setup` describes: its `reader` by dotted name, and an `encoding` or None."""
    reader: Reader = partial(named(setup["reader"]), memory_limit=setup["memory_limit"])
    if setup["melody"]:
        reader = partial(read_melody, reader=reader)
    if setup["encoding"] is None:
        return lambda path: read_scores(path, reader)
    name, parameters = setup["encoding"]
    encoding = named(name)(**parameters)
    return lambda path: read_tokens(path, reader, encoding)


def read_melody(path: str, reader: Reader) -> list[LoadedScore]:
    """The pieces of a file, each with the one part that carries its tune."""
    return [loaded._replace(score=_melody(loaded.score)) for loaded in reader(path)]


def read_scores(path: str, reader: Reader) -> tuple[Message, bytes]:
    """The pieces of a file as normalised MIDI, with their facts and runs."""
    pieces, bodies = [], []
    for loaded in reader(path):
        data = io.score_to_bytes(loaded.score)
        facts, runs = measure(loaded.score)
        pieces.append((loaded.title, loaded.tune, loaded.warnings, facts, len(data), len(runs)))
        bodies += [data, runs.tobytes()]
    return {"digest": _digest(path), "pieces": pieces}, b"".join(bodies)


def read_tokens(path: str, reader: Reader, encoding: Any) -> tuple[Message, bytes]:
    """The pieces of a file as symbols, with their headers, facts and runs."""
    pieces, bodies = [], []
    for loaded in reader(path):
        facts, runs = measure(loaded.score)
        tokens = encoding.encode(loaded.score)
        headers = [{name: getattr(t.header, name) for name in t.header.__slots__} for t in tokens]
        sizes = [len(t.symbols) for t in tokens]
        pieces.append((loaded.title, loaded.tune, loaded.warnings, facts, len(runs), headers, sizes))
        bodies += [runs.tobytes(), *(t.symbols.astype("<i4").tobytes() for t in tokens)]
    return {"digest": _digest(path), "pieces": pieces}, b"".join(bodies)


def _melody(score: ScoreTick) -> ScoreTick:
    track = parts.choose_part(score).track
    ends = marks.phrase_ends(score, track)
    score.tracks = type(score.tracks)([score.tracks[track]])
    score.markers = type(score.markers)([m for m in score.markers if not m.text.startswith("phrase:")])
    marks.add_phrase_ends(score, 0, ends)
    return score


def _digest(path: str) -> str:
    return hashlib.blake2b(Path(path).read_bytes(), digest_size=16).hexdigest()
