"""Hidden Markov models on the command line: fitted, told of, composed with."""

import json
import sys

import pytest

from stochastic_music import io
from stochastic_music.cli import main
from stochastic_music.corpus import Corpus


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a verb in this process, which is quicker than one of its own."""

    def run(*arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["stochmusic", *arguments])
        with pytest.raises(SystemExit) as left:
            main.run()
        told = capsys.readouterr()
        return left.value.code or 0, told.out, told.err

    return run


def test_fit_info_generate_and_score(run, tmp_path):
    for i, tune in enumerate(("c4 d e c c d e c e f g2", "e4 f g2 e4 f g2 c4 d e c", "g4 a g e c d e c g2 e2")):
        [piece] = Corpus.from_text(f"4/4 {tune}")
        (tmp_path / "tunes").mkdir(exist_ok=True)
        io.save(piece.score, tmp_path / "tunes" / f"{i}.mid")
    code, _, err = run("fit", "tunes", "-m", "hmm", "--set", "n_states=1,2", "--set", "n_restarts=1", "-o", "tunes.smm")
    assert code == 0, err
    assert "held-out likelihood" in err
    assert json.loads((tmp_path / "tunes.report.json").read_text())["remarks"]
    code, out, _ = run("info", "tunes.smm")
    assert code == 0
    assert "What its hidden states play" in out
    assert "state 0 (" in out
    code, out, _ = run("info", "tunes.smm", "--json")
    states = json.loads(out)["states"]
    assert [state["state"] for state in states] == list(range(len(states)))
    assert sum(state["share"] for state in states) == pytest.approx(1, abs=1e-4)
    assert run("generate", "tunes.smm", "-n", "1", "--bars", "2", "--seed", "1")[0] == 0
    assert run("score", "tunes", "-m", "tunes.smm")[0] == 0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("n_states=none", "n_states"),
        ("n_states=many", "n_states"),
        ("topology=ring", "topology"),
        ("state=3", "n_states"),
    ],
)
def test_wrong_settings_are_named(run, tmp_path, setting, message):
    [piece] = Corpus.from_text("4/4 c4 d e c")
    io.save(piece.score, tmp_path / "tune.mid")
    code, _, err = run("fit", "tune.mid", "-m", "hmm", "--set", setting, "-o", "tune.smm")
    assert code == 2
    assert message in err
