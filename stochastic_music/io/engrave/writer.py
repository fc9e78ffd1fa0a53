"""One part written bar by bar: attributes, tempos and chord symbols, then voice after voice."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from stochastic_music.io.engrave.elements import (
    clef_element,
    harmony_element,
    key_element,
    lyric_element,
    tempo_element,
    text_element,
    time_element,
)
from stochastic_music.io.engrave.frame import Frame, Measure, Signature
from stochastic_music.io.engrave.front import instrument_id
from stochastic_music.io.engrave.notes import Look, Place, add_notations, add_rhythm, tuplet_ends
from stochastic_music.io.engrave.sounds import Sound, accidentals, holds, sounds, sung
from stochastic_music.io.layout import Chord, Note, PartLayout, Staff, Voice
from stochastic_music.io.rhythm import UNITS

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


class Writer:
    """Writes one part; holds what all its measures need."""

    def __init__(self, part: PartLayout, part_id: str, frame: Frame, *, named: bool) -> None:
        self.part, self.part_id, self.frame, self.named = part, part_id, frame, named
        self.cursors = {(s, v): 0 for s, staff in enumerate(part.staves) for v in range(len(staff.voices))}

    def write(self, element: ET.Element) -> None:
        """All measures, the last with a final bar line."""
        before: Measure | None = None
        for measure in self.frame.measures:
            bar = ET.SubElement(element, "measure", number=str(measure.number))
            if measure.number == 0:
                bar.set("implicit", "yes")
            self._attributes(bar, measure, before)
            self._tempo_marks(bar, measure)
            self._chord_symbols(bar, measure)
            self._staves(bar, measure)
            before = measure
        final = ET.SubElement(bar, "barline", location="right")
        text_element(final, "bar-style", "light-heavy")

    def _attributes(self, bar: ET.Element, measure: Measure, before: Measure | None) -> None:
        """Divisions, key, time, staves and clefs: at the beginning, and what changes later."""
        signature, meter = self.frame.signature(measure), measure.meter
        new_key = before is None or signature != self.frame.signature(before)
        new_meter = before is None or meter != before.meter
        if not (new_key or new_meter):
            return
        attributes = ET.SubElement(bar, "attributes")
        if before is None:
            text_element(attributes, "divisions", UNITS)
        if new_key and not self.part.is_drum:
            key_element(attributes, signature.key)
        if new_meter:
            time_element(attributes, meter)
        if before is None:
            self._clefs(attributes)

    def _clefs(self, attributes: ET.Element) -> None:
        several = len(self.part.staves) > 1
        if several:
            text_element(attributes, "staves", len(self.part.staves))
        for i, staff in enumerate(self.part.staves, start=1):
            clef_element(attributes, staff.clef, number=i if several else 0)

    def _tempo_marks(self, bar: ET.Element, measure: Measure) -> None:
        """Each change of tempo, told to players; the first of a bar is printed."""
        inside = [(time, qpm) for time, qpm in self.frame.tempos if measure.start <= time < measure.end]
        for i, (time, qpm) in enumerate(inside):
            tempo_element(bar, time - measure.start, qpm, _is_compound(measure.meter), printed=i == 0)

    def _chord_symbols(self, bar: ET.Element, measure: Measure) -> None:
        """Chord symbols above the staff and Roman numerals below it, where they begin."""
        for time, chord in self.frame.chords:
            if measure.start <= time < measure.end:
                harmony_element(bar, chord, time - measure.start, self.frame.signature(measure).key)
        for time, text in self.frame.numerals:
            if measure.start <= time < measure.end:
                direction = ET.SubElement(bar, "direction", placement="below")
                text_element(ET.SubElement(direction, "direction-type"), "words", text)
                text_element(direction, "offset", time - measure.start)

    def _staves(self, bar: ET.Element, measure: Measure) -> None:
        """Voice after voice, going back to the bar line between them."""
        is_first, signature = True, self.frame.signature(measure)
        for s, staff in enumerate(self.part.staves):
            rows = self._rows(staff, s, measure)
            signs = accidentals(rows, measure, signature)
            for v, row in enumerate(rows):
                if not row:
                    continue
                if not is_first:
                    text_element(ET.SubElement(bar, "backup"), "duration", measure.end - measure.start)
                is_first = False
                place = Place(4 * s + v + 1, s + 1 if len(self.part.staves) > 1 else 0, signature, signs)
                for sound in row:
                    self._sound(bar, sound, measure, place)

    def _rows(self, staff: Staff, s: int, measure: Measure) -> list[list[Sound]]:
        """What each voice of a staff plays in a bar; voices but the first are left out where they are silent."""
        return [
            sounds(inside, measure) if inside or v == 0 else []
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
            add_rhythm(note, sound, place)
            add_notations(note, tuplet_ends(sound))
            return
        marks = [*tuplet_ends(sound), *[ET.Element("fermata", type="upright")] * holds(sound.chord, end)]
        for i, sounding in enumerate(sound.chord.notes):
            start = measure.start + sound.value.start
            note = ET.SubElement(bar, "note", {"id": f"{sounding.name}-{start}"} if self.named else {})
            if i:
                ET.SubElement(note, "chord")
            self._pitch(note, sounding, place.signature)
            ties = (*["stop"] * (sounding.start < start), *["start"] * (sounding.end > end))
            add_rhythm(note, sound, place, ties, self._look(sounding, start, place), is_chord=i > 0)
            add_notations(note, [*(ET.Element("tied", type=tie) for tie in ties), *(marks if i == 0 else [])])
            if i == 0 and (text := sung(sound.chord, start)):
                lyric_element(note, text)

    def _look(self, note: Note, start: int, place: Place) -> Look:
        """Accidental, notehead and drum of a note whose sign stands at `start`."""
        if self.part.is_drum:
            return Look("", _DRUMS.get(note.pitch, _DRUM)[2], instrument_id(self.part_id, note.pitch))
        name = place.signature.spell(note.pitch)
        return Look(_ACCIDENTALS[name.alter] if (start, name) in place.accidentals else "")

    def _pitch(self, note: ET.Element, sounding: Note, signature: Signature) -> None:
        if self.part.is_drum:
            step, octave, _ = _DRUMS.get(sounding.pitch, _DRUM)
            element = ET.SubElement(note, "unpitched")
            text_element(element, "display-step", step)
            text_element(element, "display-octave", octave)
            return
        shown = signature.spell(sounding.pitch)
        element = ET.SubElement(note, "pitch")
        text_element(element, "step", shown.step)
        if shown.alter:
            text_element(element, "alter", shown.alter)
        text_element(element, "octave", shown.octave)


def _is_compound(meter: tuple[int, int]) -> bool:
    return meter[1] == 8 and meter[0] > 3 and meter[0] % 3 == 0
