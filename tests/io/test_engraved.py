from __future__ import annotations

import io as bytes_io
import zipfile
from pathlib import Path

import pytest

from stochastic_music import io
from stochastic_music.errors import UnreadableFileError
from stochastic_music.io.engraved import read_engraved
from stochastic_music.io.loaded import LoadedScore
from stochastic_music.music import marks
from stochastic_music.music.keys import key_of


def note(step: str, octave: int, quarters: float, more: str = "") -> str:
    """A MusicXML note with 12 divisions a quarter."""
    alter = f"<alter>{step.count('#') - step.count('b')}</alter>" if len(step) > 1 else ""
    pitch = f"<pitch><step>{step[0]}</step>{alter}<octave>{octave}</octave></pitch>"
    return f"<note>{pitch}<duration>{round(12 * quarters)}</duration>{more}</note>"


def xml(*measures: str, attributes: str = "", extra: str = "", part: str = "Flute") -> bytes:
    head = "<divisions>12</divisions>" + (attributes or "<time><beats>4</beats><beat-type>4</beat-type></time>")
    body = "".join(
        f'<measure number="{i}">{f"<attributes>{head}</attributes>" if i == 1 else ""}{m}</measure>'
        for i, m in enumerate(measures, 1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><score-partwise version="4.0">'
        f"<work><work-title>A Tune</work-title></work>{extra}"
        f'<part-list><score-part id="P1"><part-name>{part}</part-name></score-part></part-list>'
        f'<part id="P1">{body}</part></score-partwise>'
    ).encode()


def mxl(data: bytes, name: str = "score.musicxml") -> bytes:
    buffer = bytes_io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "META-INF/container.xml",
            f'<container><rootfiles><rootfile full-path="{name}"/></rootfiles></container>',
        )
        archive.writestr(name, data)
    return buffer.getvalue()


def read(data: bytes, suffix: str = ".musicxml") -> LoadedScore:
    (piece,) = read_engraved(data, suffix)
    return piece


def rows(piece: LoadedScore, n: int = 0) -> list[tuple[float, float, int]]:
    quarter = piece.score.ticks_per_quarter
    return [(x.time / quarter, x.duration / quarter, x.pitch) for x in piece.score.tracks[n].notes]


def meters(piece: LoadedScore) -> list[tuple[float, str]]:
    quarter = piece.score.ticks_per_quarter
    return [(s.time / quarter, f"{s.numerator}/{s.denominator}") for s in piece.score.time_signatures]


# MusicXML


def test_names_titles_and_notes_survive() -> None:
    piece = read(xml(note("C", 4, 2) + note("F#", 4, 1) + note("Bb", 3, 1)))
    assert (piece.title, piece.score.tracks[0].name, piece.warnings) == ("A Tune", "Flute", ())
    assert rows(piece) == [(0, 2, 60), (2, 1, 66), (3, 1, 58)]


def test_ties_are_one_note_over_bar_lines_and_in_chords() -> None:
    start, stop = '<tie type="start"/>', '<tie type="stop"/>'
    first = note("C", 4, 2) + note("E", 4, 2, start) + note("C", 4, 2).replace("<note>", "<note><chord/>")
    second = note("E", 4, 1, stop + start) + note("E", 4, 3, stop)
    assert rows(read(xml(first, second))) == [(0, 2, 60), (2, 2, 60), (2, 6, 64)]


def test_triplets_and_septuplets_are_exact() -> None:
    third = note(
        "C",
        4,
        1 / 3,
        "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>",
    )
    piece = read(xml(third * 3 + note("D", 4, 3)))
    assert [n.time for n in piece.score.tracks[0].notes] == [0, 160, 320, 480]
    seventh = "X:1\nM:4/4\nL:1/4\nK:C\n(7:4:7CDEFGAB|C4|\n"
    piece = read(seventh.encode(), ".abc")
    assert piece.score.ticks_per_quarter == 10080
    assert [n.time for n in piece.score.tracks[0].notes] == [i * 5760 for i in range(8)]


def test_grace_notes_are_left_out_aloud() -> None:
    grace = "<note><grace/><pitch><step>D</step><octave>5</octave></pitch><type>eighth</type></note>"
    piece = read(xml(grace + note("C", 4, 4)))
    assert rows(piece) == [(0, 4, 60)]
    assert piece.warnings == ("1 grace note: left out",)


def test_chord_symbols_are_no_notes() -> None:
    symbol = "<harmony><root><root-step>C</root-step></root><kind>major</kind></harmony>"
    assert rows(read(xml(symbol + note("E", 4, 4)))) == [(0, 4, 64)]


def test_a_pickup_is_bar_0_and_the_rest_of_it_may_stand_at_the_end() -> None:
    full = note("C", 4, 4)
    piece = read(xml(note("G", 3, 1), full, full, note("C", 4, 3)))
    assert marks.pickup(piece.score) == 480
    assert meters(piece) == [(0, "4/4")]


def test_a_bar_split_by_a_repeat_sign_is_one_bar() -> None:
    full, repeat = note("C", 4, 4), '<barline location="right"><repeat direction="backward"/></barline>'
    piece = read(xml(note("G", 3, 1), full, note("C", 4, 3) + repeat, note("G", 3, 1), full, note("C", 4, 3)))
    assert meters(piece) == [(0, "4/4")]
    assert piece.warnings == ("repeats are printed: taken once",)


def test_a_bar_of_odd_length_keeps_its_bar_lines() -> None:
    full = note("C", 4, 4)
    piece = read(xml(full, note("C", 4, 3), full, full))
    assert meters(piece) == [(0, "4/4"), (4, "3/4"), (7, "4/4")]
    assert piece.warnings == ("1 bar shorter or longer than the time signature: kept at that length",)


def test_meter_changes_stand_where_they_are_printed() -> None:
    change = "<attributes><time><beats>5</beats><beat-type>8</beat-type></time></attributes>"
    piece = read(xml(note("C", 4, 4), change + note("D", 4, 2.5), note("D", 4, 2.5)))
    assert meters(piece) == [(0, "4/4"), (4, "5/8")]


def test_fermatas_end_phrases_also_on_a_rest_and_a_tied_note() -> None:
    fermata = "<notations><fermata/></notations>"
    rest = f"<note><rest/><duration>12</duration>{fermata}</note>"
    tied = note("E", 4, 2, '<tie type="start"/>'), note("E", 4, 4, f'<tie type="stop"/>{fermata}')
    piece = read(xml(note("C", 4, 1) + rest + tied[0], tied[1]))
    assert marks.phrase_ends(piece.score, 0) == [0, 960]


@pytest.mark.parametrize(
    ("fifths", "mode", "notes", "key"),
    [
        (1, "<mode>minor</mode>", "CCCC", "Em"),
        (-1, "<mode>dorian</mode>", "CCCC", "G:dorian"),
        (0, "", "CEGC", "C"),
        (0, "", "AECA", "Am"),
    ],
)
def test_keys_are_printed_or_decided_by_the_notes(fifths: int, mode: str, notes: str, key: str) -> None:
    attributes = f"<key><fifths>{fifths}</fifths>{mode}</key><time><beats>4</beats><beat-type>4</beat-type></time>"
    piece = read(xml("".join(note(step, 4, 1) for step in notes), attributes=attributes))
    assert str(key_of(piece.score).key) == key
    assert [k.key for k in piece.score.key_signatures] == [fifths]


def test_transposing_instruments_are_read_as_they_sound() -> None:
    attributes = (
        "<key><fifths>2</fifths><mode>major</mode></key><time><beats>4</beats><beat-type>4</beat-type></time>"
        "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    )
    piece = read(xml(note("D", 4, 4), attributes=attributes))
    assert rows(piece) == [(0, 4, 60)]
    assert str(key_of(piece.score).key) == "C"


def test_tempo_is_kept() -> None:
    metronome = "<metronome><beat-unit>half</beat-unit><per-minute>48</per-minute></metronome>"
    tempo = f"<direction><direction-type>{metronome}</direction-type></direction>"
    assert [round(t.qpm) for t in read(xml(tempo + note("C", 4, 4))).score.tempos] == [96]


def test_two_staves_of_a_piano_are_two_tracks() -> None:
    upper, lower = note("C", 5, 4, "<staff>1</staff>"), note("C", 3, 4, "<staff>2</staff>")
    backup = "<backup><duration>48</duration></backup>"
    attributes = "<time><beats>4</beats><beat-type>4</beat-type></time><staves>2</staves>"
    piece = read(xml(upper + backup + lower, attributes=attributes, part="Piano"))
    assert [[n.pitch for n in t.notes] for t in piece.score.tracks] == [[72], [48]]
    assert {t.name for t in piece.score.tracks} == {"Piano"}


def test_compressed_musicxml_is_known_by_its_bytes() -> None:
    data = xml(note("C", 4, 4))
    assert rows(read(mxl(data), ".mxl")) == rows(read(mxl(data), ".xml")) == rows(read(data, ".mxl"))


def test_utf_16_is_read() -> None:
    data = xml(note("C", 4, 4), part="Flöte").decode().replace("UTF-8", "UTF-16").encode("utf-16")
    assert read(data).score.tracks[0].name == "Flöte"


BOMB = b'<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"  \n", "empty"),
        (b"<score-partwise><part", "XML is damaged"),
        (b"<html><body/></html>", "not MusicXML"),
        (b"<score-timewise/>", "time-wise"),
        (b"<score-partwise/>", "no notes"),
        (xml("<note><rest/><duration>48</duration></note>"), "no notes"),
        (BOMB + b"<score-partwise>&b;</score-partwise>", "entities"),
        (b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><score-partwise>&a;</score-partwise>', "entities"),
        (BOMB.decode().encode("utf-16"), "entities"),
        (mxl(xml(note("C", 4, 4)))[:-40], "archive is damaged"),
        (mxl(xml(note("C", 4, 4)), "score.txt").replace(b"score.txt", b"other.txt", 1), "damaged"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFileError, match=reason):
        read_engraved(data, ".musicxml")


def test_an_archive_that_swells_is_stopped() -> None:
    with pytest.raises(UnreadableFileError, match="unpacks to more than 1 MB"):
        read_engraved(mxl(b" " * 50_000_000), ".mxl", largest=10**6)


def test_a_document_type_without_entities_is_fine() -> None:
    doctype = b'<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/x.dtd">'
    data = xml(note("C", 4, 4))
    assert rows(read(data.replace(b"<score-partwise", doctype + b"<score-partwise", 1)))


# ABC

TUNES = b"""%abc-2.1
M:3/4
L:1/4

X:1
T:First
K:Ddor
A | "Dm"D E F | G2- G |
{f}A2 z | [DFA]3 |]

X:12
T:Second
T:or Other
M:6/8
L:1/8
Q:3/8=80
K:G
"""
TUNES += b"D|G2B \\\nc2d|B3-B2:|\n"


def test_a_tune_book_gives_a_piece_a_tune() -> None:
    first, second = read_engraved(TUNES, ".abc")
    assert [(p.tune, p.title) for p in (first, second)] == [("1", "First"), ("12", "Second")]
    assert str(key_of(first.score).key) == "D:dorian"
    assert meters(first) == [(0, "3/4")]
    assert meters(second) == [(0, "6/8")]
    assert round(second.score.tempos[0].qpm) == 120


def test_line_ends_end_phrases_ties_and_chords_counted_once() -> None:
    first, second = read_engraved(TUNES, ".abc")
    onsets = [onset for onset, _, _ in rows(first)]
    assert [t / 480 for t in marks.phrase_ends(first.score, 0)] == [4, 10]
    assert onsets == [0, 1, 2, 3, 4, 7, 10, 10, 10]
    assert len(marks.phrase_ends(second.score, 0)) == 1
    assert marks.pickup(first.score) == 480
    assert marks.pickup(second.score) == 240


def test_one_broken_tune_costs_itself_alone_and_is_told() -> None:
    good, *rest = read_engraved(TUNES + b"\nX:13\nK:C\nz4|\n", ".abc")
    assert len(rest) == 1
    assert "tune 13 could not be read (it holds no notes)" in good.warnings


def test_abc_without_notes_is_refused() -> None:
    with pytest.raises(UnreadableFileError):
        read_engraved(b"This is a letter.\n", ".abc")


# kern

KERN = """!!!OTL: A Song
**kern\t**kern
*Ibass\t*Isoprn
*k[b-]\t*k[b-]
*F:\t*F:
*M3/4\t*M3/4
4C\t{4f
=1\t=1
2.F\t4a
.\t4g
.\t[4cc}
=2\t=2
2.BB-\t2cc]
.\t{4dd}
==\t==
*-\t*-
"""


def test_kern_spines_phrases_and_keys() -> None:
    piece = read(KERN.encode(), ".krn")
    soprano = max(range(2), key=lambda i: piece.score.tracks[i].notes[0].pitch)
    assert rows(piece, soprano) == [(0, 1, 65), (1, 1, 69), (2, 1, 67), (3, 3, 72), (6, 1, 74)]
    assert [t / 480 for t in marks.phrase_ends(piece.score, soprano)] == [3, 6]
    assert marks.pickup(piece.score) == 480
    assert str(key_of(piece.score).key) == "F"
    assert len(piece.score.key_signatures) == 1
    assert meters(piece) == [(0, "3/4")]


def test_text_that_is_no_kern_is_refused() -> None:
    with pytest.raises(UnreadableFileError, match=r"\*\*kern"):
        read_engraved(b"Dear Sir,\n", ".krn")


def test_suffixes_reach_their_readers(tmp_path: Path) -> None:
    for suffix, data in {".musicxml": xml(note("C", 4, 4)), ".abc": TUNES, ".krn": KERN.encode()}.items():
        path = tmp_path / f"tune{suffix}"
        path.write_bytes(data)
        assert io.read(path)
