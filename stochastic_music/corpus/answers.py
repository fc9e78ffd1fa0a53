"""What a worker says of a file, as it is sent and as it is understood: a message of plain values, and bytes.

    read       {"pieces": [[title, tune, warnings, headers, n_data, facts, n_runs], ...]}
               bytes: of each piece its data, then the runs of its top line (uint64)
    not read   {"reason": ..., "try": ...}

The data of a piece is its score as bytes (`io.score_to_bytes`), or the symbols (int32) of each part it was encoded to,
with a header and the number of symbols for each. Nobody else takes a message apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from stochastic_music import io
from stochastic_music.corpus._frames import Message
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
    """A piece as it will be sent: what is said of it, and its data."""

    message: list[Any]
    data: bytes


def code_score(piece: LoadedScore) -> Coded:
    """A piece to be sent as a score."""
    return _coded(piece, [], io.score_to_bytes(piece.score))


def code_symbols(piece: LoadedScore, tokens: Sequence[TokenPiece]) -> Coded:
    """A piece to be sent as symbols."""
    headers = [[[getattr(t.header, name) for name in t.header.__slots__], len(t.symbols)] for t in tokens]
    return _coded(piece, headers, b"".join(t.symbols.astype("<i4").tobytes() for t in tokens))


def _coded(piece: LoadedScore, headers: list[Any], data: bytes) -> Coded:
    return Coded([piece.title, piece.tune, piece.warnings, headers, len(data)], data)


def answer(pieces: Sequence[tuple[Coded | EncodingError, tuple[Facts, Runs]]]) -> tuple[Message, bytes]:
    """One file from its pieces; a piece that cannot be encoded is left out with a warning, or is the file's reason."""
    refused = [str(coded).rstrip(".") for coded, _ in pieces if isinstance(coded, EncodingError)]
    if refused and len(refused) == len(pieces):
        return {"reason": refused[0], "try": "Another --encoding may take it"}, b""
    kept = [(coded, about) for coded, about in pieces if not isinstance(coded, EncodingError)]
    messages = [[*coded.message, facts, len(runs)] for coded, (facts, runs) in kept]
    if refused and messages:
        messages[0][2] = [*messages[0][2], *(f"a piece beside this one is left out: {reason}" for reason in refused)]
    bodies = itertools.chain.from_iterable((coded.data, runs.tobytes()) for coded, (_, runs) in kept)
    return {"pieces": messages}, b"".join(bodies)


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
        runs = np.frombuffer(body[at + n_data : at + n_data + 8 * n_runs], "<u8")
        at += n_data + 8 * n_runs
        yield HeldPiece(data, name, tune, title, licence), _about(name, tune, licence, facts, runs)


def decode_rows(name: str, message: Message, body: bytes) -> Iterator[Row]:
    """The pieces of the file that reports call `name` as symbols; arrays are views of `body`."""
    at = 0
    for _, tune, _, headers, n_data, facts, n_runs in message["pieces"]:
        symbols = np.frombuffer(body, "<i4", n_data // 4, at)
        runs = np.frombuffer(body, "<u8", n_runs, at + n_data)
        at += n_data + 8 * n_runs
        ends = list(itertools.accumulate(size for _, size in headers))
        yield Row(
            _about(name, tune, "", facts, runs),
            [Header.from_json(dict(zip(Header.__slots__, values, strict=True))) for values, _ in headers],
            np.split(symbols, ends[:-1]) if len(headers) > 1 else [symbols] * len(headers),
        )


def _about(name: str, tune: str, licence: str, facts: list[Any], runs: Runs) -> PieceFacts:
    n_notes, meters, *others = facts
    return PieceFacts(full_name(name, tune), licence, Facts(n_notes, tuple(meters), *others), runs)
