"""`score --cv` and `--per-note` as a user walks them."""

import csv
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from stochastic_music.cli import _per_note
from stochastic_music.errors import MissingExtraError


@pytest.fixture
def folder(stochmusic, music_folder):
    return music_folder


def scored(stochmusic, *arguments):
    done = stochmusic("score", "music", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def refused(stochmusic, *arguments):
    done = stochmusic("score", "music", *arguments)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_kinds_are_fitted_anew_for_each_fold(stochmusic, folder, tmp_path):
    found, told = scored(
        stochmusic, *("-m", "markov", "-m", "ppm", "--set", "order=1", "--cv", "3", "--seeds", "2"),
        *("--folds", "folds.json", "--per-note", "notes.csv"),
    )  # fmt: skip
    markov, ppm = found["models"]
    assert markov["parameters"] == {"order": 1}
    assert ppm["parameters"] == {}
    assert markov["n_pieces"] == 12
    per_fold = np.array(markov["folds"]["bits_per_note"])
    assert per_fold.shape == (2, 3)
    assert markov["bits_per_note"]["value"] == pytest.approx(np.mean(markov["by_seed"]["bits_per_note"]))
    assert per_fold.min() <= markov["bits_per_note"]["value"] <= per_fold.max()
    assert markov["protocol"]["k"] == 3
    assert markov["protocol"]["seeds"] == [0, 1]
    assert markov["protocol"]["end"] is True
    assert found["differences"][0]["bits_per_note"]["value"] == pytest.approx(
        ppm["bits_per_note"]["value"] - markov["bits_per_note"]["value"]
    )
    assert "fold seeds" in told
    _check_notes(tmp_path / "notes.csv", markov)
    again, told = scored(stochmusic, "-m", "markov", "--set", "order=1", "--folds", "folds.json")
    assert again["models"][0]["folds"] == markov["folds"]
    assert "Folds as in folds.json" in told


def _check_notes(path, markov):
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == "markov"]
    assert len(rows) == 2 * 12 * 31
    assert {row["seed"] for row in rows} == {"0", "1"}
    assert {row["fold"] for row in rows} == {"0", "1", "2"}
    assert rows[0]["piece"] == "tune00.mid"
    assert [row["pitch"] for row in rows[:3]] == ["60", "62", "64"]
    assert [(row["bar"], row["onset"]) for row in rows[3:6]] == [("1", "3"), ("2", "4"), ("2", "5")]
    mean = np.mean([float(row["information_content"]) for row in rows])
    assert mean == pytest.approx(markov["bits_per_pitch"]["value"], abs=1e-3)
    assert all(0 <= float(row["entropy"]) < 7 for row in rows)


def test_a_fitted_file_lends_its_settings(stochmusic, folder):
    assert (
        stochmusic("fit", "music", "-m", "markov", "--set", "order=2", "--transpose", "none", "-o", "m.smm").returncode
        == 0
    )
    found, _ = scored(stochmusic, "-m", "m.smm", "--cv", "2")
    [row] = found["models"]
    assert (row["kind"], row["parameters"]["order"], row["protocol"]["transposition"]) == ("markov", 2, "none")


def test_memories_of_ppm_on_pitches_alone(stochmusic, folder):
    uses = ("stm", "ltm", "ltm+", "both")
    found, _ = scored(
        stochmusic,
        "-m",
        "ppm",
        "--cv",
        "3",
        "--known",
        "none",
        "--transpose",
        "none",
        *(x for use in uses for x in ("--use", use)),
    )
    assert [row["model"] for row in found["models"]] == [f"ppm {use}" for use in uses]
    for row in found["models"]:
        assert row["protocol"]["known"] == "none"
        assert row["protocol"]["end"] is False
        assert row["protocol"]["alphabet_size"] == 8
        assert row["bits_per_pitch"] == row["bits_per_note"] == row["bits_per_symbol"]
        assert row["protocol"]["learns_from_the_test_fold"] == (row["model"] in {"ppm ltm+", "ppm both"})


def test_what_is_known_has_a_row_each(stochmusic, folder):
    knowns = ("none", "timing,key", "timing,key,phrase")
    found, told = scored(stochmusic, "-m", "ppm", "--cv", "2", *(x for known in knowns for x in ("--known", known)))
    assert [row["model"] for row in found["models"]] == [f"ppm, known {known}" for known in knowns]
    for row, known in zip(found["models"], knowns, strict=True):
        assert row["protocol"]["known"] == known
        assert row["protocol"]["transposition"] == "none"
        assert (row["bits_per_note"] is None) == (known != "none")
        assert set(row["folds"]) == set(row["by_seed"]) == {n for n in row["by_seed"] if row[n]}
    first, other = (row["bits_per_pitch"]["value"] for row in found["models"][:2])
    assert found["differences"][0]["bits_per_note"] is None
    assert found["differences"][0]["bits_per_pitch"]["value"] == pytest.approx(other - first)
    assert "bits per pitch" in told
    assert "No ends of phrases are marked" in told


@pytest.mark.parametrize("kind", [("multiple_viewpoint", "--set", "order=1"), ("idyom", "--set", "viewpoints=cpitch")])
def test_memories_of_multiple_viewpoints(stochmusic, folder, kind):
    uses = ("stm", "ltm", "ltm+", "both")
    options = ("--cv", "2", "--known", "none", *(x for use in uses for x in ("--use", use)))
    found, _ = scored(stochmusic, "-m", *kind, *options)
    assert [row["model"] for row in found["models"]] == [f"{kind[0]} {use}" for use in uses]
    assert [row["protocol"]["use"] for row in found["models"]] == list(uses)
    figures = {row["protocol"]["use"]: row["bits_per_pitch"]["value"] for row in found["models"]}
    assert len(set(figures.values())) == 4
    # three tunes in four keys: what has been read of the fold tells of what comes
    assert figures["both"] < figures["ltm"]


def test_variants_stay_together(stochmusic, folder, tmp_path):
    # the tunes of the folder are three, in four keys or starting points each
    groups = json.loads(stochmusic("corpus", "info", "music", "--json").stdout)["variants"]
    _, _ = scored(
        stochmusic, "-m", "markov", "--cv", "2", "--group", "variants", "--folds", "f.json", "--transpose", "none"
    )
    pieces = json.loads((tmp_path / "f.json").read_text())["pieces"]
    for group in groups:
        assert len({tuple(pieces[name]) for name in group}) == 1


def test_per_note_of_a_fitted_model(stochmusic, folder, tmp_path):
    assert stochmusic("fit", "music", "-m", "markov", "-o", "m.smm").returncode == 0
    scored(stochmusic, "-m", "m.smm", "--per-note", "notes.csv")
    with (tmp_path / "notes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12 * 31
    assert {row["fold"] for row in rows} == {row["long_term"] for row in rows} == {""}
    assert all(math.isfinite(float(row["information_content"])) for row in rows)
    assert stochmusic("score", "music", "-m", "m.smm", "--per-note", "notes.csv").returncode == 0
    (tmp_path / "notes.csv").write_text("mine")
    assert "--force" in refused(stochmusic, "-m", "m.smm", "--per-note", "notes.csv")
    assert (tmp_path / "notes.csv").read_text() == "mine"


def test_per_note_as_parquet_holds_what_the_csv_holds(stochmusic, folder, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    options = ("-m", "multiple_viewpoint", "--set", "order=1", "--cv", "2", "--known", "timing,key")
    for name in ("notes.csv", "notes.parquet"):
        scored(stochmusic, *options, "--per-note", name)
    typed = parquet.read_table(tmp_path / "notes.parquet").to_pylist()
    with (tmp_path / "notes.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    assert len(typed) == len(written) == 12 * 31
    for row, text in zip(typed, written, strict=True):
        assert (row["piece"], row["model"]) == (text["piece"], text["model"])
        for name in set(row) - {"piece", "model"}:
            assert row[name] == pytest.approx(float(text[name]), abs=1e-4)
    assert {row["fold"] for row in typed} == {0, 1}
    # what the memories say together is more than what either says
    mean = {name: np.mean([row[name] for row in typed]) for name in ("information_content", "long_term", "short_term")}
    assert min(mean, key=mean.get) == "information_content"


def test_parquet_without_its_library_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"stochastic-music\[parquet\]"):
        _per_note.check_path(Path("notes.parquet"))


def test_an_infinite_figure_is_said(stochmusic, folder):
    found, told = scored(stochmusic, "-m", "markov", "--set", "smoothing=none", "--set", "order=2", "--cv", "12")
    assert found["models"][0]["bits_per_note"] == {"value": None, "interval": [None, None], "level": 0.95}
    assert "bits per note    infinite" in told


def test_wrong_use_is_named(stochmusic, folder, tmp_path):
    assert "a kind of model" in refused(stochmusic, "-m", "markov")
    assert "name one or more" in refused(stochmusic, "--cv", "3")
    assert "--group goes with --cv" in refused(stochmusic, "-m", "x.smm", "--group", "variants")
    assert "'order'" in refused(stochmusic, "-m", "markov", "-m", "ppm", "--cv", "3", "--set", "ordre=2")
    told = refused(stochmusic, "-m", "markov", "--cv", "3", "--use", "stm")
    assert "ltm and ltm+ with networks; --use stm not with markov" in told
    assert ".csv or .parquet" in refused(stochmusic, "-m", "markov", "--cv", "3", "--per-note", "notes.txt")
    assert "expected 2 to 12" in refused(stochmusic, "-m", "markov", "--cv", "99")
    assert "--transpose all" in refused(stochmusic, "-m", "markov", "--cv", "3", "--transpose", "all")
    assert "variants" in refused(stochmusic, "-m", "markov", "--cv", "3", "--group", "tunes")
    assert "timing,key,phrase" in refused(stochmusic, "-m", "markov", "--cv", "3", "--known", "timing")
    told = refused(stochmusic, "-m", "markov", "--cv", "3", "--known", "none", "--transpose", "common")
    assert "as printed" in told
    told = refused(stochmusic, "-m", "markov", "--cv", "3", "--known", "none", "--encoding", "notes")
    assert "--encoding melody" in told
    (tmp_path / "folds.json").write_text("[]")
    assert "holds no folds" in refused(stochmusic, "-m", "markov", "--folds", "folds.json")
    (tmp_path / "folds.json").write_text('{"seeds": [0], "pieces": {"other.mid": [0]}}')
    assert "tune00.mid" in refused(stochmusic, "-m", "markov", "--folds", "folds.json")
