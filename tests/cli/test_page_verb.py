"""--also page: what stands on a page, of every verb that composes, and how it is opened."""

import base64
import json
import os
import re
import stat
import sys
from html import unescape

import pytest

from stochastic_music.cli import _opening, _pages
from stochastic_music.cli._common import again
from stochastic_music.io import read_provenance


def texts(page):
    """What stands on a page to be read, scripts and styles apart."""
    return " ".join(unescape(re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)).split())


def downloads(page):
    """The files that a page holds, by name."""
    found = re.findall(r'href="data:[^"]*?;base64,([^"]*)" download="([^"]*)"', page)
    return {name: base64.b64decode(data) for data, name in found}


@pytest.fixture
def new(tune, tmp_path):
    tune([(i, 1, 60 + (0, 2, 4, 5, 7, 5, 4, 2)[i % 8]) for i in range(32)]).dump_midi(tmp_path / "new.mid")
    return "new.mid"


@pytest.fixture
def generated(verb, small_model, tmp_path):
    done = verb("generate", "small.smm", "-n", 2, "--bars", 8, "--seed", 1, "--also", "page", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), (tmp_path / "takes" / "small-s1.html").read_text(encoding="utf-8"), done.stderr


def test_a_page_holds_what_json_says_of_the_takes(generated):
    report, page, told = generated
    assert report["page"] == "takes/small-s1.html"
    assert "takes/small-s1.html" in told
    read = texts(page)
    for row in report["files"]:
        assert f"{row['bits_per_note']:.2f} bits per note" in read
        assert f"{row['longest_copy']['length']} notes of {row['longest_copy']['piece']}" in read
    assert read.count("exact: drawn from the model") == 2
    assert "small.smm: markov" in read
    assert "12 pieces, 372 notes" in read


def test_a_page_names_the_next_commands(generated):
    _, page, _ = generated
    read = texts(page)
    assert "stochmusic generate small.smm -n 2 --bars 8 --also page --json --seed 2" in read
    assert "stochmusic explain takes/small-s1-01.mid -m small.smm" in read


def test_a_page_holds_the_very_midi_files(generated, tmp_path):
    _, page, _ = generated
    held = downloads(page)
    assert sorted(held) == [f"small-s1-0{i}.{suffix}" for i in (1, 2) for suffix in ("mid", "musicxml")]
    assert held["small-s1-02.mid"] == (tmp_path / "takes" / "small-s1-02.mid").read_bytes()


def test_notes_are_colored_as_explain_tells(generated, verb):
    _, page, _ = generated
    takes = [json.loads(unescape(data)) for data in re.findall(r'data-take="(.*?)"', page)]
    explained = json.loads(verb("explain", "takes/small-s1-01.mid", "-m", "small.smm", "--json").stdout)
    assert takes[0]["parts"][0]["bits"] == [round(note["bits"], 2) for note in explained["notes"]]


def test_a_page_is_the_same_again_and_says_how_it_was_made(generated, verb):
    assert verb("generate", "small.smm", "-n", 2, "--bars", 8, "--seed", 1, "--also", "page", "--json").returncode == 0
    facts = json.loads(verb("info", "takes/small-s1.html", "--json").stdout)
    assert facts["seed"] == 1
    assert "--also page" in facts["command"]
    refused = verb("generate", "small.smm", "-n", 2, "--bars", 8, "--seed", 1, "--also", "page")
    assert (refused.returncode, "--force" in refused.stderr) == (2, True)  # another command line made these


def test_without_a_page_the_command_for_one_is_named(verb, small_model):
    done = verb("generate", "small.smm", "-n", 1, "--bars", 4, "--seed=5", "--also", "musicxml")
    assert "stochmusic generate small.smm -n 1 --bars 4 --seed 5 --also musicxml,page --open" in done.stderr
    assert json.loads(verb("generate", "small.smm", "-n", 1, "--length", 8, "--json").stdout)["page"] is None


def test_of_very_many_takes_the_first_are_shown(verb, small_model, tmp_path, monkeypatch):
    monkeypatch.setattr(_pages, "MOST", 3)
    done = verb("generate", "small.smm", "-n", 5, "--bars", 4, "--seed", 1, "--also", "page", "--json")
    assert len(json.loads(done.stdout)["files"]) == 5
    page = (tmp_path / "takes" / "small-s1.html").read_text(encoding="utf-8")
    assert "The first 3 of 5 takes" in texts(page)
    assert len(downloads(page)) == 6


@pytest.mark.parametrize("arguments", [["continue", "--bars", 2], ["fill", "--bars", "3-4"], ["vary"]], ids=str)
def test_old_and_new_are_told_apart(arguments, verb, small_model, new, tmp_path):
    kind, *options = arguments
    done = verb(kind, new, "-m", "small.smm", "-n", 1, "--seed", 1, "--also", "page", "--json", *options)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["page"] == f"takes/new-{kind}-s1.html"
    page = (tmp_path / "takes" / f"new-{kind}-s1.html").read_text(encoding="utf-8")
    read = texts(page)
    bars = {"continue": "bars 9 to 10", "fill": "bars 3 to 4", "vary": "bars"}[kind]
    assert "The original" in read
    assert re.search(rf"\d+ notes, {bars}", read)
    parts = [json.loads(unescape(data))["parts"] for data in re.findall(r'data-take="(.*?)"', page)]
    assert [len(take[0]["bits"]) > 0 for take in parts] == [True, True]


def test_new_notes_alone_are_not_colored(verb, small_model, new, tmp_path):
    done = verb("fill", new, "-m", "small.smm", "-n", 1, "--seed", 1, "--bars", 3, "--only-new", "--also", "page")
    assert done.returncode == 0, done.stderr
    assert "Color by surprise" not in (tmp_path / "takes" / "new-fill-s1.html").read_text(encoding="utf-8")


def test_the_files_beside_a_page_are_those_without_it(verb, small_model, new, tmp_path):
    for also in ("page", "musicxml"):
        done = verb("fill", new, "-m", "small.smm", "-n", 1, "--seed", 1, "--bars", 3, "--also", also, "-o", also)
        assert done.returncode == 0, done.stderr
    page, plain = (json.loads(read_provenance(tmp_path / also / "new-fill-s1-01.mid")) for also in ("page", "musicxml"))
    assert {**page, "command": ""} == {**plain, "command": ""}


def test_explain_writes_a_page_and_notation(verb, small_model, new, tmp_path):
    pytest.importorskip("verovio")
    done = verb("explain", new, "-m", "small.smm", "--also", "svg,page", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["page"], report["files"]) == ("new-explained.html", ["new-explained.svg", "new-explained.html"])
    svg = (tmp_path / "new-explained.svg").read_text(encoding="utf-8")
    assert f">{report['notes'][0]['bits']:.1f}<" in svg
    page = (tmp_path / "new-explained.html").read_text(encoding="utf-8")
    assert "Color by surprise" in texts(page)


def test_other_values_of_options_take_the_place_of_those_given(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["stochmusic", "generate", "--seed", "1", "-n", "2", "--also=png", "--open"])
    assert again(seed=2, also="page") == "stochmusic generate -n 2 --open --seed 2 --also page"


@pytest.fixture
def screen(tmp_path, monkeypatch):
    """A screen, and a program that opens files, which does what a script says."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", ":0")

    def install(script):
        program = tmp_path / "bin" / "xdg-open"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")

    return install


def test_a_page_is_opened_by_the_program_of_the_system(screen, tmp_path, capsys):
    screen(f'echo "$1" > {tmp_path}/opened')
    _opening.open_file(tmp_path / "page.html")
    assert (tmp_path / "opened").read_text().strip() == str(tmp_path / "page.html")
    assert "Opened" in capsys.readouterr().err


@pytest.mark.parametrize("script", ["exit 3", None])
def test_where_no_program_opens_it_the_place_is_said(script, screen, tmp_path, monkeypatch, capsys):
    if script:
        screen(script)
    else:
        monkeypatch.setenv("PATH", str(tmp_path))
    _opening.open_file(tmp_path / "page.html")
    assert (tmp_path / "page.html").as_uri() in capsys.readouterr().err


def test_a_program_that_stays_is_not_waited_for(screen, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(_opening, "_PATIENCE", 0.05)
    screen("exec sleep 2")
    _opening.open_file(tmp_path / "page.html")
    assert "Opened" in capsys.readouterr().err


def test_without_a_screen_nothing_is_started(screen, tmp_path, monkeypatch, capsys):
    screen(f"touch {tmp_path}/started")
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    _opening.open_file(tmp_path / "page.html")
    assert "could not be opened" in capsys.readouterr().err
    assert not (tmp_path / "started").exists()
