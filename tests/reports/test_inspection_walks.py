"""Chains looked into: a run in Python, and what was written of one."""

import json

import numpy as np
import pytest

from stochastic_music import Markov, MelodyEncoding, Pipeline
from stochastic_music.cli import _metropolis
from stochastic_music.constraints import Length
from stochastic_music.corpus import Corpus
from stochastic_music.errors import UsageError
from stochastic_music.pipeline.walking import walked
from stochastic_music.reports.inspection import Request, inspect
from stochastic_music.reports.inspection.walks import recorded
from stochastic_music.sampling.metropolis import Plan


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline(MelodyEncoding(), Markov(1)).fit(Corpus.from_text("4/4 c4 d e c c d e c e f g2 e4 f g2"))


@pytest.fixture(scope="module")
def walk(pipeline):
    return walked(pipeline, 2, n_chains=2, plan=Plan(steps=600), constraint=Length(4), seed=1)


def rows(found, key):
    return found.to_json()["tables"][key]["rows"]


def test_a_walk_is_told_with_its_diagnostics_and_drawn(walk):
    found, known = inspect(walk), walk.run.diagnostics
    assert (found.kind, found.facts["chains"], found.facts["steps"]) == ("walk", 2, 600)
    assert [row["name"] for row in rows(found, "quantities")] == [row.name for row in known.rows]
    assert rows(found, "quantities")[0]["mean"] == pytest.approx(known.rows[0].mean, abs=1e-6)
    assert {row["name"]: row["tried"] for row in rows(found, "proposals")} == {m.name: m.tried for m in known.proposals}
    figure = found.draw()
    assert len(figure.axes) == len(known.rows) + 1
    assert np.array_equal(figure.axes[0].lines[1].get_ydata(), walk.run.log_density[:, 1])
    assert inspect(walk.run).to_json() == found.to_json()


def test_what_was_written_of_a_run_is_read_again(pipeline, walk, tmp_path):
    _metropolis.write(pipeline, walk, tmp_path / "how", "m-s1", made_by="{}", force=False)
    record = recorded(tmp_path / "how")
    found = inspect(record)
    assert found.title == "m-s1: Metropolis, 600 steps"
    assert found.tables == inspect(walk).tables
    kept = record.traces.steps
    assert len(kept) == 250  # of 600
    assert kept[-1] == 600
    at = np.searchsorted(np.arange(1, 601), kept)
    assert record.traces.quantities["log density"] == pytest.approx(walk.run.log_density[at], abs=1e-4)
    assert len(found.draw().axes) == len(rows(found, "quantities")) + 1


def test_a_record_without_traces_is_told_without_a_picture(walk, tmp_path):
    file = tmp_path / "old-diagnostics.json"
    file.write_text(json.dumps({"schema": 1, **walk.run.diagnostics.to_json()}))
    assert inspect(recorded(file)).draw is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"chains": 2}', '"x"', "\x00"])
def test_other_files_are_no_records(text, tmp_path):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(UsageError, match="is no record of chains: expected the"):
        recorded(tmp_path / "x.json")


def test_records_whose_shapes_disagree_are_refused(walk, tmp_path):
    told = {**walk.run.diagnostics.to_json(), "traces": {"steps": [1, 2], "burn_in": 1, "quantities": {"x": [[1.0]]}}}
    (tmp_path / "x.json").write_text(json.dumps(told))
    with pytest.raises(UsageError, match="no record of chains"):
        recorded(tmp_path / "x.json")


def test_folders_hold_one_record(tmp_path):
    with pytest.raises(UsageError, match="it holds none"):
        recorded(tmp_path)
    for name in ("a", "b"):
        (tmp_path / f"{name}-diagnostics.json").write_text("{}")
    with pytest.raises(UsageError, match="several, a-diagnostics"):
        recorded(tmp_path)


def test_chains_have_no_contexts(walk):
    with pytest.raises(UsageError, match="--context goes with models"):
        inspect(walk, Request(context="C4"))
