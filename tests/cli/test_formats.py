"""What --also names, what it takes, and how its files are written: all or none."""

import json
from dataclasses import replace

import numpy as np
import pytest

from stochastic_music import _optional
from stochastic_music._files import write_all
from stochastic_music.cli import _formats, _pages, info
from stochastic_music.errors import MachineError, MissingExtraError, UnknownNameError, UnreadableFileError, UsageError


@pytest.fixture
def music(tune):
    score = tune([(0, 1, 60), (1, 1, 62), (2, 2, 64)])
    return _formats.Music(score, "a_tune", '{"seed": 1}', [np.array([0.5, 2.0, np.inf])])


@pytest.mark.parametrize(("typed", "meant"), [("jpg", "png"), ("mxl", ""), ("musicXLM", "musicxml"), ("pages", "page")])
def test_an_unknown_format_names_the_nearest(typed, meant, tmp_path):
    with pytest.raises(UnknownNameError, match=f"did you mean '{meant}'" if meant else "Known: "):
        _formats.wanted(f"wav,{typed}", tmp_path)


def test_formats_come_once_and_in_order(tmp_path):
    wanted = _formats.wanted(" WAV, page,png,wav,", tmp_path)
    assert (wanted.formats, wanted.page) == (("wav", "png"), True)
    assert _formats.wanted("", tmp_path, default="page").page


def test_a_list_without_formats_is_refused(tmp_path):
    with pytest.raises(UsageError, match="expected formats"):
        _formats.wanted(",", tmp_path, default="page")


def test_a_missing_library_is_found_before_anything_is_composed(tmp_path, monkeypatch):
    def missing(module):
        raise MissingExtraError(f"this needs {module}")

    monkeypatch.setattr(_optional, "require", missing)
    with pytest.raises(MissingExtraError, match="verovio") as raised:
        _formats.wanted("svg", tmp_path)
    assert raised.value.exit_code == 4
    assert _formats.wanted("png,wav,musicxml,page", tmp_path).formats == ("png", "wav", "musicxml")


def test_a_folder_that_cannot_be_written_to_is_found_as_soon(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="cannot write into"):
        _formats.wanted("", tmp_path / "file" / "takes")


def test_a_sound_font_needs_a_sound(tmp_path):
    with pytest.raises(UsageError, match="add --also wav"):
        _formats.wanted("png", tmp_path, soundfont="auto")


@pytest.mark.parametrize("name", _formats.FORMATS)
def test_every_format_makes_a_file_that_is_the_same_again(name, music):
    for module in _formats.FORMATS[name].needs:
        pytest.importorskip(module)
    first, again = (_formats.FORMATS[name].make(music) for _ in range(2))
    assert len(first) > 100
    assert first == again


def test_surprise_stands_beneath_the_notes(music):
    text = _formats.FORMATS["musicxml"].make(music).decode()
    assert [text.find(f"<text>{bits}</text>") > 0 for bits in ("0.5", "2.0", "inf", "nan")] == [True, True, True, False]


def test_the_files_of_a_take_are_written_all_or_none(music, tmp_path):
    wanted = _formats.wanted("musicxml,png", tmp_path)
    (tmp_path / "take.png").write_bytes(b"mine")
    with pytest.raises(UsageError, match="exists and differs"):
        _formats.write(music, tmp_path / "take", wanted)
    assert [path.name for path in tmp_path.iterdir()] == ["take.png"]
    names = [path.name for path in _formats.write(music, tmp_path / "take", wanted._replace(force=True))]
    assert names == ["take.mid", "take.musicxml", "take.png"]


@pytest.mark.parametrize("name", [name for name in _formats.FORMATS if name != "mid"])
def test_every_file_says_how_it_was_made(name, music, tmp_path):
    for module in _formats.FORMATS[name].needs:
        pytest.importorskip(module)
    made_by = json.dumps({"command": "stochmusic generate 'a (b) \\ é -- <x>.smm' --also x"})
    music = replace(music, made_by=made_by)
    [path] = write_all(_formats.drafts(music, tmp_path / "take", [name]))
    assert info._provenance(path) == made_by


def test_a_page_says_how_it_was_made(music):
    made_by = json.dumps({"stochastic_music": "1", "command": "stochmusic generate --also page > '-->' é"})
    page = _pages.page("Title", [_pages.Entry("Take 1", music, "take")], made_by)
    assert json.loads(_pages.provenance(page)) == json.loads(made_by)
    assert page.count(b"-->") == 1


def test_what_is_no_sound_font_is_found_before_anything_is_composed(tmp_path):
    (tmp_path / "font.sf2").write_bytes(b"RIFF, but no SoundFont")
    with pytest.raises(UnreadableFileError, match="no SoundFont"):
        _formats.wanted("wav", tmp_path, soundfont=str(tmp_path / "font.sf2"))


def test_files_of_one_piece_come_together_or_not_at_all(tmp_path):
    old, new, folder = (tmp_path / name for name in ("old.mid", "new.mid", "folder.wav"))
    old.write_bytes(b"old")
    folder.mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        write_all({new: b"new", folder: b"sound"}, force=True)
    with pytest.raises(MachineError, match="a file"):
        write_all({old: b"old", new: b"new", old / "beneath.wav": b"sound"})
    assert old.exists()
    assert not new.exists()
