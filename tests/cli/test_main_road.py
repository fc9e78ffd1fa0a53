"""The main road as a user walks it: fit, generate, score, info."""

import json

import pytest
from symusic import Score

from stochastic_music.cli._choices import transposition_for


@pytest.fixture
def fitted(stochmusic, music_folder):
    done = stochmusic("fit", "music", "-m", "markov", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_fit_reports_what_it_learned_from_and_names_the_next_command(fitted, tmp_path):
    report, told = fitted
    assert report["schema"] == 1
    assert report["files_read"] == 12
    assert report["files_skipped"] == []
    assert report["n_pieces"] == 12
    assert report["n_notes"] == 12 * 31
    assert report["bits_per_note"]["level"] == 0.95
    low, high = report["bits_per_note"]["interval"]
    assert low <= report["bits_per_note"]["value"] <= high
    expected = {
        "model_file",
        "meters",
        "keys",
        "grid",
        "quantisation_error",
        "duplicates",
        "variants",
        "vocabulary_size",
        "licences",
    }
    assert expected <= set(report)
    assert (tmp_path / "music.smm").exists()
    assert json.loads((tmp_path / "music.report.json").read_text())["n_pieces"] == 12
    assert "stochmusic generate music.smm" in told


def test_what_a_model_holds_to_be_impossible_is_told_in_words(stochmusic, music_folder):
    done = stochmusic("fit", "music", "-m", "markov", "--set", "smoothing=none", "--set", "order=8", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["bits_per_note"]["value"] is None
    assert "Held-out surprise: infinite" in done.stderr


def test_generate_writes_takes_that_say_how_they_were_made(fitted, stochmusic, tmp_path):
    done = stochmusic("generate", "-n", "2", "--bars", "8", "--seed", "3", "--json")
    assert done.returncode == 0, done.stderr
    assert "music.smm" in done.stderr
    rows = json.loads(done.stdout)["files"]
    assert [row["file"] for row in rows] == ["takes/music-s3-01.mid", "takes/music-s3-02.mid"]
    for row in rows:
        assert row["guarantee"] == "exact"
        assert set(row["longest_copy"]) == {"length", "piece", "bar"}
        score = Score(tmp_path / row["file"])
        assert score.end() == 8 * 4 * score.tpq
    told = stochmusic("info", rows[0]["file"], "--json")
    facts = json.loads(told.stdout)
    assert facts["seed"] == 3
    assert facts["command"].startswith("stochmusic generate -n 2 --bars 8")


def test_equal_seeds_give_equal_bytes(fitted, stochmusic, tmp_path):
    for folder in ("a", "b"):
        done = stochmusic("generate", "music.smm", "-n", "2", "--seed", "5", "-o", "out")
        assert done.returncode == 0, done.stderr
        (tmp_path / "out").rename(tmp_path / folder)
    for name in ("music-s5-01.mid", "music-s5-02.mid"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    first = stochmusic("fit", "music", "-m", "markov", "-o", "one.smm")
    again = stochmusic("fit", "music", "-m", "markov", "-o", "two.smm")
    assert first.returncode == again.returncode == 0
    assert (tmp_path / "one.smm").read_bytes() == (tmp_path / "two.smm").read_bytes()


def test_a_take_does_not_depend_on_how_many_are_drawn(fitted, stochmusic, tmp_path):
    for n, folder in ((1, "one"), (3, "three")):
        assert stochmusic("generate", "-n", n, "--seed", "1", "--tempo", "90", "-o", folder).returncode == 0
    one, three = (Score(tmp_path / folder / "music-s1-01.mid") for folder in ("one", "three"))
    assert one.tracks[0].notes == three.tracks[0].notes


def test_existing_takes_are_kept_unless_forced(fitted, stochmusic, tmp_path):
    assert stochmusic("generate", "--seed", "1", "-n", "1").returncode == 0
    before = (tmp_path / "takes/music-s1-01.mid").read_bytes()
    refused = stochmusic("generate", "--seed", "1", "-n", "1", "--bars", "4")
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert (tmp_path / "takes/music-s1-01.mid").read_bytes() == before
    assert stochmusic("generate", "--seed", "1", "-n", "1", "--bars", "4", "--force").returncode == 0


def test_every_further_format_is_written(fitted, stochmusic, tmp_path):
    done = stochmusic("generate", "-n", "1", "--bars", "4", "--seed", "2", "--also", "musicxml,wav,png", "--json")
    assert done.returncode == 0, done.stderr
    [row] = json.loads(done.stdout)["files"]
    assert [name.rpartition(".")[2] for name in row["also"]] == ["musicxml", "wav", "png"]
    for name in row["also"]:
        assert (tmp_path / name).stat().st_size > 500
        facts = json.loads(stochmusic("info", name, "--json").stdout)
        assert facts["seed"] == 2, name


def test_requests_are_met(fitted, stochmusic, tmp_path):
    done = stochmusic(
        *("generate", "-n", "3", "--length", "20", "--range", "D4:B4", "--tempo", "100", "--instrument", "flute"),
        *("--seed", "4", "--json"),
    )
    assert done.returncode == 0, done.stderr
    for row in json.loads(done.stdout)["files"]:
        score = Score(tmp_path / row["file"])
        pitches = [note.pitch for note in score.tracks[0].notes]
        assert len(pitches) == 20
        assert all(62 <= pitch <= 71 for pitch in pitches)
        assert score.tempos[0].qpm == pytest.approx(100, abs=0.01)
        assert score.tracks[0].program == 73


def test_a_form_has_its_sections_back(fitted, stochmusic, tmp_path):
    done = stochmusic("generate", "-n", "2", "--form", "A:1 B:1 A:1", "--seed", "3", "--json")
    assert done.returncode == 0, done.stderr
    assert "ask for --bars N" not in done.stderr
    for row in json.loads(done.stdout)["files"]:
        score = Score(tmp_path / row["file"])
        bar = score.end() // 3
        sections = [
            [
                (note.time - i * bar, note.duration, note.pitch)
                for note in score.tracks[0].notes
                if note.time // bar == i
            ]
            for i in range(3)
        ]
        assert sections[0] == sections[2]
    done = stochmusic("generate", "--form", "A:1 B':1")
    assert done.returncode == 2
    assert "no B before it" in done.stderr


def test_start_goes_on_from_a_piece(fitted, stochmusic, tmp_path, tune):
    tune([(0, 1, 62), (1, 1, 64), (2, 2, 66), (4, 4, 69)]).dump_midi(tmp_path / "mine.mid")
    options = ("generate", "--start", "mine.mid", "-n", "2", "--seed", "1", "--bars", "6", "--top-p", "0.9", "--json")
    done = stochmusic(*options)
    assert done.returncode == 0, done.stderr
    assert "the first 4 of them given" in done.stderr
    for row in json.loads(done.stdout)["files"]:
        score = Score(tmp_path / row["file"])
        assert [note.pitch for note in score.tracks[0].notes][:4] == [62, 64, 66, 69]
        assert score.end() == 6 * 4 * score.tpq
    for wrong in (("--key", "G"), ("--bars", "1")):
        done = stochmusic(*options[:7], *wrong)
        assert done.returncode in {2, 3}
        assert "start" in done.stderr


def test_viewpoints_are_fitted_where_no_kind_is_named(stochmusic, music_folder):
    done = stochmusic("fit", "music", "--json")
    report = json.loads(done.stdout)
    assert report["model"] == "multiple_viewpoint"
    bits = [row["bits"] for row in report["gains"]["pitch"]]
    assert bits == sorted(bits, reverse=True)
    assert all(row["kept"] == (row["bits"] > 0) for row in report["gains"]["pitch"])
    assert "Model: multiple_viewpoint, which suits melody" in done.stderr
    assert f"Most is gained for pitch, in bits, by {report['gains']['pitch'][0]['viewpoint']} " in done.stderr
    done = stochmusic("generate", "-n", "1", "--bars", "4", "--seed", "1", "--json")
    [row] = json.loads(done.stdout)["files"]
    assert row["guarantee"] == "particle"
    assert "comes near to conditioning but is not exact" in done.stderr
    done = stochmusic("fit", "music", "--encoding", "notes", "-o", "notes.smm", "--json")
    assert json.loads(done.stdout)["model"] == "markov"


def test_key_transposes_what_comes_out(fitted, stochmusic, tmp_path):
    assert stochmusic("generate", "-n", "1", "--seed", "1", "-o", "plain").returncode == 0
    assert stochmusic("generate", "-n", "1", "--seed", "1", "-o", "moved", "--key", "D").returncode == 0
    plain, moved = (Score(tmp_path / folder / "music-s1-01.mid") for folder in ("plain", "moved"))
    shifts = {b.pitch - a.pitch for a, b in zip(plain.tracks[0].notes, moved.tracks[0].notes, strict=True)}
    assert shifts == {2}
    assert moved.key_signatures[0].key == 2


def test_score_compares_models_and_warns_of_training_pieces(fitted, stochmusic):
    assert stochmusic("fit", "music", "-m", "markov", "--set", "order=0", "-o", "zero.smm").returncode == 0
    done = stochmusic("score", "music", "-m", "music.smm", "-m", "zero.smm", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    three, zero = found["models"]
    assert three["bits_per_note"]["value"] < zero["bits_per_note"]["value"]
    assert found["differences"][0]["bits_per_note"]["value"] == pytest.approx(
        zero["bits_per_note"]["value"] - three["bits_per_note"]["value"], abs=1e-3
    )
    assert "were in the training" in done.stderr
    assert len(three["in_training"]) == 12


def test_a_model_file_tells_what_it_is(fitted, stochmusic):
    facts = json.loads(stochmusic("info", "music.smm", "--verify", "--json").stdout)
    assert facts["model"] == "markov"
    assert facts["pieces"] == 12
    assert facts["verified"]


def test_a_model_without_sources_still_composes(stochmusic, music_folder):
    assert stochmusic("fit", "music", "-m", "markov", "--no-sources").returncode == 0
    done = stochmusic("generate", "-n", "1", "--seed", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["files"][0]["longest_copy"] is None


def test_models_and_corpora_are_listed(stochmusic):
    names = [row["name"] for row in json.loads(stochmusic("models", "--json").stdout)["models"]]
    assert {"markov", "ppm"} <= set(names)
    told = stochmusic("models").stdout
    assert "stochmusic generate MODEL --given PIECE" in told
    assert "article" not in told
    assert "None" not in told
    corpora = json.loads(stochmusic("corpus", "list", "--json").stdout)["corpora"]
    wanted = {"bach-chorales", "bach-sopranos", "essen-kinder", "ryans-mammoth", "oneills", "palestrina"}
    assert wanted <= {row["name"] for row in corpora}
    assert all(row["licence"] for row in corpora)


def test_voices_are_as_many_as_most_pieces_have(stochmusic, music_folder):
    done = stochmusic("fit", "music", "-m", "markov", "--encoding", "voices")
    assert done.returncode == 0, done.stderr
    assert "voices, as asked; 1 of them" in done.stderr


def test_help_names_each_verb(stochmusic):
    done = stochmusic("--help")
    assert done.returncode == 0
    for verb in ("fit", "generate", "score", "corpus", "models", "info", "doctor"):
        assert verb in done.stdout


def test_bars_of_detached_notes_and_of_drums_end_in_a_rest(stochmusic, tmp_path, tune):
    for name, drums in (("detached", False), ("drums", True)):
        (tmp_path / name).mkdir()
        for i in range(4):
            score = tune([(j, 0.25, 60 + (j * j + i) % 7) for j in range(16)])
            score.tracks[0].is_drum = drums
            score.dump_midi(tmp_path / name / f"{i}.mid")
        assert stochmusic("fit", name, "-m", "markov").returncode == 0
        done = stochmusic("generate", f"{name}.smm", "--bars", "3", "-n", "2", "--seed", "1", "--json")
        assert done.returncode == 0, done.stderr
        for row in json.loads(done.stdout)["files"]:
            [track] = Score(tmp_path / row["file"]).tracks
            assert 8 * 480 < max(note.end for note in track.notes) < 12 * 480


def test_models_are_mixed_and_takes_name_them(fitted, stochmusic, tmp_path):
    assert stochmusic("fit", "music", "-m", "mixture", "--set", "bias=2", "-o", "both.smm").returncode == 0
    told = stochmusic("info", "both.smm")
    assert "mixture" in told.stdout
    mixing = ("--mix", "music.smm=1..0", "--mix", "both.smm=0..1")
    done = stochmusic("generate", *mixing, "-n", "1", "--bars", "4", "--seed", "1", "--json")
    assert done.returncode == 0, done.stderr
    [row] = json.loads(done.stdout)["files"]
    assert row["file"] == "takes/music+both-s1-01.mid"
    models = json.loads(stochmusic("info", row["file"], "--json").stdout)["models"]
    assert [text.partition(" sha256:")[0] for text in models] == ["music.smm=1..0", "both.smm=0..1"]
    done = stochmusic("generate", "--mix", "music.smm=0", "--mix", "both.smm=0..0")
    assert done.returncode == 2
    assert "sum to zero" in done.stderr


@pytest.mark.parametrize(
    ("asked", "kind", "encoding", "how"),
    [
        ("auto", "multiple_viewpoint", "voices", "none"),
        ("auto", "multiple_viewpoint", "melody", "common"),
        ("auto", "markov", "voices", "common"),
        ("common", "multiple_viewpoint", "voices", "common"),
    ],
)
def test_voices_keep_their_ranges_where_viewpoints_hear_degrees(asked, kind, encoding, how):
    assert transposition_for(asked, kind, encoding) == how


def test_who_forgets_the_suffix_of_a_model_is_reminded(stochmusic, tmp_path):
    (tmp_path / "tunes.smm").write_bytes(b"anything")
    (tmp_path / "songs").mkdir()
    forgotten = stochmusic("generate", "tunes")
    assert (forgotten.returncode, forgotten.stderr) == (
        2,
        "stochmusic: there is no model file tunes: did you mean tunes.smm?\n",
    )
    assert "To learn from what is in it: stochmusic fit songs" in stochmusic("generate", "songs").stderr
