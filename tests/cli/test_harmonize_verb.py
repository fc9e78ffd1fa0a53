"""`fit --task harmonize` and `harmonize`, as a user runs them."""

import json

import pytest


@pytest.fixture
def fitted(tmp_path, four_parts, stochmusic):
    folder = tmp_path / "parts"
    folder.mkdir()
    for i in range(8):
        four_parts(i, 16, i % 3).dump_midi(folder / f"{i}.mid")
    done = stochmusic("fit", folder, "--task", "harmonize", "-o", "h.smm", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def melody(tmp_path, tune):
    notes = [(i, 1, p) for i, p in enumerate([67, 69, 71, 72, 74, 72, 71])] + [(7, 1, 72)]
    tune(notes).dump_midi(tmp_path / "song.mid")
    return "song.mid"


def test_from_a_folder_to_takes(fitted, melody, stochmusic, tmp_path):
    assert fitted["nats_per_beat"] > 0
    assert fitted["n_pieces"] == 8
    done = stochmusic(
        "harmonize", melody, "-m", "h.smm", "-n", "2", "--seed", "1", "--key", "C", "--also", "musicxml", "--json"
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [row["guarantee"] for row in told["files"]] == ["exact over candidates"] * 2
    for row in told["files"]:
        assert (tmp_path / row["file"]).is_file()
        assert (tmp_path / row["also"][0]).is_file()
        assert row["rules"]["crossing"] == 0
        assert row["cadences"][-1]["bar"] == 2
        assert row["candidates"] <= 100
    assert "parallel fifths" in done.stderr
    shown = stochmusic("info", told["files"][0]["file"])
    assert "h.smm" in shown.stdout
    again = stochmusic("harmonize", melody, "-m", "h.smm", "-n", "2", "--seed", "1", "--key", "C")
    assert again.returncode == 2  # the command differs, so the bytes do: nothing is overwritten
    assert "--force" in again.stderr


def test_equal_commands_give_equal_files_and_chords_have_an_accompaniment(fitted, melody, stochmusic, tmp_path):
    command = ("harmonize", melody, "-m", "h.smm", "-n", "1", "--seed", "4", "--json")
    first = json.loads(stochmusic(*command).stdout)["files"][0]["file"]
    data = (tmp_path / first).read_bytes()
    assert stochmusic(*command).returncode == 0
    assert (tmp_path / first).read_bytes() == data
    done = stochmusic(
        "harmonize", melody, "-m", "h.smm", "--style", "chords", "-n", "1", "-o", "c", "--key", "C", "--json"
    )
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)["files"][0]
    assert row["rules"] is None
    assert row["chords"][-1] == "C"


def test_mistakes_are_told(fitted, melody, stochmusic, tmp_path, tune):
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
