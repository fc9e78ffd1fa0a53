"""Many melodies at once: what `MelodyEncoding.encode` gives, a dozen times as fast for melodies without difficulties.

Plain melodies are those of one note at a time without marked phrases, whose rests are not too long. All
arithmetic on notes is done for every score together; the others are left to `encode`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stochastic_music.errors import EncodingError
from stochastic_music.music.notes import Notes, NoteTable
from stochastic_music.music.parts import choose_part, tune_carriers
from stochastic_music.music.signs import Signs
from stochastic_music.protocols import BoolArray, IntArray
from stochastic_music.tokens.grid import Grid, Timeline, grid_of
from stochastic_music.tokens.heading import header_of, timeline_under
from stochastic_music.tokens.piece import TokenPiece
from stochastic_music.tokens.vocabulary import Vocabulary

if TYPE_CHECKING:
    from symusic.core import ScoreTick


def plain_melodies(
    scores: Sequence[ScoreTick],
    table: NoteTable,
    vocabulary: Vocabulary,
    *,
    part: str | int | None,
    grid: str,
    limit: int,
) -> list[TokenPiece | None]:
    """The melody of each score of a table, None where it is not plain; `limit` is the longest length in units."""
    tracks = _chosen_tracks(scores, table, part)
    timelines = [_timeline(signs, grid_of(grid)) for signs in table.signs]
    taken = np.zeros(len(table.score_of), dtype=bool)
    taken[tracks[tracks >= 0]] = True
    notes = table.notes.where(taken[table.notes.track])
    onset, end = _on_grid(notes, timelines)
    duration = np.minimum(end - onset, limit)
    follows = np.append(False, notes.score[1:] == notes.score[:-1])[: len(onset)]
    rest = onset - np.where(follows, np.roll(onset + duration, 1), 0)
    plain = _are_plain(table.n_scores, notes, (onset, end, rest <= limit, follows))
    columns = {"rest": rest, "duration": duration, "phrase": np.zeros_like(rest), "pitch": notes.pitch}
    counts = np.bincount(notes.score, minlength=table.n_scores)
    symbols = _symbols(vocabulary, [columns[field.name] for field in vocabulary.fields], notes.score, counts)
    velocities = _median_velocities(notes, counts)
    pieces: list[TokenPiece | None] = []
    for i, (signs, timeline, track) in enumerate(zip(table.signs, timelines, tracks.tolist(), strict=True)):
        if timeline is None or not plain[i] or signs.markers:
            pieces.append(None)
        else:
            pieces.append(TokenPiece(symbols[i], header_of(signs, timeline, [table.tracks[track]], velocities[i])))
    return pieces


def _median_velocities(notes: Notes, counts: IntArray) -> list[int]:
    """The upper median of the velocities of each score, 0 for one without notes."""
    ordered = np.append(np.sort((notes.score << 8) + notes.velocity), 0)
    medians: list[int] = (ordered[np.cumsum(counts) - counts + counts // 2] & 255).tolist()
    return medians


def _chosen_tracks(scores: Sequence[ScoreTick], table: NoteTable, part: str | int | None) -> IntArray:
    """The number of the track taken of each score, -1 for none: (n_scores,)."""
    if part is None:
        return tune_carriers(table)
    tracks = np.full(len(scores), -1, dtype=np.int64)
    for i, (score, first) in enumerate(zip(scores, table.first_track.tolist(), strict=True)):
        try:
            tracks[i] = first + choose_part(score, part).track
        except EncodingError:
            continue
    return tracks


def _timeline(signs: Signs, grid: Grid) -> Timeline | None:
    try:
        return timeline_under(signs, grid) if signs.ticks_per_quarter > 0 else None
    except EncodingError:
        return None


def _on_grid(notes: Notes, timelines: Sequence[Timeline | None]) -> tuple[IntArray, IntArray]:
    """Onsets and ends in units: (n,) each; scores that share a timeline are counted together."""
    onset, end = np.zeros_like(notes.onset), np.ones_like(notes.onset)
    distinct = list(dict.fromkeys(timelines))
    number = {timeline: i for i, timeline in enumerate(distinct)}
    group = np.array([number[timeline] for timeline in timelines], dtype=np.min_scalar_type(len(distinct)))[notes.score]
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=len(distinct)))
    for timeline, mine in zip(distinct, np.split(order, ends[:-1]), strict=True):
        if timeline is not None:
            onset[mine], end[mine] = timeline.spans(notes.onset[mine], notes.duration[mine])
    return onset, end


def _are_plain(n_scores: int, notes: Notes, found: tuple[IntArray, IntArray, BoolArray, BoolArray]) -> BoolArray:
    """Which scores have notes, one after the other, after rests short enough: (n_scores,)."""
    onset, end, short_rest, follows = found
    overlaps = np.append(False, (onset[1:] < end[:-1]) | (onset[1:] <= onset[:-1]))[: len(onset)] & follows
    plain = np.bincount(notes.score, minlength=n_scores) > 0
    plain[notes.score[overlaps | ~short_rest]] = False
    return plain


def _symbols(vocabulary: Vocabulary, columns: Sequence[IntArray], score: IntArray, counts: IntArray) -> list[IntArray]:
    """The symbols of each score, END last where the vocabulary is closed, from columns of values: (n_events,) each."""
    closed = int(vocabulary.closed)
    sizes = counts * len(columns) + closed
    ends = np.cumsum(sizes)
    symbols = np.full(int(sizes.sum()), vocabulary.end, dtype=np.int64)
    places = np.arange(len(score)) * len(columns) + score * closed
    for i, (column, field) in enumerate(zip(columns, vocabulary.fields, strict=True)):
        symbols[places + i] = column + (int(vocabulary.starts[i]) - field.first)
    return [symbols[end - size : end] for size, end in zip(sizes.tolist(), ends.tolist(), strict=True)]
