"""Votes of the blind page, counted."""

import contextlib
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stochastic_music.errors import UsageError
from stochastic_music.reports.comparison import count_votes
from stochastic_music.reports.comparison.comparing import write_report
from stochastic_music.reports.comparison.votes import counted
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


NONSENSE = [None, True, 0, -1.5, "", "a", [], {}, [[]], ["a"], {"a": 1}, "x" * 1000]
tampered = st.one_of(
    st.tuples(st.sampled_from(["schema", "report", "voter", "votes"]), st.sampled_from([*NONSENSE, ...])),
    st.tuples(st.sampled_from(["pair", "choice", "seconds"]), st.sampled_from([*NONSENSE, ...])),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(tampered, min_size=1, max_size=3))
def test_a_file_that_was_tampered_with_is_refused_or_counted_and_never_more(tmp_path, made, changes):
    votes = json.loads(ballot(tmp_path, made, for_people).read_text())
    for key, value in changes:  # the dots: without that key
        target = votes if key in ("schema", "report", "voter", "votes") else votes["votes"][0]
        target.pop(key, None)
        if value is not ...:
            target[key] = value
        if not (isinstance(votes.get("votes"), list) and votes["votes"] and isinstance(votes["votes"][0], dict)):
            break
    file = tmp_path / "tampered.json"
    file.write_text(json.dumps(votes))
    with contextlib.suppress(UsageError):
        rows = counted(made, [file])["rows"]
        assert sum(row["n"] + row["undecided"] for row in rows) <= len(pairs(made))


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[" * 100_000, b"null"], ids=["empty", "binary", "deep", "null"]
)
def test_files_of_anything(tmp_path, made, content):
    file = tmp_path / "anything.json"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=r"anything\.json holds no votes"):
        counted(made, [file])


def test_voters_without_a_name_are_not_one_voter(tmp_path, made):
    with pytest.raises(UsageError, match="no voter"):
        counted(made, [ballot(tmp_path, made, for_people, voter=None)])


def test_a_voter_who_votes_again_is_heard_once(tmp_path, made):
    first = ballot(tmp_path, made, for_people, "1.json")
    again = ballot(tmp_path, made, lambda _: "none", "2.json")
    found = counted(made, [first, again])
    assert found["voters"] == 1
    assert all(row["n"] == 0 for row in found["rows"])


def test_guessing_voters_are_told_from_chance_as_seldom_as_the_level_says(tmp_path, made):
    # 40 tables of six voters who guess, corrected at 0.05: more than seven fall below it once in 1,400 runs
    rng = np.random.default_rng(0)
    below = 0
    for _ in range(40):
        files = [ballot(tmp_path, made, lambda _: rng.choice(["a", "b"]), f"{i}.json", str(i)) for i in range(6)]
        below += min(row["p_corrected"] for row in counted(made, files)["rows"]) < 0.05
    assert below <= 7


def test_a_folder_without_a_report(tmp_path):
    with pytest.raises(UsageError, match="there is no report"):
        count_votes(tmp_path, [])
