"""`compare` on small music: what the report holds, what is done again and what is not, and what misbehaves."""

import json
import os

import pytest

from stochastic_music import io
from stochastic_music.errors import EmptyCorpusError, MachineError, UnknownNameError, UsageError
from stochastic_music.models import Markov
from stochastic_music.reports import compare


def compared(corpus, models, folder, **options):
    lines = []
    given = {"budget": 20.0, "seeds": 1, "n": 2, "sizes": (), "own_stop": False, "workers": 2}
    made = compare(corpus, models, output=folder, tell=lines.append, **{**given, **options})
    return made, lines


def test_the_report_holds_what_its_article_tells(tunes, tmp_path, at_hand):
    made, lines = compared(tunes, ["markov", "ppm"], tmp_path / "r", seeds=2, sizes=(4,), own_stop=True)
    assert json.loads((tmp_path / "r" / "report.json").read_text()) == made
    assert (tmp_path / "r" / "index.html").read_text() == f"page of {made['title']}"
    assert [model["name"] for model in made["models"]] == ["markov", "ppm"]
    assert made["corpus"]["n_train"] + made["corpus"]["n_test"] == 12
    markov, ppm = made["models"]
    assert markov["failed"] is None
    assert markov["fitted_once"]
    assert markov["budget"]["stopped"] == ["by itself"]
    assert markov["own_stop"] == markov["budget"]  # what stopped by itself is not fitted again
    assert [point["n_pieces"] for point in markov["curve"]] == [4, 10]
    assert len(markov["takes"]) == 4  # two by each of two seeds
    assert {take["seed"] for take in markov["takes"]} == {0, 1}
    assert all((tmp_path / "r" / take["file"]).exists() for take in ppm["takes"])
    told = json.loads(io.read_provenance(tmp_path / "r" / ppm["takes"][0]["file"]))
    assert told["seed"] == ppm["takes"][0]["seed"]
    assert told["model"].startswith("sha256:")
    assert len(made["held_out"]["takes"]) == len(markov["budget"]["per_piece"]) == 2
    [row] = made["differences"]
    low, high = row["bits_per_note"]["interval"]
    assert low <= row["bits_per_note"]["value"] <= high
    assert row["bits_per_note"]["value"] == pytest.approx(
        ppm["budget"]["bits_per_note"]["value"] - markov["budget"]["bits_per_note"]["value"]
    )
    assert [row["n_pieces"] for row in made["differences_by_size"]] == [4, 10]
    assert any("fits, on" in line for line in lines)
    text = (tmp_path / "r" / "report.md").read_text()
    assert "| markov |" in text
    assert "corrected for 1" in text
    assert "the 1 row of" in text
    [caution] = made["cautions"]
    assert caution.startswith("Only 2 pieces are held out")
    assert caution in text


def test_new_pieces_stand_under_the_same_headers(tunes, tmp_path, at_hand):
    made, _ = compared(tunes, ["markov", "ppm"], tmp_path / "r")
    tempos = [[take["tempo"] for take in model["takes"]] for model in made["models"]]
    assert tempos[0] == tempos[1] == [take["tempo"] for take in made["held_out"]["takes"]]


def test_music_in_several_parts(chorales, tmp_path, at_hand):
    made, _ = compared(chorales[:8], ["markov"], tmp_path / "r", transpose="none")
    assert made["corpus"]["encoding"] == "voices"
    [take, _] = made["models"][0]["takes"]
    assert [part["name"] for part in take["parts"]] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert made["models"][0]["originality"]["longest"]["value"] > 0


def test_what_is_there_is_not_done_again(tunes, tmp_path, at_hand):
    first, _ = compared(tunes, ["markov"], tmp_path / "r")
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "r" / "work").rglob("*.smm")}
    made, lines = compared(tunes, ["markov", "ppm"], tmp_path / "r")
    assert any("2 fits, 1 of them known from before" in line for line in lines)
    assert made["models"][0]["cost"] == first["models"][0]["cost"]
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert len(list((tmp_path / "r" / "work").rglob("*.smm"))) == 2


def test_a_broken_record_is_made_again(tunes, tmp_path, at_hand):
    compared(tunes, ["markov"], tmp_path / "r")
    [record] = (tmp_path / "r" / "work").rglob("fit.json")
    record.write_text("{")
    made, _ = compared(tunes, ["markov"], tmp_path / "r")
    assert made["models"][0]["budget"] is not None
    assert json.loads(record.read_text())["parameters"] > 0


def test_models_by_names_of_ones_own(tunes, tmp_path, at_hand):
    made, _ = compared(tunes, {"one": Markov(1), "two": Markov(2)}, tmp_path / "r")
    assert [(model["name"], model["kind"], model["parameters"]["order"]) for model in made["models"]] == [
        ("one", "markov", 1),
        ("two", "markov", 2),
    ]


def test_what_misbehaves_leaves_its_reason_and_the_rest_goes_on(tunes, tmp_path, misbehaving):
    made, lines = compared(tunes, ["failing", "slow", "mute", "markov"], tmp_path / "r", budget=1.0)
    failing, slow, mute, markov = made["models"]
    assert "ArithmeticError: the loss is no number" in failing["failed"]
    assert "not fitted after 1 s, and it cannot be asked to stop: it was ended" in slow["failed"]
    assert mute["failed"] is None
    assert mute["takes"] == []
    assert "no note comes to mind" in mute["problems"][0]
    assert markov["problems"] == []
    assert any("the loss is no number" in line for line in lines)
    assert "the loss is no number" in (tmp_path / "r" / "report.md").read_text()
    assert [(row["a"], row["b"]) for row in made["differences"]] == [("mute", "markov")]


def test_a_fit_that_is_asked_to_stop_goes_on_in_the_second_table(tunes, tmp_path, misbehaving):
    made, _ = compared(tunes, ["patient"], tmp_path / "r", budget=1.0, own_stop=True)
    [patient] = made["models"]
    assert patient["budget"]["stopped"] == ["after 1 s"]
    assert patient["own_stop"]["stopped"] == ["by itself"]
    assert patient["own_stop"]["seconds"][0] > patient["budget"]["seconds"][0]


def test_without_torch_the_column_says_what_to_install(tunes, tmp_path, monkeypatch):
    (tmp_path / "no" / "torch").mkdir(parents=True)
    (tmp_path / "no" / "torch" / "__init__.py").write_text("raise ImportError('none here')")
    paths = [str(tmp_path / "no"), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    made, _ = compared(tunes, ["lstm", "markov"], tmp_path / "r")
    assert 'pip install "stochastic-music[neural]"' in made["models"][0]["failed"]
    assert made["models"][0]["family"] == "neural"
    assert made["models"][1]["failed"] is None


def test_a_full_disk_ends_it(tunes, tmp_path, at_hand, monkeypatch):
    def full(path, record):
        raise MachineError(f"cannot write {path}: the disk is full")

    monkeypatch.setattr("stochastic_music.reports.comparison.running.write", full)
    with pytest.raises(MachineError, match="the disk is full"):
        compared(tunes, ["markov"], tmp_path / "r")


def test_where_nothing_can_be_fitted_the_reasons_are_told(tunes, tmp_path, misbehaving):
    with pytest.raises(MachineError, match="the loss is no number"):
        compared(tunes, ["failing"], tmp_path / "r")


@pytest.mark.parametrize(
    ("models", "options", "told"),
    [
        (["markow"], {}, "did you mean 'markov'"),
        (["markov", "markov"], {}, "given twice"),
        ([], {}, "no kind of model is named"),
        (["markov"], {"settings": {"ppm": {"escape": "a"}}}, "not compared"),
        (["hmm"], {"settings": {"hmm": {"seed": 3}}}, "leave its seed out"),
        (["markov"], {"budget": 0.3}, "nothing can be learned"),
        (["markov"], {"budget": float("inf")}, "expected seconds"),
        (["markov"], {"seeds": 0}, "expected 1 or more"),
        (["markov"], {"n": 0}, "expected how many pieces"),
        (["markov"], {"sizes": (0,)}, "sizes hold 0"),
    ],
)
def test_requests_that_make_no_sense(tunes, tmp_path, models, options, told):
    with pytest.raises(UsageError, match=told):
        compared(tunes, models, tmp_path / "r", **options)
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(("n", "told"), [(1, "there is 1 piece"), (4, "there are 4 pieces")])
def test_a_corpus_too_small_to_split(tunes, tmp_path, n, told):
    with pytest.raises(EmptyCorpusError, match=f"{told}.*Expected 5 or more"):
        compared(tunes[:n], ["markov"], tmp_path / "r")


def test_variants_of_one_tune_cannot_be_split(tune, tmp_path):
    from stochastic_music.corpus import Corpus

    score = tune([(i, 1, 60 + (i * i) % 11) for i in range(24)])
    with pytest.raises(EmptyCorpusError, match="variants of one tune"):
        compared(Corpus.from_scores([score] * 6), ["markov"], tmp_path / "r")


def test_a_folder_of_another_comparison_is_left_alone(tunes, tmp_path, at_hand):
    compared(tunes, ["markov"], tmp_path / "r", title="tunes")
    with pytest.raises(UsageError, match=r"another comparison, of tunes.*--force"):
        compared(tunes, ["markov"], tmp_path / "r", seed=1)
    made, _ = compared(tunes, ["markov"], tmp_path / "r", seed=1, force=True)
    assert made["settings"]["split_seed"] == 1


def test_a_folder_with_other_files_is_left_alone(tunes, tmp_path):
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="holds other files"):
        compared(tunes, ["markov"], tmp_path / "r")


def test_an_unknown_kind_is_refused_before_anything_is_read(tmp_path):
    from stochastic_music.reports.comparison.contenders import contenders

    with pytest.raises(UnknownNameError, match="did you mean 'ppm'"):
        contenders(["pmp"])
