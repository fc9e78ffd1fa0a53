"""Votes of the blind page, counted."""

import json

import pytest

from stochastic_music.errors import UsageError
from stochastic_music.reports.comparison import count_votes
from stochastic_music.reports.comparison.comparing import write_report
from stochastic_music.reports.pages import checksum, pairs
from stochastic_music.reports.pages.blind import HELD_OUT


@pytest.fixture
def folder(made, tmp_path):
    write_report(made, tmp_path)
    return tmp_path


def ballot(folder, report, choose, name="votes.json", voter="one"):
    votes = [{"pair": pair.name, "choice": choose(pair), "seconds": 3.0} for pair in pairs(report)]
    path = folder / name
    path.write_text(json.dumps({"schema": 1, "report": checksum(report), "voter": voter, "votes": votes}))
    return path


def for_people(pair):
    """The choice of one who always prefers what people wrote."""
    return "a" if pair.a.source == HELD_OUT else "b" if pair.b.source == HELD_OUT else "none"


def test_whoever_prefers_people_always(folder, made):
    found = count_votes(folder, [ballot(folder, made, for_people)])
    assert found["voters"] == 1
    against = [row for row in found["rows"] if row["b"] == HELD_OUT]
    assert [row["a"] for row in against] == [model["name"] for model in made["models"]]
    assert all((row["preferred"], row["n"]) == (0, 2) for row in against)
    assert all(row["p"] == pytest.approx(0.5) for row in against)  # both of two: 2 / 2^2
    among = [row for row in found["rows"] if row["b"] != HELD_OUT]
    assert all(row["n"] == 0 and row["share"] is None and row["undecided"] > 0 for row in among)


def test_ten_voters_are_more_than_chance(folder, made):
    files = [ballot(folder, made, for_people, f"{i}.json", str(i)) for i in range(10)]
    found = count_votes(folder, files)
    first = found["rows"][0]
    assert (first["preferred"], first["n"], found["voters"]) == (0, 20, 10)
    assert first["p"] == pytest.approx(2 * 0.5**20)
    assert first["p_corrected"] == pytest.approx(first["p"] * len(found["rows"]))
    report = json.loads((folder / "report.json").read_text())
    assert report["votes"] == found
    assert "| markov rather than held-out |" in (folder / "report.md").read_text()


def test_a_file_given_twice_counts_once(folder, made):
    file = ballot(folder, made, for_people)
    assert count_votes(folder, [file, file]) == count_votes(folder, [file])


def test_what_is_no_vote(folder, made, tmp_path):
    broken = tmp_path / "broken.json"
    for content in ("{", "[]", "{}", '{"schema": 1, "voter": "x", "votes": [{"pair": "y", "choice": "z"}]}'):
        broken.write_text(content)
        with pytest.raises(UsageError, match="holds no votes"):
            count_votes(folder, [broken])
    file = ballot(folder, made, for_people)
    votes = json.loads(file.read_text())
    file.write_text(json.dumps({**votes, "report": "0" * 16}))
    with pytest.raises(UsageError, match="another report"):
        count_votes(folder, [file])
    file.write_text(json.dumps({**votes, "votes": [{"pair": "none", "choice": "a"}]}))
    with pytest.raises(UsageError, match="which this report does not have"):
        count_votes(folder, [file])


def test_a_folder_without_a_report(tmp_path):
    with pytest.raises(UsageError, match="there is no report"):
        count_votes(tmp_path, [])
