"""A corpus in one key, or in all: pieces are moved when they are asked for, drums never."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stochastic_music.corpus.piece import HeldPiece
from stochastic_music.corpus.report import DoubtfulKey, IngestReport, PieceFacts
from stochastic_music.music import keys

#: semitones of the twelve copies of `all`
ALL_STEPS = range(-5, 7)


def to_common_key(pieces: Sequence[HeldPiece], report: IngestReport) -> tuple[list[HeldPiece], IngestReport]:
    """Every piece in C major, A minor or the mode without signature, the shortest way; doubtful keys are reported."""
    found = [keys.parse_key(about.facts.key) for about in report.pieces]
    steps = [keys.semitones_to_common(key) for key in found]
    moved = [_move(piece, about, n) for piece, about, n in zip(pieces, report.pieces, steps, strict=True)]
    doubts = [
        DoubtfulKey(about.name, about.facts.key, round(about.facts.key_confidence, 3))
        for about in report.pieces
        if about.facts.key_doubtful
    ]
    return _together(moved, replace(report, doubtful_keys=tuple(doubts)))


def to_all_keys(pieces: Sequence[HeldPiece], report: IngestReport) -> tuple[list[HeldPiece], IngestReport]:
    """Every piece twelve times, from five semitones below where it is to six above."""
    return _together(
        [_move(piece, about, n) for piece, about in zip(pieces, report.pieces, strict=True) for n in ALL_STEPS], report
    )


def _move(piece: HeldPiece, about: PieceFacts, semitones: int) -> tuple[HeldPiece, PieceFacts]:
    key = str(keys.transposed_key(keys.parse_key(about.facts.key), semitones))
    facts = about.facts._replace(key=key)
    return piece._replace(transposed=piece.transposed + semitones), about._replace(facts=facts)


def _together(
    moved: Sequence[tuple[HeldPiece, PieceFacts]], report: IngestReport
) -> tuple[list[HeldPiece], IngestReport]:
    return [piece for piece, _ in moved], replace(report, pieces=tuple(about for _, about in moved))
