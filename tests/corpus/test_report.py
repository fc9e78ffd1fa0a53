import json

from stochastic_music.corpus import Corpus
from stochastic_music.corpus.report import IngestReport, Read


def test_the_account_as_json_has_the_keys_of_the_command_line(music_folder):
    (music_folder / "bad.mid").write_bytes(b"")
    (music_folder / "readme.txt").write_text("hello")
    (music_folder / "copy.mid").write_bytes((music_folder / "tune01.mid").read_bytes())
    report = Corpus.from_folder(music_folder, workers=1).report
    data = json.loads(json.dumps(report.to_json()))
    assert data["files_read"] == 13
    assert data["files_skipped"] == [
        {"file": "bad.mid", "reason": "the file is empty (0 bytes)", "try": "Copy or download it again"}
    ]
    assert data["files_not_music"] == {".txt": 1}
    assert data["n_pieces"] == 12
    assert data["meters"] == {"4/4": 12}
    assert sum(data["keys"].values()) == 12
    assert data["duplicates"] == [["copy.mid", "tune01.mid"]]
    assert data["quantisation_error"] == {"mean": 0.0, "max": 0.0}
    assert data["n_notes"] == 12 * 31
    assert {"grid", "variants", "licences", "without_click", "doubtful_keys", "warnings"} <= set(data)


def test_the_account_in_words(music_folder):
    (music_folder / "line\nbreak.mid").write_bytes(b"")
    for i in range(12):
        (music_folder / f"bad{i}.mid").write_bytes(b"nonsense")
    text = Corpus.from_folder(music_folder, workers=1).report.summary(at_most=5)
    assert "12 files read: 12 pieces, 372 notes." in text
    assert "13 files skipped:" in text
    assert "... and 8 more" in text
    assert "Meters: 4/4 (12)." in text
    names = Corpus.from_folder(music_folder, workers=1).report.summary(at_most=20)
    assert "line\\nbreak.mid: the file is empty (0 bytes). Copy or download it again." in names


def test_a_selection_has_a_report_of_its_own(music_folder):
    corpus = Corpus.from_folder(music_folder, workers=1)
    part = corpus.select([3, 1])
    assert part.report.n_pieces == 2
    assert [about.name for about in part.report.pieces] == ["tune03.mid", "tune01.mid"]
    assert len(part.report.read) == 12


def test_what_is_said_of_many_pieces_is_said_once_with_the_sum():
    said = (("", "1 bar shorter"),), (("", "1 bar shorter"),), (("", "12 bars shorter"),), (("", "a pickup"),)
    read = tuple(Read(f"{i}.mid", 1, warnings) for i, warnings in enumerate(said))
    text = IngestReport(read=read, other={".txt": 1}).summary()
    assert "  14 bars shorter: 0.mid, 1.mid, 2.mid\n  a pickup: 3.mid" in text
    assert "1 file that is no music was passed over." in text
    assert "2 files that are no music were passed over." in IngestReport(other={".txt": 2}).summary()


def test_music_on_the_grid_is_said_to_be(music_folder):
    assert "All notes lie on the grid 1/16,1/12." in Corpus.from_folder(music_folder, workers=1).report.summary()
