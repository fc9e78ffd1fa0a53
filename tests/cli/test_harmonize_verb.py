"""`fit --task harmonize` and `harmonize`, as a user runs them."""

import json

import pytest


@pytest.fixture
def model(tmp_path, chorales):
    from stochastic_music.tasks.harmonize import Harmonizer

    Harmonizer().fit(chorales).save(tmp_path / "h.smm")
    return "h.smm"


@pytest.fixture
def melody(tmp_path, tune):
    notes = [(i, 1, p) for i, p in enumerate([67, 69, 71, 72, 74, 72, 71])] + [(7, 1, 72)]
    tune(notes).dump_midi(tmp_path / "song.mid")
    return "song.mid"


def test_from_a_folder_to_a_model(four_parts, stochmusic, tmp_path):
    (tmp_path / "parts").mkdir()
    for i in range(8):
        four_parts(i, 16, i % 3).dump_midi(tmp_path / "parts" / f"{i}.mid")
    done = stochmusic("fit", "parts", "--task", "harmonize", "-o", "h.smm", "--json")
    assert done.returncode == 0, done.stderr
    fitted = json.loads(done.stdout)
    assert fitted["nats_per_beat"] > 0
    assert fitted["n_pieces"] == 8
    assert "harmonizer" in stochmusic("info", "h.smm").stdout


def test_from_a_melody_to_takes(model, melody, stochmusic, tmp_path):
    formats = ("--also", "musicxml,page")
    command = ("harmonize", melody, "-m", model, "-n", "2", "--seed", "1", "--key", "C", *formats, "--json")
    done = stochmusic(*command)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [row["guarantee"] for row in told["files"]] == ["exact over candidates"] * 2
    for row in told["files"]:
        assert (tmp_path / row["file"]).is_file()
        assert (tmp_path / row["also"][0]).is_file()
        assert row["rules"]["crossing"] == 0
        assert row["cadences"][-1]["bar"] == 2
        assert row["candidates"] <= 100
        assert row["longest_copy"]["length"] >= 1
        assert set(row["copies"]) == {"pitch", "interval", "pitch_rhythm", "interval_rhythm"}
    assert told["held_out_copies"]["interval_rhythm"]["n_pieces"] == 16
    assert "Held-out pieces of this corpus" in done.stderr
    assert "parallel fifths" in done.stderr
    page = (tmp_path / told["page"]).read_text(encoding="utf-8")
    assert all(text in page for text in ("What was given", "Take 2", "Alto, new", "nats per beat", "Cadences"))
    data = (tmp_path / told["files"][0]["file"]).read_bytes()
    assert b"h.smm" in data
    assert stochmusic(*command).returncode == 0
    assert (tmp_path / told["files"][0]["file"]).read_bytes() == data
    other = stochmusic(*command[:-1], "--plain", "-n", "1")
    assert other.returncode == 2  # another command, so other bytes: nothing is overwritten
    assert "--force" in other.stderr


def test_chords_with_an_accompaniment(model, melody, stochmusic):
    done = stochmusic("harmonize", melody, "-m", model, "--style", "chords", "-n", "1", "--key", "C", "--json")
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)["files"][0]
    assert row["longest_copy"] is None
    assert row["rules"] is None
    assert row["chords"][-1] == "C"


def test_mistakes_are_told(model, melody, stochmusic, tmp_path, tune):
    for arguments, code, words in (
        (["--style", "choral"], 2, "did you mean 'chorale'"),
        (["--rule", "overlaps=2"], 2, "did you mean 'overlap'"),
        (["--rule", "overlap=soft"], 2, "hard, off, or a price"),
        (["--key", "H"], 2, "is no key"),
        (["-m", "song.mid"], 2, "no model file"),
    ):
        done = stochmusic("harmonize", melody, "-m", "h.smm", *arguments)
        assert done.returncode == code, done.stderr
        assert words in done.stderr
    tune([(0, 1, 40), (1, 1, 43)]).dump_midi(tmp_path / "low.mid")
    done = stochmusic("harmonize", "low.mid", "-m", "h.smm")
    assert done.returncode == 1
    assert "+24" in done.stderr
    done = stochmusic("harmonize", "nowhere.mid")
    assert done.returncode == 1
    assert "nowhere.mid" in done.stderr


def test_a_corpus_without_four_parts(music_folder, stochmusic):
    done = stochmusic("fit", music_folder, "--task", "harmonize", "--holdout", "0")
    assert done.returncode == 1
    assert "four parts" in done.stderr
