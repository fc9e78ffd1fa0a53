"""Any file with several instruments, as REMI tokens [1] written by MidiTok (extra `tokens`).

There is one field, `token`; a symbol is the id of a MidiTok token: Bar and TimeSig, Position in the bar,
then Program, Pitch and Duration of each note. Notes come in on the grid of this package, 12 units a quarter,
which MidiTok counts as 24 positions a beat, so that nothing is lost to it where a half note is the beat.
A pickup is written as a full bar that begins with silence. Tracks of one instrument become one.
Tempo, key and velocity travel in the header. Symbols carry no time for the clock: a model learns
it from Position tokens alone, and what a model draws need not be a well-formed sequence; what MidiTok
cannot place in one is left out.

[1] Y.-S. Huang, Y.-H. Yang. Pop Music Transformer: beat-based modeling and generation of expressive pop piano
compositions. ACM Multimedia 2020. Time signatures and programs as in D. von Rütte et al., FIGARO, ICLR 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from stochastic_music import _optional
from stochastic_music.errors import EncodingError
from stochastic_music.music.parts import sounding_parts
from stochastic_music.music.signs import signs_of
from stochastic_music.protocols import IntArray
from stochastic_music.tokens.encoding import ScoreEncoding, left_out
from stochastic_music.tokens.grid import grid_of, tidy_meters
from stochastic_music.tokens.header import Header, Meter, Part
from stochastic_music.tokens.heading import add_track, blank_score, header_of, median_velocity, timeline_of
from stochastic_music.tokens.loss import EncodingLoss
from stochastic_music.tokens.piece import TokenPiece
from stochastic_music.tokens.reading import Notes, joined, long_gaps, read_notes, without_unisons
from stochastic_music.tokens.vocabulary import Field, Vocabulary

if TYPE_CHECKING:
    from symusic.core import ScoreTick, TrackTick

#: Numerators for each denominator; other meters are an EncodingError.
METERS = {2: range(1, 7), 4: range(1, 13), 8: range(1, 16), 16: range(1, 25)}
#: The longest note in beats of the meter, and the longest silence in quarter notes.
LONGEST_NOTE, LONGEST_SILENCE = 16, 256
_GRID = "1/16,1/12"
_POSITIONS = 24
_DRUMS = -1


@dataclass(frozen=True)
class RemiEncoding(ScoreEncoding):
    """REMI tokens of all parts of a score; see the module's article.

    Notes longer than 16 beats end early, silences over 256 quarter notes lose whole bars. Needs MidiTok:
    without it the first use raises MissingExtraError. `alphabet` restricts the vocabulary, `closed=False`
    leaves END out.
    """

    closed: bool = True
    alphabet: Sequence[int] | None = None

    name: ClassVar[str] = "remi"

    @property
    def grid(self) -> str:
        """The grid that notes are counted on."""
        return _GRID

    def encode_reported(self, score: ScoreTick) -> tuple[list[TokenPiece], EncodingLoss]:
        """The tokens of a score, and what they could not keep of it.

        Raises EncodingError where there are no notes, or a meter is not in `METERS`.
        """
        sounding = sounding_parts(score)
        if not sounding:
            raise EncodingError("the score has no notes: nothing can be encoded")
        timeline = timeline_of(score, grid_of(_GRID))
        tracks = [score.tracks[i] for i in sounding]
        read = [read_notes(track, timeline) for track in tracks]
        header = header_of(
            signs_of(score), timeline, tracks, median_velocity(np.concatenate([notes.velocity for notes, _ in read]))
        )
        _check_meters(header)
        parts, header, loss = _shortened([notes for notes, _ in read], header)
        single = {place: without_unisons(joined(group)) for place, group in _by_sound(header.parts, parts).items()}
        header = replace(header, parts=tuple(_merged(header.parts).values()))
        loss = sum((lost for _, lost in (*read, *single.values())), loss + left_out(score, len(sounding)))
        tokens = _tokenizer().encode(_laid_out(header, {sound: notes for sound, (notes, _) in single.items()}))
        return [TokenPiece(self._symbols([np.array(tokens.ids, dtype=np.int64)]), header)], loss

    def _declare(self) -> Vocabulary:
        ids = _tokenizer().vocab
        names = tuple(sorted(ids, key=lambda name: int(ids[name])))
        return Vocabulary((Field("token", len(names), labels=names),), closed=self.closed)

    def _heading(self, piece: TokenPiece) -> Header:
        return self._understood(piece)[0]

    def _write(self, score: ScoreTick, piece: TokenPiece) -> None:
        header, parts = self._understood(piece)
        for place, notes in parts:
            add_track(score, header, place, notes)

    def _understood(self, piece: TokenPiece) -> tuple[Header, list[tuple[int, tuple[IntArray, IntArray, IntArray]]]]:
        """What the tokens of a piece say: meters and instruments beside the header's, and notes for each."""
        ids = self.columns(piece.symbols)["token"].tolist()
        found = _tokenizer().decode(_optional.require("miditok").TokSequence(ids=ids))
        units = found.ticks_per_quarter // piece.header.resolution
        tracks = {_sound(track.program, track.is_drum): _columns(track, units) for track in found.tracks}
        silence = _silence_before(piece.header)
        header = piece.header
        if any((onset < silence).any() for onset, _, _ in tracks.values()):
            silence, header = 0, replace(header, pickup=0)
        meters = [Meter(max(0, s.time // units - silence), s.numerator, s.denominator) for s in found.time_signatures]
        known = {_sound(part.program, part.is_drum): part for part in header.parts}
        sounds = {**known, **{s: Part("", max(s, 0), s == _DRUMS) for s in tracks if s not in known}}
        header = replace(header, meters=tidy_meters(meters), parts=tuple(sounds.values()))
        places = {sound: place for place, sound in enumerate(sounds)}
        notes = [(places[s], (onset - silence, length, pitch)) for s, (onset, length, pitch) in tracks.items()]
        return header, sorted(notes, key=lambda part: part[0])


@lru_cache(maxsize=1)
def _tokenizer() -> Any:
    miditok = _optional.require("miditok")
    return miditok.REMI(
        miditok.TokenizerConfig(
            pitch_range=(0, 127),
            beat_res={(0, LONGEST_NOTE): _POSITIONS},
            special_tokens=["PAD"],
            encode_ids_split="no",
            use_velocities=False,
            use_programs=True,
            one_token_stream_for_programs=True,
            use_pitchdrum_tokens=False,
            use_time_signatures=True,
            time_signature_range={denominator: list(numerators) for denominator, numerators in METERS.items()},
        )
    )


def _check_meters(header: Header) -> None:
    starts, lengths, _ = header.bar_spans()
    for i, meter in enumerate(header.meters):
        if meter.numerator not in METERS.get(meter.denominator, ()):
            raise EncodingError(f"REMI has no token for a meter of {meter}: take another encoding")
        if i and (meter.start - starts[i - 1]) % lengths[i - 1]:
            raise EncodingError(f"the meter changes to {meter} inside a bar, which REMI has no token for")
    if header.pickup > lengths[0]:
        raise EncodingError("the pickup is longer than a bar, which REMI has no token for")


def _silence_before(header: Header) -> int:
    """Units of silence that make a full bar of the pickup."""
    return -header.pickup % header.meters[0].bar_length(header.resolution)


def _shortened(parts: Sequence[Notes], header: Header) -> tuple[list[Notes], Header, EncodingLoss]:
    """Parts without notes and silences too long for REMI."""
    limit = min(LONGEST_NOTE * 4 * header.resolution // meter.denominator for meter in header.meters)
    short = [notes.until(np.minimum(notes.end, notes.onset + limit)) for notes in parts]
    loss = EncodingLoss(cut=sum(int((a.end < b.end).sum()) for a, b in zip(short, parts, strict=True)))
    together = joined(short)
    silent_from = np.append(0, np.maximum.accumulate(together.end)[:-1])
    longest = LONGEST_SILENCE * header.resolution
    removal = long_gaps(silent_from, together.onset, silent_from, longest, header)
    if removal is None:
        return short, header, loss
    moved = [notes._replace(onset=removal(notes.onset), end=removal(notes.end)) for notes in short]
    return moved, removal.of_header(header), loss + EncodingLoss(rests_shortened=len(removal.start))


def _sound(program: int, is_drum: bool) -> int:
    """What MidiTok tells instruments apart by: the program, or -1 for drums."""
    return _DRUMS if is_drum else int(program)


def _merged(parts: Sequence[Part]) -> dict[int, Part]:
    """One part a sound, with the names of all that have it."""
    names: dict[int, dict[str, None]] = {}
    first: dict[int, Part] = {}
    for part in parts:
        sound = _sound(part.program, part.is_drum)
        first.setdefault(sound, part)
        names.setdefault(sound, {})[part.name] = None
    return {sound: part._replace(name=", ".join(filter(None, names[sound]))) for sound, part in first.items()}


def _by_sound(parts: Sequence[Part], notes: Sequence[Notes]) -> dict[int, list[Notes]]:
    groups: dict[int, list[Notes]] = {}
    for part, table in zip(parts, notes, strict=True):
        groups.setdefault(_sound(part.program, part.is_drum), []).append(table)
    return groups


def _laid_out(header: Header, sounds: dict[int, Notes]) -> ScoreTick:
    """The score that MidiTok reads: bars from time 0, on its own grid."""
    silence = _silence_before(header)
    parts = tuple(Part("", max(sound, 0), sound == _DRUMS) for sound in sounds)
    meters = (header.meters[0], *(m._replace(start=m.start + silence) for m in header.meters[1:]))
    bare = Header(header.resolution, meters, parts=parts)
    score = blank_score(bare)
    for place, notes in enumerate(sounds.values()):
        add_track(score, bare, place, (notes.onset + silence, notes.end - notes.onset, notes.pitch))
    return score


def _columns(track: TrackTick, ticks_per_unit: int) -> tuple[IntArray, IntArray, IntArray]:
    notes = {name: column.astype(np.int64) for name, column in track.notes.numpy().items()}
    return notes["time"] // ticks_per_unit, np.maximum(notes["duration"] // ticks_per_unit, 1), notes["pitch"]
