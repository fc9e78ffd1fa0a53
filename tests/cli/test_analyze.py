"""`fit --task chords` and `analyze` as a user walks them, and what goes wrong."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from symusic import Note, Score, Track

from stochastic_music import io
from stochastic_music.cli import main
from stochastic_music.corpus import Corpus, label_pieces
from stochastic_music.music import marks
from stochastic_music.tasks.chords import ChordLabeller

TUNE = "X:1\nT:{}\nM:4/4\nL:1/4\nK:{}\nV:1\n{}\nV:2\n{}\n"
SONGS = {
    "one": (
        "C",
        '"C"[EGc]2"F"[FAc]2 "G7"[FGB]2"C"[EGc]2 "Am"[EAc]2"Dm"[FAd]2 "G"[GBd]2"C"[EGc]2',
        "C2F2 G2C2 A,2D2 G,2C2",
    ),
    "two": ("C", '"C"[EGc]2"G/B"[DGB]2 "Am"[EAc]2"F"[FAc]2 "Dm"[FAd]2"G7"[FGB]2 "C"[EGc]4', "C2B,2 A,2F,2 D2G,2 C4"),
    "three": (
        "G",
        '"G"[GBd]2"C"[GCe]2 "D7"[FAc]2"G"[GBd]2 "Em"[GBe]2"Am"[EAc]2 "D"[FAd]2"G"[GBd]2',
        "G,2C2 D2G,2 E2A,2 D2G,2",
    ),
    "four": ("F", '"F"[FAc]2"Bb"[FBd]2 "C7"[EGB]2"F"[FAc]2 "Gm"[GBd]2"C"[EGc]2 "F"[FAc]4', "F,2B,2 C2F,2 G,2C2 F,4"),
    "five": (
        "D",
        '"D"[FAd]2"G"[GBd]2 "A7"[EGc]2"D"[FAd]2 "Bm"[FBd]2"Em"[GBe]2 "A"[EAc]2"D"[FAd]2',
        "D,2G,2 A,2D2 B,2E2 A,2D,2",
    ),
}


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Verb = Callable[..., Done]


@pytest.fixture
def verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Verb:
    """Run a verb in this process, which is quicker than one of its own."""

    def run(*arguments: object) -> Done:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["stochmusic", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main.run()
        return Done(int(left.value.code or 0), *capsys.readouterr())

    return run


def write_songs(folder: Path) -> Path:
    folder.mkdir()
    for name, (key, *bars) in SONGS.items():
        (folder / f"{name}.abc").write_text(TUNE.format(name, key, *("|".join(voice.split()) + "|" for voice in bars)))
    return folder


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    return write_songs(tmp_path / "songs")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("fitted")
    pieces, _ = label_pieces(Corpus.from_folder(write_songs(home / "songs"), workers=1))
    return ChordLabeller().fit(pieces).save(home / "m.smm")


@pytest.fixture
def model(fitted: Path, tmp_path: Path) -> str:
    shutil.copy(fitted, tmp_path / "m.smm")
    return "m.smm"


@pytest.fixture
def hymn(tmp_path: Path) -> str:
    """Six chords in D, as MIDI that says nothing of its key."""
    score = Score(480)
    chords = [
        (50, 57, 66, 74),
        (43, 59, 62, 71),
        (45, 57, 64, 73),
        (50, 57, 66, 74),
        (45, 55, 64, 73),
        (50, 57, 66, 74),
    ]
    for part in range(4):
        score.tracks.append(Track(str(part), notes=[Note(960 * i, 960, c[part], 80) for i, c in enumerate(chords)]))
    score.dump_midi(tmp_path / "hymn.mid")
    return "hymn.mid"


def test_fit_learns_from_chord_symbols_and_reports(verb: Verb, songs: Path, tmp_path: Path) -> None:
    (songs / "none.abc").write_text(TUNE.format("none", "C", "c4|", "C4|"))
    done = verb("fit", songs, "--task", "chords", "-o", "m.smm", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["task"] == "chords"
    assert report["n_pieces"] == 5
    assert report["n_events"] == 38
    assert report["labels_from"] == {"chord symbols in the score": 5}
    assert report["pieces_left_out"] == [{"piece": "none.abc", "reason": "it has no labels"}]
    figures = report["held_out"]
    assert figures["protocol"] == "5-fold cross-validation by piece"
    assert figures["key"] is None
    low, high = figures["chord_interval"]
    assert 0.5 < low <= figures["chord"] <= high <= 1
    assert json.loads((tmp_path / "m.report.json").read_text())["held_out"] == figures
    assert "Held out (5-fold cross-validation by piece): chord" in done.stderr
    assert "stochmusic analyze PIECE -m m.smm" in done.stderr
    first = (tmp_path / "m.smm").read_bytes()
    again = verb("fit", songs, "--task", "chords", "-o", "m.smm")  # equal bytes: nothing is overwritten
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "m.smm").read_bytes() == first


def test_fit_without_refitting_holds_pieces_out(verb: Verb, songs: Path) -> None:
    done = verb("fit", songs, "--task", "chords", "--no-refit", "--holdout", "0.4", "-o", "m.smm", "--json")
    report = json.loads(done.stdout)
    assert report["held_out"]["protocol"].endswith("held out")
    assert report["n_pieces"] + report["held_out"]["n_pieces"] == 5
    assert not report["refitted"]


def test_fit_takes_labels_from_a_csv(verb: Verb, songs: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(
        "piece,bar,beat,label\none,1,1,C\none,1,3,F\none,2,1,G7\none,2,3,C\none,3,1,Am\n"
    )
    done = verb("fit", songs / "one.abc", "--task", "chords", "--labels", "labels.csv", "-o", "m.smm", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["labels_from"] == {"a CSV file": 1}
    assert "no held-out figure" in done.stderr
    bad = verb("fit", songs, "--task", "chords", "--labels", "none.csv")
    assert bad.returncode == 1
    assert "cannot read the labels in none.csv" in bad.stderr


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--set", "l3=1"], 2, "did you mean 'l2'"),
        (["--grid", "1/8"], 2, "--grid does not go with --task chords"),
        (["--set", "l2=-1"], 2, "l2 is -1"),
    ],
)
def test_requests_that_make_no_sense(verb: Verb, songs: Path, options: list[str], code: int, words: str) -> None:
    done = verb("fit", songs, "--task", "chords", *options)
    assert done.returncode == code
    assert words in done.stderr


def test_nothing_to_learn_from(verb: Verb, music_folder: Path) -> None:
    done = verb("fit", music_folder, "--task", "chords")
    assert done.returncode == 1
    assert "none of 12 pieces has labels that can be used" in done.stderr
    assert "bach-analyses" in done.stderr


def test_the_table_tells_keys_chords_and_numerals(stochmusic, model: str, hymn: str) -> None:
    done = stochmusic("analyze", hymn, "-m", model)  # as a user runs it
    assert done.returncode == 0, done.stderr
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["bar", "beat", "key", "chord", "roman", "sure"]
    assert [row.split()[-3:-1] for row in rows] == [
        ["D", "I"], ["G", "IV"], ["A", "V"], ["D", "I"], ["A7", "V7"], ["D", "I"],
    ]  # fmt: skip
    assert [row.split()[:2] for row in rows] == [["1", "1"], ["1", "3"], ["2", "1"], ["2", "3"], ["3", "1"], ["3", "3"]]
    assert "key D (estimated)" in done.stderr


def test_json_has_stable_keys(verb: Verb, model: str, hymn: str) -> None:
    told = json.loads(verb("analyze", hymn, "-m", model, "--json").stdout)
    assert set(told) == {"schema", "model", "licences", "piece", "key", "texture", "chords", "remarks", "files"}
    assert [chord["roman"] for chord in told["chords"]] == ["I", "IV", "V", "I", "V7", "I"]
    assert all(0 < chord["confidence"] <= 1 for chord in told["chords"])


def test_files_say_how_they_were_made_and_are_read_back(verb: Verb, model: str, hymn: str, tmp_path: Path) -> None:
    done = verb("analyze", hymn, "-m", model, "--also", "musicxml,rntxt,txt,json,mid", "-o", "out")
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        f"hymn-chords.{suffix}" for suffix in ("json", "mid", "musicxml", "rntxt", "txt")
    ]
    expected = [(0, "D"), (2, "G"), (4, "A"), (6, "D"), (8, "A7"), (10, "D")]
    for suffix in ("musicxml", "mid"):
        score = io.load(out / f"hymn-chords.{suffix}")
        found = [(time / score.ticks_per_quarter, text) for time, text in marks.chord_symbols(score)]
        assert found == expected
        made = json.loads(io.read_provenance(out / f"hymn-chords.{suffix}"))
        assert made["piece"] == "hymn.mid"
        assert made["model"].startswith("sha256:")
        assert "analyze" in made["command"]
    for suffix in ("rntxt", "txt", "json"):
        told = json.loads(verb("info", out / f"hymn-chords.{suffix}", "--json").stdout)
        assert told["piece"] == "hymn.mid"
        assert told["model"] == made["model"]
    converter = pytest.importorskip("music21.converter")
    numerals = (
        converter.parse(out / "hymn-chords.rntxt", format="romanText").recurse().getElementsByClass("RomanNumeral")
    )
    assert [n.figure for n in numerals] == ["I", "IV", "V", "I", "V7", "I"]
    symbols = converter.parse(out / "hymn-chords.musicxml").recurse().getElementsByClass("ChordSymbol")
    assert [s.figure for s in symbols] == ["D", "G", "A", "D", "A7", "D"]
    before = {path: path.read_bytes() for path in out.iterdir()}
    assert verb("analyze", hymn, "-m", model, "--also", "musicxml,rntxt,txt,json,mid", "-o", "out").returncode == 0
    assert before == {path: path.read_bytes() for path in out.iterdir()}


def test_what_stands_there_is_kept(verb: Verb, model: str, hymn: str, tmp_path: Path) -> None:
    (tmp_path / "hymn-chords.txt").write_text("mine")
    done = verb("analyze", hymn, "-m", model, "--also", "txt")
    assert done.returncode == 2
    assert (tmp_path / "hymn-chords.txt").read_text() == "mine"
    assert verb("analyze", hymn, "-m", model, "--also", "txt", "--force").returncode == 0


def test_a_melody_alone_is_a_guess_and_says_so(verb: Verb, model: str, tune, tmp_path: Path) -> None:
    tune([(i, 1, p) for i, p in enumerate((60, 64, 67, 64, 65, 69, 67, 71, 72, 72, 72, 72))]).dump_midi(
        tmp_path / "t.mid"
    )
    done = verb("analyze", "t.mid", "-m", model)
    assert done.returncode == 0
    assert "one note sounds at a time" in done.stderr


def test_pieces_without_chords(verb: Verb, model: str, tmp_path: Path) -> None:
    drums = Score(480)
    drums.tracks.append(Track("drums", is_drum=True, notes=[Note(240 * i, 240, 36, 80) for i in range(8)]))
    drums.dump_midi(tmp_path / "drums.mid")
    done = verb("analyze", "drums.mid", "-m", model)
    assert done.returncode == 1
    assert "drums.mid: there are no chords to find: the score holds drums only" in done.stderr
    (tmp_path / "empty.mid").write_bytes(b"")
    assert verb("analyze", "empty.mid", "-m", model).returncode == 1
    assert verb("analyze", "nothing.mid", "-m", model).returncode == 1


def test_requests_to_analyze_that_make_no_sense(verb: Verb, model: str, hymn: str, tmp_path: Path) -> None:
    assert verb("analyze", hymn, "-m", "none.smm").returncode == 2
    assert "did you mean 'musicxml'" in verb("analyze", hymn, "-m", model, "--also", "musicxm").stderr
    (tmp_path / "file").write_text("")
    done = verb("analyze", hymn, "-m", model, "-o", "file")
    assert done.returncode == 2
    assert "name a folder" in done.stderr


def test_a_model_for_something_else_is_refused(verb: Verb, music_folder: Path, hymn: str) -> None:
    assert verb("fit", music_folder, "-m", "markov", "--holdout", "0", "-o", "c.smm").returncode == 0
    done = verb("analyze", hymn, "-m", "c.smm")
    assert done.returncode == 2
    assert "compose" in done.stderr


def test_without_a_model_the_built_in_one_is_named_with_its_licence(
    verb: Verb, model: str, hymn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = ChordLabeller.load(tmp_path / model)
    made.card_["licences"] = ["free to use, by somebody"]
    monkeypatch.setattr(ChordLabeller, "of_analyses", lambda **_: (made, "abc"))
    done = verb("analyze", hymn)
    assert done.returncode == 0
    assert "Model: of bach-analyses, 5 pieces. free to use, by somebody." in done.stderr
