"""`structure` as a user walks it, and what goes wrong."""

import json
import sys

import pytest

from stochastic_music import io
from stochastic_music.cli import main
from stochastic_music.corpus import Corpus
from stochastic_music.render.forms import Row, form_picture
from stochastic_music.render.plots import provenance, to_png

TUNE = "4/4 c4 d e f g a b g f g f d e2 c2"
OTHER = "c'8 b a g a b c' d' e'2 d'2 e'8 d' c' b c' d' e' f' g'1"


@pytest.fixture
def structure(tmp_path, monkeypatch, capsys):
    """Run the verb in this process, which is quicker than one of its own."""

    def run(*arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["stochmusic", "structure", *arguments])
        with pytest.raises(SystemExit) as left:
            main.run()
        told = capsys.readouterr()
        return left.value.code or 0, told.out, told.err

    return run


@pytest.fixture
def tune(tmp_path):
    [piece] = Corpus.from_text(f"{TUNE} {TUNE[4:]} {OTHER} {TUNE[4:]}")
    io.save(piece.score, tmp_path / "tune.mid")
    return tmp_path / "tune.mid"


def test_sections_are_told_and_drawn(structure, tune, tmp_path):
    code, out, err = structure("tune.mid")
    assert code == 0
    assert out == "tune.mid  A 1-4 | A 5-8 | B 9-12 | A 13-16\n"
    assert "All bars are of one kind" in err
    made_by = json.loads(provenance((tmp_path / "tune-structure.png").read_bytes()))
    assert made_by["seed"] == 0
    assert structure("tune.mid")[0] == 0  # equal bytes may be written again


def test_json_says_the_same(structure, tune):
    code, out, _ = structure("tune.mid", "--json", "--states", "1", "--least-bars", "4")
    assert code == 0
    told = json.loads(out)
    assert told["schema"] == 1
    [piece] = told["pieces"]
    assert piece["form"] == "A A B A"
    assert [row["label"] for row in piece["bars"]] == list("AAAAAAAABBBBAAAA")
    assert [row["bar"] for row in piece["bars"]] == list(range(1, 17))
    assert piece["sections"][3] == {
        "label": "A", "first": 13, "last": 16, "n_bars": 4, "copies": piece["sections"][3]["copies"],
        "similarity": 1.0, "state": 0,
    }  # fmt: skip
    assert told["files"] == ["tune-structure.png"]
    assert len(told["states"]) == 1


def test_a_piece_of_one_section_says_so(structure, tmp_path):
    [piece] = Corpus.from_text(TUNE)
    io.save(piece.score, tmp_path / "short.mid")
    code, out, err = structure("short.mid", "-o", "form.png")
    assert (code, out) == (0, "short.mid  A 1-4\n")
    assert "--least-bars" in err
    assert (tmp_path / "form.png").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["tune.mid", "--states", "none"], 2, "n_states"),
        (["tune.mid", "--states", "0"], 2, "n_states"),
        (["tune.mid", "-o", "form.svg"], 2, ".png"),
        (["nowhere.mid"], 1, "nowhere"),
    ],
)
def test_what_goes_wrong_is_said(structure, tune, arguments, code, message):
    found, _, err = structure(*arguments)
    assert (found, message in err) == (code, True), err


def test_another_picture_is_not_overwritten(structure, tune, tmp_path):
    (tmp_path / "tune-structure.png").write_bytes(b"mine")
    code, _, err = structure("tune.mid")
    assert code == 2
    assert "--force" in err
    assert structure("tune.mid", "--force")[0] == 0


def test_pictures_show_every_bar_and_label():
    rows = [
        Row("one", ["A", "A", "B", "A'"], [0, 2, 3], [0, 1, 2, 3]),
        Row("a name that is far too long to stand beside a row of bars", ["A"] * 40, [0], list(range(1, 41))),
    ]
    figure = form_picture(rows)
    [axes] = figure.axes
    assert len(axes.patches) == 44
    assert [text.get_text() for text in axes.texts] == ["A", "B", "A'", "A"]
    assert axes.get_xlim() == (0, 41)
    assert to_png(figure) == to_png(form_picture(rows))
