"""`info --cite` and `info --card` as a user walks them: of models, of takes, and what has neither."""

import json

import pytest

TUNE = """X:{n}
T:Tune {n}
M:4/4
L:1/4
K:C
{notes}
"""


@pytest.fixture
def model(verb, tmp_path):
    lines = ["CDEF|GFED|C4|]", "EDCD|EEE2|C4|]", "GFED|CDE2|C4|]", "CEGE|FDEC|C4|]"]
    tunes = "\n".join(TUNE.format(n=n, notes=notes) for n, notes in enumerate(lines, 1))
    (tmp_path / "tunes.abc").write_text(tunes)
    done = verb("fit", "tunes.abc", "-m", "markov", "--set", "smoothing=witten_bell", "-o", "m.smm", "--workers", "1")
    assert done.returncode == 0, done.stderr
    return "m.smm"


def test_a_model_is_cited_with_its_method_alone_on_stdout(verb, model):
    done = verb("info", model, "--cite")
    assert done.returncode == 0
    assert done.stdout.startswith("% this package, version")
    assert "@article{witten1991zero," in done.stdout


def test_a_card_tells_the_command_and_the_figure_of_the_fit(verb, model):
    text = verb("info", model, "--card").stdout
    assert text.startswith("# m.smm\n")
    assert "stochmusic fit tunes.abc -m markov --set smoothing=witten_bell -o m.smm --workers 1" in text
    assert "bits per note\n- Measured on music that was held out of the fit, then fitted again on everything." in text
    assert "- Corpus: tunes.abc" in text


def test_json_has_both_beside_what_info_tells(verb, model):
    told = json.loads(verb("info", model, "--cite", "--card", "--json").stdout)
    assert (told["schema"], told["model"]) == (1, "markov")
    assert told["card"].startswith("# m.smm")
    assert [entry["key"] for entry in told["cite"]["entries"]] == ["stochastic_music", "witten1991zero"]


def test_a_take_is_cited_with_the_model_that_it_was_made_with(verb, model, tmp_path):
    assert verb("generate", model, "-n", "1", "--seed", "1", "--sampler", "ancestral").returncode == 0
    take = "takes/m-s1-01.mid"
    assert "witten1991zero" in verb("info", take, "--cite").stdout
    (tmp_path / model).unlink()
    done = verb("info", take, "--cite")
    assert "witten1991zero" not in done.stdout
    assert "the model it was made with, which is not at hand" in done.stderr


def test_a_report_of_another_model_is_not_believed(verb, model, tmp_path):
    report = json.loads((tmp_path / "m.report.json").read_text())
    (tmp_path / "m.report.json").write_text(json.dumps({**report, "sha256": "of another"}))
    assert "No report of its fit is at hand" in verb("info", model, "--card").stdout
    (tmp_path / "m.report.json").write_text("not JSON")
    assert "No report of its fit is at hand" in verb("info", model, "--card").stdout


def test_what_has_no_card_is_said(verb, model):
    assert verb("generate", model, "-n", "1", "--seed", "1").returncode == 0
    done = verb("info", "takes/m-s1-01.mid", "--card")
    assert done.returncode == 2
    assert "is a piece, which has no card: name a model (*.smm)" in done.stderr
