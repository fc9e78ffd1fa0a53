"""What a worker says of a file, as it is sent and as it is understood: a message of plain values, and bytes.

    read       {"pieces": [[title, tune, warnings, parts, n_data, facts, n_runs], ...]}
               bytes: of each piece its data, the runs of its top line (uint64), the headers of its parts (JSON)
    not read   {"reason": ..., "try": ...}

The data of a piece is its score as bytes (`io.score_to_bytes`), or the symbols (int32) of each part it was encoded to;
`parts` says how many symbols each has, and how many bytes its header. Nobody else takes a message apart.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from stochastic_music import io
from stochastic_music._parallel.frames import Message
from stochastic_music.corpus.facts import Facts, Runs
from stochastic_music.corpus.piece import HeldPiece, full_name
from stochastic_music.corpus.report import PieceFacts
from stochastic_music.errors import EncodingError
from stochastic_music.io import LoadedScore
from stochastic_music.protocols import IntArray
from stochastic_music.tokens import Header, TokenPiece


class Row(NamedTuple):
    """A piece as symbols: what is known of it, and a header and symbols for each part it was encoded to."""

    about: PieceFacts
    headers: list[Header]
    rows: list[IntArray]


class Coded(NamedTuple):
    """A piece as it will be sent: what is said of it, its data, and its headers."""

    message: list[Any]
    data: bytes
    headers: bytes = b""


def code_score(piece: LoadedScore) -> Coded:
    """A piece to be sent as a score."""
    data = io.score_to_bytes(piece.score)
    return Coded([piece.title, piece.tune, piece.warnings, [], len(data)], data)


def code_symbols(piece: LoadedScore, tokens: Sequence[TokenPiece]) -> Coded:
    """A piece to be sent as symbols."""
    data = b"".join([t.symbols.astype("<i4").tobytes() for t in tokens])
    headers = [_header_to_bytes(t.header) for t in tokens]
    parts = [[len(t.symbols), len(header)] for t, header in zip(tokens, headers, strict=True)]
    return Coded([piece.title, piece.tune, piece.warnings, parts, len(data)], data, b"".join(headers))


@lru_cache(maxsize=4096)
def _header_to_bytes(header: Header) -> bytes:
    values = [getattr(header, name) for name in header.__slots__]
    return json.dumps(values, separators=(",", ":")).encode("ascii")


@lru_cache(maxsize=4096)
def _header_from_bytes(data: bytes) -> Header:
    return Header.from_json(dict(zip(Header.__slots__, json.loads(data), strict=True)))


def answer(pieces: Sequence[tuple[Coded | EncodingError, tuple[Facts, Runs]]]) -> tuple[Message, bytes]:
    """One file from its pieces; a piece that cannot be encoded is left out with a warning, or is the file's reason."""
    refused = [str(coded).rstrip(".") for coded, _ in pieces if isinstance(coded, EncodingError)]
    if refused and len(refused) == len(pieces):
        return {"reason": refused[0], "try": "Another --encoding may take it"}, b""
    kept = [(coded, about) for coded, about in pieces if not isinstance(coded, EncodingError)]
    messages = [[*coded.message, facts, len(runs)] for coded, (facts, runs) in kept]
    if refused and messages:
        messages[0][2] = [*messages[0][2], *(f"a piece beside this one is left out: {reason}" for reason in refused)]
    return {"pieces": messages}, b"".join([b for c, (_, runs) in kept for b in (c.data, runs.tobytes(), c.headers)])


def n_pieces(message: Message) -> int:
    """How many pieces came from the file."""
    return len(message["pieces"])


def warnings(message: Message) -> tuple[tuple[str, str], ...]:
    """What to know of the pieces of a file that was read: (tune, sentence)."""
    return tuple((tune, text) for _, tune, texts, *_ in message["pieces"] for text in texts)


def decode_scores(
    name: str, message: Message, body: bytes, licence: str = ""
) -> Iterator[tuple[HeldPiece, PieceFacts]]:
    """The pieces of the file that reports call `name`, and what is known of each."""
    at = 0
    for title, tune, _, _, n_data, facts, n_runs in message["pieces"]:
        data = body[at : at + n_data]
        runs = np.frombuffer(body, "<u8", n_runs, at + n_data).copy()
        at += n_data + 8 * n_runs
        yield HeldPiece(data, name, tune, title, licence), _about(name, tune, licence, facts, runs)


def decode_rows(name: str, message: Message, body: bytes) -> Iterator[Row]:
    """The pieces of the file that reports call `name` as symbols, which are views of `body`."""
    at = 0
    for _, tune, _, parts, n_data, facts, n_runs in message["pieces"]:
        runs = np.frombuffer(body, "<u8", n_runs, at + n_data).copy()  # what is known of a piece outlives its symbols
        row = Row(_about(name, tune, "", facts, runs), [], [])
        below = at + n_data + 8 * n_runs
        for size, n_header in parts:
            row.rows.append(np.frombuffer(body, "<i4", size, at))
            row.headers.append(_header_from_bytes(body[below : below + n_header]))
            at, below = at + 4 * size, below + n_header
        at = below
        yield row


def _about(name: str, tune: str, licence: str, facts: list[Any], runs: Runs) -> PieceFacts:
    n_notes, meters, *others = facts
    return PieceFacts(full_name(name, tune), licence, Facts(n_notes, tuple(meters), *others), runs)
