"""`compare` as a user walks it."""

import json
import signal
import subprocess
import sys

import pytest

from stochastic_music.cli.compare import compare
from stochastic_music.errors import UsageError


def test_two_kinds_are_compared_and_the_votes_counted(stochmusic, music_folder, tmp_path):
    done = stochmusic(
        *("compare", "music", "-m", "markov", "-m", "ppm", "--set", "markov.order=1", "--budget", "20s"),
        *("--seeds", "1", "--sizes", "none", "-n", "2", "--no-own-stop", "--json"),
    )
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["report"] == "report/report.json"
    assert [model["name"] for model in made["models"]] == ["markov", "ppm"]
    assert made["models"][0]["parameters"]["order"] == 1
    assert made["corpus"]["name"] == "music"
    assert "stochmusic compare music" in made["made_with"]["command"]
    assert "bits per note" in done.stderr
    assert all((tmp_path / "report" / name).exists() for name in ("report.md", "index.html", "blind.html"))
    from stochastic_music.reports.pages import checksum, pairs

    report = json.loads((tmp_path / "report" / "report.json").read_text())
    votes = [{"pair": pair.name, "choice": "a", "seconds": 1} for pair in pairs(report)]
    ballot = {"schema": 1, "report": checksum(report), "voter": "v", "votes": votes}
    (tmp_path / "votes.json").write_text(json.dumps(ballot))
    done = stochmusic("compare", "--votes", "votes.json", "-o", "report", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["votes"]["voters"] == 1
    assert "1 voter;" in done.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"model": ["markow"]}, "did you mean 'markov'"),
        ({"model": ["ppm", "ppm"]}, "given twice"),
        ({"budget": "soon"}, "a time such as 90s, 10m or 1h"),
        ({"budget": "0m"}, "no time at all"),
        ({"set_": ["order=3"]}, "KIND.NAME=VALUE"),
        ({"set_": ["ppm.escape=a"]}, "among those compared"),
        ({"set_": ["markov.ordre=3"]}, "did you mean 'order'"),
        ({"sizes": "10,many"}, "whole numbers with commas"),
        ({"holdout": 1.0}, "expected a share"),
        ({"votes": ["nothing.json"]}, "there is no report"),
    ],
)
def test_requests_that_make_no_sense(tmp_path, options, told):
    with pytest.raises(UsageError, match=told):
        compare(["nowhere"], **{"model": ["markov"], "output": tmp_path / "r", **options})


def test_a_mistake_is_a_message(stochmusic):
    done = stochmusic("compare", "-m", "markov")
    assert done.returncode == 1
    assert "no corpus is named" in done.stderr
    assert "Traceback" not in done.stderr


#: the command line in a process that hears SIGINT, whether or not the one that starts it does
HEARS_SIGINT = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from stochastic_music.cli.main import run; run()"
)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT for one process there")
def test_an_interrupted_comparison_ends_its_workers_and_says_how_to_go_on(music_folder, tmp_path):
    command = [sys.executable, "-c", HEARS_SIGINT, "compare", "music", "-m", "hmm", "--budget", "9h"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        while "fits, on" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
    assert process.returncode == 130
    assert "the same command goes on from there" in told
    assert "Traceback" not in told
