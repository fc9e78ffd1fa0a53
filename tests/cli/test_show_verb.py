"""`show`: a page, or files, of music that one has."""

import base64
import json
import re
from html import unescape

import pytest
from symusic import Score

from stochastic_music.cli import _pages


@pytest.fixture
def shown(verb, tmp_path):
    def run(*arguments):
        done = verb("show", *arguments, "--json")
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        page = (tmp_path / report["page"]).read_text(encoding="utf-8") if report["page"] else ""
        return report, page, done.stderr

    return run


def takes(page):
    return [json.loads(unescape(data)) for data in re.findall(r'data-take="(.*?)"', page)]


def test_without_formats_a_page_is_made(shown, music_folder):
    report, page, told = shown("music/tune00.mid", "music/tune01.mid")
    assert report["page"] == "tune00-shown.html"
    assert [row["piece"] for row in report["files"]] == ["tune00.mid", "tune01.mid"]
    assert len(takes(page)) == 2
    assert "Wrote tune00-shown.html" in told
    assert "Color by surprise" not in page


def test_a_model_colors_the_notes(shown, music_folder, small_model):
    _, page, _ = shown("music/tune00.mid", "-m", "small.smm")
    assert all(bits is not None for bits in takes(page)[0]["parts"][0]["bits"])
    assert "checked" in re.search(r'<input[^>]*class="surprise"[^>]*>', page).group()
    assert "stochmusic explain music/tune00.mid -m small.smm" in unescape(page)


def test_of_a_folder_the_first_pieces_are_shown(shown, music_folder, monkeypatch):
    monkeypatch.setattr(_pages, "MOST", 5)
    report, page, told = shown("music")
    assert (len(report["files"]), len(takes(page))) == (5, 5)
    assert "Of 12 pieces the first 5 are shown" in told


def test_tempo_and_instrument_are_heard(shown, music_folder):
    _, page, _ = shown("music/tune00.mid", "--tempo", "72", "--instrument", "violin")
    held = re.search(r'href="data:audio/midi;base64,([^"]*)"', page).group(1)
    score = Score.from_midi(base64.b64decode(held))
    assert (round(score.tempos[0].qpm), score.tracks[0].program) == (72, 40)


def test_one_part_is_shown_alone(shown, tune, tmp_path):
    duet = tune([(0, 1, 72), (1, 1, 74)])
    duet.tracks.append(tune([(0, 2, 48)]).tracks[0])
    duet.tracks[1].name = "bass"
    duet.dump_midi(tmp_path / "duet.mid")
    _, page, _ = shown("duet.mid", "--part", "bass")
    assert [len(take["parts"]) for take in takes(page)] == [1]


def test_drums_alone_have_no_key(shown, tune, tmp_path):
    score = tune([(0, 1, 36), (1, 1, 42)])
    score.dump_midi(tmp_path / "tune.mid")
    score.tracks[0].is_drum = True
    score.dump_midi(tmp_path / "drums.mid")
    assert [page.count("<dt>Key</dt>") for _, page, _ in (shown("tune.mid"), shown("drums.mid"))] == [1, 0]


def test_formats_are_written_instead(shown, music_folder, tmp_path):
    report, _, _ = shown("music/tune00.mid", "--also", "mid,musicxml,png", "-o", "out")
    assert report["page"] is None
    assert report["files"][0]["files"] == [f"out/tune00-shown.{suffix}" for suffix in ("mid", "musicxml", "png")]
    assert all((tmp_path / name).stat().st_size for name in report["files"][0]["files"])


def test_pieces_of_one_name_get_files_of_their_own(shown, tune, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        tune([(0, 1, 60 if folder == "a" else 62)]).dump_midi(tmp_path / folder / "same.mid")
    report, _, _ = shown("a", "b", "--also", "mid")
    assert [row["files"] for row in report["files"]] == [["same-shown.mid"], ["same-shown-2.mid"]]


def test_titles_with_markup_are_text(shown, tmp_path):
    (tmp_path / "evil.abc").write_text("X:1\nT:<script>alert(1)</script>\nM:4/4\nL:1/4\nK:C\nCDEF|\n")
    _, page, _ = shown("evil.abc")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere.mid"], 1, ["nowhere.mid"]),
        (["noise.mid"], 1, ["noise.mid"]),
        (["music/tune00.mid", "--also", "mp3"], 2, ["mp3", "known"]),
        (["music/tune00.mid", "-m", "nothing.smm"], 2, ["nothing.smm"]),
        (["music/tune00.mid", "--part", "tuba"], 1, ["tuba"]),
        (["music/tune00.mid", "-o", "noise.mid"], 4, ["noise.mid"]),
        (["tiny.mid"], 1, ["too short"]),
        ([], 2, ["PIECE"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else str(value),
)
def test_what_goes_wrong_is_one_message(arguments, code, words, verb, tune, music_folder, tmp_path):
    tune([(i / 68, 1 / 160, 60) for i in range(100)], meter=(1, 64)).dump_midi(tmp_path / "tiny.mid")
    (tmp_path / "noise.mid").write_bytes(bytes(range(256)) * 4)
    done = verb("show", *arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word.lower() in done.stderr.lower()
