"""Where labels come from, and what is said when they do not fit."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from stochastic_music.corpus import Corpus, label_pieces
from stochastic_music.corpus.chord_labels import find_texts
from stochastic_music.errors import InputError

CHORALE = "X:1\nM:4/4\nL:1/4\nK:C\nV:1\n{}[CEG][CEG]{}[FAc][FAc]|{}[GBd][GBd]{}[CEG][CEG]|\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "symbols.abc").write_text(CHORALE.format('"C"', '"F"', '"G"', '"C/E"'))
    (tmp_path / "bare.abc").write_text(CHORALE.format("", "", "", ""))
    return tmp_path


def opened(folder: Path) -> Corpus:
    return Corpus.from_folder(folder, workers=1)


def heard(folder: Path, **options: object) -> dict[str, list[tuple[Fraction, str]]]:
    pieces, _ = label_pieces(opened(folder), **options)  # type: ignore[arg-type]
    return {p.piece.source: [(h.onset, h.chord.symbol() if h.chord else "N.C.") for h in p.harmonies] for p in pieces}


EXPECTED = [(0, "C"), (2, "F"), (4, "G"), (6, "C/E")]


def test_chord_symbols_in_the_score(folder: Path) -> None:
    pieces, out = label_pieces(opened(folder))
    assert heard(folder) == {"symbols.abc": EXPECTED}
    assert pieces[0].origin == "chord symbols in the score"
    assert pieces[0].fit == 1.0
    assert [(piece.name, piece.reason) for piece in out] == [("bare.abc", "it has no labels")]


def test_a_roman_text_beside_the_score(folder: Path) -> None:
    (folder / "bare.rntxt").write_text("m1 C: I b3 IV\nm2 G: I b3 C: I6\n")
    pieces, _ = label_pieces(opened(folder), texts=find_texts([folder]))
    assert heard(folder, texts=find_texts([folder]))["bare.abc"] == EXPECTED
    [bare] = [p for p in pieces if p.piece.name == "bare.abc"]
    assert [str(h.key) for h in bare.harmonies] == ["C", "C", "G", "C"]
    assert bare.origin == "bare.rntxt"


@pytest.mark.parametrize("heading", ["Score: bare.abc", "File: bare"])
def test_a_roman_text_that_names_its_score(folder: Path, heading: str) -> None:
    (folder / "analysis.rntxt").write_text(f"{heading}\nm1 C: I b3 IV\nm2 V b3 I6\n")
    assert heard(folder, texts=find_texts([folder / "bare.abc"]))["bare.abc"] == EXPECTED


def test_a_csv_with_bars_and_beats(folder: Path) -> None:
    file = folder / "labels.csv"
    file.write_text("Piece,Bar,Beat,Label\nbare,1,1,C\nbare.abc,1,3,F\nbare,2,1,G\nbare,2,3,C/E\n")
    assert heard(folder, csv_file=file)["bare.abc"] == EXPECTED


def test_a_csv_with_onsets_keys_and_roman_numerals(folder: Path) -> None:
    file = folder / "labels.csv"
    file.write_text("piece,onset,key,label\nbare,0,C,I\nbare,2,C,IV\nbare,4,C,V\nbare,6,C,I6\n")
    assert heard(folder, csv_file=file)["bare.abc"] == EXPECTED


def test_labels_in_another_key_are_moved(folder: Path) -> None:
    (folder / "bare.rntxt").write_text("m1 D: I b3 IV\nm2 V b3 I6\n")
    pieces, _ = label_pieces(opened(folder), texts=find_texts([folder]))
    [bare] = [p for p in pieces if p.piece.name == "bare.abc"]
    assert [h.chord and h.chord.symbol() for h in bare.harmonies] == ["C", "F", "G", "C/E"]
    assert {str(h.key) for h in bare.harmonies} == {"C"}
    assert bare.remarks == ("its labels are in another key than its score: moved by -2 semitones",)


def test_labels_of_other_music_are_left_out(folder: Path) -> None:
    (folder / "bare.rntxt").write_text("m1 C: I b2 bII b3 #IV b4 bVI\nm2 I b3 bII\n")
    _, out = label_pieces(opened(folder), texts=find_texts([folder]))
    assert "name only" in out[0].reason
    assert "it has bars 1 to 2" in out[0].reason


def test_what_makes_no_sense_in_a_text_is_remarked_on(folder: Path) -> None:
    (folder / "bare.rntxt").write_text("m1 C: I b3 IV\nm2 V b3 I6 b4 Q\nm9 I\n")
    pieces, _ = label_pieces(opened(folder), texts=find_texts([folder]))
    [bare] = [p for p in pieces if p.piece.name == "bare.abc"]
    assert len(bare.remarks) == 2
    assert "bar 9 is not in the score, which has bars 1 to 2" in bare.remarks


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("piece,chord\nbare,C\n", "has the columns chord, piece; expected piece, label"),
        ("", "has the columns none"),
        ("piece,bar,beat,label\nsong,1,1,C\n", "row 2 of .* labels the piece 'song', which is none of: "),
        ("piece,bar,beat,label\nbare,1,1,C\nbare,7,1,C\n", "row 3 of .*: there is no bar 7; the piece has bars 1 to 2"),
        ("piece,bar,beat,label\nbare,1,9,C\n", "bar 1 has no beat 9"),
        ("piece,bar,beat,label\nbare,1,x,C\n", "the beat is 'x'; expected a number"),
        ("piece,onset,label\nbare,99,C\n", "onset 99 lies outside the piece, which lasts 8 quarter notes"),
        ("piece,onset,label\nbare,0,Quux\n", "row 2 of .*: 'Quux' is no chord symbol"),
        ("piece,onset,key,label\nbare,0,C,Quux\n", "'Quux' is no Roman numeral"),
    ],
)
def test_a_csv_that_makes_no_sense(folder: Path, text: str, words: str) -> None:
    file = folder / "labels.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=words):
        label_pieces(opened(folder), csv_file=file)


def test_a_csv_that_is_not_there(folder: Path) -> None:
    with pytest.raises(InputError, match="cannot read the labels"):
        label_pieces(opened(folder), csv_file=folder / "none.csv")
    (folder / "image.csv").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputError, match="UTF-8"):
        label_pieces(opened(folder), csv_file=folder / "image.csv")


def test_no_labels_at_all(folder: Path) -> None:
    (folder / "symbols.abc").unlink()
    with pytest.raises(InputError, match=r"none of 1 pieces has labels .* 1 without chord symbols; .*bach-analyses"):
        label_pieces(opened(folder))
