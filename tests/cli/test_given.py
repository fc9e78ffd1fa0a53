import json

import pytest

pytest.importorskip("sklearn_crfsuite")


@pytest.fixture
def fitted(stochmusic, tune, tmp_path):
    """`m.smm`, fitted on a folder of two-part tunes, and `rhythm.mid`."""
    (tmp_path / "music").mkdir()
    for i, melody in enumerate(([60, 62, 64, 60], [64, 62, 62, 60], [60, 60, 62, 64])):
        score = tune([(j, 1, p) for j, p in enumerate(melody)])
        score.tracks.append(tune([(0, 2, 48), (0, 2, 52), (2, 2, 43), (2, 2, 47)]).tracks[0])
        score.tracks[1].name = "chords"
        score.dump_midi(tmp_path / "music" / f"{i}.mid")
    tune([(0, 1, 60), (1, 2, 60), (3, 1, 60)]).dump_midi(tmp_path / "rhythm.mid")
    done = stochmusic("fit", "music", "-m", "crf", "--set", "max_iterations=20", "-o", "m.smm", "--json")
    assert done.returncode == 0, done.stderr
    assert "stochmusic generate m.smm --given 'C | F G | C'" in done.stderr
    return json.loads(done.stdout)


def test_over_a_chart_and_over_a_rhythm(stochmusic, fitted, tmp_path):
    assert fitted["pieces_with_chords"] == 3
    done = stochmusic("generate", "--given", "C | G C", "-n", "2", "--seed", "1", "--also", "musicxml,page", "--json")
    assert done.returncode == 0, done.stderr
    assert "Using m.smm" in done.stderr
    found = json.loads(done.stdout)
    assert [row["guarantee"] for row in found["files"]] == ["exact", "exact"]
    assert (tmp_path / "takes" / "m-s1-02.musicxml").exists()
    assert "Melodies over C | G C" in (tmp_path / found["page"]).read_text(encoding="utf-8")
    done = stochmusic("generate", "m.smm", "--given", "rhythm.mid", "-n", "1", "--seed", "2", "--range", "C4:D4")
    assert done.returncode == 0, done.stderr
    told = json.loads(stochmusic("info", "takes/m-s2-01.mid", "--json").stdout)
    assert told["given"] == "rhythm.mid"
    assert told["notes"] == 3


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--given", "C | G", "--bars", "4"], 2, ["--bars", "--given"]),
        (["--given", "C | G", "--sampler", "particle"], 2, ["--sampler"]),
        (["--given", "C | G", "--range", "D4:C4"], 2, ["D4:C4", "swap"]),
        (["--given", "music"], 2, ["3 pieces"]),
        (["--given", "C | H"], 2, ["bar 2", "'H'"]),
        (["--given", "no-such-file.mid"], 1, ["no-such-file.mid"]),
        (["--given", "C", "--range", "C8:D8"], 3, ["note 1", "range"]),
        (["--given", "C", "--meter", "6/8"], 3, ["6/8", "--meter"]),
        ([], 2, ["--given"]),
    ],
)
def test_wrong_use(stochmusic, fitted, arguments, code, words):
    done = stochmusic("generate", "m.smm", *arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_charts_with_dots_are_charts(stochmusic, fitted):
    for chart in ("C . G C", "C N.C. C", " | ".join(["C . G C"] * 60)):
        done = stochmusic("generate", "m.smm", "--given", chart, "-n", "1", "--seed", "3", "--force")
        assert done.returncode == 0, done.stderr


def test_a_model_that_takes_nothing_as_given(stochmusic, fitted):
    assert stochmusic("fit", "music", "-m", "markov", "-o", "markov.smm").returncode == 0
    done = stochmusic("generate", "markov.smm", "--given", "C | G")
    assert done.returncode == 2
    assert "-m crf" in done.stderr
    done = stochmusic("generate", "-n", "1", "--seed", "1")
    assert "Using markov.smm" in done.stderr


@pytest.mark.parametrize("option", [["--encoding", "notes"], ["--set", "order=2"], ["--transpose", "none"]])
def test_options_that_a_crf_does_not_know(stochmusic, fitted, option):
    done = stochmusic("fit", "music", "-m", "crf", *option)
    assert done.returncode == 2
    assert option[0] in done.stderr or "'order'" in done.stderr
