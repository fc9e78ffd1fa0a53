"""music21 streams as scores, exactly.

Offsets and lengths are fractions of a quarter note and become ticks at 480 a quarter, or 10080 where sevens or finer
values ask for it. Tied notes are one note. Grace notes are left out, chord symbols become markers, repeats are not
played out. Pitches are those that sound. A fermata ends a phrase, also on a rest: then with the note before it.

Bars are taken as printed. An incomplete first bar is a pickup, two incomplete bars that make a whole one (around a
repeat sign) are that bar, and any other bar of odd length stands under a time signature of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from symusic.core import NoteTickList, ScoreTick, TempoTick, TimeSignatureTick, TrackTick

from stochastic_music._optional import require
from stochastic_music.errors import UnreadableFileError
from stochastic_music.io._repair import count_of, tidy
from stochastic_music.io.loaded import LoadedScore
from stochastic_music.music.chords import Chord, named_chord
from stochastic_music.music.keys import (
    MODES,
    Key,
    mark_key,
    pitch_class_weights,
    printed_key,
    relative_mode,
    transposed_key,
)
from stochastic_music.music.marks import add_phrase_ends, set_chord_symbols, set_pickup

_TICKS, _FINE_TICKS = 480, 10080
_VELOCITY = 80
_DRUM_CHANNEL = 9


class Sound(NamedTuple):
    """A note as printed: quarters from the beginning, MIDI pitch, the kind of tie ('' for none), fermata or not."""

    onset: Fraction
    length: Fraction
    pitch: int
    tie: str = ""
    fermata: bool = False

    @property
    def end(self) -> Fraction:
        """When it stops."""
        return self.onset + self.length


class Bar(NamedTuple):
    """A printed measure: quarters, and the time signature in force."""

    start: Fraction
    length: Fraction
    meter: tuple[int, int]


@dataclass
class _Part:
    """What one walk through a part collects; times in quarters."""

    sounds: list[Sound] = field(default_factory=list)
    measures: list[tuple[Fraction, Fraction]] = field(default_factory=list)
    meters: list[tuple[Fraction, tuple[int, int]]] = field(default_factory=list)
    keys: list[tuple[Fraction, int, str]] = field(default_factory=list)
    tempos: list[tuple[Fraction, float]] = field(default_factory=list)
    phrase_ends: list[Fraction] = field(default_factory=list)
    name: str = ""
    program: int = 0
    is_drum: bool = False
    semitones: int = 0
    grace_notes: int = 0
    repeats: bool = False
    symbols: list[tuple[Fraction, Chord | None]] = field(default_factory=list)
    strange_symbols: int = 0


def load_stream(stream: Any, *, tune: str = "", phrase_lengths: Sequence[int] = ()) -> LoadedScore:
    """One music21 score; `phrase_lengths` counts the notes of the phrases of its first part, where they are known."""
    parts = [_read_part(part) for part in (list(stream.parts) if hasattr(stream, "parts") else []) or [stream]]
    warnings = _told(parts)
    for part in parts:
        part.sounds = merge_ties(part.sounds)
    if phrase_lengths and parts and not _mark_phrases(parts[0], phrase_lengths):
        warnings.append("its line ends could not be matched with its notes: no phrase ends")
    parts = [part for part in parts if part.sounds]
    if not parts:
        raise UnreadableFileError("it holds no notes")
    score = _score(parts, warnings)
    return LoadedScore(score, _title(stream), tune, tuple(warnings))


def merge_ties(sounds: Sequence[Sound]) -> list[Sound]:
    """Tied notes as one, in order of onset; a tie that leads to no note of its pitch is ignored.

    >>> half, quarter = Sound(Fraction(0), Fraction(2), 60, "start"), Sound(Fraction(2), Fraction(1), 60, "stop")
    >>> [float(sound.length) for sound in merge_ties([half, quarter])]
    [3.0]
    """
    out: list[Sound] = []
    open_ties: dict[tuple[int, Fraction], int] = {}
    for sound in sorted(sounds, key=lambda s: (s.onset, s.pitch)):
        place = open_ties.pop((sound.pitch, sound.onset), None) if sound.tie in ("stop", "continue") else None
        if place is None:
            place = len(out)
            out.append(sound)
        else:
            held = out[place]
            out[place] = held._replace(length=held.length + sound.length, fermata=held.fermata or sound.fermata)
        if sound.tie in ("start", "continue", "let-ring"):
            open_ties[sound.pitch, sound.end] = place
    return out


def printed_meters(bars: Sequence[Bar]) -> tuple[list[tuple[Fraction, int, int]], Fraction, int]:
    """Time signatures with their times, the pickup (quarters), and how many bars are odd; see the module's article.

    >>> common = (4, 4)
    >>> printed_meters([Bar(Fraction(t), Fraction(n), common) for t, n in [(0, 1), (1, 4), (5, 2), (7, 2), (9, 3)]])
    ([(Fraction(0, 1), 4, 4)], Fraction(1, 1), 0)
    """
    changes: list[tuple[Fraction, int, int]] = []
    pickup, odd, i = Fraction(0), 0, 0
    while i < len(bars):
        bar, following = bars[i], bars[i + 1] if i + 1 < len(bars) else None
        meter, full = bar.meter, Fraction(4 * bar.meter[0], bar.meter[1])
        if i == 0 and following and bar.length < full:
            pickup = bar.length
        elif following and bar.length < full and bar.length + following.length == full and following.meter == meter:
            i += 1
        elif bar.length % full and (following or bar.length > full):
            meter, odd = _meter_of(bar.length) or meter, odd + 1
        if not changes or changes[-1][1:] != meter:
            changes.append((bar.start, *meter))
        i += 1
    return changes, pickup, odd


def _meter_of(length: Fraction) -> tuple[int, int] | None:
    for denominator in (4, 8, 16, 32, 64):
        numerator = length * denominator / 4
        if numerator.denominator == 1 and numerator <= 64:
            return int(numerator), denominator
    return None


# Reading a part


def _read_part(part: Any) -> _Part:
    found = _Part(name=part.partName or "" if hasattr(part, "partName") else "")
    readers = _readers()
    for time, element in _walk(part, Fraction(0)):
        for kinds, reader in readers:
            if isinstance(element, kinds):
                reader(found, time, element)
                break
    sounding = getattr(part, "atSoundingPitch", "unknown") is True
    if found.semitones and not sounding:
        found.sounds = [s._replace(pitch=min(127, max(0, s.pitch + found.semitones))) for s in found.sounds]
        found.symbols = [(t, c and c.transposed(found.semitones)) for t, c in found.symbols]
        found.keys = [(t, transposed_key(Key(s), found.semitones).sharps, mode) for t, s, mode in found.keys]
    return found


def _walk(stream: Any, start: Fraction) -> Iterator[tuple[Fraction, Any]]:
    """Everything in a part with its time in quarters; measures come before what is in them."""
    for element in stream:
        time = start + Fraction(stream.elementOffset(element))
        yield time, element
        if element.isStream:
            yield from _walk(element, time)


def _readers() -> list[tuple[Any, Any]]:
    m21 = require("music21")
    return [
        (m21.harmony.Harmony, _read_symbol),
        (m21.note.GeneralNote, _read_note),
        (m21.stream.Measure, _read_measure),
        (m21.meter.TimeSignature, _read_meter),
        (m21.key.KeySignature, _read_key),
        (m21.tempo.MetronomeMark, _read_tempo),
        (m21.instrument.Instrument, _read_instrument),
        ((m21.bar.Repeat, m21.repeat.RepeatMark, m21.spanner.RepeatBracket), _read_repeat),
    ]


def _read_note(part: _Part, time: Fraction, element: Any) -> None:
    length = Fraction(element.duration.quarterLength)
    fermata = any("Fermata" in expression.classes for expression in element.expressions)
    if element.isRest:
        if fermata and part.sounds:
            part.sounds[-1] = part.sounds[-1]._replace(fermata=True)
        return
    members = element.notes if hasattr(element, "notes") else [element]
    if element.duration.isGrace or not length:
        part.grace_notes += len(members)
        return
    for member in members:
        tie = member.tie.type if member.tie is not None else ""
        part.sounds.append(Sound(time, length, _pitch(part, member), tie, fermata))


def _pitch(part: _Part, member: Any) -> int:
    if hasattr(member, "pitch"):
        return int(member.pitch.midi)
    part.is_drum = True
    drum = getattr(member.storedInstrument, "percMapPitch", None)
    return int(drum) if drum is not None else int(member.displayPitch().midi)


def _read_symbol(part: _Part, time: Fraction, element: Any) -> None:
    """A chord symbol by its notes: programs spell them in many ways."""
    if "NoChord" in element.classes:
        part.symbols.append((time, None))
        return
    pitches = [int(pitch.pitchClass) for pitch in element.pitches]
    found = named_chord(pitches, int(element.root().pitchClass), int(element.bass().pitchClass)) if pitches else None
    if found is None:
        part.strange_symbols += 1
    else:
        part.symbols.append((time, found))


def _read_measure(part: _Part, time: Fraction, element: Any) -> None:
    part.measures.append((time, Fraction(element.highestTime)))


def _read_meter(part: _Part, time: Fraction, element: Any) -> None:
    part.meters.append((time, (int(element.numerator), int(element.denominator))))


def _read_key(part: _Part, time: Fraction, element: Any) -> None:
    if element.sharps is not None and abs(element.sharps) <= 7:
        mode = getattr(element, "mode", None) or ""
        part.keys.append((time, int(element.sharps), {"ionian": "major", "aeolian": "minor"}.get(mode, mode)))


def _read_tempo(part: _Part, time: Fraction, element: Any) -> None:
    quarters = element.getQuarterBPM() if element.number is not None and not element.numberImplicit else None
    if quarters:
        part.tempos.append((time, float(quarters)))


def _read_instrument(part: _Part, _time: Fraction, element: Any) -> None:
    part.program = part.program or int(element.midiProgram or 0)
    part.is_drum = part.is_drum or element.midiChannel == _DRUM_CHANNEL
    part.name = part.name or element.partName or element.instrumentName or ""
    if element.transposition is not None:
        part.semitones = int(element.transposition.semitones)


def _read_repeat(part: _Part, _time: Fraction, _element: Any) -> None:
    part.repeats = True


# Building the score


def _told(parts: Sequence[_Part]) -> list[str]:
    grace = sum(part.grace_notes for part in parts)
    strange = sum(part.strange_symbols for part in parts)
    sentences = [
        f"{count_of(grace, 'grace note')}: left out" if grace else "",
        f"{count_of(strange, 'chord symbol')} of a kind not known here: left out" if strange else "",
        "repeats are printed: taken once" if any(part.repeats for part in parts) else "",
    ]
    return [sentence for sentence in sentences if sentence]


def _mark_phrases(part: _Part, lengths: Sequence[int]) -> bool:
    """End a phrase with the last note of each line; whether the counts agree."""
    onsets = sorted({s.onset for s in part.sounds})
    if sum(lengths) != len(onsets):
        return False
    last = np.cumsum(lengths) - 1
    ends = {onsets[i] for i in last.tolist()}
    part.sounds = [s._replace(fermata=s.fermata or s.onset in ends) for s in part.sounds]
    return True


def _score(parts: Sequence[_Part], warnings: list[str]) -> ScoreTick:
    quarter = _resolution(parts)
    score = ScoreTick(quarter)
    for i, part in enumerate(parts):
        score.tracks.append(_track(part, quarter))
        add_phrase_ends(score, i, sorted({_tick(s.onset, quarter) for s in part.sounds if s.fermata}))
    for time, tempo in {t: q for part in reversed(parts) for t, q in part.tempos}.items():
        score.tempos.append(TempoTick(_tick(time, quarter), tempo))
    warnings += _add_meters(score, parts, quarter)
    _add_keys(score, parts, quarter)
    _add_symbols(score, parts, quarter)
    warnings += tidy(score)
    return score


def _resolution(parts: Sequence[_Part]) -> int:
    times = (time for part in parts for sound in part.sounds for time in (sound.onset, sound.length))
    return _TICKS if all(_TICKS % time.denominator == 0 for time in times) else _FINE_TICKS


def _tick(time: Fraction, quarter: int) -> int:
    return round(time * quarter)


def _track(part: _Part, quarter: int) -> TrackTick:
    rows = [(_tick(s.onset, quarter), _tick(s.end, quarter), s.pitch) for s in part.sounds]
    onset, end, pitch = np.array(rows, dtype=np.int32).T
    track = TrackTick(part.name, 0 if part.is_drum else part.program, part.is_drum)
    velocity = np.full(len(rows), _VELOCITY, dtype=np.int8)
    track.notes = NoteTickList.from_numpy(np.ascontiguousarray(onset), end - onset, pitch.astype(np.int8), velocity)
    return track


def _add_meters(score: ScoreTick, parts: Sequence[_Part], quarter: int) -> list[str]:
    bars = _bars(max(parts, key=lambda part: len(part.measures)))
    meters = sorted({t: m for part in parts for t, m in part.meters}.items())
    changes, pickup, odd = printed_meters(bars) if bars and meters else ([(t, *m) for t, m in meters], Fraction(0), 0)
    for time, numerator, denominator in changes:
        score.time_signatures.append(TimeSignatureTick(_tick(time, quarter), numerator, denominator))
    set_pickup(score, _tick(pickup, quarter))
    return [f"{count_of(odd, 'bar')} shorter or longer than the time signature: kept at that length"] if odd else []


def _bars(part: _Part) -> list[Bar]:
    starts = [time for time, _ in part.measures]
    lengths = [b - a for a, b in pairwise(starts)] + [length for _, length in part.measures[-1:]]
    meters, meter, bars = iter(sorted(part.meters)), (4, 4), list[Bar]()
    upcoming = next(meters, None)
    for start, length in zip(starts, lengths, strict=True):
        while upcoming and upcoming[0] <= start:
            meter, upcoming = upcoming[1], next(meters, None)
        if length > 0:
            bars.append(Bar(start, length, meter))
    return bars


def _add_keys(score: ScoreTick, parts: Sequence[_Part], quarter: int) -> None:
    keys = next((part.keys for part in parts if part.keys and not part.is_drum), [])
    weights = pitch_class_weights(score)
    printed = {time: (sharps, mode) for time, sharps, mode in sorted(keys)}  # of two at one time that with a mode
    last = None
    for time, (sharps, mode) in printed.items():
        key = Key(sharps, mode) if mode in MODES else relative_mode(sharps, weights)
        if key != last:
            mark_key(score, key, _tick(time, quarter))
        last = key


def _add_symbols(score: ScoreTick, parts: Sequence[_Part], quarter: int) -> None:
    symbols = next((part.symbols for part in parts if part.symbols), [])
    if symbols:
        key = printed_key(score)
        texts = {_tick(time, quarter): "N.C." if chord is None else chord.symbol(key) for time, chord in symbols}
        set_chord_symbols(score, sorted(texts.items()))


def _title(stream: Any) -> str:
    metadata = getattr(stream, "metadata", None)
    words = " ".join(str((metadata and (metadata.title or metadata.movementName)) or "").split())
    return words.removesuffix(".mxl").removesuffix(".xml").removesuffix(".musicxml")  # some titles are file names
