"""Engraved music: what is drawn, where each note is, and what hostile titles come to."""

from __future__ import annotations

import io
import re
import threading
import xml.etree.ElementTree as ET

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from symusic import KeySignature, Note, Score, Tempo, TextMeta, TimeSignature, Track

from stochastic_music.errors import InvalidParameterError, MissingExtraError, UsageError
from stochastic_music.io.layout import note_names
from stochastic_music.music import marks
from stochastic_music.render import plots
from stochastic_music.render.notation import Look, sheet, to_pdf, to_png, to_svg
from stochastic_music.render.notation.engraving import engrave
from stochastic_music.render.notation.svg import picture

TPQ = 480
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</title><script>alert(1)</script><svg onload=alert(2)>\"'&\x07"


def score_of(*parts, meter=(4, 4), pickup=0):
    """Tracks of (onset, duration, pitch) in quarter notes."""
    score = Score(TPQ)
    score.time_signatures.append(TimeSignature(0, *meter))
    for i, notes in enumerate(parts):
        rows = [Note(round(on * TPQ), round(long * TPQ), pitch, 80) for on, long, pitch in notes]
        score.tracks.append(Track(name=f"part {i}", notes=rows))
    if pickup:
        marks.set_pickup(score, round(pickup * TPQ))
    return score


def groups(svg):
    """The groups of notes by id."""
    return {g.get("id"): g for g in ET.fromstring(svg).iter(f"{SVG}g") if g.get("class") == "note"}


def words(svg):
    return ["".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text")]


def test_each_note_has_its_group():
    score = score_of([(0, 1, 60), (1, 1, 62), (2, 2, 64)])
    found = sheet(score)
    assert [note[:4] for note in found.notes] == [(0.0, 1.0, 0, 60), (1.0, 1.0, 0, 62), (2.0, 2.0, 0, 64)]
    ids = [note.ids for note in found.notes]
    assert ids == [("n0",), ("n1",), ("n2",)]
    assert list(groups(found.svg)) == ["n0", "n1", "n2"]


def test_a_note_that_is_tied_over_bars_has_several_groups_in_order():
    found = sheet(score_of([(3, 6, 67)]))
    assert found.notes[0].ids == ("n0", "n1", "n2")


def test_triplets_pickups_and_meters_keep_times_as_they_are():
    third = 160 / TPQ
    score = score_of([(0, 1, 60), *((1 + i * third, third, 62 + i) for i in range(3)), (2, 3, 70)], pickup=1)
    score.time_signatures.append(TimeSignature(2 * TPQ, 3, 4))
    notes = sheet(score).notes
    assert [note.onset for note in notes] == pytest.approx([0, 1, 1 + third, 1 + 2 * third, 2])
    assert all(note.ids for note in notes)


def test_two_voices_of_one_staff_and_chords_are_told_apart():
    score = score_of([(0, 4, 72), (0, 1, 60), (0, 1, 64), (1, 1, 62), (2, 2, 60)])
    notes = sheet(score).notes
    assert [note.pitch for note in notes] == [60, 64, 72, 62, 60]
    assert len({sign for note in notes for sign in note.ids}) == 5


def test_notes_that_coincide_share_a_group():
    score = score_of([(0, 1, 60), (0, 1, 60), (0, 2, 60)])
    first, second, longer = sheet(score).notes
    assert first.ids == second.ids != longer.ids


def test_prefixes_keep_several_sheets_apart():
    score = score_of([(0, 1, 60)])
    one, other = (sheet(score, prefix=prefix).svg for prefix in ("a-", "b-"))
    ids = [set(re.findall(r' id="([^"]*)"', svg)) for svg in (one, other)]
    assert ids[0].isdisjoint(ids[1])
    for svg, own in zip((one, other), ids, strict=True):
        assert {ref.removeprefix("#") for ref in re.findall(r'href="([^"]*)"', svg)} <= own


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(1, 20), st.integers(0, 127), st.integers(0, 2)),
        min_size=1,
        max_size=12,
    )
)
def test_every_note_of_any_score_is_drawn_and_every_group_is_a_note(rows):
    score = score_of(*([(on / 4, long / 4, pitch) for on, long, pitch, part in rows if part == p] for p in range(3)))
    found = sheet(score)
    assert len(found.notes) == len(rows)
    drawn = {sign for note in found.notes for sign in note.ids}
    assert all(note.ids for note in found.notes)
    assert drawn == set(groups(found.svg))


def test_names_of_notes_are_in_the_order_of_time_and_pitch():
    score = score_of([(1, 1, 60), (0, 1, 64), (0, 1, 60)])
    assert note_names(score) == [["n0-0-48-60", "n0-0-48-64", "n0-48-96-60"]]


def test_key_meter_tempo_chords_fermatas_and_names_are_seen():
    score = score_of([(i, 1, 67) for i in range(8)], [(0, 8, 43)], meter=(3, 4))
    score.key_signatures.append(KeySignature(0, -2, 0))
    score.tempos.append(Tempo(0, 96.0))
    marks.set_chord_symbols(score, [(0, "Bbmaj7")])
    marks.add_phrase_ends(score, 0, [5 * TPQ])
    svg = to_svg(score, title="Minuet")
    assert {"Minuet", "part 0", "part 1", "B♭maj7"} <= set(words(svg))
    assert any("96" in text for text in words(svg))
    used = re.findall(r'href="#(\w+)"', svg)
    assert used.count("E260") == 4 * svg.count("#E050")  # two flats on two staves a system
    assert {"E050", "E062", "E083", "E084", "E4C0", "ECA5"} <= set(used)


def test_drums_have_their_clef():
    score = score_of([(0, 1, 36), (0, 1, 42), (1, 1, 38)])
    score.tracks[0].is_drum = True
    found = sheet(score)
    assert "E069" in found.svg
    assert all(note.ids for note in found.notes)


def test_no_script_runs_and_nothing_is_fetched():
    score = score_of([(0, 1, 60)], [(0, 1, 48)])
    for track in score.tracks:
        track.name = HOSTILE
        track.lyrics.append(TextMeta(0, HOSTILE))
    marks.set_roman_numerals(score, [(0, HOSTILE)])
    for svg in (to_svg(score, title=HOSTILE, provenance=HOSTILE), sheet(score).svg):
        elements = list(ET.fromstring(svg).iter())
        kinds = {e.tag.removeprefix(SVG) for e in elements}
        assert kinds <= {"svg", "title", "metadata", "defs", "g", "path", "use", "text", "tspan"}
        assert not [name for e in elements for name in e.attrib if name.lower().startswith("on")]
        links = [value for e in elements for name, value in e.attrib.items() if name.endswith("href")]
        assert all(link.startswith("#") for link in links)
        assert any("<script>alert(1)</script>" in text for text in words(svg))


def test_titles_that_are_half_a_file_name_are_printed_without_the_half():
    assert "half a" in words(to_svg(score_of([(0, 1, 60)]), title="half \udcffa"))


def test_long_titles_shrink_and_long_names_of_parts_are_cut():
    score = score_of([(0, 1, 60)])
    score.tracks[0].name = "A name that nobody  should give to a part"
    texts = list(ET.fromstring(to_svg(score, title="M" * 200)).iter(f"{SVG}text"))
    sizes = {"".join(text.itertext()): float(text[0].get("font-size")) for text in texts}
    assert sizes["M" * 200] * 0.89 * 200 < 22_500
    assert "A name that nobody shou…" in sizes


def test_provenance_is_kept():
    svg = to_svg(score_of([(0, 1, 60)]), provenance='{"seed": 1}')
    assert ET.fromstring(svg).findtext(f"{SVG}metadata") == '{"seed": 1}'


def test_colors_and_lyrics_are_those_of_their_notes():
    score = score_of([(3, 2, 72), (0, 1, 60), (0, 1, 64)])
    found = sheet(score, look=Look([[None, "#ff0000", "navy"]], [["low", "high", "tied"]]))
    drawn = groups(found.svg)
    assert [{drawn[i].get("fill") for i in note.ids} for note in found.notes] == [{None}, {"#ff0000"}, {"#000080"}]
    assert [text for text in words(found.svg) if text in {"high/low", "tied"}] == ["high/low", "tied"]


def test_lyrics_of_two_voices_are_printed_once():
    score = score_of([(0, 4, 72), (0, 1, 60), (1, 3, 62)])
    found = sheet(score, look=Look(lyrics=[["2", "1", None]]))
    assert words(found.svg).count("1/2") == 1


@pytest.mark.parametrize(
    ("look", "told"),
    [
        (Look(colors=[["red"]]), "expected one for each note"),
        (Look(lyrics=[["la", "la"], []]), "expected one for each note"),
        (Look(colors=[["red", 'x" onload="alert(1)']]), "is none"),
    ],
)
def test_looks_that_do_not_fit_are_refused(look, told):
    with pytest.raises(InvalidParameterError, match=told):
        sheet(score_of([(0, 1, 60), (1, 1, 60)]), look=look)


@pytest.mark.parametrize("pitch", [0, 127])
def test_pitches_beyond_the_piano(pitch):
    assert sheet(score_of([(0, 1, pitch)])).notes[0].ids == ("n0",)


def test_scores_without_notes_are_a_bar_of_rest():
    for score in (Score(TPQ), score_of([])):
        found = sheet(score)
        assert not found.notes
        assert "E4E3" in found.svg


def test_equal_scores_give_equal_bytes_in_every_thread():
    score = score_of([(i, 1, 60 + i % 12) for i in range(40)])
    expected, found = to_svg(score, title="A"), []
    threads = [threading.Thread(target=lambda: found.append(to_svg(score, title="A"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_verovio_says_nothing_on_the_terminal(capfd):
    sheet(score_of([(0, 1, 60)]))
    assert capfd.readouterr() == ("", "")


def test_without_the_extra_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "verovio", None)
    with pytest.raises(MissingExtraError, match=r"stochastic-music\[notation\]"):
        sheet(score_of([(0, 1, 60)]))


def test_pages_that_one_picture_puts_together_have_no_page_numbers():
    score = score_of([(i, 1, 60 + i % 5) for i in range(200)])
    found = engrave(score, width=2000, height=1000, title="Long")
    assert len(found.pages) > 1
    assert words(picture(found)).count("Long") == 1
    assert not [text for text in words(picture(found)) if "–" in text]
    assert len(groups(picture(found))) == 200


def test_parts_without_notes_keep_their_place():
    notes = sheet(score_of([], [(0, 1, 60)], [])).notes
    assert [(note.part, note.ids) for note in notes] == [(1, ("n0",))]


# PNG


def ink(png):
    """Dark pixels of the title's band."""
    pixels = np.asarray(PIL.Image.open(io.BytesIO(png)).convert("L"))
    return int((pixels[:85] < 128).sum())


def test_words_leave_ink_in_every_alphabet(caplog):
    score = score_of([(0, 1, 60)])
    blank = ink(to_png(score, title="."))
    for title in ("Été", "Жар-птица", "Σειρήν", "ș", "Tiếng Việt", "♭♯"):
        assert ink(to_png(score, title=title)) > blank + 50
    assert not caplog.records


def test_characters_that_no_font_has_are_boxes_and_reported(caplog):
    score = score_of([(0, 1, 60)])
    boxes = to_png(score, title="中文")
    assert "no font here has 中 文" in caplog.text
    assert ink(boxes) > ink(to_png(score, title="□")) + 50
    assert "中文" in words(to_svg(score, title="中文"))


def test_png_tells_its_provenance_and_is_equal_each_time():
    score = score_of([(0, 1, 60)])
    png = to_png(score, title="ü", provenance='{"seed": "中"}')
    assert plots.provenance(png) == '{"seed": "中"}'
    assert PIL.Image.open(io.BytesIO(png)).text["Title"] == "ü"
    assert to_png(score, title="ü", provenance='{"seed": "中"}') == png


def test_png_is_as_wide_as_asked():
    assert PIL.Image.open(io.BytesIO(to_png(score_of([(0, 1, 60)]), width=700))).width == 700


def test_gigantic_pictures_are_refused(monkeypatch):
    monkeypatch.setattr("stochastic_music.render.notation.png.MOST_PIXELS", 1000)
    score = score_of([(0, 1, 60)])
    with pytest.raises(UsageError, match="take PDF"):
        to_png(score)


def test_colors_are_in_the_png():
    png = to_png(score_of([(0, 4, 60)]), look=Look([["#ff0000"]]))
    pixels = np.asarray(PIL.Image.open(io.BytesIO(png)).convert("RGB")).reshape(-1, 3)
    assert (pixels == (255, 0, 0)).all(axis=1).any()


# PDF


def test_pdf_embeds_what_it_needs_and_is_equal_each_time():
    score = score_of([(0, 1, 60)])
    made = [to_pdf(score, title="Été ș", provenance='{"seed": 1}') for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].startswith(b"%PDF-")
    assert b"/Count 1" in made[0]
    assert b"ScoreSerif-Regular" in made[0]
    assert b"ScoreSerifMore-Regular" in made[0]
    assert b"Helvetica" not in made[0]


def test_pdf_has_pages_and_systems_that_fit_on_them():
    long = score_of([(i, 1, 60 + i % 5) for i in range(400)], [(i, 1, 48 + i % 5) for i in range(400)])
    wide = score_of(*([(0, 4, 40 + part)] for part in range(40)))
    assert re.search(rb"/Count [2-9]", to_pdf(long))
    assert b"/Count 1" in to_pdf(wide)


def test_words_of_a_pdf_can_be_searched():
    pypdf = pytest.importorskip("pypdf")
    score = score_of([(0, 1, 60)], [(0, 1, 48)])
    marks.set_chord_symbols(score, [(0, "F#m7")])
    document = pypdf.PdfReader(io.BytesIO(to_pdf(score, title=HOSTILE + "Жар 中", provenance="seed 1")))
    text = document.pages[0].extract_text()
    for words_of_it in ("part 0", "part 1", "F♯m7", "<script>alert(1)</script>", "Жар □"):
        assert words_of_it in text
    assert document.metadata["/Subject"] == "seed 1"
    assert document.metadata["/Title"].endswith("Жар 中")
    assert not {"/OpenAction", "/AA", "/Names"} & set(document.root_object)


@pytest.mark.parametrize("write", [to_svg, to_png, to_pdf])
def test_every_format_takes_scores_of_no_note_and_of_the_whole_keyboard(write):
    for score in (
        Score(TPQ),
        score_of([]),
        score_of([(p / 4, 0.25, p) for p in range(128)]),
        score_of([(0, 9, 60)], []),
    ):
        assert write(score, title="x")
