"""Engraved MusicXML: what music21 reads back, and what a musician sees."""

from __future__ import annotations

import warnings
import xml.etree.ElementTree as ET
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from symusic import KeySignature, Note, Score, Tempo, TextMeta, TimeSignature, Track

from stochastic_music import io
from stochastic_music.errors import EncodingError
from stochastic_music.io.engrave import provenance, to_musicxml, write_musicxml
from stochastic_music.music import keys, marks

TPQ = 480


def part(notes, name="", program=0, *, is_drum=False):
    """A track of (onset, duration, pitch), in quarter notes."""
    track = Track(name=name, program=program, is_drum=is_drum)
    for onset, duration, pitch in notes:
        track.notes.append(Note(round(onset * TPQ), round(duration * TPQ), pitch, 80))
    return track


def melody(durations, pitches, start=Fraction(0)):
    notes = []
    for duration, pitch in zip(durations, pitches, strict=False):
        notes.append((start, duration, pitch))
        start += duration
    return notes


def score_of(*parts, meter=(4, 4), pickup=0, key=None):
    score = Score(TPQ)
    score.time_signatures.append(TimeSignature(0, *meter))
    if key is not None:
        score.key_signatures.append(KeySignature(0, *key))
    for track in parts:
        score.tracks.append(track)
    if pickup:
        marks.set_pickup(score, round(pickup * TPQ))
    return score


def music21_of(data):
    import music21

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return music21.converter.parseData(data.decode(), format="musicxml")


def notes_of(stream):
    """(onset, duration, pitch) of each note of a music21 stream, ties joined."""
    for note in stream.flatten().notes:  # music21 does not join a printed natural to a tied note without one
        for pitch in note.pitches:
            pitch.accidental = pitch.accidental if pitch.alter else None
    return Counter(
        (Fraction(note.offset), Fraction(note.quarterLength), pitch.midi)
        for note in stream.stripTies().flatten().notes
        for pitch in note.pitches
    )


STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def heard(data):
    """(onset, duration, pitch) of each note of the first part, read off the XML itself, ties joined within a voice."""
    found, open_ties, bar_start = [], {}, 0
    for measure in ET.fromstring(data).find("part").iter("measure"):
        at = reached = onset = bar_start
        for element in measure:
            length = int(element.findtext("duration", "0"))
            if element.tag == "backup":
                at -= length
            if element.tag != "note":
                continue
            if element.find("chord") is None:
                onset, at = at, at + length
            reached = max(reached, at)
            if element.find("pitch") is None:
                continue
            pitch = element.find("pitch")
            midi = (
                STEPS[pitch.findtext("step")] + int(pitch.findtext("alter", "0")) + 12 * int(pitch.findtext("octave"))
            )
            place = (element.findtext("voice"), midi + 12)
            ties = {tie.get("type") for tie in element.findall("tie")}
            start = open_ties.pop(place) if "stop" in ties else onset
            if "start" in ties:
                open_ties[place] = start
            else:
                found.append((Fraction(start, 48), Fraction(at - start, 48), midi + 12))
        bar_start = reached
    assert not open_ties
    return Counter(found)


def values_of(data):
    """(type, dots, is rest) of each written value of the first part."""
    first = ET.fromstring(data).find("part")
    return [
        (note.findtext("type"), len(note.findall("dot")), note.find("rest") is not None) for note in first.iter("note")
    ]


def beams_of(data):
    return [[beam.text for beam in note.findall("beam")] for note in ET.fromstring(data).iter("note")]


THIRD = Fraction(1, 3)
LENGTHS = [Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), 1, Fraction(3, 2), 2, 3, THIRD, 2 * THIRD, Fraction(1, 6)]


def on_the_grid(rows):
    """A melody of (rest, duration, pitch) in twelfths of a quarter note."""
    notes, at = [], Fraction(0)
    for rest, duration, pitch in rows:
        notes.append((at + Fraction(rest, 12), Fraction(duration, 12), pitch))
        at += Fraction(rest + duration, 12)
    return notes


METERS = [(4, 4), (3, 4), (6, 8), (5, 8), (2, 2), (7, 8), (12, 8), (3, 8), (5, 16)]
ROWS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 40), st.integers(40, 84)), min_size=1, max_size=12)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.sampled_from(METERS), st.integers(0, 11))
def test_whatever_lies_on_the_grid_is_written_note_for_note(rows, meter, pickup):
    notes = on_the_grid(rows)
    data = to_musicxml(score_of(part(notes), meter=meter, pickup=Fraction(pickup, 12)))
    assert heard(data) == Counter(notes)
    sizes = [sum(int(d.text) for d in m.findall("note/duration")) for m in ET.fromstring(data).iter("measure")]
    full = 192 * meter[0] // meter[1]
    has_pickup = 0 < 4 * pickup < full
    assert sizes == [4 * pickup] * has_pickup + [full] * (len(sizes) - has_pickup)


@settings(max_examples=10, deadline=None)
@given(ROWS, st.sampled_from(METERS))
def test_music21_reads_the_same_notes_in_full_bars(rows, meter):
    notes = on_the_grid(rows)
    stream = music21_of(to_musicxml(score_of(part(notes), meter=meter)))
    assert notes_of(stream.parts[0]) == Counter(notes)
    measures = stream.parts[0].getElementsByClass("Measure")
    assert all(m.duration.quarterLength == m.barDuration.quarterLength for m in measures)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 96), st.integers(1, 60), st.integers(36, 84)),
        min_size=1,
        max_size=24,
        unique_by=lambda row: row[2],
    )
)
def test_chords_and_overlapping_voices_lose_nothing(rows):
    notes = [(Fraction(onset, 12), Fraction(duration, 12), pitch) for onset, duration, pitch in rows]
    assert heard(to_musicxml(score_of(part(notes, "Piano")))) == Counter(notes)


def test_four_parts_keep_their_names_order_and_clefs():
    parts = [("Soprano", 72), ("Alto", 65), ("Tenor", 55), ("Bass", 45)]
    score = score_of(*(part([(0, 4, pitch), (4, 4, pitch + 2)], name) for name, pitch in parts))
    data = to_musicxml(score)
    stream = music21_of(data)
    assert [p.partName for p in stream.parts] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert [clef.findtext("sign") for clef in ET.fromstring(data).iter("clef")] == ["G", "G", "F", "F"]


def test_a_pickup_is_bar_0_and_the_first_full_bar_is_bar_1():
    stream = music21_of(to_musicxml(score_of(part(melody([1, 4, 4], [67, 72, 71])), pickup=1)))
    measures = stream.parts[0].getElementsByClass("Measure")
    assert [(m.number, float(m.offset)) for m in measures] == [(0, 0.0), (1, 1.0), (2, 5.0)]


def test_bars_are_filled_with_rests_and_an_empty_bar_shows_a_whole_bar_rest():
    data = to_musicxml(score_of(part([(1, 1, 60), (8, 4, 62)]), meter=(4, 4)))
    assert values_of(data) == [
        ("quarter", 0, True),
        ("quarter", 0, False),
        ("half", 0, True),
        (None, 0, True),
        ("whole", 0, False),
    ]


@pytest.mark.parametrize(
    ("meter", "lengths", "expected"),
    [
        ((4, 4), [Fraction(1, 2), 1, Fraction(1, 2), 2], ["eighth", "quarter", "eighth", "half"]),
        ((4, 4), [1, 2, 1], ["quarter", "half", "quarter"]),
        # never across the middle of the bar off the beat
        ((4, 4), [Fraction(3, 2), 1, Fraction(3, 2)], ["quarter.", "eighth", "eighth", "eighth", "quarter"]),
        ((6, 8), [Fraction(3, 2), Fraction(3, 2)], ["quarter.", "quarter."]),
        ((6, 8), [2, 1], ["quarter.", "eighth", "quarter"]),
        ((3, 4), [2, 1], ["half", "quarter"]),
        ((3, 4), [3], ["half."]),
        ((5, 4), [5], ["half.", "half"]),
        ((9, 8), [Fraction(9, 2)], ["half.", "quarter."]),
        # longer than any one value
        ((4, 4), [Fraction(5, 2), Fraction(3, 2)], ["half", "eighth", "eighth", "quarter"]),
    ],
)
def test_values_show_the_meter(meter, lengths, expected):
    data = to_musicxml(score_of(part(melody(lengths, [60, 62, 64, 65])), meter=meter))
    assert [kind + "." * dots for kind, dots, _ in values_of(data)] == expected


def test_notes_over_a_bar_line_are_tied():
    data = to_musicxml(score_of(part([(3, 2, 60)])))
    notes = [note for note in ET.fromstring(data).iter("note") if note.find("pitch") is not None]
    assert [[tie.get("type") for tie in note.findall("tie")] for note in notes] == [["start"], ["stop"]]


@pytest.mark.parametrize(
    ("meter", "lengths", "groups"),
    [
        ((4, 4), [Fraction(1, 2)] * 8, [4, 4]),
        ((3, 4), [Fraction(1, 2)] * 6, [6]),
        ((6, 8), [Fraction(1, 2)] * 6, [3, 3]),
        ((2, 4), [Fraction(1, 4)] * 8, [4, 4]),
        ((5, 8), [Fraction(1, 2)] * 5, [3, 2]),
        ((7, 8), [Fraction(1, 2)] * 7, [2, 2, 3]),
        ((4, 4), [THIRD] * 6 + [2], [3, 3]),
    ],
)
def test_beams_follow_the_meter(meter, lengths, groups):
    rows = beams_of(to_musicxml(score_of(part(melody(lengths, [60] * 9)), meter=meter)))
    sizes, size = [], 0
    for row in rows:
        if row:
            size += 1
            if row[0] == "end":
                sizes.append(size)
                size = 0
    assert sizes == groups


def test_a_sixteenth_after_a_dotted_eighth_has_a_hook():
    data = to_musicxml(score_of(part(melody([Fraction(3, 4), Fraction(1, 4), 3], [60, 62, 64]))))
    assert beams_of(data)[:2] == [["begin"], ["end", "backward hook"]]


def test_triplets_are_one_bracket_each():
    quarters = melody([2 * THIRD] * 3 + [THIRD] * 3 + [1], [60, 62, 64, 65, 67, 69, 71])
    root = ET.fromstring(to_musicxml(score_of(part(quarters))))
    kinds = [[t.get("type") for t in note.iter("tuplet")] for note in root.iter("note")]
    assert kinds == [["start"], [], ["stop"], ["start"], [], ["stop"], []]
    assert [note.findtext("type") for note in root.iter("note")] == ["quarter"] * 3 + ["eighth"] * 3 + ["quarter"]


@pytest.mark.parametrize(
    ("key", "pitch", "name"),
    [
        ((1, 0), 66, "F#"),
        ((-3, 0), 68, "A-"),
        ((0, 1), 68, "G#"),
        ((0, 0), 70, "B-"),
        ((-6, 0), 71, "C-"),
        ((5, 1), 67, "F##"),
    ],
)
def test_notes_are_spelled_by_the_key_signature(key, pitch, name):
    stream = music21_of(to_musicxml(score_of(part([(0, 4, pitch)]), key=key)))
    assert next(iter(stream.flatten().notes)).pitch.name == name


def test_without_a_key_signature_the_key_is_estimated():
    notes = melody([1] * 8, [62, 64, 66, 67, 69, 71, 73, 74])
    stream = music21_of(to_musicxml(score_of(part(notes))))
    assert stream.parts[0].flatten().getElementsByClass("KeySignature")[0].sharps == 2
    assert all(n.pitch.accidental is None or not n.pitch.accidental.displayStatus for n in stream.flatten().notes)


def test_accidentals_are_printed_once_a_bar_and_undone():
    data = to_musicxml(score_of(part(melody([1] * 5, [66, 66, 65, 65, 66])), key=(0, 0)))
    shown = [note.findtext("accidental") for note in ET.fromstring(data).iter("note") if note.find("pitch") is not None]
    assert shown == ["sharp", None, "natural", None, "sharp"]


def test_after_a_tied_alteration_its_step_is_spelled_out_again():
    notes = melody([3, 2, 1, 1, 1], [60, 66, 65, 65, 66])
    root = ET.fromstring(to_musicxml(score_of(part(notes), key=(0, 0))))
    shown = [note.findtext("accidental") for note in root.iter("note")][: len(notes) + 1]
    assert shown == [None, "sharp", None, "natural", None, "sharp"]


def test_phrase_ends_are_fermatas_on_the_end_of_the_last_note():
    score = score_of(part(melody([2, 4, 2], [60, 62, 64])))
    marks.add_phrase_ends(score, 0, [2 * TPQ])
    root = ET.fromstring(to_musicxml(score))
    assert [note.find("notations/fermata") is not None for note in root.iter("note")] == [False, False, True, False]


def test_meter_key_and_tempo_change_where_the_score_says():
    score = score_of(part(melody([4, 3, 3], [60, 62, 64])), key=(0, 0))
    score.time_signatures.append(TimeSignature(4 * TPQ, 3, 4))
    score.key_signatures.append(KeySignature(4 * TPQ, 2, 0))
    score.tempos.append(Tempo(0, 96))
    score.tempos.append(Tempo(7 * TPQ, 60))
    stream = music21_of(to_musicxml(score))
    measures = stream.parts[0].getElementsByClass("Measure")
    assert [m.barDuration.quarterLength for m in measures] == [4, 3, 3]
    assert [(t.offset, t.number) for t in stream.flatten().getElementsByClass("MetronomeMark")] == [(0, 96), (7, 60)]
    assert [k.sharps for k in stream.parts[0].flatten().getElementsByClass("KeySignature")] == [0, 2]


def test_a_wide_polyphonic_part_is_written_on_two_staves():
    root = ET.fromstring(to_musicxml(score_of(part([(0, 4, 48), (0, 2, 72), (2, 2, 74)], "Piano"))))
    assert root.findtext("part/measure/attributes/staves") == "2"
    assert [note.findtext("staff") for note in root.iter("note")] == ["1", "1", "2"]


def test_drums_are_unpitched_and_stand_in_a_percussion_clef():
    root = ET.fromstring(to_musicxml(score_of(part([(0, 0.1, 36), (1, 0.1, 42)], "Drums", is_drum=True))))
    assert root.find("part/measure/note/unpitched") is not None
    assert root.findtext(".//clef/sign") == "percussion"
    assert root.findtext(".//midi-channel") == "10"
    assert [note.findtext("type") for note in root.iter("note")][:2] == ["quarter", "quarter"]


def test_times_played_without_a_click_go_to_the_nearest_sixteenth():
    score = score_of(part([(0.02, 0.9, 60), (1.01, 0.49, 62), (1.52, 0.45, 64), (2.03, 1.9, 65)]))
    assert notes_of(music21_of(to_musicxml(score)).parts[0]) == Counter(
        [(0, 1, 60), (1, Fraction(1, 2), 62), (Fraction(3, 2), Fraction(1, 2), 64), (2, 2, 65)]
    )


def test_a_tick_beside_a_triplet_is_the_triplet_even_against_straight_eighths():
    score = score_of(part(melody([1, 1], [50, 52])), part([(0, 0.5, 40), (0.5, 0.5, 41), (1, 1, 43)]))
    for onset in (0, 159, 319):
        score.tracks[0].notes.append(Note(onset, 160, 70, 80))
    names = notes_of(music21_of(to_musicxml(score)).parts[0])
    assert {o for o, _, p in names if p == 70} == {0, THIRD, 2 * THIRD}


def test_title_provenance_and_lyrics_are_kept_whatever_they_hold(tmp_path):
    score = score_of(part([(0, 4, 60)], 'A <b> & "c"\x00'))
    score.tracks[0].lyrics.append(TextMeta(0, "4.5 bits"))
    write_musicxml(score, tmp_path / "ein Lied.musicxml", provenance='seed 1 & <all> "that"\nline')
    data = (tmp_path / "ein Lied.musicxml").read_bytes()
    assert provenance(data) == 'seed 1 & <all> "that"\nline'
    root = ET.fromstring(data)
    assert root.findtext("work/work-title") == "ein Lied"
    assert root.findtext(".//part-name") == 'A <b> & "c"'
    assert root.findtext(".//lyric/text") == "4.5 bits"
    assert provenance(b"no xml") == ""


def test_equal_scores_give_equal_bytes_without_a_date():
    score = score_of(part(melody([1] * 4, [60, 62, 64, 65])))
    assert to_musicxml(score) == to_musicxml(score.copy())
    assert b"date" not in to_musicxml(score)


def test_a_score_without_notes_is_one_empty_bar():
    assert values_of(to_musicxml(Score(TPQ))) == [(None, 0, True)]


def test_a_meter_that_cannot_be_printed_is_refused():
    with pytest.raises(EncodingError, match="4/3"):
        to_musicxml(score_of(part([(0, 1, 60)]), meter=(4, 3)))


def test_what_is_saved_is_loaded_again(tmp_path):
    score = score_of(
        part(melody([1, 2, 2, 3 * THIRD, 2 * THIRD, THIRD, 4], [67, 66, 63, 67, 70, 71, 67]), "Soprano"),
        part([(0, 9, 55), (9, 2, 43)], "Bass"),
        pickup=1,
    )
    keys.mark_key(score, keys.parse_key("E:dorian"))
    marks.add_phrase_ends(score, 0, [3 * TPQ, 7 * TPQ])
    io.save(score, tmp_path / "tune.musicxml", provenance="seed 1")
    back = io.load(tmp_path / "tune.musicxml")

    def sounding(of):
        return [
            sorted((Fraction(n.time, of.tpq), Fraction(n.duration, of.tpq), n.pitch) for n in track.notes)
            for track in of.tracks
        ]

    assert sounding(back) == sounding(score)
    assert [track.name for track in back.tracks] == ["Soprano", "Bass"]
    assert marks.pickup(back) == back.tpq
    assert marks.phrase_ends(back, 0) == [3 * back.tpq, 7 * back.tpq]
    assert str(keys.key_of(back).key) == "E:dorian"
    assert io.read_provenance(tmp_path / "tune.musicxml") == "seed 1"
