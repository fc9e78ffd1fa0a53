"""`compare` as a user walks it."""

import json

import pytest


def refused(stochmusic, *arguments, code=2):
    done = stochmusic("compare", *arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_two_kinds_are_compared_and_the_votes_counted(stochmusic, music_folder, tmp_path):
    done = stochmusic(
        *("compare", "music", "-m", "markov", "-m", "ppm", "--set", "markov.order=1", "--budget", "20s"),
        *("--seeds", "1", "--sizes", "", "-n", "2", "--no-own-stop", "--json"),
    )
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["report"] == "report/report.json"
    assert [model["name"] for model in made["models"]] == ["markov", "ppm"]
    assert made["models"][0]["parameters"] == {"order": 1}
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
    ("arguments", "told"),
    [
        (("-m", "markow"), "did you mean 'markov'"),
        (("-m", "ppm", "-m", "ppm"), "given twice"),
        (("--budget", "soon"), "a time such as 90s, 10m or 1h"),
        (("--budget", "0m"), "no time at all"),
        (("-m", "markov", "--set", "order=3"), "KIND.NAME=VALUE"),
        (("-m", "markov", "--set", "ppm.escape=a"), "among those compared"),
        (("-m", "markov", "--set", "markov.ordre=3"), "did you mean 'order'"),
        (("--sizes", "10,many"), "whole numbers with commas"),
        (("--holdout", "1"), "expected a share"),
        (("--votes", "nothing.json"), "there is no report"),
    ],
)
def test_requests_that_make_no_sense(stochmusic, arguments, told):
    assert told in refused(stochmusic, "nowhere", *arguments)


def test_without_a_corpus(stochmusic):
    assert "no corpus is named" in refused(stochmusic, "-m", "markov", code=1)
