"""A corpus and its report as bytes: a JSON header and the raw scores, nothing that could run when it is opened."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from stochastic_music._parallel.frames import Message, receive, send
from stochastic_music.corpus.facts import Facts
from stochastic_music.corpus.piece import HeldPiece
from stochastic_music.corpus.report import IngestReport, PieceFacts, Read, Skipped

#: grows with every change of what `pack` writes
FORMAT = 1


def pack(pieces: Sequence[HeldPiece], report: IngestReport) -> bytes:
    """A corpus that has not been transposed, as bytes."""
    body = b"".join([*(piece.data for piece in pieces), *(about.runs.tobytes() for about in report.pieces)])
    rows = [
        [len(piece.data), len(about.runs), *piece[1:5], about.facts]
        for piece, about in zip(pieces, report.pieces, strict=True)
    ]
    head = {
        "format": FORMAT,
        "digest": _digest(body),
        "pieces": rows,
        "read": report.read,
        "skipped": report.skipped,
        "duplicates": report.duplicates,
        "other": dict(report.other),
    }
    out = io.BytesIO()
    send(out, head, body)
    return out.getvalue()


def unpack(data: bytes) -> tuple[list[HeldPiece], IngestReport] | None:
    """The inverse of `pack`; None for bytes that are cut short, altered, or of another format."""
    try:
        message = receive(io.BytesIO(data))
    except (ValueError, OverflowError, MemoryError):
        return None
    if message is None or message[0].get("format") != FORMAT or message[0]["digest"] != _digest(message[1]):
        return None
    return _rebuild(*message)


def _rebuild(head: Message, body: bytes) -> tuple[list[HeldPiece], IngestReport]:
    rows = head["pieces"]
    pieces: list[HeldPiece] = []
    facts: list[PieceFacts] = []
    at, runs_at = 0, sum(row[0] for row in rows)
    for n_data, n_runs, source, tune, title, licence, about in rows:
        piece = HeldPiece(body[at : at + n_data], source, tune, title, licence)
        runs = np.frombuffer(body, "<u8", n_runs, runs_at)
        pieces.append(piece)
        facts.append(PieceFacts(piece.name, licence, _facts(about), runs))
        at, runs_at = at + n_data, runs_at + 8 * n_runs
    report = IngestReport(
        read=tuple(Read(file, n, tuple((tune, text) for tune, text in said)) for file, n, said in head["read"]),
        skipped=tuple(Skipped(*row) for row in head["skipped"]),
        duplicates=tuple(tuple(group) for group in head["duplicates"]),
        other=head["other"],
        pieces=tuple(facts),
    )
    return pieces, report


def _facts(row: list[Any]) -> Facts:
    n_notes, meters, *others = row
    return Facts(n_notes, tuple(meters), *others)


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()
