"""Files to the contents of a shard: what workers say of them, in the order of the files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from stochastic_music._parallel.frames import Message
from stochastic_music.corpus._pool import Result
from stochastic_music.corpus.answers import decode_rows, warnings
from stochastic_music.corpus.ingest import Settings, read_files
from stochastic_music.corpus.piece import full_name
from stochastic_music.corpus.report import PieceFacts
from stochastic_music.corpus.store.account import facts_of
from stochastic_music.corpus.store.shard import Row, header_text, name_of, packed
from stochastic_music.corpus.store.sources import COPY, Source
from stochastic_music.corpus.store.writing import Filled
from stochastic_music.tokens import Vocabulary

#: what is said of a file whose bytes another one holds
_COPIED: Message = {"copy": True}


class Told(NamedTuple):
    """A file, and what a worker says of it."""

    source: Source
    message: Message
    body: bytes


def told(
    sources: Sequence[Source], roots: Mapping[int, str], known: Set[str], setup: Message, settings: Settings
) -> Iterator[Told]:
    """What is said of each file, in order; those whose digest is `known`, or comes twice, are read once.

    Files without a digest are all read, and get theirs then.
    """
    first: dict[bytes, int] = {}
    for i, source in enumerate(sources):
        if not source.is_among(known):
            first.setdefault(source.content, i)
    files = [(sources[i].place(roots), sources[i].size) for i in first.values()]
    answers = _in_order(read_files(files, setup, settings))
    refused: dict[bytes, Message] = {}
    for i, source in enumerate(sources):
        if first.get(source.content) == i:
            message, body = next(answers)
            if "reason" in message:
                refused[source.content] = message
            yield Told(source if source.digest else source.digested(roots), message, body)
        else:
            yield Told(source, refused.get(source.content, _COPIED), b"")


def filled(run: Iterable[Told], vocabulary: Vocabulary, known: set[str]) -> Filled:
    """The shard that a run of files makes; the digests of those that gave pieces are added to `known`."""
    rows: list[Row] = []
    facts: list[PieceFacts] = []
    files: list[Source] = []
    skipped: list[tuple[int, str, str]] = []
    said: list[tuple[str, str]] = []
    for source, message, body in run:
        if "reason" in message:
            skipped.append((len(files), message["reason"], message["try"]))
            files.append(source)
        elif message is _COPIED or source.is_among(known):
            files.append(source._replace(n_pieces=COPY))
        else:
            known.add(source.digest)
            pieces = [piece for piece in decode_rows(source.name, message, body) if piece.rows]
            said += [(full_name(source.name, tune), text) for tune, text in warnings(message)]
            for piece in pieces:
                symbols = zip(piece.headers, piece.rows, strict=True)
                rows += [Row(piece.about.name, len(facts), header_text(header), own) for header, own in symbols]
                facts.append(piece.about)
            files.append(source._replace(n_pieces=len(pieces)))
    data = packed(rows, vocabulary) if rows else b""
    entry = {
        "shard": name_of(data) if data else "",
        "bytes": len(data),
        "n_pieces": len(facts),
        "n_rows": len(rows),
        "n_symbols": sum(len(row.symbols) for row in rows),
        "files": files,
        "skipped": skipped,
        "facts": facts_of(facts, said),
    }
    return Filled(data, entry)


def _in_order(results: Iterable[Result]) -> Iterator[tuple[Message, bytes]]:
    """Results in the order of the files, each as soon as those before it have come."""
    waiting: dict[int, tuple[Message, bytes]] = {}
    due = 0
    for i, message, body in results:
        waiting[i] = message, body
        while due in waiting:
            yield waiting.pop(due)
            due += 1
