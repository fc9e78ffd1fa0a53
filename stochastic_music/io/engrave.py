"""MusicXML 4.0, engraved: what a score holds, written so that a musician can read it.

`write_musicxml` spells notes by the key (`music.spelling`), gives each part the clef that fits its range
(`layout`), fills every bar with rests, ties notes over bar lines, and writes tuplets and beams by the meter
(`rhythm`). Bars are numbered as printed: a pickup is bar 0. Without a key signature the key is estimated.

Three conventions: a phrase end is a fermata over the last note of the phrase, as in chorale books; where a note
lies on no 64th or triplet, it goes to the nearest sixteenth or triplet eighth; provenance is the miscellaneous
field `stochastic_music`. No date is written: equal scores give equal bytes.

Format: W3C Music Notation Community Group. MusicXML 4.0 (2021). https://www.w3.org/2021/06/musicxml40/
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stochastic_music.errors import InvalidParameterError
from stochastic_music.io.layout import PERCUSSION, Chord, Clef, Note, PartLayout, Staff, Voice, lay_out
from stochastic_music.io.rhythm import UNITS, Beam, Grid, Value, beams, grid, tuplets, writable, written
from stochastic_music.music import chords as music
from stochastic_music.music import marks
from stochastic_music.music.bars import Bar, bars
from stochastic_music.music.keys import Key, key_of
from stochastic_music.music.spelling import Spelling, spell

if TYPE_CHECKING:
    from symusic.core import ScoreTick

_DOCTYPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">\n'
)
_FIELD = "stochastic_music"
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}

#: General MIDI drums on a five-line staff: pitch -> step, octave, notehead.
_DRUMS = {
    **dict.fromkeys((35, 36), ("F", 4, "normal")),
    **dict.fromkeys((37, 38, 39, 40), ("C", 5, "normal")),
    **dict.fromkeys((41, 43), ("A", 4, "normal")),
    **dict.fromkeys((45, 47), ("D", 5, "normal")),
    **dict.fromkeys((48, 50), ("E", 5, "normal")),
    **dict.fromkeys((42, 44, 46), ("G", 5, "x")),
    **dict.fromkeys((49, 51, 52, 53, 55, 57, 59), ("A", 5, "x")),
}
_DRUM = ("B", 4, "normal")

#: quality of a chord -> MusicXML's kind, and the degrees (value, alter, add or alter) that it takes besides
_KINDS: dict[str, tuple[str, tuple[tuple[int, int, str], ...]]] = {
    "maj": ("major", ()), "min": ("minor", ()), "dim": ("diminished", ()), "aug": ("augmented", ()),
    "7": ("dominant", ()), "maj7": ("major-seventh", ()), "min7": ("minor-seventh", ()),
    "hdim7": ("half-diminished", ()), "dim7": ("diminished-seventh", ()), "minmaj7": ("major-minor", ()),
    "6": ("major-sixth", ()), "min6": ("minor-sixth", ()), "sus2": ("suspended-second", ()),
    "sus4": ("suspended-fourth", ()), "7sus4": ("suspended-fourth", ((7, -1, "add"),)),
    "aug7": ("augmented-seventh", ()), "augmaj7": ("major-seventh", ((5, 1, "alter"),)),
    "7b5": ("dominant", ((5, -1, "alter"),)), "7b9": ("dominant", ((9, -1, "add"),)),
    "7#9": ("dominant", ((9, 1, "add"),)), "9": ("dominant-ninth", ()), "maj9": ("major-ninth", ()),
    "min9": ("minor-ninth", ()), "11": ("dominant-11th", ()), "min11": ("minor-11th", ()), "13": ("dominant-13th", ()),
    "add9": ("major", ((9, 0, "add"),)), "minadd9": ("minor", ((9, 0, "add"),)),
    "6/9": ("major-sixth", ((9, 0, "add"),)), "5": ("power", ()),
}  # fmt: skip


class Signature(NamedTuple):
    """The key that is printed from `time` (units) on."""

    time: int
    key: Key

    def spell(self, pitch: int) -> Spelling:
        """The name of a MIDI pitch in this key."""
        return spell(pitch, self.key.sharps, minor=self.key.is_minor)


class Measure(NamedTuple):
    """A bar in units, with its grid; `first` is where in a full bar it begins."""

    number: int
    start: int
    end: int
    meter: tuple[int, int]
    grid: Grid
    first: int


class Sound(NamedTuple):
    """One written value of a voice: a chord, or a rest where there is none."""

    value: Value
    chord: Chord | None
    beams: list[Beam]


def write_musicxml(score: ScoreTick, path: str | os.PathLike[str], *, provenance: str = "", title: str = "") -> None:
    """Write an engraved score; see the module's article. Without `title` the file's name is the title.

    Raises EncodingError for a time signature that cannot be printed, and OSError as the system gives it.
    """
    name = title or Path(path).stem.replace("_", " ")
    Path(path).write_bytes(to_musicxml(score, provenance=provenance, title=name))


def to_musicxml(score: ScoreTick, *, provenance: str = "", title: str = "", named: bool = False) -> bytes:
    """The bytes of an engraved score, UTF-8.

    `named` notes have ids: the name of `layout.note_names`, a hyphen, and the unit at which this sign stands.

    >>> from symusic import Note, Score, Track
    >>> score = Score(480)
    >>> score.tracks.append(Track(name="Flute", program=73, notes=[Note(0, 480, 66, 80)]))
    >>> b"<step>F</step>" in to_musicxml(score)
    True
    """
    parts = lay_out(score)
    measures = _measures(score)
    signatures = _signatures(score)
    tempos = _tempos(score)
    printed = _printed_chords(score)
    numerals = _printed_numerals(score)
    root = ET.Element("score-partwise", version="4.0")
    _front_matter(root, parts, title, provenance)
    for i, part in enumerate(parts, start=1):
        element = ET.SubElement(root, "part", id=f"P{i}")
        writer = _Writer(part, f"P{i}", measures, signatures, tempos if i == 1 else [])
        writer.named = named
        writer.chords, writer.numerals = printed if i == 1 else [], numerals if i == len(parts) else []
        writer.write(element)
    ET.indent(root, " ")
    buffer = io.BytesIO()
    ET.ElementTree(root).write(buffer, encoding="utf-8")
    return _DOCTYPE.encode() + buffer.getvalue() + b"\n"


class Place(NamedTuple):
    """Where a value is written: voice and staff (0: the only one), and what is in force there."""

    voice: int
    staff: int
    signature: Signature
    accidentals: set[tuple[int, Spelling]]


class Look(NamedTuple):
    """What a note shows beside its pitch and value."""

    accidental: str = ""
    head: str = "normal"
    instrument: str = ""


def provenance(data: bytes) -> str:
    """What `write_musicxml` was told about the making of a file, '' where it says nothing.

    >>> from symusic import Score
    >>> provenance(to_musicxml(Score(480), provenance="seed 1"))
    'seed 1'
    """
    try:
        root = ET.fromstring(data)  # noqa: S314 - expat itself bounds the expansion of entities
    except ET.ParseError:
        return ""
    return root.findtext(f".//miscellaneous-field[@name='{_FIELD}']", "")


def printable(text: str) -> str:
    """Text without what XML 1.0 has no place for: control characters, of MIDI tracks, and halves of names of files."""
    return _UNPRINTABLE.sub("", text)


# What stands before the music


def _front_matter(root: ET.Element, parts: Sequence[PartLayout], title: str, provenance: str) -> None:
    if title:
        _text(ET.SubElement(root, "work"), "work-title", title)
    identification = ET.SubElement(root, "identification")
    encoding = ET.SubElement(identification, "encoding")
    _text(encoding, "software", "stochastic_music")
    for element in ("accidental", "beam"):
        ET.SubElement(encoding, "supports", element=element, type="yes")
    if provenance:
        field = _text(ET.SubElement(identification, "miscellaneous"), "miscellaneous-field", provenance)
        field.set("name", _FIELD)
    part_list = ET.SubElement(root, "part-list")
    if len(parts) > 1:
        group = ET.SubElement(part_list, "part-group", type="start", number="1")
        _text(group, "group-symbol", "bracket")
    for i, part in enumerate(parts, start=1):
        _score_part(part_list, part, f"P{i}", _channel(i))
    if len(parts) > 1:
        ET.SubElement(part_list, "part-group", type="stop", number="1")


def _score_part(parent: ET.Element, part: PartLayout, part_id: str, channel: int) -> None:
    element = ET.SubElement(parent, "score-part", id=part_id)
    _text(element, "part-name", part.name)
    drums = _drum_pitches(part) if part.is_drum else [-1]
    ids = [_instrument(part_id, pitch) for pitch in drums]
    for instrument in ids:
        _text(ET.SubElement(element, "score-instrument", id=instrument), "instrument-name", part.name)
    for instrument, pitch in zip(ids, drums, strict=True):
        midi = ET.SubElement(element, "midi-instrument", id=instrument)
        _text(midi, "midi-channel", 10 if part.is_drum else channel)
        _text(midi, "midi-program", part.program + 1)
        if part.is_drum:
            _text(midi, "midi-unpitched", pitch + 1)


def _channel(part: int) -> int:
    """MIDI channels 1 .. 16 in turn, without the drums' tenth."""
    channels: list[int] = [*range(1, 10), *range(11, 17)]
    return channels[(part - 1) % 15]


def _instrument(part_id: str, pitch: int = -1) -> str:
    return f"{part_id}-I{pitch + 1}" if pitch >= 0 else f"{part_id}-I1"


def _drum_pitches(part: PartLayout) -> list[int]:
    return sorted({note.pitch for staff in part.staves for voice in staff.voices for c in voice for note in c.notes})


# The frame: bars, keys, tempos


def _measures(score: ScoreTick) -> list[Measure]:
    return [measure for bar in bars(score) if (measure := _measure(bar)).end > measure.start]


def _measure(bar: Bar) -> Measure:
    start, end = writable(bar.start), writable(bar.end)
    full = grid(bar.numerator, bar.denominator)
    first = full.length - (end - start) if bar.number == 0 else 0
    return Measure(bar.number, start, end, (bar.numerator, bar.denominator), full, first)


def _signatures(score: ScoreTick) -> list[Signature]:
    """The printed key signatures, or the estimated key where there are none."""
    opening = key_of(score).key
    printed = {int(k.time): Key(int(k.key), "minor" if k.tonality else "major") for k in score.key_signatures}
    usable = [(time, key) for time, key in sorted(printed.items()) if -7 <= key.sharps <= 7]
    if not usable:
        return [Signature(0, opening)]
    (_, first), later = usable[0], usable[1:]
    times = [writable(Fraction(time, score.ticks_per_quarter)) for time, _ in later]
    # a signature knows no modes, the key found may
    first = opening if opening.sharps == first.sharps else first
    return [Signature(0, first), *(Signature(time, key) for time, (_, key) in zip(times, later, strict=True))]


def _tempos(score: ScoreTick) -> list[tuple[int, float]]:
    """(units, quarter notes a minute), the last of those at one time."""
    found = {int(t.time) * UNITS // score.ticks_per_quarter: round(float(t.qpm), 3) for t in score.tempos}
    return sorted(found.items())


def _printed_chords(score: ScoreTick) -> list[tuple[int, music.Chord | None]]:
    """Chord symbols with their times in units; markers that are none stay out."""
    found = []
    for time, text in marks.chord_symbols(score):
        with contextlib.suppress(InvalidParameterError):
            found.append((_unit(time, score), music.parse_chord(text)))
    return found


def _printed_numerals(score: ScoreTick) -> list[tuple[int, str]]:
    return [(_unit(time, score), text) for time, text in marks.roman_numerals(score)]


def _unit(time: int, score: ScoreTick) -> int:
    return writable(Fraction(time, score.ticks_per_quarter))


# The music


class _Writer:
    """Writes one part; holds what all its measures need."""

    def __init__(
        self,
        part: PartLayout,
        part_id: str,
        measures: Sequence[Measure],
        signatures: Sequence[Signature],
        tempos: Sequence[tuple[int, float]],
    ) -> None:
        self.part, self.part_id, self.measures = part, part_id, measures
        self.signatures, self.tempos = signatures, tempos
        self.chords: list[tuple[int, music.Chord | None]] = []
        self.numerals: list[tuple[int, str]] = []
        self.named = False
        self.cursors = {(s, v): 0 for s, staff in enumerate(part.staves) for v in range(len(staff.voices))}

    def write(self, element: ET.Element) -> None:
        """All measures, the last with a final bar line."""
        before: Measure | None = None
        for measure in self.measures:
            bar = ET.SubElement(element, "measure", number=str(measure.number))
            if measure.number == 0:
                bar.set("implicit", "yes")
            self._attributes(bar, measure, before)
            self._tempo_marks(bar, measure)
            self._chord_symbols(bar, measure)
            self._staves(bar, measure)
            before = measure
        final = ET.SubElement(bar, "barline", location="right")
        _text(final, "bar-style", "light-heavy")

    def _attributes(self, bar: ET.Element, measure: Measure, before: Measure | None) -> None:
        """Divisions, key, time, staves and clefs: at the beginning, and what changes later."""
        signature, meter = self._signature(measure), measure.meter
        new_key = before is None or signature != self._signature(before)
        new_meter = before is None or meter != before.meter
        if not (new_key or new_meter):
            return
        attributes = ET.SubElement(bar, "attributes")
        if before is None:
            _text(attributes, "divisions", UNITS)
        if new_key and not self.part.is_drum:
            _key_element(attributes, signature.key)
        if new_meter:
            _time_element(attributes, meter)
        if before is None:
            self._clefs(attributes)

    def _signature(self, measure: Measure) -> Signature:
        """What is printed at a bar; a change within a bar waits for the next."""
        return [s for s in self.signatures if s.time <= measure.start][-1]

    def _clefs(self, attributes: ET.Element) -> None:
        several = len(self.part.staves) > 1
        if several:
            _text(attributes, "staves", len(self.part.staves))
        for i, staff in enumerate(self.part.staves, start=1):
            _clef_element(attributes, staff.clef, number=i if several else 0)

    def _tempo_marks(self, bar: ET.Element, measure: Measure) -> None:
        """Each change of tempo, told to players; the first of a bar is printed."""
        inside = [(time, qpm) for time, qpm in self.tempos if measure.start <= time < measure.end]
        for i, (time, qpm) in enumerate(inside):
            _tempo_element(bar, time - measure.start, qpm, _is_compound(measure.meter), printed=i == 0)

    def _chord_symbols(self, bar: ET.Element, measure: Measure) -> None:
        """Chord symbols above the staff and Roman numerals below it, where they begin."""
        for time, chord in self.chords:
            if measure.start <= time < measure.end:
                _harmony(bar, chord, time - measure.start, self._signature(measure).key)
        for time, text in self.numerals:
            if measure.start <= time < measure.end:
                direction = ET.SubElement(bar, "direction", placement="below")
                _text(ET.SubElement(direction, "direction-type"), "words", text)
                _text(direction, "offset", time - measure.start)

    def _staves(self, bar: ET.Element, measure: Measure) -> None:
        """Voice after voice, going back to the bar line between them."""
        is_first, signature = True, self._signature(measure)
        for s, staff in enumerate(self.part.staves):
            rows = self._rows(staff, s, measure)
            accidentals = _accidentals(rows, measure, signature)
            for v, row in enumerate(rows):
                if not row:
                    continue
                if not is_first:
                    _text(ET.SubElement(bar, "backup"), "duration", measure.end - measure.start)
                is_first = False
                place = Place(4 * s + v + 1, s + 1 if len(self.part.staves) > 1 else 0, signature, accidentals)
                for sound in row:
                    self._sound(bar, sound, measure, place)

    def _rows(self, staff: Staff, s: int, measure: Measure) -> list[list[Sound]]:
        """What each voice of a staff plays in a bar; voices but the first are left out where they are silent."""
        return [
            _sounds(inside, measure) if inside or v == 0 else []
            for v, voice in enumerate(staff.voices)
            for inside in [self._inside(voice, (s, v), measure)]
        ]

    def _inside(self, voice: Voice, which: tuple[int, int], measure: Measure) -> list[Chord]:
        """The chords of a voice that sound in a bar; bars are asked for in order."""
        at = self.cursors[which]
        while at < len(voice) and voice[at].end <= measure.start:
            at += 1
        self.cursors[which] = stop = at
        while stop < len(voice) and voice[stop].start < measure.end:
            stop += 1
        return voice[at:stop]

    def _sound(self, bar: ET.Element, sound: Sound, measure: Measure, place: Place) -> None:
        """One rest, or the notes of one chord, the lowest first."""
        end = measure.start + sound.value.end
        if sound.chord is None:
            note = ET.SubElement(bar, "note")
            ET.SubElement(note, "rest", {} if sound.value.type else {"measure": "yes"})
            _rhythm(note, sound, place)
            _notations(note, _tuplet_ends(sound))
            return
        marks = [*_tuplet_ends(sound), *[ET.Element("fermata", type="upright")] * _holds(sound.chord, end)]
        for i, sounding in enumerate(sound.chord.notes):
            start = measure.start + sound.value.start
            note = ET.SubElement(bar, "note", {"id": f"{sounding.name}-{start}"} if self.named else {})
            if i:
                ET.SubElement(note, "chord")
            self._pitch(note, sounding, place.signature)
            ties = (*["stop"] * (sounding.start < start), *["start"] * (sounding.end > end))
            _rhythm(note, sound, place, ties, self._look(sounding, start, place), is_chord=i > 0)
            _notations(note, [*(ET.Element("tied", type=tie) for tie in ties), *(marks if i == 0 else [])])
            if i == 0 and (text := _sung(sound.chord, start)):
                _lyric(note, text)

    def _look(self, note: Note, start: int, place: Place) -> Look:
        """Accidental, notehead and drum of a note whose sign stands at `start`."""
        if self.part.is_drum:
            return Look("", _DRUMS.get(note.pitch, _DRUM)[2], _instrument(self.part_id, note.pitch))
        name = place.signature.spell(note.pitch)
        return Look(_ACCIDENTALS[name.alter] if (start, name) in place.accidentals else "")

    def _pitch(self, note: ET.Element, sounding: Note, signature: Signature) -> None:
        if self.part.is_drum:
            step, octave, _ = _DRUMS.get(sounding.pitch, _DRUM)
            element = ET.SubElement(note, "unpitched")
            _text(element, "display-step", step)
            _text(element, "display-octave", octave)
            return
        shown = signature.spell(sounding.pitch)
        element = ET.SubElement(note, "pitch")
        _text(element, "step", shown.step)
        if shown.alter:
            _text(element, "alter", shown.alter)
        _text(element, "octave", shown.octave)


def _sounds(chords: Sequence[Chord], measure: Measure) -> list[Sound]:
    """One voice of one bar, its silences filled with rests."""
    length = measure.end - measure.start
    if not chords and length == measure.grid.length:
        return [Sound(Value(0, length, "", 0), None, [])]
    spans = _filled(chords, measure)
    regions = tuplets([edge for start, end, _ in spans for edge in (start, end)], measure.grid, measure.first)
    rank = measure.grid.rank[measure.first :] if measure.first else measure.grid.rank
    pairs = [
        (value, chord)
        for start, end, chord in spans
        for value in written(start, end, regions, rank, rest=chord is None)
    ]
    beamed = beams([value if chord else None for value, chord in pairs], measure.grid, measure.first)
    return [Sound(value, chord, joined) for (value, chord), joined in zip(pairs, beamed, strict=True)]


def _filled(chords: Sequence[Chord], measure: Measure) -> list[tuple[int, int, Chord | None]]:
    """Spans of a bar, chords cut at its bar lines and None where there is silence."""
    spans: list[tuple[int, int, Chord | None]] = []
    at, length = 0, measure.end - measure.start
    for chord in chords:
        start, end = max(chord.start - measure.start, 0), min(chord.end - measure.start, length)
        if start > at:
            spans.append((at, start, None))
        spans.append((start, end, chord))
        at = end
    return [*spans, (at, length, None)] if at < length else spans


def _accidentals(rows: Sequence[Sequence[Sound]], measure: Measure, signature: Signature) -> set[tuple[int, Spelling]]:
    """Which (time, spelling) of one staff and bar need an accidental.

    Tied notes need none; but after one that was altered before the bar line its step is in doubt, so say it.
    """
    chords = [sound.chord for row in rows for sound in row if sound.chord]
    named = sorted({(note.start, signature.spell(note.pitch)) for chord in chords for note in chord.notes})
    shown: dict[tuple[str, int], int | None] = {}
    needed = set()
    for time, name in named:
        place, printed = (name.step, name.octave), _signature_alter(name.step, signature.key.sharps)
        if time < measure.start:
            shown[place] = printed if name.alter == printed else None
            continue
        if shown.get(place, printed) != name.alter:
            needed.add((time, name))
        shown[place] = name.alter
    return needed


def _signature_alter(step: str, sharps: int) -> int:
    """What the key signature does to a step.

    >>> _signature_alter("F", 1), _signature_alter("B", -1), _signature_alter("C", 1)
    (1, -1, 0)
    """
    place = "FCGDAEB".index(step)
    return int(place < sharps) - int(6 - place < -sharps)


def _sung(chord: Chord, start: int) -> str:
    """The lyric of a chord whose sign stands at `start`; signs tied to it have none."""
    return next((note.lyric for note in chord.notes if note.lyric and note.start == start), "")


def _holds(chord: Chord, end: int) -> bool:
    return any(note.fermata and note.end == end for note in chord.notes)


# Elements

_PLAIN = Look()


def _text(parent: ET.Element, tag: str, value: object) -> ET.Element:
    element = ET.SubElement(parent, tag)
    element.text = printable(str(value))
    return element


def _key_element(parent: ET.Element, key: Key) -> None:
    element = ET.SubElement(parent, "key")
    _text(element, "fifths", key.sharps)
    _text(element, "mode", key.mode)


def _time_element(parent: ET.Element, meter: tuple[int, int]) -> None:
    element = ET.SubElement(parent, "time")
    _text(element, "beats", meter[0])
    _text(element, "beat-type", meter[1])


def _clef_element(parent: ET.Element, clef: Clef, *, number: int) -> None:
    element = ET.SubElement(parent, "clef", {"number": str(number)} if number else {})
    _text(element, "sign", clef.sign)
    if clef is not PERCUSSION:
        _text(element, "line", clef.line)
    if clef.octave:
        _text(element, "clef-octave-change", clef.octave)


def _tempo_element(bar: ET.Element, offset: int, qpm: float, compound: bool, *, printed: bool) -> None:
    parent = bar
    if printed:
        parent = ET.SubElement(bar, "direction", placement="above")
        metronome = ET.SubElement(ET.SubElement(parent, "direction-type"), "metronome")
        _text(metronome, "beat-unit", "quarter")
        if compound:
            ET.SubElement(metronome, "beat-unit-dot")
        _text(metronome, "per-minute", f"{qpm / 1.5 if compound else qpm:.4g}")
    sound = ET.Element("sound", tempo=f"{qpm:g}")
    if offset:
        _text(parent if printed else sound, "offset", offset)
    parent.append(sound)


def _harmony(bar: ET.Element, chord: music.Chord | None, offset: int, key: Key) -> None:
    """A chord symbol: MusicXML's kind of chord, and the text that lead sheets have for it."""
    harmony = ET.SubElement(bar, "harmony")
    if chord is None:
        _pitch_name(harmony, "root", "C")
        _text(harmony, "kind", "none").set("text", "N.C.")
    else:
        root, suffix = chord.spelled(key)
        kind, degrees = _KINDS[chord.quality]
        _pitch_name(harmony, "root", root)
        _text(harmony, "kind", kind).set("text", suffix)
        if chord.bass is not None:
            _pitch_name(harmony, "bass", chord.symbol(key).rpartition("/")[2])
        for value, alter, how in degrees:
            degree = ET.SubElement(harmony, "degree")
            for tag, text in (("value", value), ("alter", alter), ("type", how)):
                _text(degree, f"degree-{tag}", text)
    _text(harmony, "offset", offset)


def _pitch_name(harmony: ET.Element, which: str, name: str) -> None:
    element = ET.SubElement(harmony, which)
    _text(element, f"{which}-step", name[0])
    if alter := name.count("#") - name.count("b"):
        _text(element, f"{which}-alter", alter)


def _is_compound(meter: tuple[int, int]) -> bool:
    return meter[1] == 8 and meter[0] > 3 and meter[0] % 3 == 0


def _rhythm(
    note: ET.Element,
    sound: Sound,
    place: Place,
    ties: Sequence[str] = (),
    look: Look = _PLAIN,
    *,
    is_chord: bool = False,
) -> None:
    """Duration, ties, voice, type, dots, accidental, tuplet, staff and beams, in the order the format asks for."""
    value = sound.value
    _text(note, "duration", value.end - value.start)
    for tie in ties:
        ET.SubElement(note, "tie", type=tie)
    if look.instrument:
        ET.SubElement(note, "instrument", id=look.instrument)
    _text(note, "voice", place.voice)
    if value.type:
        _text(note, "type", value.type)
    for _ in range(value.dots):
        ET.SubElement(note, "dot")
    if look.accidental:
        _text(note, "accidental", look.accidental)
    if value.tuplet:
        modification = ET.SubElement(note, "time-modification")
        _text(modification, "actual-notes", 3)
        _text(modification, "normal-notes", 2)
    if look.head != "normal":
        _text(note, "notehead", look.head)
    if place.staff:
        _text(note, "staff", place.staff)
    for level, beam in enumerate(() if is_chord else sound.beams, start=1):
        _text(note, "beam", beam).set("number", str(level))


def _notations(note: ET.Element, marks: Sequence[ET.Element]) -> None:
    """Ties as curves, tuplet brackets and fermatas."""
    if marks:
        ET.SubElement(note, "notations").extend(marks)


def _tuplet_ends(sound: Sound) -> list[ET.Element]:
    region, value = sound.value.tuplet, sound.value
    if region is None:
        return []
    kinds = [*["start"] * (value.start <= max(region.start, 0)), *["stop"] * (value.end >= region.end)]
    return [ET.Element("tuplet", type=kind, number="1") for kind in kinds]


def _lyric(note: ET.Element, text: str) -> None:
    lyric = ET.SubElement(note, "lyric", number="1")
    _text(lyric, "syllabic", "single")
    _text(lyric, "text", text)
