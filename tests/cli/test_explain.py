"""`explain` as a user walks it, and what goes wrong."""

import json
import sys
import warnings
from typing import NamedTuple

import pytest

from stochastic_music.cli import main
from stochastic_music.cli._explained import table
from stochastic_music.corpus import Corpus
from stochastic_music.models import PPM, STM, Markov
from stochastic_music.models.idyom import Idyom
from stochastic_music.models.multiple_viewpoint import MultipleViewpoint
from stochastic_music.pipeline import Pipeline
from stochastic_music.tokens import MelodyEncoding, VoicesEncoding


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def explain(tmp_path, monkeypatch, capsys):
    """Run the verb in this process, which is quicker than one of its own."""

    def run(*arguments, verb="explain"):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["stochmusic", verb, *arguments])
        with pytest.raises(SystemExit) as left:
            main.run()
        return Done(left.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def music(music_folder):
    return Corpus.from_folder(music_folder, workers=1)


@pytest.fixture
def fitted(music, tmp_path):
    Pipeline(MelodyEncoding(), Markov()).fit(music).save(tmp_path / "music.smm")


@pytest.fixture
def new(tune, tmp_path):
    """A tune that no model has seen, with one pitch that none has heard."""
    tune([(0, 1, 60), (1, 1, 62), (2, 1, 64), (3, 1, 66), (4, 2, 65), (6, 2, 60)]).dump_midi(tmp_path / "new.mid")
    return "new.mid"


def test_a_table_says_how_likely_and_why(stochmusic, fitted, new):
    done = stochmusic("explain", new)  # as a user runs it
    assert done.returncode == 0, done.stderr
    head, *rows = done.stdout.splitlines()
    assert head.split()[:5] == ["bar", "beat", "note", "chance", "bits"]
    assert [row.split()[:3] for row in rows][:3] == [["1", "1", "C4"], ["1", "2", "D4"], ["1", "3", "E4"]]
    assert "order 1" in rows[1]
    assert ".mid bar" in rows[1]
    assert "never heard in training" in rows[3]
    assert all("order" in row for row in rows if "never heard" not in row)
    assert "Using music.smm" in done.stderr
    assert "1 note never heard in training: F#4" in done.stderr
    assert "bits per note" in done.stderr
    assert "stochmusic explain new.mid -m music.smm --also page --open" in done.stderr


def test_json_has_everything(explain, fitted, new):
    done = explain(new, "-m", "music.smm", "--sources", "2", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["schema"] == 1
    assert (found["piece"], found["model"], found["n_notes"], found["files"]) == ("new.mid", "music.smm", 6, [])
    assert found["bits"] == pytest.approx(sum(note["total_bits"] for note in found["notes"]) + found["closing_bits"])
    note = found["notes"][1]
    assert set(note) == {
        *("bar", "beat", "onset", "pitch", "name", "part", "probability", "bits", "entropy", "other_bits"),
        *("total_bits", "seen", "reasons", "sources", "n_sources"),
    }
    assert set(note["reasons"][0]) == {"name", "memory", "nats", "bits", "context", "times", "total"}
    assert 0 < len(note["sources"]) <= 2
    scored = json.loads(explain(new, "-m", "music.smm", "--json", verb="score").stdout)["models"][0]
    assert found["bits_per_note"] == pytest.approx(scored["bits_per_note"]["value"])


@pytest.mark.parametrize("model", [PPM(), MultipleViewpoint(), Idyom(), STM()], ids=lambda model: type(model).__name__)
def test_every_kind_of_model_is_explained(explain, music, new, model, tmp_path):
    Pipeline(MelodyEncoding(), model).fit(music).save(tmp_path / "m.smm")
    done = explain(new, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    told = any(note["reasons"] for note in found["notes"])
    assert told == hasattr(model, "reasons")
    assert ("gives no reasons" in done.stderr) != told
    assert ("does not know where" in done.stderr) == isinstance(model, Idyom)
    assert all(note["bits"] > 0 for note in found["notes"])


def test_pictures_and_lyrics_say_how_they_were_made(explain, fitted, new, tmp_path):
    done = explain(new, "--also", "png,musicxml", "--json")
    assert done.returncode == 0, done.stderr
    files = json.loads(done.stdout)["files"]
    assert files == ["new-explained.png", "new-explained.musicxml"]
    assert "stochmusic info new-explained.png" in done.stderr
    for name in files:
        facts = json.loads(explain(name, "--json", verb="info").stdout)
        assert facts["piece"] == "new.mid"
        assert facts["model"].startswith("sha256:")
        assert facts["command"].startswith("stochmusic explain new.mid")
    found = json.loads(explain(new, "--json").stdout)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from music21 import converter

        notes = list(converter.parse(tmp_path / "new-explained.musicxml").recurse().notes)
    assert [note.lyric for note in notes] == [f"{note['bits']:.1f}" for note in found["notes"]]
    assert [note.pitch.midi for note in notes] == [note["pitch"] for note in found["notes"]]


def test_nothing_is_overwritten(explain, music, fitted, new, tmp_path):
    assert explain(new, "-o", "out/x.png").returncode == 0
    picture = (tmp_path / "out/x.png").read_bytes()
    assert explain(new, "-o", "out/x.png").returncode == 0  # equal bytes
    Pipeline(MelodyEncoding(), PPM()).fit(music).save(tmp_path / "other.smm")
    refused = explain(new, "-m", "other.smm", "-o", "out/x.png", "--also", "musicxml")
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert (tmp_path / "out/x.png").read_bytes() == picture
    assert not (tmp_path / "out/x.musicxml").exists()
    done = explain(new, "-m", "other.smm", "-o", "out/x.png", "--also", "musicxml", "--force")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/x.png").read_bytes() != picture
    assert (tmp_path / "out/x.musicxml").exists()


def test_a_training_piece_is_named_and_marked(explain, fitted):
    done = explain("music/tune03.mid")
    assert done.returncode == 0, done.stderr
    assert "tune03.mid was in the training of music.smm" in done.stderr
    assert "tune03.mid bar 1*" in done.stdout


def test_without_sources_that_is_said(explain, music, new, tmp_path):
    Pipeline(MelodyEncoding(), Markov()).fit(music).save(tmp_path / "m.smm", sources=False)
    done = explain(new)
    assert done.returncode == 0, done.stderr
    assert "saved without its sources" in done.stderr
    assert "order 1" in done.stdout


def test_one_tune_of_several(explain, fitted, tmp_path):
    abc = [f"X:{i}\nT:Tune {i}\nM:4/4\nL:1/4\nK:C\n{notes}|\n" for i, notes in ((1, "CDEF"), (2, "GABc"))]
    (tmp_path / "two.abc").write_text("\n".join(abc))
    done = explain("two.abc", "--also", "png", "--json")
    assert done.returncode == 0, done.stderr
    assert "two.abc#1" in done.stderr
    assert "--tune" in done.stderr
    assert json.loads(done.stdout)["files"] == ["two-1-explained.png"]
    for name in ("2", "two.abc#2"):
        found = json.loads(explain("two.abc", "--tune", name, "--json").stdout)
        assert found["notes"][0]["name"] == "G4"
    for name, word in (("3", "2 pieces"), ("two.abc#3", "two.abc#2")):
        done = explain("two.abc", "--tune", name)
        assert done.returncode == 2
        assert word in done.stderr


def test_a_piece_of_several_parts(explain, music, fitted, tune, tmp_path):
    score = tune([(j, 1, 72 + j) for j in range(4)])
    score.tracks.append(tune([(0, 4, 48)]).tracks[0])
    score.tracks[1].name = "bass"
    score.dump_midi(tmp_path / "two.mid")
    done = explain("two.mid")
    assert done.returncode == 0, done.stderr
    assert "took part 0" in done.stderr
    done = explain("two.mid", "--part", "bass", "--json")
    assert [note["name"] for note in json.loads(done.stdout)["notes"]] == ["C3"]
    Pipeline(VoicesEncoding(n_voices=1), Markov()).fit(music).save(tmp_path / "voices.smm")
    for arguments, code, words in (
        (["--part", "9", "-m", "music.smm"], 1, ["no part 9"]),
        (["-m", "voices.smm"], 1, ["two.mid", "voices", "2 parts", "expected 1", "-m"]),
        (["-m", "voices.smm", "--part", "0"], 2, ["several parts", "--part"]),
    ):
        done = explain("two.mid", *arguments)
        assert done.returncode == code
        for word in words:
            assert word in done.stderr


def test_one_note(explain, fitted, tune, tmp_path):
    tune([(0, 1, 60)]).dump_midi(tmp_path / "one.mid")
    done = explain("one.mid", "--also", "png,musicxml")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere.mid"], 1, ["no file or folder 'nowhere.mid'"]),
        (["zero.mid"], 1, ["zero.mid", "empty"]),
        (["noise.mid"], 1, ["noise.mid"]),
        (["silent.mid"], 1, ["silent.mid", "note"]),
        (["new.mid", "--also", "mp3"], 2, ["mp3", "musicxml"]),
        (["new.mid", "-o", "out.mid"], 2, ["out.mid", ".png"]),
        (["new.mid", "-m", "nothing.smm"], 2, ["nothing.smm"]),
        (["new.mid", "-m", "markov"], 2, ["markov"]),
        (["new.mid", "--sources", "0"], 2, ["--sources"]),
        ([], 2, ["PIECE"]),
    ],
)
def test_wrong_use(explain, fitted, new, tune, tmp_path, arguments, code, words):
    (tmp_path / "zero.mid").write_bytes(b"")
    (tmp_path / "noise.mid").write_bytes(bytes(range(256)) * 4)
    tune([]).dump_midi(tmp_path / "silent.mid")
    done = explain(*arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr
    assert not list(tmp_path.glob("*explained*"))


def test_no_model_in_this_folder(explain, new):
    done = explain(new)
    assert done.returncode == 2
    assert "stochmusic fit" in done.stderr


def test_a_terminal_has_lines_that_fit(music, monkeypatch):
    found = Pipeline(MelodyEncoding(), Markov()).fit(music).explain(music[0].score)
    long = table(found).splitlines()
    assert len(long) == len(found.notes) + 1
    assert max(map(len, long)) > 100
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    short = table(found).splitlines()
    assert max(map(len, short)) <= 100
    assert len(short) > len(long)
