"""One part of a piece as a model reads it, and new notes of the model as notes of the piece.

A `Reading` is one part of a score with all that a model needs to know to read it: encoding, key, meters. Silence that
is too long to write in symbols (16 quarter notes, unless the encoding says another length) parts the music: an
`Excerpt` is what lies between two such silences. Its time begins on a bar line, or with the piece. A `Gap` is free time
in an excerpt, between what comes before and after it.

    ticks of the piece     |----- silence -----|--- before ---|--- free ---|-- after --|--- silence ...
    units of the excerpt                       0 ............ begin ...... end ...... stop

Notes that are kept are never written anew: they come from the score. A note that a player placed a little early, before
the bar line of its own bar, belongs to both bars: it is replaced only where both are free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from symusic.core import NoteTickList, ScoreTick, TimeSignatureTick, TrackTick

from stochastic_music import registry
from stochastic_music.constraints.automata.timing import Timed, timed_events
from stochastic_music.corpus import Piece, encode_piece
from stochastic_music.errors import UsageError
from stochastic_music.io.splicing import NewNotes
from stochastic_music.music import keys, marks
from stochastic_music.music.bars import Bar, bar_at, bars
from stochastic_music.music.parts import choose_part
from stochastic_music.protocols import BoolArray, IntArray, WalkingModel
from stochastic_music.tokens import Header, TokenPiece, Vocabulary, pitch_name
from stochastic_music.tokens.grid import Grid, Timeline, grid_of
from stochastic_music.tokens.heading import timeline_of

if TYPE_CHECKING:
    from stochastic_music.pipeline.pipeline import Pipeline

#: the longest rest (quarter notes) of encodings that do not say their own
_LONGEST_REST = 16


class Excerpt(NamedTuple):
    """What a stretch of a part stands under as a model reads it: its time counts units from `origin`, a tick."""

    header: Header
    timeline: Timeline
    origin: int


class Gap(NamedTuple):
    """Free time of an excerpt, from `begin` to `end` (units): `before` and `after` are the events around it.

    `symbols` are those of `before`.
    """

    excerpt: Excerpt
    symbols: IntArray
    before: Timed
    after: Timed
    begin: int
    end: int


@dataclass(frozen=True)
class Reading:
    """One part of a score, as the model of a pipeline reads it; see the module's article.

    `track` is its place in `score.tracks`, `why` says how it was chosen. `semitones` is how far it is moved to the key
    that the model reads; `rest` says that music of this kind may end before the bar line. `silence` is the longest
    one (units) that the model's corpus has.
    """

    score: ScoreTick
    track: int
    why: str
    encoding: Any
    semitones: int
    rest: bool
    silence: int

    @property
    def vocabulary(self) -> Vocabulary:
        """That of the encoding."""
        vocabulary: Vocabulary = self.encoding.vocabulary
        return vocabulary

    @property
    def one_at_a_time(self) -> bool:
        """Whether a note begins only when the one before it has ended."""
        return not any(field.advances == "sounds" for field in self.vocabulary.fields)

    @cached_property
    def notes(self) -> NewNotes:
        """The notes of the part in the order of the score: (n_notes,) each, in ticks."""
        columns = self.score.tracks[self.track].notes.numpy()
        return NewNotes(*(columns[name].astype(np.int64) for name in ("time", "duration", "pitch", "velocity")))

    @cached_property
    def ends(self) -> IntArray:
        """Where each note of the part ends, in ticks: (n_notes,)."""
        return self.notes.onset + self.notes.duration

    @cached_property
    def bars(self) -> list[Bar]:
        """The printed bars, up to the end of the music in all parts."""
        return bars(self.score)

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where bar `first` begins and bar `last` ends, in ticks; raises UsageError where there are no such bars."""
        there = {bar.number: bar for bar in self.bars}
        if first not in there or last not in there or last < first:
            asked = f"bars {first}-{last}" if first != last else f"bar {first}"
            pickup = ", after a pickup, which is bar 0" if 0 in there else ""
            raise UsageError(f"{asked} was asked for; the piece has bars 1 to {self.bars[-1].number}{pickup}")
        return self._tick(there[first].start), self._tick(there[last].end)

    def end_of(self, tick: int, more: int) -> int:
        """Where the bar in which the music up to `tick` ends would end if it were `more` bars later, in ticks."""
        last = bar_at(self.bars, Fraction(max(tick - 1, 0), self.score.ticks_per_quarter))
        number, final = last.number + more, self.bars[-1]
        if number <= final.number:
            return self.span(number, number)[1]
        return self._tick(final.start + (number - final.number + 1) * final.nominal)

    def within(self, begin: int, end: int) -> BoolArray:
        """The notes that begin from `begin` to before `end` (ticks), both as played and on the grid: (n_notes,)."""
        played, read = self._beginning(begin, end)
        return played & read

    def touching(self, begin: int, end: int) -> BoolArray:
        """The notes that begin from `begin` to before `end` (ticks), as played or on the grid: (n_notes,)."""
        played, read = self._beginning(begin, end)
        return played | read

    def _beginning(self, begin: int, end: int) -> tuple[BoolArray, BoolArray]:
        timeline = timeline_of(self.score, self._grid)
        units = timeline.units(self.notes.onset)
        first, last = timeline.nearest(np.array([begin, end])).tolist()
        played = (self.notes.onset >= begin) & (self.notes.onset < end)
        return played, (units >= first) & (units < last)

    def spans(self, excerpt: Excerpt, kept: BoolArray, bars: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Stretches of bars (ticks, ascending) in units of an excerpt.

        They are made wider for notes `kept` (n_notes,) that were played in the bar and lie beyond it on the grid.
        """
        onset = self.notes.onset[kept]
        units = excerpt.timeline.units(onset - excerpt.origin)
        found = []
        for begin, end in bars:
            first, last = excerpt.timeline.nearest(np.array([begin, end]) - excerpt.origin).tolist()
            own = units[(onset >= begin) & (onset < end)]
            found.append((min(first, *own.tolist()), max(last, *(own + 1).tolist())) if len(own) else (first, last))
        return [(first, last) for first, last in found if last > first]

    def gap(self, kept: BoolArray, begin: int, end: int) -> Gap:
        """The free time from `begin` to `end` (ticks), between those of the notes `kept` (n_notes,) that are near."""
        notes = self._in_order(kept)
        before = self._linked_before(notes[self.notes.onset[notes] < begin], begin)
        after = self._linked_after(notes[self.notes.onset[notes] >= begin], end)
        origin = self._origin(before, begin)
        pieces = [self._encoded(before, origin), self._encoded(after, end)]
        excerpt = self._excerpt(origin, next((piece for piece in pieces if piece), None))
        symbols, following = (piece.symbols if piece else np.zeros(0, dtype=np.int64) for piece in pieces)
        first, last = excerpt.timeline.nearest(np.array([begin, end]) - origin).tolist()
        events = timed_events(self.vocabulary, symbols), later(timed_events(self.vocabulary, following), last)
        return Gap(excerpt, symbols, *events, first, last)

    def rings_until(self, gap: Gap, dropped: BoolArray) -> int:
        """Until when the notes `dropped` (n_notes,) rang, if that is before what comes after the gap (units)."""
        if not dropped.any():
            return 0
        last = gap.excerpt.timeline.nearest(np.array([int(self.ends[dropped].max()) - gap.excerpt.origin]))[0]
        return int(gap.after.onset.min(initial=last))

    def bars_before(self, excerpt: Excerpt) -> int:
        """How many printed bars lie before an excerpt."""
        if not excerpt.origin:
            return 0
        return bar_at(self.bars, Fraction(excerpt.origin, self.score.ticks_per_quarter)).number - 1

    def n_before(self, begin: int, end: int | None = None) -> int:
        """How many events are read before new music from `begin` to `end` (ticks; None: to the end)."""
        dropped = np.zeros(len(self.ends), dtype=bool) if end is None else self.within(begin, end)
        notes = self._in_order(~dropped)
        piece = self._encoded(self._linked_before(notes[self.notes.onset[notes] < begin], begin), 0)
        return len(timed_events(self.vocabulary, piece.symbols).onset) if piece else 0

    def stretches(self) -> list[tuple[Excerpt, Timed]]:
        """The whole part, parted at long silences: each excerpt, and its events."""
        found: list[tuple[Excerpt, Timed]] = []
        left = self._in_order(np.ones(len(self.notes.onset), dtype=bool))
        while len(left):
            notes = self._linked_after(left, int(self.notes.onset[left[0]]))
            origin = self._origin(notes, 0)
            piece = self._encoded(notes, origin)
            assert piece is not None  # noqa: S101 - there are notes
            found.append((self._excerpt(origin, piece), timed_events(self.vocabulary, piece.symbols)))
            left = left[len(notes) :]
        return found

    def notes_of(self, excerpt: Excerpt, events: Timed, kept: BoolArray) -> NewNotes:
        """The notes that `events` of an excerpt stand for, at the ticks and pitches of the piece.

        None begins or goes on while a note that is `kept` (n_notes,) sounds at its pitch.
        """
        onset, end = self._ticks(excerpt, events.onset), self._ticks(excerpt, events.end)
        pitch = self.pitches(events) - self.semitones
        return self._apart(NewNotes(onset, end - onset, pitch, self._velocities(onset)), kept)

    def pitches(self, events: Timed) -> IntArray:
        """The pitch of each event, as the model reads it: (n_events,)."""
        return events.values[:, self.vocabulary.place("pitch")]

    def described(self, excerpt: Excerpt, events: Timed, chosen: Sequence[int]) -> list[str]:
        """Events of an excerpt by their numbers, as a musician names them: "F4 in bar 3"."""
        pitch = self.pitches(events)[chosen] - self.semitones
        ticks = self._ticks(excerpt, events.onset[chosen])
        bars = [bar_at(self.bars, Fraction(tick, self.score.ticks_per_quarter)).number for tick in ticks.tolist()]
        return [f"{pitch_name(p)} in bar {bar}" for p, bar in zip(pitch.tolist(), bars, strict=True)]

    @property
    def _grid(self) -> Grid:
        return grid_of(self.encoding.grid)

    @property
    def _limit(self) -> int:
        """The longest rest in ticks."""
        return int(getattr(self.encoding, "max_length", _LONGEST_REST)) * self.score.ticks_per_quarter

    def _tick(self, quarters: Fraction) -> int:
        return round(quarters * self.score.ticks_per_quarter)

    def _line(self, note: int) -> int:
        """The bar line before a note, in ticks."""
        at = Fraction(int(self.notes.onset[note]), self.score.ticks_per_quarter)
        return self._tick(bar_at(self.bars, at).start)

    def _in_order(self, mask: BoolArray) -> IntArray:
        notes = np.flatnonzero(mask)
        return notes[np.argsort(self.notes.onset[notes], kind="stable")]

    def _linked_before(self, notes: IntArray, begin: int) -> IntArray:
        """Of notes in order before `begin`, those after the last long silence.

        New music must be able to follow: before `begin` no silence is longer than those of the corpus.
        """
        reach = self.silence * self.score.ticks_per_quarter // self._grid.resolution
        if len(notes) and begin - int(self._since(notes)[-1]) > reach:
            return notes[:0]
        far = np.flatnonzero(self.notes.onset[notes][1:] - self._since(notes)[:-1] > self._limit)
        return notes[far[-1] + 1 :] if len(far) else notes

    def _linked_after(self, notes: IntArray, end: int) -> IntArray:
        """Of notes in order from `end` on, those before the first long silence."""
        far = np.flatnonzero(self.notes.onset[notes] - np.append(end, self._since(notes))[:-1] > self._limit)
        return notes[: far[0]] if len(far) else notes

    def _since(self, notes: IntArray) -> IntArray:
        """From where silence counts after each note: its end, or its onset where several notes may sound together."""
        return np.maximum.accumulate(self.ends[notes]) if self.one_at_a_time else self.notes.onset[notes]

    def _origin(self, notes: IntArray, begin: int) -> int:
        """The beginning of the piece where that is near, else the bar line before the first of some notes."""
        first = int(self.notes.onset[notes[0]]) if len(notes) else begin
        if first <= self._limit and not (self.notes.onset < first).any():
            return 0
        return self._line(int(notes[0])) if len(notes) else begin

    def _blank(self, origin: int) -> ScoreTick:
        """The meters and the key of the piece from `origin` on."""
        blank = ScoreTick(self.score.ticks_per_quarter)
        signatures = sorted(self.score.time_signatures, key=lambda s: int(s.time))
        now = [s for s in signatures if s.time <= origin][-1:]
        for s in (*now, *(s for s in signatures if s.time > origin)):
            blank.time_signatures.append(TimeSignatureTick(max(s.time - origin, 0), s.numerator, s.denominator))
        if not origin:
            marks.set_pickup(blank, marks.pickup(self.score))
        keys.mark_key(blank, keys.key_of(self.score).key)
        return blank

    def _excerpt(self, origin: int, piece: TokenPiece | None) -> Excerpt:
        """`piece` lends its header; where there is none, the whole part does."""
        piece = piece or self._encoded(np.arange(len(self.notes.onset)), 0)
        assert piece is not None  # noqa: S101 - a part that was chosen has notes
        timeline = timeline_of(self._blank(origin), self._grid)
        return Excerpt(replace(piece.header, meters=timeline.meters, pickup=timeline.pickup), timeline, origin)

    def _encoded(self, notes: IntArray, origin: int) -> TokenPiece | None:
        """The symbols of some notes, END left out, in the model's key; None where there are none."""
        if not len(notes):
            return None
        score, old = self._blank(origin), self.score.tracks[self.track]
        track, columns = TrackTick(old.name, old.program, old.is_drum), old.notes.numpy()
        time = np.maximum(columns["time"][notes] - origin, 0).astype(np.int32)
        track.notes = NoteTickList.from_numpy(time, *(columns[c][notes] for c in ("duration", "pitch", "velocity")))
        score.tracks.append(track)
        begun = set(self.notes.onset[notes].tolist())
        marks.add_phrase_ends(score, 0, [t - origin for t in marks.phrase_ends(self.score, self.track) if t in begun])
        moved = Piece(keys.transpose(score, self.semitones), transposed=self.semitones)
        [piece], _ = encode_piece(moved, self.encoding)
        return piece._replace(symbols=piece.symbols[piece.symbols != self.vocabulary.end])

    def _ticks(self, excerpt: Excerpt, units: IntArray) -> IntArray:
        """Ticks of the piece from units of an excerpt."""
        resolution = excerpt.header.resolution
        pickup = 0 if excerpt.origin else marks.pickup(self.score)
        since = (units - excerpt.timeline.pickup) * self.score.ticks_per_quarter
        ticks: IntArray = (2 * since + resolution) // (2 * resolution) + pickup + excerpt.origin
        return ticks

    def _velocities(self, onset: IntArray) -> IntArray:
        """The velocity of the note of the part that begins nearest to each onset."""
        order = np.argsort(self.notes.onset, kind="stable")
        times = self.notes.onset[order]
        nearest: IntArray = self.notes.velocity[order][np.searchsorted((times[1:] + times[:-1]) / 2, onset)]
        return nearest

    def _apart(self, new: NewNotes, kept: BoolArray) -> NewNotes:
        """New notes begin after, and end before, kept ones of their pitch."""
        onset, end = new.onset.copy(), new.onset + new.duration
        for i, pitch in enumerate(new.pitch.tolist()):
            meets = kept & (self.notes.pitch == pitch) & (self.notes.onset < end[i]) & (self.ends > onset[i])
            sounding = meets & (self.notes.onset <= onset[i])
            onset[i] = self.ends[sounding].max(initial=onset[i])
            end[i] = self.notes.onset[meets & ~sounding].min(initial=end[i])
        left = np.flatnonzero(end > onset)
        return NewNotes(onset[left], (end - onset)[left], new.pitch[left], new.velocity[left])


def stop(events: Timed) -> int:
    """Where the last of some events stops sounding (units), 0 without any."""
    return int(events.end.max(initial=0))


def later(events: Timed, units: int) -> Timed:
    """The same events, moved by `units`."""
    return events._replace(onset=events.onset + units, end=events.end + units)


def read_part(pipeline: Pipeline, score: ScoreTick, part: str | int | None) -> Reading:
    """The part of a score that `part` names, or the one that carries the tune, as a pipeline reads it.

    Raises EncodingError where there is no such part, UsageError for encodings that do not say when single notes begin,
    and for models that cannot be drawn from left to right.
    """
    if isinstance(pipeline.model, WalkingModel):
        raise UsageError(
            f"{type(pipeline.model).__name__} compares whole pieces and says nothing of what comes next, so it cannot "
            "go on from some notes, or between them: use another kind of model"
        )
    track, why = choose_part(score, part)
    encoding = pipeline.for_part(0) if "part" in registry.parameters_set(pipeline.encoding) else pipeline.encoding
    fields = encoding.vocabulary.fields
    if "now" not in {field.advances for field in fields} or encoding.vocabulary.index("pitch") is None:
        raise UsageError(
            f"this model reads music as {encoding.name} ({', '.join(field.name for field in fields)}), which does not "
            "say when each note of one part begins: use a model fitted with --encoding melody or notes"
        )
    moves = pipeline.transpose == "common" and not score.tracks[track].is_drum
    semitones = keys.semitones_to_common(keys.key_of(score).key) if moves else 0
    seen, effects = pipeline.alphabet_, [field.advances for field in fields]
    silences = seen[np.array(effects)[encoding.vocabulary.field_of(seen)] == "now"]
    silence = int(encoding.vocabulary.values(silences).max(initial=0))
    return Reading(score, track, why, encoding, semitones, not pipeline.card_.get("ends_on_line", True), silence)


__all__ = ["Excerpt", "Gap", "Reading", "later", "read_part", "stop"]
